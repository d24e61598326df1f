"""The state of an old policy's optimizer, for the optimizer of a new Learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from rlmigrate.compat.checkpoints.reading import OldPolicy
from rlmigrate.compat.weights import TransferReport
from rlmigrate.compat.weights.layouts import rearrange

OPTIMIZER_FILE = "optimizer_state.pkl"


def learner_optimizer_state(
    policy: OldPolicy, module: Any, transfer: TransferReport
) -> tuple[dict[str, Any] | None, str]:
    """Return what `learner.set_state({"optimizer": ...})` takes, or None and why not.

    Old policies keep one torch state dict for each optimizer, which counts parameters in the
    order of the old model. The moments are laid out as the parameters that they belong to.
    """
    given: Any = policy.optimizer
    old = list(given) if isinstance(given, list | tuple) else []
    if not old:
        return None, "the checkpoint holds no optimizer state"
    if len(old) > 1:
        return None, f"{len(old)} optimizers, which the new Learner sets up otherwise"
    states, groups = _parts(old[0])
    if states is None:
        return None, "the optimizer's state is no torch state dict"
    parameters = {name: i for i, (name, _) in enumerate(module.named_parameters())}
    buffers = set(module.state_dict()) - set(parameters)
    new_name = {each.old: each.new for each in transfer.assignments}
    order = [name for name in policy.weights if new_name.get(name) not in buffers]
    count = len({int(index) for group in groups for index in group["params"]})
    if count != len(order):
        return None, f"the optimizer has {count} parameters, the model {len(order)}"
    if len(groups) != 1:
        return None, f"{len(groups)} parameter groups, one is expected"
    by_old = {each.old: each for each in transfer.assignments}
    state: dict[int, dict[str, Any]] = {}
    for position, index in enumerate(groups[0]["params"]):
        entry, name = states.get(index), order[position]
        if entry is None or name not in by_old:
            continue
        each = by_old[name]
        target = parameters[each.new]
        state[target] = {
            key: _laid_out(value, each.layouts, each.columns) for key, value in entry.items()
        }
    group = {**groups[0], "params": list(range(len(parameters)))}
    found = {"module_id": policy.policy_id, "state": {"state": state, "param_groups": [group]}}
    return {f"{policy.policy_id}_default_optimizer": found}, ""


def _parts(state: Any) -> tuple[Mapping[Any, Any] | None, list[Any]]:
    if not isinstance(state, Mapping) or not isinstance(state.get("state"), Mapping):
        return None, []
    groups = state.get("param_groups")
    if not isinstance(groups, list) or not all(isinstance(g, Mapping) for g in groups):
        return None, []
    return state["state"], groups


def _laid_out(value: Any, layouts: Any, columns: tuple[int, ...]) -> Any:
    array = np.asarray(value)
    if array.ndim == 0:
        return np.float32(array)
    return rearrange(torch.from_numpy(array.copy()), layouts, columns).contiguous().numpy()
