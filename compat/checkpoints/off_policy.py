"""The new module that computes what an old default net of DQN or SAC computed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from rlmigrate.compat.checkpoints.defaults import Plan, against_observations, plain_config
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.weights.dqn_net import dqn_net_pairs, unused_in_dqn
from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS

_SAC_SETTINGS = ("twin_q", "initial_alpha", "target_entropy", "normalize_actions")
_SAC_NETS = ("policy_model_config", "q_model_config")
# The schedule of epsilon is the old exploration config's, in a form of its own.
_DQN_SETTINGS = tuple(name for name in Q_SETTINGS if name != "epsilon")


def plan_dqn(policy: OldPolicy) -> Plan:
    """Choose RLlib's new DQN module, or the old model with DQN's heads, wrapped."""
    old = policy.config
    settings = {key: old[key] for key in _DQN_SETTINGS if old.get(key) is not None}
    wrapped = {**plain_config(policy.model_config), **settings}
    reason = against_observations(policy) or _against_default_dqn(policy)
    if reason:
        return Plan("wrapped", "dqn", wrapped, (f"kept as the old model with Q-heads: {reason}",))
    nets = policy.model_config
    config = {
        "fcnet_hiddens": _widths(policy, r"_hidden_layers\.(\d+)\._model\.0\.weight"),
        "fcnet_activation": nets.get("fcnet_activation", "tanh"),
        "head_fcnet_hiddens": _widths(policy, r"advantage_module\.dueling_A_(\d+)\..*weight"),
        "head_fcnet_activation": old.get("dueling_activation", "relu"),
        "dueling": True,
        "double_q": bool(old.get("double_q", True)),
        "num_atoms": 1,
        "v_min": old.get("v_min", -10.0),
        "v_max": old.get("v_max", 10.0),
        "epsilon": [(0, 1.0), (10000, 0.05)],
        "std_init": 0.5,
    }
    notes = ["epsilon starts anew, at the new stack's default schedule: set it in model_config"]
    if not nets:
        notes.append("no model config in the checkpoint; activation taken as tanh")
    return Plan("default", "dqn", config, tuple(notes))


def _against_default_dqn(policy: OldPolicy) -> str:
    """Say why the new default module would not compute the same; empty if it would."""
    names = set(policy.weights)
    new = {"af.net.mlp.0.weight"}
    known = {name for name, _ in dqn_net_pairs(names, new) or ()} | unused_in_dqn(names)
    if strange := sorted(names - known):
        return f"parameters that the new default net has not: {strange[:4]}"
    if not any(name.startswith("value_module.") for name in names):
        return "without dueling the new default module has another head"
    if int(policy.config.get("num_atoms") or 1) > 1:
        return "the heads of distributional Q-learning are laid out otherwise"
    if not any(name.startswith("_hidden_layers.") for name in names):
        return "the new default net has at least one hidden layer"
    if not any("dueling_A_" in name for name in names):
        return "hiddens=[] has no counterpart"
    return ""


def plan_sac(policy: OldPolicy) -> Plan:
    """Choose the old SAC model, wrapped: the new default's critics are built otherwise."""
    old = policy.config
    custom = [key for key in _SAC_NETS if _model_of(old, key).get("custom_model")]
    if custom:
        return Plan("none", "sac", {}, (f"{custom[0]} names a custom model; pass the class",))
    config = {
        **plain_config(policy.model_config),
        **{key: old[key] for key in _SAC_SETTINGS if old.get(key) is not None},
        **{key: _settings_of_net(_model_of(old, key)) for key in _SAC_NETS},
    }
    same = isinstance(policy.action_space, gym.spaces.Discrete)
    reason = (
        "the new default policy and critics come from one config, the old ones from two"
        if same
        else "the new default critics encode observations and actions apart"
    )
    return Plan("wrapped", "sac", config, (f"kept as the old SAC model: {reason}",))


def _model_of(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}


def _settings_of_net(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keep defaults too, which stand above the model's config."""
    plain = (str, int, float, list, tuple, dict)
    return {name: value for name, value in config.items() if isinstance(value, plain)}


def _widths(policy: OldPolicy, pattern: str) -> list[int]:
    found = {
        int(match[1]): int(value.shape[0])
        for name, value in policy.weights.items()
        if (match := re.fullmatch(pattern, name))
    }
    return [found[index] for index in sorted(found)]
