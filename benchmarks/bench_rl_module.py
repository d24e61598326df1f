"""RLModule's overhead, as ratios to plain nn.Modules with the same layers, and to Ray's.

    python benchmarks/bench_rl_module.py [--ray]

Ratios of CPU time, not times, are what this is for.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

import gymnasium as gym
import torch
from timing import best
from torch import nn

from rlmigrate.new_stack import Columns
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule

OBS, ACT = gym.spaces.Box(-1, 1, (8,)), gym.spaces.Discrete(4)
MLP = {"fcnet_hiddens": [256, 256], "vf_share_layers": False}
LSTM = {"use_lstm": True, "lstm_cell_size": 256, "fcnet_hiddens": [256, 256]}


class PlainPolicy(nn.Module):
    """The policy half of the module: nothing but its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(8, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 4)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


class PlainLayers:
    """The six linear layers of the module, on their own."""

    def __init__(self) -> None:
        sizes = ((8, 256), (256, 256), (8, 256), (256, 256), (256, 4), (256, 1))
        self.layers = [nn.Linear(*size) for size in sizes]


class PlainLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Linear(8, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh())
        self.lstm = nn.LSTM(256, 256, batch_first=True)
        self.pi = nn.Linear(256, 4)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> object:
        out, state = self.lstm(self.before(x), (h.transpose(0, 1), c.transpose(0, 1)))
        return self.pi(out), state


def build(cls: type, config: dict[str, object]) -> object:
    return cls(observation_space=OBS, action_space=ACT, model_config=dict(config))


def inference_sides(rows: int, modules: dict[str, type]) -> dict[str, Callable[[], object]]:
    obs = torch.rand(rows, 8)
    plain = PlainPolicy()
    sides: dict[str, Callable[[], object]] = {"plain": lambda: plain(obs)}
    for name, cls in modules.items():
        module = build(cls, MLP)
        sides[name] = lambda m=module: m.forward_inference({Columns.OBS: obs})  # type: ignore[attr-defined]
    return sides


def lstm_sides(modules: dict[str, type]) -> dict[str, Callable[[], object]]:
    obs, state = torch.rand(1, 1, 8), torch.zeros(1, 1, 256)
    plain = PlainLSTM()
    sides: dict[str, Callable[[], object]] = {"plain": lambda: plain(obs, state, state)}
    batch = {Columns.OBS: obs, Columns.STATE_IN: {"h": state, "c": state}}
    for name, cls in modules.items():
        module = build(cls, LSTM)
        sides[name] = lambda m=module: m.forward_inference(batch)  # type: ignore[attr-defined]
    return sides


def toggle_cost(module: nn.Module) -> dict[str, float]:
    switch = module._mode_switch

    def cached() -> None:
        switch.set(module, training=False)
        switch.set(module, training=True)

    def recursive() -> None:
        module.eval()
        module.train()

    found = best({"cached": cached, "recursive": recursive}, calls=50)
    return {name: seconds * 1e6 / 2 for name, seconds in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ray", action="store_true", help="measure Ray's modules beside ours")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    modules: dict[str, type] = {"ours": DefaultPPOTorchRLModule}
    if options.ray:
        from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import (
            DefaultPPOTorchRLModule as RayModule,
        )

        modules["ray"] = RayModule
    report: dict[str, dict[str, float]] = {}
    for rows, calls, times in ((1, 15, 20), (32, 10, 5), (1024, 2, 3)):  # short rounds, and many
        with torch.no_grad():
            found = best(inference_sides(rows, modules), calls=calls, rounds=options.rounds * times)
        report[f"forward_inference, batch {rows}"] = ratios(found)
    with torch.no_grad():
        found = best(lstm_sides(modules), calls=5, rounds=options.rounds * 5)
    report["LSTM step, batch 1"] = ratios(found)
    found = best(
        {name: lambda c=cls: build(c, MLP) for name, cls in modules.items()},
        calls=3,
        rounds=options.rounds * 3,
    )
    report["building"] = {f"{name}, ms": value * 1e3 for name, value in found.items()}
    # What nobody can save: torch's random weights, which seeds must give as they do in Ray.
    layers = best({"layers": PlainLayers}, calls=3, rounds=options.rounds * 3)["layers"]
    report["building"]["bare layers, ms"] = layers * 1e3
    if "ray" in found:
        report["building"]["ours / ray"] = found["ours"] / found["ray"]
        report["building"]["ours / ray, beyond the layers"] = (found["ours"] - layers) / (
            found["ray"] - layers
        )
    report["one mode switch, us"] = toggle_cost(build(DefaultPPOTorchRLModule, MLP))  # type: ignore[arg-type]
    json.dump(report, sys.stdout, indent=2)
    print()
    return 0


def ratios(found: dict[str, float]) -> dict[str, float]:
    plain = found["plain"]
    return {
        "plain, us": round(plain * 1e6, 1),
        **{name: round(value / plain, 3) for name, value in found.items() if name != "plain"},
    }


if __name__ == "__main__":
    raise SystemExit(main())
