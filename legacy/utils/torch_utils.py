"""Torch helpers: conversion, masks, losses, gradient clipping."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, cast

import gymnasium as gym
import numpy as np
import torch
import tree
from torch import nn

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.types import Tensor, TensorStruct
from rlmigrate.legacy.utils.numpy import SMALL_NUMBER

FLOAT_MIN = -3.4e38
FLOAT_MAX = 3.4e38


def convert_to_torch_tensor(
    x: TensorStruct, device: Any = None, pin_memory: bool = False, **_: Any
) -> TensorStruct:
    """Turn the arrays and numbers of a structure into tensors; floats become float32.

    Arrays share their memory with the tensors. None, strings and objects stay.
    """
    place = torch.device(device) if device is not None else None

    def converted(item: Any) -> Any:
        return _to_tensor(item, place, pin_memory)

    if isinstance(x, np.ndarray | torch.Tensor):
        return converted(x)
    return tree.map_structure(converted, x)


def _to_tensor(item: Any, device: torch.device | None, pin_memory: bool) -> Any:
    if item is None:
        return None
    if hasattr(item, "values") and hasattr(item, "lengths") and hasattr(item, "max_len"):
        values = convert_to_torch_tensor(item.values, device, pin_memory)
        lengths = _to_tensor(item.lengths, device, pin_memory)
        return type(item)(values, lengths, item.max_len)
    if not isinstance(item, torch.Tensor):
        array = np.asarray(item)
        if array.dtype == object or array.dtype.type is np.str_:
            return item
        # torch refuses negative strides, and warns of read-only memory.
        if not array.flags.writeable or any(stride < 0 for stride in array.strides):
            array = array.copy()
        item = torch.from_numpy(array)
    if item.dtype in (torch.float64, torch.bfloat16):
        item = item.float()
    if pin_memory and device is not None and device.type == "cuda":
        item = item.pin_memory()
    return item if device is None else item.to(device)


def copy_torch_tensors(x: TensorStruct, device: Any = None) -> TensorStruct:
    """Copy the tensors of a structure, detached."""

    def copied(item: Any) -> Any:
        if not isinstance(item, torch.Tensor):
            return item
        return item.detach().clone() if device is None else item.detach().to(device)

    return tree.map_structure(copied, x)


def one_hot(x: Tensor, space: gym.Space[Any]) -> Tensor:
    """Give the one-hot form [B, n] of Discrete or MultiDiscrete actions, as int64."""
    if isinstance(space, gym.spaces.Discrete):
        return nn.functional.one_hot(x.long(), int(space.n))
    if isinstance(space, gym.spaces.MultiDiscrete):
        index = x.reshape(x.shape[0], -1).long()
        parts = [
            nn.functional.one_hot(index[:, i], int(n)) for i, n in enumerate(space.nvec.ravel())
        ]
        return torch.cat(parts, dim=-1)
    raise ValueError(f"one_hot: space is {space}, expected Discrete or MultiDiscrete")


def flatten_inputs_to_1d_tensor(
    inputs: TensorStruct, spaces_struct: Any = None, time_axis: bool = False
) -> Tensor:
    """Concatenate all parts of a structure, discrete ones one-hot, as float32[B, (T,) n]."""
    flat = tree.flatten(inputs)
    spaces = tree.flatten(spaces_struct) if spaces_struct is not None else [None] * len(flat)
    lead = flat[0].shape[: 2 if time_axis else 1]
    rows = int(np.prod(lead))
    parts = []
    for value, space in zip(flat, spaces, strict=True):
        if isinstance(space, gym.spaces.Discrete):
            value = one_hot(value.reshape(rows), space)
        elif isinstance(space, gym.spaces.MultiDiscrete):
            value = one_hot(value.reshape(rows, -1), space)
        parts.append(value.reshape(rows, -1).float())
    merged = torch.cat(parts, dim=-1)
    return merged.reshape(*lead, -1) if time_axis else merged


def warn_if_infinite_kl_divergence(policy: Any, mean_kl: Tensor) -> None:
    """Warn if a policy's KL divergence has become infinite, which ends most trainings."""
    if policy.loss_initialized() and bool(torch.isinf(mean_kl)):
        warnings.warn(
            f"{type(policy).__name__}: the KL divergence is infinite; the policy has become "
            "deterministic, or its loss has diverged",
            stacklevel=2,
        )


def sequence_mask(
    lengths: Tensor, maxlen: int | None = None, dtype: Any = None, time_major: bool = False
) -> Tensor:
    """Mark the real steps of padded sequences, as bool[B, T] or bool[T, B] if time-major.

    dtype: taken and ignored, as RLlib does.
    """
    steps = torch.arange(int(lengths.max() if maxlen is None else maxlen), device=lengths.device)
    mask = steps[:, None] < lengths[None, :]
    return mask if time_major else mask.t()


