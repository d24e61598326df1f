"""DQN's default module: dueling, double and distributional."""

from __future__ import annotations

import abc
from typing import Any

import torch
import tree
from torch import nn

from rlmigrate.new_stack.apis import (
    InferenceOnlyAPI,
    QNetAPI,
    TargetNetworkAPI,
    make_target_network,
)
from rlmigrate.new_stack.catalog.catalog import as_dict
from rlmigrate.new_stack.catalog.dqn import DQNCatalog
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.defaults.schedule import Schedule
from rlmigrate.new_stack.models.base import ENCODER_OUT
from rlmigrate.new_stack.rl_module import RLModule
from rlmigrate.new_stack.torch_rl_module import TorchRLModule

ATOMS = "atoms"
QF_LOGITS = "qf_logits"
QF_NEXT_PREDS = "qf_next_preds"
QF_PREDS = "qf_preds"
QF_PROBS = "qf_probs"
QF_TARGET_NEXT_PREDS = "qf_target_next_preds"
QF_TARGET_NEXT_PROBS = "qf_target_next_probs"


class DefaultDQNRLModule(RLModule, InferenceOnlyAPI, TargetNetworkAPI, QNetAPI, abc.ABC):
    """The nets of DQN's module: `encoder`, `af` and, if dueling, `vf`."""

    encoder: Any
    af: Any
    vf: Any

    def setup(self) -> None:
        """Build the nets from the catalog."""
        settings = DQNCatalog.extra_settings | as_dict(self.model_config)
        self.uses_dueling = settings["dueling"]
        self.uses_double_q = settings["double_q"]
        self.num_atoms = settings["num_atoms"]
        self.v_min = settings["v_min"]
        self.v_max = settings["v_max"]
        self.epsilon_schedule = Schedule(settings["epsilon"])
        self.encoder = self.catalog.build_encoder(framework=self.framework)
        self.af = self.catalog.build_af_head(framework=self.framework)
        if self.uses_dueling:
            self.vf = self.catalog.build_vf_head(framework=self.framework)

    def get_initial_state(self) -> Any:
        """Return the encoder's."""
        return (
            self.encoder.get_initial_state() if hasattr(self.encoder, "get_initial_state") else {}
        )

    def get_non_inference_attributes(self) -> list[str]:
        """List the target networks."""
        return [f"_target_{name}" for name in self._net_names()]

    def make_target_networks(self) -> None:
        """Copy the nets."""
        for name in self._net_names():
            setattr(self, f"_target_{name}", make_target_network(getattr(self, name)))

    def get_target_network_pairs(self) -> list[tuple[Any, Any]]:
        """List nets and copies."""
        return [(getattr(self, n), getattr(self, f"_target_{n}")) for n in self._net_names()]

    def _net_names(self) -> list[str]:
        return ["encoder", "af", "vf"] if self.uses_dueling else ["encoder", "af"]

    def _heads(self, prefix: str = "") -> Any:
        advantages = getattr(self, f"{prefix}af")
        if not self.uses_dueling:
            return advantages
        return {"af": advantages, "vf": getattr(self, f"{prefix}vf")}

    def compute_q_values(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Compute `qf_preds`: float[B, actions]."""
        return self._qf_forward_helper(batch, self.encoder, self._heads())

    def forward_target(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Compute the same with the target networks."""
        encoder = self._target_encoder  # type: ignore[attr-defined]
        return self._qf_forward_helper(batch, encoder, self._heads("_target_"))

    @abc.abstractmethod
    def _qf_forward_helper(self, batch: dict[str, Any], encoder: Any, head: Any) -> dict[str, Any]:
        """Compute Q-values with the given nets."""


class DefaultDQNTorchRLModule(TorchRLModule, DefaultDQNRLModule):
    """DQN's module in torch; it chooses actions itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["catalog_class"] = kwargs.get("catalog_class") or DQNCatalog
        super().__init__(*args, **kwargs)

    @torch.no_grad()
    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self.compute_q_values(batch)
        return _with_state(outs, {Columns.ACTIONS: self._best(outs)})

    @torch.no_grad()
    def _forward_exploration(
        self, batch: dict[str, Any], t: int = 0, **kwargs: Any
    ) -> dict[str, Any]:
        """Act greedily, or at random as often as the schedule says for timestep `t`."""
        outs = self.compute_q_values(batch)
        best, values = self._best(outs), outs[QF_PREDS]
        self.epsilon_schedule.update(t)
        allowed = torch.nan_to_num(values.reshape(-1, values.size(-1)), neginf=0.0) != 0.0
        random = torch.multinomial(allowed.float(), num_samples=1).reshape(best.shape)
        explores = torch.rand((best.shape[0],), device=random.device)
        explores = explores.reshape(-1, *(1,) * (best.dim() - 1))
        epsilon = self.epsilon_schedule.get_current_value()
        actions = torch.where(explores < epsilon, random, best)
        return _with_state(outs, {Columns.ACTIONS: actions})

    def _best(self, outs: dict[str, Any]) -> torch.Tensor:
        dist = self.get_exploration_action_dist_cls().from_logits(outs[QF_PREDS])
        best: torch.Tensor = dist.to_deterministic().sample()
        return best

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        state, next_state = batch.get(Columns.STATE_IN), batch.get(Columns.NEXT_STATE_IN)
        now = {Columns.OBS: batch[Columns.OBS]}
        if self.uses_double_q:
            now[Columns.OBS] = _stack(batch[Columns.OBS], batch[Columns.NEXT_OBS])
        if state is not None:
            now[Columns.STATE_IN] = _stack(state, next_state) if self.uses_double_q else state
        then = {Columns.OBS: batch[Columns.NEXT_OBS]}
        if next_state is not None:
            then[Columns.STATE_IN] = next_state
        outs, target = self.compute_q_values(now), self.forward_target(then)
        result = {}
        if self.uses_double_q:
            result[QF_PREDS], result[QF_NEXT_PREDS] = torch.chunk(outs[QF_PREDS], chunks=2, dim=0)
        else:
            result[QF_PREDS] = outs[QF_PREDS]
        result[QF_TARGET_NEXT_PREDS] = target[QF_PREDS]
        if self.num_atoms > 1:
            result[ATOMS] = target[ATOMS]
            result[QF_LOGITS] = outs[QF_LOGITS]
            result[QF_PROBS] = outs[QF_PROBS]
            result[QF_TARGET_NEXT_PROBS] = target[QF_PROBS]
        if Columns.STATE_OUT in target:
            result[Columns.NEXT_STATE_OUT] = target[Columns.STATE_OUT]
        return _with_state(outs, result)

    def compute_advantage_distribution(self, batch: Any) -> dict[str, Any]:
        """Compute atoms, logits and probabilities per action from a head's outputs."""
        steps = torch.arange(0.0, self.num_atoms, dtype=torch.float32, device=batch.device)
        atoms = self.v_min + steps * (self.v_max - self.v_min) / float(self.num_atoms - 1)
        logits = batch.reshape(*batch.shape[:-1], self.action_space.n, self.num_atoms)
        return {ATOMS: atoms, "logits": logits, "probs": nn.functional.softmax(logits, dim=-1)}

    def _qf_forward_helper(self, batch: dict[str, Any], encoder: Any, head: Any) -> dict[str, Any]:
        outs = encoder(batch)
        features = outs[ENCODER_OUT]
        scores = (head["af"] if self.uses_dueling else head)(features)
        values = head["vf"](features) if self.uses_dueling else None
        if self.num_atoms > 1:
            result = self._distributional(scores, values)
        elif values is None:
            result = {QF_PREDS: scores}
        else:
            # Masked actions have advantages of -inf, which must not count for the mean.
            mean = torch.nan_to_num(scores, neginf=torch.nan).nanmean(dim=-1, keepdim=True)
            result = {QF_PREDS: scores - mean + values}
        return _with_state(outs, result)

    def _distributional(self, scores: Any, values: Any) -> dict[str, Any]:
        dist = self.compute_advantage_distribution(scores)
        logits, probs = dist["logits"], dist["probs"]
        if values is not None:
            logits = logits - logits.mean(dim=-1, keepdim=True)
            logits = logits + values.reshape(*values.shape[:-1], 1, 1)
            probs = nn.functional.softmax(logits, dim=-1)
        return {
            ATOMS: dist[ATOMS],
            QF_PREDS: torch.sum(dist[ATOMS] * probs, dim=-1),
            QF_LOGITS: logits,
            QF_PROBS: probs,
        }


def _with_state(outs: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    if Columns.STATE_OUT in outs:
        result[Columns.STATE_OUT] = outs[Columns.STATE_OUT]
    return result


def _stack(first: Any, second: Any) -> Any:
    return tree.map_structure(lambda x, y: torch.cat([x, y], dim=0), first, second)
