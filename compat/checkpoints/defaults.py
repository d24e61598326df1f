"""The new module that computes what an old default net computed.

Plan            which class, with which config, or why there is none
plan_default    decide from the weights' names and shapes, then the config; see plans.py for DQN's
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import gymnasium as gym
import numpy as np

if TYPE_CHECKING:
    from rlmigrate.compat.checkpoints.reading import OldPolicy

_LINEAR = re.compile(
    r"(_hidden_layers|_value_branch_separate)\.(\d+)\._model\.0\.(weight|bias)"
    r"|(_logits|_value_branch)\._model\.0\.(weight|bias)"
    r"|_append_free_log_std\.log_std"
)
_RECURRENT = re.compile(_LINEAR.pattern + r"|_logits_branch\._model\.0\.(weight|bias)|lstm\.\w+")


@dataclass(frozen=True)
class Plan:
    """What to build for a policy.

    kind: RLlib's new default module, the old default model wrapped, or neither.
    role: whose nets: a policy with a value function, DQN's or SAC's.
    config: for the module; notes: what was inferred and why it was not the default module.
    """

    kind: Literal["default", "wrapped", "none"]
    role: Literal["policy", "dqn", "sac"] = "policy"
    config: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def plan_default(policy: OldPolicy) -> Plan:
    """Choose the module for a policy without a custom model.

    Layer sizes are read off the weights, which are always there; activations come from the
    config, or are RLlib's default where the checkpoint has no config.
    """
    names = set(policy.weights)
    recurrent = any(name.startswith("lstm.") for name in names)
    pattern = _RECURRENT if recurrent else _LINEAR
    strange = sorted(name for name in names if not pattern.fullmatch(name))
    old = policy.model_config
    notes = [] if old else ["no model config in the checkpoint; activation taken as tanh"]
    wrapped = dict(plain_config(old)) if old else _inferred_old_config(policy, recurrent=recurrent)
    reason = _against_default(policy, strange, recurrent=recurrent)
    if reason:
        if strange and not old:
            hint = f"pass the migrated class with --module {policy.policy_id}=PATH:CLASS"
            return Plan("none", notes=(f"no default net has parameters {strange[:4]}; {hint}",))
        return Plan(
            "wrapped", "policy", wrapped, (f"kept as the old default model: {reason}", *notes)
        )
    config: dict[str, Any] = {
        "fcnet_hiddens": _sizes(policy, "_hidden_layers"),
        "fcnet_activation": activation_of(old),
        "vf_share_layers": recurrent or not _sizes(policy, "_value_branch_separate"),
        "free_log_std": "_append_free_log_std.log_std" in names,
    }
    if recurrent:
        config["use_lstm"] = True
        config["lstm_cell_size"] = int(policy.weights["lstm.weight_hh_l0"].shape[1])
        config["max_seq_len"] = int(old.get("max_seq_len", 20))
    return Plan("default", "policy", config, tuple(notes))


def activation_of(model: Mapping[str, Any]) -> Any:
    """Return the activation of a dense net, which has one for all layers."""
    if model.get("fcnet_hiddens", "default"):
        return model.get("fcnet_activation", "tanh")
    return model.get("post_fcnet_activation", "relu")


def against_observations(policy: OldPolicy) -> str:
    """Say why no new default net computes the same on the observations; empty if it does."""
    space: Any = policy.observation_space
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
        return f"the new default net does not take {space}"
    if hasattr(space, "original_space"):
        return "observations are preprocessed, which a wrapped model does by itself"
    if not np.issubdtype(space.dtype, np.floating) or space.shape == (128,):
        return f"the old stack casts or rescales observations of {space}"
    return ""


def _against_default(policy: OldPolicy, strange: list[str], *, recurrent: bool) -> str:
    """Say why the new default module would not compute the same; empty if it would."""
    actions: Any = policy.action_space
    old = policy.model_config
    if strange:
        return f"parameters that the new default net has not: {strange[:4]}"
    if reason := against_observations(policy):
        return reason
    if not _sizes(policy, "_hidden_layers"):
        return "the new default net has at least one hidden layer"
    if not any(name.startswith("_logits") for name in policy.weights):
        return "no_final_linear has no counterpart"
    if recurrent and (old.get("lstm_use_prev_action") or old.get("lstm_use_prev_reward")):
        return "the new default LSTM takes no previous actions or rewards"
    plain_box = isinstance(actions, gym.spaces.Box) and len(actions.shape) == 1
    if plain_box and np.issubdtype(actions.dtype, np.floating):
        return ""
    if isinstance(actions, gym.spaces.Discrete | gym.spaces.MultiDiscrete):
        return ""
    return f"Ray fails on greedy actions of {actions} with its own distributions"


def _sizes(policy: OldPolicy, stack: str) -> list[int]:
    """List the widths of a stack of linear layers."""
    found = {
        int(match[2]): int(value.shape[0])
        for name, value in policy.weights.items()
        if (match := _LINEAR.fullmatch(name)) and match[1] == stack and match[3] == "weight"
    }
    return [found[index] for index in sorted(found)]


def _inferred_old_config(policy: OldPolicy, *, recurrent: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "fcnet_hiddens": _sizes(policy, "_hidden_layers"),
        "vf_share_layers": not _sizes(policy, "_value_branch_separate"),
        "free_log_std": "_append_free_log_std.log_std" in policy.weights,
    }
    if recurrent:
        config["use_lstm"] = True
        config["lstm_cell_size"] = int(policy.weights["lstm.weight_hh_l0"].shape[1])
    return config


def plain_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what says something and is plain data."""
    from rlmigrate.legacy.catalog import MODEL_DEFAULTS

    return {
        key: value
        for key, value in config.items()
        if isinstance(value, str | int | float | bool | list | tuple | dict)
        and (key not in MODEL_DEFAULTS or MODEL_DEFAULTS[key] != value)
        and key not in ("custom_model", "_use_default_native_models")
    }


def old_model_settings(policy: OldPolicy) -> dict[str, Any]:
    """Return the model config for the migrated class of a custom model.

    The arguments of the old constructor stand at the top level, where a native module looks for
    them, and under custom_model_config, where a wrapped one does.
    """
    settings = plain_config(policy.model_config)
    custom = settings.get("custom_model_config")
    return {**settings, **custom} if isinstance(custom, dict) else settings
