"""An RLModule in torch as one side, of RLlib or of rlmigrate.new_stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.compat.parity.arrays import Array, Nested, leaves, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides import torch_common as common
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run
from rlmigrate.compat.parity.sides.drafts import KL_FROM, Draft, finish
from rlmigrate.compat.parity.sides.tf_weights import pair_keras, to_torch
from rlmigrate.errors import WeightsError

#: Column names, the same text in all releases and in both stacks.
OBS, DIST_INPUTS, EMBEDDINGS = "obs", "action_dist_inputs", "embeddings"
STATE_IN, STATE_OUT, SEQ_LENS = "state_in", "state_out", "seq_lens"
ACTIONS, ACTION_LOGP = "actions", "action_logp"
_WRAPPED = "rlmigrate.compat.wrap.module"
#: Where a phase is defined that does nothing but call `_forward`.
_GENERIC_HOMES = {
    "ray.rllib.core.rl_module.rl_module",
    "ray.rllib.core.rl_module.torch.torch_rl_module",
    "rlmigrate.new_stack.rl_module",
    "rlmigrate.new_stack.torch_rl_module",
    _WRAPPED,
}


class ModuleTorchSide:
    """Runs a torch RLModule on raw observations, in all three phases."""

    def __init__(
        self,
        module: Any,
        *,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        phases: tuple[str, ...] = ("inference", "exploration"),
    ) -> None:
        self.module = module
        self.observation_space = observation_space
        self.action_space = action_space
        self.phases = phases

    @property
    def label(self) -> str:
        """Qualified name of the class."""
        return f"{type(self.module).__module__}.{type(self.module).__qualname__}"

    @property
    def prefix(self) -> str:
        """Prefix under which a wrapped class keeps the old parameters; empty for others."""
        return str(getattr(type(self.module), "legacy_prefix", ""))

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state's leaves, in the order of the module's own dict."""
        return tuple(tuple(np.shape(leaf)) for leaf in leaves(self._initial_state()))

    def _initial_state(self) -> Nested:
        state = self.module.get_initial_state()
        return state if isinstance(state, Mapping) else {}

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        home = "ray" if _is_ray(type(self.module)) else "builtin"
        return {
            **common.torch_facts(self.module),
            "stack": home,
            "observation space": str(self.module.observation_space),
            "action space": str(self.module.action_space),
        }

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold the module in eval mode."""
        with common.evaluating(self.module):
            yield

    def parameters(self) -> dict[str, Array]:
        """Copy the state dict."""
        return common.state_arrays(self.module)

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        return frozenset(name for name, _ in self.module.named_parameters())

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters."""
        common.load_state(self.module, values)

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
        return dict(report.mapping)

    def _batch(self, case: Case, precision: Precision) -> dict[str, Any]:
        obs = common.tensors(case.obs, precision)
        batch: dict[str, Any] = {OBS: obs}
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

    def _train(self, batch: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Run the training pass in eval mode, as the old side runs: dropout would draw."""
        forward = self.module.forward_train
        if "train" in self._generic:
            forward = self.module._forward_train
        fwd = dict(forward(batch))
        compute = getattr(self.module, "compute_values", None)
        value = compute(batch, embeddings=fwd.get(EMBEDDINGS)) if compute else None
        return fwd, value

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case: the training pass with its values, then the other phases."""
        with torch.no_grad(), common.running(self.module, precision):
            draft = self._draft(case, precision, layers=layers)
            finish([draft], self._distribution, precision)
        return draft.run()

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Compute cases one by one; the distribution answers for all of them at once.

        A phase that is the training pass by another name runs once for each shape of batch.
        """
        made: list[Draft | Exception] = []
        seen: set[tuple[int, int]] = set()
        with torch.no_grad(), common.running(self.module, precision):
            for case in cases:
                shape = (case.rows, case.steps)
                try:
                    made.append(self._draft(case, precision, again=shape not in seen))
                except Exception as error:  # the user's own code may raise anything
                    made.append(error)
                seen.add(shape)
            finish([d for d in made if isinstance(d, Draft)], self._distribution, precision)
        return [item.run() if isinstance(item, Draft) else item for item in made]

    def _draft(
        self, case: Case, precision: Precision, *, layers: bool = False, again: bool = True
    ) -> Draft:
        draft = Draft(case, None)
        batch = self._batch(case, precision)
        sequences = STATE_IN in batch
        if layers:
            with common.tapped(self.module, self._old_name, draft.layers):
                fwd, value = self._train(batch)
        else:
            fwd, value = self._train(batch)
        if value is not None:
            draft.outputs["value"] = common.array(_merge(value, sequences))
        if STATE_OUT in fwd and sequences:
            for i, leaf in enumerate(leaves(_ordered(fwd[STATE_OUT], batch[STATE_IN]))):
                draft.outputs[f"state_out.{i}"] = common.array(leaf)
        logits = fwd.get(DIST_INPUTS)
        if logits is not None:
            draft.logits = _merge(logits, sequences)
            draft.outputs["dist_inputs"] = common.array(draft.logits)
        for phase in self.phases:
            if again or phase not in self._generic or "train" not in self._generic:
                self._phase(phase, batch, draft)
        return draft

    def _phase(self, phase: str, batch: dict[str, Any], draft: Draft) -> None:
        result = getattr(self.module, f"forward_{phase}")(batch)
        if DIST_INPUTS in result:
            merged = _merge(result[DIST_INPUTS], STATE_IN in batch)
            draft.outputs[f"{phase}.dist_inputs"] = common.array(merged)
        if ACTIONS in result and phase == "inference":
            draft.outputs.update(common.arrays(result[ACTIONS], "deterministic_action"))

    @cached_property
    def _generic(self) -> frozenset[str]:
        """Name the phases that all run one and the same code, since no class overrides them."""
        cls = type(self.module)

        def home(name: str) -> str:
            return str(getattr(getattr(cls, name, None), "__module__", ""))

        if home("_forward_train") == _WRAPPED and home("_forward") != _WRAPPED:
            return frozenset()  # a wrapped model's training pass does not go through _forward
        return frozenset(
            phase
            for phase in ("train", "inference", "exploration")
            if {home(f"forward_{phase}"), home(f"_forward_{phase}")} <= _GENERIC_HOMES
        )

    def _old_name(self, name: str) -> str:
        return name.removeprefix(self.prefix)

    def _distribution(
        self, logits: torch.Tensor, actions: Nested
    ) -> Iterator[tuple[str, Callable[[], Any]]]:
        def dist(inputs: torch.Tensor) -> Any:
            return self.module.get_train_action_dist_cls().from_logits(inputs)

        def best() -> Any:
            found = self.module.get_inference_action_dist_cls().from_logits(logits)
            return found.to_deterministic().sample()

        yield "logp", lambda: dist(logits).logp(actions)
        yield "entropy", lambda: dist(logits).entropy()
        yield "kl", lambda: dist(KL_FROM * logits).kl(dist(logits))
        yield "deterministic_action", best

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone."""
        return common.run_layer(self.module, layer, inputs, precision)

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Pull cotangents of logits and value back; inputs are the raw observations."""
        with common.running(self.module, precision), torch.enable_grad():
            batch = self._batch(case, precision)
            for leaf in leaves(batch[OBS]):
                if leaf.is_floating_point():
                    leaf.requires_grad_(True)
            fwd, value = self._train(batch)
            named = {}
            if DIST_INPUTS in fwd:
                named["dist_inputs"] = _merge(fwd[DIST_INPUTS], STATE_IN in batch)
            if value is not None:
                named["value"] = value.reshape(-1)
            return common.pull_back(self.module, named, batch[OBS], seed)


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
