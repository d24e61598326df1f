"""Spaces, batches and old-stack references for the tests of wrap_model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree

sp = gym.spaces

ACTION_SPACES = {
    "discrete": sp.Discrete(3),
    "box": sp.Box(-1, 1, (2,)),
    "scalar_box": sp.Box(-1, 1, ()),
    "int_box": sp.Box(0, 3, (2,), dtype=np.int32),
    "multi_discrete": sp.MultiDiscrete([2, 3]),
    "tuple": sp.Tuple((sp.Discrete(2), sp.Box(-1, 1, (2,)), sp.MultiDiscrete([2, 2]))),
    "dict": sp.Dict({"a": sp.Discrete(2), "b": sp.Box(-1, 1, (1,))}),
    "nested": sp.Dict({"x": sp.Tuple((sp.Discrete(2), sp.Discrete(3))), "y": sp.Box(-1, 1, (2,))}),
}
OBSERVATION_SPACES = {
    "box": sp.Box(-1, 1, (4,)),
    "discrete": sp.Discrete(5),
    "discrete_from_3": sp.Discrete(5, start=3),
    "multi_discrete": sp.MultiDiscrete([2, 3]),
    "ram": sp.Box(0, 255, (128,), dtype=np.uint8),
    "float_128": sp.Box(-1, 1, (128,)),
    "dict": sp.Dict(
        {"a": sp.Discrete(2), "b": sp.Box(-1, 1, (3,)), "c": sp.Dict({"x": sp.Box(0, 1, (2,))})}
    ),
    "tuple": sp.Tuple((sp.Discrete(2), sp.Box(-1, 1, (3,)), sp.MultiDiscrete([2, 2]))),
    "dict_out_of_order": sp.Dict(z=sp.Box(-1, 1, (2,)), a=sp.Box(-1, 1, (2,))),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=list(ACTION_SPACES))
def action_space(request: pytest.FixtureRequest) -> gym.Space[Any]:
    return ACTION_SPACES[request.param]


@pytest.fixture(params=list(OBSERVATION_SPACES))
def observation_space(request: pytest.FixtureRequest) -> gym.Space[Any]:
    return OBSERVATION_SPACES[request.param]


@pytest.fixture
def raw_batch() -> Callable[..., tuple[Any, torch.Tensor]]:
    """Sample rows of a space: as a raw batch, and as Ray's preprocessor flattens them."""
    from ray.rllib.models.catalog import ModelCatalog

    def sample(space: gym.Space[Any], count: int = 8) -> tuple[Any, torch.Tensor]:
        space.seed(3)
        rows = [space.sample() for _ in range(count)]
        preprocessor = ModelCatalog.get_preprocessor_for_space(space)
        flat = torch.from_numpy(np.stack([preprocessor.transform(row) for row in rows]))
        raw = tree.map_structure(lambda *leaves: torch.as_tensor(np.stack(leaves)), *rows)
        return raw, flat

    return sample


@pytest.fixture
def build() -> Callable[..., Any]:
    """Build a module from a wrapped class as RLlib does."""
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec as RaySpec

    from rlmigrate.new_stack import RLModuleSpec

    def make(
        wrapped: Any,
        observation_space: gym.Space[Any] = OBSERVATION_SPACES["box"],
        action_space: gym.Space[Any] = ACTION_SPACES["discrete"],
        **options: Any,
    ) -> Any:
        torch.manual_seed(0)
        options.setdefault("model_config", {"fcnet_hiddens": [16, 8]})
        spec = RaySpec if wrapped.stack_name == "ray" else RLModuleSpec
        return spec(
            module_class=wrapped,
            observation_space=observation_space,
            action_space=action_space,
            **options,
        ).build()

    return make
