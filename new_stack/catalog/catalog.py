"""The base of all catalogs."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import gymnasium as gym

from rlmigrate.new_stack.catalog.checks import warn_of_unread_keys
from rlmigrate.new_stack.layers.filters import filters_for
from rlmigrate.new_stack.models.config_dicts import as_plain_dict
from rlmigrate.new_stack.models.configs import (
    CNNEncoderConfig,
    MLPEncoderConfig,
    ModelConfig,
    RecurrentEncoderConfig,
)
from rlmigrate.new_stack.models.default_config import DefaultModelConfig


class Catalog:
    """Chooses encoder and action distribution by spaces and settings.

    Subclasses may override `build_encoder`, `_get_encoder_config`, `get_tokenizer_config`,
    `get_action_dist_cls` and `_get_dist_cls_from_action_space`.
    """

    # Settings beyond DefaultModelConfig's that a catalog or its module reads, with their defaults.
    extra_settings: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        model_config_dict: Any,
    ) -> None:
        self.observation_space = observation_space
        self.action_space = action_space
        defaults = vars(DefaultModelConfig()) | self.extra_settings
        given = as_dict(model_config_dict)
        warn_of_unread_keys(type(self).__name__, given, defaults.keys())
        self._model_config_dict: dict[str, Any] = defaults | given
        self._latent_dims: Any = None
        self._encoder_config: Any = None
        self._determine_components_hook()

    def _determine_components_hook(self) -> None:
        """Decide which config makes the encoder and of what size its features are."""
        self._encoder_config = self._get_encoder_config(
            observation_space=self.observation_space,
            action_space=self.action_space,
            model_config_dict=self._model_config_dict,
        )
        self.latent_dims = self._encoder_config.output_dims

    @property
    def latent_dims(self) -> Any:
        """The shape of the features."""
        return self._latent_dims

    @latent_dims.setter
    def latent_dims(self, value: Any) -> None:
        self._latent_dims = value

    def build_encoder(self, framework: str) -> Any:
        """Build the encoder."""
        return self._encoder_config.build(framework=framework)

    def get_action_dist_cls(self, framework: str) -> Any:
        """Return the class of the action distribution."""
        return self._get_dist_cls_from_action_space(self.action_space, framework=framework)

    @classmethod
    def _get_encoder_config(
        cls,
        observation_space: gym.Space[Any],
        model_config_dict: dict[str, Any],
        action_space: gym.Space[Any] | None = None,
    ) -> ModelConfig:
        if model_config_dict["use_lstm"]:
            return cls._lstm_config(observation_space, model_config_dict)
        if isinstance(observation_space, gym.spaces.Box):
            rank = len(observation_space.shape)
            if rank == 1:
                return _mlp_config(observation_space, model_config_dict)
            if rank == 3:
                return _cnn_config(observation_space, model_config_dict)
        raise ValueError(
            f"no default encoder for the observations {observation_space}: a Box of one "
            "dimension or an image (width, height, channels) is needed. Flatten it with the "
            "env-to-module connector FlattenObservations, or write an RLModule of your own"
        )

    @classmethod
    def _lstm_config(
        cls, space: gym.Space[Any], settings: dict[str, Any]
    ) -> RecurrentEncoderConfig:
        return RecurrentEncoderConfig(
            input_dims=space.shape,
            recurrent_layer_type="lstm",
            hidden_dim=settings["lstm_cell_size"],
            hidden_weights_initializer=settings["lstm_kernel_initializer"],
            hidden_weights_initializer_config=settings["lstm_kernel_initializer_kwargs"],
            hidden_bias_initializer=settings["lstm_bias_initializer"],
            hidden_bias_initializer_config=settings["lstm_bias_initializer_kwargs"],
            batch_major=True,
            num_layers=1,
            tokenizer_config=cls.get_tokenizer_config(space, settings),
        )

    @classmethod
    def get_tokenizer_config(
        cls, observation_space: gym.Space[Any], model_config_dict: dict[str, Any]
    ) -> ModelConfig:
        """Return the config of the net before a recurrent one."""
        return cls._get_encoder_config(
            observation_space=observation_space,
            model_config_dict={**model_config_dict, "use_lstm": False},
        )

    @classmethod
    def _get_dist_cls_from_action_space(
        cls, action_space: gym.Space[Any], *, framework: str | None = None
    ) -> Any:
        if framework is None:
            return None
        if framework == "tf2":
            from rlmigrate.new_stack.tf.distributions import dist_cls_for as tf_dist_cls_for

            return tf_dist_cls_for(action_space)
        if framework != "torch":
            raise ValueError(f"framework must be 'torch' or 'tf2', not {framework!r}")
        from rlmigrate.new_stack.distributions import dist_cls_for

        return dist_cls_for(action_space)


def as_dict(model_config: Any) -> dict[str, Any]:
    """Return settings as a dict, whether they are one, a dataclass or None."""
    if dataclasses.is_dataclass(model_config) and not isinstance(model_config, type):
        return as_plain_dict(model_config)
    settings: Any = model_config or {}
    return {key: settings[key] for key in settings}


def _mlp_config(space: gym.spaces.Box, settings: dict[str, Any]) -> MLPEncoderConfig:
    hiddens = list(settings["fcnet_hiddens"])
    hidden, last = (hiddens[:-1], hiddens[-1]) if hiddens else ([], None)
    weights = settings["fcnet_kernel_initializer"], settings["fcnet_kernel_initializer_kwargs"]
    biases = settings["fcnet_bias_initializer"], settings["fcnet_bias_initializer_kwargs"]
    return MLPEncoderConfig(
        input_dims=space.shape,
        hidden_layer_dims=hidden,
        hidden_layer_activation=settings["fcnet_activation"],
        hidden_layer_use_layernorm=settings.get("fcnet_use_layernorm", False),
        hidden_layer_weights_initializer=weights[0],
        hidden_layer_weights_initializer_config=weights[1],
        hidden_layer_bias_initializer=biases[0],
        hidden_layer_bias_initializer_config=biases[1],
        output_layer_dim=last,
        output_layer_activation=settings["fcnet_activation"],
        output_layer_use_layernorm=settings.get("fcnet_use_layernorm", False),
        output_layer_weights_initializer=weights[0],
        output_layer_weights_initializer_config=weights[1],
        output_layer_bias_initializer=biases[0],
        output_layer_bias_initializer_config=biases[1],
    )


def _cnn_config(space: gym.spaces.Box, settings: dict[str, Any]) -> CNNEncoderConfig:
    return CNNEncoderConfig(
        input_dims=space.shape,
        cnn_filter_specifiers=settings.get("conv_filters") or filters_for(space.shape),
        cnn_activation=settings["conv_activation"],
        cnn_kernel_initializer=settings["conv_kernel_initializer"],
        cnn_kernel_initializer_config=settings["conv_kernel_initializer_kwargs"],
        cnn_bias_initializer=settings["conv_bias_initializer"],
        cnn_bias_initializer_config=settings["conv_bias_initializer_kwargs"],
    )
