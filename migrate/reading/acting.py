"""Calls that compute actions: which function takes their place, and with which arguments.

FUNCTIONS       old method to function, for algorithms and for policies
acting_problem  why a call cannot be rewritten; None if it can
acting_call     the arguments that the function takes
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.reading.things import Thing

FUNCTIONS: Mapping[Thing, Mapping[str, str]] = {
    Thing.ALGORITHM: {
        "compute_action": "compute_single_action",
        "compute_single_action": "compute_single_action",
        "compute_actions": "compute_actions",
    },
    Thing.POLICY: {
        "compute_single_action": "module_single_action",
        "compute_actions": "module_actions",
        "compute_actions_from_input_dict": "module_actions_from_input_dict",
        "compute_log_likelihoods": "module_log_likelihoods",
    },
}
#: Arguments by position, as many as the function takes, then by name, with today's name.
POSITIONS: Mapping[Thing, Mapping[str, int]] = {
    Thing.ALGORITHM: dict.fromkeys(FUNCTIONS[Thing.ALGORITHM], 2),
    Thing.POLICY: {
        "compute_single_action": 2,
        "compute_actions": 2,
        "compute_actions_from_input_dict": 1,
        "compute_log_likelihoods": 2,
    },
}
NAMES: Mapping[Thing, Mapping[str, str]] = {
    Thing.ALGORITHM: {
        "observation": "observation",
        "observations": "observations",
        "state": "state",
        "policy_id": "policy_id",
        "explore": "explore",
        "full_fetch": "full_fetch",
    },
    Thing.POLICY: {
        "obs": "observation",
        "obs_batch": "observations",
        "state": "state",
        "state_batches": "state",
        "input_dict": "input_dict",
        "actions": "actions",
        "explore": "explore",
    },
}
#: Arguments that change nothing at these values.
IDLE: Mapping[str, tuple[object, ...]] = {
    "prev_action": (None,),
    "prev_reward": (None,),
    "prev_action_batch": (None,),
    "prev_reward_batch": (None,),
    "info": (None,),
    "info_batch": (None,),
    "episode": (None,),
    "episodes": (None,),
    "timestep": (None,),
    "input_dict": (None,),
    "unsquash_action": (None, True),
    "unsquash_actions": (None, True),
    "clip_action": (None, False),
    "clip_actions": (None, False),
}


def acting_problem(call: ast.Call, thing: Thing) -> str | None:
    """Say what a call gives that the functions do not take."""
    assert isinstance(call.func, ast.Attribute)
    method = call.func.attr
    if method not in FUNCTIONS[thing]:
        return f"{method}() has no counterpart"
    if len(call.args) > POSITIONS[thing][method]:
        return "more arguments than an observation and a state"
    if any(isinstance(item, ast.Starred) for item in call.args):
        return "its arguments are computed"
    for keyword in call.keywords:
        if keyword.arg is None:
            return "its arguments are computed"
        if keyword.arg not in NAMES[thing] and not _idle(keyword):
            return f"{keyword.arg}="
    if not call.args and not any(k.arg in NAMES[thing] and not _idle(k) for k in call.keywords):
        return "no observation"
    return None


def acting_call(call: ast.Call, thing: Thing) -> list[tuple[str, ast.expr]]:
    """Return the arguments, each with the name that it gets; empty for a positional one."""
    found = [("", item) for item in call.args]
    for keyword in call.keywords:
        name = NAMES[thing].get(keyword.arg or "")
        if name is not None and not (keyword.arg in IDLE and _idle(keyword)):
            found.append((name, keyword.value))
    return found


def _idle(keyword: ast.keyword) -> bool:
    values = IDLE.get(keyword.arg or "", ())
    value = keyword.value
    return isinstance(value, ast.Constant) and any(
        type(value.value) is type(idle) and value.value == idle for idle in values
    )
