"""Batches without rows, of one row, in odd memory; and observations that no model can take."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from gymnasium.spaces import Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, Text, Tuple
from gymnasium.vector.utils import batch_space

from rlmigrate import wrap_model
from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.models.torch_modelv2 import TorchModelV2

Default: Any = wrap_model(TorchModelV2, name="Default", stack="builtin")
ACTIONS = Discrete(3)
VISION = {"conv_filters": [[2, [3, 3], 2], [2, [3, 3], 1]]}
IMAGE = Box(0.0, 1.0, (6, 6, 1), np.float32)
FLAT = Box(-1.0, 1.0, (4,), np.float32)
SPACES: dict[str, tuple[gym.Space[Any], dict[str, Any]]] = {
    "flat": (FLAT, {}),
    "separate": (FLAT, {"vf_share_layers": False}),
    "image": (IMAGE, VISION),
    "nested": (Dict({"a": Tuple([ACTIONS, FLAT]), "b": Dict({"c": MultiBinary(3)})}), {}),
    "mixed": (Dict({"a": IMAGE, "b": MultiDiscrete([2, 3])}), VISION),
    "integers": (Box(0, 9, (3,), np.int64), {}),
    "counted from 5": (Discrete(3, start=5), {}),
}


def rows(space: gym.Space[Any], count: int) -> Any:
    """Draw a batch; without rows, the first ones of a longer one."""
    drawn = batch_space(space, max(count, 1))
    drawn.seed(0)
    return tree.map_structure(lambda part: torch.as_tensor(part)[:count], drawn.sample())


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("name", SPACES)
def test_small_batches_keep_their_size(name, count):
    space, settings = SPACES[name]
    module = Default(
        observation_space=space,
        action_space=ACTIONS,
        model_config={"fcnet_hiddens": [4], **settings},
    )
    batch = {"obs": rows(space, count)}
    for outputs in (module.forward_inference(batch), module.forward_train(batch)):
        assert outputs["action_dist_inputs"].shape == (count, 3)
    assert module.compute_values(batch).shape == (count,)


@pytest.mark.parametrize("memory", ["use_lstm", "use_attention"])
def test_no_sequences_at_all_are_an_error_that_says_so(memory):
    module = Default(
        observation_space=FLAT,
        action_space=ACTIONS,
        model_config={"fcnet_hiddens": [4], memory: True},
    )
    state = {
        name: torch.zeros((0, *np.shape(value)))
        for name, value in module.get_initial_state().items()
    }
    with pytest.raises(ValueError, match="there are no sequences"):
        module.forward_inference({"obs": torch.zeros(0, 1, 4), "state_in": state})


@pytest.mark.parametrize("space", [Text(5), Graph(FLAT, None), gym.spaces.Sequence(FLAT)])
def test_observations_without_a_shape_are_refused(space):
    with pytest.raises(UnsupportedSpace, match=r"have no fixed shape.*in a wrapper of the env"):
        Default(observation_space=space, action_space=ACTIONS, model_config={})


def test_strided_and_double_observations():
    module = Default(
        observation_space=FLAT, action_space=ACTIONS, model_config={"fcnet_hiddens": [4]}
    )
    wide = torch.rand(6, 8, dtype=torch.float64)
    expected = module.forward_inference({"obs": wide[:, ::2].float().contiguous()})
    for odd in (wide[:, ::2], wide[:, ::2].float(), wide[:, ::2].t().contiguous().t()):
        found = module.forward_inference({"obs": odd})["action_dist_inputs"]
        torch.testing.assert_close(found, expected["action_dist_inputs"])
