"""Our own policies are known by short names, as in checkpoints, and pickle by reference."""

from __future__ import annotations

import pickle

import gymnasium as gym
import pytest

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.policies import DQNTorchPolicy, PolicySpec, PPOTorchPolicy, SACTorchPolicy
from rlmigrate.legacy.policies.registry import class_named, name_of


@pytest.mark.parametrize("policy_class", [DQNTorchPolicy, PPOTorchPolicy, SACTorchPolicy])
def test_a_policy_goes_by_its_name(policy_class):
    assert name_of(policy_class) == policy_class.__name__
    assert class_named(policy_class.__name__) is policy_class
    assert pickle.loads(pickle.dumps(policy_class)) is policy_class
    spaces = gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(2)
    assert PolicySpec(policy_class, *spaces).serialize()["policy_class"] == policy_class.__name__


def test_a_derived_class_has_no_short_name():
    class DQNTorchPolicy(PPOTorchPolicy):
        pass

    assert name_of(DQNTorchPolicy) is None
    with pytest.raises(LegacyError, match="one of \\['DQNTFPolicy', 'DQNTorchPolicy'"):
        class_named("Mine")
