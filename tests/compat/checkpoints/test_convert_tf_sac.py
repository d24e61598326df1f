"""SAC's TF2 policies: converted modules choose and value what the policies did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ray.rllib.core.rl_module.rl_module import RLModule

from rlmigrate import convert_checkpoint
from rlmigrate.compat.checkpoints.reading import read_checkpoint
from rlmigrate.compat.checkpoints.tf_layers import Misfit
from rlmigrate.compat.checkpoints.tf_order import in_torch_terms

FOLDER = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "tf2_sac_2.9.3"


@pytest.mark.tf
def test_of_ray_2_60(run_checks) -> None:
    found = run_checks(Path(__file__).with_name("tf_sac_checks.py"))
    assert len(found) == 4
    assert found == dict.fromkeys(found)


@pytest.mark.parametrize("name", ["box", "one_critic", "discrete"])
def test_of_ray_2_9_3(tmp_path, name) -> None:
    """Recorded by fixtures/checkpoints/make_tf2_sac.py; needs no TensorFlow."""
    report = convert_checkpoint(FOLDER / name, tmp_path / "out")
    assert report.ok, report.policies[0].notes
    module = RLModule.from_checkpoint(str(tmp_path / "out"))
    recorded = np.load(FOLDER / name / "recorded.npz")
    batch = {
        "obs": torch.as_tensor(recorded["rows"]),
        "actions": torch.as_tensor(recorded["tried"]),
    }
    outputs = module.forward_inference(batch)["action_dist_inputs"]
    np.testing.assert_allclose(outputs, recorded["logits"], rtol=1e-5, atol=1e-5)
    dist = module.get_inference_action_dist_cls().from_logits(outputs)
    actions = dist.to_deterministic().sample()
    assert len(np.unique(actions)) > 1
    np.testing.assert_allclose(actions, recorded["actions"], atol=0 if name == "discrete" else 5e-6)
    values = module.compute_q_values(batch).detach().numpy()
    expected = recorded["q_values"].reshape(values.shape)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    alpha = module.legacy_model.log_alpha.detach().exp().numpy()
    np.testing.assert_allclose(alpha, recorded["alpha"], rtol=1e-6)
    entropy = float(module.legacy_model.target_entropy)
    assert entropy == pytest.approx(0.98 * np.log(3) if name == "discrete" else -2.0)


def test_lists_that_do_not_fit_the_config_get_no_names() -> None:
    """No guess where the config tells of another layer, or of no SAC."""
    policy = read_checkpoint(FOLDER / "box").policies["default_policy"]
    config, weights = policy.config, policy.weights
    assert in_torch_terms(policy) is not None
    deeper = {**config, "q_model_config": {**config["q_model_config"], "fcnet_hiddens": [7, 7]}}
    wider = {**config, "policy_model_config": {"fcnet_hiddens": [6, 8]}}
    for other in (deeper, wider, {**config, "twin_q": False}):
        with pytest.raises(Misfit):
            in_torch_terms(replace(policy, config=other))
    assert in_torch_terms(replace(policy, config={"model": {}})) is None
    fewer = dict(list(weights.items())[:-1])
    with pytest.raises(Misfit, match="none for log_alpha"):
        in_torch_terms(replace(policy, weights=fewer))
