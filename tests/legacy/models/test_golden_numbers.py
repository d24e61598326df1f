"""Numbers that Ray 1.13 computed, also where Ray 2.60 raises today.

Recorded by fixtures/golden/legacy_models/record.py with torch 1.12, hence the tolerance.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from rlmigrate.legacy import distributions
from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

FILE = Path(__file__).parents[3] / "fixtures" / "golden" / "legacy_models" / "ray_1_13_0.npz"
RECORD = np.load(FILE, allow_pickle=False)
OBS = Box(-1, 1, (3,), np.float32)
LSTM = {"use_lstm": True, "lstm_cell_size": 5, "fcnet_hiddens": [8], "lstm_use_prev_action": True}
ATTENTION = {
    "use_attention": True,
    "attention_dim": 6,
    "attention_num_heads": 2,
    "attention_head_dim": 4,
    "attention_position_wise_mlp_dim": 7,
    "attention_memory_inference": 5,
    "attention_use_n_prev_actions": 2,
    "attention_use_n_prev_rewards": 2,
    "fcnet_hiddens": [8],
}
MODELS = {
    "lstm_discrete": (OBS, Discrete(4), 4, {**LSTM, "lstm_use_prev_reward": True}),
    "lstm_multi_discrete": (OBS, MultiDiscrete([2, 3]), 5, LSTM),
    "attention_discrete": (OBS, Discrete(4), 4, ATTENTION),
    "fcnet": (OBS, Discrete(2), 2, {"fcnet_hiddens": [8, 6]}),
    "free_log_std": (
        OBS,
        Box(-1, 1, (2,), np.float32),
        4,
        {"fcnet_hiddens": [8], "free_log_std": True, "vf_share_layers": False},
    ),
    "vision": (
        Box(0, 255, (10, 10, 3), np.uint8),
        Discrete(3),
        3,
        {"conv_filters": [[4, [5, 5], 2], [6, [5, 5], 2]], "vf_share_layers": False},
    ),
}
DISTRIBUTIONS = {
    "squashed_gaussian": ("TorchSquashedGaussian", {"low": -2.0, "high": 3.0}),
    "beta": ("TorchBeta", {}),
    "diag_gaussian": ("TorchDiagGaussian", {}),
    "categorical": ("TorchCategorical", {}),
    "dirichlet": ("TorchDirichlet", {}),
    "multi_categorical": ("TorchMultiCategorical", {"input_lens": [2, 4]}),
}


def recorded(case: str, kind: str) -> dict[str, torch.Tensor]:
    prefix = f"{case}/{kind}/"
    return {
        key.removeprefix(prefix): torch.from_numpy(RECORD[key])
        for key in RECORD.files
        if key.startswith(prefix)
    }


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours.detach(), theirs, rtol=1e-5, atol=1e-6)


def test_every_recorded_case_is_compared():
    assert {key.split("/")[0] for key in RECORD.files} == {"ray", "torch", *MODELS, *DISTRIBUTIONS}
    assert str(RECORD["ray"]) == "1.13.0"


@pytest.mark.parametrize("case", MODELS)
def test_model(case):
    obs_space, action_space, num_outputs, settings = MODELS[case]
    config = {**copy.deepcopy(MODEL_DEFAULTS), **settings}
    model = ModelCatalog.get_model_v2(
        obs_space, action_space, num_outputs, config, framework="torch"
    )
    model.load_state_dict(recorded(case, "weights"), strict=True)
    logits, states = model(recorded(case, "in"))
    expected = recorded(case, "out")
    close(logits, expected.pop("logits"))
    close(model.value_function(), expected.pop("values"))
    for name, state in expected.items():
        close(states[int(name.removeprefix("state_out_"))], state)


@pytest.mark.parametrize("case", DISTRIBUTIONS)
def test_distribution(case):
    name, kwargs = DISTRIBUTIONS[case]
    dist = getattr(distributions, name)(recorded(case, "in")["inputs"], None, **kwargs)
    expected = recorded(case, "out")
    deterministic = dist.deterministic_sample()
    close(deterministic, expected["deterministic"])
    close(dist.logp(expected["sample"]), expected["logp"])
    if "entropy" in expected:
        close(dist.entropy(), expected["entropy"])
