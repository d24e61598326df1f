"""Port DQN's TF models to torch for Ray, and compare; run by test_ported_models.py.

A process of its own, because TensorFlow chooses its Keras when it is imported. Prints one JSON
object: case to null, or to what went wrong.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import tree
from checking import report

sys.path.insert(0, str(Path(__file__).parent))

from tf_q_checks import ACTIONS, CASES, ROWS, _weights

METRICS = """
    def metrics(self):
        return {"units": tf.constant(8.0)}
"""


def check(text: str, space: Any, settings: dict[str, Any]) -> None:
    """Port a model, and compare Q-values and actions on equal weights."""
    import tensorflow as tf
    import torch
    from conftest import Migration
    from ray.rllib.algorithms.dqn.dqn_tf_policy import compute_q_values
    from ray.rllib.core.rl_module.apis import QNetAPI, TargetNetworkAPI
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    from rlmigrate import transfer_weights
    from rlmigrate.migrate.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        text = text.replace(METRICS, "")  # which nothing of the new stack asks for
        done = Migration(Path(folder), {"model.py": text}, Settings())
        assert done.items["Policy"].outcome == "native", done.items["Policy"].message
        assert "tensorflow" not in done.text("model.py") + done.text("rlmigrate_layers.py")
        old_class, new_class = done.old("model.py").Policy, done.new("model.py").Policy
    full = {"dueling": True, "num_atoms": 1, "noisy": False, "hiddens": [256], **settings}
    hiddens = full["hiddens"]
    prep = ModelCatalog.get_preprocessor_for_space(space)
    config = {**MODEL_DEFAULTS, "fcnet_hiddens": [8], "no_final_linear": bool(hiddens)}
    old = old_class(
        prep.observation_space,
        ACTIONS,
        8 if hiddens else 3,
        config,
        "q_func",
        q_hiddens=hiddens,
        dueling=full["dueling"],
        num_atoms=full["num_atoms"],
        use_noisy=full["noisy"],
    )
    new = RLModuleSpec(
        module_class=new_class,
        observation_space=space,
        action_space=ACTIONS,
        model_config={"fcnet_hiddens": [8], "epsilon": 0.0, **settings},
    ).build()
    assert isinstance(new, QNetAPI)
    assert isinstance(new, TargetNetworkAPI)
    space.seed(0)
    raw = [space.sample() for _ in range(ROWS)]
    for each in raw:
        if isinstance(each, dict):
            each["action_mask"][0] = 1
    flat = tf.constant(np.stack([prep.transform(each) for each in raw]).astype(np.float32))
    policy = SimpleNamespace(config=full)

    def expected() -> Any:
        return compute_q_values(policy, old, {"obs": flat}, explore=False)

    expected()
    rng = np.random.default_rng(0)
    weights = {getattr(w, "path", w.name): w for w in _weights(old)}
    for each in weights.values():
        each.assign((0.5 * rng.normal(size=each.shape)).astype(np.float32))
    report = transfer_weights({n: w.numpy() for n, w in weights.items()}, new)
    assert report.matched == report.total == len(new.state_dict())
    batch = {"obs": tree.map_structure(lambda *each: torch.from_numpy(np.stack(each)), *raw)}
    values, logits, probabilities, _ = expected()
    found = {k: v.detach().numpy() for k, v in new.compute_q_values(batch).items()}
    np.testing.assert_allclose(found["qf_preds"], values, rtol=1e-5, atol=1e-5)
    if full["num_atoms"] > 1:
        np.testing.assert_allclose(found["qf_logits"], logits, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found["qf_probs"], probabilities, rtol=1e-5, atol=1e-5)
    greedy = np.argmax(values, axis=1)
    np.testing.assert_array_equal(new.forward_inference(batch)["actions"], greedy)
    new.make_target_networks()
    outs = new.forward_train({**batch, "new_obs": batch["obs"]})
    assert torch.equal(outs["qf_preds"], outs["qf_target_next_preds"])
    outs["qf_preds"].clamp(-10, 10).sum().backward()
    new.epsilon = 1.0
    drawn = np.stack([new.forward_exploration(batch)["actions"].numpy() for _ in range(20)])
    assert {0} < set(drawn.ravel().tolist()) <= {0, 1, 2}
    if isinstance(space, gym.spaces.Dict) and not full["dueling"]:
        for row, mask in enumerate(batch["obs"]["action_mask"].numpy()):
            assert all(mask[action] for action in drawn[:, row])


if __name__ == "__main__":
    # not noise, which each side draws for itself, nor nets of RLlib within Keras models
    wanted = [n for n in sys.argv[1:] or CASES if n not in ("noisy", "a net described")]
    report({name: partial(check, *CASES[name]) for name in wanted})
