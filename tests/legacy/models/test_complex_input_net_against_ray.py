"""ComplexInputNetwork, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from rlmigrate.legacy.catalog import ModelCatalog

IMAGE = Box(0, 255, (10, 10, 3), np.uint8)
VECTOR = Box(-1, 1, (3,), np.float32)
SPACES = {
    "dict": Dict(image=IMAGE, kind=Discrete(3), more=MultiDiscrete([2, 3]), vector=VECTOR),
    "unsorted dict": Dict(z=VECTOR, a=IMAGE),
    "tuple": Tuple([VECTOR, Tuple([IMAGE, Discrete(2)])]),
    "matrix": Box(-1, 1, (4, 5), np.float32),
    "dict with matrix": Dict(m=Box(-1, 1, (4, 5), np.float32), b=MultiBinary(3)),
}


def observed(space, batch=3):
    preprocessor = ModelCatalog.get_preprocessor_for_space(space)
    space.seed(0)
    rows = [space.sample() for _ in range(batch)]
    if isinstance(space, Dict):
        from collections import OrderedDict

        rows = [OrderedDict((key, row[key]) for key in space.spaces) for row in rows]
    flat = np.stack([preprocessor.transform(row) for row in rows])
    return preprocessor.observation_space, torch.from_numpy(flat)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("hiddens", [[], [8]])
@pytest.mark.parametrize("post", [[], [7, 6]])
@pytest.mark.parametrize("outputs", [2, None])
def test_spaces(space, hiddens, post, outputs, twins, equal):
    obs_space, obs = observed(space)
    settings = {"fcnet_hiddens": hiddens, "post_fcnet_hiddens": post}
    pair = twins(obs_space, Discrete(2), outputs, **settings)
    assert type(pair.ours).__name__ == type(pair.rays).__name__ == "ComplexInputNetwork"
    mine, theirs = pair.ours({"obs": obs}), pair.rays({"obs": obs})
    equal(mine, theirs)
    if outputs:
        equal(pair.ours.value_function(), pair.rays.value_function())
        assert pair.ours.num_outputs == pair.rays.num_outputs
    else:
        assert pair.ours.num_outputs == mine[0].shape[1]


def test_structured_observations_without_preprocessors(twins, equal):
    space = Dict(image=IMAGE, kind=Discrete(3), vector=VECTOR)
    pair = twins(space, Discrete(2), 2, fcnet_hiddens=[8], _disable_preprocessor_api=True)
    obs = {
        "image": torch.randint(0, 255, (2, 10, 10, 3)),
        "kind": torch.tensor([0, 2]),
        "vector": torch.randn(2, 3),
    }
    equal(pair.ours({"obs": obs}), pair.rays({"obs": obs}))


class TestRepairs:
    def test_discrete_observations_count_from_their_start(self):
        space = Dict(image=IMAGE, kind=Discrete(3, start=1))
        model = ModelCatalog.get_model_v2(
            space,
            Discrete(2),
            2,
            {"fcnet_hiddens": [8], "_disable_preprocessor_api": True},
            framework="torch",
        )
        image = torch.zeros(3, 10, 10, 3)
        whole, _ = model({"obs": {"image": image, "kind": torch.tensor([1, 2, 3])}})
        encoded, _ = model({"obs": {"image": image, "kind": torch.eye(3)}})
        assert torch.equal(whole, encoded)

    def test_lstm_behind_dense_layers(self):
        """Ray gives the LSTM the size before the dense layers."""
        obs_space, obs = observed(SPACES["dict"], batch=2)
        model = ModelCatalog.get_model_v2(
            obs_space,
            Discrete(2),
            2,
            {
                "use_lstm": True,
                "lstm_cell_size": 5,
                "fcnet_hiddens": [8],
                "post_fcnet_hiddens": [7],
            },
            framework="torch",
        )
        out, _ = model({"obs": obs}, [torch.zeros(1, 5)] * 2, torch.tensor([2]))
        assert out.shape == (2, 2)


def test_lstm_without_dense_layers(twins, equal):
    obs_space, obs = observed(SPACES["dict"], batch=2)
    pair = twins(obs_space, Discrete(2), 2, fcnet_hiddens=[8], use_lstm=True, lstm_cell_size=5)
    args = ([torch.ones(1, 5)] * 2, torch.tensor([2]))
    equal(pair.ours({"obs": obs}, *args), pair.rays({"obs": obs}, *args))
    equal(pair.ours.value_function(), pair.rays.value_function())
