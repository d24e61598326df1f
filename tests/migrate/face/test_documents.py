"""Notebooks, experiment files and version pins."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# rllib \u00e4\n"]},
        {
            "cell_type": "code",
            "execution_count": 3,
            "metadata": {"tags": ["a"]},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["hi\n"]}],
            "source": [
                "%matplotlib inline\n",
                "!pip install ray\n",
                "from ray.rllib.algorithms.ppo import PPOConfig",
            ],
        },
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [],
         "source": ["%%bash\n", "echo num_sgd_iter"]},
        {
            "cell_type": "code",
            "execution_count": 4,
            "metadata": {},
            "outputs": [],
            "source": [
                "for i in range(2):\n",
                "    %time print(i)\n",
                "    found = !curl -L \\\n",
                "        example.org/rllib\n",
                "    !ls \\\n",
                "        -l\n",
                "config = PPOConfig().training(num_sgd_iter=3)\n",
                "config",
            ],
        },
    ],
    "metadata": {"kernelspec": {"name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}  # fmt: skip


@pytest.mark.parametrize("indent", [1, 2])
def test_notebook_changes_only_in_its_code(tmp_path: Path, rlmigrate: Run, indent: int) -> None:
    path = tmp_path / "a.ipynb"
    before = json.dumps(NOTEBOOK, indent=indent, ensure_ascii=False) + "\n"
    path.write_text(before, encoding="utf-8")
    report = json.loads(rlmigrate("scan", ".", "--format", "json").stdout)
    assert [item["message"][:15] for item in report["items"]] == ["cell 4, line 7:"]
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert path.read_text(encoding="utf-8") == before.replace(
        "training(num_sgd_iter", "training(num_epochs"
    )
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert "num_epochs" in path.read_text(encoding="utf-8")


def test_every_byte_outside_the_changed_cells_stays(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.ipynb"
    texts = ["5 \u00d7 3", "\u001b[0m"]
    outputs = [{"name": "stdout", "output_type": "stream", "text": texts}]
    changed = {**NOTEBOOK["cells"][3], "outputs": outputs}  # type: ignore[index]
    notebook = {**NOTEBOOK, "cells": [*NOTEBOOK["cells"][:3], changed]}  # type: ignore[index]
    odd = json.dumps({"scale": "@", **notebook}, indent=1, ensure_ascii=False)
    before = odd.replace('"@"', "1.50e-5").replace('"metadata": {}', '"metadata":{ }')
    assert "\u00d7" in before
    path.write_text(before, encoding="utf-8", newline="")
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    after = path.read_bytes().decode("utf-8")
    assert after == before.replace("training(num_sgd_iter", "training(num_epochs")
    assert after != before


def test_no_notebook_is_reported(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.ipynb").write_text('{"rllib": 1}')
    done = rlmigrate("scan", ".")
    assert done.returncode == 2
    assert "is no notebook" in done.stdout


YAML = """\
# tuned by hand
cartpole-ppo:
    env: CartPole-v1
    run: PPO
    stop:
        episode_reward_mean: 150  # solved
        training_iteration: 10
    config:
        # workers
        num_workers: 2
        num_sgd_iter:   6
        lr: 0.0003
        horizon: 200
        model:
            fcnet_hiddens: [32]
"""


def test_experiment_keys_are_renamed_in_place(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(YAML)
    assert rlmigrate("rewrite", ".", "--write").returncode == 1
    assert path.read_text() == YAML.replace("num_workers", "num_env_runners").replace(
        "num_sgd_iter", "num_epochs"
    ).replace("episode_reward_mean", "env_runners/episode_return_mean").replace(
        "        model:\n", "        _model_config:\n            vf_share_layers: false\n"
    )
    report = json.loads(rlmigrate("scan", ".", "--format", "json").stdout)
    assert sorted(item["name"] for item in report["items"]) == ["horizon"]


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web:\n    run: PPO\n    ports: [1]\n",
        "jobs:\n  test:\n    config:\n      num_workers: 2\n",
        "- run: make\n- config: {num_workers: 2}\n",
    ],
)
def test_yaml_of_other_tools_is_left_alone(tmp_path: Path, rlmigrate: Run, text: str) -> None:
    path = tmp_path / "a.yml"
    path.write_text(text)
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert path.read_text() == text


def test_broken_experiment_file_is_reported(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.yaml").write_text("a:\n  run: PPO\n  config: {a: [}\n")
    done = rlmigrate("scan", ".")
    assert done.returncode == 2
    assert "RLM901" in done.stdout


def test_key_that_stands_twice_is_named(tmp_path: Path, rlmigrate: Run) -> None:
    text = "a:\n  run: PPO\n  config:\n    num_workers: 1\n    num_workers: 2\n"
    (tmp_path / "a.yaml").write_text(text)
    done = rlmigrate("rewrite", ".", "--write")
    assert done.returncode == 2
    assert 'a.yaml:5: syntax error: found duplicate key "num_workers"' in done.stdout + done.stderr
    assert (tmp_path / "a.yaml").read_text() == text


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("requirements.txt", "ray[rllib]==2.9.3\ntorch\n", "ray[rllib]==2.60.0\ntorch\n"),
        ("requirements.txt", "ray >= 2.1\n", None),
        ("requirements.txt", "# ray==1.0\nmyray==1.0\nray-tools==1.0\n", None),
        ("requirements.txt", "ray[rllib]==2.60.0\n", None),
        (
            "pyproject.toml",
            '[project]\nname = "a"\ndependencies = ["ray[rllib]==1.13.0", "numpy"]\n',
            '[project]\nname = "a"\ndependencies = ["ray[rllib]==2.60.0", "numpy"]\n',
        ),
    ],
)
def test_pins_follow_the_target(
    tmp_path: Path, rlmigrate: Run, config_text: str, *, name: str, before: str, after: str | None
) -> None:
    (tmp_path / "a.py").write_text(config_text)
    path = tmp_path / name
    path.write_text(before)
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert path.read_text() == (after or before)


def test_pins_of_a_project_without_legacy_code_stay(tmp_path: Path, rlmigrate: Run) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("ray[rllib]==2.9.3\n")
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert path.read_text() == "ray[rllib]==2.9.3\n"


def test_pins_stay_where_nothing_can_be_written(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "a.py").write_text(
        "from ray.rllib.models.tf.tf_modelv2 import TFModelV2\n\n\n"
        "class Net(TFModelV2):\n    pass\n"
    )
    path = tmp_path / "requirements.txt"
    path.write_text("ray[rllib]==2.9.3\n")
    rlmigrate("rewrite", ".", "--write")
    assert path.read_text() == "ray[rllib]==2.9.3\n"
