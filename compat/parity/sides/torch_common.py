"""What legacy models and RLModules in torch have in common."""

from __future__ import annotations

import platform
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from rlmigrate.compat.parity.arrays import Array, Nested, checksum, flatten, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.masks import action_segments
from rlmigrate.compat.parity.precision import float64, widened
from rlmigrate.compat.parity.sides.alike import MASKED_FROM, cotangent
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Tap


def tensor(leaf: object, precision: Precision = "float32") -> torch.Tensor:
    """Make a tensor as RLlib does: float64 arrays become float32; copied, never shared."""
    array = np.asarray(leaf)
    made = torch.tensor(array)
    if made.dtype in (torch.float32, torch.float64):
        return made.to(torch.float64 if precision == "float64" else torch.float32)
    return made


def tensors(structure: Nested, precision: Precision) -> Nested:
    """Make tensors of all leaves."""
    return map_leaves(lambda leaf: tensor(leaf, precision), structure)


def array(value: object) -> Array:
    """Copy a tensor or a number to numpy."""
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bfloat16:  # numpy has none
            value = value.float()
        made: Array = value.numpy(force=True)
        return made.copy()
    return np.asarray(value)


def arrays(structure: Nested, prefix: str) -> dict[str, Array]:
    """Flatten a structure of tensors to numpy arrays by path."""
    return flatten(map_leaves(array, structure), prefix)


@contextmanager
def running(module: torch.nn.Module, precision: Precision) -> Iterator[None]:
    """Run in the wanted precision."""
    with ExitStack() as stack:
        if precision == "float64":
            stack.enter_context(widened(module))
            stack.enter_context(float64())
        yield


