"""Files that no tool likes: each is reported, the good ones beside them are written."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rlmigrate.migrate.engine.workers import Job, crew_of, work
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.kept import KeptSources
from rlmigrate.migrate.settings import Settings

HEAD = "from ray.rllib.algorithms.ppo import PPOConfig\n"

BAD = {
    "syntax.py": (HEAD + "def f(:\n").encode(),
    "python2.py": (HEAD + "print 'hello'\n").encode(),
    "operators.py": (HEAD + "x = " + " + ".join(["a"] * 10_000) + "\n").encode(),
    "brackets.py": (HEAD + "x = " + "(" * 3000 + ")" * 3000 + "\n").encode(),
    "null.py": HEAD.encode() + b"x = 1\x00\n",
    "cookie.py": b"# -*- coding: no-such-encoding -*-\n" + HEAD.encode(),
    "bytes.py": HEAD.encode() + b"name = '\xff\xfe'\n",
}


@pytest.fixture
def tree(tmp_path: Path, config_text: str) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    for name, content in BAD.items():
        (root / name).write_bytes(content)
    (root / "loop.py").symlink_to("loop.py")
    (root / "up").symlink_to("..")
    (root / "empty.py").write_bytes(b"")
    (root / "good.py").write_text(config_text)
    return root


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_bad_file_is_reported_and_the_good_one_written(
    tree: Path, rlmigrate: Callable[..., object], done_text: str, jobs: str
) -> None:
    done = rlmigrate("rewrite", "tree", "--write", "--format", "json", "--jobs", jobs)
    assert done.returncode == 2  # type: ignore[attr-defined]
    report = json.loads(done.stdout)  # type: ignore[attr-defined]
    errors = {Path(f["path"]).name: f["error"] for f in report["files"] if f["error"]}
    assert set(errors) == {*BAD, "loop.py"}
    assert all(error.startswith("RLM90") for error in errors.values())
    assert "syntax.py:2:7" in errors["syntax.py"]
    assert "no-such-encoding" in errors["cookie.py"]
    assert report["summary"]["files_failed"] == len(errors)
    assert (tree / "good.py").read_text() == done_text
    for name, content in BAD.items():
        assert (tree / name).read_bytes() == content


def test_scan_reports_them_too(tree: Path, rlmigrate: Callable[..., object]) -> None:
    done = rlmigrate("scan", "tree", "--jobs", "2")
    assert done.returncode == 2  # type: ignore[attr-defined]
    assert done.stdout.count("error: RLM90") == len(BAD) + 1  # type: ignore[attr-defined]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_reported(
    tmp_path: Path, rlmigrate: Callable[..., object], config_text: str
) -> None:
    (tmp_path / "a.py").write_text(config_text)
    (tmp_path / "a.py").chmod(0)
    assert rlmigrate("scan", ".").returncode == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "head", "encoding"),
    [
        ("latin1", "# -*- coding: latin-1 -*-\n# Zürich\n", "latin-1"),
        ("bom", "# Zürich\n", "utf-8-sig"),
        ("utf8", "# Zürich 東京\n", "utf-8"),
        ("form_feed", "\f\n", "utf-8"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encoding_and_line_ends_survive(
    tmp_path: Path,
    rlmigrate: Callable[..., object],
    config_text: str,
    done_text: str,
    *,
    name: str,
    head: str,
    encoding: str,
    newline: str,
) -> None:
    path = tmp_path / "file.py"
    path.write_bytes((head + config_text).replace("\n", newline).encode(encoding))
    path.chmod(0o750)
    assert rlmigrate("rewrite", ".", "--write").returncode == 0  # type: ignore[attr-defined]
    assert path.read_bytes() == (head + done_text).replace("\n", newline).encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o750


def test_mixed_line_ends_outside_of_an_edit_survive(
    tmp_path: Path, rlmigrate: Callable[..., object], config_text: str
) -> None:
    path = tmp_path / "file.py"
    raw = config_text.replace("\n", "\r\n", 1).encode() + b"a = 1\r\nb = 2\n"
    path.write_bytes(raw)
    assert rlmigrate("rewrite", ".", "--write").returncode == 0  # type: ignore[attr-defined]
    assert path.read_bytes() == raw.replace(b"num_sgd_iter", b"num_epochs")


def test_big_file_that_only_mentions_rllib_is_left_alone(
    tmp_path: Path, rlmigrate: Callable[..., object]
) -> None:
    path = tmp_path / "data.py"
    path.write_bytes(b"# rllib\n" + b"# " + b"x" * 10_000_000 + b"\nA = 1\n")
    assert rlmigrate("rewrite", ".", "--write").returncode == 0  # type: ignore[attr-defined]


def test_big_file_is_rewritten(
    tmp_path: Path, rlmigrate: Callable[..., object], config_text: str, done_text: str
) -> None:
    data = "DATA = [\n" + f"    '{'0123456789' * 9}',\n" * 105_000 + "]\n"  # 10 MB
    (tmp_path / "data.py").write_text(config_text + data)
    assert rlmigrate("rewrite", ".", "--write").returncode == 0  # type: ignore[attr-defined]
    assert (tmp_path / "data.py").read_text() == done_text + data


@pytest.mark.parametrize("jobs", [1, 2])
def test_file_that_vanishes_meanwhile_is_reported(
    tmp_path: Path, config_text: str, done_text: str, jobs: int
) -> None:
    paths = [tmp_path / f"file{n}.py" for n in range(10)]
    for path in paths:
        path.write_text(config_text)
    gone = iter(paths[:2])

    def finished(_: Path) -> None:
        next(gone, paths[0]).unlink(missing_ok=True)

    settings = Settings(jobs=jobs)
    index = RepoIndex.build(paths, settings)
    index.keep_in(KeptSources(limit=0))
    finished(paths[0])
    with crew_of(settings, len(paths)) as crew:
        outcomes = work(Job(index, settings, rewriting=True), paths, crew, done=finished)
    assert outcomes[0].error == f"{paths[0]}: cannot be read: No such file or directory"
    assert [o.path for o in outcomes] == paths
    assert all(o.after == done_text.encode() for o in outcomes[2:])


def test_bom_is_no_part_of_the_first_name(tmp_path: Path, rlmigrate: Callable[..., object]) -> None:
    path = tmp_path / "file.py"
    path.write_bytes(codecs.BOM_UTF8 + b"import ray.rllib\n")
    assert rlmigrate("rewrite", ".", "--write").returncode == 0  # type: ignore[attr-defined]
    assert path.read_bytes() == codecs.BOM_UTF8 + b"import ray.rllib\n"


def test_same_tree_without_rllib_is_untouched(
    tmp_path: Path, rlmigrate: Callable[..., object]
) -> None:
    (tmp_path / "file.py").write_text("def f(:\n")
    done = rlmigrate("rewrite", ".", "--write")
    assert done.returncode == 0  # type: ignore[attr-defined]
    assert "0 items" in done.stdout  # type: ignore[attr-defined]
