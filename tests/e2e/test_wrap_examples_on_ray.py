"""Ray's old torch example models, wrapped, sample in real EnvRunners and learn in real Learners.

All of them but the neural computer, whose package `dnc` is not among ours.
"""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.models import ModelCatalog
from ray.rllib.utils.spaces.repeated import Repeated

from rlmigrate.compat.wrap.algorithm import wrap_algorithm_config

EXAMPLES = "ray.rllib.examples._old_api_stack.models"
VECTOR = Box(-1.0, 1.0, (4,), np.float32)
MASKED = Dict(
    {"action_mask": Box(0.0, 1.0, (3,), np.float32), "observations": Box(-1.0, 1.0, (6,))}
)
PARAMETRIC = Dict(
    {
        "action_mask": Box(0, 1, (3,), np.int8),
        "avail_actions": Box(-1.0, 1.0, (3, 2), np.float32),
        "cart": VECTOR,
    }
)
CRITIC = Dict({"own_obs": Discrete(6), "opponent_obs": Discrete(6), "opponent_action": Discrete(2)})
PLAYERS = Repeated(
    Dict(
        {
            "items": Repeated(Box(0, 1, (5,), np.float32), 3),
            "location": Box(0, 100, (2,), np.float32),
        }
    ),
    2,
)
#: Class: (file, observation space, action space)
MODELS: dict[str, tuple[str, gym.Space[Any], gym.Space[Any]]] = {
    "TorchActionMaskModel": ("action_mask_model", MASKED, Discrete(3)),
    "TorchFastModel": ("fast_model", VECTOR, Discrete(3)),
    "TorchSharedWeightsModel": ("shared_weights_model", VECTOR, Discrete(2)),
    "TorchCentralizedCriticModel": ("centralized_critic_models", VECTOR, Discrete(2)),
    "YetAnotherTorchCentralizedCriticModel": ("centralized_critic_models", CRITIC, Discrete(2)),
    "TorchCustomLossModel": ("custom_loss_model", VECTOR, Discrete(2)),
    "TorchAutoregressiveActionModel": (
        "autoregressive_action_model",
        VECTOR,
        Tuple([Discrete(2), Discrete(2)]),
    ),
    "CustomTorchRPGModel": ("simple_rpg_model", PLAYERS, Discrete(3)),
    "TorchParametricActionsModel": ("parametric_actions_model", PARAMETRIC, Discrete(3)),
}


class Env(gym.Env):
    """Random observations of the given space, eight steps; the reward is the first action."""

    def __init__(self, config: Any) -> None:
        self.observation_space, self.action_space = config["spaces"]
        self.preprocessed = self.observation_space
        if isinstance(self.preprocessed, Repeated):
            # Ray 2.60's EnvRunner cannot take lists of different lengths apart.
            preprocessor = ModelCatalog.get_preprocessor_for_space(PLAYERS)
            self.observation_space = preprocessor.observation_space
        self.left = 0

    def _observation(self) -> Any:
        if isinstance(self.preprocessed, Repeated):
            return ModelCatalog.get_preprocessor_for_space(PLAYERS).transform(PLAYERS.sample())
        obs = self.observation_space.sample()
        if isinstance(obs, dict) and "action_mask" in obs:
            obs["action_mask"][:] = 1
            obs["action_mask"][0] = 0
        return obs

    def reset(self, *, seed=None, options=None):
        self.observation_space.seed(seed)
        self.left = 8
        return self._observation(), {}

    def step(self, action):
        if isinstance(self.observation_space, Dict) and "action_mask" in self.observation_space:
            assert action != 0
        self.left -= 1
        return self._observation(), float(np.sum(action)), self.left <= 0, False, {}


def old_config(name: str, tmp_path: Any) -> Any:
    """Configure the old stack as Ray's example scripts of the model do."""
    home, observations, actions = MODELS[name]
    model: dict[str, Any] = {
        "custom_model": getattr(importlib.import_module(f"{EXAMPLES}.{home}"), name),
        "fcnet_hiddens": [16],
    }
    if name == "TorchCustomLossModel":
        from ray.rllib.offline.json_writer import JsonWriter
        from ray.rllib.policy.sample_batch import SampleBatch

        rows = {"obs": np.random.rand(6, 4).astype(np.float32), "actions": np.zeros(6, np.int64)}
        JsonWriter(str(tmp_path)).write(SampleBatch(rows))
        model["custom_model_config"] = {"input_files": str(tmp_path)}
    if name == "TorchAutoregressiveActionModel":
        dist = importlib.import_module(f"{EXAMPLES}.autoregressive_action_dist")
        ModelCatalog.register_custom_action_dist(
            "autoregressive", dist.TorchBinaryAutoregressiveDistribution
        )
        model["custom_action_dist"] = "autoregressive"
    config = DQNConfig() if name == "TorchParametricActionsModel" else PPOConfig()
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config.environment(Env, env_config={"spaces": (observations, actions)}).framework("torch")
    config.env_runners(num_env_runners=0).training(model=model, train_batch_size=32)
    if isinstance(config, PPOConfig):
        return config.training(minibatch_size=16, num_epochs=1)
    config.hiddens, config.dueling = [], False
    return config.training(replay_buffer_config={"type": "PrioritizedEpisodeReplayBuffer"})


@pytest.mark.parametrize("name", MODELS)
def test_example_model_samples_and_learns(name, tmp_path):
    torch.manual_seed(0)
    config = wrap_algorithm_config(old_config(name, tmp_path))
    runner = SingleAgentEnvRunner(config=config)
    episodes = runner.sample(num_timesteps=32, explore=True)
    assert sum(map(len, episodes)) >= 32
    assert type(runner.module).legacy_class.__name__ == name
    greedy = runner.sample(num_timesteps=8, explore=False)
    assert sum(map(len, greedy)) >= 8

    spaces = (runner.env.single_observation_space, runner.env.single_action_space)
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    before = {k: v.clone() for k, v in learner.module["default_policy"].state_dict().items()}
    if isinstance(config, DQNConfig):
        episodes = replayed(config, episodes)
    learner.update(episodes=episodes)
    after = learner.module["default_policy"].state_dict()
    assert all(torch.isfinite(value).all() for value in after.values())
    changed = [k for k in before if not torch.equal(before[k], after[k])]
    assert any(name.startswith("legacy_model.") for name in changed)
    runner.stop()


def replayed(config: Any, episodes: list[Any]) -> list[Any]:
    from ray.rllib.utils.replay_buffers import PrioritizedEpisodeReplayBuffer

    buffer = PrioritizedEpisodeReplayBuffer(capacity=1000)
    buffer.add(episodes)
    sampled: list[Any] = buffer.sample(
        batch_size_B=16, n_step=1, gamma=config.gamma, beta=0.4, sample_episodes=True
    )
    return sampled
