"""A TFModelV2 as one side, of RLlib's old stack or of rlmigrate.legacy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.compat.parity.arrays import Array, Nested, select_rows, stack_rows
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.columns import Column
from rlmigrate.compat.parity.role_settings import NAMES
from rlmigrate.compat.parity.sides.alike import old_distribution
from rlmigrate.compat.parity.sides.columns import columns_of
from rlmigrate.compat.parity.sides.legacy_roles import LegacyRole, PolicyRole
from rlmigrate.compat.parity.sides.legacy_torch import catalog_of, stack_of, unbatch
from rlmigrate.compat.parity.sides.tf.tf_side import TfSide, paths, rebuilt, tensor
from rlmigrate.compat.parity.sides.torch_common import logit_segments
from rlmigrate.compat.wrap.inputs import LegacyInput
from rlmigrate.compat.wrap.tf.inputs import TfStateLayout


class LegacyTfSide(TfSide):
    """Runs a legacy TF model as the old Policy ran it when it acted, eagerly."""

    def __init__(
        self,
        model: Any,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        dist_class: Any = None,
        role: LegacyRole | None = None,
    ) -> None:
        super().__init__(model)
        self.model = model
        self.observation_space = observation_space
        self.action_space = action_space
        self.role = role or PolicyRole()
        self._stack = stack_of(type(model))
        catalog = catalog_of(self._stack)
        # What an algorithm added is no setting of a catalog.
        config = {k: v for k, v in (model.model_config or {}).items() if k not in NAMES}
        self.dist_class = dist_class
        if dist_class is None:
            self.dist_class, _ = catalog.get_action_dist(action_space, config, framework="tf")
        raw = bool(config.get("_disable_preprocessor_api"))
        self._preprocessor = (
            None if raw else catalog.get_preprocessor_for_space(observation_space, config)
        )
        acting = stack_rows([action_space.sample()])
        case = Case("one row", stack_rows([observation_space.sample()]), acting)
        self._network(case, self._tensors(case))  # some layers are built by their first call

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state."""
        return tuple(tuple(np.shape(part)) for part in self._layout.initial().values())

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the model reads beside its observation."""
        prep = self._preprocessor
        shape = self.observation_space.shape if prep is None else prep.shape
        return columns_of(self.model, tuple(shape or ()))

    @cached_property
    def _layout(self) -> TfStateLayout:
        return TfStateLayout(self.model)

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        return {
            **super().facts(),
            "stack": self._stack,
            "observation space": str(self.observation_space),
            "action space": str(self.action_space),
        }

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Find the categorical parts of the logits."""
        return logit_segments(self.action_space, width)

    def _observations(self, case: Case) -> Nested:
        """Preprocess row by row, as the old sampler did."""
        prep = self._preprocessor
        if prep is None or type(prep).__name__ == "NoPreprocessor":
            return case.obs
        rows = [select_rows(case.obs, slice(i, i + 1)) for i in range(case.rows)]
        single = [unbatch(row, self.observation_space) for row in rows]
        return stack_rows([np.asarray(prep.transform(row)) for row in single])

    def _inputs(self, case: Case) -> dict[str, Array]:
        given = paths(self._observations(case), "obs") | paths(case.actions, "actions")
        for name, value in case.extra:
            given[f"extra.{name}"] = np.asarray(value)
        if case.seq_lens is None and not self._layout:
            return given
        count = case.rows if case.seq_lens is None else len(case.seq_lens)
        starts = case.state
        if starts is None:
            starts = tuple(
                np.stack([np.asarray(part)] * count) for part in self._layout.initial().values()
            )
        given |= {f"state.{i}": np.asarray(part) for i, part in enumerate(starts)}
        lengths = np.ones(count) if case.seq_lens is None else case.seq_lens
        given["seq_lens"] = np.asarray(lengths, dtype=np.int32)
        return given

    def _tensors(self, case: Case) -> dict[str, Any]:
        return {name: tensor(value) for name, value in self._inputs(case).items()}

    def _forward(self, case: Case, tensors: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        batch = LegacyInput()
        for name, value in tensors.items():
            if name.startswith("extra."):
                batch[name.removeprefix("extra.")] = value
        flat = "obs" in tensors
        batch["obs"] = tensors["obs"] if flat else rebuilt(case.obs, "obs", tensors)
        batch["is_training"] = False
        state = [value for name, value in tensors.items() if name.startswith("state.")]
        lengths = tensors.get("seq_lens")
        if lengths is not None:
            batch["seq_lens"] = lengths
        taken = rebuilt(case.actions, "actions", tensors) if self.role.name == "sac" else None
        outputs, after = self.role.outputs(self.model, batch, list(state), lengths, taken)
        named = {name: tf.convert_to_tensor(value) for name, value in outputs.items()}
        return named, list(self._layout.to_dict(state, list(after)).values()) if state else []

    def _network(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        outputs, after = self._forward(case, tensors)
        return outputs | {f"state_out.{i}": part for i, part in enumerate(after)}

    def _pulled(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        outputs, _ = self._forward(case, tensors)
        return {name: v for name, v in outputs.items() if name not in self.role.derived}

    def _distribution(
        self, logits: Any, actions: Nested
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        return old_distribution(self.dist_class, self.model, logits, actions)
