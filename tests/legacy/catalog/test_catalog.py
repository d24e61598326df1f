"""ModelCatalog: custom models, interfaces, wrappers, and its messages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from torch import nn

from rlmigrate.errors import UsageError
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models import FullyConnectedNetwork, TorchModelV2

OBS = Box(-1, 1, (3,), np.float32)
ACTIONS = Discrete(2)


class WithArguments(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name, *, width=1, q=0):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.given = {"width": width, "q": q}


class WithoutArguments(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)


class Failing(TorchModelV2, nn.Module):
    def __init__(self, *args, **kwargs):
        raise TypeError("mine")


def build(model_config, **kwargs):
    return ModelCatalog.get_model_v2(
        OBS, ACTIONS, 2, model_config, framework="torch", name="policy", **kwargs
    )


class TestCustomModels:
    def test_by_class(self):
        model = build({"custom_model": WithArguments, "custom_model_config": {"width": 5}})
        assert model.given == {"width": 5, "q": 0}
        assert model.model_config["custom_model_config"] == {"width": 5}
        assert model.name == "policy"

    def test_by_name(self):
        ModelCatalog.register_custom_model("with_arguments", WithArguments)
        assert isinstance(build({"custom_model": "with_arguments"}), WithArguments)

    def test_unregistered_name_says_what_to_call(self):
        with pytest.raises(ValueError, match=r"custom_model='nope'.*register_custom_model"):
            build({"custom_model": "nope"})

    def test_callers_arguments_are_overridden_by_the_config(self):
        config = {"custom_model": WithArguments, "custom_model_config": {"q": 2}}
        assert build(config, width=7, q=1).given == {"width": 7, "q": 2}

    def test_constructor_without_arguments_is_called_without(self):
        config = {"custom_model": WithoutArguments, "custom_model_config": {"width": 5}}
        with pytest.warns(UserWarning, match="does not take the keys.*width"):
            model = build(config)
        assert model.model_config["custom_model_config"] == {"width": 5}

    def test_other_type_errors_are_raised(self):
        with pytest.raises(TypeError, match="mine"):
            build({"custom_model": Failing})

    def test_dotted_path_gets_its_own_settings_as_model_config(self):
        path = "rlmigrate.legacy.models.fcnet.FullyConnectedNetwork"
        model = build({"custom_model": path, "custom_model_config": {"fcnet_hiddens": [4]}})
        assert model.model_config == {"fcnet_hiddens": [4]}
        assert model._hidden_layers[0]._model[0].out_features == 4

    def test_dotted_path_that_is_not_there(self):
        with pytest.raises(UsageError, match=r"custom_model='no.such.Model' cannot be imported"):
            build({"custom_model": "no.such.Model"})

    def test_class_that_is_no_model(self):
        with pytest.raises(UsageError, match="expected a subclass of ModelV2"):
            build({"custom_model": nn.Linear})


class TestInterfaces:
    class Greeting:
        def greet(self):
            return f"hello from {self.name}"

    def test_mixed_in_before_the_model(self):
        model = build({"fcnet_hiddens": [4]}, model_interface=self.Greeting)
        assert type(model).__name__ == "FullyConnectedNetwork_as_Greeting"
        assert type(model).__mro__[1:3] == (self.Greeting, FullyConnectedNetwork)
        assert model.greet() == "hello from policy"

    def test_class_of_the_interface_stays(self):
        model = build({"fcnet_hiddens": [4]}, model_interface=TorchModelV2)
        assert type(model) is FullyConnectedNetwork

    def test_default_model(self):
        assert type(build({}, default_model=WithArguments)) is WithArguments

    def test_default_model_yields_to_a_custom_one(self):
        model = build({"custom_model": WithArguments}, default_model=FullyConnectedNetwork)
        assert type(model) is WithArguments


class TestSettings:
    def test_lstm_and_attention_exclude_each_other(self):
        with pytest.raises(UsageError, match="use_lstm and use_attention"):
            build({"use_lstm": True, "use_attention": True})

    def test_custom_preprocessor_is_gone(self):
        with pytest.raises(UsageError, match="ObservationWrapper"):
            build({"custom_preprocessor": "mine"})

    def test_previous_nested_actions_need_a_setting(self):
        with pytest.raises(UsageError, match="_disable_action_flattening=True"):
            ModelCatalog.get_model_v2(
                OBS,
                Tuple([ACTIONS]),
                2,
                {"use_lstm": True, "lstm_use_prev_action": True},
                framework="torch",
            )

    def test_jax_is_refused(self):
        with pytest.raises(UsageError, match="framework='jax'"):
            ModelCatalog.get_model_v2(OBS, ACTIONS, 2, {}, framework="jax")


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (OBS, "FullyConnectedNetwork"),
        (Discrete(3), "FullyConnectedNetwork"),
        (Dict(a=Discrete(2), b=OBS), "FullyConnectedNetwork"),
        (Box(0, 1, (42, 42, 3), np.float32), "VisionNetwork"),
        (Box(0, 1, (4, 4), np.float32), "ComplexInputNetwork"),
        (Dict(a=Box(0, 1, (42, 42, 3), np.float32), b=OBS), "ComplexInputNetwork"),
        (Tuple([Box(0, 1, (4, 4), np.float32)]), "ComplexInputNetwork"),
    ],
)
def test_default_model_is_rays_choice(space, expected):
    from ray.rllib.models import ModelCatalog as RayCatalog

    from rlmigrate.legacy.catalog.select import default_model_class

    pytest.importorskip("rlmigrate.legacy.models.complex_input_net")

    flat = ModelCatalog.get_preprocessor_for_space(space).observation_space
    rays = RayCatalog.get_preprocessor_for_space(space).observation_space
    assert RayCatalog._get_v2_model_class(rays, {}, framework="torch").__name__ == expected
    assert default_model_class(flat, "torch").__name__ == expected


def test_preprocessor_of_an_environment():
    class Env:
        observation_space = Discrete(3)

    assert ModelCatalog.get_preprocessor(Env()).transform(1).tolist() == [0, 1, 0]
    assert torch.is_tensor(torch.from_numpy(ModelCatalog.get_preprocessor(Env()).transform(1)))
