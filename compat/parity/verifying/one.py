"""Verify one pair, each side in processes of its own.

Processes      the processes of one run, started when first needed
verify_one     one pair; trouble of any kind becomes its result
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlmigrate.compat.parity.cases import CaseOptions, edges, plan_cases
from rlmigrate.compat.parity.cases.plain import from_plain
from rlmigrate.compat.parity.check import compare_sides
from rlmigrate.compat.parity.model_configs import new_model_config
from rlmigrate.compat.parity.processes.client import RemoteError, RemoteSide, SideProcess
from rlmigrate.compat.parity.results import ClassResult, Status
from rlmigrate.compat.parity.sides.spread import SpreadSide
from rlmigrate.compat.parity.space_text import read_space
from rlmigrate.compat.parity.verifying.tasks import (
    Task,
    VerifyOptions,
    lines_to_add,
    lines_to_skip,
    unverified,
)
from rlmigrate.compat.parity.verifying.weights import read_weights
from rlmigrate.errors import RlmigrateError


class Processes:
    """Up to `share` processes for each set of import paths; a context manager that ends them."""

    def __init__(self, options: VerifyOptions, *, share: int = 1) -> None:
        self._options = options
        self._share = share
        self._stack = ExitStack()
        self._running: dict[tuple[str, tuple[Path, ...]], list[SideProcess]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def get(self, role: str, paths: tuple[Path, ...]) -> list[SideProcess]:
        """Give the processes of a role, started when first needed."""
        if (role, paths) not in self._running:
            python = self._options.old_python if role == "old" else self._options.new_python
            self._running[role, paths] = [
                self._stack.enter_context(
                    SideProcess(
                        paths,
                        ray=self._options.ray,
                        python=python or sys.executable,
                        environment=self._options.environment,
                    )
                )
                for _ in range(self._share)
            ]
        return self._running[role, paths]

    def drop(self, role: str, paths: tuple[Path, ...]) -> None:
        """Forget processes of which one died, so that the next task starts fresh ones."""
        self._running.pop((role, paths), None)


def verify_one(task: Task, processes: Processes, options: VerifyOptions) -> ClassResult:
    """Verify one pair; an exception of any side becomes its result."""
    if task.problem or task.new is None:
        return unverified(task, Status.INCOMPLETE, task.problem or "no new class")
    try:
        if task.recording is not None:
            return _compare_recording(task, processes.get("new", task.new_paths)[0], options)
        old_processes = processes.get("old", task.old_paths)
        new_processes = processes.get("new", task.new_paths)
        found = _spaces(task, old_processes[0])
        if isinstance(found, str):
            advice = lines_to_add(task.name)
            return unverified(task, Status.INCOMPLETE, found, advice=advice)
        return _compare(task, old_processes, new_processes, found, options)
    except RemoteError as error:
        if error.kind == "ProcessDied":
            processes.drop("old", task.old_paths)
            processes.drop("new", task.new_paths)
        if error.kind == "UsageError":
            return unverified(task, Status.INCOMPLETE, str(error).removeprefix("UsageError: "))
        if reason := _lacking(error):
            advice = lines_to_skip(task.name, reason)
            return unverified(task, Status.INCOMPLETE, reason, advice=advice)
        return unverified(task, Status.ERROR, str(error), traceback=error.traceback)
    except RlmigrateError as error:
        return unverified(task, Status.INCOMPLETE, str(error))


def _lacking(error: RemoteError) -> str:
    """Say what a class lacks to be compared at all; "" for what is wrong with it."""
    if error.kind == "ModuleNotFoundError" and (name := error.text.split("'")[1:2]):
        return f"needs the package {name[0]}, which is not installed here"
    if error.kind == "NotImplementedError":
        return "is abstract: a method that its constructor calls is not implemented"
    return ""


def _spaces(task: Task, process: SideProcess) -> dict[str, str] | str:
    """Give both spaces as text, or why they are not known."""
    given = {
        "observation_space": task.observation_space,
        "action_space": task.action_space,
    }
    if not all(given.values()) and task.env:
        try:
            value, _ = process.ask("spaces", env=task.env, env_config=dict(task.env_config))
        except RemoteError as error:
            return f"environment {task.env} cannot be made ({error})"
        given = {name: text or value[name] for name, text in given.items()}
    if not all(given.values()):
        return "its spaces are not known"
    return {name: str(text) for name, text in given.items()}


def _compare(
    task: Task,
    old_processes: list[SideProcess],
    new_processes: list[SideProcess],
    spaces: dict[str, str],
    options: VerifyOptions,
) -> ClassResult:
    config = dict(task.model_config)
    theirs = dict(
        new_model_config(config) if task.new_model_config is None else task.new_model_config
    )
    new = _side(new_processes, "new", task.new or "", spaces, theirs, options.seed)
    told = {**new.settings, **config}
    old = _side(old_processes, "old", task.old, spaces, told, options.seed, new.protocol)
    if task.weights is not None:
        old.load(read_weights(task.weights, old.parameters(), policy=task.policy))
    mapping = new.adopt(old.parameters(), task.mapping)
    observations = read_space(spaces["observation_space"])
    cases = plan_cases(
        observations,
        read_space(spaces["action_space"]),
        options=CaseOptions(seed=options.seed, state_sizes=old.state_sizes, columns=old.columns),
    )
    if task.input is not None:
        cases = (from_plain(json.loads(task.input.read_text(encoding="utf-8"))),)
    result = compare_sides(
        old,
        new,
        cases,
        name=task.name,
        prefix=new.prefix,
        mapping=mapping,
        allow_unmatched=task.allow_unmatched,
        limit=task.limit,
        localise=options.localise,
        gradients=options.gradients,
        segments=old.segments,
        perturb=partial(edges.perturbed, observations),
        notes=task.notes,
    )
    old.forget()
    new.forget()
    return result


def _side(
    processes: list[SideProcess],
    role: str,
    target: str,
    spaces: dict[str, str],
    config: dict[str, Any],
    seed: int,
    protocol: str = "policy",
) -> RemoteSide | SpreadSide:
    members = [
        RemoteSide(
            process,
            role=role,
            target=target,
            observation_space=spaces["observation_space"],
            action_space=spaces["action_space"],
            model_config=config,
            seed=seed,
            protocol=protocol,
        )
        for process in processes
    ]
    return members[0] if len(members) == 1 else SpreadSide(members)


def _compare_recording(task: Task, process: SideProcess, options: VerifyOptions) -> ClassResult:
    from rlmigrate.compat.parity.recording.format import load
    from rlmigrate.compat.parity.recording.recorded import RecordedSide

    assert task.recording is not None
    recording = load(task.recording)
    old = RecordedSide(recording, path=task.recording)
    theirs = task.new_model_config
    new = RemoteSide(
        process,
        role="new",
        target=task.new or "",
        observation_space=recording.observation_space,
        action_space=recording.action_space,
        model_config=dict(theirs)
        if theirs is not None
        else new_model_config({**recording.model_config, **task.model_config}),
    )
    mapping = new.adopt(old.parameters(), task.mapping)
    result = compare_sides(
        old,
        new,
        recording.cases,
        name=task.name,
        prefix=new.prefix,
        mapping=mapping,
        allow_unmatched=task.allow_unmatched,
        limit=task.limit,
        localise=options.localise,
        gradients=options.gradients and bool(recording.gradients),
        segments=old.segments,
        notes=(*old.gaps(), *task.notes),
    )
    new.forget()
    return result
