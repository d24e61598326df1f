"""Encoders for actor and critic."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.base import ACTOR, CRITIC, ENCODER_OUT, Encoder, TorchModel
from rlmigrate.new_stack.recurrence import state_in


class ActorCriticEncoder(Encoder):
    """The base of these encoders."""


class TorchActorCriticEncoder(TorchModel, ActorCriticEncoder):
    """One encoder for both, or one for each; without a state.

    Called with `critic=False` it leaves the critic's features out, which acting does not need.
    """

    framework = "torch"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        base = config.base_encoder_config
        if config.shared:
            self.encoder = base.build(framework="torch")
        else:
            self.actor_encoder = base.build(framework="torch")
            self.critic_encoder = None
            if not config.inference_only:
                self.critic_encoder = base.build(framework="torch")

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        with_critic = kwargs.pop("critic", True) and not self.config.inference_only
        if self.config.shared:
            features = self.encoder(inputs, **kwargs)[ENCODER_OUT]
            out = {ACTOR: features}
            if with_critic:
                out[CRITIC] = features
            return {ENCODER_OUT: out}
        out = {ACTOR: self.actor_encoder(inputs, **kwargs)[ENCODER_OUT]}
        if with_critic and self.critic_encoder is not None:
            out[CRITIC] = self.critic_encoder(inputs, **kwargs)[ENCODER_OUT]
        return {ENCODER_OUT: out}


class StatefulActorCriticEncoder(Encoder):
    """The base of these encoders with a state."""


class TorchStatefulActorCriticEncoder(TorchModel, StatefulActorCriticEncoder):
    """One recurrent encoder for both, or one for each, whose states are under `actor` and `critic`.

    The critic runs even when acting, as its state is needed for the values of later steps.
    """

    framework = "torch"

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        base = config.base_encoder_config
        if config.shared:
            self.encoder = base.build(framework="torch")
        else:
            self.actor_encoder = base.build(framework="torch")
            self.critic_encoder = base.build(framework="torch")

    def get_initial_state(self) -> dict[str, Any]:
        """Return the encoder's state, or those of both."""
        if self.config.shared:
            state: dict[str, Any] = self.encoder.get_initial_state()
            return state
        return {
            ACTOR: self.actor_encoder.get_initial_state(),
            CRITIC: self.critic_encoder.get_initial_state(),
        }

    def _forward(self, inputs: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if self.config.shared:
            outs = self.encoder(inputs, **kwargs)
            features = outs[ENCODER_OUT]
            return {
                ENCODER_OUT: {ACTOR: features, CRITIC: features},
                Columns.STATE_OUT: outs[Columns.STATE_OUT],
            }
        states = state_in(inputs)
        outs = {
            name: encoder({**inputs, Columns.STATE_IN: states[name]}, **kwargs)
            for name, encoder in ((ACTOR, self.actor_encoder), (CRITIC, self.critic_encoder))
        }
        return {
            key: {n: out[key] for n, out in outs.items()}
            for key in (ENCODER_OUT, Columns.STATE_OUT)
        }
