"""SAC's default module."""

from __future__ import annotations

import abc
from typing import Any

import gymnasium as gym
import torch
from torch import nn

from rlmigrate.new_stack.apis import (
    InferenceOnlyAPI,
    QNetAPI,
    TargetNetworkAPI,
    make_target_network,
)
from rlmigrate.new_stack.catalog.catalog import as_dict
from rlmigrate.new_stack.catalog.sac import SACCatalog
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.base import ENCODER_OUT
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.torch_rl_module import TorchRLModule

ACTION_DIST_INPUTS_NEXT = "action_dist_inputs_next"
ACTION_LOG_PROBS = "action_log_probs"
ACTION_LOG_PROBS_NEXT = "action_log_probs_next"
ACTION_PROBS = "action_probs"
ACTION_PROBS_NEXT = "action_probs_next"
QF_PREDS = "qf_preds"
QF_TARGET_NEXT = "q_target_next"
QF_TWIN_PREDS = "qf_twin_preds"


class DefaultSACRLModule(RLModule, InferenceOnlyAPI, TargetNetworkAPI, QNetAPI, abc.ABC):
    """The nets of SAC's module: `pi_encoder`, `pi`, `qf_encoder`, `qf` and the twins of those."""

    pi_encoder: Any
    pi: Any
    qf_encoder: Any
    qf: Any
    qf_twin_encoder: Any
    qf_twin: Any
    target_qf_encoder: Any
    target_qf: Any
    target_qf_twin_encoder: Any
    target_qf_twin: Any

    def setup(self) -> None:
        """Build the nets from the catalog; only the policy's where nothing is learned."""
        self.twin_q = (SACCatalog.extra_settings | as_dict(self.model_config))["twin_q"]
        catalog, framework = self.catalog, self.framework
        self.pi_encoder = catalog.build_encoder(framework=framework)
        if not self.inference_only:
            self.qf_encoder = catalog.build_qf_encoder(framework=framework)
            if self.twin_q:
                self.qf_twin_encoder = catalog.build_qf_encoder(framework=framework)
        self.pi = catalog.build_pi_head(framework=framework)
        if not self.inference_only:
            self.qf = catalog.build_qf_head(framework=framework)
            if self.twin_q:
                self.qf_twin = catalog.build_qf_head(framework=framework)

    def _net_names(self) -> list[str]:
        names = ["qf_encoder", "qf"]
        return [*names, "qf_twin_encoder", "qf_twin"] if self.twin_q else names

    def make_target_networks(self) -> None:
        """Copy the nets of the Q-values."""
        for name in self._net_names():
            setattr(self, f"target_{name}", make_target_network(getattr(self, name)))

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """List nets and copies."""
        return [(getattr(self, n), getattr(self, f"target_{n}")) for n in self._net_names()]

    def get_non_inference_attributes(self) -> list[str]:
        """List the nets of the Q-values and their copies."""
        return [f"{prefix}{name}" for name in self._net_names() for prefix in ("", "target_")]

    def get_initial_state(self) -> Any:
        """Return {}."""
        return {}


class DefaultSACTorchRLModule(TorchRLModule, DefaultSACRLModule):
    """SAC's module in torch, for Box and Discrete actions."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["catalog_class"] = kwargs.get("catalog_class") or SACCatalog
        super().__init__(*args, **kwargs)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features = self.pi_encoder(batch)[ENCODER_OUT]
        return {Columns.ACTION_DIST_INPUTS: self.pi(features)}

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if isinstance(self.action_space, gym.spaces.Discrete):
            return self._forward_train_discrete(batch)
        return self._forward_train_continuous(batch)

    def _forward_train_discrete(self, batch: dict[str, Any]) -> dict[str, Any]:
        now, then = {Columns.OBS: batch[Columns.OBS]}, {Columns.OBS: batch[Columns.NEXT_OBS]}
        result = {}
        probs_next = nn.functional.softmax(self._policy(then), dim=-1)
        result[ACTION_PROBS_NEXT] = probs_next
        result[ACTION_LOG_PROBS_NEXT] = probs_next.log()
        result[QF_TARGET_NEXT] = self.forward_target(then, squeeze=False)
        result[QF_PREDS] = self._q(now, self.qf_encoder, self.qf, squeeze=False)
        if self.twin_q:
            result[QF_TWIN_PREDS] = self._q(now, self.qf_twin_encoder, self.qf_twin, squeeze=False)
        probs = nn.functional.softmax(self._policy(now), dim=-1)
        result[ACTION_PROBS] = probs
        result[ACTION_LOG_PROBS] = probs.log()
        return result

    def _forward_train_continuous(self, batch: dict[str, Any]) -> dict[str, Any]:
        obs, next_obs = batch[Columns.OBS], batch[Columns.NEXT_OBS]
        taken = {Columns.OBS: obs, Columns.ACTIONS: batch[Columns.ACTIONS]}
        result = {QF_PREDS: self._q(taken, self.qf_encoder, self.qf)}
        if self.twin_q:
            result[QF_TWIN_PREDS] = self._q(taken, self.qf_twin_encoder, self.qf_twin)
        inputs = self._policy({Columns.OBS: obs})
        inputs_next = self._policy({Columns.OBS: next_obs})
        result[Columns.ACTION_DIST_INPUTS] = inputs
        result[ACTION_DIST_INPUTS_NEXT] = inputs_next
        dist_cls: Any = self.get_train_action_dist_cls()
        actions, result["logp_resampled"] = dist_cls.from_logits(inputs).rsample_and_logp()
        next_actions, next_logp = dist_cls.from_logits(inputs_next).sample_and_logp()
        result["logp_next_resampled"] = next_logp.detach()
        # The policy's loss must reach the policy through the actions, but not the Q-nets.
        q_parameters = [p for name in self._net_names() for p in getattr(self, name).parameters()]
        for parameter in q_parameters:
            parameter.requires_grad = False
        result["q_curr"] = self.compute_q_values({Columns.OBS: obs, Columns.ACTIONS: actions})
        for parameter in q_parameters:
            parameter.requires_grad = True
        upcoming = {Columns.OBS: next_obs, Columns.ACTIONS: next_actions.detach()}
        result[QF_TARGET_NEXT] = self.forward_target(upcoming).detach()
        return result

    def _policy(self, batch: dict[str, Any]) -> Any:
        return self.pi(self.pi_encoder(batch)[ENCODER_OUT])

    def compute_q_values(self, batch: dict[str, Any], squeeze: bool = True) -> Any:
        """Compute the lower of the Q-nets' values."""
        values = self._q(batch, self.qf_encoder, self.qf, squeeze=squeeze)
        if not self.twin_q:
            return values
        return torch.min(
            values, self._q(batch, self.qf_twin_encoder, self.qf_twin, squeeze=squeeze)
        )

    def forward_target(self, batch: dict[str, Any], squeeze: bool = True) -> Any:
        """Compute the same with the target networks."""
        values = self._q(batch, self.target_qf_encoder, self.target_qf, squeeze=squeeze)
        if not self.twin_q:
            return values
        twin = self._q(batch, self.target_qf_twin_encoder, self.target_qf_twin, squeeze=squeeze)
        return torch.min(values, twin)

    def _q(self, batch: dict[str, Any], encoder: Any, head: Any, *, squeeze: bool = True) -> Any:
        values = head(encoder(batch)[ENCODER_OUT])
        return values.squeeze(-1) if squeeze else values
