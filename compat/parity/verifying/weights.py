"""Weights that the old side is compared with: a trained checkpoint, or a file of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.errors import UsageError


def read_weights(
    path: Path, expected: Mapping[str, Array], *, policy: str = "default_policy"
) -> dict[str, Array]:
    """Read the old model's weights by name; runs no code from the file.

    `path` is a checkpoint of RLlib's old stack, or a .npz, .safetensors, .pt or .pth file.

    Raises:
        UsageError: the file cannot be read, or its names or shapes are not those of `expected`.
    """
    if not path.exists():
        raise UsageError(f"weights {path}: no such file")
    found = _read(path, policy)
    wrong = [f"{name} is missing" for name in expected if name not in found]
    wrong += [f"{name} is unknown to the model" for name in found if name not in expected]
    wrong += [
        f"{name} has shape {found[name].shape}, expected {value.shape}"
        for name, value in expected.items()
        if name in found and found[name].shape != value.shape
    ]
    if wrong:
        raise UsageError(f"weights {path} do not fit the old model: {'; '.join(wrong)}")
    return found


def _read(path: Path, policy: str) -> dict[str, Array]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return dict(load_file(path))
    if path.suffix in (".pt", ".pth"):
        import torch

        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: value.numpy() for name, value in state.items()}
    from rlmigrate.compat.checkpoints import read_checkpoint

    policies = read_checkpoint(path).policies
    if policy not in policies:
        raise UsageError(f"{path} has no policy {policy!r}; it has {', '.join(sorted(policies))}")
    return {name: np.asarray(value) for name, value in policies[policy].weights.items()}
