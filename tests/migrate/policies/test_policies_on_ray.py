"""Rewritten policies play in Ray's own EnvRunner."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from .test_policy_pairs import ACTIONS, MODEL, OBSERVATIONS, PAIRS, before

PLAYING = (
    "certain_when_not_exploring",
    "extra_outputs",
    "knows_its_probabilities",
    "random_numbers",
    "recurrent_sampler",
    "sampler_of_continuous_actions",
    "scripted",
)


class Walk(gym.Env[Any, Any]):
    """Random observations, episodes of five steps."""

    observation_space = OBSERVATIONS

    def __init__(self, config: Any) -> None:
        """Take the action space of the config."""
        self.action_space = config["actions"]

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        """Begin."""
        self.left = 5
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        """Go on; refuses an action of another space."""
        assert self.action_space.contains(np.asarray(action, self.action_space.dtype))
        self.left -= 1
        return self.observation_space.sample(), 1.0, self.left == 0, False, {}


@pytest.mark.parametrize("explore", [True, False])
@pytest.mark.parametrize("name", PLAYING)
def test_plays(migrate, name, explore) -> None:
    space = ACTIONS[PAIRS[name]["actions"]]
    config = (
        PPOConfig()
        .environment(Walk, env_config={"actions": space})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=2)
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=migrate(before(name)).new().Policy,
                model_config={**MODEL, "max_seq_len": 4},
            )
        )
    )
    runner = SingleAgentEnvRunner(config=config)
    try:
        episodes = runner.sample(num_episodes=2, explore=explore)
    finally:
        runner.stop()
    for episode in episodes:
        assert len(episode) == 5
        logp = episode.get_extra_model_outputs("action_logp")
        assert np.asarray(logp).shape[0] == 5
