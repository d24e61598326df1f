"""Run a policy once on zeros, to learn which columns it reads and writes.

RLlib prunes a policy's views by what this run touches; `compute_actions`, `postprocess_trajectory`
and `loss` see the same batch of zeros here as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import tree

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch, ViewRequirement
from rlmigrate.legacy.utils.spaces import get_dummy_batch_for_space

# Columns that are kept whether or not a loss reads them.
_KEPT = ("eps_id", "agent_index", "unroll_id", "terminateds", "truncateds", "rewards", "infos", "t")


def dummy_batch(policy: Any, batch_size: int = 1) -> SampleBatch:
    """Make a batch of zeros from the policy's views."""
    data: dict[str, Any] = {}
    for name, view in policy.view_requirements.items():
        space: Any = view.space
        if not isinstance(space, gym.Space):
            data[name] = [space] * batch_size
        elif isinstance(space, gym.spaces.Tuple | gym.spaces.Dict) and _flattened(policy, name):
            data[name] = np.zeros((batch_size, *_flat_shape(policy, space)), np.float32)
        else:
            steps = len(view.shift_arr)
            data[name] = get_dummy_batch_for_space(
                space, batch_size=batch_size, time_size=steps if steps > 1 else None
            )
    return SampleBatch(data)


def _flattened(policy: Any, name: str) -> bool:
    source = policy.view_requirements[name].data_col or name
    if source == SampleBatch.OBS:
        return not policy.config.get("_disable_preprocessor_api")
    return source == SampleBatch.ACTIONS and not policy.config.get("_disable_action_flattening")


def _flat_shape(policy: Any, space: gym.Space[Any]) -> tuple[Any, ...]:
    from rlmigrate.legacy.catalog.catalog import ModelCatalog

    _, shape = ModelCatalog.get_action_shape(space, framework=policy.framework)
    return shape[1:]


def initialize_loss_from_dummy_batch(
    policy: Any,
    *,
    loss: Callable[[Any], Any] | None,
    stats: Callable[[Any], Any] | None,
    prune: bool = True,
) -> None:
    """Run actions, postprocessing and, if given, loss and statistics; set the views by it."""
    if policy.config.get("_disable_initialize_loss_from_dummy_batch"):
        return
    timestep = policy.global_timestep
    train_batch_size = policy.config.get("train_batch_size") or 32
    size = min(max(policy.batch_divisibility_req * 4, 32), train_batch_size)
    batch = policy._dummy_batch = dummy_batch(policy, size)
    policy._lazy_tensor_dict(batch)
    _, state_out, extra = policy.compute_actions_from_input_dict(batch, explore=False)
    views = policy.view_requirements
    for key, view in views.items():
        if key not in batch.accessed_keys:
            view.used_for_compute_actions = False
    for key, value in extra.items():
        batch[key] = value
        if key not in views:
            views[key] = ViewRequirement(
                space=_space_of(key, value), used_for_compute_actions=False
            )
    for key in batch.accessed_keys:
        views.setdefault(key, ViewRequirement(used_for_compute_actions=False))

    fresh = dummy_batch(policy, size)
    batch.set_get_interceptor(None)
    for key in fresh:
        if key not in batch:
            batch[key] = dict.__getitem__(fresh, key)
    for keys in (batch.accessed_keys, batch.deleted_keys, batch.added_keys):
        keys.clear()
    if policy.exploration:
        policy.exploration.postprocess_trajectory(policy, batch)
    train = policy.postprocess_trajectory(batch)
    seq_lens = _cut_into_sequences(train, size) if state_out else None
    train = policy._lazy_tensor_dict(train)
    train.set_training(True)
    if seq_lens is not None:
        train[SampleBatch.SEQ_LENS] = seq_lens
    train.count = batch.count
    if loss is not None:
        loss(train)
    if stats is not None:
        stats(train)
    if prune:
        _prune(policy, batch, train, has_loss=loss is not None)
    policy.global_timestep = timestep


def _space_of(key: str, value: Any) -> gym.Space[Any]:
    if not isinstance(value, dict | np.ndarray):
        raise LegacyError(
            f"extra_action_out gives {key!r} as {type(value).__name__}, expected an array or a dict"
        )
    struct = tree.map_structure(
        lambda v: gym.spaces.Box(-1.0, 1.0, shape=v.shape[1:], dtype=v.dtype), value
    )
    return _composed(struct)


def _composed(struct: Any) -> gym.Space[Any]:
    if isinstance(struct, dict):
        return gym.spaces.Dict({key: _composed(value) for key, value in struct.items()})
    if isinstance(struct, tuple | list):
        return gym.spaces.Tuple([_composed(value) for value in struct])
    space: gym.Space[Any] = struct
    return space


def _cut_into_sequences(batch: SampleBatch, size: int, sequences: int = 4) -> Any:
    """Keep the first states only, as if the batch were four sequences."""
    i = 0
    while f"state_in_{i}" in batch:
        for key in (f"state_in_{i}", f"state_out_{i}"):
            if key in batch:
                batch[key] = batch[key][:sequences]
        i += 1
    seq_lens = np.full(sequences, size // sequences, dtype=np.int32)
    batch[SampleBatch.SEQ_LENS] = seq_lens
    return seq_lens


def _prune(policy: Any, batch: SampleBatch, train: SampleBatch, *, has_loss: bool) -> None:
    views, model_views = policy.view_requirements, policy.model.view_requirements
    touched = train.accessed_keys | batch.accessed_keys | batch.added_keys
    for key in touched - {SampleBatch.SEQ_LENS}:
        views.setdefault(key, ViewRequirement(used_for_compute_actions=False))
    if not has_loss:
        return
    for key in list(views):
        if key in model_views or key in _KEPT:
            continue
        if key in batch.accessed_keys and key not in train.accessed_keys:
            views[key].used_for_training = False
        writes_output = policy.config.get("output") is not None
        if key not in touched and key not in batch.deleted_keys and not writes_output:
            del views[key]
