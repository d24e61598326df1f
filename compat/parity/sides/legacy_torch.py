"""A TorchModelV2 as one side, of RLlib's old stack or of rlmigrate.legacy."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from rlmigrate.compat.parity.arrays import Nested, select_rows, stack_rows
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.columns import Column
from rlmigrate.compat.parity.sides import torch_common as common
from rlmigrate.compat.parity.sides.alike import old_distribution
from rlmigrate.compat.parity.sides.base import Precision, Tap
from rlmigrate.compat.parity.sides.columns import columns_of
from rlmigrate.compat.parity.sides.drafts import Draft
from rlmigrate.compat.parity.sides.legacy_roles import LegacyRole, PolicyRole
from rlmigrate.compat.parity.sides.torch_side import TorchSide, follow
from rlmigrate.compat.wrap.states import StateLayout

_HOMES = {"ray": "ray.rllib.models.catalog", "builtin": "rlmigrate.legacy.catalog"}
_BATCHES = {"ray": "ray.rllib.policy.sample_batch", "builtin": "rlmigrate.legacy.batches"}


class LegacyModel(Protocol):
    """What is used of a legacy model."""

    obs_space: gym.Space[Any]
    model_config: Mapping[str, Any]

    def __call__(self, input_dict: Any, state: Any = None, seq_lens: Any = None) -> Any: ...  # noqa: D102
    def value_function(self) -> Any: ...  # noqa: D102
    def get_initial_state(self) -> Any: ...  # noqa: D102


def stack_of(cls: type) -> str:
    """Tell whether a legacy class builds on RLlib ("ray") or on rlmigrate ("builtin")."""
    for base in cls.__mro__:
        if base.__module__.startswith("ray.rllib"):
            return "ray"
        if base.__module__.startswith("rlmigrate.legacy"):
            return "builtin"
    return "builtin"


def catalog_of(stack: str) -> Any:
    """Import the ModelCatalog of a stack."""
    return importlib.import_module(_HOMES[stack]).ModelCatalog


class LegacyTorchSide(TorchSide):
    """Runs a legacy torch model as the old Policy ran it, on raw observations."""

    def __init__(
        self,
        model: LegacyModel,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        dist_class: Any = None,
        role: LegacyRole | None = None,
    ) -> None:
        super().__init__(model)
        self.model: Any = model
        self.observation_space = observation_space
        self.action_space = action_space
        self.role = role or PolicyRole()
        self._stack = stack_of(type(model))
        catalog = catalog_of(self._stack)
        config = dict(model.model_config or {})
        self.dist_class = dist_class
        if dist_class is None:
            self.dist_class, _ = catalog.get_action_dist(action_space, config, framework="torch")
        self._raw = bool(config.get("_disable_preprocessor_api"))
        self._preprocessor = (
            None if self._raw else catalog.get_preprocessor_for_space(observation_space, config)
        )
        self._batch_class = importlib.import_module(_BATCHES[self._stack]).SampleBatch
        self._prepared: dict[int, tuple[Case, Nested]] = {}

    @property
    def label(self) -> str:
        """Qualified name of the user's class, without what the catalog mixed into it."""
        cls = type(self.model)
        own, mixed, _ = cls.__name__.partition("_as_")
        found = next((b for b in cls.__mro__ if mixed and b.__name__ == own), cls)
        return f"{found.__module__}.{found.__qualname__}"

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state."""
        return tuple(tuple(np.shape(part)) for part in self._initial_state())

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the model reads beside its observation."""
        prep = self._preprocessor
        shape = self.observation_space.shape if prep is None else prep.shape
        return columns_of(self.model, tuple(shape or ()))

    @cached_property
    def _layout(self) -> StateLayout:
        return StateLayout(self.model)

    def _initial_state(self) -> list[Any]:
        return list(self._layout.initial().values())

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        return {
            **common.torch_facts(self.model),
            "stack": self._stack,
            "observation space": str(self.observation_space),
            "action space": str(self.action_space),
        }

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold the model in eval mode."""
        with super().session():
            yield
        self._prepared.clear()

    def _observations(self, case: Case) -> Nested:
        """Preprocess row by row, as the old sampler did; kept for the session."""
        kept = self._prepared.get(id(case))
        if kept is not None:
            return kept[1]
        prep = self._preprocessor
        if prep is None or type(prep).__name__ == "NoPreprocessor":
            made = case.obs
        else:
            rows = [select_rows(case.obs, slice(i, i + 1)) for i in range(case.rows)]
            single = [unbatch(row, self.observation_space) for row in rows]
            made = stack_rows([np.asarray(prep.transform(row)) for row in single])
        self._prepared[id(case)] = (case, made)
        return made

    def _forward(
        self, case: Case, precision: Precision, *, grad: bool = False
    ) -> tuple[dict[str, torch.Tensor], list[Any], Nested]:
        """Give outputs by path, the state afterwards, and the observations they are of."""
        obs = common.tensors(self._observations(case), precision)
        if grad:
            follow(obs)
        columns: dict[str, Any] = {"obs": obs}
        for name, values in case.extra:
            columns[name] = common.tensor(values, precision)
        state: list[Any] = []
        lengths = None
        if case.seq_lens is not None:
            lengths = torch.tensor(case.seq_lens, dtype=torch.int32)
            state = self._state(case, precision)
        batch = self._batch_class(columns) if self._flat(obs) else columns
        actions = common.tensors(case.actions, precision) if self.role.name == "sac" else None
        outputs, state_out = self.role.outputs(self.model, batch, state, lengths, actions)
        after = list(self._layout.to_dict(state, list(state_out)).values()) if state else []
        return outputs, after, obs

    @staticmethod
    def _flat(obs: Nested) -> bool:
        return isinstance(obs, torch.Tensor)

    def _state(self, case: Case, precision: Precision) -> list[Any]:
        assert case.seq_lens is not None
        count = len(case.seq_lens)
        if case.state is not None:
            return [common.tensor(part, precision) for part in case.state]
        return [
            torch.stack([common.tensor(common.array(part), precision)] * count)
            for part in self._initial_state()
        ]

    def _draft(
        self, case: Case, precision: Precision, *, layers: bool = False, whole: bool = True
    ) -> Draft:
        taps: dict[str, Tap] = {}
        if layers:
            with common.tapped(self.model, lambda name: name, taps):
                outputs, state_out, _ = self._forward(case, precision)
        else:
            outputs, state_out, _ = self._forward(case, precision)
        draft = Draft(case, outputs.get("dist_inputs"), layers=taps)
        for path, value in outputs.items():
            draft.outputs[path] = common.array(value)
        for i, part in enumerate(state_out):
            draft.outputs[f"state_out.{i}"] = common.array(part)
        return draft

    @property
    def _merges(self) -> bool:
        """Tell whether the distribution works row by row; a user's own may ask the model."""
        home = getattr(self.dist_class, "func", self.dist_class).__module__
        return bool(home.startswith(("ray.rllib.models.", "rlmigrate.legacy.")))

    def _distribution(
        self, logits: torch.Tensor, actions: Nested
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        return old_distribution(self.dist_class, self.model, logits, actions)

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Find the categorical parts of the logits."""
        return common.logit_segments(self.action_space, width)

    def _pulled(
        self, case: Case, precision: Precision
    ) -> tuple[Mapping[str, torch.Tensor], Nested]:
        """Inputs are the preprocessed observations."""
        outputs, _, obs = self._forward(case, precision, grad=True)
        return {k: v for k, v in outputs.items() if k not in self.role.derived}, obs


def unbatch(row: Nested, space: gym.Space[Any]) -> Nested:
    """Turn a batch of one into what the environment would have returned."""
    if isinstance(space, spaces.Dict):
        return {key: unbatch(row[key], part) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(unbatch(row[i], part) for i, part in enumerate(space.spaces))
    if isinstance(space, spaces.Discrete):
        return int(row[0])
    return row[0]
