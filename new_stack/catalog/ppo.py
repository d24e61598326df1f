"""PPO's catalog."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.catalog.catalog import Catalog
from rlmigrate.new_stack.catalog.pi_head import pi_head_config
from rlmigrate.new_stack.models.configs import ActorCriticEncoderConfig, MLPHeadConfig


class PPOCatalog(Catalog):
    """An actor-critic encoder, a policy head and a value head."""

    def __init__(self, observation_space: Any, action_space: Any, model_config_dict: Any) -> None:
        super().__init__(observation_space, action_space, model_config_dict)
        settings = self._model_config_dict
        self.actor_critic_encoder_config = ActorCriticEncoderConfig(
            base_encoder_config=self._encoder_config, shared=settings["vf_share_layers"]
        )
        self.pi_and_vf_head_hiddens = settings["head_fcnet_hiddens"]
        self.pi_and_vf_head_activation = settings["head_fcnet_activation"]
        self.pi_head_config: Any = None
        self.vf_head_config = MLPHeadConfig(
            input_dims=self.latent_dims,
            hidden_layer_dims=self.pi_and_vf_head_hiddens,
            hidden_layer_activation=self.pi_and_vf_head_activation,
            hidden_layer_use_layernorm=settings.get("head_fcnet_use_layernorm", False),
            output_layer_activation="linear",
            output_layer_dim=1,
        )

    def build_actor_critic_encoder(self, framework: str) -> Any:
        """Build the encoder of actor and critic."""
        return self.actor_critic_encoder_config.build(framework=framework)

    def build_encoder(self, framework: str) -> Any:
        """Raise NotImplementedError."""
        raise NotImplementedError("PPOCatalog: use build_actor_critic_encoder()")

    def build_pi_head(self, framework: str) -> Any:
        """Build the policy head."""
        self.pi_head_config = pi_head_config(
            self.get_action_dist_cls(framework=framework),
            self._model_config_dict,
            space=self.action_space,
            latent_dims=self.latent_dims,
            use_layernorm=self._model_config_dict.get("head_fcnet_use_layernorm", False),
        )
        return self.pi_head_config.build(framework=framework)

    def build_vf_head(self, framework: str) -> Any:
        """Build the value head."""
        return self.vf_head_config.build(framework=framework)
