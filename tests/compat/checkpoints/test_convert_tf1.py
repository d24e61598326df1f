"""Static-graph TF policies of Ray 1.13: converted modules give what the policies gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint

FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "static_graph_1.13.0"
SPACES = (gym.spaces.Box(-1, 1, (4,), np.float32), gym.spaces.Discrete(3))


@pytest.mark.parametrize("name", ["fcnet", "lstm"])
def test_weights_by_variable_names(name, tmp_path):
    report = convert_checkpoint(FOLDER / name / "checkpoint-1", tmp_path / "out", spaces=SPACES)
    assert report.ok, report.policies[0].notes
    multi: Any = RLModule.from_checkpoint(str(tmp_path / "out"))
    module = multi["default_policy"] if hasattr(multi, "keys") else multi
    recorded = np.load(FOLDER / name / "recorded.npz")
    batch: dict[str, Any] = {"obs": torch.as_tensor(recorded["rows"])}
    if module.is_stateful():
        state = {key: np.zeros_like(value) for key, value in module.get_initial_state().items()}
        rows = len(recorded["rows"])
        batch = {
            "obs": batch["obs"][:, None],
            "state_in": {key: torch.zeros(rows, *value.shape) for key, value in state.items()},
        }
    logits = module.forward_inference(batch)["action_dist_inputs"].reshape(-1, 3).numpy()
    values = module.compute_values(batch).detach().numpy().reshape(-1)
    assert np.allclose(logits, recorded["logits"], rtol=0, atol=1e-6)
    assert np.allclose(values, recorded["values"], rtol=0, atol=1e-6)
    assert np.array_equal(logits.argmax(-1), recorded["actions"])
