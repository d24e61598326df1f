"""Worker processes that live through a whole run, and keep the files that they have read.

Crew    the processes; a file goes back to the one that has read it already
"""

from __future__ import annotations

import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rlmigrate.migrate.index.imports import ModuleNames
from rlmigrate.migrate.index.kept import KeptSources

#: Files that a worker has in hand at once, so that it need not wait for the next.
AHEAD = 2

#: Does one file; runs in the worker, with what the worker keeps and was given.
Task = Callable[["Desk", Path], Any]


@dataclass
class Desk:
    """What a worker has beside the file in hand: what it was given, and the files it has read."""

    given: Any = None
    kept: KeptSources = field(default_factory=KeptSources)
    module_of: ModuleNames = field(default_factory=ModuleNames)


@dataclass
class _Member:
    process: BaseProcess
    pipe: Connection
    sent: deque[Path] = field(default_factory=deque)


class Crew:
    """Some processes; to be used in a `with` block, which ends them."""

    def __init__(self, count: int) -> None:
        self._members: list[_Member] = []
        self._home: dict[Path, int] = {}
        self._given: object = None
        for _ in range(count):
            self._members.append(self._hire())

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.pipe.close()
            member.process.terminate()
        for member in self._members:
            member.process.join()

    def give(self, thing: object) -> None:
        """Lay something on every worker's desk."""
        self._given = thing
        for member in self._members:
            with suppress(OSError):  # one that has died is replaced when its turn comes
                member.pipe.send(("give", thing))

    def map(self, task: Task, paths: Iterable[Path]) -> Iterator[tuple[Path, Any]]:
        """Do every file, in the order given, and yield what comes back as it comes.

        A file whose worker dies is done again by a worker that has nothing else in hand; if that
        one dies too, the file comes back with None.
        """
        queues = self._divided(list(paths))
        lost: list[Path] = []
        yield from self._drain(task, queues, lost, ahead=AHEAD)
        second: list[Path] = []
        for path in lost:
            alone = [deque([path]), *(deque[Path]() for _ in self._members[1:])]
            yield from self._drain(task, alone, second, ahead=1)
        for path in second:
            yield path, None

    def _divided(self, paths: list[Path]) -> list[deque[Path]]:
        """Deal the files out; one that a worker has read goes to it again."""
        queues: list[deque[Path]] = [deque() for _ in self._members]
        for path in paths:
            if path not in self._home:
                self._home[path] = min(range(len(queues)), key=lambda i: len(queues[i]))
            queues[self._home[path]].append(path)
        return queues

    def _drain(
        self, task: Task, queues: list[deque[Path]], lost: list[Path], *, ahead: int
    ) -> Iterator[tuple[Path, Any]]:
        for number in range(len(self._members)):
            self._feed(number, task, queues, lost, ahead=ahead)
        while any(member.sent for member in self._members):
            pipes = [member.pipe for member in self._members if member.sent]
            for pipe in wait(pipes):
                number = next(i for i, member in enumerate(self._members) if member.pipe is pipe)
                member = self._members[number]
                try:
                    result = member.pipe.recv()
                except (EOFError, OSError):
                    self._replace(number, lost)
                else:
                    yield member.sent.popleft(), result
                self._feed(number, task, queues, lost, ahead=ahead)

    def _feed(
        self, number: int, task: Task, queues: list[deque[Path]], lost: list[Path], *, ahead: int
    ) -> None:
        """Keep a worker busy: with its own files, then with those that wait longest elsewhere."""
        while len(self._members[number].sent) < ahead:
            queue = queues[number] or max(queues, key=len)
            if not queue:
                return
            path = queue.popleft() if queue is queues[number] else queue.pop()
            self._home[path] = number
            member = self._members[number]
            member.sent.append(path)
            try:
                member.pipe.send(("do", (task, path)))
            except OSError:
                self._replace(number, lost)

    def _replace(self, number: int, lost: list[Path]) -> None:
        member = self._members[number]
        lost.extend(member.sent)
        member.pipe.close()
        member.process.join()
        self._members[number] = self._hire()
        self._members[number].pipe.send(("give", self._given))

    def _hire(self) -> _Member:
        forks = "fork" in multiprocessing.get_all_start_methods()
        get = multiprocessing.get_context
        context = get("fork") if forks else get("spawn")
        ours, theirs = context.Pipe()
        # A forked process has a copy of our ends of all pipes. Unless it closes them, it and its
        # fellows never learn that we are gone.
        copies = [ours, *(member.pipe for member in self._members)] if forks else []
        process = context.Process(target=_serve, args=(theirs, copies), daemon=True)
        process.start()
        theirs.close()
        return _Member(process, ours)


def _serve(pipe: Connection, copies: list[Connection]) -> None:
    """Take what is sent until the other end is closed."""
    for copy in copies:
        copy.close()
    gc.disable()  # as in the run itself: trees hold no cycles
    desk = Desk()
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            what, thing = pipe.recv()
            if what == "give":
                desk.given = thing
                continue
            task, path = thing
            pipe.send(task(desk, path))
