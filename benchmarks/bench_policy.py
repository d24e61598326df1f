"""Time `Policy.compute_actions` against Ray's, on equal weights and inputs.

    python benchmarks/bench_policy.py

Prints microseconds of CPU time a call at batch 1, 32 and 256, ours and Ray's, and how many times
faster ours is. Needs Ray.
"""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import torch
from timing import best

from rlmigrate.legacy.policies import PPOTorchPolicy

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
ACTIONS = {
    "Discrete(3)": gym.spaces.Discrete(3),
    "Box(2)": gym.spaces.Box(-1.0, 1.0, (2,), np.float32),
}
CALLS = {1: 30, 32: 20, 256: 8}


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
            found = best(
                {
                    "ours": lambda: ours.compute_actions(obs),  # noqa: B023
                    "ray": lambda: theirs.compute_actions(obs),  # noqa: B023
                },
                calls=calls,
            )
            mine, ray = found["ours"] * 1e6, found["ray"] * 1e6
            print(f"{name:12} {batch:5} {mine:9.0f} {ray:9.0f} {ray / mine:6.2f}")


if __name__ == "__main__":
    main()
