"""Writing: guards, undo, killed runs, links."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
    )


def test_nothing_is_written_without_write(tmp_path: Path, rlmigrate: Run, config_text: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(config_text)
    done = rlmigrate("rewrite", ".")
    assert done.returncode == 1
    assert "-config = PPOConfig().training(num_sgd_iter=3)" in done.stdout
    assert "+config = PPOConfig().training(num_epochs=3)" in done.stdout
    assert path.read_text() == config_text


def test_check_prints_only_the_summary(tmp_path: Path, rlmigrate: Run, config_text: str) -> None:
    (tmp_path / "a.py").write_text(config_text)
    done = rlmigrate("rewrite", ".", "--check")
    assert done.returncode == 1
    assert "---" not in done.stdout
    assert "1 item: 1 native" in done.stdout


def test_writing_twice_changes_nothing(
    tmp_path: Path, rlmigrate: Run, config_text: str, done_text: str
) -> None:
    path = tmp_path / "a.py"
    path.write_text(config_text)
    for _ in range(2):
        assert rlmigrate("rewrite", ".", "--write").returncode == 0
        assert path.read_text() == done_text


def test_dirty_tree_is_refused_unless_allowed(
    tmp_path: Path, rlmigrate: Run, config_text: str, done_text: str
) -> None:
    path = tmp_path / "a.py"
    path.write_text("import ray.rllib\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    path.write_text(config_text)
    done = rlmigrate("rewrite", ".", "--write")
    assert done.returncode == 2
    assert "a.py" in done.stderr
    assert "--allow-dirty" in done.stderr
    assert path.read_text() == config_text
    assert rlmigrate("rewrite", ".", "--write", "--allow-dirty").returncode == 0
    assert path.read_text() == done_text


def test_undo_patch_restores_the_tree(tmp_path: Path, rlmigrate: Run, config_text: str) -> None:
    (tmp_path / "plain.py").write_text(config_text)
    (tmp_path / "no_newline.py").write_text(config_text.rstrip("\n"))
    (tmp_path / "crlf.py").write_bytes(config_text.replace("\n", "\r\n").encode())
    (tmp_path / "latin.py").write_bytes(
        ("# -*- coding: latin-1 -*-\n# Z\u00fcrich\n" + config_text).encode("latin-1")
    )
    before = {path: path.read_bytes() for path in tmp_path.glob("*.py")}
    assert rlmigrate("rewrite", ".", "--write", "--undo-patch", "undo.patch").returncode == 0
    assert all(path.read_bytes() != content for path, content in before.items())
    git(tmp_path, "init", "-q")
    git(tmp_path, "apply", "undo.patch")
    assert {path: path.read_bytes() for path in before} == before


def test_link_keeps_being_a_link(
    tmp_path: Path, rlmigrate: Run, config_text: str, done_text: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.py").write_text(config_text)
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "link.py").symlink_to("../elsewhere/real.py")
    assert rlmigrate("rewrite", "repo", "--write").returncode == 0
    assert (tmp_path / "repo" / "link.py").is_symlink()
    assert (tmp_path / "elsewhere" / "real.py").read_text() == done_text


@pytest.mark.parametrize("delay", [0.7, 1.1])
def test_killed_run_leaves_each_file_old_or_new_and_a_second_run_finishes(
    tmp_path: Path, rlmigrate: Run, config_text: str, done_text: str, delay: float
) -> None:
    paths = [tmp_path / f"file{at}.py" for at in range(60)]
    for path in paths:
        path.write_text(config_text)
    process = subprocess.Popen(
        [sys.executable, "-m", "rlmigrate", "rewrite", ".", "--write", "-q"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert {path.read_text() for path in paths} <= {config_text, done_text}
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert {path.read_text() for path in paths} == {done_text}


def test_split_patches_apply_in_order(tmp_path: Path, rlmigrate: Run, config_text: str) -> None:
    path = tmp_path / "a.py"
    path.write_text(config_text + "algo = config.build()\n")
    rlmigrate("rewrite", ".", "--split-patches", "patches")
    patches = sorted((tmp_path / "patches").iterdir())
    assert [patch.name[3:9] for patch in patches] == ["RLM403", "RLM404"]
    git(tmp_path, "init", "-q")
    for patch in patches:
        git(tmp_path, "apply", str(patch))
    by_parts = path.read_text()
    path.write_text(config_text + "algo = config.build()\n")
    rlmigrate("rewrite", ".", "--write")
    assert path.read_text() == by_parts


def test_run_that_writes_a_new_file_ends_with_nothing_pending(
    tmp_path: Path, rlmigrate: Run
) -> None:
    (tmp_path / "model.py").write_text(
        "from ray.rllib.models.torch.misc import SlimFC\n"
        "from ray.rllib.models.torch.torch_modelv2 import TorchModelV2\n"
        "from torch import nn\n\n\n"
        "class Net(TorchModelV2, nn.Module):\n"
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
        "        TorchModelV2.__init__(\n"
        "            self, obs_space, action_space, num_outputs, model_config, name\n"
        "        )\n"
        "        nn.Module.__init__(self)\n"
        "        self.trunk = SlimFC(obs_space.shape[0], 8)\n"
        "        self.pi = SlimFC(8, num_outputs)\n"
        "        self.vf = SlimFC(8, 1)\n\n"
        "    def forward(self, input_dict, state, seq_lens):\n"
        '        self._x = self.trunk(input_dict["obs"])\n'
        "        return self.pi(self._x), state\n\n"
        "    def value_function(self):\n"
        "        return self.vf(self._x).squeeze(1)\n"
    )
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert (tmp_path / "rlmigrate_layers.py").exists()
    before = {path: path.read_bytes() for path in tmp_path.glob("*.py")}
    assert rlmigrate("rewrite", ".", "--write").returncode == 0
    assert {path: path.read_bytes() for path in tmp_path.glob("*.py")} == before


def test_a_limit_of_files_says_how_many_are_left(
    tmp_path: Path, rlmigrate: Run, config_text: str
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text(config_text)
    done = rlmigrate("rewrite", ".", "--write", "--max-files", "2")
    assert "2 of 3 files written; run again for more" in done.stderr
    assert done.returncode == 1
    again = rlmigrate("rewrite", ".", "--write", "--max-files", "2")
    assert "run again" not in again.stderr
    assert again.returncode == 0
