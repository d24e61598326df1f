"""The nets of the default TF modules.

- `settings`: a model config with its defaults.
- `encoder`, `head`: Keras models from settings.
- `ActorCriticEncoder`: one encoder for both, or one for each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import tensorflow as tf

from rlmigrate.errors import ModuleError

_DEFAULTS: Mapping[str, Any] = {
    "fcnet_hiddens": (256, 256),
    "fcnet_activation": "tanh",
    "conv_filters": None,
    "conv_activation": "relu",
    "head_fcnet_hiddens": (),
    "head_fcnet_activation": "relu",
    "vf_share_layers": True,
    "free_log_std": False,
    "use_lstm": False,
    "lstm_cell_size": 256,
}


def settings(model_config: Any) -> dict[str, Any]:
    """Return the settings of a dict or DefaultModelConfig, with RLlib's defaults."""
    given: dict[str, Any] = {}
    if isinstance(model_config, Mapping):
        given = dict(model_config)
    elif dataclasses.is_dataclass(model_config) and not isinstance(model_config, type):
        given = dataclasses.asdict(model_config)
    return {**_DEFAULTS, **given}


def encoder(space: gym.Space[Any], config: Mapping[str, Any], *, name: str) -> tf.keras.Model:
    """Make a net for vectors or images; raises ModuleError for other observations."""
    shape = space.shape or ()
    if not isinstance(space, gym.spaces.Box) or len(shape) not in (1, 3):
        raise ModuleError(
            f"no default TF encoder for {space}; flatten it with a connector, or write setup()"
        )
    layers: list[Any] = [tf.keras.Input(shape=shape)]
    if len(shape) == 3:
        if not config["conv_filters"]:
            raise ModuleError(f"images of shape {shape}: set conv_filters in the model config")
        for number, (channels, kernel, stride, *padding) in enumerate(config["conv_filters"]):
            layers.append(
                tf.keras.layers.Conv2D(
                    channels,
                    kernel,
                    strides=stride,
                    padding=padding[0] if padding else "same",
                    activation=_activation(config["conv_activation"]),
                    name=f"conv_{number}",
                )
            )
        layers.append(tf.keras.layers.Flatten())
    layers += _dense(config["fcnet_hiddens"], config["fcnet_activation"])
    return tf.keras.Sequential(layers, name=name)


def head(
    width: int, outputs: int, config: Mapping[str, Any], *, name: str, last: str
) -> tf.keras.Model:
    """Make a net from features [B, width], or [B, T, width] of an LSTM, to `outputs` numbers."""
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=(None, width) if config["use_lstm"] else (width,)),
            *_dense(config["head_fcnet_hiddens"], config["head_fcnet_activation"]),
            tf.keras.layers.Dense(outputs, name=last),
        ],
        name=name,
    )


class GaussianHead(tf.keras.Model):
    """Means from features, and log standard deviations that are variables of their own."""

    def __init__(self, width: int, outputs: int, config: Mapping[str, Any], *, name: str) -> None:
        super().__init__(name=name)
        self.means = head(width, outputs, config, name="means", last="logits")
        self.log_std = self.add_weight(name="log_std", shape=(outputs,), initializer="zeros")

    def call(self, features: Any) -> Any:
        """Return means and log standard deviations: float32[B, 2 n]."""
        means = self.means(features)
        return tf.concat([means, tf.zeros_like(means) + self.log_std], axis=-1)


class ActorCriticEncoder(tf.keras.Model):
    """Features for the policy and for the value; one encoder serves both if shared."""

    def __init__(
        self, space: gym.Space[Any], config: Mapping[str, Any], *, shared: bool, actor_only: bool
    ) -> None:
        super().__init__(name="encoder")
        self.shared = shared
        self.critic_encoder: tf.keras.Model | None = None
        if shared:
            self.actor_encoder = encoder(space, config, name="encoder")
        else:
            self.actor_encoder = encoder(space, config, name="actor_encoder")
            if not actor_only:
                self.critic_encoder = encoder(space, config, name="critic_encoder")
        self.width = int(self.actor_encoder.output_shape[-1])

    def call(self, obs: Any) -> Any:
        """Return the policy's features."""
        return self.actor_encoder(obs)

    def critic(self, obs: Any) -> Any:
        """Return the value's features."""
        return self.actor_encoder(obs) if self.critic_encoder is None else self.critic_encoder(obs)


def _dense(sizes: Sequence[int], activation: Any) -> list[Any]:
    return [
        tf.keras.layers.Dense(size, activation=_activation(activation), name=f"dense_{number}")
        for number, size in enumerate(sizes)
    ]


def _activation(name: Any) -> Any:
    return None if name in (None, "linear") else name
