"""Time `Policy.compute_actions` against Ray's, on equal weights and inputs.

    python benchmarks/bench_policy.py

Prints microseconds a call at batch 1, 32 and 256, ours and Ray's, and their ratio: the best of
several rounds, which alternate so that a busy machine slows both. Needs Ray.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from rlmigrate.legacy.policies import PPOTorchPolicy

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
ACTIONS = {
    "Discrete(3)": gym.spaces.Discrete(3),
    "Box(2)": gym.spaces.Box(-1.0, 1.0, (2,), np.float32),
}
CALLS = {1: 100, 32: 80, 256: 25}


def best(functions: list[Callable[[], Any]], *, rounds: int, calls: int) -> list[float]:
    """Time functions in turn; give each one's best round in microseconds a call."""
    times = [float("inf")] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            start = time.perf_counter()
            for _ in range(calls):
                function()
            times[index] = min(times[index], (time.perf_counter() - start) / calls * 1e6)
    return times


def main() -> None:
    """Print the table."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy as RayPPOTorchPolicy

    torch.set_num_threads(1)
    config = (
        PPOConfig()
        .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
        .to_dict()
    )
    print(f"{'actions':12} {'batch':>5} {'ours us':>9} {'Ray us':>9} {'ratio':>6}")
    for name, space in ACTIONS.items():
        theirs = RayPPOTorchPolicy(OBS, space, copy.deepcopy(config))
        ours = PPOTorchPolicy(OBS, space, {})
        ours.set_weights(theirs.get_weights())
        for batch, calls in CALLS.items():
            obs = np.random.default_rng(0).normal(size=(batch, 4)).astype(np.float32)
            mine, ray = best(
                [lambda: ours.compute_actions(obs), lambda: theirs.compute_actions(obs)],  # noqa: B023
                rounds=9,
                calls=calls,
            )
            print(f"{name:12} {batch:5} {mine:9.0f} {ray:9.0f} {ray / mine:6.2f}")


if __name__ == "__main__":
    main()
