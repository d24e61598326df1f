"""What calls on weights, workers and environments become does on Ray what the old calls did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

Becomes = Callable[..., str]

SCRIPT = """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig()
config = config.environment("CartPole-v1")
config = config.rollouts(num_rollout_workers=0, num_envs_per_worker=2)
config = config.training(model={"fcnet_hiddens": [4]})
algo = config.build()
"""
#: What a function of the old script does, and what it must return on the new stack.
CALLS = {
    "set_policy": (
        "    policy = algo.get_policy()\n"
        "    old = policy.get_weights()\n"
        "    policy.set_weights({key: value * 0 + 1 for key, value in old.items()})\n"
        "    return algo.get_policy(policy_id='default_policy').get_weights()\n"
    ),
    "set_algorithm": (
        "    old = algo.get_weights()\n"
        "    algo.set_weights({'default_policy': "
        "{key: value * 0 + 1 for key, value in old['default_policy'].items()}})\n"
        "    return algo.get_weights()['default_policy']\n"
    ),
    "load_model": (
        "    import torch\n"
        "    state = algo.get_policy().get_weights()\n"
        "    algo.workers.local_worker().policy_map['default_policy'].model.load_state_dict(\n"
        "        {key: torch.ones(value.shape) for key, value in state.items()})\n"
        "    return algo.get_policy().get_weights()\n"
    ),
}


@pytest.fixture(scope="module")
def ray_running() -> Iterator[None]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_calls_run_on_ray(becomes: Becomes) -> None:
    functions = "".join(f"\n\ndef {name}():\n{body}" for name, body in CALLS.items())
    more = """

def environments():
    algo.workers.foreach_worker(
        lambda worker: worker.foreach_env(lambda env: setattr(env.unwrapped, "gravity", 1.0)),
        local_worker=True,
    )
    return algo.workers.foreach_env(lambda env: env.gravity)

"""
    text = becomes(SCRIPT + functions + more)
    assert "TODO" not in text, text
    scope: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "script", "exec"), scope)
    algo = scope["algo"]
    zeros = {key: value * 0 for key, value in algo.get_weights()["default_policy"].items()}
    for name in CALLS:
        scope_zero = {"learner_group": {"learner": {"rl_module": {"default_policy": zeros}}}}
        algo.set_state(scope_zero)
        told = scope[name]()
        assert len(told) == len(zeros), name  # the critic's too
        acting = algo.get_module().get_state()
        for values in (*told.values(), *acting.values()):
            np.testing.assert_array_equal(values, np.ones_like(values), err_msg=name)
    assert scope["environments"]() == [[1.0, 1.0]]


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_restored_weights_are_those_that_were_saved(becomes: Becomes, tmp_path: Any) -> None:
    more = """

def saved(folder):
    before = algo.get_weights()
    algo.save(folder)
    algo.set_weights({"default_policy": {k: v * 0 for k, v in before["default_policy"].items()}})
    algo.restore(folder)
    return before["default_policy"], algo.get_weights()["default_policy"]
"""
    scope: dict[str, Any] = {"__name__": "script"}
    exec(compile(becomes(SCRIPT + more), "script", "exec"), scope)
    before, after = scope["saved"](str(tmp_path))
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)
        assert np.any(value) or "bias" in key
