"""How an RLModule is asked, by the APIs that it has: a policy, DQN's Q-net, SAC's nets.

ModuleRole         outputs of the pass that carries gradients, and of all other passes
role_of_module     by QNetAPI's method, which a policy has not, and SAC's critic, which DQN has not
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import gymnasium as gym
import torch

from rlmigrate.compat.parity.arrays import map_leaves
from rlmigrate.compat.parity.role_settings import SETTINGS, RoleName
from rlmigrate.errors import ModuleError

#: Column names, the same text in all releases and in both stacks.
OBS, NEXT_OBS, ACTIONS = "obs", "new_obs", "actions"
DIST_INPUTS, EMBEDDINGS = "action_dist_inputs", "embeddings"
STATE_IN, STATE_OUT, SEQ_LENS = "state_in", "state_out", "seq_lens"
_WRAPPED = "rlmigrate.compat.wrap.module"
#: Where a phase is defined that does nothing but call `_forward`.
_GENERIC_HOMES = {
    "ray.rllib.core.rl_module.rl_module",
    "ray.rllib.core.rl_module.torch.torch_rl_module",
    "rlmigrate.new_stack.rl_module",
    "rlmigrate.new_stack.torch_rl_module",
    _WRAPPED,
}
Batch = dict[str, Any]


class ModuleRole:
    """A policy: the training pass with its values, and what the other phases give."""

    name: RoleName = "policy"

    def __init__(self, module: Any) -> None:
        self.module = module
        #: Called before each pass, so that a module that draws numbers draws the same ones.
        self.reseed: Callable[[], object] = lambda: None

    def settings(self) -> dict[str, Any]:
        """Give the algorithm's settings that the module was built with, for the old side."""
        config = getattr(self.module, "model_config", None)
        known = config if isinstance(config, Mapping) else vars(config) if config else {}
        return {key: known[key] for key in SETTINGS[self.name] if key in known}

    def own(self, name: str) -> bool:
        """Tell whether a parameter counts; copies of others do not."""
        return True

    def refresh(self) -> None:
        """Make copies of parameters follow the parameters."""

    def main(self, batch: Batch) -> Batch:
        """Run the training pass in eval mode, as the old side runs: dropout would draw.

        Ray's forward_train() puts the module into training mode; only a class's own is called.
        """
        home = str(getattr(getattr(type(self.module), "forward_train", None), "__module__", ""))
        generic = home in _GENERIC_HOMES
        forward = self.module._forward_train if generic else self.module.forward_train
        fwd = dict(forward(batch))
        found = {"dist_inputs": fwd[DIST_INPUTS]} if DIST_INPUTS in fwd else {}
        compute = getattr(self.module, "compute_values", None)
        value = compute(batch, embeddings=fwd.get(EMBEDDINGS)) if compute else None
        if value is not None:
            found["value"] = value
        return found | ({STATE_OUT: fwd[STATE_OUT]} if STATE_OUT in fwd else {})

    def others(self, batch: Batch, *, whole: bool) -> Batch:
        """Run the other phases; one that is the training pass by another name if `whole`."""
        found: Batch = {}
        for phase in ("inference", "exploration"):
            if whole or not {phase, "train"} <= self._generic:
                found |= self._phase(phase, batch)
        return found

    def _phase(self, phase: str, batch: Batch) -> Batch:
        self.reseed()
        result = getattr(self.module, f"forward_{phase}")(batch)
        found = {}
        if DIST_INPUTS in result:
            found[f"{phase}.dist_inputs"] = result[DIST_INPUTS]
        if ACTIONS in result and phase == "inference":
            found["deterministic_action"] = result[ACTIONS]
        return found

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


class _WithTargets(ModuleRole):
    """Keeps target networks equal to the networks; an instance is copied, and left as it was."""

    def __init__(self, module: Any, *, built: bool) -> None:
        super().__init__(module if built else copy.deepcopy(module))
        try:
            pairs = self.module.get_target_network_pairs()
        except (
            AttributeError,
            NotImplementedError,
            ModuleError,
        ):  # they are made for learning only
            pairs = []
        if not pairs:
            self.module.make_target_networks()
            pairs = self.module.get_target_network_pairs()
        self._pairs = pairs
        self._copies = self._copied()
        self.refresh()

    def _copied(self) -> set[str]:
        """Name the parameters of the targets."""
        targets = {id(parameter) for _, net in self._pairs for parameter in _tensors(net)}
        state = dict(_tensors_by_name(self.module))
        copies = {name for name, value in state.items() if id(value) in targets}
        # A wrapped SAC copies its whole model, of which the critics are targets.
        tops = {name.partition(".")[0] for name in copies if name.startswith("target_")}
        return copies | {name for name in state if name.partition(".")[0] in tops}

    def own(self, name: str) -> bool:
        """Leave the targets out."""
        return name not in self._copies

    def refresh(self) -> None:
        """Copy the networks into their targets."""
        for net, target in self._pairs:
            values = net.state_dict()  # more than the target's, where that is a part of the net
            target.load_state_dict({name: values[name] for name in target.state_dict()})


