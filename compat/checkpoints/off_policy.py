"""The new module that computes what an old default net of DQN or SAC computed.

is_dqn, is_sac             by the settings of the policy
plan_dqn, plan_sac         RLlib's new default module where it computes the same, else
wrapped_dqn, wrapped_sac   the old default model, wrapped
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from rlmigrate.compat.checkpoints.defaults import (
    Plan,
    activation_of,
    against_observations,
    plain_config,
)
from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.weights.dqn_net import dqn_net_pairs, unused_in_dqn
from rlmigrate.new_stack.layers.q_settings import Q_SETTINGS

_SAC_SETTINGS = ("twin_q", "initial_alpha", "target_entropy", "normalize_actions")
# In 1.x the settings of the nets went by other names.
_SAC_NETS = {"policy_model_config": "policy_model", "q_model_config": "Q_model"}
# The schedule of epsilon is the old exploration config's, in a form of its own.
_DQN_SETTINGS = tuple(name for name in Q_SETTINGS if name != "epsilon")


def is_dqn(policy: OldPolicy) -> bool:
    """Tell a policy with DQN's settings."""
    return {"hiddens", "dueling", "num_atoms"} <= set(policy.config)


def is_sac(policy: OldPolicy) -> bool:
    """Tell a policy with SAC's settings."""
    known = set(policy.config)
    return "twin_q" in known and all(known & {*names} for names in _SAC_NETS.items())


def wrapped_dqn(policy: OldPolicy, reason: str) -> Plan:
    """Keep the old model with DQN's heads, for `reason`."""
    old = policy.config
    settings = {key: old[key] for key in _DQN_SETTINGS if old.get(key) is not None}
    config = {**plain_config(policy.model_config), **settings}
    return Plan("wrapped", "dqn", config, (f"kept as the old model with Q-heads: {reason}",))


def plan_dqn(policy: OldPolicy) -> Plan:
    """Choose RLlib's new DQN module, or the old model with DQN's heads, wrapped."""
    reason = against_observations(policy) or _against_default_dqn(policy)
    if reason and _heads_are_bare(policy):
        hint = f"{reason}; pass a class with --module {policy.policy_id}=PATH:CLASS"
        return Plan("none", "dqn", {}, (f"TF's heads for hiddens=[] and dueling: {hint}",))
    if reason:
        return wrapped_dqn(policy, reason)
    old, nets = policy.config, policy.model_config
    config = {
        "fcnet_hiddens": _widths(policy, r"_hidden_layers\.(\d+)\._model\.0\.weight"),
        "fcnet_activation": activation_of(nets),
        "head_fcnet_hiddens": _widths(policy, r"advantage_module\.dueling_A_(\d+)\..*weight"),
        "head_fcnet_activation": old.get("dueling_activation", "relu"),
        "dueling": _is_dueling(policy),
        "double_q": bool(old.get("double_q", True)),
        "num_atoms": int(old.get("num_atoms") or 1),
        "v_min": old.get("v_min", -10.0),
        "v_max": old.get("v_max", 10.0),
        "epsilon": [(0, 1.0), (10000, 0.05)],
        "std_init": 0.5,
    }
    notes = ["epsilon starts anew, at the new stack's default schedule: set it in model_config"]
    if not nets:
        notes.append("no model config in the checkpoint; activation taken as tanh")
    return Plan("default", "dqn", config, tuple(notes))


def _is_dueling(policy: OldPolicy) -> bool:
    return any(name.startswith("value_module.") for name in policy.weights)


def _heads_are_bare(policy: OldPolicy) -> bool:
    """Tell heads of one layer each, which only TF's policies have without noise."""
    heads = [name for name in policy.weights if name.startswith("advantage_module.")]
    return heads == [f"advantage_module.A._model.0.{part}" for part in ("weight", "bias")]


def _against_default_dqn(policy: OldPolicy) -> str:
    """Say why the new default module would not compute the same; empty if it would."""
    names = set(policy.weights)
    new = {"af.net.mlp.0.weight"}
    known = {name for name, _ in dqn_net_pairs(names, new) or ()} | unused_in_dqn(names)
    if strange := sorted(names - known):
        return f"parameters that the new default net has not: {strange[:4]}"
    if _is_dueling(policy) and int(policy.config.get("num_atoms") or 1) > 1:
        return "the new default module averages distributional advantages over atoms"
    if not any(name.startswith("_hidden_layers.") for name in names):
        return "the new default net has at least one hidden layer"
    if not any(name.startswith("advantage_module.") for name in names):
        return "with hiddens=[] the advantages stand for the state value too"
    return ""


def plan_sac(policy: OldPolicy) -> Plan:
    """Choose the old SAC model, wrapped: the new default's critics are built otherwise."""
    same = isinstance(policy.action_space, gym.spaces.Discrete)
    reason = (
        "the new default policy and critics come from one config, the old ones from two"
        if same
        else "the new default critics encode observations and actions apart"
    )
    return wrapped_sac(policy, reason)


def wrapped_sac(policy: OldPolicy, reason: str) -> Plan:
    """Keep the old SAC model, for `reason`; neither if one of its nets is a custom model."""
    old = policy.config
    custom = [key for key in _SAC_NETS if _model_of(old, key).get("custom_model")]
    if custom:
        return Plan("none", "sac", {}, (f"{custom[0]} names a custom model; pass the class",))
    config = {
        **plain_config(policy.model_config),
        **{key: old[key] for key in _SAC_SETTINGS if old.get(key) is not None},
        **{key: _settings_of_net(_model_of(old, key)) for key in _SAC_NETS},
    }
    return Plan("wrapped", "sac", config, (f"kept as the old SAC model: {reason}",))


def _model_of(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = config.get(key) or config.get(_SAC_NETS[key])
    return found if isinstance(found, Mapping) else {}


def _settings_of_net(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keep defaults too, which stand above the model's config; SAC's own are for ReLU."""
    plain = (str, int, float, list, tuple, dict)
    given = {name: value for name, value in config.items() if isinstance(value, plain)}
    return {"fcnet_activation": "relu", **given}


def _widths(policy: OldPolicy, pattern: str) -> list[int]:
    found = {
        int(match[1]): int(value.shape[0])
        for name, value in policy.weights.items()
        if (match := re.fullmatch(pattern, name))
    }
    return [found[index] for index in sorted(found)]
