"""DQN's TF2 policies: converted modules choose what the policies chose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint

FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "tf2_dqn_2.9.3"


@pytest.mark.tf
def test_of_ray_2_60(run_checks) -> None:
    found = run_checks(Path(__file__).with_name("tf_dqn_checks.py"))
    assert len(found) == 4
    assert found == dict.fromkeys(found)


def test_of_ray_2_9_3(tmp_path) -> None:
    """Recorded by fixtures/checkpoints/make_tf2_dqn.py; needs no TensorFlow."""
    report = convert_checkpoint(FOLDER, tmp_path / "out")
    assert report.ok, report.policies[0].notes
    module = RLModule.from_checkpoint(str(tmp_path / "out"))
    recorded = np.load(FOLDER / "recorded.npz")
    batch = {"obs": torch.as_tensor(recorded["rows"])}
    assert len(set(recorded["actions"].tolist())) > 1
    actions = module.forward_inference(batch)["actions"].numpy()
    assert np.array_equal(actions, recorded["actions"])
    values = module.compute_q_values(batch)["qf_preds"].detach().numpy()
    np.testing.assert_allclose(values, recorded["values"], rtol=1e-5, atol=1e-5)
