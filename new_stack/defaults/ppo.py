"""PPO's default module."""

from __future__ import annotations

import abc
from typing import Any

from rlmigrate.new_stack.apis import InferenceOnlyAPI, ValueFunctionAPI
from rlmigrate.new_stack.catalog.catalog import as_dict
from rlmigrate.new_stack.catalog.ppo import PPOCatalog
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.actor_critic import TorchActorCriticEncoder
from rlmigrate.new_stack.models.base import ACTOR, CRITIC, ENCODER_OUT
from rlmigrate.new_stack.models.configs import RecurrentEncoderConfig
from rlmigrate.new_stack.recurrence import state_in
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class DefaultPPORLModule(RLModule, InferenceOnlyAPI, ValueFunctionAPI, abc.ABC):
    """The nets of PPO's module, in any framework: `encoder`, `pi` and `vf`."""

    encoder: Any
    pi: Any
    vf: Any

    def setup(self) -> None:
        """Build the nets from the catalog."""
        config = self.catalog.actor_critic_encoder_config
        if isinstance(config.base_encoder_config, RecurrentEncoderConfig):
            self.inference_only = False
        if self.inference_only and self.framework == "torch":
            config.inference_only = True
        self.encoder = self.catalog.build_actor_critic_encoder(framework=self.framework)
        self.pi = self.catalog.build_pi_head(framework=self.framework)
        self.vf = self.catalog.build_vf_head(framework=self.framework)

    def get_initial_state(self) -> Any:
        """Return the encoder's."""
        return (
            self.encoder.get_initial_state() if hasattr(self.encoder, "get_initial_state") else {}
        )

    def get_non_inference_attributes(self) -> list[str]:
        """List the value head, and the critic's encoder if it is its own."""
        shared = as_dict(self.model_config).get("vf_share_layers")
        return ["vf"] if shared else ["vf", "encoder.critic_encoder"]


class DefaultPPOTorchRLModule(TorchRLModule, DefaultPPORLModule):
    """PPO's module in torch.

    `forward_inference` and `forward_exploration` leave a stateless critic alone; Ray's run it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["catalog_class"] = kwargs.get("catalog_class") or PPOCatalog
        super().__init__(*args, **kwargs)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        encoder = self.encoder
        if type(encoder) is TorchActorCriticEncoder:
            features = encoder(batch, critic=False)[ENCODER_OUT]
            return {Columns.ACTION_DIST_INPUTS: self.pi(features[ACTOR])}
        return self._outputs(encoder(batch))

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self.encoder(batch)
        return {Columns.EMBEDDINGS: outs[ENCODER_OUT][CRITIC], **self._outputs(outs)}

    def _outputs(self, outs: dict[str, Any]) -> dict[str, Any]:
        result = {}
        if Columns.STATE_OUT in outs:
            result[Columns.STATE_OUT] = outs[Columns.STATE_OUT]
        result[Columns.ACTION_DIST_INPUTS] = self.pi(outs[ENCODER_OUT][ACTOR])
        return result

    def compute_values(self, batch: dict[str, Any], embeddings: Any | None = None) -> Any:
        """Compute the values, from the embeddings if they are given."""
        if embeddings is None:
            embeddings = self._critic_features(batch)
        return self.vf(embeddings).squeeze(-1)

    def _critic_features(self, batch: dict[str, Any]) -> Any:
        critic = getattr(self.encoder, "critic_encoder", None)
        if critic is None:
            return self.encoder(batch)[ENCODER_OUT][CRITIC]
        if self.is_stateful():
            batch = {**batch, Columns.STATE_IN: state_in(batch)[CRITIC]}
        return critic(batch)[ENCODER_OUT]
