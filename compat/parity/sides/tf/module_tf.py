"""A TfRLModule as one side, native or wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import gymnasium as gym
import numpy as np
import tensorflow as tf

from rlmigrate.compat.parity.arrays import Array, Nested, leaves, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides.alike import KL_FROM, OfModule
from rlmigrate.compat.parity.sides.module_roles import (
    ACTIONS,
    DIST_INPUTS,
    OBS,
    SEQ_LENS,
    STATE_IN,
    STATE_OUT,
)
from rlmigrate.compat.parity.sides.tf.naming import pair_variables
from rlmigrate.compat.parity.sides.tf.roles import role_of_module
from rlmigrate.compat.parity.sides.tf.tf_side import (
    TfSide,
    paths,
    rebuilt,
    seed_of,
    tensor,
    tensor_paths,
)


class ModuleTfSide(OfModule, TfSide):
    """Runs a TfRLModule on raw observations, in all phases and by all APIs of its role."""

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
        self._takes_gradients = not self.prefix  # a wrapped one preprocesses in numpy
        one = map_leaves(lambda leaf: np.asarray(leaf)[None], observation_space.sample())
        lengths = np.ones(1, np.int32) if leaves(self._initial_state()) else None
        acting = map_leaves(lambda leaf: np.asarray(leaf)[None], action_space.sample())
        case = Case("one row", one, acting, lengths)
        tensors = {name: tensor(value) for name, value in self._inputs(case).items()}
        self._network(case, tensors)  # some layers are built by their first call

    @property
    def prefix(self) -> str:
        """Prefix under which a wrapped class keeps the old variables; empty for others."""
        return str(getattr(type(self.module), "legacy_prefix", "")).replace(".", "/")

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        return {
            **super().facts(),
            "stack": "builtin",
            "observation space": str(self.module.observation_space),
            "action space": str(self.module.action_space),
        }

    def parameters(self) -> dict[str, Array]:
        """Copy the variables, without those of target networks."""
        return {name: v for name, v in super().parameters().items() if self.role.own(name)}

    def trainable(self) -> frozenset[str]:
        """Name the learned variables."""
        return frozenset(name for name in super().trainable() if self.role.own(name))

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite variables; target networks follow."""
        super().load(values)
        self.role.refresh()

    def adopt(
        self, values: Mapping[str, Array], mapping: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Take over the old side's weights; return old name to new name of all that were copied."""
        pairs = pair_variables(values, self.parameters(), prefix=self.prefix, mapping=mapping)
        self.load({new: values[old] for old, new in pairs.items()})
        return pairs

    def _inputs(self, case: Case) -> dict[str, Array]:
        given = paths(case.obs, "obs") | paths(case.actions, "actions")
        for name, value in case.extra:
            given[f"extra.{name}"] = np.asarray(value)
        initial = leaves(self._initial_state())
        if case.seq_lens is None or not initial:
            return given
        count = len(case.seq_lens)
        starts = case.state or [np.stack([np.asarray(leaf)] * count) for leaf in initial]
        given |= {f"state.{i}": np.asarray(part) for i, part in enumerate(starts)}
        given["seq_lens"] = np.asarray(case.seq_lens, dtype=np.int32)
        return given

    def _batch(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        batch: dict[str, Any] = {OBS: rebuilt(case.obs, "obs", tensors)}
        if self.role.name == "sac":
            batch[ACTIONS] = rebuilt(case.actions, "actions", tensors)
        for name, value in tensors.items():
            if name.startswith("extra."):
                batch[name.removeprefix("extra.")] = value
        if "seq_lens" not in tensors:
            return batch
        lead = (int(tensors["seq_lens"].shape[0]), case.steps)
        batch = map_leaves(lambda leaf: tf.reshape(leaf, (*lead, *leaf.shape[1:])), batch)
        given = iter(value for name, value in tensors.items() if name.startswith("state."))
        batch[STATE_IN] = map_leaves(
            lambda leaf: tf.reshape(next(given), (lead[0], *np.shape(leaf))), self._initial_state()
        )
        batch[SEQ_LENS] = tensors["seq_lens"]
        return batch

    def _main(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run the training pass; a wrapped one as if it acted, for it tells the model to train."""
        if not self.prefix or self.role.name != "policy":
            return self.role.main(batch)
        forward = dict(self.module.forward_inference(batch))
        found = {"dist_inputs": forward[DIST_INPUTS]}
        if self.module.__dict__["_wrap_has_values"]:
            found["value"] = self.module.compute_values(batch)
        return found | ({STATE_OUT: forward[STATE_OUT]} if STATE_OUT in forward else {})

    def _network(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        batch = self._batch(case, tensors)
        sequences = STATE_IN in batch
        main = self._main(batch)
        found: dict[str, Any] = {}
        state = main.pop(STATE_OUT, None)
        if state is not None and sequences:
            for i, name in enumerate(_order(state, batch[STATE_IN])):
                found[f"state_out.{i}"] = tf.convert_to_tensor(state[name])
        self.role.reseed = partial(tf.random.set_seed, seed_of(case))
        for path, value in (main | self.role.others(batch, whole=True)).items():
            for name, leaf in tensor_paths(value, path):
                found[name] = _merge(leaf, sequences)
        return found

    def _pulled(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        batch = self._batch(case, tensors)
        main = self._main(batch)
        main.pop(STATE_OUT, None)
        return {path: _merge(value, STATE_IN in batch) for path, value in main.items()}

    def _old_name(self, name: str) -> str:
        return name.removeprefix(self.prefix)

    def _distribution(
        self, logits: Any, actions: Nested
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        made = self.module.get_train_action_dist_cls().from_logits
        acting = self.module.get_inference_action_dist_cls().from_logits

        @cache
        def dist() -> Any:
            return made(logits)

        yield "logp", lambda: dist().logp(actions)
        yield "entropy", lambda: dist().entropy()
        yield "kl", lambda: made(KL_FROM * logits).kl(dist())
        yield "deterministic_action", lambda: acting(logits).to_deterministic().sample()

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give KL(old || new) row by row; None if the class has none."""
        try:
            made = self.module.get_train_action_dist_cls().from_logits
            return np.array(made(tensor(old)).kl(made(tensor(new)))).astype(np.float64)
        except Exception:  # a user's distribution may raise anything
            return None


def _merge(value: Any, sequences: bool) -> Any:
    """Merge the batch and time axes of a `[B, T, ...]` result."""
    made = tf.convert_to_tensor(value)
    return tf.reshape(made, (-1, *made.shape[2:])) if sequences and len(made.shape) >= 2 else made


def _order(state: Mapping[str, Any], like: Mapping[str, Any]) -> list[str]:
    """Give the names of a state in the order of another one."""
    return [*like, *(key for key in state if key not in like)]
