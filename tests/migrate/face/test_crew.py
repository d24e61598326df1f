"""Worker processes: results, deaths, and a parent that vanishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlmigrate.migrate.engine.crew import Crew, Desk


def measure(desk: Desk, path: Path) -> tuple[int, object]:
    return len(path.name), desk.given


def die_once(desk: Desk, path: Path) -> str:
    mark = path.parent / f"{path.name}.seen"
    if path.name.startswith("deadly") and not mark.exists():
        mark.touch()
        os._exit(9)
    return path.name


def die(desk: Desk, path: Path) -> str:
    if path.name.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def name_process(desk: Desk, path: Path) -> int:
    time.sleep(0.01)  # so that nobody runs out of files of their own
    return os.getpid()


def test_every_file_comes_back_once_with_what_was_given():
    paths = [Path("a" * n) for n in range(1, 30)]
    with Crew(2) as crew:
        crew.give("a thing")
        found = list(crew.map(measure, paths))
    assert sorted(found) == [(path, (len(path.name), "a thing")) for path in sorted(paths)]


def test_a_file_whose_worker_died_is_done_again(tmp_path):
    paths = [tmp_path / name for name in ("a", "b", "deadly", "c", "d", "e")]
    with Crew(2) as crew:
        found = dict(crew.map(die_once, paths))
    assert found == {path: path.name for path in paths}


def test_a_file_that_kills_every_worker_costs_no_other(tmp_path):
    paths = [tmp_path / name for name in ("a", "deadly", "b", "c", "deadly2", "d", "e")]
    with Crew(2) as crew:
        found = dict(crew.map(die, paths))
        again = dict(crew.map(measure, paths))
    assert found == {p: None if p.name.startswith("deadly") else p.name for p in paths}
    assert len(again) == len(paths)


def test_files_go_back_to_the_worker_that_has_read_them():
    paths = [Path(str(n)) for n in range(8)]
    with Crew(2) as crew:
        first = dict(crew.map(name_process, paths))
        second = dict(crew.map(name_process, paths))
    assert len(set(first.values())) == 2
    assert sum(first[path] == second[path] for path in paths) >= 6  # but the idle help out


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_workers_end_with_a_parent_that_is_killed():
    code = (
        "import time\n"
        "from rlmigrate.migrate.engine.crew import Crew\n"
        "crew = Crew(3)\n"
        "print(*(member.process.pid for member in crew._members), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [Path("/proc") / pid for pid in parent.stdout.readline().split()]
    assert len(workers) == 3
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(_alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(worker) for worker in workers)


def _alive(process: Path) -> bool:
    try:
        return ") Z " not in (process / "stat").read_text()
    except OSError:
        return False
