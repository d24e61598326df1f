"""Verify all pairs and gather one report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TypeAlias

from rlmigrate.compat.parity.results import ClassResult, ParityReport
from rlmigrate.compat.parity.verifying.one import Processes, verify_one
from rlmigrate.compat.parity.verifying.state import StateFile
from rlmigrate.compat.parity.verifying.tasks import Task, VerifyOptions

#: Gives the result of each task with the task's number, in the order in which they end.
Executor: TypeAlias = Callable[[Sequence[Task], VerifyOptions], Iterable[tuple[int, ClassResult]]]


def verify_tasks(
    tasks: Sequence[Task],
    *,
    options: VerifyOptions | None = None,
    skipped: Mapping[str, str] | None = None,
    done: Callable[[ClassResult], None] = lambda result: None,
) -> ParityReport:
    """Verify all tasks; a failure in one says so in its result, and the others go on.

    With `options.state`, every result is kept in that file as soon as it is there, and tasks
    whose result the file has, of the same code and options, are not run again.
    """
    options = options or VerifyOptions()
    results: dict[int, ClassResult] = {}
    state = StateFile(options.state, options) if options.state else None
    for number, task in enumerate(tasks):
        if state and (known := state.find(task)):
            results[number] = known
            done(known)
    open_numbers = [number for number in range(len(tasks)) if number not in results]
    execute = _on_ray if options.executor == "ray" else _in_processes
    found = execute([tasks[number] for number in open_numbers], options)
    for index, result in found:
        number = open_numbers[index]
        results[number] = result
        if state:
            state.keep(tasks[number], result)
        done(result)
    settings = {"ray": options.ray, "seed": str(options.seed)}
    ordered = tuple(results[number] for number in range(len(tasks)))
    return ParityReport(ordered, settings, skipped or {})


def _in_processes(
    tasks: Sequence[Task], options: VerifyOptions
) -> Iterator[tuple[int, ClassResult]]:
    """Run several tasks at a time; if there are fewer tasks than jobs, their cases are spread."""
    jobs = min(options.jobs, len(tasks))
    if not tasks:
        return
    share = options.jobs // len(tasks) or 1
    with ExitStack() as stack:
        free: SimpleQueue[Processes] = SimpleQueue()
        for _ in range(jobs):
            free.put(stack.enter_context(Processes(options, share=share)))

        def work(task: Task) -> ClassResult:
            processes = free.get()
            try:
                return verify_one(task, processes, options)
            finally:
                free.put(processes)

        if jobs == 1:
            for index, task in enumerate(tasks):
                yield index, work(task)
            return
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        running = {pool.submit(work, task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(tasks: Sequence[Task], options: VerifyOptions) -> Iterator[tuple[int, ClassResult]]:
    from rlmigrate.compat.parity.verifying.on_ray import verify_on_ray

    yield from verify_on_ray(tasks, options)
