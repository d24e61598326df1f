from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.models.catalog import ModelCatalog as RayCatalog

torch.set_num_threads(1)

Box, Discrete = gym.spaces.Box, gym.spaces.Discrete

ACTION_SPACES = {
    "discrete": Discrete(3),
    "box": Box(-2.0, 3.0, (2,), np.float32),
    "multi_discrete": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([Discrete(2), Box(-1.0, 1.0, (2,), np.float32)]),
    "dict": gym.spaces.Dict({"b": Discrete(3), "a": gym.spaces.MultiDiscrete([2, 2])}),
}


def _equal(ours, theirs) -> None:
    """Hold two structures to exactly the same numbers, types and nesting."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        assert set(ours) == set(theirs)
        for key in theirs:
            _equal(ours[key], theirs[key])
        return
    tree.assert_same_structure(ours, theirs)
    for a, b in zip(tree.flatten(ours), tree.flatten(theirs), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def equal():
    return _equal


@pytest.fixture(params=list(ACTION_SPACES))
def action_space(request):
    return ACTION_SPACES[request.param]


@pytest.fixture
def obs_space():
    return Box(-1.0, 1.0, (4,), np.float32)


@pytest.fixture
def ppo_pair(obs_space):
    """Build PPO policies of Ray and ours, with the same config and weights."""
    from ray.rllib.algorithms.ppo import PPOConfig as RayPPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy as RayPPOTorchPolicy

    from rlmigrate.legacy.policies import PPOTorchPolicy

    def build(action_space, obs=obs_space, **settings):
        model = settings.pop("model", {})
        config = (
            RayPPOConfig()
            .api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
            .training(model=model)
            .to_dict()
        )
        config.update(settings)
        theirs = RayPPOTorchPolicy(obs, action_space, copy.deepcopy(config))
        given = {k: v for k, v in settings.items() if k != "callbacks"}
        ours = PPOTorchPolicy(obs, action_space, {**given, "model": model})
        ours.set_weights(theirs.get_weights())
        return ours, theirs

    return build


@pytest.fixture
def flat_space():
    """Turn an observation space into the one that policies see."""

    def build(space):
        ours = RayCatalog.get_preprocessor_for_space(space)
        return ours.observation_space

    return build