def seed_for(case: Case) -> None:
    """Let a model that draws numbers draw the same ones on both sides, others for each case."""
    torch.default_generator.manual_seed(zlib.crc32(case.name.encode()))


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Put all submodules into eval mode for the block, each back into its own afterwards."""
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


@contextmanager
def tapped(
    module: torch.nn.Module, naming: Callable[[str], str], taps: dict[str, Tap]
) -> Iterator[None]:
    """Record what enters and leaves each layer that owns parameters, or has no children."""
    seen: dict[str, tuple[list[tuple[Array, ...]], list[Array]]] = {}
    handles = []

    def hook(name: str) -> Callable[..., None]:
        def record(part: torch.nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            values = tuple(array(x) for x in inputs if isinstance(x, torch.Tensor))
            result = output[0] if isinstance(output, tuple | list) and output else output
            if len(values) == len(inputs) and isinstance(result, torch.Tensor):
                calls, results = seen.setdefault(name, ([], []))
                calls.append(values)
                results.append(array(result))

        return record

    parts = dict(module.named_modules())
    for name, part in parts.items():
        owns = any(True for _ in part.parameters(recurse=False))
        if name and (owns or not any(True for _ in part.children())):
            handles.append(part.register_forward_hook(hook(name)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    for name, (calls, results) in seen.items():
        owned = tuple(
            naming(f"{name}.{own}") for own, _ in parts[name].named_parameters(recurse=False)
        )
        taps[name] = Tap(type(parts[name]).__name__, owned, tuple(calls), tuple(results))


def run_layer(
    module: torch.nn.Module, layer: str, inputs: tuple[Array, ...], precision: Precision
) -> Array | None:
    """Compute one layer alone with given inputs; None if it refuses them."""
    part = dict(module.named_modules()).get(layer)
    if part is None:
        return None
    try:
        with torch.no_grad(), running(module, precision):
            output = part(*(tensor(value, precision) for value in inputs))
    except (RuntimeError, TypeError, ValueError, IndexError):
        return None
    result = output[0] if isinstance(output, tuple | list) else output
    return array(result) if isinstance(result, torch.Tensor) else None


def state_arrays(module: torch.nn.Module) -> dict[str, Array]:
    """Copy the state dict to numpy."""
    return {
        name: array(value)
        for name, value in module.state_dict().items()
        if isinstance(value, torch.Tensor)
    }


def load_state(module: torch.nn.Module, values: Mapping[str, Array]) -> None:
    """Overwrite parameters and buffers in place."""
    state = module.state_dict()
    with torch.no_grad():
        for name, value in values.items():
            state[name].copy_(torch.tensor(value))


def torch_facts(module: torch.nn.Module) -> dict[str, str]:
    """Give versions, threads, flags, dtypes, mode and a checksum of the weights."""
    parameters = list(module.parameters())
    ray = sys.modules.get("ray")
    return {
        "python": platform.python_version(),
        **({"ray": str(getattr(ray, "__version__", ""))} if ray else {}),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
        "dtypes": ", ".join(sorted({str(p.dtype).removeprefix("torch.") for p in parameters})),
        "devices": ", ".join(sorted({str(p.device) for p in parameters})),
        "weights": checksum(
            (p.float() if p.dtype == torch.bfloat16 else p).numpy(force=True) for p in parameters
        ),
    }


def logit_segments(space: gym.Space[Any], width: int) -> tuple[tuple[int, int], ...]:
    """Find the categorical parts of a logits vector; none if the widths do not add up."""
    sizes: list[tuple[str, int]] = []

    def visit(part: gym.Space[Any]) -> None:
        if isinstance(part, spaces.Dict):
            # RLlib splits the vector in tree order, which sorts keys.
            for key in sorted(part.spaces):
                visit(part.spaces[key])
        elif isinstance(part, spaces.Tuple):
            for item in part.spaces:
                visit(item)
        elif isinstance(part, spaces.Discrete):
            sizes.append(("categorical", int(part.n)))
        elif isinstance(part, spaces.MultiDiscrete):
            sizes.extend(("categorical", int(n)) for n in part.nvec.reshape(-1))
        elif isinstance(part, spaces.Box) and np.dtype(part.dtype).kind in "iu":
            count = (part.high.astype(np.int64) - part.low.astype(np.int64) + 1).reshape(-1)
            sizes.extend(("categorical", int(n)) for n in count)
        else:
            sizes.append(("other", 2 * int(np.prod(part.shape or (1,)))))

    visit(space)
    return action_segments(sizes) if sum(size for _, size in sizes) == width else ()


def cotangents(outputs: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Draw a fixed cotangent per output, by its name and shape."""
    return {
        name: torch.tensor(cotangent(name, value.shape, seed)).to(value.dtype)
        for name, value in outputs.items()
    }


def pull_back(
    module: torch.nn.Module, outputs: Mapping[str, torch.Tensor], obs: Nested, seed: int
) -> Gradients:
    """Give the gradients of all parameters and float observations for seeded cotangents.

    Masked logits get no cotangent: their gradients are zero times a huge number on one side.
    """
    total = torch.zeros(())
    for name, drawn in cotangents(outputs, seed).items():
        value = outputs[name]
        if not value.requires_grad:
            continue
        seen = torch.isfinite(value) & (value.abs() < MASKED_FROM)
        total = total.to(value.dtype) + torch.where(seen, value * drawn, 0.0).sum()
    named: dict[str, torch.Tensor] = {
        f"parameters.{name}": p for name, p in module.named_parameters() if p.requires_grad
    }
    named |= {path: leaf for path, leaf in _tensor_paths(obs, "inputs") if leaf.requires_grad}
    if not total.requires_grad or not named:
        return Gradients(dict.fromkeys(named))
    pulled = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    return Gradients(
        {
            name: None if grad is None else array(grad)
            for name, grad in zip(named, pulled, strict=True)
        }
    )


def _tensor_paths(structure: Nested, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(structure, torch.Tensor):
        yield prefix, structure
    elif isinstance(structure, Mapping):
        for key, value in structure.items():
            yield from _tensor_paths(value, f"{prefix}.{key}")
    elif isinstance(structure, list | tuple):
        for index, value in enumerate(structure):
            yield from _tensor_paths(value, f"{prefix}.{index}")
