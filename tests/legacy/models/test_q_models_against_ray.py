"""DQN's and SAC's models, beside Ray's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.catalog import ModelCatalog
from rlmigrate.legacy.models.dqn_model import DQNTorchModel
from rlmigrate.legacy.models.sac_model import SACTorchModel
from rlmigrate.legacy.spaces import Simplex

OBS = Box(-1, 1, (3,), np.float32)
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@QUICK
@given(
    hiddens=st.sampled_from([[], [6], [6, 5]]),
    dueling=st.booleans(),
    atoms=st.sampled_from([1, 4]),
    noisy=st.booleans(),
    layer_norm=st.booleans(),
)
def test_dqn(hiddens, dueling, atoms, noisy, layer_norm, twins, equal):
    from ray.rllib.algorithms.dqn.dqn_torch_model import DQNTorchModel as Rays

    # Without hidden layers the model's own output is the Q-values.
    outputs = 8 if hiddens else 3 * atoms
    pair = twins(
        OBS,
        Discrete(3),
        outputs,
        fcnet_hiddens=[8],
        no_final_linear=bool(hiddens),
        model_interface=(DQNTorchModel, Rays),
        model_kwargs={
            "q_hiddens": hiddens,
            "dueling": dueling,
            "num_atoms": atoms,
            "use_noisy": noisy,
            "add_layer_norm": layer_norm,
        },
    )
    outs = []
    for model in (pair.ours, pair.rays):
        torch.manual_seed(5)
        features, _ = model({"obs": randn(4, 3)})
        q = model.get_q_value_distributions(features)
        value = model.get_state_value(features) if dueling else torch.zeros(1)
        outs.append((q, value))
    equal(*outs)
    assert type(pair.ours).__name__ == "FullyConnectedNetwork_as_DQNTorchModel"


def sac_pair(twins, obs_space, action_space, **kwargs):
    from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel as Rays

    configs = {
        f"{net}_model_config": {"fcnet_hiddens": [8], "fcnet_activation": "relu"}
        for net in ("policy", "q")
    }
    return twins(
        obs_space,
        action_space,
        None,
        default_model=(SACTorchModel, Rays),
        model_kwargs={**configs, **kwargs},
    )


@pytest.mark.parametrize("twin_q", [False, True])
@pytest.mark.parametrize("target_entropy", [None, "auto", -1.5])
@pytest.mark.parametrize(
    "space", [Discrete(3), Box(-1, 1, (2,), np.float32)], ids=["discrete", "box"]
)
def test_sac(space, target_entropy, twin_q, twins, equal):
    pair = sac_pair(
        twins, OBS, space, twin_q=twin_q, target_entropy=target_entropy, initial_alpha=0.7
    )
    actions = None if isinstance(space, Discrete) else randn(4, 2, seed=1)
    outs = []
    for model in (pair.ours, pair.rays):
        out, _ = model({"obs": randn(4, 3)})
        outs.append(
            (
                model.get_action_model_outputs(out),
                model.get_q_values(out, actions),
                model.get_twin_q_values(out, actions) if twin_q else (),
                model.log_alpha,
                model.target_entropy,
                [p.shape[0] for p in model.policy_variables()],
                [p.shape[0] for p in model.q_variables()],
            )
        )
    equal(*outs)


def test_sac_over_structured_observations(twins, equal):
    space = Dict(a=Discrete(3), b=Box(-1, 1, (2,), np.float32))
    flat = ModelCatalog.get_preprocessor_for_space(space).observation_space
    pair = sac_pair(twins, flat, Box(-1, 1, (2,), np.float32))
    obs = torch.cat([torch.eye(3), randn(3, 2)], dim=1)
    outs = []
    for model in (pair.ours, pair.rays):
        out, _ = model({"obs": obs})
        outs.append(model.get_action_model_outputs({"obs": out}))
        outs.append(model.get_q_values(out, randn(3, 2, seed=1)))
    equal(outs[:2], outs[2:])


def test_sac_simplex_actions():
    model = ModelCatalog.get_model_v2(
        OBS, Simplex((3,)), None, {}, framework="torch", default_model=SACTorchModel
    )
    out, _ = model({"obs": randn(4, 3)})
    assert model.get_action_model_outputs(out)[0].shape == (4, 3)
    assert model.get_q_values(out, torch.full((4, 3), 1 / 3))[0].shape == (4, 1)


def test_sac_refuses_other_actions():
    with pytest.raises(UnsupportedSpace, match="use Discrete, Box or Simplex"):
        ModelCatalog.get_model_v2(
            OBS, MultiDiscrete([2]), None, {}, framework="torch", default_model=SACTorchModel
        )
