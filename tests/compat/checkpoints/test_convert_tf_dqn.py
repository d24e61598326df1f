"""DQN's TF2 policies: converted modules choose what the policies chose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint

INHERITED = {key: value for key, value in os.environ.items() if key != "RLLIB_TEST_NO_TF_IMPORT"}
FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "tf2_dqn_2.9.3"


@pytest.mark.tf
def test_of_ray_2_60() -> None:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("tf_dqn_checks.py"))],
        env={**INHERITED, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
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
