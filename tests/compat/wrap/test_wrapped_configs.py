"""An old AlgorithmConfig becomes a new one that samples and learns with the wrapped models."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.connectors.env_to_module import MeanStdFilter
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.policy.policy import Policy, PolicySpec

from rlmigrate.compat.wrap.algorithm import wrap_algorithm_config
from rlmigrate.errors import UsageError

BOX = gym.spaces.Box(-1, 1, (4,), np.float32)


class Env(gym.Env):
    """Random observations, ten steps."""

    observation_space = gym.spaces.Dict({"a": gym.spaces.Discrete(2), "b": BOX})

    def __init__(self, config: Any) -> None:
        self.action_space = config.get("actions", gym.spaces.Discrete(3))
        self.left = 0

    def reset(self, *, seed=None, options=None):
        self.left = 10
        return self.observation_space.sample(), {}

    def step(self, action):
        self.left -= 1
        return self.observation_space.sample(), 1.0, self.left <= 0, False, {}


class Mine(FullyConnectedNetwork):
    """A custom model with a loss of its own."""

    calls = 0

    def custom_loss(self, policy_loss, loss_inputs):
        Mine.calls += 1
        return policy_loss


def old(config: Any, **model: Any) -> Any:
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config.framework("torch").environment(Env).env_runners(num_env_runners=0)
    return config.training(model={"fcnet_hiddens": [8], **model}, train_batch_size=20)


def sample(config: Any) -> tuple[Any, Any]:
    runner = SingleAgentEnvRunner(config=config)
    return runner, runner.sample(num_timesteps=20, explore=True)


@pytest.mark.parametrize("registered", [True, False])
def test_ppo_with_a_custom_model_samples_and_learns(registered):
    ModelCatalog.register_custom_model("mine", Mine)
    given = old(PPOConfig(), custom_model="mine" if registered else Mine)
    config = wrap_algorithm_config(given.training(minibatch_size=10, num_epochs=1))
    assert not given.enable_rl_module_and_learner
    runner, episodes = sample(config)
    assert type(runner.module).legacy_class is Mine
    spaces = (Env.observation_space, gym.spaces.Discrete(3))
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    before, calls = learner.get_state()["rl_module"]["default_policy"], Mine.calls
    before = {name: value.copy() for name, value in before.items()}
    learner.update(episodes=episodes)
    after = learner.get_state()["rl_module"]["default_policy"]
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert Mine.calls > calls


def test_previous_actions_and_recurrence_need_nothing_more():
    model = {"use_lstm": True, "lstm_cell_size": 4, "lstm_use_prev_reward": True}
    model["lstm_use_prev_action"] = True  # with which Ray's own LSTMWrapper fails for Discrete
    config = wrap_algorithm_config(old(PPOConfig(), **model))
    runner, episodes = sample(config)
    assert runner.module.is_stateful()
    assert sum(map(len, episodes)) >= 20


@pytest.mark.parametrize(
    ("make", "actions"),
    [(DQNConfig, gym.spaces.Discrete(3)), (SACConfig, gym.spaces.Box(-1, 1, (2,), np.float32))],
)
def test_default_models_of_dqn_and_sac(make, actions):
    given = old(make())
    Env.observation_space, kept = BOX, Env.observation_space
    try:
        config = wrap_algorithm_config(given.environment(Env, env_config={"actions": actions}))
        _, episodes = sample(config)
    finally:
        Env.observation_space = kept
    assert sum(map(len, episodes)) >= 20


def test_observation_filter_scales_what_the_module_sees(monkeypatch):
    monkeypatch.setattr(Env, "observation_space", BOX)
    given = old(PPOConfig()).env_runners(observation_filter="MeanStdFilter")
    given.environment(env_config={"actions": gym.spaces.Discrete(3)})
    runner, _ = sample(wrap_algorithm_config(given))
    filters = next(c for c in runner._env_to_module if isinstance(c, MeanStdFilter))
    (stats,) = filters.get_state().values()
    assert stats["running_stats"][0]["num_pushes"] >= 20
    assert given.observation_filter == "MeanStdFilter"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"exploration_config": {"type": "SoftQ", "temperature": 1.0}}, "SoftQ"),
        ({"observation_filter": "Mine"}, "Mine"),
    ],
)
def test_what_cannot_be_carried_over_is_named(settings, named):
    with pytest.warns(UserWarning, match=named):
        wrap_algorithm_config({"env": Env, **settings}, algorithm="PPO")


def test_multi_agent_policies_get_their_own_modules_and_settings():
    given = old(PPOConfig()).multi_agent(
        policies={
            "first": PolicySpec(config={"model": {"fcnet_hiddens": [5]}}),
            "second": (None, BOX, gym.spaces.Discrete(2), {}),
            "third": PolicySpec(),
        },
        policy_mapping_fn=lambda *_, **__: "first",
    )
    config = wrap_algorithm_config(given)
    spaces = {
        name: (BOX, gym.spaces.Discrete(2)) for name in ("first", "second", "third", "__env__")
    }
    learner = config.build_learner(env=None, spaces=spaces)
    widths = {
        name: learner.module[name].legacy_model._hidden_layers[0]._model[0].out_features
        for name in ("first", "second", "third")
    }
    assert widths == {"first": 5, "second": 8, "third": 8}


def test_other_things_are_refused():
    with pytest.raises(UsageError, match="takes Ray's AlgorithmConfig or a dict"):
        wrap_algorithm_config([("model", {})])
    with pytest.raises(UsageError, match='settings, algorithm="PPO"'):
        wrap_algorithm_config({"model": {}})
    with pytest.raises(UsageError, match="Ray has no algorithm 'A3C'"):
        wrap_algorithm_config({"model": {}}, algorithm="A3C")
    with pytest.raises(UsageError, match="not registered"):
        wrap_algorithm_config(old(PPOConfig(), custom_model="nowhere"))


class Scripted(Policy):
    """A heuristic: always the last action."""

    def compute_actions(self, obs_batch, state_batches=None, **_):
        return np.full(len(obs_batch), self.action_space.n - 1), [], {}

    def get_weights(self):
        return {}

    def set_weights(self, weights):
        pass


class Pair(MultiAgentEnv):
    """Two agents that act together for five steps."""

    def __init__(self, config=None):
        super().__init__()
        self.agents = self.possible_agents = ["wolf", "villager"]
        self.observation_spaces = dict.fromkeys(self.agents, BOX)
        self.action_spaces = dict.fromkeys(self.agents, gym.spaces.Discrete(3))
        self.seen = (config or {}).get("seen", [])
        self.left = 0

    def _observations(self):
        return {agent: BOX.sample() for agent in self.agents}

    def reset(self, *, seed=None, options=None):
        self.left = 5
        return self._observations(), {}

    def step(self, actions):
        self.left -= 1
        done = {"__all__": self.left <= 0}
        return self._observations(), dict.fromkeys(self.agents, 1.0), done, {"__all__": False}, {}


def mapping_of_one(agent_id):
    return "scripted" if agent_id == "wolf" else "learning"


def mapping_of_three(agent_id, episode, worker, **kwargs):
    return mapping_of_one(agent_id)


@pytest.mark.parametrize("mapping", [mapping_of_one, mapping_of_three])
def test_a_dict_of_a_multi_agent_project_of_ray_1(mapping):
    ModelCatalog.register_custom_model("mine", Mine)
    settings = {
        "env": Pair,
        "env_config": {},
        "framework": "tf",
        "eager": True,
        "num_workers": 0,
        "num_gpus": 0,
        "num_sgd_iter": 1,
        "sgd_minibatch_size": 8,
        "train_batch_size": 16,
        "lambda": 0.9,
        "lr_schedule": [[0, 1e-3], [1000, 1e-4]],
        "vf_share_layers": True,
        "horizon": 100,
        "callbacks": {"on_episode_end": print},
        "model": {"custom_model": "mine", "fcnet_hiddens": [6]},
        "multiagent": {
            "policies": {
                "scripted": (Scripted, BOX, gym.spaces.Discrete(3), {}),
                "learning": (None, BOX, gym.spaces.Discrete(3), {"model": {"fcnet_hiddens": [5]}}),
            },
            "policy_mapping_fn": mapping,
            "policies_to_train": "learning",
        },
    }
    with pytest.warns(UserWarning, match="no such settings today: callbacks, horizon"):
        config = wrap_algorithm_config(settings, algorithm="PPOTrainer")
    assert config.lambda_ == 0.9
    assert config.minibatch_size == 8
    assert config.num_epochs == 1
    assert config.lr == [[0, 1e-3], [1000, 1e-4]]
    assert config.model["vf_share_layers"]
    runner = MultiAgentEnvRunner(config=config)
    episodes = runner.sample(num_timesteps=16, explore=True)
    played = [episode.agent_episodes["wolf"].get_actions() for episode in episodes]
    assert set(np.concatenate(played).tolist()) == {2}
    modules = runner.module
    assert type(modules["scripted"].unwrapped()).legacy_class is Scripted
    assert type(modules["learning"].unwrapped()).legacy_class is Mine
    layer = modules["learning"].unwrapped().legacy_model._hidden_layers[0]._model[0]
    assert layer.out_features == 5
    spaces = dict.fromkeys(("scripted", "learning", "__env__"), (BOX, gym.spaces.Discrete(3)))
    learner = config.build_learner(env=None, spaces=spaces)
    before = {k: v.clone() for k, v in learner.module["learning"].state_dict().items()}
    learner.update(episodes=episodes)
    after = learner.module["learning"].state_dict()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
