"""The plain layers compute what RLlib's nets compute, on the same weights, exactly."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlmigrate import eras
from rlmigrate.migrate.emit.layers_file import layers_text, units
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.source import SourceFile
from rlmigrate.new_stack import layers

ray_fcnet = pytest.importorskip("ray.rllib.models.torch.fcnet")
torch.set_num_threads(1)
BOX = gym.spaces.Box(-1, 1, (5,), np.float32)
IMAGE = gym.spaces.Box(0, 255, (42, 42, 3), np.uint8)
ACTIONS = gym.spaces.Discrete(4)


def old_config(**changes):
    from ray.rllib.models.catalog import MODEL_DEFAULTS

    return {**MODEL_DEFAULTS, **changes}


@pytest.mark.parametrize("num_outputs", [4, None])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"vf_share_layers": False},
        {"fcnet_hiddens": [8, 16], "fcnet_activation": "relu"},
        {"fcnet_hiddens": [8], "post_fcnet_hiddens": [6], "vf_share_layers": False},
        {"fcnet_hiddens": [], "post_fcnet_hiddens": [6], "post_fcnet_activation": "swish"},
        {"fcnet_hiddens": [], "vf_share_layers": False},
        {"fcnet_hiddens": [8, 4], "no_final_linear": True},
        {"free_log_std": True},
        {"fcnet_hiddens": [8], "fcnet_activation": "linear"},
    ],
)
def test_dense_net(changes, num_outputs) -> None:
    if num_outputs is None and "free_log_std" in changes:
        pytest.skip("RLlib cannot halve None")
    config = old_config(**changes)
    old = ray_fcnet.FullyConnectedNetwork(BOX, ACTIONS, num_outputs, config, "old")
    new = layers.FullyConnectedNetwork(BOX, num_outputs, changes)
    new.load_state_dict(old.state_dict())
    obs = torch.randn(7, 5)
    out, _ = old({"obs": obs})
    assert torch.equal(new(obs), out)
    assert torch.equal(new.value(obs), old.value_function())
    assert new.num_outputs == old.num_outputs or "free_log_std" in changes


@pytest.mark.parametrize("num_outputs", [4, None])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"vf_share_layers": False},
        {"post_fcnet_hiddens": [12, 6]},
        {"no_final_linear": True},
        {"conv_filters": [[4, [4, 4], 2], [8, [4, 4], 2], [16, [11, 11], 1]]},
        {"conv_filters": [[16, [42, 42], 1]], "conv_activation": "tanh"},
    ],
)
def test_image_net(changes, num_outputs) -> None:
    from ray.rllib.models.torch.visionnet import VisionNetwork

    old = VisionNetwork(IMAGE, ACTIONS, num_outputs, old_config(**changes), "old")
    new = layers.VisionNetwork(IMAGE, num_outputs, changes)
    new.load_state_dict(old.state_dict())
    obs = torch.randint(0, 255, (3, 42, 42, 3), dtype=torch.uint8)
    out, _ = old({"obs": obs})
    assert torch.equal(new(obs), out)
    if num_outputs is None and "post_fcnet_hiddens" in changes:
        return
    try:
        values = old.value_function()
    except (RuntimeError, IndexError):  # RLlib cannot value after post_fcnet_hiddens
        return
    assert torch.equal(new.value(obs), values)


@pytest.mark.parametrize("side", [10, 42, 64, 84, 96])
def test_default_filters(side) -> None:
    from ray.rllib.models.utils import get_filter_config

    assert layers.filters_for((side, side, 3)) == get_filter_config((side, side, 3))
    with pytest.raises(ValueError, match="conv_filters"):
        layers.filters_for((side + 1, side, 3))


@pytest.mark.parametrize("name", ["relu", "tanh", "swish", "SiLU", "elu", "linear", None, "GELU"])
def test_activation_is_found_by_name(name) -> None:
    from ray.rllib.models.utils import get_activation_fn

    assert layers.activation(name) is get_activation_fn(name, "torch")


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="'nope'"):
        layers.activation("nope")


@pytest.mark.parametrize("size", [(10, 10), (7, 12)])
@pytest.mark.parametrize("kernel", [3, [4, 5]])
@pytest.mark.parametrize("stride", [1, [2, 3]])
def test_padding(size, kernel, stride) -> None:
    from ray.rllib.models.torch import misc

    assert layers.same_padding(size, kernel, stride) == misc.same_padding(size, kernel, stride)
    assert layers.valid_padding(size, kernel, stride) == misc.valid_padding(size, kernel, stride)


SPACES = {
    "box": BOX,
    "matrix": gym.spaces.Box(-1, 1, (2, 3), np.float32),
    "ram": gym.spaces.Box(0, 255, (128,), np.uint8),
    "discrete": gym.spaces.Discrete(3, start=5),
    "multi": gym.spaces.MultiDiscrete([2, 3]),
    "tuple": gym.spaces.Tuple([gym.spaces.Discrete(3), BOX]),
    "dict": gym.spaces.Dict(
        {
            "b": gym.spaces.Discrete(3),
            "a": gym.spaces.Box(0, 9, (2, 2), np.int8),
            "c": gym.spaces.Dict({"x": gym.spaces.MultiDiscrete([2, 2]), "y": BOX}),
            "m": gym.spaces.MultiBinary(3),
        }
    ),
}


def stack(samples):
    if isinstance(samples[0], dict):
        return {key: stack([s[key] for s in samples]) for key in samples[0]}
    if isinstance(samples[0], tuple):
        return tuple(stack(list(each)) for each in zip(*samples, strict=True))
    return torch.from_numpy(np.stack([np.asarray(s) for s in samples]))


def same(left, right) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    return torch.equal(left, right) and left.dtype == right.dtype


@pytest.mark.parametrize("name", sorted(SPACES))
def test_observations_as_old_models_saw_them(name) -> None:
    from ray.rllib.models.modelv2 import restore_original_dimensions
    from ray.rllib.models.preprocessors import get_preprocessor

    space = SPACES[name]
    space.seed(1)
    samples = [space.sample() for _ in range(4)]
    old = get_preprocessor(space)(space)
    flat = torch.from_numpy(np.stack([old.transform(s) for s in samples]))
    restored = restore_original_dimensions(flat, old.observation_space, "torch")
    batch = stack(samples)
    assert same(layers.preprocess(batch, space), restored)
    assert same(layers.flatten(batch, space), torch.flatten(flat, start_dim=1))
    assert layers.flat_size(space) == flat.flatten(1).shape[1]


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Discrete(3),
        gym.spaces.Box(-1, 1, (2,), np.float32),
        gym.spaces.MultiDiscrete([2, 3]),
        gym.spaces.Tuple([gym.spaces.Discrete(3), gym.spaces.Box(-1, 1, (2,), np.float32)]),
        gym.spaces.Dict(z=gym.spaces.Discrete(3), a=gym.spaces.MultiDiscrete([2, 3])),
    ],
    ids=str,
)
def test_head_has_the_size_that_the_catalog_gave(space) -> None:
    from ray.rllib.models import ModelCatalog

    _, size = ModelCatalog.get_action_dist(space, old_config(), framework="torch")
    found = layers.action_distribution(space)
    assert found.required_input_dim(space=space) == size


def test_time_dimension_in_every_form_of_it() -> None:
    ray = pytest.importorskip("ray.rllib.policy.rnn_sequencing")
    rows = torch.randn(6, 3)
    lens = torch.tensor([2, 1])
    for time_major in (False, True):
        theirs = ray.add_time_dimension(
            rows, seq_lens=lens, framework="torch", time_major=time_major
        )
        now = layers.add_time_dimension(rows, seq_lens=lens, time_major=time_major)
        assert torch.equal(now, theirs)
        # as RLlib 1.x called it
        then = layers.add_time_dimension(
            rows, max_seq_len=3, framework="torch", time_major=time_major
        )
        assert torch.equal(then, theirs)


def test_time_folds_and_unfolds() -> None:
    batch = {
        "obs": {"a": torch.arange(12.0).reshape(2, 3, 2)},
        "prev_rewards": torch.arange(6.0).reshape(2, 3),
        "state_in": {"state_0": torch.ones(2, 4), "state_1": torch.zeros(2, 3)},
        "seq_lens": torch.tensor([3, 1]),
    }
    folded, states, lens = layers.fold_time(batch)
    assert folded["obs"]["a"].shape == (6, 2)
    assert folded["prev_rewards"].shape == (6,)
    assert [tuple(s.shape) for s in states] == [(2, 4), (2, 3)]  # no time in them, though 3 is T
    assert torch.equal(lens, torch.tensor([3, 1]))
    rows = folded["obs"]["a"]
    assert torch.equal(layers.unfold_outputs(rows, folded), batch["obs"]["a"])
    assert torch.equal(layers.unfold_values(rows[:, 0], batch), batch["obs"]["a"][..., 0])
    del batch["seq_lens"]
    assert torch.equal(layers.fold_time(batch)[2], torch.tensor([3, 3], dtype=torch.int32))


def test_rows_without_states_stay_rows() -> None:
    batch = {"obs": torch.randn(5, 2)}
    assert layers.fold_time(batch) == (batch, [], None)
    assert layers.unfold_outputs(batch["obs"], batch) is batch["obs"]
    assert layers.unfold_values(batch["obs"][:, :1], batch).shape == (5,)


def test_old_model_config_has_defaults_and_the_users_part() -> None:
    from ray.rllib.models.catalog import MODEL_DEFAULTS

    given = {"fcnet_hiddens": [3], "depth": 2, "custom_model_config": {"width": 4}}
    old = layers.old_model_config(given)
    assert old["custom_model_config"] == {"depth": 2, "width": 4}
    assert old["fcnet_hiddens"] == [3]
    rest = set(old) - {"custom_model_config", "fcnet_hiddens"}
    assert {key: old[key] for key in rest} == {key: MODEL_DEFAULTS[key] for key in rest}
    assert layers.custom_settings(given, without=("depth",)) == {"width": 4}


@pytest.mark.parametrize("release", eras.TARGETS)
def test_imports_of_the_layers_file_are_names_of_the_release(release):
    text = layers_text(units(), target="ray", ray_version=release)
    names = ImportTable.of(SourceFile.from_text(text)).names.values()
    rows = [eras.resolve(name) for name in names if "distribution" in name]
    assert rows
    assert all(row is not None and row.alive_in(release) for row in rows)


@pytest.mark.parametrize("stack", ["ray", "builtin"])
@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(-1, 2, (3,), np.int64),
        gym.spaces.Box(0, 4, (2, 2), np.int32),
        gym.spaces.Box(5, 6, (1,), np.int8),
    ],
)
def test_integer_boxes_have_the_old_distribution(space, stack, tmp_path) -> None:
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate.migrate.emit.layers_file import layers_text

    scope: dict[str, object] = {"__name__": "layers"}
    exec(
        compile(
            layers_text(["action_distribution"], target=stack, ray_version="2.60"), "layers", "exec"
        ),
        scope,
    )
    dist_cls = scope["action_distribution"](space)
    old_cls, size = ModelCatalog.get_action_dist(space, MODEL_DEFAULTS, framework="torch")
    assert dist_cls.required_input_dim(space=space) == size
    logits = torch.randn(6, int(size))
    old, new = old_cls(logits, None), dist_cls.from_logits(logits)
    action = old.sample()
    assert torch.equal(new.logp(action), old.logp(action))
    assert torch.equal(new.entropy(), old.entropy())
    assert torch.equal(new.to_deterministic().sample(), old.deterministic_sample())
    assert new.sample().shape == action.shape
    torch.manual_seed(3)
    drawn = old.sample()
    torch.manual_seed(3)
    assert torch.equal(new.sample(), drawn)


def test_integer_box_with_different_bounds_is_refused() -> None:
    space = gym.spaces.Box(np.array([0, 0]), np.array([1, 2]), dtype=np.int64)
    with pytest.raises(ValueError, match="same bounds"):
        layers.action_distribution(space).required_input_dim(space=space)
