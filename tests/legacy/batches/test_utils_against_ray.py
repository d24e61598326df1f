"""legacy.utils against Ray 2.60's ray.rllib.utils."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
import tree
from ray.rllib.utils import numpy as ray_np
from ray.rllib.utils import serialization as ray_ser
from ray.rllib.utils import torch_utils as ray_torch
from ray.rllib.utils.spaces import space_utils as ray_spaces

from rlmigrate.errors import CheckpointError, UnsafeCheckpoint
from rlmigrate.legacy.utils import annotations, serialization, spaces, torch_utils
from rlmigrate.legacy.utils import numpy as our_np

Box, Discrete, MultiDiscrete = gym.spaces.Box, gym.spaces.Discrete, gym.spaces.MultiDiscrete
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))


def equal(a, b):
    tree.assert_same_structure(a, b)
    for x, y in zip(tree.flatten(a), tree.flatten(b), strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("softmax", (X,)),
        ("softmax", (X, 0, 0.3)),
        ("sigmoid", (X,)),
        ("sigmoid", (X, True)),
        ("huber_loss", (X, 0.5)),
        ("l2_loss", (X,)),
        ("fc", (X, X.T)),
        ("fc", (X, torch.ones(5, 3), torch.ones(5), "torch")),
        ("one_hot", (np.array([[1, 0], [2, 2]]),)),
        ("one_hot", (np.array([True, False]),)),
        ("one_hot", (2, 4, 3.0, -1.0)),
        ("one_hot", (torch.tensor([1, 3]), 5)),
        ("one_hot_multidiscrete", (np.array([[1, 2], [0, 0]]), [2, 3])),
        ("one_hot_multidiscrete", (np.array([1, 2]), [2, 3])),
        ("convert_to_numpy", ({"a": torch.zeros(2), "b": torch.tensor(3), "c": X, "d": "s"},)),
        ("convert_to_numpy", (np.arange(3), False)),
    ],
)
def test_numpy_helpers(name, args):
    equal(getattr(our_np, name)(*args), getattr(ray_np, name)(*args))


@pytest.mark.parametrize("time_major", [False, True])
def test_numpy_lstm(time_major):
    x, weights = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(7, 16))
    ours, (c, h) = our_np.lstm(x, weights, np.ones(16), time_major=time_major)
    theirs, (ray_c, ray_h) = ray_np.lstm(x, weights, np.ones(16), time_major=time_major)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose((c, h), (ray_c, ray_h), rtol=1e-12)


def test_relu_leaves_its_input_alone():
    # RLlib writes the result into the input.
    x = np.array([-2.0, 3.0])
    np.testing.assert_array_equal(our_np.relu(x, 0.1), [-0.2, 3.0])
    assert x[0] == -2.0


STRUCT = {"a": Discrete(3), "b": (Box(-1, 1, (2, 2)), MultiDiscrete([2, 4]))}


@pytest.mark.parametrize("time", [None, 3])
@pytest.mark.parametrize("one_hot", [False, True])
def test_dummy_batches_and_flattening(time, one_hot):
    space = gym.spaces.Dict({"a": STRUCT["a"], "b": gym.spaces.Tuple(STRUCT["b"])})
    kwargs = {"time_size": time, "one_hot_discrete": one_hot, "batch_size": 2}
    equal(
        spaces.get_dummy_batch_for_space(space, **kwargs),
        ray_spaces.get_dummy_batch_for_space(space, **kwargs),
    )
    batch = spaces.get_dummy_batch_for_space(space, 4, fill_value="random", time_size=time)
    args = {"spaces_struct": STRUCT, "time_axis": time is not None}
    equal(
        our_np.flatten_inputs_to_1d_tensor(batch, **args),
        ray_np.flatten_inputs_to_1d_tensor(batch, **args),
    )
    tensors = torch_utils.convert_to_torch_tensor(batch)
    equal(
        torch_utils.flatten_inputs_to_1d_tensor(tensors, **args),
        ray_torch.flatten_inputs_to_1d_tensor(tensors, **args),
    )


@pytest.mark.parametrize(
    "space",
    [
        Box(-2, 5, (3,)),
        Box(-np.inf, np.inf, (3,)),
        Box(np.array([-1.0, 0.0]), np.array([1.0, np.inf]), dtype=np.float32),
        Box(3, 9, (2,), dtype=np.int64),
        Discrete(4, start=2),
        gym.spaces.Tuple([Discrete(2), Box(-4, 4, (2,))]),
    ],
)
@pytest.mark.parametrize("fn", ["clip_action", "unsquash_action", "normalize_action"])
def test_action_scaling(space, fn):
    struct = spaces.get_base_struct_from_space(space)
    for _ in range(5):
        action = space.sample()
        equal(getattr(spaces, fn)(action, struct), getattr(ray_spaces, fn)(action, struct))


def test_structures():
    nested = {"b": np.ones((2, 2)), "a": (3, [1.0])}
    equal(spaces.flatten_to_single_ndarray(nested), ray_spaces.flatten_to_single_ndarray(nested))
    structs = [{"x": np.ones(2) * i, "y": i} for i in range(3)]
    equal(spaces.batch(structs), ray_spaces.batch(structs))
    for a, b in zip(
        spaces.unbatch(spaces.batch(structs)),
        ray_spaces.unbatch(spaces.batch(structs)),
        strict=True,
    ):
        equal(a, b)


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("maxlen", [None, 6])
def test_torch_helpers(time_major, maxlen):
    lens = torch.tensor([1, 4, 0])
    args = (lens, maxlen, None, time_major)
    assert torch.equal(torch_utils.sequence_mask(*args), ray_torch.sequence_mask(*args))
    x, y = torch.randn(6, 1), torch.randn(6)
    assert torch.equal(torch_utils.explained_variance(y, x), ray_torch.explained_variance(y, x))
    for name in ("huber_loss", "l2_loss", "symlog", "inverse_symlog"):
        assert torch.equal(getattr(torch_utils, name)(x), getattr(ray_torch, name)(x))
    assert torch.equal(torch_utils.global_norm([x, y]), ray_torch.global_norm([x, y]))
    masked = torch.tensor([1.0, float("-inf"), 2.0])
    assert torch_utils.reduce_mean_ignore_inf(masked) == 1.5


def test_conversion_to_torch():
    data = {
        "f": np.ones(2),
        "i": np.arange(2),
        "half": np.ones(1, np.float16),
        "n": 3,
        "text": np.array(["a"]),
        "none": None,
    }
    equal(torch_utils.convert_to_torch_tensor(data), ray_torch.convert_to_torch_tensor(data))
    flipped = np.arange(3)[::-1]
    assert torch_utils.convert_to_torch_tensor(flipped).tolist() == [2, 1, 0]


SPACES = [
    Discrete(3, start=2),
    Box(-1, np.array([1.0, 2.0]), (2,), np.float32),
    MultiDiscrete([2, 3]),
    gym.spaces.MultiBinary([2, 2]),
    gym.spaces.Dict({"a": Discrete(2), "b": gym.spaces.Tuple([Box(0, 255, (2, 2), np.uint8)])}),
    gym.spaces.Text(5),
]


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_spaces_as_json_both_ways(space):
    assert serialization.gym_space_to_dict(space) == ray_ser.gym_space_to_dict(space)
    assert serialization.gym_space_from_dict(ray_ser.gym_space_to_dict(space)) == space
    flat = Box(-1, 1, (4,))
    flat.original_space = space
    again = serialization.space_from_dict(ray_ser.space_to_dict(flat))
    assert again.original_space == space
    assert serialization.space_to_dict(flat) == ray_ser.space_to_dict(flat)


def test_a_space_that_would_run_code_is_refused():
    import base64
    import io
    import zlib

    buffer = io.BytesIO()
    np.save(buffer, np.array([print], dtype=object), allow_pickle=True)
    text = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    with pytest.raises(UnsafeCheckpoint, match="without running code"):
        serialization.gym_space_from_dict({"space": "multi-discrete", "nvec": text})
    with pytest.raises(CheckpointError, match="'what'"):
        serialization.gym_space_from_dict({"space": "what"})


def test_lists_and_dicts():
    from ray.rllib import utils as ray_utils

    from rlmigrate.legacy import utils

    for value in (None, 3, [1], (1, 2), "ab"):
        assert utils.force_list(value) == ray_utils.force_list(value)
        assert utils.force_tuple(value) == ray_utils.force_tuple(value)
    base = {"a": {"type": "x", "b": 1}, "c": 2}
    for new in ({"c": 3}, {"a": {"b": 2}}, {"a": {"type": "y", "d": 1}}, {"new": {"e": 1}}):
        assert utils.merge_dicts(base, new) == ray_utils.merge_dicts(base, new)
    assert base == {"a": {"type": "x", "b": 1}, "c": 2}
    args = ({"a": {"type": "y", "d": 1}}, False, ["a"], ["a"])
    assert utils.deep_update({"a": dict(base["a"])}, *args) == ray_utils.deep_update(
        {"a": dict(base["a"])}, *args
    )
    with pytest.raises(KeyError, match="'z'"):
        utils.deep_update({"a": 1}, {"z": 2})


def test_marks_take_a_stability():
    @annotations.PublicAPI(stability="alpha")
    def marked():
        return 1

    assert marked() == 1


def test_override_checks_the_name_and_the_hook_marks_change_nothing():
    class Base:
        def hook(self):
            """Do nothing."""

    class Child(Base):
        @annotations.DeveloperAPI
        @annotations.OverrideToImplementCustomLogic
        @annotations.override(Base)
        def hook(self):
            return 1

    assert Child().hook() == 1
    assert annotations.overridden_in(Child, Base, "hook")
    assert not annotations.overridden_in(Base, Base, "hook")
    with pytest.raises(NameError, match="other"):

        @annotations.override(Base)
        def other():
            """Do nothing."""
