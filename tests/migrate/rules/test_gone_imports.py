"""What a file asks Ray for either exists in the release or is an item."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rlmigrate.eras.surface import exists
from rlmigrate.migrate.engine.rounds import Outcome
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.rules.gone_advice import advice
from rlmigrate.migrate.settings import Settings

Apply = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("ray", "__version__"),
        ("ray.tune", "__file__"),
        ("ray.tune", "Tuner"),
        ("ray.rllib.algorithms.ppo", "PPOConfig"),
        ("ray.rllib.utils.framework", "try_import_torch"),
        ("ray.rllib.agents.ppo", "PPOTrainer"),
        ("ray.rllib.execution.rollout_ops", "ParallelRollouts"),
        ("ray.tune.logger", "DEFAULT_LOGGERS"),
        ("ray.tune.logger", "LoggerCallback"),
        ("ray.air.integrations.wandb", "WandbLoggerCallback"),
        ("ray.rllib.utils.pre_checks.env", "check_env"),
        ("ray.rllib.utils.pre_checks.env", "check_multiagent_environments"),
    ],
)
def test_the_table_says_what_ray_has(module: str, name: str) -> None:
    try:
        there = hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        there = False
    assert exists(f"{module}.{name}", "2.60") is there


def test_a_release_has_its_own_names() -> None:
    assert exists("ray.tune.logger.DEFAULT_LOGGERS", "2.54")
    assert not exists("ray.tune.logger.DEFAULT_LOGGERS", "2.60")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ray.rllib.contrib.bandits.agents.LinTSTrainer", "BanditLinUCB is not part of"),
        ("ray.rllib.agents.dqn.ApexTrainer", "run DQN with more num_env_runners"),
        ("ray.rllib.agents.dqn.R2D2Trainer", "run DQN with use_lstm"),
        ("ray.rllib.agents.ddpg.TD3Trainer", "run SAC, which has two Q nets"),
        ("ray.rllib.agents.trainer_template.build_trainer", "derive from the algorithm's class"),
        ("ray.rllib.contrib.registry.CONTRIBUTED_ALGORITHMS", "no contributed algorithms"),
        ("ray.rllib.utils.pre_checks.env.check_env", "check_env of gymnasium"),
    ],
)
def test_advice_speaks_of_what_the_name_was(name: str, told: str) -> None:
    assert told in advice(name, "2.60")


def test_markers_stay_with_imports_that_are_put_in_order(apply: Apply) -> None:
    text = (
        "from ray.air.callbacks.wandb import WandbLoggerCallback\n"
        "from ray.rllib.algorithms.callbacks import MultiCallbacks\n"
        "from ray.tune.registry import register_env\n\n"
        "print(WandbLoggerCallback, MultiCallbacks, register_env)\n"
    )
    once = apply(text)
    assert once.after is not None
    assert b"from ray.air.integrations.wandb import" in once.after
    assert apply(once.after.decode()).after is None


def test_a_trainer_without_rllib_in_its_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'from ray import tune\n\ntune.run("APEX_DDPG", config={"num_envs_per_worker": 2})\n'
    )
    items = run_files([tmp_path], Settings(), rewriting=False).report.items
    assert any("APEX_DDPG is not part of today's RLlib" in item.message for item in items)


def test_names_that_protobuf_makes_on_import_are_there() -> None:
    home = "ray.rllib.examples.envs.classes.multi_agent.footsies.game.proto"
    assert exists(f"{home}.footsies_service_pb2.GameState", "2.60")
    assert exists(f"{home}.footsies_service_pb2.Empty.FromString", "2.60")
    assert not exists(f"{home}.other_service_pb2.GameState", "2.60")


@pytest.mark.parametrize("name", ["keys.json", "keys.yaml", "other.py"])
def test_a_key_that_another_file_holds_is_not_renamed(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.py").write_text(
        'import ray.rllib\n\nCONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}\n'
    )
    (tmp_path / "read.py").write_text("import json, yaml\n\njson.load, yaml.safe_load\n")
    text = '{"num_sgd_iter": 5}\n' if name != "other.py" else 'KEY = "num_sgd_iter"\n'
    (tmp_path / name).write_text(text)
    run = run_files([tmp_path], Settings(), rewriting=True)
    (item,) = run.report.items
    assert item.message.endswith(f"rename it together with num_sgd_iter in {name}")
    changed = {change.path.name: change.after.decode() for change in run.changes}
    assert '"num_sgd_iter": 3' in changed["a.py"]


def test_two_files_that_share_a_key_change_together_and_once(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'import ray.rllib\n\nCONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}\n'
    )
    (tmp_path / "b.py").write_text(
        "from ray.rllib.agents.ppo import PPOTrainer\n\n"
        'trainer = PPOTrainer(config={"num_sgd_iter": 3})\n'
    )
    for change in run_files([tmp_path], Settings(), rewriting=True).changes:
        change.path.write_bytes(change.after)
    assert '"num_epochs": 3' in (tmp_path / "a.py").read_text()
    assert "num_epochs=3" in (tmp_path / "b.py").read_text()
    assert run_files([tmp_path], Settings(), rewriting=True).changes == ()


NOTEBOOK = """{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [],
 "execution_count": null, "source": ["import ray.rllib\\n", "%s\\n",
 "d = \\"num_sgd_iter\\"\\n", "print({\\"train_batch_size\\": 4, \\"num_sgd_iter\\": 3})\\n"]}],
 "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
"""


def test_a_key_that_only_programs_of_their_own_hold_is_renamed(tmp_path: Path) -> None:
    """Another notebook, results that nothing reads, and text for people share no dict with it."""
    (tmp_path / "a.py").write_text(
        'import ray.rllib\n\nCONFIG = {"num_sgd_iter": 3, "train_batch_size": 400}\n'
    )
    for name in ("one.ipynb", "two.ipynb"):
        (tmp_path / name).write_text(NOTEBOOK % "import b")
    (tmp_path / "results.json").write_text('{"num_sgd_iter": 5}\n')
    (tmp_path / "README.md").write_text('"num_sgd_iter"\n')
    run = run_files([tmp_path], Settings(), rewriting=True)
    after = {change.path.name: (change.after or b"").decode() for change in run.changes}
    assert '"num_epochs": 3, "train_batch_size"' in after["a.py"]
    (tmp_path / "one.ipynb").write_text(NOTEBOOK % "from a import CONFIG")
    run = run_files([tmp_path], Settings(), rewriting=True)
    (item,) = [item for item in run.report.items if item.path.endswith("a.py")]
    assert item.message.endswith("rename it together with num_sgd_iter in one.ipynb")
