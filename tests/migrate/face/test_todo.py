"""Markers: written once, listed, refreshed, cleared; open ones are never forgotten."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

TEXT = """\
from ray.rllib.algorithms.ppo import PPOConfig


def make():
    return PPOConfig().env_runners(exploration_config={"type": "Mine"})
"""


def test_marker_stands_above_its_statement_once(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    for _ in range(2):
        assert rlmigrate("rewrite", ".", "--write").returncode == 1
        lines = path.read_text().splitlines()
        assert lines[4].startswith(
            "    # TODO(rlmigrate RLM406): exploration_config (Mine) is gone"
        )
        assert lines[5].startswith("    #     ")
        assert lines[6].startswith("    return ")
        assert len(lines) == 7


def test_todo_lists_and_clears(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    rlmigrate("rewrite", ".", "--write")
    done = rlmigrate("todo", ".")
    assert done.returncode == 1
    assert done.stdout.startswith("a.py:5: RLM406 exploration_config (Mine)")
    assert done.stdout.count("\n") == 1
    assert rlmigrate("todo", ".", "--clear").returncode == 0
    assert path.read_text() == TEXT


def test_refresh_takes_only_what_is_done(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT + "\n\nother = make().env_runners(observation_filter=make)\n")
    rlmigrate("rewrite", ".", "--write")
    assert path.read_text().count("TODO(rlmigrate") == 2
    fixed = path.read_text().replace('env_runners(exploration_config={"type": "Mine"})', "copy()")
    path.write_text(fixed)
    assert rlmigrate("todo", ".", "--refresh").returncode == 1
    assert path.read_text().count("TODO(rlmigrate") == 1
    assert "TODO(rlmigrate RLM406): write the filter" in path.read_text()


def test_open_marker_is_an_item_of_the_next_run(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "from ray.rllib.algorithms.ppo import PPO\n\n"
        'algo = PPO(env="CartPole-v1", config={"horizon": 200, "lr": 0.1})\n'
    )
    first = json.loads(rlmigrate("rewrite", ".", "--write", "--format", "json").stdout)
    assert first["summary"]["manual"] == 1
    written = path.read_text()
    assert "(it was horizon: 200)" in " ".join(written.replace("#", "").split())
    assert ".training(lr=0.1)" in written
    second = rlmigrate("rewrite", ".", "--write", "--format", "json")
    assert second.returncode == 1
    assert json.loads(second.stdout)["summary"]["manual"] == 1
    assert path.read_text() == written


def test_warnings_of_a_log_lead_to_places(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.py").write_text(
        "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
        "config = PPOConfig().rollouts(num_rollout_workers=1)\n"
    )
    log = (
        "x.py:1: DeprecationWarning: `AlgorithmConfig.rollouts(..)` has been deprecated. Use y\n"
        "WARNING deprecation.py:50 -- DeprecationWarning: `unheard_of` has been deprecated.\n"
    )
    done = rlmigrate("warnings", "-", ".", input=log)
    assert done.returncode == 1
    assert "1x RLM404  AlgorithmConfig.rollouts(..)\n    a.py:3: rollouts()\n" in done.stdout
    assert "1x no rule  unheard_of" in done.stdout
