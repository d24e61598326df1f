"""Settings objects against Ray 2.60's."""

from __future__ import annotations

import pickle

import pytest
from ray.rllib.algorithms import algorithm_config, bc, dqn, ppo, sac

from rlmigrate.errors import LegacyError, UsageError
from rlmigrate.legacy.config import (
    AlgorithmConfig,
    BCConfig,
    BCConfigTest,
    DQNConfig,
    PPOConfig,
    SACConfig,
)

PAIRS = [
    (AlgorithmConfig, algorithm_config.AlgorithmConfig),
    (PPOConfig, ppo.PPOConfig),
    (DQNConfig, dqn.DQNConfig),
    (SACConfig, sac.SACConfig),
    (BCConfig, bc.BCConfig),
]
# Classes and functions of Ray itself, and settings that Ray keeps only to say they are gone.
OF_RAY = {"callbacks", "policies", "policy_mapping_fn", "sample_collector", "stats_cls_lookup"}
OF_RAY |= {"torch_compile_learner_what_to_compile", "create_env_on_driver", "custom_eval_function"}
OF_RAY |= {"_set_off_policy_estimation_methods"}


def comparable(settings, names):
    return {key: settings[key] for key in names}


def current_settings(config):
    return {k: v for k, v in config.to_dict().items() if k not in OF_RAY and v != -1}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: cls.__name__)
def test_defaults(ours, theirs):
    expected = current_settings(theirs())
    actual = ours().to_dict()
    assert comparable(actual, expected) == expected


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: cls.__name__)
def test_the_old_stack_brings_its_exploration(ours, theirs):
    args = {"enable_rl_module_and_learner": False, "enable_env_runner_and_connector_v2": False}
    expected = current_settings(theirs().api_stack(**args))
    actual = ours().api_stack(**args).to_dict()
    assert comparable(actual, expected) == expected


def test_a_chain_of_calls():
    def build(cls):
        return (
            cls()
            .environment("CartPole-v1", env_config={"a": 1}, clip_actions=True)
            .framework("torch")
            .env_runners(num_env_runners=3, explore=False)
            .training(gamma=0.9, lr=0.1, lambda_=0.7, model={"fcnet_hiddens": [8]}, num_epochs=2)
            .training(model={"use_lstm": True}, clip_param=0.1)
            .resources(num_gpus=0)
            .debugging(seed=3)
            .learners(num_learners=1)
            .fault_tolerance(restart_failed_env_runners=False)
            .reporting(min_time_s_per_iteration=5)
            .multi_agent(count_steps_by="agent_steps")
        )

    ours, theirs = build(PPOConfig), build(ppo.PPOConfig)
    expected = current_settings(theirs)
    assert comparable(ours.to_dict(), expected) == expected
    assert (ours.gamma, ours.lambda_, ours["lambda"], ours.env) == (0.9, 0.7, 0.7, "CartPole-v1")
    assert ours.model["fcnet_hiddens"] == [8]


def test_names_of_old_releases_mean_the_same_settings():
    config = (
        PPOConfig()
        .rollouts(num_rollout_workers=2, num_envs_per_worker=4)
        .exploration(exploration_config={"type": "SoftQ"})
        .training(sgd_minibatch_size=64, num_sgd_iter=3)
        .resources(num_gpus_per_worker=1, num_cpus_for_local_worker=2)
        .rl_module(_enable_rl_module_api=False)
        .evaluation(evaluation_num_workers=7)
    )
    assert config.num_env_runners == config["num_workers"] == config.get("num_rollout_workers") == 2
    assert (config.minibatch_size, config.num_epochs) == (64, 3)
    assert (config.num_gpus_per_env_runner, config.num_cpus_for_main_process) == (1, 2)
    assert config.enable_rl_module_and_learner is False
    assert config.evaluation_num_env_runners == 7
    assert "num_workers" not in config.to_dict()
    again = PPOConfig.from_dict({"num_workers": 5, "model": {"use_lstm": True}, "lambda": 0.5})
    assert (again.num_env_runners, again.model["use_lstm"], again.lambda_) == (5, True, 0.5)
    assert again.model["fcnet_hiddens"] == [256, 256]


def test_unknown_settings_are_refused_with_what_there_is():
    with pytest.raises(UsageError, match=r"training\(\) has no settings \['gama'\].*gamma"):
        PPOConfig().training(gama=1)
    with pytest.raises(AttributeError, match="gama"):
        PPOConfig().gama
    with pytest.raises(KeyError, match="gama"):
        PPOConfig()["gama"]


def test_copies_are_deep_and_frozen_ones_refuse_changes():
    config = PPOConfig()
    config.freeze()
    with pytest.raises(LegacyError, match="frozen"):
        config.training(lr=0.5)
    free = config.copy(copy_frozen=False).training(lr=0.5, model={"fcnet_hiddens": [1]})
    assert (free.lr, config.lr, config.model["fcnet_hiddens"]) == (0.5, 5e-05, [256, 256])
    assert pickle.loads(pickle.dumps(free)) == free
    assert PPOConfig() == PPOConfig()
    free.to_dict()["model"]["fcnet_hiddens"].append(2)
    assert free.model["fcnet_hiddens"] == [1]


@pytest.mark.parametrize("method", ["build", "build_algo", "build_learner", "build_learner_group"])
def test_building_needs_ray(method):
    with pytest.raises(LegacyError, match=r"needs Ray.*ray.rllib"):
        getattr(PPOConfig(), method)()


def test_the_config_of_the_guides():
    spec = object()
    config = (
        BCConfigTest()
        .environment("CartPole-v1")
        .rl_module(_enable_rl_module_api=True, rl_module_spec=spec)
        .training(model={"fcnet_hiddens": [32, 32]})
    )
    assert config.rl_module_spec is spec
    assert config.enable_rl_module_and_learner is True
    many = AlgorithmConfig().multi_agent(policies={"a", "b"})
    assert many.is_multi_agent
    assert set(many.policies) == {"a", "b"}
    assert not AlgorithmConfig().is_multi_agent


def test_contradictions_are_found():
    PPOConfig().validate()
    with pytest.raises(UsageError, match="minibatch_size is 9"):
        PPOConfig().training(train_batch_size=8, minibatch_size=9).validate()
