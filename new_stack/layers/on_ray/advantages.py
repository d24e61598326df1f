"""Advantages that an old policy computed from the samples of an episode.

add_advantages          advantages and value targets of one episode's columns
values_of, last_value   what the value function says of its rows, and of what comes after
StandardizedAdvantages  scales the advantages of a batch, as PPO does
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2


class StandardizedAdvantages(ConnectorV2):  # type: ignore[misc]
    """Shift and scale each module's advantages to mean 0 and deviation 1, as PPO does."""

    def __call__(self, *, batch: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Look at the steps that count alone."""
        for columns in batch.values():
            if "advantages" not in columns:
                continue
            given = columns["advantages"]
            mask = columns.get("loss_mask", torch.ones_like(given, dtype=torch.bool))
            counted = given[mask].detach().cpu().numpy()
            scaled = (counted - counted.mean()) / max(1e-4, counted.std())
            columns["advantages"] = torch.zeros_like(given)
            columns["advantages"][mask] = torch.from_numpy(scaled).to(given)
        return batch


def add_advantages(
    rollout: dict[str, Any],
    last_r: Any,
    gamma: float = 0.9,
    lambda_: float = 1.0,
    use_gae: bool = True,
    use_critic: bool = True,
    rewards: Any = None,
    vf_preds: Any = None,
) -> dict[str, Any]:
    """Add advantages and value_targets to columns of T rows, and return these.

    With `use_gae` they are estimates in the manner of Schulman et al. (arXiv:1506.02438),
    otherwise discounted returns, less the values where `use_critic` is set. `last_r` is worth
    what comes after the last row. RLlib's `compute_advantages` of the old stack.
    """
    gained = np.asarray(rollout["rewards"] if rewards is None else rewards)
    values: Any = rollout["vf_preds"] if vf_preds is None and use_critic else vf_preds
    if use_gae and values is None:
        raise ValueError("use_gae needs values: use_critic, or vf_preds")
    if use_gae:
        after = np.concatenate([values, np.array([last_r])])
        errors = gained + gamma * after[1:] - after[:-1]
        advantages = discounted(errors, gamma * lambda_)
        targets = advantages + values
    else:
        ends = np.concatenate([gained, np.array([last_r])])
        targets = discounted(ends, gamma)[:-1].astype(np.float32)
        advantages = targets - values if use_critic else targets
        targets = targets if use_critic else np.zeros_like(advantages)
    rollout["advantages"] = advantages.astype(np.float32)
    rollout["value_targets"] = targets.astype(np.float32)
    return rollout


def values_of(module: Any, columns: dict[str, Any], key: str = "obs", start: int = 0) -> Any:
    """Return float32[T - start]: the value of each observation from row `start` on.

    The modules of PPO and its kin do not give values when they act, as the old policies did.
    """
    if module.is_stateful():
        raise ValueError(
            "values of a module with states need their sequences: let compute_values() of the "
            "module return what is meant, and leave the advantages to RLlib's connectors"
        )
    device = next(module.parameters()).device
    obs = tree.map_structure(lambda rows: torch.as_tensor(rows[start:]).to(device), columns[key])
    with torch.no_grad():
        values = module.compute_values({"obs": obs})
    return np.asarray(values.detach().cpu(), np.float32)


def last_value(module: Any, columns: dict[str, Any]) -> float:
    """Return the value of the observation behind the last row."""
    (value,) = values_of(module, columns, "new_obs", -1).tolist()
    return float(value)


def discounted(rows: Any, rate: float) -> Any:
    """Return for every row the sum of it and those behind it, each step worth `rate`."""
    total, sums = 0.0, []
    for row in np.asarray(rows, np.float64)[::-1]:
        total = row + rate * total
        sums.append(total)
    return np.array(sums[::-1])
