"""What the rules write is a config that Ray's newest release takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from rlmigrate.migrate.configs.keys import HOME, OLD

Becomes = Callable[..., str]

OLD_BUILDERS = {
    "ppo": """
from ray.rllib.algorithms.ppo import PPOConfig

config = (
    PPOConfig()
    .environment("CartPole-v1", disable_env_checking=True)
    .framework("tf2", eager_tracing=True)
    .rollouts(
        num_rollout_workers=2,
        num_envs_per_worker=3,
        rollout_fragment_length="auto",
        observation_filter="MeanStdFilter",
        remote_worker_envs=False,
        enable_connectors=True,
        validate_workers_after_construction=False,
        recreate_failed_workers=True,
        num_consecutive_worker_failures_tolerance=5,
    )
    .resources(
        num_gpus=0,
        num_cpus_per_worker=1,
        num_learner_workers=0,
        num_gpus_per_learner_worker=0,
        num_cpus_for_local_worker=1,
    )
    .exploration(explore=True, exploration_config={"type": "StochasticSampling"})
    .training(
        lr_schedule=[[0, 0.001], [1000, 0.0001]],
        lr=0.001,
        entropy_coeff_schedule=[[0, 0.01], [1000, 0.0]],
        sgd_minibatch_size=64,
        num_sgd_iter=3,
        train_batch_size=256,
        model={"fcnet_hiddens": [32], "vf_share_layers": True},
        _enable_learner_api=True,
    )
    .rl_module(_enable_rl_module_api=True)
    .evaluation(evaluation_num_workers=1, evaluation_interval=1, enable_async_evaluation=True)
    .reporting(metrics_smoothing_episodes=5, min_time_s_per_iteration=0)
    .fault_tolerance(max_num_worker_restarts=3, worker_restore_timeout_s=10)
    .experimental(_enable_new_api_stack=True, _disable_preprocessor_api=True)
)
""",
    "dqn": """
from ray.rllib.algorithms.dqn import DQNConfig

config = DQNConfig().environment("CartPole-v1").exploration(
    exploration_config={"type": "EpsilonGreedy", "initial_epsilon": 1.0, "final_epsilon": 0.1}
).training(num_atoms=1, hiddens=[16], target_network_update_freq=100)
config.rollouts(num_rollout_workers=0)
""",
    "dict": """
from ray import tune
from ray.rllib.agents.ppo import PPOTrainer

