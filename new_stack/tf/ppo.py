"""PPO's default module in TF."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from rlmigrate.new_stack.apis import InferenceOnlyAPI, ValueFunctionAPI
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.recurrence import state_in
from rlmigrate.new_stack.tf.distributions import TfDiagGaussian
from rlmigrate.new_stack.tf.nets import ActorCriticEncoder, GaussianHead, head, settings
from rlmigrate.new_stack.tf.recurrent import StatefulActorCriticEncoder
from rlmigrate.new_stack.tf.tf_rl_module import TfRLModule


class DefaultPPOTfRLModule(TfRLModule, ValueFunctionAPI, InferenceOnlyAPI):
    """Encoder, policy head `pi` and value head `vf`; built without the critic for inference.

    With `use_lstm` batches are [B, T, ...] with STATE_IN, and the outputs have STATE_OUT.
    """

    def setup(self) -> None:
        """Make the nets from spaces and model config."""
        config = settings(self.model_config)
        space, shared = self.observation_space, config["vf_share_layers"]
        self.encoder: Any = (
            StatefulActorCriticEncoder(space, config, shared=shared)
            if config["use_lstm"]
            else ActorCriticEncoder(
                space, config, shared=shared, actor_only=bool(self.inference_only)
            )
        )
        dist_cls = self.get_train_action_dist_cls()
        outputs = dist_cls.required_input_dim(self.action_space)
        if config["free_log_std"] and issubclass(dist_cls, TfDiagGaussian):
            self.pi = GaussianHead(self.encoder.width, outputs // 2, config, name="pi")
        else:
            self.pi = head(self.encoder.width, outputs, config, name="pi", last="logits")
        self.vf = None
        if not self.inference_only:
            self.vf = head(self.encoder.width, 1, config, name="vf", last="value")

    def get_initial_state(self) -> dict[str, Any]:
        """Return the encoder's state before the first step; empty without `use_lstm`."""
        if not isinstance(self.encoder, StatefulActorCriticEncoder):
            return {}
        return self.encoder.get_initial_state()

    def get_non_inference_attributes(self) -> list[str]:
        """Name what only learning needs."""
        if self.encoder.shared or isinstance(self.encoder, StatefulActorCriticEncoder):
            return ["vf"]
        return ["vf", "encoder.critic_encoder"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if isinstance(self.encoder, StatefulActorCriticEncoder):
            outs = self._forward_train(batch)
            del outs[Columns.EMBEDDINGS]
            return outs
        return {Columns.ACTION_DIST_INPUTS: self.pi(self.encoder(batch[Columns.OBS]))}

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if isinstance(self.encoder, StatefulActorCriticEncoder):
            actor, critic, states = self.encoder.unroll(batch[Columns.OBS], state_in(batch))
            return {
                Columns.ACTION_DIST_INPUTS: self.pi(actor),
                Columns.STATE_OUT: states,
                Columns.EMBEDDINGS: critic,
            }
        features = self.encoder(batch[Columns.OBS])
        critic = features if self.encoder.shared else self.encoder.critic(batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: self.pi(features), Columns.EMBEDDINGS: critic}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Any:
        """Return state values: float32[B] or float32[B, T]; `embeddings` from `forward_train`."""
        if self.vf is None:
            raise RuntimeError(
                "compute_values on a module built with inference_only=True; it has no value head"
            )
        if embeddings is None:
            embeddings = (
                self._forward_train(batch)[Columns.EMBEDDINGS]
                if isinstance(self.encoder, StatefulActorCriticEncoder)
                else self.encoder.critic(batch[Columns.OBS])
            )
        return tf.squeeze(self.vf(embeddings), axis=-1)
