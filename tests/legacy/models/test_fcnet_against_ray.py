"""FullyConnectedNetwork and the calling of models, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlmigrate.legacy.catalog import ModelCatalog

OBS = {
    "box": Box(-1, 1, (3,), np.float32),
    "discrete": Discrete(4),
    "multi_discrete": MultiDiscrete([2, 3]),
    "dict": Dict(a=Discrete(3), b=Box(-1, 1, (2,), np.float32)),
    "tuple": Tuple([Discrete(3), Dict(c=Box(-1, 1, (), np.float32))]),
}
CONFIGS = st.fixed_dictionaries(
    {
        "fcnet_hiddens": st.sampled_from([[], [8], [8, 5]]),
        "fcnet_activation": st.sampled_from(["tanh", "relu", "swish", "elu", "linear", None]),
        "post_fcnet_hiddens": st.sampled_from([[], [6]]),
        "post_fcnet_activation": st.sampled_from(["relu", "ReLU", "linear"]),
        "vf_share_layers": st.booleans(),
        "no_final_linear": st.booleans(),
    }
)
QUICK = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def observed(space, batch):
    preprocessor = ModelCatalog.get_preprocessor_for_space(space)
    space.seed(0)
    flat = np.stack([preprocessor.transform(space.sample()) for _ in range(batch)])
    return preprocessor.observation_space, torch.from_numpy(flat)


def headless(config, num_outputs):
    """Tell whether Ray's own value head does not fit its value layers."""
    hiddens = config["fcnet_hiddens"] + config["post_fcnet_hiddens"]
    return (
        config["no_final_linear"]
        and not config["vf_share_layers"]
        and num_outputs
        and hiddens
        and hiddens[-1] != num_outputs
    )


def check(pair, obs, equal, *, values=True):
    mine, my_state = pair.ours({"obs": obs})
    theirs, their_state = pair.rays({"obs": obs})
    equal(mine, theirs)
    equal(my_state, their_state)
    if values:
        equal(pair.ours.value_function(), pair.rays.value_function())
    equal(pair.ours.last_output(), pair.rays.last_output())
    assert pair.ours.num_outputs == pair.rays.num_outputs


@QUICK
@given(
    obs=st.sampled_from(sorted(OBS)),
    config=CONFIGS,
    num_outputs=st.sampled_from([2, 4, None]),
    batch=st.sampled_from([1, 7]),
)
def test_any_space_and_config(obs, config, num_outputs, batch, twins, equal):
    space, tensor = observed(OBS[obs], batch)
    pair = twins(space, Discrete(2), num_outputs, **config)
    check(pair, tensor, equal, values=not headless(config, num_outputs))


@pytest.mark.parametrize("vf_share_layers", [True, False])
def test_free_log_std(vf_share_layers, twins, equal):
    space, tensor = observed(OBS["box"], 5)
    pair = twins(
        space,
        Box(-1, 1, (2,), np.float32),
        4,
        free_log_std=True,
        vf_share_layers=vf_share_layers,
        fcnet_hiddens=[8],
    )
    check(pair, tensor, equal)
    assert "_append_free_log_std.log_std" in pair.ours.state_dict()


def test_weights_go_both_ways(twins):
    space, _ = observed(OBS["box"], 1)
    pair = twins(space, Discrete(2), 2, fcnet_hiddens=[8])
    pair.rays.load_state_dict(pair.ours.state_dict(), strict=True)
    pair.ours.load_state_dict(pair.rays.state_dict(), strict=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.uint8])
def test_other_dtypes_are_cast(dtype, twins, equal):
    space, _ = observed(OBS["box"], 1)
    pair = twins(space, Discrete(2), 2, fcnet_hiddens=[8])
    check(pair, torch.ones(3, 3).to(dtype), equal)


def test_gradients(twins, equal):
    space, tensor = observed(OBS["dict"], 5)
    pair = twins(space, Discrete(2), 2, fcnet_hiddens=[8])
    for model in (pair.ours, pair.rays):
        out, _ = model({"obs": tensor})
        (out.pow(2).sum() + model.value_function().sum()).backward()
    mine = {name: p.grad for name, p in pair.ours.named_parameters()}
    equal(mine, {name: p.grad for name, p in pair.rays.named_parameters()})


class TestRepairs:
    def test_free_log_std_without_final_linear(self):
        """Ray leaves the bias layer away and raises in forward."""
        space = Box(-1, 1, (3,), np.float32)
        model = ModelCatalog.get_model_v2(
            space,
            Box(-1, 1, (2,), np.float32),
            4,
            {"fcnet_hiddens": [8], "free_log_std": True, "no_final_linear": True},
            framework="torch",
        )
        out, _ = model({"obs": torch.ones(2, 3)})
        assert out.shape == (2, 4)

    def test_free_log_std_needs_an_even_number(self):
        space = Box(-1, 1, (3,), np.float32)
        with pytest.raises(ValueError, match="num_outputs is 3, expected an even number"):
            ModelCatalog.get_model_v2(
                space, Discrete(3), 3, {"fcnet_hiddens": [8], "free_log_std": True}, "torch"
            )

    def test_value_head_that_does_not_fit_says_so(self, twins):
        space, tensor = observed(OBS["box"], 2)
        pair = twins(
            space,
            Discrete(2),
            2,
            fcnet_hiddens=[6],
            vf_share_layers=False,
            no_final_linear=True,
        )
        pair.ours({"obs": tensor})
        with pytest.raises(ValueError, match="equal to num_outputs"):
            pair.ours.value_function()