config = {
    "env": "CartPole-v1",
    "env_config": {},
    "num_workers": 1,
    "num_envs_per_worker": 2,
    "lambda": 0.95,
    "kl_coeff": 0.3,
    "clip_rewards": True,
    "train_batch_size": 200,
    "sgd_minibatch_size": 50,
    "num_sgd_iter": 2,
    "batch_mode": "truncate_episodes",
    "observation_filter": "NoFilter",
    "framework": "torch",
    "seed": 3,
    "log_level": "WARN",
    "ignore_worker_failures": True,
    "evaluation_interval": 2,
    "evaluation_num_episodes": 4,
    "model": {"fcnet_hiddens": [16, 16], "fcnet_activation": "relu"},
    "multiagent": {
        "policies": {"p": (None, None, None, {})},
        "policy_mapping_fn": lambda agent_id: "p",
    },
    "num_gpus": 0,
    "horizon": None,
    "sample_async": False,
}
config["gamma"] = 0.9
config.update({"lr": 0.001, "callbacks": None}) if False else None
tune.run(PPOTrainer, config=config)
""".replace('config.update({"lr": 0.001, "callbacks": None}) if False else None\n', ""),
}


@pytest.mark.parametrize("name", sorted(OLD_BUILDERS))
def test_config_validates_on_ray(name: str, becomes: Becomes) -> None:
    text = becomes(OLD_BUILDERS[name])
    assert "TODO" not in text
    code = "\n".join(line for line in text.splitlines() if not line.startswith("tune.run("))
    scope: dict[str, object] = {}
    exec(compile(code, name, "exec"), scope)
    config = scope["config"]
    config.validate()  # type: ignore[attr-defined]
    assert config.enable_rl_module_and_learner  # type: ignore[attr-defined]
    assert config.enable_env_runner_and_connector_v2  # type: ignore[attr-defined]


def test_values_arrive_where_they_are_read_today(becomes: Becomes) -> None:
    scope: dict[str, object] = {}
    exec(compile(becomes(OLD_BUILDERS["ppo"]), "ppo", "exec"), scope)
    config = scope["config"]
    got = {
        name: getattr(config, name)
        for name in (
            "num_env_runners",
            "num_envs_per_env_runner",
            "minibatch_size",
            "num_epochs",
            "lr",
            "entropy_coeff",
            "restart_failed_env_runners",
            "evaluation_num_env_runners",
            "metrics_num_episodes_for_smoothing",
            "framework_str",
        )
    }
    assert got == {
        "num_env_runners": 2,
        "num_envs_per_env_runner": 3,
        "minibatch_size": 64,
        "num_epochs": 3,
        "lr": [[0, 0.001], [1000, 0.0001]],
        "entropy_coeff": [[0, 0.01], [1000, 0.0]],
        "restart_failed_env_runners": True,
        "evaluation_num_env_runners": 1,
        "metrics_num_episodes_for_smoothing": 5,
        "framework_str": "torch",
    }
    assert config.model_config["fcnet_hiddens"] == [32]  # type: ignore[attr-defined]
    assert config.model_config["vf_share_layers"] is True  # type: ignore[attr-defined]


def test_each_argument_of_the_table_is_one_of_ray(becomes: Becomes) -> None:
    import inspect

    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig
    from ray.rllib.algorithms.appo import APPOConfig
    from ray.rllib.algorithms.cql import CQLConfig
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.algorithms.marwil import MARWILConfig
    from ray.rllib.algorithms.ppo import PPOConfig

    classes = (AlgorithmConfig, PPOConfig, DQNConfig, CQLConfig, APPOConfig, MARWILConfig)
    known: dict[str, set[str]] = {}
    for cls in classes:
        for base in cls.__mro__:
            for name, method in vars(base).items():
                if inspect.isfunction(method):
                    known.setdefault(name, set()).update(inspect.signature(method).parameters)
    wrong = [
        f"{method}({name}=)" for name, method in HOME.items() if name not in known.get(method, ())
    ]
    wrong += [
        f"{now.method}({now.name}=)"
        for now in OLD.values()
        if now.name and "." not in now.name and now.name not in known.get(now.method, ())
    ]
    assert wrong == []


def test_a_config_updated_from_a_renamed_dict_reads_every_key() -> None:
    """Ray sets any key in silence, so each new name must be one that a config has."""
    from ray.rllib.algorithms.appo import APPOConfig
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.algorithms.ppo import PPOConfig

    from rlmigrate.migrate.configs.loose import _new_name
    from rlmigrate.migrate.configs.loose_dicts import Key

    known = {name for made in (PPOConfig(), APPOConfig(), DQNConfig()) for name in vars(made)}
    new = {key: _new_name(Key(key, None, None)) for key in OLD}  # type: ignore[arg-type]
    assert {key: name for key, name in new.items() if name and name not in known} == {}


def test_dict_of_a_function_reaches_the_config(becomes: Becomes) -> None:
    text = becomes(
        "from ray.rllib.agents.ppo import PPOTrainer\n"
        "def settings(small):\n"
        '    made = {"num_workers": 0, "num_sgd_iter": 3, "env": "CartPole-v1"}\n'
        '    made["sgd_minibatch_size"] = 16 if small else 64\n'
        '    return {**made, "evaluation_num_workers": 0, "framework": "tf2"}\n'
        "def build(small):\n"
        "    return PPOTrainer(config=settings(small))\n"
    )
    assert "TODO" not in text
    scope: dict[str, object] = {}
    exec(compile(text.replace(".build_algo()", ""), "returned", "exec"), scope)
    config = scope["build"](True)  # type: ignore[operator]
    config.validate()
    assert (config.num_epochs, config.minibatch_size, config.framework_str) == (3, 16, "torch")


MANY = """
import gymnasium as gym
from ray.rllib.agents.ppo import PPOTrainer

