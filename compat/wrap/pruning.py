"""Find the parts of an old model that acting does not need, by trying.

A part can go if the forward pass neither calls it nor depends on its parameters, and computes
the same without it. The pass runs on a copy, with zeros for observations, so the answer depends
on nothing but the class and its config: a Learner and its EnvRunners come to the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import torch
import tree
from torch import nn

Run = Callable[[nn.Module], torch.Tensor]


def unneeded_parts(twin_of: Callable[[], nn.Module], run: Run) -> list[str]:
    """Name the submodules of a model without which `run(model)` returns the same.

    `twin_of` makes a copy to try on. Returns none if it cannot, or the copy does not run on zeros.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            return _find(twin_of().eval(), run)
    except Exception:  # user code: a model that cannot be tried keeps all its parts
        return []


def _find(twin: nn.Module, run: Run) -> list[str]:
    called: set[int] = set()
    handles = [
        part.register_forward_pre_hook(lambda part, _: called.add(id(part)))
        for part in twin.modules()
    ]
    expected = run(twin)
    for handle in handles:
        handle.remove()
    parameters = [p for p in twin.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(expected.sum(), parameters, allow_unused=True)
    used = {id(p) for p, g in zip(parameters, gradients, strict=True) if g is not None}
    removed: list[str] = []
    for name, part in list(twin.named_modules()):
        if not name or any(name.startswith(f"{done}.") for done in removed):
            continue
        if any(id(sub) in called for sub in part.modules()) or not list(part.parameters()):
            continue
        if any(id(p) in used for p in part.parameters()):
            continue
        if _computes_the_same_without(twin, name, run, expected):
            removed.append(name)
    return removed


def _computes_the_same_without(
    twin: nn.Module, name: str, run: Run, expected: torch.Tensor
) -> bool:
    parent, _, leaf = name.rpartition(".")
    owner = twin.get_submodule(parent)
    part = getattr(owner, leaf)
    delattr(owner, leaf)
    try:
        if torch.equal(run(twin), expected):
            return True
    except Exception:  # user code that does miss the part
        pass
    setattr(owner, leaf, part)
    return False


def remove_parts(model: nn.Module, names: list[str]) -> None:
    """Delete submodules by name."""
    for name in names:
        parent, _, leaf = name.rpartition(".")
        delattr(model.get_submodule(parent), leaf)


def zero_batch(module: Any) -> dict[str, Any]:
    """Make the smallest batch that a wrapped module takes: two rows of zeros."""
    steps = (2, 1) if module._wrap_states else (2,)
    batch: dict[str, Any] = {"obs": _zeros(module.observation_space, steps)}
    if module._wrap_states:
        batch["state_in"] = tree.map_structure(
            lambda state: state.unsqueeze(0).repeat(2, *[1] * state.ndim),
            module._wrap_states.initial(),
        )
    return batch


def _zeros(space: gym.Space[Any], steps: tuple[int, ...]) -> Any:
    if isinstance(space, gym.spaces.Dict):
        return {key: _zeros(part, steps) for key, part in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(_zeros(part, steps) for part in space.spaces)
    start = int(space.start) if isinstance(space, gym.spaces.Discrete) else 0
    dtype = torch.float32 if isinstance(space, gym.spaces.Box) else torch.int64
    return torch.full((*steps, *(space.shape or ())), start, dtype=dtype)
