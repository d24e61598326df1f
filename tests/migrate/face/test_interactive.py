"""`rewrite --interactive` asks hunk by hunk, as `git add -p` does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rlmigrate.migrate.commands.asking import asked
from rlmigrate.migrate.engine.run import Change
from rlmigrate.migrate.io.hunks import hunks, taking

Run = Callable[..., subprocess.CompletedProcess[str]]

FAR = "\n".join(f"x{i} = {i}" for i in range(12))
TEXT = (
    "from ray.rllib.algorithms.ppo import PPOConfig\n\n"
    f"one = PPOConfig().training(num_sgd_iter=1)\n{FAR}\n"
    f"two = PPOConfig().training(num_sgd_iter=2)\n{FAR}\n"
    "three = PPOConfig().training(num_sgd_iter=3)\n"
)


@pytest.mark.parametrize(
    ("keys", "done"),
    [
        ("y\nn\ny\n", {"one", "three"}),
        ("n\na\n", {"two", "three"}),
        ("y\nd\n", {"one"}),
        ("?\ny\nq\n", {"one"}),
        ("q\n", set()),
        ("\n\n\n", {"one", "two", "three"}),
    ],
)
def test_hunks_that_are_agreed_to_are_made(
    keys: str, done: set[str], tmp_path: Path, rlmigrate: Run
) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode())
    rlmigrate("rewrite", str(path), "--interactive", "--write", input=keys)
    text = path.read_bytes().decode()
    assert text.count("\r\n") == text.count("\n")
    made = {line.split(" ")[0] for line in text.splitlines() if "num_epochs" in line}
    assert made == done


BEFORE = b"f(\n" + b"    1,\n" * 9 + b")\n"
AFTER = b"[\n" + b"    1,\n" * 9 + b"]\n"


def test_hunks_put_together_again() -> None:
    every = hunks(BEFORE, AFTER)
    assert len(every) == 2
    assert taking(BEFORE, every, {0, 1}) == AFTER
    assert taking(BEFORE, every, set()) == BEFORE
    assert taking(BEFORE, every, {0}) == b"[\n" + b"    1,\n" * 9 + b")\n"


@pytest.mark.parametrize(("answers", "kept"), [("yn", []), ("yy", [AFTER])])
def test_a_choice_that_does_not_parse_is_refused(
    answers: str,
    kept: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = iter(answers)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(given))
    made = asked([Change(Path("a.py"), BEFORE, AFTER)])
    assert [change.after for change in made] == kept
    assert ("need others of the file" in capsys.readouterr().err) is not bool(kept)
