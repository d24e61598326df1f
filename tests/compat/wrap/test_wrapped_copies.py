"""Wrapped modules and classes can be copied, pickled and checkpointed."""

from __future__ import annotations

import copy
import pickle

import cloudpickle
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec
from ray.rllib.models.torch.fcnet import FullyConnectedNetwork
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn

from rlmigrate import wrap_model
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork as OurFullyConnectedNetwork

Named = wrap_model(FullyConnectedNetwork, stack="ray", name="Named")
NamedBuiltin = wrap_model(OurFullyConnectedNetwork, stack="builtin", name="NamedBuiltin")
OBS = {"obs": torch.rand(5, 4)}


@pytest.fixture(params=[Named, NamedBuiltin], ids=["ray", "builtin"])
def module(request, build, action_space):
    module = build(request.param, action_space=action_space)
    module.forward_train(OBS)  # leaves tensors with a graph in the old model's attributes
    module.get_train_action_dist_cls()
    return module


@pytest.mark.parametrize(
    "twin_of",
    [
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
        lambda m: cloudpickle.loads(cloudpickle.dumps(m)),
    ],
    ids=["deepcopy", "pickle", "cloudpickle"],
)
def test_a_twin_computes_the_same_and_owns_its_weights(module, twin_of):
    twin = twin_of(module)
    expected = module.forward_inference(OBS)["action_dist_inputs"]
    assert torch.equal(twin.forward_inference(OBS)["action_dist_inputs"], expected)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert torch.equal(twin.forward_inference(OBS)["action_dist_inputs"], expected)
    dist = twin.get_train_action_dist_cls()
    assert getattr(dist, "model", twin.legacy_model) is twin.legacy_model


def test_named_class_pickles_by_reference():
    assert pickle.loads(pickle.dumps(Named)) is Named
    assert b"FullyConnectedNetwork" not in pickle.dumps(Named)


def test_class_without_a_home_pickles_by_what_it_was_made_from():
    made = wrap_model(FullyConnectedNetwork, stack="ray", name="Homeless", model_config={"a": 1})
    assert pickle.loads(pickle.dumps(made)) is made
    assert cloudpickle.loads(cloudpickle.dumps(made)) is made


def test_checkpoint_round_trip_on_ray(build, action_space, tmp_path):
    module = build(Named, action_space=action_space)
    module.save_to_path(tmp_path / "module")
    restored = RLModule.from_checkpoint(str(tmp_path / "module"))
    assert type(restored) is Named
    expected = module.forward_inference(OBS)["action_dist_inputs"]
    assert torch.equal(restored.forward_inference(OBS)["action_dist_inputs"], expected)


def test_spec_round_trips_through_a_dict(build):
    spec = RLModuleSpec.from_module(build(Named))
    again = RLModuleSpec.from_dict(spec.to_dict())
    assert again.module_class is Named
    assert set(again.build().state_dict()) == set(spec.build().state_dict())


def test_wrap_time_config_is_the_default_below_the_spec(build):
    wrapped = wrap_model(
        FullyConnectedNetwork,
        stack="ray",
        model_config={"fcnet_hiddens": [3], "vf_share_layers": True},
    )
    module = build(wrapped, model_config={"fcnet_hiddens": [5]})
    assert [tuple(p.shape) for p in module.legacy_model._hidden_layers.parameters()] == [
        (5, 4),
        (5,),
    ]
    assert module.legacy_model.vf_share_layers


class Nested(TorchModelV2, nn.Module):
    """Makes a class whose forward reaches for this very model, as Ray's autoregressive one does."""

    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        nn.Module.__init__(self)
        super().__init__(obs_space, action_space, num_outputs, model_config, name)
        self.inner = nn.Linear(4, num_outputs)

        class Outer(nn.Module):
            def forward(self_, inputs):
                return self.inner(inputs)

        self.outer = Outer()

    def forward(self, input_dict, state, seq_lens):
        return self.outer(input_dict["obs"]), state


def test_a_copy_does_not_share_what_closures_refer_to(build):
    module = build(wrap_model(Nested, stack="ray"), model_config={})
    module.make_target_networks()
    twin = copy.deepcopy(module)
    expected = module.forward_inference(OBS)["action_dist_inputs"]
    with torch.no_grad():
        module.legacy_model.inner.weight.zero_()
    assert torch.equal(twin.forward_inference(OBS)["action_dist_inputs"], expected)
    target = module.forward_target(OBS)["target_network_action_dist_inputs"]
    assert torch.equal(target, expected)


def test_parts_that_closures_refer_to_stay_for_inference(build):
    module = build(wrap_model(Nested, stack="ray"), model_config={}, inference_only=True)
    assert module.forward_inference(OBS)["action_dist_inputs"].shape == (5, 3)
