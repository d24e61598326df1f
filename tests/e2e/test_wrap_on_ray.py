"""An old config with a custom model trains one iteration on real Ray, wrapped."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytestmark = pytest.mark.slow


def old(config: Any, **model: Any) -> Any:
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    config.framework("torch").env_runners(num_env_runners=0)
    return config.training(model={"fcnet_hiddens": [16], **model})


def ppo() -> Any:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.examples._old_api_stack.models.fast_model import TorchFastModel

    config = old(PPOConfig(), custom_model=TorchFastModel).environment("CartPole-v1")
    return config.training(train_batch_size=64, minibatch_size=32, num_epochs=1)


def test_one_iteration_changes_the_weights():
    import ray

    from rlmigrate.compat.wrap.algorithm import wrap_algorithm_config

    ray.init(num_cpus=1, include_dashboard=False, ignore_reinit_error=True)
    algorithm = wrap_algorithm_config(ppo()).build_algo()
    try:
        before = {k: np.copy(v) for k, v in algorithm.get_module().get_state().items()}
        algorithm.train()
        after = algorithm.get_module().get_state()
        assert any(not np.array_equal(before[name], after[name]) for name in before)
        assert type(algorithm.get_module()).legacy_class is not None
        assert isinstance(algorithm.get_module().action_space, gym.spaces.Discrete)
    finally:
        algorithm.stop()
        ray.shutdown()
