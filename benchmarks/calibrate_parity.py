"""Noise ratios of correct and faulty candidates over RLlib's default nets, as table and plot.

Every candidate is the old model itself, computed in another order (correct) or slightly wrong
(faulty). From the two distributions the limit of `check_parity` is chosen.

    python benchmarks/calibrate_parity.py docs/parity/calibration.svg
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from rlmigrate.compat.parity.cases import CaseOptions, edges, plan_cases
from rlmigrate.compat.parity.judge import NOISE_LIMIT, judge
from rlmigrate.compat.parity.references import References
from rlmigrate.compat.parity.sides.building import fill_weights
from rlmigrate.compat.parity.sides.legacy_torch import LegacyTorchSide
from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

NETS: dict[str, tuple[gym.Space[Any], gym.Space[Any], dict[str, Any]]] = {
    "fcnet": (Box(-1.0, 1.0, (8,)), Discrete(4), {"fcnet_hiddens": [256, 256]}),
    "fcnet, Box actions": (Box(-10.0, 10.0, (8,)), Box(-1.0, 1.0, (3,)), {"fcnet_hiddens": [64]}),
    "fcnet, relu": (Box(-1.0, 1.0, (8,)), Discrete(4), {"fcnet_activation": "relu"}),
    "vision, uint8": (Box(0, 255, (42, 42, 3), np.uint8), Discrete(4), {}),
    "vision, float": (Box(0.0, 1.0, (42, 42, 3)), Discrete(4), {}),
    "LSTM": (Box(-1.0, 1.0, (8,)), Discrete(4), {"use_lstm": True, "lstm_cell_size": 64}),
    "attention": (
        Box(-1.0, 1.0, (8,)),
        Discrete(4),
        {"use_attention": True, "attention_dim": 32, "attention_head_dim": 16, "max_seq_len": 10},
    ),
    "fcnet, float16": (Box(-1.0, 1.0, (8,)), Discrete(4), {"fcnet_hiddens": [256, 256]}),
    "fcnet, bfloat16": (Box(-1.0, 1.0, (8,)), Discrete(4), {"fcnet_hiddens": [256, 256]}),
    "vision, bfloat16": (Box(0.0, 1.0, (42, 42, 3)), Discrete(4), {}),
}
#: Nets that run under torch's autocast; a difference must be larger to show there.
NARROW = {"float16": torch.float16, "bfloat16": torch.bfloat16}

Patch = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class Patched(TorchFunctionMode):
    """Send torch functions through a patch."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._patch(func, args, kwargs or {})


def on_linear(change: Callable[..., torch.Tensor]) -> Patch:
    def patch(func: Any, args: Any, kwargs: Any) -> Any:
        if func is F.linear or getattr(func, "__name__", "") == "linear":
            bias = args[2] if len(args) > 2 else kwargs.get("bias")
            return change(args[0], args[1], bias)
        return func(*args, **kwargs)

    return patch


def on_conv(change: Callable[..., torch.Tensor]) -> Patch:
    def patch(func: Any, args: Any, kwargs: Any) -> Any:
        if getattr(func, "__name__", "") == "conv2d":
            return change(func, *args)
        return func(*args, **kwargs)

    return patch


def on_activation(change: Callable[[torch.Tensor], torch.Tensor]) -> Patch:
    def patch(func: Any, args: Any, kwargs: Any) -> Any:
        result = func(*args, **kwargs)
        if getattr(func, "__name__", "") in ("tanh", "relu"):
            return change(result)
        return result

    return patch


