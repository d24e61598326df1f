"""The main job on the demo project, from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "fixtures" / "projects" / "warehouse"


def rlmigrate(*arguments: str, cwd: Path, expect: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rlmigrate", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    shutil.copytree(PROJECT, root / "old")
    shutil.copytree(PROJECT, root / "new")
    rlmigrate("rewrite", "new", "--write", cwd=root, expect=0)
    return root


def test_scan_accounts_for_each_construct(trees: Path) -> None:
    report = json.loads(rlmigrate("scan", "old", "--format", "json", cwd=trees, expect=1))
    models = {item["name"]: item["outcome"] for item in report["items"] if item["kind"] == "model"}
    assert {"PickingModel": "native", "DrivingModel": "native"}.items() <= models.items()
    assert {item["kind"] for item in report["items"]} >= {"model", "config"}
    summary = report["summary"]
    outcomes = ("native", "bridged", "manual", "unchanged")
    assert sum(summary[outcome] for outcome in outcomes) == len(report["items"])
    assert summary["files_failed"] == 0


def test_scan_changes_nothing(trees: Path) -> None:
    rlmigrate("scan", "old", cwd=trees, expect=1)
    for path in sorted(PROJECT.rglob("*.py")):
        assert (trees / "old" / path.relative_to(PROJECT)).read_bytes() == path.read_bytes()


def test_rewriting_twice_changes_nothing(trees: Path) -> None:
    before = {path: path.read_bytes() for path in (trees / "new").rglob("*.py")}
    rlmigrate("rewrite", "new", "--write", cwd=trees, expect=0)
    assert {path: path.read_bytes() for path in (trees / "new").rglob("*.py")} == before


def test_rewritten_models_are_modules_with_the_comments_of_their_author(trees: Path) -> None:
    models = (trees / "new" / "warehouse" / "models.py").read_text(encoding="utf-8")
    assert "class PickingModel(TorchRLModule, ValueFunctionAPI):" in models
    assert "class DrivingModel(TorchRLModule, ValueFunctionAPI):" in models
    assert "# Shelves that are empty now." in models
    assert "ray.rllib.models" not in models
    configs = (trees / "new" / "warehouse" / "configs.py").read_text(encoding="utf-8")
    assert "RLModuleSpec(" in configs
    assert "register_custom_model" not in configs
    assert "custom_model" not in configs


def test_verify_finds_no_difference(trees: Path) -> None:
    report = json.loads(rlmigrate("verify", "old", "new", "--format", "json", cwd=trees, expect=0))
    assert {result["name"].rpartition(".")[2] for result in report["results"]} == {
        "PickingModel",
        "DrivingModel",
    }
    for result in report["results"]:
        assert result["status"] == "PASS"
        assert result["parameters"]["matched"] == result["parameters"]["total"] > 0
        forward = {
            name: output["max_abs"]
            for name, output in result["outputs"].items()
            # Gradients that meet in a shared trunk are added in another order.
            if not name.startswith(("gradients", "after one step"))
        }
        assert forward.keys() >= {"dist_inputs", "value"}
        # The picking model reads parts of a Dict, which the old stack gives as slices of one row:
        # on some processors a matrix product rounds them otherwise than packed tensors.
        limit = 1e-6 if result["name"].endswith("PickingModel") else 0.0
        assert max(forward.values()) <= limit


TRAIN = """
import copy, sys
sys.path.insert(0, "new")
import numpy as np
from warehouse.configs import driving_config, picking_config

for make in (driving_config, picking_config):
    algo = make().build_algo()
    before = {name: np.array(value) for name, value in algo.get_module().get_state().items()}
    algo.train()
    after = algo.get_module().get_state()
    moved = [name for name in before if not np.array_equal(before[name], after[name])]
    assert len(moved) == len(before), (make.__name__, sorted(set(before) - set(moved)))
    algo.stop()
    print(make.__name__, "trained")
"""


@pytest.mark.slow
def test_rewritten_project_trains_on_real_ray(trees: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAIN],
        cwd=trees,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("trained") == 2
