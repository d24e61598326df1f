"""Copy old models, which keep tensors of their last pass in attributes."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def detach_stashes(root: nn.Module, memo: dict[int, Any]) -> None:
    """Let `memo` stand in for the tensors with a graph, which torch refuses to deep-copy."""
    for tensor in _stashed_tensors(root):
        memo[id(tensor)] = tensor.detach().clone()


def copy_model(model: M) -> M:
    """Deep-copy a model, whether it has run or not."""
    memo: dict[int, Any] = {}
    detach_stashes(model, memo)
    return copy.deepcopy(model, memo)


def closes_over_modules(model: nn.Module) -> bool:
    """Tell whether a submodule's methods refer to modules of their surroundings.

    A class made within a model's constructor can: a copy of the model would go on calling the
    parts of the original.
    """
    return any(
        isinstance(cell.cell_contents, nn.Module)
        for kind in {type(part) for part in model.modules()}
        if "<locals>" in kind.__qualname__
        for method in vars(kind).values()
        for cell in getattr(method, "__closure__", None) or ()
        if not _is_empty(cell)
    )


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is None
    except ValueError:
        return True


def _stashed_tensors(root: nn.Module) -> list[torch.Tensor]:
    """Collect the non-leaf tensors that submodules hold in plain attributes."""
    found: list[torch.Tensor] = []
    seen: set[int] = set()

    def visit(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            if not value.is_leaf:
                found.append(value)
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            for item in value.values() if isinstance(value, dict) else value:
                visit(item)

    for module in root.modules():
        for name, value in vars(module).items():
            if name not in ("_parameters", "_buffers", "_modules"):
                visit(value)
    return found
