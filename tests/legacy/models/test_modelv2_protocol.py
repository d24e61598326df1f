"""How models are called, and what they may return."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete
from torch import nn

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog
from rlmigrate.legacy.models import ModelV2, TorchModelV2

OBS = Box(-1, 1, (3,), np.float32)
ACTIONS = Discrete(2)


class Seeing(TorchModelV2, nn.Module):
    """Remembers what it was called with."""

    def __init__(self, *args, returns=None, **kwargs):
        TorchModelV2.__init__(self, *args, **kwargs)
        nn.Module.__init__(self)
        self.layer = nn.Linear(1, 1)
        self.returns = returns

    def forward(self, input_dict, state, seq_lens):
        self.seen = (input_dict, state, seq_lens)
        obs = input_dict["obs_flat"]
        return (obs, []) if self.returns is None else self.returns


class InitialisedTheOtherWay(TorchModelV2, nn.Module):
    def __init__(self, *args):
        nn.Module.__init__(self)
        super().__init__(*args)
        self.layer = nn.Linear(1, 1)


def seeing(obs_space=OBS, config=None, **kwargs):
    return Seeing(obs_space, ACTIONS, 2, config or {}, "m", **kwargs)


def flattened(space):
    return ModelCatalog.get_preprocessor_for_space(space).observation_space


class TestInput:
    def test_plain_dict_is_not_changed(self):
        model = seeing()
        given = {"obs": torch.ones(2, 3)}
        model(given)
        assert list(given) == ["obs"]
        assert set(model.seen[0]) == {"obs", "obs_flat"}

    def test_structure_is_restored_beside_the_flat_observation(self):
        space = flattened(Dict(a=Discrete(2), b=Box(-1, 1, (1,), np.float32)))
        model = seeing(space)
        model({"obs": torch.tensor([[0.0, 1.0, 0.5]])})
        assert model.seen[0]["obs"]["a"].tolist() == [[0, 1]]
        assert model.seen[0]["obs"]["b"].tolist() == [[0.5]]
        assert model.seen[0]["obs_flat"].shape == (1, 3)

    def test_images_are_flattened_for_obs_flat(self):
        model = seeing(Box(0, 1, (2, 2, 3), np.float32))
        model({"obs": torch.ones(4, 2, 2, 3)})
        assert model.seen[0]["obs"].shape == (4, 2, 2, 3)
        assert model.seen[0]["obs_flat"].shape == (4, 12)

    def test_without_preprocessors_the_observation_stays(self):
        model = seeing(Dict(a=Box(0, 1, (1,), np.float32)), {"_disable_preprocessor_api": True})
        model.returns = (torch.zeros(1), [])
        obs = {"a": torch.ones(1, 1)}
        model({"obs": obs})
        assert model.seen[0]["obs"] is obs
        assert model.seen[0]["obs_flat"] is obs

    def test_states_and_lengths_are_taken_from_the_input(self):
        model = seeing()
        model({"obs": torch.ones(1, 3), "state_in_0": 1, "state_in_1": 2, "seq_lens": 3})
        assert model.seen[1:] == ([1, 2], 3)

    def test_given_states_come_first(self):
        model = seeing()
        model({"obs": torch.ones(1, 3), "state_in_0": 1}, [5], 6)
        assert model.seen[1:] == ([5], 6)

    def test_is_training_survives_in_sample_batches(self):
        """Ray loses it when it copies the batch (RLLIB_FACTS K)."""
        model = seeing()
        batch = SampleBatch({"obs": torch.ones(1, 3)})
        batch.set_training(True)
        model(batch)
        assert bool(model.seen[0].is_training) is True
        batch.set_training(False)
        model(batch)
        assert bool(model.seen[0].is_training) is False

    def test_columns_that_were_read_are_reported(self):
        model = seeing()
        batch = SampleBatch({"obs": torch.ones(1, 3), "rewards": torch.ones(1)})
        model(batch)
        assert "rewards" not in batch.accessed_keys
        assert "obs_flat" not in batch.accessed_keys
        assert "obs_flat" not in batch


class TestOutput:
    def test_no_states_stand_for_the_old_ones(self):
        _, state = seeing()({"obs": torch.ones(1, 3)}, ["old"])
        assert state == ["old"]

    def test_last_output(self):
        model = seeing()
        out, _ = model({"obs": torch.ones(1, 3)})
        assert model.last_output() is out

    @pytest.mark.parametrize("wrong", [torch.ones(1), (torch.ones(1),), (1, 2, 3)])
    def test_anything_but_a_pair_raises(self, wrong):
        with pytest.raises(ValueError, match=r"Seeing.forward\(\) must return a tuple"):
            seeing(returns=wrong)({"obs": torch.ones(1, 3)})

    def test_states_must_be_a_list(self):
        with pytest.raises(ValueError, match="states as a list"):
            seeing(returns=(1, (2,)))({"obs": torch.ones(1, 3)})


class TestBase:
    def test_module_is_required(self):
        class Bare(TorchModelV2):
            pass

        with pytest.raises(ValueError, match=r"class Bare\(TorchModelV2, nn.Module\)"):
            Bare(OBS, ACTIONS, 2, {}, "m")

    def test_constructors_in_either_order(self):
        model = InitialisedTheOtherWay(OBS, ACTIONS, 2, {}, "m")
        assert [name for name, _ in model.named_parameters()] == ["layer.weight", "layer.bias"]
        assert model.num_outputs == 2

    def test_defaults(self):
        model = seeing()
        assert model.get_initial_state() == []
        assert model.metrics() == {}
        assert model.custom_loss([1], {}) == [1]
        assert model.is_time_major() is False
        assert seeing(config={"_time_major": True}).is_time_major() is True
        assert list(model.view_requirements) == ["obs"]
        assert model.name == "m"
        assert ModelV2(OBS, ACTIONS, 2, {}, "", "torch").name == "default_model"

    def test_forward_and_value_must_be_written(self):
        model = InitialisedTheOtherWay(OBS, ACTIONS, 2, {}, "m")
        with pytest.raises(NotImplementedError, match="forward"):
            model({"obs": torch.ones(1, 3)})
        with pytest.raises(NotImplementedError, match="value_function"):
            model.value_function()

    def test_h5_says_what_to_do(self):
        with pytest.raises(LegacyError, match="read them with keras"):
            seeing().import_from_h5("weights.h5")

    def test_copies_and_pickles(self):
        model = seeing()
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert torch.equal(other.layer.weight, model.layer.weight)
            assert other.num_outputs == 2


class TestVariables:
    def test_list_and_names(self):
        model = seeing()
        assert model.variables() == list(model.parameters())
        assert list(model.variables(as_dict=True)) == ["layer.weight", "layer.bias"]

    def test_trainable(self):
        model = seeing()
        model.layer.bias.requires_grad_(False)
        assert list(model.trainable_variables(as_dict=True)) == ["layer.weight"]
        assert model.trainable_variables() == [model.layer.weight]

    def test_buffers_are_left_out_where_ray_raises(self):
        model = seeing()
        model.norm = nn.BatchNorm1d(2)
        named = model.variables(as_dict=True)
        assert list(named) == ["layer.weight", "layer.bias", "norm.weight", "norm.bias"]
        assert named["norm.bias"] is model.norm.bias


def test_defaults_are_rays():
    from ray.rllib.models.catalog import MODEL_DEFAULTS as RAYS

    assert MODEL_DEFAULTS == RAYS


def test_packages_are_light():
    import subprocess
    import sys

    code = (
        "import sys; import rlmigrate.legacy, rlmigrate.legacy.models, rlmigrate.legacy.catalog;"
        "import rlmigrate.legacy.distributions, rlmigrate.legacy.preprocessors;"
        "print([m for m in ('torch', 'tensorflow', 'ray', 'cv2') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
