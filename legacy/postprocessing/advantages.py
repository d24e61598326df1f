"""Advantages and value targets of one trajectory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.utils.numpy import convert_to_numpy


class Postprocessing:
    """Names of the columns that are added."""

    ADVANTAGES = "advantages"
    VALUE_TARGETS = "value_targets"


def discount_cumsum(x: Any, gamma: float) -> npt.NDArray[np.float64]:
    """Sum up all later entries, each discounted by its distance.

    >>> discount_cumsum(np.array([1.0, 1.0, 1.0]), 0.5)
    array([1.75, 1.5 , 1.  ])
    """
    out = np.array(x, dtype=np.float64)
    for i in range(len(out) - 2, -1, -1):
        out[i] += gamma * out[i + 1]
    return out


def compute_advantages(
    rollout: SampleBatch,
    last_r: float,
    gamma: float = 0.9,
    lambda_: float = 1.0,
    use_gae: bool = True,
    use_critic: bool = True,
    rewards: Any = None,
    vf_preds: Any = None,
) -> SampleBatch:
    """Add float32 `advantages` and `value_targets` to a trajectory.

    last_r: the value after the last step, 0 if the episode terminated there.
    """
    if use_critic and vf_preds is None and SampleBatch.VF_PREDS not in rollout:
        raise ValueError("compute_advantages: use_critic=True, but there is no 'vf_preds' column")
    if use_gae and not use_critic:
        raise ValueError("compute_advantages: use_gae=True needs use_critic=True")
    last = np.array([convert_to_numpy(last_r)])
    rewards = rollout[SampleBatch.REWARDS] if rewards is None else rewards
    preds: Any = vf_preds
    if use_critic and preds is None:
        preds = rollout[SampleBatch.VF_PREDS]
    if use_gae:
        values = np.concatenate([preds, last])
        deltas = rewards + gamma * values[1:] - values[:-1]
        advantages: Any = discount_cumsum(deltas, gamma * lambda_)
        targets = (advantages + preds).astype(np.float32)
    else:
        returns = discount_cumsum(np.concatenate([rewards, last]), gamma)[:-1].astype(np.float32)
        advantages = returns - preds if use_critic else returns
        targets = returns if use_critic else np.zeros_like(returns)
    rollout[Postprocessing.ADVANTAGES] = advantages.astype(np.float32)
    rollout[Postprocessing.VALUE_TARGETS] = targets
    return rollout


def compute_bootstrap_value(sample_batch: SampleBatch, policy: Any) -> SampleBatch:
    """Add `values_bootstrapped`: the value after each step, 0 after a terminated one."""
    last_r = 0.0
    if not sample_batch[SampleBatch.TERMINATEDS][-1]:
        views = policy.view_requirements
        last_r = policy._value(**sample_batch.get_single_step_input_dict(views, index="last"))
    vf_preds = np.array(sample_batch[SampleBatch.VF_PREDS])
    flat = vf_preds[:, 0] if vf_preds.ndim == 2 else vf_preds
    last = np.array([convert_to_numpy(last_r)], dtype=np.float32)
    values = np.concatenate([convert_to_numpy(flat[1:]), last], axis=0)
    sample_batch[SampleBatch.VALUES_BOOTSTRAPPED] = values.reshape(vf_preds.shape)
    return sample_batch


def compute_gae_for_sample_batch(
    policy: Any, sample_batch: SampleBatch, other_agent_batches: Any = None, episode: Any = None
) -> SampleBatch:
    """Add advantages and value targets as the policy's config says."""
    batch = compute_bootstrap_value(sample_batch, policy)
    vf_preds = np.array(batch[SampleBatch.VF_PREDS])
    rewards = np.array(batch[SampleBatch.REWARDS])
    column = vf_preds.ndim == 2
    if column:
        vf_preds, rewards = vf_preds[:, 0], rewards[:, 0]
    last_r = batch[SampleBatch.VALUES_BOOTSTRAPPED][-1]
    config = policy.config
    compute_advantages(
        batch,
        float(last_r[0]) if column else last_r,
        config["gamma"],
        config["lambda"],
        use_gae=config["use_gae"],
        use_critic=config.get("use_critic", True),
        vf_preds=vf_preds,
        rewards=rewards,
    )
    if column:
        batch[Postprocessing.ADVANTAGES] = batch[Postprocessing.ADVANTAGES][:, None]
    return batch


def adjust_nstep(n_step: int, gamma: float, batch: SampleBatch) -> None:
    """Turn a trajectory's rewards and next observations in place into n-step ones."""
    if not batch.is_single_trajectory():
        raise ValueError(f"{batch} has an ended step before its last one")
    length = len(batch)

    def later(column: Any, shift: int, last: Any) -> Any:
        tail = np.stack([last] * min(shift, length)) if shift else column[:0]
        return np.concatenate([column[shift:], tail], axis=0)

    batch[SampleBatch.NEXT_OBS] = later(
        batch[SampleBatch.OBS], n_step, batch[SampleBatch.NEXT_OBS][-1]
    )
    for key in (SampleBatch.TERMINATEDS, SampleBatch.TRUNCATEDS):
        if key in batch:
            batch[key] = later(batch[key], n_step - 1, batch[key][-1])
    rewards = batch[SampleBatch.REWARDS]
    original = rewards.copy()
    for j in range(1, min(n_step, length)):
        rewards[:-j] += gamma**j * original[j:]
