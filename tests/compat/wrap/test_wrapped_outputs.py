"""A wrapped feed-forward model computes what Ray's old stack computes, bit for bit."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.rllib.models.catalog import ModelCatalog
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_action_dist import TorchBeta
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

from rlmigrate import wrap_model
from rlmigrate.errors import ModuleError, WrapError
from rlmigrate.legacy.catalog import ModelCatalog as OurModelCatalog
from rlmigrate.legacy.models import fcnet as legacy_fcnet

Wrapped = wrap_model(FullyConnectedNetwork, stack="ray", name="Wrapped")
OurFullyConnectedNetwork = legacy_fcnet.FullyConnectedNetwork
PAIRINGS = {
    "ray_on_ray": (Wrapped, ModelCatalog),
    "ours_on_ray": (wrap_model(OurFullyConnectedNetwork, stack="ray"), OurModelCatalog),
    "ours_on_builtin": (wrap_model(OurFullyConnectedNetwork, stack="builtin"), OurModelCatalog),
    "ray_on_builtin": (wrap_model(FullyConnectedNetwork, stack="builtin"), ModelCatalog),
}


@pytest.fixture(params=list(PAIRINGS))
def pairing(request):
    return PAIRINGS[request.param]


def _equal(left: Any, right: Any) -> None:
    def same(a: Any, b: Any) -> None:
        assert torch.equal(torch.as_tensor(a), torch.as_tensor(b)), (a, b)

    tree.map_structure(same, left, right)


def test_outputs_and_values_for_any_observation_space(pairing, observation_space, raw_batch, build):
    raw, flat = raw_batch(observation_space)
    module = build(pairing[0], observation_space)
    logits, _ = module.legacy_model({"obs": flat})
    values = module.legacy_model.value_function()
    assert torch.equal(module.forward_inference({"obs": raw})["action_dist_inputs"], logits)
    assert torch.equal(module.forward_exploration({"obs": raw})["action_dist_inputs"], logits)
    trained = module.forward_train({"obs": raw})
    assert torch.equal(trained["action_dist_inputs"], logits)
    assert torch.equal(module.compute_values({"obs": raw}, trained["embeddings"]), values)
    assert torch.equal(module.compute_values({"obs": raw}), values)


def test_distribution_for_any_action_space(pairing, action_space, raw_batch, build):
    module = build(pairing[0], action_space=action_space)
    raw, _ = raw_batch(module.observation_space)
    logits = module.forward_inference({"obs": raw})["action_dist_inputs"]
    old_class, size = pairing[1].get_action_dist(
        action_space, {**module.model_config}, framework="torch"
    )
    assert logits.shape == (8, size)
    old = old_class(logits, module.legacy_model)
    new = module.get_exploration_action_dist_cls().from_logits(logits)
    torch.manual_seed(1)
    before = old.sample()
    torch.manual_seed(1)
    after = new.sample()
    _equal(before, after)
    assert torch.equal(old.entropy(), new.entropy())
    other = torch.flip(logits, [0])
    assert torch.equal(
        old.kl(old_class(other, module.legacy_model)),
        new.kl(module.get_train_action_dist_cls().from_logits(other)),
    )
    _equal(old.deterministic_sample(), new.to_deterministic().sample())
    if (
        not isinstance(action_space, gym.spaces.Box) or action_space.shape
    ):  # the old stack broadcasts Box(()) log-probabilities
        given = tree.map_structure(torch.clone, after)
        assert torch.equal(old.logp(before), new.logp(given))
    else:
        assert new.logp(after.clone()).shape == (8,)


def test_greedy_actions_have_log_probability_zero_per_row(pairing, action_space, raw_batch, build):
    from ray.rllib.connectors.module_to_env.get_actions import GetActions

    module = build(pairing[0], action_space=action_space)
    raw, _ = raw_batch(module.observation_space)
    batch = module.forward_inference({"obs": raw})
    GetActions()(rl_module=module, batch=batch, episodes=[None], explore=False)
    assert batch["action_logp"].shape[0] == 8
    assert not batch["action_logp"].any()
    flat = tree.flatten(batch["actions"])
    assert all(leaf.shape[0] == 8 for leaf in flat)


def test_time_axis_of_distributions_is_kept(pairing, action_space, build):
    module = build(pairing[0], action_space=action_space)
    logits = module.forward_inference({"obs": torch.rand(6, 4)})["action_dist_inputs"]
    cls = module.get_train_action_dist_cls()
    flat, timed = cls.from_logits(logits), cls.from_logits(logits.reshape(2, 3, -1))
    action = flat.sample()
    stacked = tree.map_structure(lambda leaf: leaf.reshape(2, 3, *leaf.shape[1:]), action)
    assert torch.equal(flat.logp(action).reshape(2, 3), timed.logp(stacked))
    assert torch.equal(flat.entropy().reshape(2, 3), timed.entropy())


def test_already_preprocessed_observations_pass(observation_space, raw_batch, build):
    raw, flat = raw_batch(observation_space)
    if observation_space.shape == (128,):
        pytest.skip("a float row of 128 is taken as raw: its preprocessed form looks the same")
    module = build(Wrapped, observation_space)
    assert torch.equal(
        module.forward_inference({"obs": raw})["action_dist_inputs"],
        module.forward_inference({"obs": flat})["action_dist_inputs"],
    )


def test_ordered_dict_observations_keep_their_own_order(build):
    from collections import OrderedDict

    space = gym.spaces.Dict(z=gym.spaces.Box(-1, 1, (2,)), a=gym.spaces.Box(-1, 1, (3,)))
    module = build(Wrapped, space)
    obs = OrderedDict(z=np.ones((2,), np.float32), a=np.zeros((3,), np.float32))
    flat = ModelCatalog.get_preprocessor_for_space(space).transform(obs)
    batch = OrderedDict((key, torch.as_tensor(value)[None]) for key, value in obs.items())
    reference, _ = module.legacy_model({"obs": torch.as_tensor(flat)[None]})
    assert torch.equal(module.forward_inference({"obs": batch})["action_dist_inputs"], reference)
    # The old stack raises on a plain dict here; the keys say what is meant.
    assert torch.equal(
        module.forward_inference({"obs": dict(batch)})["action_dist_inputs"], reference
    )


def test_images_reach_a_vision_net_unchanged(build):

    from ray.rllib.models.torch.visionnet import VisionNetwork

    space = gym.spaces.Box(0, 255, (42, 42, 3), dtype=np.uint8)
    module = build(wrap_model(VisionNetwork, stack="ray"), space, model_config={})
    raw = torch.as_tensor(np.stack([space.sample() for _ in range(2)]))
    reference, _ = module.legacy_model({"obs": raw})
    assert torch.equal(module.forward_inference({"obs": raw})["action_dist_inputs"], reference)


def test_gradients_are_those_of_the_model(pairing, raw_batch, build):
    module = build(pairing[0])
    raw, flat = raw_batch(module.observation_space)
    outputs = module.forward_train({"obs": raw})
    values = module.compute_values({"obs": raw}, outputs["embeddings"])
    (outputs["action_dist_inputs"].square().sum() + values.square().sum()).backward()
    found = {name: p.grad.clone() for name, p in module.named_parameters()}
    module.zero_grad()
    logits, _ = module.legacy_model({"obs": flat})
    (logits.square().sum() + module.legacy_model.value_function().square().sum()).backward()
    assert all(torch.equal(found[name], p.grad) for name, p in module.named_parameters())


def test_parameters_keep_their_names_under_one_prefix(build):
    module = build(Wrapped)
    model = FullyConnectedNetwork(
        module.observation_space, module.action_space, 3, module.legacy_model.model_config, "m"
    )
    assert set(module.state_dict()) == {Wrapped.legacy_prefix + key for key in model.state_dict()}
    assert Wrapped.legacy_class is FullyConnectedNetwork


def test_the_class_is_rays_module_with_values_and_belongs_to_the_caller():
    assert issubclass(Wrapped, TorchRLModule)
    assert issubclass(Wrapped, ValueFunctionAPI)
    assert (Wrapped.__module__, Wrapped.__qualname__) == (__name__, "Wrapped")


class WithArguments(TorchModelV2, nn.Module):
    """Takes an argument of its own and has no value function."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, width=7):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.body = nn.Linear(obs_space.shape[0], width)
        self.head = nn.Linear(width, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        assert input_dict["is_training"] == input_dict.is_training == self.training
        return self.head(self.body(input_dict["obs_flat"])), state


def test_custom_model_config_becomes_keyword_arguments(build):
    wrapped = wrap_model(WithArguments, stack="ray")
    module = build(wrapped, model_config={"custom_model_config": {"width": 5}})
    assert module.legacy_model.body.out_features == 5
    assert build(wrapped, model_config={}).legacy_model.body.out_features == 7


def test_model_without_value_function_says_so(build):
    module = build(wrap_model(WithArguments, stack="ray"), model_config={})
    assert "embeddings" not in module.forward_train({"obs": torch.rand(2, 4)})
    with pytest.raises(ModuleError, match="WithArguments does not override value_function"):
        module.compute_values({"obs": torch.rand(2, 4)})


def test_custom_distribution_given_as_a_class(raw_batch, build):

    space = gym.spaces.Box(0, 1, (2,))
    module = build(Wrapped, action_space=space, model_config={"custom_action_dist": TorchBeta})
    logits = module.forward_inference({"obs": torch.rand(3, 4)})["action_dist_inputs"]
    old = TorchBeta(logits, module.legacy_model)
    new = module.get_inference_action_dist_cls().from_logits(logits)
    assert torch.equal(old.deterministic_sample(), new.to_deterministic().sample())
    given = torch.full((3, 2), 0.25)
    assert torch.equal(old.logp(given), new.logp(given))


def test_a_class_that_is_no_model_is_refused():
    with pytest.raises(WrapError, match="not a ModelV2"):
        wrap_model(nn.Linear)
