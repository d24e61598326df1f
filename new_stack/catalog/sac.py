"""SAC's catalog."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym

from rlmigrate.new_stack.catalog.catalog import Catalog
from rlmigrate.new_stack.catalog.pi_head import pi_head_config
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.distributions import TorchCategorical, TorchSquashedGaussian
from rlmigrate.new_stack.models.configs import (
    MLPEncoderConfig,
    MLPHeadConfig,
    MultiStreamEncoderConfig,
)


class SACCatalog(Catalog):
    """An encoder and a head for the policy, and for Q-values of observations and actions.

    Raises ValueError for action spaces other than Box and Discrete.
    """

    extra_settings: ClassVar[dict[str, Any]] = {"twin_q": True}

    def __init__(self, observation_space: Any, action_space: Any, model_config_dict: Any) -> None:
        super().__init__(observation_space, action_space, model_config_dict)
        self._distribution()
        settings = self._model_config_dict
        self.pi_and_qf_head_hiddens = settings["head_fcnet_hiddens"]
        self.pi_and_qf_head_activation = settings["head_fcnet_activation"]
        self.pi_head_config: Any = None
        is_discrete = isinstance(self.action_space, gym.spaces.Discrete)
        self.qf_head_config = MLPHeadConfig(
            input_dims=self.latent_dims,
            hidden_layer_dims=self.pi_and_qf_head_hiddens,
            hidden_layer_activation=self.pi_and_qf_head_activation,
            output_layer_activation="linear",
            output_layer_dim=int(self.action_space.n) if is_discrete else 1,  # type: ignore[attr-defined]
        )

    def build_qf_encoder(self, framework: str) -> Any:
        """Build the encoder before the Q-values: of observations, and of Box actions too."""
        if isinstance(self.action_space, gym.spaces.Discrete):
            return self.build_encoder(framework=framework)
        settings = self._model_config_dict
        self.qf_action_encoder_config = MLPEncoderConfig(
            input_dims=self.action_space.shape,
            hidden_layer_dims=settings["fcnet_hiddens"][:-1],
            hidden_layer_activation=settings["fcnet_activation"],
            output_layer_dim=self.latent_dims[0],
            output_layer_activation=settings["fcnet_activation"],
        )
        weights = settings["fusionnet_kernel_initializer"]
        weights_options = settings["fusionnet_kernel_initializer_kwargs"]
        biases = settings["fusionnet_bias_initializer"]
        biases_options = settings["fusionnet_bias_initializer_kwargs"]
        self.qf_encoder_config = MultiStreamEncoderConfig(
            base_encoder_configs={
                Columns.OBS: self._encoder_config,
                Columns.ACTIONS: self.qf_action_encoder_config,
            },
            hidden_layer_dims=settings["fusionnet_hiddens"],
            hidden_layer_activation=settings["fusionnet_activation"],
            hidden_layer_weights_initializer=weights,
            hidden_layer_weights_initializer_config=weights_options,
            hidden_layer_bias_initializer=biases,
            hidden_layer_bias_initializer_config=biases_options,
            output_layer_dim=self.latent_dims[0],
            output_layer_activation=settings["fusionnet_activation"],
            output_layer_weights_initializer=weights,
            output_layer_weights_initializer_config=weights_options,
            output_layer_bias_initializer=biases,
            output_layer_bias_initializer_config=biases_options,
        )
        return self.qf_encoder_config.build(framework=framework)

    def build_pi_head(self, framework: str) -> Any:
        """Build the policy head."""
        self.pi_head_config = pi_head_config(
            self.get_action_dist_cls(framework=framework),
            self._model_config_dict,
            space=self.action_space,
            latent_dims=self.latent_dims,
        )
        return self.pi_head_config.build(framework=framework)

    def build_qf_head(self, framework: str) -> Any:
        """Build the head of the Q-values."""
        return self.qf_head_config.build(framework=framework)

    def get_action_dist_cls(self, framework: str) -> Any:
        """Return TorchSquashedGaussian for Box, TorchCategorical for Discrete."""
        assert framework == "torch", framework
        return self._distribution()

    def _distribution(self) -> Any:
        if isinstance(self.action_space, gym.spaces.Box):
            return TorchSquashedGaussian
        if isinstance(self.action_space, gym.spaces.Discrete):
            return TorchCategorical
        raise ValueError(f"SAC serves Box and Discrete actions, not {self.action_space}")
