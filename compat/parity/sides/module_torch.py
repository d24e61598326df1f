"""An RLModule in torch as one side, of RLlib or of rlmigrate.new_stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.compat.parity.arrays import Array, Nested, leaves, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides import torch_common as common
from rlmigrate.compat.parity.sides.alike import KL_FROM, OfModule
from rlmigrate.compat.parity.sides.base import Precision
from rlmigrate.compat.parity.sides.drafts import Draft
from rlmigrate.compat.parity.sides.module_roles import (
    ACTIONS,
    OBS,
    SEQ_LENS,
    STATE_IN,
    STATE_OUT,
    role_of_module,
)
from rlmigrate.compat.parity.sides.tf_weights import pair_keras, to_torch
from rlmigrate.compat.parity.sides.torch_side import TorchSide, follow
from rlmigrate.errors import WeightsError


class ModuleTorchSide(OfModule, TorchSide):
    """Runs a torch RLModule on raw observations, in all phases and by all APIs of its role."""

    def __init__(
        self,
        module: Any,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        built: bool = False,
    ) -> None:
        self.role = role_of_module(module, built=built)
        self.module = self.role.module
        super().__init__(self.module)
        self.observation_space = observation_space
        self.action_space = action_space

    @property
    def prefix(self) -> str:
        """Prefix under which a wrapped class keeps the old parameters; empty for others."""
        return str(getattr(type(self.module), "legacy_prefix", ""))

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        home = "ray" if _is_ray(type(self.module)) else "builtin"
        return {
            **common.torch_facts(self.module),
            "stack": home,
            "observation space": str(self.module.observation_space),
            "action space": str(self.module.action_space),
        }

    def parameters(self) -> dict[str, Array]:
        """Copy the state dict, without target networks."""
        return {name: v for name, v in super().parameters().items() if self.role.own(name)}

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        return frozenset(name for name in super().trainable() if self.role.own(name))

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters; target networks follow."""
        super().load(values)
        self.role.refresh()

    def adopt(
        self, values: Mapping[str, Array], mapping: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Take over the old side's weights; return old name to new name of all that were copied.

        Layouts and the names of RLlib's default nets are known to transfer_weights; where it
        refuses because some do not fit, those that do are copied by name.
        """
        from rlmigrate.compat.weights import transfer_weights

        try:
            report = transfer_weights(
                dict(values), self.module, mapping=mapping, allow_unmatched=("*",)
            )
        except WeightsError:
            theirs = self.parameters()
            pairs = {name: (mapping or {}).get(name, f"{self.prefix}{name}") for name in values}
            fitting = {
                old: new
                for old, new in pairs.items()
                if new in theirs and theirs[new].shape == values[old].shape
            }
            self.load({new: values[old] for old, new in fitting.items()})
            return fitting
        if not report.mapping and (keras := pair_keras(values, self.parameters())):
            self.load({new: to_torch(old, values[old]) for old, new in keras.items()})
            return keras
        self.role.refresh()
        return dict(report.mapping)

    def _batch(self, case: Case, precision: Precision) -> dict[str, Any]:
        obs = common.tensors(case.obs, precision)
        batch: dict[str, Any] = {OBS: obs}
        if self.role.name == "sac":
            batch[ACTIONS] = common.tensors(case.actions, precision)
        for name, values in case.extra:
            batch[name] = common.tensor(values, precision)
        initial = self._initial_state()
        if case.seq_lens is None or not leaves(initial):
            return batch
        count, steps = len(case.seq_lens), case.steps
        batch = map_leaves(lambda leaf: leaf.reshape(count, steps, *leaf.shape[1:]), batch)
        given = iter(case.state or ())

        def start(leaf: Any) -> torch.Tensor:
            one = common.tensor(common.array(leaf), precision)
            if case.state is None:
                return torch.stack([one] * count)
            return common.tensor(next(given), precision).reshape(count, *one.shape)

        batch[STATE_IN] = map_leaves(start, initial)
        batch[SEQ_LENS] = torch.tensor(case.seq_lens, dtype=torch.int32)
        return batch

    def _draft(
        self, case: Case, precision: Precision, *, layers: bool = False, whole: bool = True
    ) -> Draft:
        draft = Draft(case, None)
        batch = self._batch(case, precision)
        sequences = STATE_IN in batch
        if layers:
            with common.tapped(self.module, self._old_name, draft.layers):
                main = self.role.main(batch)
        else:
            main = self.role.main(batch)
        state = main.pop(STATE_OUT, None)
        if state is not None and sequences:
            for i, leaf in enumerate(leaves(_ordered(state, batch[STATE_IN]))):
                draft.outputs[f"state_out.{i}"] = common.array(leaf)
        self.role.reseed = partial(common.seed_for, case)
        for path, value in (main | self.role.others(batch, whole=whole)).items():
            if path == "deterministic_action":
                actions = map_leaves(lambda leaf: _merge(leaf, sequences), value)
                draft.outputs.update(common.arrays(actions, path))
                continue
            merged = _merge(value, sequences)
            draft.outputs[path] = common.array(merged)
            if path == "dist_inputs":
                draft.logits = merged
        return draft

    def _old_name(self, name: str) -> str:
        return name.removeprefix(self.prefix)

    def _distribution(
        self, logits: torch.Tensor, actions: Nested
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        train = self.module.get_train_action_dist_cls

        @cache
        def dist() -> Any:
            return train().from_logits(logits)

        def best() -> Any:
            acting = self.module.get_inference_action_dist_cls()
            found = dist() if acting is train() else acting.from_logits(logits)
            return found.to_deterministic().sample()

        yield "logp", lambda: dist().logp(actions)
        yield "entropy", lambda: dist().entropy()
        yield "kl", lambda: train().from_logits(KL_FROM * logits).kl(dist())
        yield "deterministic_action", best

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give KL(old || new) row by row, in float64; None if the class has none."""
        try:
            made = self.module.get_train_action_dist_cls().from_logits
            wide = [made(torch.tensor(value, dtype=torch.float64)) for value in (old, new)]
            with torch.no_grad():
                return common.array(wide[0].kl(wide[1])).astype(np.float64)
        except Exception:  # a user's distribution may raise anything
            return None

    def _pulled(
        self, case: Case, precision: Precision
    ) -> tuple[Mapping[str, torch.Tensor], Nested]:
        """Inputs are the raw observations."""
        batch = self._batch(case, precision)
        follow(batch[OBS])
        main = self.role.main(batch)
        main.pop(STATE_OUT, None)
        return {path: _merge(v, STATE_IN in batch) for path, v in main.items()}, batch[OBS]


def _is_ray(cls: type) -> bool:
    return any(base.__module__.startswith("ray.rllib") for base in cls.__mro__)


def _merge(value: Any, sequences: bool) -> Any:
    """Merge the batch and time axes of a `[B, T, ...]` result."""
    return value.reshape(-1, *value.shape[2:]) if sequences and value.dim() >= 2 else value


def _ordered(state: Nested, like: Nested) -> Nested:
    """Put a state dict into the order of another one."""
    if isinstance(like, Mapping) and isinstance(state, Mapping):
        keys = [*like, *(key for key in state if key not in like)]
        return {key: _ordered(state[key], like.get(key)) for key in keys if key in state}
    return state