class DqnModule(_WithTargets):
    """Q-values of QNetAPI, of the targets and of the training pass; the greedy action."""

    name: RoleName = "dqn"

    def main(self, batch: Batch) -> Batch:
        """Give q_values, and q_probs where there are atoms."""
        return self._named(self.module.compute_q_values(batch))

    def _named(self, result: Mapping[str, Any], prefix: str = "") -> Batch:
        found = {
            f"{prefix}{path}": result[column]
            for path, column in (("q_values", "qf_preds"), ("q_probs", "qf_probs"))
            if column in result
        }
        return found | ({STATE_OUT: result[STATE_OUT]} if STATE_OUT in result else {})

    def others(self, batch: Batch, *, whole: bool) -> Batch:
        """Give what the targets, the training pass and inference say."""
        found = self._phase("inference", batch)
        self.reseed()
        target = self._named(self.module.forward_target(batch), "target.")
        found |= {path: value for path, value in target.items() if path != STATE_OUT}
        if self._noisy:
            return found  # the passes that the learner runs draw one noise after the other
        return found | self._training(batch)

    @cached_property
    def _noisy(self) -> bool:
        return any(type(part).__name__ == "NoisyLayer" for part in self.module.modules())

    def _training(self, batch: Batch) -> Batch:
        """Give what the learner gets; the next observations are these, the last one first."""
        turned = STATE_IN not in batch
        after = map_leaves(self._turned, batch[OBS]) if turned else batch[OBS]
        given = {**batch, NEXT_OBS: after}
        if not turned:
            given["next_state_in"] = batch[STATE_IN]
        result = self.module.forward_train(given)
        found = {"train.q_values": result["qf_preds"]}
        for path, column in (
            ("next.q_values", "qf_next_preds"),
            ("next.target.q_values", "qf_target_next_preds"),
        ):
            if column in result:
                found[path] = self._turned(result[column]) if turned else result[column]
        return found

    @staticmethod
    def _turned(leaf: Any) -> Any:
        """Put the last row first."""
        return leaf.flip(0)


class SacModule(_WithTargets):
    """The policy's distribution inputs, both critics, and the smaller of them."""

    name: RoleName = "sac"

    def main(self, batch: Batch) -> Batch:
        """Give what the learner gets for these observations and actions."""
        result = self.module.forward_train({**batch, NEXT_OBS: batch[OBS]})
        columns = {
            "dist_inputs": DIST_INPUTS,
            "log_probs": "action_log_probs",
            "critic": "qf_preds",
            "twin_critic": "qf_twin_preds",
        }
        return {path: result[name] for path, name in columns.items() if name in result}

    def others(self, batch: Batch, *, whole: bool) -> Batch:
        """Give the Q-values of both APIs, and the distribution inputs of the acting phases."""
        discrete = isinstance(self.module.action_space, gym.spaces.Discrete)
        asked = {OBS: batch[OBS]} if discrete else {OBS: batch[OBS], ACTIONS: batch[ACTIONS]}
        how = {"squeeze": False} if discrete else {}
        found: Batch = {}
        for path, compute in (
            ("q_values", self.module.compute_q_values),
            ("target.q_values", self.module.forward_target),
        ):
            self.reseed()
            found[path] = compute(dict(asked), **how)
        for phase in ("inference", "exploration"):
            found |= self._phase(phase, {OBS: batch[OBS]})
        if discrete:
            found["dist_inputs"] = found["inference.dist_inputs"]
        return found


def role_of_module(module: Any, *, built: bool) -> ModuleRole:
    """Tell how a module is asked; `built` says that it may be changed."""
    if not hasattr(module, "compute_q_values"):
        return ModuleRole(module)
    return (SacModule if hasattr(module, "qf") else DqnModule)(module, built=built)


def _tensors(net: torch.nn.Module) -> list[torch.Tensor]:
    return [*net.parameters(), *net.buffers()]


def _tensors_by_name(net: torch.nn.Module) -> list[tuple[str, torch.Tensor]]:
    return [*net.named_parameters(), *net.named_buffers()]
