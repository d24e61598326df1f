"""TF policies of DQN and SAC with images, nested observations, noise or no layers at all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints.reading import read_checkpoint
from rlmigrate.compat.checkpoints.tf_weights import with_names
from rlmigrate.legacy.preprocessors import restore_original_dimensions

FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "tf_nets_2.9.3"
REFUSED = {
    "dqn_image_no_hiddens": "the state value of hiddens=[] has no counterpart in torch",
    "sac_image_deeper": "torch's has none",
}
ALL = sorted(each.name for each in FOLDER.iterdir())
CASES = [name for name in ALL if name.removesuffix("_graph") not in REFUSED]
NEW_DQN = {"dqn_no_hiddens", "dqn_no_net", "dqn_separate"}


def observations(rows: np.ndarray, space: Any) -> Any:
    """Give flat rows as the module takes them: restored, and discrete parts as numbers."""
    if not hasattr(space, "original_space"):
        return torch.as_tensor(rows)
    parts = restore_original_dimensions(torch.as_tensor(rows), space, "torch")
    discrete = {key for key, part in space.original_space.items() if hasattr(part, "n")}
    return {key: part.argmax(-1) if key in discrete else part for key, part in parts.items()}


def test_there_are_lists_and_graphs() -> None:
    assert len(CASES) == 30
    assert len(ALL) == 34
    assert sum(name.endswith("_graph") for name in CASES) == 15


@pytest.mark.parametrize("name", CASES)
def test_actions_and_outputs_are_the_recorded_ones(name, tmp_path) -> None:
    """Recorded by fixtures/checkpoints/make_tf_nets.py; needs no TensorFlow."""
    old = read_checkpoint(FOLDER / name).policies["default_policy"]
    report = convert_checkpoint(FOLDER / name, tmp_path / "out")
    assert report.ok, report.policies[0].notes
    plain = name.removesuffix("_graph")
    kind = "DefaultSacModel" if plain.startswith("sac") else "DefaultQModel"
    kind = "DefaultDQNTorchRLModule" if plain in NEW_DQN else kind
    assert report.policies[0].module_class.endswith(kind)
    module: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    recorded = np.load(FOLDER / name / "recorded.npz")
    batch = {"obs": observations(recorded["rows"], old.observation_space)}
    outputs = module.forward_inference(batch)
    assert len(np.unique(recorded["actions"])) > 1
    if plain.startswith("dqn"):
        found = module.compute_q_values(batch)["qf_preds"].detach()
        actions = outputs["actions"]
    else:
        found = outputs["action_dist_inputs"]
        dist = module.get_inference_action_dist_cls().from_logits(found)
        actions = dist.to_deterministic().sample()
    np.testing.assert_allclose(found, recorded["outputs"], rtol=2e-5, atol=2e-5)
    tolerance = 1e-5 if actions.is_floating_point() else 0
    np.testing.assert_allclose(actions, recorded["actions"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("framework", ["", "_graph"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_cannot_hold_says_why_and_what_to_do(name, framework, tmp_path) -> None:
    report = convert_checkpoint(FOLDER / f"{name}{framework}", tmp_path / "out")
    (policy,) = report.policies
    assert policy.status == "state only"
    assert REFUSED[name] in policy.notes[0]
    assert "wrap its TF model (wrap_model, stack='builtin')" in policy.notes[0]
    assert (tmp_path / "out" / "module_state.pkl").is_file()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("dqn_image", {"hiddens": [5, 5]}, "array 10 has shape|has shape"),
        (
            "dqn_image",
            {"model": {"conv_filters": [[5, [3, 3], 2], [6, [3, 3], 1]]}},
            "_convs.0._model.1 has shape",
        ),
        ("dqn_noisy", {"noisy": False}, "has shape"),
        ("sac_nested", {"twin_q": False}, "has shape|belong to no layer"),
        ("dqn_image", {"dueling": False}, "4 of 14 arrays of weights belong to no layer"),
        ("dqn_image", {"model": {"use_lstm": True}}, "layers with use_lstm is not known"),
    ],
)
def test_other_layers_than_the_configs_are_named_and_not_guessed(name, change, message) -> None:
    policy = read_checkpoint(FOLDER / name).policies["default_policy"]
    config = {**policy.config, **change}
    if "model" in change:
        config["model"] = {**policy.config["model"], **change["model"]}
    found = with_names(replace(policy, config=config))
    assert found.weights is policy.weights
    assert re.search(message, found.problem), found.problem
