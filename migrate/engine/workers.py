"""Many files, in processes; one file's crash never costs another.

Job        what is done with every file
crew_of    the workers of a run
entering   let them read files for the index
work       run a job over files, in order of their paths
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.rounds import Outcome, inspect, rewrite
from rlmigrate.migrate.index import FileEntry, RepoIndex
from rlmigrate.migrate.index.gathering import Enter, enter_file
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings

if TYPE_CHECKING:
    from rlmigrate.migrate.engine.crew import Crew, Desk

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
        except Exception as error:  # ours: the other files are still done
            return Outcome(path, error=_internal(path, error))


@contextmanager
def crew_of(settings: Settings, files: int) -> Iterator[Crew | None]:
    """Hire the workers of a run; none where the files are few or one process is asked for."""
    if settings.jobs == 1 or files < FEW:
        yield None
        return
    from rlmigrate.migrate.engine.crew import Crew  # multiprocessing, which most runs do without

    with Crew(settings.jobs) as crew:
        yield crew


def entering(crew: Crew | None) -> Enter | None:
    """Let a crew read files for the index."""
    if crew is None:
        return None

    def enter(paths: Iterable[Path]) -> Iterator[tuple[Path, FileEntry | str]]:
        for path, entry in crew.map(_enter, _biggest_first(paths)):
            yield path, _KILLS.format(path=path) if entry is None else entry

    return enter


def work(
    job: Job, paths: Sequence[Path], crew: Crew | None, *, done: Callable[[Path], None]
) -> list[Outcome]:
    """Run `job` over `paths`; `done` is called as each file is finished."""
    if crew is None:
        return [_told(job(path), done) for path in paths]
    crew.give(job)
    found = {
        path: _told(outcome or Outcome(path, error=_KILLS.format(path=path)), done)
        for path, outcome in crew.map(_do, _biggest_first(paths))
    }
    return [found[path] for path in paths]


_KILLS = "{path}: reading it kills the process; left alone"


def _enter(desk: Desk, path: Path) -> FileEntry | str:
    return enter_file(path, desk.kept, module_of=desk.module_of)


def _do(desk: Desk, path: Path) -> Outcome:
    job: Job = desk.given
    job.index.keep_in(desk.kept)
    return job(path)


def _biggest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=_size, reverse=True)


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