WALK = gym.spaces.Box(-1, 1, (3,)), gym.spaces.Discrete(2)
FLY = gym.spaces.Box(-1, 1, (5,)), gym.spaces.Box(-1, 1, (2,))
trainer = PPOTrainer(
    env="many",
    config={
        "num_workers": 0,
        "multiagent": {
            "policies": {
                "walker": (None, *WALK, {"model": {"fcnet_hiddens": [7]}, "lambda": 0.5}),
                "flyer": (None, *FLY, {}),
            },
            "policy_mapping_fn": lambda agent_id: agent_id,
            "policies_to_train": ["walker"],
        },
    },
)
""".replace("*WALK", "WALK[0], WALK[1]").replace("*FLY", "FLY[0], FLY[1]")


def test_policies_with_models_build_a_module_each(becomes: Becomes) -> None:
    text = becomes(MANY)
    assert "TODO" not in text
    scope: dict[str, object] = {}
    exec(compile(text.replace(".build_algo()", ""), "many", "exec"), scope)
    config = scope["trainer"]
    config.validate()  # type: ignore[attr-defined]
    spaces = {"walker": scope["WALK"], "flyer": scope["FLY"]}
    module = config.get_multi_rl_module_spec(spaces=spaces).build()  # type: ignore[attr-defined]
    assert module["walker"].pi.net.mlp[0].in_features == 7
    assert module["flyer"].pi.net.mlp[0].in_features == 256
    own = config.get_config_for_module("walker")  # type: ignore[attr-defined]
    assert (own.lambda_, config.lambda_) == (0.5, 1.0)  # type: ignore[attr-defined]


def test_learning_rates_of_sac(becomes: Becomes) -> None:
    rates = '{"actor_learning_rate": 0.1, "critic_learning_rate": 0.2}'
    for text in (
        "from ray.rllib.agents.sac import SACTrainer\n"
        f'made = SACTrainer(env="Pendulum-v1", config={{"lr": 0.3, "optimization": {rates}}})\n',
        "from ray.rllib.algorithms.sac import SACConfig\n"
        'made = SACConfig().environment("Pendulum-v1")\n'
        f"made.training(lr=0.3, optimization_config={rates})\n",
    ):
        after = becomes(text).replace(".build_algo()", "")
        assert "TODO" not in after
        scope: dict[str, object] = {}
        exec(compile(after, "sac", "exec"), scope)
        config = scope["made"]
        config.validate()  # type: ignore[attr-defined]
        assert (config.actor_lr, config.critic_lr) == (0.1, 0.2)  # type: ignore[attr-defined]


def test_environments_in_processes_of_their_own(becomes: Becomes) -> None:
    text = becomes(
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        'config = PPOConfig().environment("CartPole-v1").rollouts(remote_worker_envs=True)\n'
    )
    scope: dict[str, object] = {}
    exec(compile(text, "remote", "exec"), scope)
    scope["config"].validate()  # type: ignore[attr-defined]


def test_overrides_of_a_policy_move_to_its_module(becomes: Becomes) -> None:
    text = becomes(
        "from ray.rllib.algorithms.ppo import PPOConfig\n"
        "config = PPOConfig().multi_agent(\n"
        '    policies={"a": (None, None, None, PPOConfig.overrides(gamma=0.5)), "b": (\n'
        "        None, None, None, {})},\n"
        "    policy_mapping_fn=lambda agent_id, episode, **kwargs: agent_id,\n)\n"
    )
    assert "TODO" not in text
    scope: dict[str, object] = {}
    exec(compile(text, "overrides", "exec"), scope)
    config = scope["config"]
    config.validate()  # type: ignore[attr-defined]
    found = [config.get_config_for_module(name).gamma for name in "ab"]  # type: ignore[attr-defined]
    assert found == [0.5, 0.99]


@pytest.mark.parametrize("algorithm", ["BC", "MARWIL", "CQL"])
def test_offline_configs_are_taken_by_ray(becomes: Becomes, algorithm: str) -> None:
    module = algorithm.lower()
    text = becomes(
        f"from ray.rllib.agents.{module} import {algorithm}Trainer\n"
        f'{module} = {algorithm}Trainer(env="Pendulum-v1", config={{"train_batch_size": 40}})\n'
    )
    assert "TODO" not in text
    scope: dict[str, object] = {}
    exec(compile(text.replace(".build_algo()", ""), module, "exec"), scope)
    config = scope[module]
    config.validate()  # type: ignore[attr-defined]
    assert config.dataset_num_iters_per_learner == 1  # type: ignore[attr-defined]


def test_a_batch_that_ray_refuses_is_told(becomes: Becomes) -> None:
    from ray.rllib.algorithms.ppo import PPOConfig

    from rlmigrate.migrate.configs.required import misfit

    for batch, fragment, runners in itertools.product((400, 1000), (50, 150, 700), (0, 2, 7)):
        config = PPOConfig().env_runners(num_env_runners=runners, rollout_fragment_length=fragment)
        config.training(train_batch_size=batch, minibatch_size=10)
        values = {"train_batch_size": batch, "rollout_fragment_length": fragment}
        try:
            config.validate()
        except ValueError:
            assert misfit({**values, "num_env_runners": runners}) is not None
        else:
            assert misfit({**values, "num_env_runners": runners}) is None


def test_arguments_of_each_algorithm_are_those_of_its_config() -> None:
    import importlib
    import inspect

    from rlmigrate.migrate.configs.consumers import SUPPORTED
    from rlmigrate.migrate.configs.own_arguments import ARGUMENTS

    for algorithm, module in SUPPORTED.items():
        config = getattr(
            importlib.import_module(f"ray.rllib.algorithms.{module}"), f"{algorithm}Config"
        )
        named = {
            name
            for base in config.__mro__
            if "training" in vars(base)
            for name in inspect.signature(base.training).parameters
        }
        assert named >= ARGUMENTS[algorithm], (algorithm, sorted(ARGUMENTS[algorithm] - named))
