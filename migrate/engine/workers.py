"""Many files, in processes; one file's crash never costs another.

Job        what every worker needs
work       run a job over files, in order of their paths
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.rounds import Outcome, inspect, rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings

#: Files below this number are done in the same process: starting workers costs more.
FEW = 8


@dataclass(frozen=True)
class Job:
    """What to do with each file."""

    index: RepoIndex
    settings: Settings
    rewriting: bool

    def __call__(self, path: Path) -> Outcome:
        """Do one file; whatever goes wrong with it becomes its error."""
        rules = selected(self.settings)
        try:
            source = self.index.source_of(path)
            do = rewrite if self.rewriting else inspect
            return do(source, self.index, self.settings, rules)
        except SourceError as error:
            return Outcome(path, error=str(error))
        except RecursionError:
            return Outcome(path, error=f"{path}: nested too deeply to be read")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic in libcst's parser is no Exception
            return Outcome(path, error=_internal(path, error))


def work(job: Job, paths: Sequence[Path], *, done: Callable[[Path], None]) -> list[Outcome]:
    """Run `job` over `paths`; `done` is called as each file is finished."""
    if job.settings.jobs == 1 or len(paths) < FEW:
        return [_told(job(path), done) for path in paths]
    biggest_first = sorted(paths, key=_size, reverse=True)
    found: dict[Path, Outcome] = {}
    lost = _pooled(job, biggest_first, found, done, jobs=job.settings.jobs)
    for path in lost:
        if _pooled(job, [path], found, done, jobs=1):
            found[path] = Outcome(path, error=f"{path}: reading it kills the process; left alone")
            done(path)
    return [found[path] for path in paths]


_JOB: list[Job] = []


def _begin(job: Job) -> None:
    _JOB[:] = [job]


def _do(path: Path) -> Outcome:
    return _JOB[0](path)


def _pooled(
    job: Job,
    paths: Iterable[Path],
    found: dict[Path, Outcome],
    done: Callable[[Path], None],
    *,
    jobs: int,
) -> list[Path]:
    """Run in a pool of processes; return the files that a broken pool lost."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    lost: list[Path] = []
    waiting: list[tuple[Path, Future[Outcome]]] = []
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(job,)) as pool:
        for path in paths:
            try:
                waiting.append((path, pool.submit(_do, path)))
            except BrokenProcessPool:
                lost.append(path)
        for path, future in waiting:
            try:
                found[path] = _told(future.result(), done)
            except BrokenProcessPool:
                lost.append(path)
    return lost


def _told(outcome: Outcome, done: Callable[[Path], None]) -> Outcome:
    done(outcome.path)
    return outcome


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _internal(path: Path, error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    return f"{path}: rlmigrate failed on it: {type(error).__name__}: {error} (at {where})"
