"""The catalog's choices against Ray 2.60's over drawn spaces and model configs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from hypothesis import given, settings
from hypothesis import strategies as st
from ray.rllib.models import ModelCatalog as RayCatalog
from ray.rllib.models.catalog import MODEL_DEFAULTS as RAY_DEFAULTS

from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

LEAVES = st.one_of(
    st.integers(2, 4).map(Discrete),
    st.lists(st.integers(2, 3), min_size=1, max_size=2).map(MultiDiscrete),
    st.integers(1, 3).map(lambda size: Box(-2.0, 3.0, (size,), np.float32)),
)
NESTED = st.one_of(
    LEAVES,
    st.lists(LEAVES, min_size=1, max_size=2).map(Tuple),
    st.dictionaries(st.sampled_from("ab"), LEAVES, min_size=1).map(Dict),
)
OBSERVATIONS = st.one_of(
    NESTED,
    st.integers(1, 3).map(MultiBinary),
    st.sampled_from([Box(0, 1, (42, 42, 3), np.float32), Box(0, 1, (10, 10, 2), np.float32)]),
)
CONFIGS = st.fixed_dictionaries(
    {
        "fcnet_hiddens": st.sampled_from([[5], [6, 4], []]),
        "fcnet_activation": st.sampled_from(["tanh", "relu", "linear"]),
        "vf_share_layers": st.booleans(),
        "free_log_std": st.booleans(),
        "no_final_linear": st.booleans(),
        "use_lstm": st.booleans(),
        "lstm_cell_size": st.just(3),
        "conv_filters": st.sampled_from([None, [[4, [3, 3], 2], [8, [5, 5], 1]]]),
    }
)


# Works here and not with Ray: docs/ray-differences-legacy.md.
CONFIGS = CONFIGS.filter(lambda c: not (c["free_log_std"] and c["no_final_linear"]))


def outcome(catalog: Any, defaults: Any, obs: Any, act: Any, given_config: Any) -> Any:
    """What a catalog chose: preprocessor, distribution, net and its parameters' shapes."""
    config = {**copy.deepcopy(defaults), **copy.deepcopy(given_config)}
    preprocessor = catalog.get_preprocessor_for_space(obs)
    dist, size = catalog.get_action_dist(act, config, framework="torch")
    kind = getattr(dist, "func", dist).__name__
    space = preprocessor.observation_space
    try:
        model = catalog.get_model_v2(space, act, size, config, framework="torch")
    except Exception as error:
        # Each says in its own words what is wrong; that it refuses is what must be equal.
        return type(preprocessor).__name__, kind, size, isinstance(error, Exception)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    bases = {base.__name__ for base in type(model).__mro__}
    nets = bases & {"FullyConnectedNetwork", "VisionNetwork", "ComplexInputNetwork", "LSTMWrapper"}
    states = [tuple(state.shape) for state in model.get_initial_state()]
    views = {name: (v.data_col, str(v.shift)) for name, v in model.view_requirements.items()}
    chosen = (type(preprocessor).__name__, kind, int(size), sorted(nets))
    return *chosen, model.num_outputs, shapes, states, views


@given(OBSERVATIONS, NESTED, CONFIGS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_choices_are_rays(obs: Any, act: Any, config: Any) -> None:
    ours = outcome(ModelCatalog, MODEL_DEFAULTS, obs, act, config)
    assert ours == outcome(RayCatalog, RAY_DEFAULTS, obs, act, config)


@given(OBSERVATIONS, st.integers(2, 4), st.integers(2, 4))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_the_comparison_sees_another_size(obs: Any, left: int, right: int) -> None:
    found = [
        outcome(ModelCatalog, MODEL_DEFAULTS, obs, Discrete(n), {"fcnet_hiddens": [4]})
        for n in (left, right)
    ]
    assert (found[0] == found[1]) is (left == right)


def test_defaults_are_rays() -> None:
    assert {**MODEL_DEFAULTS} == {**RAY_DEFAULTS}


@pytest.mark.parametrize("catalog", [ModelCatalog, RayCatalog])
def test_unknown_action_spaces_are_refused(catalog: Any) -> None:
    from gymnasium.spaces import Text

    with pytest.raises(NotImplementedError):
        catalog.get_action_dist(Text(3), MODEL_DEFAULTS, framework="torch")
