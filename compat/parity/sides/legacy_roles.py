"""What the old algorithms asked of a model: a policy's logits, DQN's Q-values, SAC's nets.

Models are built and asked by the old stack's own functions, Ray's or rlmigrate.legacy's.

PolicyRole, DqnRole, SacRole   the outputs of a model in each role
build_in_role                  a model of a class, with the heads that its algorithm put on it
role_of_instance               the role that a built model was made for
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol

import gymnasium as gym
import torch

from rlmigrate.compat.parity.arrays import Nested
from rlmigrate.compat.parity.role_settings import DQN_SETTINGS, SETTINGS, RoleName
from rlmigrate.errors import UsageError
from rlmigrate.new_stack.layers.q_settings import SAC_NET

_HOMES = {
    ("dqn", "ray"): ("ray.rllib.algorithms.dqn", "ray.rllib.algorithms.dqn.dqn_torch_policy"),
    ("sac", "ray"): ("ray.rllib.algorithms.sac", "ray.rllib.algorithms.sac.sac_torch_policy"),
    ("dqn", "builtin"): ("rlmigrate.legacy.config", "rlmigrate.legacy.policies.dqn_torch_policy"),
    ("sac", "builtin"): ("rlmigrate.legacy.config", "rlmigrate.legacy.policies.sac_torch_policy"),
}


class LegacyRole(Protocol):
    """How an algorithm asks a model."""

    @property
    def name(self) -> RoleName:
        """Which algorithm's."""
        ...

    @property
    def derived(self) -> frozenset[str]:
        """Outputs that follow from others, so that gradients of them say nothing new."""
        ...

    def outputs(
        self, model: Any, batch: Any, state: Sequence[Any], lengths: Any, actions: Nested
    ) -> tuple[dict[str, torch.Tensor], Sequence[Any]]:
        """Give outputs by path, and the state afterwards."""
        ...


class PolicyRole:
    """Distribution inputs and values."""

    name: RoleName = "policy"
    derived: frozenset[str] = frozenset()

    def outputs(
        self, model: Any, batch: Any, state: Sequence[Any], lengths: Any, actions: Nested
    ) -> tuple[dict[str, torch.Tensor], Sequence[Any]]:
        """Give dist_inputs, and value where the model has a value function."""
        logits, after = model(batch, state, lengths)
        found = {"dist_inputs": logits}
        try:
            value = model.value_function()
        except NotImplementedError:
            value = None
        if value is not None:
            found["value"] = value
        return found, after or []


@dataclass(frozen=True)
class DqnRole:
    """Q-values, as the old DQN's own `compute_q_values` gives them."""

    compute: Callable[..., Any]
    settings: Mapping[str, Any]
    name: RoleName = field(default="dqn", init=False)
    derived: frozenset[str] = field(default=frozenset(), init=False)

    def outputs(
        self, model: Any, batch: Any, state: Sequence[Any], lengths: Any, actions: Nested
    ) -> tuple[dict[str, torch.Tensor], Sequence[Any]]:
        """Give q_values, the best action, and q_probs where there are atoms."""
        policy = SimpleNamespace(config=self.settings)
        values, _, probs, after = self.compute(policy, model, batch, list(state), lengths)
        found = {"q_values": values, "deterministic_action": _best(values)}
        if self.settings["num_atoms"] > 1:
            found["q_probs"] = probs
        return found, after or []


