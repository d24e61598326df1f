"""Policies that hold an RLModule, as the guides of Ray 2.3 to 2.9 describe them."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.policies import TorchPolicyV2
from rlmigrate.new_stack import Columns, RLModuleSpec, TorchRLModule

OBS = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
ACT = gym.spaces.Discrete(3)
X = np.random.default_rng(1).normal(size=(7, 4)).astype(np.float32)


class Module(TorchRLModule):
    """One net; what the phases give is set by the class."""

    def setup(self):
        torch.manual_seed(0)
        self.net = torch.nn.Linear(4, 3)

    def gives(self, logits):
        return {Columns.ACTION_DIST_INPUTS: logits, "extra": logits[:, 0]}

    def _forward_inference(self, batch, **kwargs):
        return self.gives(self.net(batch[Columns.OBS]))

    def _forward_exploration(self, batch, **kwargs):
        return self.gives(-self.net(batch[Columns.OBS]))

    def _forward_train(self, batch, **kwargs):
        return self.gives(self.net(batch[Columns.OBS]))


class ModuleWithActions(Module):
    def gives(self, logits):
        return {
            Columns.ACTIONS: torch.ones(len(logits), dtype=torch.long),
            Columns.ACTION_DIST_INPUTS: logits,
        }


class ModuleWithDist(Module):
    """Returns a torch distribution, as the guide of Ray 2.3 does."""

    def gives(self, logits):
        return {"action_dist": torch.distributions.Categorical(logits=logits)}


class ModuleWithNothing(Module):
    def gives(self, logits):
        return {"other": logits}


def policy_with(module_class):
    class Holder(TorchPolicyV2):
        def make_rl_module(self):
            return module_class(
                observation_space=OBS, action_space=ACT, model_config={}, inference_only=False
            )

    return Holder(OBS, ACT, {})


def logits(policy, sign):
    with torch.no_grad():
        return sign * policy.model.net(torch.from_numpy(X))


def test_exploring_calls_forward_exploration_and_samples():
    policy = policy_with(Module)
    dist = torch.distributions.Categorical(logits=logits(policy, -1))
    torch.manual_seed(3)
    expected = dist.sample()
    torch.manual_seed(3)
    actions, state, extra = policy.compute_actions(X, explore=True)
    assert list(actions) == expected.tolist()
    assert state == []
    np.testing.assert_array_equal(extra["action_logp"], dist.log_prob(expected).numpy())
    np.testing.assert_allclose(extra["action_prob"], np.exp(extra["action_logp"]), rtol=1e-6)
    np.testing.assert_array_equal(extra["action_dist_inputs"], logits(policy, -1).numpy())
    assert "extra" in extra
    assert policy.global_timestep == 7


def test_not_exploring_calls_forward_inference_and_takes_the_likeliest():
    policy = policy_with(Module)
    actions, _, extra = policy.compute_actions(X, explore=False)
    assert list(actions) == logits(policy, 1).argmax(-1).tolist()
    assert (extra["action_logp"] == 0.0).all()
    assert (extra["action_prob"] == 1.0).all()
    single, _, _ = policy.compute_single_action(X[2], explore=False)
    assert single == actions[2]


def test_given_actions_are_taken_and_get_their_log_probability():
    policy = policy_with(ModuleWithActions)
    actions, _, extra = policy.compute_actions(X, explore=True)
    assert list(actions) == [1] * 7
    expected = torch.log_softmax(logits(policy, -1), -1)[:, 1]
    np.testing.assert_allclose(extra["action_logp"], expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize("explore", [True, False])
def test_a_torch_distribution_under_action_dist(explore):
    policy = policy_with(ModuleWithDist)
    actions, _, extra = policy.compute_actions(X, explore=explore)
    if not explore:
        assert list(actions) == logits(policy, 1).argmax(-1).tolist()
    assert extra["action_logp"].shape == (7,)


def test_neither_actions_nor_distribution_is_an_error():
    with pytest.raises(LegacyError, match=r"forward_exploration\(\) gives \['other'\]"):
        policy_with(ModuleWithNothing).compute_actions(X, explore=True)


def test_the_module_of_the_config_is_built():
    config = {"_enable_rl_module_api": True, "rl_module_spec": RLModuleSpec(module_class=Module)}
    policy = TorchPolicyV2(OBS, ACT, config)
    assert isinstance(policy.model, Module)
    assert policy.compute_actions(X)[0].shape == (7,)
    weights = policy.get_weights()
    policy.set_weights({key: value * 0 for key, value in weights.items()})
    assert not any(value.any() for value in policy.get_weights().values())
    config = {"_enable_rl_module_api": False, "rl_module_spec": RLModuleSpec(module_class=Module)}
    assert not isinstance(TorchPolicyV2(OBS, ACT, config).model, Module)
