"""The functions that take the place of compute_action() and its kin do what those did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.emit.actions_file import actions_text

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
ACTIONS = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-2.0, 2.0, (2,), np.float32),
}


@pytest.fixture(scope="module")
def acting() -> SimpleNamespace:
    scope: dict[str, Any] = {"__name__": "rlmigrate_actions"}
    exec(compile(actions_text(), "rlmigrate_actions.py", "exec"), scope)
    return SimpleNamespace(**scope)


def pair(space: gym.Space[Any]) -> tuple[Any, Any]:
    """An old policy and a module with the same weights."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
    from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import (
        DefaultPPOTorchRLModule,
    )

    config = (
        PPOConfig()
        .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
        .framework("torch")
        .training(model={"fcnet_hiddens": [8], "vf_share_layers": False})
    )
    policy = PPOTorchPolicy(OBS, space, config.to_dict())
    module = DefaultPPOTorchRLModule(
        observation_space=OBS,
        action_space=space,
        model_config={"fcnet_hiddens": [8], "vf_share_layers": False},
        catalog_class=PPOCatalog,
        inference_only=True,
    )
    module.set_state(module.get_state() | renamed(policy.get_weights()))
    return policy, module


def renamed(weights: dict[str, Any]) -> dict[str, Any]:
    """Old default nets' names to new ones (RLLIB_FACTS.md A.4)."""
    names = {
        "_hidden_layers.0._model.0": "encoder.actor_encoder.net.mlp.0",
        "_logits._model.0": "pi.net.mlp.0",
    }
    return {
        new + key[len(old) :]: value
        for old, new in names.items()
        for key, value in weights.items()
        if key.startswith(old)
    }


@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_module_acts_as_the_policy_did(kind: str, acting: SimpleNamespace) -> None:
    import torch

    policy, module = pair(ACTIONS[kind])
    obs = np.random.default_rng(0).uniform(-1, 1, (5, 4)).astype(np.float32)
    old = policy.compute_actions(obs, explore=False)
    new = acting.module_actions(module, obs, explore=False)
    np.testing.assert_array_equal(new[0], old[0])
    np.testing.assert_array_equal(new[2]["action_dist_inputs"], old[2]["action_dist_inputs"])
    torch.manual_seed(1)
    old = policy.compute_actions(obs, explore=True)
    torch.manual_seed(1)
    new = acting.module_actions(module, obs, explore=True)
    np.testing.assert_array_equal(new[0], old[0])
    np.testing.assert_allclose(new[2]["action_logp"], old[2]["action_logp"], rtol=1e-6)
    one = policy.compute_single_action(obs[0], explore=False)[0]
    np.testing.assert_allclose(
        acting.module_single_action(module, obs[0], explore=False)[0], one, rtol=1e-6
    )
    dict_ = {"obs": obs}
    np.testing.assert_array_equal(
        acting.module_actions_from_input_dict(module, dict_, explore=False)[0],
        policy.compute_actions_from_input_dict(dict_, explore=False)[0],
    )
    likely = policy.compute_log_likelihoods(old[0], obs)
    np.testing.assert_allclose(
        acting.module_log_likelihoods(module, old[0], obs), likely.numpy(), rtol=1e-6
    )


def test_states_go_round_as_lists_and_as_dicts(acting: SimpleNamespace) -> None:
    from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
    from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import (
        DefaultPPOTorchRLModule,
    )

    module = DefaultPPOTorchRLModule(
        observation_space=OBS,
        action_space=ACTIONS["discrete"],
        model_config={"use_lstm": True, "lstm_cell_size": 6, "max_seq_len": 4},
        catalog_class=PPOCatalog,
    )
    obs = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    first = acting.module_actions(module, obs, explore=False)
    assert [leaf.shape for leaf in first[1]] == [(3, 1, 6)] * 2
    again = acting.module_actions(module, obs, first[1], explore=False)
    alone = acting.module_single_action(
        module, obs[1], [leaf[1] for leaf in first[1]], explore=False
    )
    assert not np.array_equal(again[1][0], first[1][0])
    np.testing.assert_allclose(alone[1][0], again[1][0][1], rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def ray_running() -> Iterator[None]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_algorithm_acts_as_it_did(becomes: Callable[..., str], acting: SimpleNamespace) -> None:
    """Old script on the old stack, rewritten script on the new one, with the same weights."""
    from ray.rllib.algorithms.ppo import PPOConfig

    script = (
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        'config = PPOConfig().environment("Pendulum-v1").rollouts(num_rollout_workers=0)\n'
        'config.training(model={"fcnet_hiddens": [8]})\n'
        "algo = config.build()\n"
        "def act(observation):\n"
        "    return algo.compute_single_action(observation, explore=False)\n"
    )
    text = becomes(script)
    assert "compute_single_action(algo, observation, explore=False)" in text
    scope: dict[str, Any] = vars(acting) | {"__name__": "script"}
    exec(compile(text.replace("from rlmigrate_actions", "#"), "script", "exec"), scope)
    old = (
        PPOConfig()
        .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
        .environment("Pendulum-v1")
        .env_runners(num_env_runners=0)
        .training(model={"fcnet_hiddens": [8]})
        .build_algo()
    )
    module = scope["algo"].get_module()
    module.set_state(module.get_state() | renamed(old.get_policy().get_weights()))
    for seed in range(5):
        obs = np.random.default_rng(seed).uniform(-1, 1, 3).astype(np.float32)
        expected = old.compute_single_action(obs, explore=False)
        np.testing.assert_allclose(scope["act"](obs), expected, rtol=1e-6)
    actions = acting.compute_actions(scope["algo"], {"a": obs, "b": obs}, explore=False)
    assert set(actions) == {"a", "b"}


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_algorithm_with_many_modules_filters_and_states(acting: SimpleNamespace) -> None:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.connectors.env_to_module import MeanStdFilter
    from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole

    algo = (
        PPOConfig()
        .environment(MultiAgentCartPole, env_config={"num_agents": 2})
        .env_runners(
            num_env_runners=0,
            env_to_module_connector=lambda env, spaces=None, device=None: MeanStdFilter(
                multi_agent=True
            ),
        )
        .multi_agent(
            policies={"p", "q"},
            policy_mapping_fn=lambda agent_id, *args, **kwargs: "p" if agent_id == 0 else "q",
        )
        .rl_module(model_config={"use_lstm": True, "lstm_cell_size": 6, "max_seq_len": 4})
        .build_algo()
    )
    obs = np.ones(4, np.float32)
    state = algo.get_module("q").get_initial_state()
    first = acting.compute_single_action(algo, obs, state, policy_id="q", explore=False)
    again = acting.compute_single_action(algo, obs, state, policy_id="q", explore=False)
    np.testing.assert_array_equal(first[2]["action_dist_inputs"], again[2]["action_dist_inputs"])
    after = acting.compute_single_action(algo, obs, first[1], policy_id="q", explore=False)
    assert not np.array_equal(after[2]["action_dist_inputs"], first[2]["action_dist_inputs"])
    assert np.shape(acting.compute_single_action(algo, obs, policy_id="p")) == ()
