"""RLlib's default convolutional network, as a Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.new_stack.layers.filters import filters_for
from rlmigrate.new_stack.layers.on_tf.activations import tf_activation
from rlmigrate.new_stack.layers.on_tf.initializers import tf_normc_initializer


class TfVisionNetwork(tf.keras.Model):
    """Convolutions over [B, H, W, C] images, with a policy head (`call`) and a value head.

    Reads `conv_filters`, `conv_activation`, `post_fcnet_hiddens`, `post_fcnet_activation`,
    `no_final_linear` and `vf_share_layers` from `model_config`.
    """

    def __init__(
        self, obs_space: gym.Space[Any], num_outputs: int | None, model_config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        filters = model_config.get("conv_filters") or filters_for(obs_space.shape or ())
        act = tf_activation(model_config.get("conv_activation", "relu"))
        post = list(model_config.get("post_fcnet_hiddens", []))
        post_act = tf_activation(model_config.get("post_fcnet_activation", "relu"))
        short = bool(model_config.get("no_final_linear", False)) and bool(num_outputs)

        inputs = tf.keras.layers.Input(shape=obs_space.shape, name="observations")
        out = self._same(inputs, filters[:-1], act, "conv{}")
        *_, (channels, kernel, stride) = filters
        last = "conv_out" if short else f"conv{len(filters)}"
        width = num_outputs if short and not post else channels
        out = features = self._conv(width, kernel, stride, last, act, "valid")(out)
        dense: list[int] = []
        if short and post:
            dense = [*post[:-1], int(num_outputs or 0)]
        elif num_outputs and not short:
            first_act = post_act if post else None
            width = post[0] if post else num_outputs
            out = self._conv(width, 1, 1, "conv_out", first_act)(out)
            if tuple(out.shape[1:3]) != (1, 1):
                raise ValueError(f"conv_filters end at {tuple(out.shape)}, expected [B, 1, 1, N]")
            features = out if post else features
            dense = [*post[1:], num_outputs] if post else []
        elif not num_outputs:
            out = features = tf.keras.layers.Flatten()(out)
            dense = post
        first = 0 if short or not num_outputs else 1
        for number, size in enumerate(dense, start=first):
            features = out
            # RLlib leaves the last one linear, but where the dense layers stand for the head.
            linear = first == 1 and number == len(dense)
            out = tf.keras.layers.Dense(
                int(size),
                name=f"post_fcnet_{number}",
                activation=None if linear else post_act,
                kernel_initializer=tf_normc_initializer(1.0),
            )(out)
        if not num_outputs:
            features = out
        *_, last_size = out.shape
        self.num_outputs = int(num_outputs or last_size or 0)
        if model_config.get("vf_share_layers", True):
            values = tf.keras.layers.Dense(
                1, name="value_out", kernel_initializer=tf_normc_initializer(0.01)
            )(features)
        else:
            branch = self._same(inputs, filters[:-1], act, "conv_value_{}")
            name = f"conv_value_{len(filters)}"
            branch = self._conv(channels, kernel, stride, name, act, "valid")(branch)
            values = self._conv(1, 1, 1, "conv_value_out", None)(branch)
        self.base_model = tf.keras.Model(inputs, [out, values])

    def _same(self, tensor: Any, filters: list[Any], act: Any, name: str) -> Any:
        for number, (channels, kernel, stride) in enumerate(filters, start=1):
            tensor = self._conv(channels, kernel, stride, name.format(number), act)(tensor)
        return tensor

    @staticmethod
    def _conv(
        channels: Any, kernel: Any, stride: Any, name: str, act: Any, padding: Any = "same"
    ) -> Any:
        return tf.keras.layers.Conv2D(
            int(channels), kernel, strides=stride, padding=padding, activation=act, name=name
        )

    def call(self, obs: Any) -> tf.Tensor:
        """obs: number[B, H, W, C] -> float32[B, num_outputs]."""
        out = self.base_model(tf.cast(obs, tf.float32))[0]
        return tf.squeeze(out, axis=[1, 2]) if len(out.shape) == 4 else out

    def value(self, obs: Any) -> tf.Tensor:
        """obs: number[B, H, W, C] -> float32[B]."""
        return tf.reshape(self.base_model(tf.cast(obs, tf.float32))[1], [-1])
