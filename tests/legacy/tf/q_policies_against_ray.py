"""Compare our TF policies of DQN and SAC with Ray 2.60's; run by test_tf_q_policies.py.

Prints one JSON object: check name to null, or to what went wrong.
"""

from __future__ import annotations

import copy
import json
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.dqn import DQNConfig
from ray.rllib.algorithms.dqn.dqn_tf_policy import DQNTFPolicy as RayDQN
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.algorithms.sac.sac_tf_policy import SACTFPolicy as RaySAC
from ray.rllib.utils.framework import try_import_tf

from rlmigrate import ray_names
from rlmigrate.compat.checkpoints.reading import read_checkpoint
from rlmigrate.errors import UnsupportedSpace
from rlmigrate.legacy.policies.tf.dqn_tf_policy import DQNTFPolicy
from rlmigrate.legacy.policies.tf.sac_tf_policy import SACTFPolicy

try_import_tf()
RECORDED = Path(__file__).parents[3] / "fixtures" / "checkpoints" / "tf2_sac_2.9.3" / "box"
OBS = Box(-1.0, 1.0, (4,), np.float32)
IMAGE = Box(0.0, 1.0, (6, 6, 1), np.float32)
VISION = {"conv_filters": [[4, [3, 3], 2], [5, [3, 3], 1]]}
DISCRETE, BOX = Discrete(3), Box(-2.0, 3.0, (2,), np.float32)
DISCRETE.n = 3  # type: ignore[assignment]  # Keras wants no numpy's
SMALL = {"model": {"fcnet_hiddens": [8, 6]}, "hiddens": [5]}
NETS = {key: {"fcnet_hiddens": [7]} for key in ("policy_model_config", "q_model_config")}
IMAGES = {key: {**VISION, "fcnet_hiddens": [7]} for key in NETS}
CASES: dict[str, tuple[Any, Any, Any, Any, Any, dict[str, Any]]] = {
    "dqn": (DQNConfig, RayDQN, DQNTFPolicy, OBS, DISCRETE, SMALL),
    "dqn_plain": (DQNConfig, RayDQN, DQNTFPolicy, OBS, DISCRETE, {**SMALL, "dueling": False}),
    "dqn_atoms": (DQNConfig, RayDQN, DQNTFPolicy, OBS, DISCRETE, {**SMALL, "num_atoms": 4}),
    "dqn_bare": (DQNConfig, RayDQN, DQNTFPolicy, OBS, DISCRETE, {**SMALL, "hiddens": []}),
    "dqn_noisy": (DQNConfig, RayDQN, DQNTFPolicy, OBS, DISCRETE, {**SMALL, "noisy": True}),
    "dqn_image": (DQNConfig, RayDQN, DQNTFPolicy, IMAGE, DISCRETE, {"model": VISION}),
    "dqn_warm": (
        DQNConfig,
        RayDQN,
        DQNTFPolicy,
        OBS,
        DISCRETE,
        {
            **SMALL,
            "categorical_distribution_temperature": 2.5,
            "exploration_config": {"type": "SoftQ"},
        },
    ),
    "sac_discrete": (SACConfig, RaySAC, SACTFPolicy, OBS, DISCRETE, {**NETS, "twin_q": False}),
    "sac_gaussian": (
        SACConfig,
        RaySAC,
        SACTFPolicy,
        OBS,
        BOX,
        {**NETS, "normalize_actions": False},
    ),
    "sac_image": (
        SACConfig,
        RaySAC,
        SACTFPolicy,
        IMAGE,
        BOX,
        {**IMAGES, "normalize_actions": False},
    ),
}


