"""Reports: the JSON contract, and that every format holds every item."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

TEXT = """\
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().rollouts(num_rollout_workers=1)
config.env_runners(exploration_config={"type": "Mine|<b>"})
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "bad.py").write_text("import ray.rllib\ndef f(:\n")
    return tmp_path


def test_json_is_the_contract(tree: Path, rlmigrate: Run) -> None:
    report = json.loads(rlmigrate("scan", ".", "--format", "json").stdout)
    assert list(report) == ["version", "files", "items", "summary"]
    assert report["version"] == 1
    assert {tuple(file) for file in report["files"]} == {("path", "changed", "error")}
    keys = [
        "path",
        "line",
        "name",
        "kind",
        "outcome",
        "code",
        "message",
        "new_name",
        "new_path",
        "mapping",
    ]
    assert {tuple(item) for item in report["items"]} == {tuple(keys)}
    outcomes = ("native", "bridged", "manual", "unchanged")
    assert list(report["summary"]) == [*outcomes, "files_changed", "files_failed"]
    assert sum(report["summary"][name] for name in outcomes) == len(report["items"]) == 3
    assert report["summary"]["files_failed"] == 1


def test_scan_and_rewrite_list_the_same_items(tree: Path, rlmigrate: Run) -> None:
    scan = json.loads(rlmigrate("scan", ".", "--format", "json").stdout)
    rewrite = json.loads(rlmigrate("rewrite", ".", "--format", "json").stdout)
    assert scan["items"] == rewrite["items"]


@pytest.mark.parametrize("name", ["text", "json", "sarif", "markdown", "html", "github"])
def test_format_holds_every_item(tree: Path, rlmigrate: Run, name: str) -> None:
    done = rlmigrate("scan", ".", "--format", name)
    for code in ("RLM403", "RLM404", "RLM406", "RLM901"):
        assert code in done.stdout
    assert done.returncode == 2


@pytest.mark.parametrize("name", ["r.json", "r.sarif", "r.md", "r.html", "r.txt"])
def test_report_file_takes_its_format_from_its_suffix(
    tree: Path, rlmigrate: Run, name: str
) -> None:
    rlmigrate("scan", ".", "--report", name)
    text = (tree / name).read_text()
    assert "RLM406" in text
    if name.endswith(("json", "sarif")):
        json.loads(text)


def test_html_escapes_what_users_write(tree: Path, rlmigrate: Run) -> None:
    text = rlmigrate("scan", ".", "--format", "html").stdout
    assert "Mine|&lt;b&gt;" in text
    assert "<b>" not in text


def test_exit_statuses(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "none.py").write_text("a = 1\n")
    assert rlmigrate("scan", "none.py").returncode == 0
    assert rlmigrate("scan", "a.py").returncode == 1
    assert rlmigrate("scan", "a.py", "--exit-zero").returncode == 0
    assert rlmigrate("scan", "missing.py").returncode == 2
    assert rlmigrate("scan", "a.py", "--select", "nonsense").returncode == 2
    assert rlmigrate("rewrite", "none.py").returncode == 0
    assert rlmigrate("rewrite", "a.py").returncode == 1
    assert rlmigrate("rewrite", "a.py", "--write").returncode == 1, "a manual item is left"


def test_baseline_leaves_known_items_out(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    path.write_text(TEXT)
    rlmigrate("scan", ".", "--write-baseline", "base.json")
    assert rlmigrate("scan", ".", "--baseline", "base.json").returncode == 0
    path.write_text(TEXT + "config.training(num_sgd_iter=1)\n")
    done = rlmigrate("scan", ".", "--baseline", "base.json")
    assert done.returncode == 1
    assert "1 item" in done.stdout


def test_suppressed_item_is_counted_as_unchanged(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.py"
    text = (
        "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
        "config = PPOConfig().training(\n"
        "    num_sgd_iter=1,  # rlmigrate: ignore[RLM403]\n"
        "    sgd_minibatch_size=2,\n"
        ")\n"
    )
    path.write_text(text)
    report = json.loads(rlmigrate("rewrite", ".", "--write", "--format", "json").stdout)
    assert report["summary"]["unchanged"] == 1
    assert report["summary"]["native"] == 1
    assert path.read_text() == text.replace("sgd_minibatch_size", "minibatch_size")


def test_settings_come_from_the_project(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.py").write_text(TEXT)
    (tmp_path / "pyproject.toml").write_text('[tool.rlmigrate]\nignore = ["RLM4"]\n')
    assert "0 items" in rlmigrate("scan", "a.py").stdout
    (tmp_path / "pyproject.toml").write_text("[tool.rlmigrate]\nnonsense = 1\n")
    done = rlmigrate("scan", "a.py")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
