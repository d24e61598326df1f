"""Old configs with custom models train one iteration on real Ray, wrapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checkpoints"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, ignore_reinit_error=True)
    yield
    ray.shutdown()


def old(config: Any, env: Any, **model: Any) -> Any:
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config.framework("torch").env_runners(num_env_runners=0).environment(env)
    return config.training(model={"fcnet_hiddens": [16], **model})


def ppo(env: Any = "CartPole-v1", **model: Any) -> Any:
    from ray.rllib.algorithms.ppo import PPOConfig

    config = old(PPOConfig(), env, **model)
    return config.training(train_batch_size=64, minibatch_size=32, num_epochs=1)


def custom() -> Any:
    from ray.rllib.examples._old_api_stack.models.fast_model import TorchFastModel

    return ppo(custom_model=TorchFastModel)


def recurrent() -> Any:
    return ppo(
        use_lstm=True,
        lstm_cell_size=8,
        max_seq_len=8,
        lstm_use_prev_action=True,
        lstm_use_prev_reward=True,
    )


def continuous_with_custom_distribution() -> Any:
    import torch
    from ray.rllib.models import ModelCatalog
    from ray.rllib.models.torch.torch_action_dist import TorchDiagGaussian

    class Narrow(TorchDiagGaussian):
        """A custom distribution: half the deviation that the net gives."""

        def __init__(self, inputs, model):
            mean, log_std = inputs.chunk(2, dim=1)
            super().__init__(torch.cat([mean, log_std - 0.7], dim=1), model)

    ModelCatalog.register_custom_action_dist("narrow", Narrow)
    return ppo("Pendulum-v1", custom_action_dist="narrow", vf_share_layers=False)


def dqn() -> Any:
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.models.torch.fcnet import FullyConnectedNetwork

    class Mine(FullyConnectedNetwork):
        """A custom model under DQN's heads."""

    config = old(DQNConfig(), "CartPole-v1", custom_model=Mine)
    return config.training(
        train_batch_size=16,
        num_steps_sampled_before_learning_starts=32,
        training_intensity=1.0,
        replay_buffer_config={"type": "PrioritizedEpisodeReplayBuffer", "capacity": 1000},
    )


def sac() -> Any:
    from ray.rllib.algorithms.sac import SACConfig
    from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel

    class Mine(SACTorchModel):
        """A custom model whose policy sees a scaled observation."""

        def get_action_model_outputs(self, model_out, state_in=None, seq_lens=None):
            return super().get_action_model_outputs(model_out * 0.5, state_in, seq_lens)

    config = old(SACConfig(), "Pendulum-v1", custom_model=Mine)
    return config.training(
        train_batch_size=16,
        num_steps_sampled_before_learning_starts=32,
        training_intensity=1.0,
        replay_buffer_config={"type": "PrioritizedEpisodeReplayBuffer", "capacity": 1000},
    )


CONFIGS = [custom, recurrent, continuous_with_custom_distribution, dqn, sac]


@pytest.mark.parametrize("make", CONFIGS)
def test_one_iteration_changes_the_weights(make):
    from rlmigrate.compat.wrap.algorithm import wrap_algorithm_config

    config = wrap_algorithm_config(make())
    if make in (dqn, sac):
        config.reporting(min_sample_timesteps_per_iteration=96, min_time_s_per_iteration=0)
    algorithm = config.build_algo()
    try:
        before = {k: np.copy(v) for k, v in algorithm.get_module().get_state().items()}
        algorithm.train()
        module = algorithm.get_module()
        after = module.get_state()
        changed = [name for name in before if not np.array_equal(before[name], after[name])]
        assert any(name.startswith("legacy_model.") for name in changed)
        assert all(np.isfinite(value).all() for value in after.values())
        assert type(module).legacy_class is not None
    finally:
        algorithm.stop()


@pytest.mark.parametrize("ray_version", ["1.13.0", "2.9.3", "2.60.0"])
def test_an_algorithm_restores_a_converted_checkpoint(ray_version, tmp_path):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec
    from ray.rllib.examples.envs.classes.random_env import RandomEnv

    from rlmigrate import convert_checkpoint

    source = FIXTURES / f"ray-{ray_version}" / "fcnet" / "checkpoint"
    done = convert_checkpoint(source, tmp_path / "out").policies[0]
    converted = RLModule.from_checkpoint(done.path)
    spaces = {
        "observation_space": converted.observation_space,
        "action_space": converted.action_space,
    }
    config = PPOConfig().environment(RandomEnv, env_config=spaces).env_runners(num_env_runners=0)
    config.rl_module(
        rl_module_spec=RLModuleSpec(
            module_class=type(converted),
            model_config=converted.model_config,
            catalog_class=type(converted.catalog),
        )
    )
    algorithm = config.build_algo()
    try:
        component = "learner_group/learner/rl_module/default_policy"
        algorithm.restore_from_path(done.path, component=component)
        learned = algorithm.learner_group.get_state("learner")["learner"]["rl_module"]
        played = algorithm.env_runner.module.get_state()
        for name, value in converted.get_state().items():
            assert np.array_equal(learned["default_policy"][name], value)
            if name in played:
                assert np.array_equal(played[name], value), name
    finally:
        algorithm.stop()