def explained_variance(y: Tensor, pred: Tensor) -> Tensor:
    """Give 1 - Var(y - pred) / Var(y), at least -1."""
    y = y.squeeze()
    explained = 1 - torch.var(y - pred.squeeze(), dim=0) / (torch.var(y, dim=0) + SMALL_NUMBER)
    return torch.max(torch.tensor([-1.0]).to(pred.device), explained)[0]


def huber_loss(x: Tensor, delta: float = 1.0) -> Tensor:
    """Compute the Huber loss of each error."""
    size = torch.abs(x)
    return torch.where(size < delta, torch.pow(x, 2.0) * 0.5, delta * (size - 0.5 * delta))


def l2_loss(x: Tensor) -> Tensor:
    """Compute half the sum of squares."""
    return 0.5 * torch.sum(torch.pow(x, 2.0))


def reduce_mean_ignore_inf(x: Tensor, axis: int | None = None) -> Tensor:
    """Average over all entries but -inf."""
    mask = torch.ne(x, float("-inf"))
    kept = torch.where(mask, x, torch.zeros_like(x))
    return torch.sum(kept, axis) / torch.sum(mask.float(), axis)


def softmax_cross_entropy_with_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the cross entropy of label distributions [..., n], as [...]."""
    return torch.sum(-labels * nn.functional.log_softmax(logits, -1), -1)


def symlog(x: Tensor) -> Tensor:
    """Compress large numbers of either sign."""
    return torch.sign(x) * torch.log(torch.abs(x) + 1)


def inverse_symlog(y: Tensor) -> Tensor:
    """Undo `symlog`."""
    return torch.sign(y) * (torch.exp(torch.abs(y)) - 1)


def global_norm(tensors: Sequence[Tensor]) -> Tensor:
    """Give the L2 norm of all tensors together."""
    norms = [torch.pow(torch.sum(torch.pow(t, 2.0)), 0.5) for t in tensors]
    return torch.pow(cast(Any, sum)(torch.pow(norm, 2.0) for norm in norms), 0.5)


def apply_grad_clipping(policy: Any, optimizer: Any, loss: Tensor) -> dict[str, Any]:
    """Clip the gradients of an optimizer by `config["grad_clip"]`; gives {"grad_gnorm": norm}."""
    limit = policy.config["grad_clip"]
    limit = np.inf if limit is None else limit
    total: Any = 0
    found = False
    for group in optimizer.param_groups:
        params = [p for p in group["params"] if p.grad is not None]
        if params:
            found = True
            norm = nn.utils.clip_grad_norm_(params, limit).cpu().numpy()
            total += min(norm, limit)
    return {"grad_gnorm": total} if found else {}


def concat_multi_gpu_td_errors(policy: Any) -> dict[str, Tensor]:
    """Join the TD errors that the copies of the model left in `tower_stats`."""
    zero = torch.tensor([0.0])
    errors = [tower.tower_stats.get("td_error", zero) for tower in policy.model_gpu_towers]
    policy.td_error = torch.cat([error.to(policy.device) for error in errors], dim=0)
    return {"td_error": policy.td_error, "mean_td_error": torch.mean(policy.td_error)}


def update_target_network(main_net: Any, target_net: Any, tau: float) -> None:
    """Move the target's parameters a fraction `tau` towards the main network's."""
    main = main_net.state_dict()
    target_net.load_state_dict(
        {key: tau * main[key] + (1 - tau) * old for key, old in target_net.state_dict().items()}
    )


def set_torch_seed(seed: int | None = None) -> None:
    """Seed torch and make its CUDA kernels deterministic."""
    if seed is None:
        return
    torch.manual_seed(seed)
    if torch.version.cuda is not None:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    else:
        torch.use_deterministic_algorithms(mode=True)


def get_device(config: dict[str, Any]) -> torch.device:
    """Give the device that a policy's config asks for: a GPU if it has one and there is one.

    Raises LegacyError if fewer GPUs are there than asked for, but not if there is none.
    """
    key = "num_gpus" if config.get("worker_index", 0) == 0 else "num_gpus_per_worker"
    wanted, found = config.get(key, 0), torch.cuda.device_count()
    if config.get("_fake_gpus") or not wanted or not found:
        return torch.device("cpu")
    if found < wanted:
        raise LegacyError(f"{key} is {wanted}, and there are {found} GPUs")
    return torch.device("cuda")
