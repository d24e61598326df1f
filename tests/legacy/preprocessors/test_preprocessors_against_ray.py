"""Every preprocessor gives Ray's numbers."""

from __future__ import annotations

from collections import OrderedDict

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.preprocessors import get_preprocessor, restore_original_dimensions
from rlmigrate.legacy.spaces import Repeated

LEAVES = [
    Box(-1.0, 1.0, (3,), np.float32),
    Box(-1.0, 1.0, (), np.float32),
    Box(-1.0, 1.0, (2, 2), np.float64),
    Box(0, 255, (4, 4, 3), np.uint8),
    Box(0, 255, (128,), np.uint8),
    Discrete(4),
    Discrete(3, start=5),
    MultiDiscrete([2, 3]),
    MultiDiscrete([[2, 3], [4, 2]]),
]


def spaces() -> st.SearchStrategy[gym.Space]:
    leaves = st.sampled_from(LEAVES)
    return st.recursive(
        leaves,
        lambda child: st.one_of(
            st.lists(child, min_size=1, max_size=3).map(Tuple),
            st.dictionaries(st.sampled_from("abc"), child, min_size=1, max_size=3).map(Dict),
        ),
        max_leaves=5,
    )


def pair(space):
    from ray.rllib.models import ModelCatalog as RayCatalog

    return (
        ModelCatalog.get_preprocessor_for_space(space),
        RayCatalog.get_preprocessor_for_space(space),
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(space=spaces(), seed=st.integers(0, 1000))
def test_shape_space_and_numbers(space, seed, equal):
    ours, rays = pair(space)
    assert ours.shape == tuple(rays.shape)
    assert ours.size == rays.size
    assert ours.observation_space == rays.observation_space
    assert hasattr(ours.observation_space, "original_space") == hasattr(
        rays.observation_space, "original_space"
    )
    space.seed(seed)
    for _ in range(3):
        observation = space.sample()
        equal(ours.transform(observation), rays.transform(observation))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(space=spaces(), seed=st.integers(0, 1000))
def test_restored_structure(space, seed, equal):
    import torch
    from ray.rllib.models.modelv2 import restore_original_dimensions as ray_restore

    ours, rays = pair(space)
    space.seed(seed)
    flat = np.stack([ours.transform(space.sample()) for _ in range(4)])
    for tensor, lib in ((torch.from_numpy(flat), "torch"), (flat, "numpy")):
        equal(
            restore_original_dimensions(tensor, ours.observation_space, lib),
            ray_restore(tensor, rays.observation_space, lib),
        )


@pytest.mark.parametrize(
    "item",
    [Box(-1, 1, (2,), np.float32), Dict(kind=Discrete(3), where=Box(-1, 1, (2,), np.float32))],
    ids=["box", "dict"],
)
def test_repeated_in_and_out(item, equal):
    import torch
    from ray.rllib.models.modelv2 import restore_original_dimensions as ray_restore
    from ray.rllib.models.preprocessors import get_preprocessor as ray_get_preprocessor
    from ray.rllib.utils.spaces.repeated import Repeated as RayRepeated

    def nested(repeated):
        return Dict(bag=repeated(repeated(item, 3), 2), hp=Box(0, 1, (1,), np.float32))

    ours_space, rays_space = nested(Repeated), nested(RayRepeated)
    ours = get_preprocessor(ours_space)(ours_space)
    rays = ray_get_preprocessor(rays_space)(rays_space)
    ours_space.seed(1)
    flat = []
    for _ in range(4):
        observation = ours_space.sample()
        equal(ours.transform(observation), rays.transform(observation))
        flat.append(ours.transform(observation))
    batch = torch.from_numpy(np.stack(flat))
    mine = restore_original_dimensions(batch, ours.observation_space, "torch")
    theirs = ray_restore(batch, rays.observation_space, "torch")
    equal(mine["bag"].lengths, theirs["bag"].lengths)
    equal(mine["bag"].values.lengths, theirs["bag"].values.lengths)
    equal(mine["bag"].values.values, theirs["bag"].values.values)
    assert mine["bag"].max_len == theirs["bag"].max_len
    bags = mine["bag"].unbatch_all()
    if isinstance(item, Box):
        equal(bags, theirs["bag"].unbatch_all())
    else:
        # Ray raises AttributeError for lists of lists of dicts.
        lengths = [[len(inner) for inner in outer] for outer in bags]
        assert lengths == [
            mine["bag"].values.lengths[row, : len(outer)].int().tolist()
            for row, outer in enumerate(bags)
        ]
        first = bags[0][0][0]
        assert torch.equal(first["where"], mine["bag"].values.values["where"][0, 0, 0])


def test_repeated_at_the_top(equal):
    from ray.rllib.models.preprocessors import RepeatedValuesPreprocessor

    space = Repeated(Discrete(3), 4)
    rays = RepeatedValuesPreprocessor.__new__(RepeatedValuesPreprocessor)
    ours = get_preprocessor(space)(space)
    assert type(ours).__name__ == type(rays).__name__
    array = ours.transform([0, 2])
    assert array.tolist() == [2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="at most 4"):
        ours.transform([0] * 5)
    with pytest.raises(ValueError, match="must be a list"):
        ours.transform((0, 1))


def test_our_preprocessors_serve_rays_own_repeated_space():
    from ray.rllib.utils.spaces.repeated import Repeated as RayRepeated

    space = RayRepeated(Discrete(2), 3)
    assert get_preprocessor(space)(space).transform([1]).tolist() == [1, 0, 1, 0, 0, 0, 0]


def test_atari_ram_is_applied_to_any_vector_of_128():
    space = Box(-1, 1, (128,), np.float32)
    out = get_preprocessor(space)(space).transform(np.zeros(128, np.float32))
    assert np.array_equal(out, np.full(128, -1.0, np.float32))


@pytest.mark.parametrize("grayscale", [False, True])
@pytest.mark.parametrize("dim", [84, 42])
def test_atari_frames_of_floats(grayscale, dim, equal):
    from ray.rllib.models.preprocessors import GenericPixelPreprocessor as RayPixel

    from rlmigrate.legacy.preprocessors import GenericPixelPreprocessor

    space = Box(0, 255, (210, 160, 3), np.float32)
    options = {"grayscale": grayscale, "dim": dim, "zero_mean": True}
    frame = np.random.default_rng(0).uniform(0, 255, (210, 160, 3)).astype(np.float32)
    ours, rays = GenericPixelPreprocessor(space, options), RayPixel(space, options)
    assert ours.shape == tuple(rays.shape)
    equal(ours.transform(frame), rays.transform(frame))


@pytest.mark.parametrize("zero_mean", [False, True])
def test_atari_frames_of_bytes_are_not_wrapped_around(zero_mean):
    from rlmigrate.legacy.preprocessors import GenericPixelPreprocessor

    space = Box(0, 255, (210, 160, 3), np.uint8)
    preprocessor = GenericPixelPreprocessor(
        space, {"dim": 84, "grayscale": False, "zero_mean": zero_mean}
    )
    black, white = np.zeros((210, 160, 3), np.uint8), np.full((210, 160, 3), 255, np.uint8)
    assert preprocessor.transform(black).min() == (-1.0 if zero_mean else 0.0)
    assert preprocessor.transform(black).max() == (-1.0 if zero_mean else 0.0)
    assert preprocessor.transform(white).max() == pytest.approx(127 / 128 if zero_mean else 1.0)
    assert preprocessor.transform(white).dtype == np.float32


def test_atari_frame_inside_a_dict_comes_back_in_its_own_size():
    import torch

    space = Dict(frame=Box(0, 255, (210, 160, 3), np.uint8), n=Discrete(2))
    options = {"dim": 42, "grayscale": True, "zero_mean": True}
    preprocessor = get_preprocessor(space)(space, options)
    assert preprocessor.shape == (42 * 42 + 2,)
    flat = torch.from_numpy(preprocessor.transform(space.sample()))[None]
    restored = restore_original_dimensions(
        flat, preprocessor.observation_space, "torch", options=options
    )
    assert restored["frame"].shape == (1, 42, 42, 1)


def test_multi_binary_only_where_asked_for():
    space = MultiBinary(3)
    assert get_preprocessor(space).__name__ == "NoPreprocessor"
    preprocessor = get_preprocessor(space, True)(space)
    assert preprocessor.transform(np.array([1, 0, 1], np.int8)).dtype == np.float32
    assert preprocessor.observation_space.original_space is space


def test_lists_are_written_under_numpy_2():
    space = Tuple([Box(-1, 1, (2,), np.float32)])
    preprocessor = get_preprocessor(space)(space)
    array = np.zeros(2, np.float32)
    preprocessor.write(([0.25, 0.5],), array, 0)
    assert array.tolist() == [0.25, 0.5]


class TestOrderOfDicts:
    """RLlib exchanges parts whose names it never compares (RLLIB_FACTS A.3)."""

    @staticmethod
    def unsorted():
        box = Box(-1, 1, (2,), np.float32)
        return Dict(z=box, a=box)

    def test_ordered_dict_in_the_order_of_the_space_is_right(self):
        import torch

        space = self.unsorted()
        preprocessor = get_preprocessor(space)(space)
        z, a = np.zeros(2, np.float32), np.ones(2, np.float32)
        flat = torch.from_numpy(preprocessor.transform(OrderedDict(z=z, a=a)))[None]
        restored = restore_original_dimensions(flat, preprocessor.observation_space, "torch")
        assert restored["z"].tolist() == [[0, 0]]
        assert restored["a"].tolist() == [[1, 1]]

    def test_plain_dict_would_be_exchanged_and_raises(self):
        space = self.unsorted()
        preprocessor = get_preprocessor(space)(space)
        with pytest.raises(LegacyError, match="sorted keys"):
            preprocessor.transform({"z": np.zeros(2, np.float32), "a": np.ones(2, np.float32)})

    def test_ordered_dict_in_another_order_raises(self):
        space = Dict({"a": Discrete(2), "b": Discrete(2)})
        preprocessor = get_preprocessor(space)(space)
        with pytest.raises(LegacyError, match="wrong place"):
            preprocessor.transform(OrderedDict(b=0, a=1))

    def test_plain_dict_in_any_order_is_right_for_a_sorted_space(self):
        space = Dict({"a": Discrete(2), "b": Discrete(2)})
        preprocessor = get_preprocessor(space)(space)
        assert preprocessor.transform({"b": 0, "a": 1}).tolist() == [0, 1, 1, 0]


class TestValidation:
    def test_values_outside_raise_with_the_space(self):
        space = Box(0, 1, (2,), np.float32)
        preprocessor = get_preprocessor(space)(space)
        with pytest.raises(ValueError, match=r"outside its space.*Box\(0.0, 1.0"):
            preprocessor.transform(np.full(2, 7.0, np.float32))

    def test_wrong_dtype_is_forgiven(self):
        space = Box(0, 1, (2,), np.float32)
        assert get_preprocessor(space)(space).transform(np.zeros(2)).dtype == np.float64

    def test_only_every_hundredth_observation_is_looked_at(self):
        space = Box(0, 1, (2,), np.float32)
        preprocessor = get_preprocessor(space)(space)
        bad = np.full(2, 7.0, np.float32)
        preprocessor.transform(np.zeros(2, np.float32))
        for _ in range(99):
            preprocessor.transform(bad)
        with pytest.raises(ValueError, match="outside"):
            preprocessor.transform(bad)

    def test_making_a_preprocessor_does_not_move_the_spaces_generator(self):
        space = Box(0, 1, (2,), np.float32)
        space.seed(3)
        expected = space.sample()
        space.seed(3)
        get_preprocessor(space)(space)
        assert np.array_equal(space.sample(), expected)


def test_cache_of_layouts_follows_the_space():
    import gc

    import torch

    from rlmigrate.legacy.preprocessors import restore

    space = Dict(a=Discrete(2), b=Discrete(3))
    flat = torch.zeros(1, 5)
    restore_original_dimensions(flat, space, "torch")
    before = len(restore._cache)
    del space
    gc.collect()
    assert len(restore._cache) == before - 1


def test_unknown_model_config_keys_are_named():
    with pytest.raises(ValueError, match=r"unknown keys.*dimm"):
        ModelCatalog.get_preprocessor_for_space(Discrete(2), {"dimm": 1})
