"""The default net for images, in TF."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from rlmigrate.legacy.models.tf.misc import apply, conv2d, dense
from rlmigrate.legacy.models.tf.tf_modelv2 import TFModelV2
from rlmigrate.legacy.models.utils import get_activation_fn, get_filter_config
from rlmigrate.legacy.types import ModelConfig, Tensor


class VisionNetwork(TFModelV2):
    """Convolutions down to one pixel, an optional dense stack, and heads.

    Reads `conv_filters`, `conv_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear` and `vf_share_layers`. Without `num_outputs` the flattened features are the
    output.
    """

    def __init__(
        self,
        obs_space: gym.Space[Any],
        action_space: gym.Space[Any],
        num_outputs: int | None,
        model_config: ModelConfig,
        name: str,
    ) -> None:
        import tensorflow as tf

        if not model_config.get("conv_filters"):
            filters = get_filter_config(obs_space.shape or ())
            model_config = {**model_config, "conv_filters": filters}
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.filters: list[Any] = model_config["conv_filters"]
        self.activation = get_activation_fn(model_config.get("conv_activation"), framework="tf")
        self.post_hiddens: list[int] = list(model_config.get("post_fcnet_hiddens", []))
        self.post_activation = get_activation_fn(
            model_config.get("post_fcnet_activation"), framework="tf"
        )
        self.last_layer_is_flattened = False

        inputs = tf.keras.layers.Input(shape=obs_space.shape, name="observations")
        trunk = self._convolve(inputs, self.filters[:-1], name="conv{}")
        if model_config.get("no_final_linear") and num_outputs:
            outputs, features = self._without_final_linear(trunk, num_outputs)
        else:
            trunk = self._last_convolution(trunk, name=f"conv{len(self.filters)}")
            if num_outputs:
                outputs, features = self._with_head(trunk, num_outputs)
            else:
                outputs = features = self._flattened(trunk)
                self.num_outputs = int(outputs.shape[1])
        values = (
            dense(1, name="value_out", std=0.01)(self._squeezed(features))
            if model_config.get("vf_share_layers")
            else self._value_branch(inputs)
        )
        self.base_model = tf.keras.Model(inputs, [outputs, values])
        self._value_out: Tensor = None

    def _convolve(self, tensor: Tensor, filters: list[Any], *, name: str) -> Tensor:
        for number, (channels, kernel, stride) in enumerate(filters, start=1):
            tensor = conv2d(
                channels,
                kernel,
                stride,
                name=name.format(number),
                padding="same",
                activation=self.activation,
            )(tensor)
        return tensor

    def _last_convolution(
        self, tensor: Tensor, *, name: str, channels: int | None = None
    ) -> Tensor:
        size, kernel, stride = self.filters[-1]
        return conv2d(
            channels or size,
            kernel,
            stride,
            name=name,
            padding="valid",
            activation=self.activation,
        )(tensor)

    def _without_final_linear(self, trunk: Tensor, num_outputs: int) -> tuple[Tensor, Tensor]:
        channels = None if self.post_hiddens else num_outputs
        last = features = self._last_convolution(trunk, name="conv_out", channels=channels)
        sizes = [*self.post_hiddens[:-1], num_outputs] if self.post_hiddens else []
        for number, size in enumerate(sizes):
            features = last
            last = dense(
                size, name=f"post_fcnet_{number}", activation=self.post_activation, std=1.0
            )(last)
        return last, features

    def _with_head(self, trunk: Tensor, num_outputs: int) -> tuple[Tensor, Tensor]:
        """Put 1x1 convolutions, then dense layers, on the last pixel."""
        if not self.post_hiddens:
            last = conv2d(num_outputs, [1, 1], 1, name="conv_out", padding="same")(trunk)
            self._check_one_pixel(last)
            return last, trunk
        last = conv2d(
            self.post_hiddens[0],
            [1, 1],
            1,
            name="conv_out",
            padding="same",
            activation=self.post_activation,
        )(trunk)
        self._check_one_pixel(last)
        features = last
        sizes = [*self.post_hiddens[1:], num_outputs]
        for number, size in enumerate(sizes, start=1):
            features = last
            activation = self.post_activation if number < len(sizes) else None
            last = dense(size, name=f"post_fcnet_{number}", activation=activation, std=1.0)(last)
        return last, features

    def _check_one_pixel(self, tensor: Tensor) -> None:
        if tuple(tensor.shape[1:3]) != (1, 1):
            raise ValueError(
                f"conv_filters {self.filters} leave images of {tuple(tensor.shape[1:3])} pixels, "
                "expected (1, 1); change kernels or strides"
            )

    def _flattened(self, trunk: Tensor) -> Tensor:
        import tensorflow as tf

        self.last_layer_is_flattened = True
        last = tf.keras.layers.Flatten(data_format="channels_last")(trunk)
        for number, size in enumerate(self.post_hiddens):
            last = dense(
                size, name=f"post_fcnet_{number}", activation=self.post_activation, std=1.0
            )(last)
        return last

    def _squeezed(self, features: Tensor) -> Tensor:
        return features if self.last_layer_is_flattened else _without_pixel_axes(features)

    def _value_branch(self, inputs: Tensor) -> Tensor:
        last = self._convolve(inputs, self.filters[:-1], name="conv_value_{}")
        last = self._last_convolution(last, name=f"conv_value_{len(self.filters)}")
        last = conv2d(1, [1, 1], 1, name="conv_value_out", padding="same")(last)
        return _without_pixel_axes(last)

    def forward(self, input_dict: Any, state: list[Any], seq_lens: Any) -> tuple[Tensor, list[Any]]:
        """Compute logits [B, num_outputs] from images [B, H, W, C]."""
        import tensorflow as tf

        outputs, self._value_out = self.base_model(tf.cast(input_dict["obs"], tf.float32))
        if not self.last_layer_is_flattened:
            outputs = tf.squeeze(outputs, axis=[1, 2])
        return outputs, state

    def value_function(self) -> Tensor:
        """Give the values [B] of the last forward pass."""
        import tensorflow as tf

        assert self._value_out is not None, "call forward() before value_function()"
        return tf.reshape(self._value_out, [-1])


def _without_pixel_axes(tensor: Tensor) -> Tensor:
    import tensorflow as tf

    return apply(lambda x: tf.squeeze(x, axis=[1, 2]), tensor, shape=(int(tensor.shape[-1]),))
