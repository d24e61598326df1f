"""A rewritten hierarchy with time handling of its own trains one PPO iteration on real Ray."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

PAIR = Path(__file__).parents[2] / "fixtures" / "models" / "hooks_of_a_memory_base" / "before"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, ignore_reinit_error=True)
    yield
    ray.shutdown()


def test_memory_model_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    from click.testing import CliRunner
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    from rlmigrate.migrate.cli import cli

    folder = tmp_path / "memory"
    shutil.copytree(PAIR, folder)
    CliRunner().invoke(cli, ["rewrite", "--write", "--allow-dirty", str(folder)])
    monkeypatch.syspath_prepend(str(folder))
    names = ("base", "model", "rlmigrate_layers")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    module_class = importlib.import_module("model").Policy
    spec = RLModuleSpec(module_class=module_class, model_config={"max_seq_len": 10})
    config = PPOConfig().environment("CartPole-v1").env_runners(num_env_runners=0)
    config.training(train_batch_size_per_learner=128, minibatch_size=64, num_epochs=1)
    algo = config.rl_module(rl_module_spec=spec).build_algo()
    try:
        learned = algo.train()["learners"]["default_policy"]
    finally:
        algo.stop()
        for name in names:
            sys.modules.pop(name, None)
    assert np.isfinite(learned["total_loss"])