class SacRole:
    """The policy's distribution inputs, and what the critics say of given actions."""

    name: RoleName = "sac"
    derived: frozenset[str] = frozenset({"q_values"})

    def outputs(
        self, model: Any, batch: Any, state: Sequence[Any], lengths: Any, actions: Nested
    ) -> tuple[dict[str, torch.Tensor], Sequence[Any]]:
        """Give dist_inputs, critic, twin_critic, and the smaller of both as q_values."""
        features, _ = model(batch, state, lengths)
        logits, after = _first(model.get_action_model_outputs(features), [])
        discrete = isinstance(model.action_space, gym.spaces.Discrete)
        taken = [] if discrete else [actions]
        found = {"dist_inputs": logits}
        if discrete:
            found["log_probs"] = self._log_softmax(logits)
            self.derived |= {"dist_inputs"}  # the learner gets no others
        nets = {"critic": model.get_q_values}
        if getattr(model, "twin_q_net", None) is not None:
            nets["twin_critic"] = model.get_twin_q_values
        for name, net in nets.items():
            value, _ = _first(net(features, *taken), None)
            found[name] = value if discrete else self._flat(value)
        critics = [found[name] for name in nets]
        found["q_values"] = critics[0] if len(critics) == 1 else self._smaller(*critics)
        return found, after

    def _log_softmax(self, logits: Any) -> Any:
        return logits.log_softmax(-1)

    def _smaller(self, one: Any, other: Any) -> Any:
        return torch.min(one, other)

    def _flat(self, value: Any) -> Any:
        return value.squeeze(-1)


def _first(answer: Any, rest: Any) -> tuple[Any, Any]:
    """Take `(value, state)`, or the value alone, as releases before 2.0 gave it."""
    return answer if isinstance(answer, tuple) else (answer, rest)


def _best(values: Any) -> Any:
    """Give the index of the largest value of each row, in torch or TF."""
    if isinstance(values, torch.Tensor):
        return values.argmax(dim=-1)
    import tensorflow as tf

    return tf.argmax(values, axis=-1)


def role_of_instance(model: Any, stack: str, config: Mapping[str, Any] | None) -> LegacyRole:
    """Tell for which algorithm a model was built; `config` is its policy's."""
    if hasattr(model, "get_action_model_outputs"):
        return SacRole()
    if hasattr(model, "get_q_value_distributions"):
        told = {"num_atoms": getattr(model, "num_atoms", 1), "dueling": model.dueling}
        given = {key: (config or {}).get(key, value) for key, value in told.items()}
        return DqnRole(_policy_module("dqn", stack).compute_q_values, {**DQN_SETTINGS, **given})
    return PolicyRole()


def build_in_role(
    cls: type,
    role: RoleName,
    *,
    stack: str,
    observation_space: gym.Space[Any],
    action_space: gym.Space[Any],
    model_config: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Any, Any, LegacyRole]:
    """Build a model as the old DQN or SAC did; give it, its distribution class and its role.

    `observation_space` is the preprocessed one; `settings` are the algorithm's own.
    """
    home = _policy_module(role, stack)
    settings = {**SETTINGS[role], **settings}
    plain = {**model_config, **SAC_NET, "custom_model": None, "custom_model_config": {}}
    for name in ("policy_model_config", "q_model_config"):
        if name in settings:
            settings[name] = {**plain, **settings[name]}
    whole = {**algorithm_config(role, stack), **settings, "framework": "torch"}
    whole["model"] = copy.deepcopy({**model_config, "custom_model": cls})
    policy = SimpleNamespace(config=whole, framework="torch")
    if role == "sac":
        model, dist_class = home.build_sac_model_and_action_dist(
            policy, observation_space, action_space, whole
        )
        return model, dist_class, SacRole()
    if not isinstance(action_space, gym.spaces.Discrete):
        raise UsageError(f"DQN needs a Discrete action space, not {action_space}")
    model, dist_class = home.build_q_model_and_distribution(
        policy, observation_space, action_space, whole
    )
    return model, dist_class, DqnRole(home.compute_q_values, settings)


def _policy_module(role: str, stack: str) -> Any:
    return importlib.import_module(_HOMES[role, stack][1])


def algorithm_config(role: str, stack: str) -> dict[str, Any]:
    """Give the old algorithm's whole config, as it was before anybody set anything."""
    home = importlib.import_module(_HOMES[role, stack][0])
    config = getattr(home, "DQNConfig" if role == "dqn" else "SACConfig")()
    if hasattr(config, "api_stack"):
        config.api_stack(
            enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
        )
    made: dict[str, Any] = config.to_dict()
    return made
