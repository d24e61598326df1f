"""Rewritten callbacks are called by a real env runner, and log what they logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OLD = """
import gymnasium as gym
from ray.rllib.agents.callbacks import DefaultCallbacks


class Steps(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (2,))
    action_space = gym.spaces.Discrete(2)

    def __init__(self, config=None):
        self.score = 0
        self.level = 3

    def reset(self, *, seed=None, options=None):
        self.score = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        self.score += 1
        return self.observation_space.sample(), 1.0, self.score == 4, False, {"score": self.score}


class Log(DefaultCallbacks):
    def on_episode_start(self, *, worker, base_env, policies, episode, env_index, **kwargs):
        episode.user_data["scores"] = []
        episode.hist_data["scores"] = []
        envs = base_env.get_sub_environments()
        assert len(envs) == 1
        assert envs[env_index].level == 3
        envs[env_index].level = 7

    def on_episode_step(self, *, worker, base_env, episode, env_index, **kwargs):
        score = base_env.get_sub_environments()[env_index].score
        assert episode.last_info_for()["score"] == score
        assert episode.last_reward_for() == 1.0
        episode.user_data["scores"].append(score)
        env = base_env.get_sub_environments()[env_index]
        assert hasattr(env, "level")
        assert env.level == env.unwrapped.level == worker.env.level == 7
        env.level = 3 if env.level == 3 or score == 4 else 7

    def on_episode_end(self, *, worker, base_env, policies, episode, env_index, **kwargs):
        episode.custom_metrics["best"] = max(episode.user_data["scores"])
        episode.custom_metrics["length"] = episode.length
        episode.custom_metrics["reward"] = episode.total_reward
        episode.custom_metrics.update({"half": episode.length / 2})
        episode.hist_data["scores"] = episode.user_data["scores"]
        episode.media["screen"] = "a picture"
        assert worker.config.num_env_runners == 0

    def on_sample_end(self, *, worker, samples, **kwargs):
        worker.worker_index
        self.count = samples.count
        SEEN.append(self.count)
"""


def test_env_runner_calls_them(becomes: Callable[..., str]) -> None:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

    text = becomes(OLD)
    assert "TODO" not in text
    scope: dict[str, Any] = {"SEEN": []}
    exec(compile(text, "callbacks", "exec"), scope)
    config = (
        PPOConfig()
        .environment(scope["Steps"])
        .env_runners(num_env_runners=0, batch_mode="complete_episodes")
        .callbacks(scope["Log"])
    )
    runner = SingleAgentEnvRunner(config=config)
    runner.sample(num_episodes=2, random_actions=True)
    metrics = runner.get_metrics()
    found = {key: metrics[key].peek() for key in ("best", "length", "reward", "half")}
    assert found == {"best": 4, "length": 4, "reward": 4.0, "half": 2.0}
    assert metrics["hist_stats"]["scores"].peek() == [1, 2, 3, 4, 1, 2, 3, 4]
    assert metrics["episode_media"]["screen"].peek() == ["a picture", "a picture"]
    assert scope["SEEN"] == [8]


TWO = """
from ray.rllib.algorithms.callbacks import DefaultCallbacks, MultiCallbacks
from ray.rllib.algorithms.ppo import PPOConfig


class First(DefaultCallbacks):
    def on_episode_end(self, *, episode, **kwargs):
        SEEN.append("first")


class Second(DefaultCallbacks):
    def on_episode_end(self, *, episode, **kwargs):
        SEEN.append("second")


config = PPOConfig().environment("CartPole-v1").callbacks(MultiCallbacks([First, Second]))
"""


def test_env_runner_calls_each_of_several(becomes: Callable[..., str]) -> None:
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

    scope: dict[str, Any] = {"SEEN": []}
    exec(compile(becomes(TWO), "callbacks", "exec"), scope)
    config = scope["config"].env_runners(num_env_runners=0, batch_mode="complete_episodes")
    SingleAgentEnvRunner(config=config).sample(num_episodes=1, random_actions=True)
    assert scope["SEEN"] == ["first", "second"]