def both(name: str) -> tuple[Any, Any, np.ndarray]:
    """Build Ray's policy and ours with equal weights, and observations."""
    make, ray_class, our_class, observations, actions, settings = CASES[name]
    config = make().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("tf2").environment(observation_space=observations, action_space=actions)
    values = config.to_dict()
    values["lr"] = values["lr"] or 0.001  # Ray's TF policy makes an optimizer that it does not use
    for key, value in settings.items():
        merged = isinstance(value, dict) and key != "exploration_config"
        values[key] = {**values[key], **value} if merged else value
    theirs = ray_class.as_eager()(observations, actions, copy.deepcopy(values))
    ours = our_class(observations, actions, copy.deepcopy(values))
    rng = np.random.default_rng(1)
    weights = [0.7 * rng.normal(size=w.shape).astype(np.float32) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    rows = rng.uniform(0, 1, (20, *observations.shape)).astype(np.float32)
    return theirs, ours, rows


def check(name: str) -> None:
    """Compare actions, greedy and drawn with one seed, and what comes with them."""
    theirs, ours, rows = both(name)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    seen: set[float] = set()
    for explore in (False, True):
        found = []
        for policy in (theirs, ours):
            tf.random.set_seed(3)
            found.append(policy.compute_actions(rows, explore=explore, timestep=5000))
        (expected, _, their_extra), (actions, _, extra) = found
        same(actions, expected, f"actions, explore={explore}")
        seen |= set(np.unique(expected).tolist())
        assert sorted(extra) == sorted(their_extra), (sorted(extra), sorted(their_extra))
        for key in extra:
            same(extra[key], their_extra[key], f"{key}, explore={explore}")
    assert len(seen) > 1
    if name.startswith("sac"):
        given = theirs.compute_actions(rows, explore=True)[0]
        same(
            ours.compute_log_likelihoods(given, rows),
            theirs.compute_log_likelihoods(given, rows),
            "log-likelihoods",
        )
    assert len(ours.target_model.variables()) == len(ours.model.variables())


def same(found: Any, expected: Any, what: str) -> None:
    np.testing.assert_allclose(
        np.asarray(found), np.asarray(expected), rtol=1e-6, atol=1e-6, err_msg=what
    )


def check_recorded() -> None:
    """Squashed actions, for which Ray needs tensorflow-probability, are those of Ray 2.9.3."""
    policy = read_checkpoint(RECORDED).policies["default_policy"]
    ours = SACTFPolicy(policy.observation_space, policy.action_space, dict(policy.config))
    ours.set_weights(list(policy.weights.values()))
    recorded = np.load(RECORDED / "recorded.npz")
    actions, _, extra = ours.compute_actions(recorded["rows"], explore=False)
    np.testing.assert_allclose(actions, recorded["actions"], atol=1e-6)
    np.testing.assert_allclose(extra["action_dist_inputs"], recorded["logits"], rtol=1e-6)


def check_names() -> None:
    """The old names give our policies, and helpers of one module are not those of another."""
    with ray_names(ray=False):
        from ray.rllib.agents.dqn import dqn_tf_policy as old_dqn
        from ray.rllib.algorithms.sac import sac_tf_policy as sac

        assert old_dqn.DQNTFPolicy is DQNTFPolicy
        assert sac.SACTFPolicy is SACTFPolicy
        assert "tf.sac_tf_policy" in sac.get_distribution_inputs_and_class.__module__
        assert "tf.dqn_tf_policy" in old_dqn.compute_q_values.__module__
        changed = old_dqn.DQNTFPolicy.with_updates(name="Mine")
        assert changed.__name__ == "Mine"
    for policy_class in (DQNTFPolicy, SACTFPolicy):
        try:
            policy_class(OBS, Box(-1, 1, (2, 2), np.float32), {})
        except UnsupportedSpace:
            continue
        raise AssertionError(f"{policy_class.__name__} took any action space")


def main() -> None:
    """Run every check."""
    results: dict[str, str | None] = {}
    checks: dict[str, Any] = {name: lambda name=name: check(name) for name in CASES}
    for name, run in {**checks, "recorded": check_recorded, "names": check_names}.items():
        try:
            run()
            results[name] = None
        except Exception:
            results[name] = traceback.format_exc(limit=-5)[-1500:]
    print(json.dumps(results))


if __name__ == "__main__":
    main()