def plus(value: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return value if bias is None else value + bias


def halves(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None) -> torch.Tensor:
    k = w.shape[1] // 2
    return plus(x[..., :k] @ w[:, :k].T + x[..., k:] @ w[:, k:].T, b)


def unfold(func: Any, x: torch.Tensor, w: torch.Tensor, b: Any, stride: Any, *rest: Any) -> Any:
    size = func(x, w, b, stride, *rest).shape
    padding = rest[0] if rest else 0
    patches = F.unfold(x, w.shape[-2:], padding=padding, stride=stride)
    return plus(w.flatten(1) @ patches, b[:, None]).reshape(size)


def lstm_loop(self: nn.LSTM, x: torch.Tensor, hx: Any = None) -> Any:
    """The LSTM's equations, step by step."""
    h, c = (part[0] for part in hx)
    time = 1 if self.batch_first else 0
    steps = []
    for step in x.unbind(time):
        gates = step @ self.weight_ih_l0.T + self.bias_ih_l0 + self.bias_hh_l0
        i, f, g, o = (gates + h @ self.weight_hh_l0.T).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        steps.append(h)
    return torch.stack(steps, time), (h[None], c[None])


def nudge(x: torch.Tensor, by: float) -> torch.Tensor:
    return x * (1.0 + by)


def bf16(x: torch.Tensor) -> torch.Tensor:
    return x.bfloat16().to(x.dtype)


def half(x: torch.Tensor) -> torch.Tensor:
    return x.half().to(x.dtype)


CORRECT: dict[str, Patch] = {
    "einsum": on_linear(lambda x, w, b: plus(torch.einsum("...i,oi->...o", x, w), b)),
    "backwards": on_linear(lambda x, w, b: plus(x.flip(-1) @ w.flip(-1).T, b)),
    "two halves": on_linear(halves),
    "bias first": on_linear(
        lambda x, w, b: (
            torch.cat([torch.ones_like(x[..., :1]), x], -1)
            @ torch.cat([(torch.zeros_like(w[:, 0]) if b is None else b)[:, None], w], 1).T
        )
    ),
    "float64 inside": on_linear(lambda x, w, b: plus(x.double() @ w.double().T, b).to(x.dtype)),
    "products summed": on_linear(lambda x, w, b: plus((x[..., None, :] * w).sum(-1), b)),
    "unfolded conv": on_conv(unfold),
}
FAULTY: dict[str, Patch] = {
    "weights 1e-5 too large": on_linear(lambda x, w, b: F.linear(x, nudge(w, 1e-5), b)),
    "weights 1e-4 too large": on_linear(lambda x, w, b: F.linear(x, nudge(w, 1e-4), b)),
    "bias 1e-3 too large": on_linear(
        lambda x, w, b: F.linear(x, w, None if b is None else nudge(b, 1e-3))
    ),
    "activation 1e-5 too large": on_activation(lambda y: nudge(y, 1e-5)),
    "inputs in float16": on_linear(lambda x, w, b: F.linear(half(x), w, b)),
    "inputs in bfloat16": on_linear(lambda x, w, b: F.linear(bf16(x), w, b)),
    "weights in float16": on_linear(lambda x, w, b: F.linear(x, half(w), b)),
    "kernel 1e-5 too large": on_conv(lambda func, x, w, *rest: func(x, nudge(w, 1e-5), *rest)),
    "activation leaks 1e-5": on_activation(lambda y: y + 1e-5),
}
FAULTY_NARROW: dict[str, Patch] = {
    "weights 10% too large": on_linear(lambda x, w, b: F.linear(x, nudge(w, 0.1), b)),
    "no bias": on_linear(lambda x, w, b: F.linear(x, w)),
    "activation 10% too large": on_activation(lambda y: nudge(y, 0.1)),
    "kernel 10% too large": on_conv(lambda func, x, w, *rest: func(x, nudge(w, 0.1), *rest)),
    "activation leaks 0.1": on_activation(lambda y: y + 0.1),
    "inputs in float8": on_linear(
        lambda x, w, b: F.linear(x.to(torch.float8_e4m3fn).to(x.dtype), w, b)
    ),
}


@contextmanager
def looped_lstm() -> Any:
    plain = nn.LSTM.forward
    nn.LSTM.forward = lstm_loop  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.LSTM.forward = plain  # type: ignore[method-assign]


def side_of(name: str, seed: int) -> LegacyTorchSide:
    observations, actions, changes = NETS[name]
    config = {**MODEL_DEFAULTS, **changes}
    prep = ModelCatalog.get_preprocessor_for_space(observations, config)
    _, width = ModelCatalog.get_action_dist(actions, config, framework="torch")
    torch.manual_seed(seed)
    model = ModelCatalog.get_model_v2(
        prep.observation_space, actions, width, config, framework="torch"
    )
    fill_weights(model, seed=seed)
    return LegacyTorchSide(model, observation_space=observations, action_space=actions)


def ratios(name: str, seed: int) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Largest ratio over cases and outputs, of each correct and each faulty candidate."""
    side = side_of(name, seed)
    observations, actions, _ = NETS[name]
    options = CaseOptions(
        seed=seed,
        batches=(1, 2, 32),
        state_sizes=side.state_sizes,
        max_seq_len=10 if name == "attention" else 20,
    )
    cases = plan_cases(observations, actions, options=options)
    narrow = NARROW.get(name.rpartition(" ")[2])
    wrong = FAULTY if narrow is None else FAULTY_NARROW
    correct = {key: [0.0] for key in CORRECT} | ({"LSTM loop": [0.0]} if name == "LSTM" else {})
    faulty = {key: [0.0] for key in wrong}
    casting = torch.autocast("cpu", dtype=narrow or torch.bfloat16, enabled=narrow is not None)
    with side.session(), casting:
        for case in cases:
            old = side.run(case).outputs
            perturb = partial(edges.perturbed, observations)
            wide = side.run(case, precision="float64")
            references = References(side, case, lambda wide=wide: wide, perturb)

            def measure(path: str, new: np.ndarray[Any, Any]) -> float:
                verdict = judge(
                    old[path],  # noqa: B023
                    new,
                    reference=lambda: references.array(path),  # noqa: B023
                    neighbour_noise=lambda: references.neighbours(path),  # noqa: B023
                )
                return verdict.noise_ratio or 0.0

            for group, found in ((CORRECT, correct), (wrong, faulty)):
                for key, patch in group.items():
                    with Patched(patch):
                        new = side.run(case).outputs
                    found[key] += [measure(p, new[p]) for p in ("dist_inputs", "value")]
            if name == "LSTM":
                with looped_lstm():
                    new = side.run(case).outputs
                correct["LSTM loop"] += [measure(p, new[p]) for p in ("dist_inputs", "value")]
    return (
        [(key, max(values)) for key, values in correct.items()],
        [(key, max(values)) for key, values in faulty.items() if max(values) > 0],
    )


def plot(path: str, found: dict[str, tuple[list[float], list[float]]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.55 * len(found) + 1.3))
    for y, (correct, faulty) in enumerate(found.values()):
        jitter = np.random.default_rng(y)
        for values, colour, dy in ((correct, "#1a7f4b", 0.12), (faulty, "#c0332b", -0.12)):
            shown = np.maximum(values, 0.05)
            height = y + dy + jitter.uniform(-0.07, 0.07, len(shown))
            axes.scatter(shown, height, s=16, color=colour, alpha=0.75, linewidths=0)
    axes.axvline(NOISE_LIMIT, color="black", linestyle="--", linewidth=1)
    axes.text(NOISE_LIMIT * 1.1, len(found) - 0.45, f"limit {NOISE_LIMIT:g}", fontsize=9)
    axes.set_xscale("log")
    axes.set_yticks(range(len(found)), list(found))
    axes.set_xlabel("largest error in units of the old model's float32 noise")
    axes.set_title("green: correct, in another order; red: faulty", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    torch.set_num_threads(1)
    found: dict[str, tuple[list[float], list[float]]] = {}
    print(f"{'net':20} {'correct: worst':34} faulty: least")
    for name in NETS:
        correct: list[tuple[str, float]] = []
        faulty: list[tuple[str, float]] = []
        for seed in range(3):
            good, bad = ratios(name, seed)
            correct += good
            faulty += bad
        top = max(correct, key=lambda item: item[1])
        least = min(faulty, key=lambda item: item[1])
        for key in dict.fromkeys(key for key, _ in correct + faulty):
            if "-v" in sys.argv:
                values = [v for k, v in correct + faulty if k == key]
                print(f"    {key:26} {min(values):8.2f} {max(values):8.2f}")
        print(f"{name:20} {f'{top[1]:.2f} ({top[0]})':34} {least[1]:.1f} ({least[0]})", flush=True)
        found[name] = ([v for _, v in correct], [v for _, v in faulty])
    if path := next((a for a in sys.argv[1:] if a.endswith(".svg")), None):
        plot(path, found)


if __name__ == "__main__":
    main()
