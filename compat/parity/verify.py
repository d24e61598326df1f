"""Verify pairs of classes, each side in a process of its own.

Task           one pair, with all that is known of it
verify_tasks   run them; one report
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rlmigrate.compat.parity.cases import CaseOptions, edges, plan_cases
from rlmigrate.compat.parity.check import compare_sides
from rlmigrate.compat.parity.judge import NOISE_LIMIT
from rlmigrate.compat.parity.model_configs import new_model_config
from rlmigrate.compat.parity.processes.client import RemoteError, RemoteSide, SideProcess
from rlmigrate.compat.parity.results import CaseCount, ClassResult, ParityReport, Status
from rlmigrate.compat.parity.space_text import read_space
from rlmigrate.errors import RlmigrateError


@dataclass(frozen=True)
class Task:
    """One pair: targets are `module:Class`, paths go to the front of sys.path."""

    name: str
    old: str
    new: str | None
    old_paths: tuple[Path, ...] = ()
    new_paths: tuple[Path, ...] = ()
    observation_space: str | None = None
    action_space: str | None = None
    env: str | None = None
    env_config: Mapping[str, Any] = field(default_factory=dict)
    model_config: Mapping[str, Any] = field(default_factory=dict)
    new_model_config: Mapping[str, Any] | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    allow_unmatched: tuple[str, ...] = ()
    limit: float = NOISE_LIMIT
    problem: str = ""
    notes: tuple[str, ...] = ()
    recording: Path | None = None


@dataclass(frozen=True)
class VerifyOptions:
    """What holds for all tasks."""

    ray: str = "auto"
    old_python: str | None = None
    new_python: str | None = None
    seed: int = 0
    localise: bool = True
    gradients: bool = True
    without_tf: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the processes: RLlib imports TF for torch models too, unless told not to."""
        variables = {"RLLIB_TEST_NO_TF_IMPORT": "1"} if self.without_tf else {}
        return variables | ({"RLMIGRATE_STACK": "builtin"} if self.ray == "no" else {})


class _Processes:
    """One process for each set of import paths, started when first needed."""

    def __init__(self, options: VerifyOptions) -> None:
        self._options = options
        self._stack = ExitStack()
        self._running: dict[tuple[str, tuple[Path, ...]], SideProcess] = {}

    def get(self, role: str, paths: tuple[Path, ...]) -> SideProcess:
        if (role, paths) not in self._running:
            python = self._options.old_python if role == "old" else self._options.new_python
            process = SideProcess(
                paths,
                ray=self._options.ray,
                python=python or sys.executable,
                environment=self._options.environment,
            )
            self._running[role, paths] = self._stack.enter_context(process)
        return self._running[role, paths]

    def drop(self, role: str, paths: tuple[Path, ...]) -> None:
        """Forget a process that died, so that the next task starts a fresh one."""
        self._running.pop((role, paths), None)

    def close(self) -> None:
        self._stack.close()


def verify_tasks(
    tasks: Sequence[Task],
    *,
    options: VerifyOptions | None = None,
    skipped: Mapping[str, str] | None = None,
    done: Callable[[ClassResult], None] = lambda result: None,
) -> ParityReport:
    """Verify all tasks; a failure in one says so in its result, and the others go on."""
    options = options or VerifyOptions()
    processes = _Processes(options)
    results = []
    try:
        for task in tasks:
            result = _verify(task, processes, options)
            results.append(result)
            done(result)
    finally:
        processes.close()
    settings = {"ray": options.ray, "seed": str(options.seed)}
    return ParityReport(tuple(results), settings, skipped or {})


def _verify(task: Task, processes: _Processes, options: VerifyOptions) -> ClassResult:
    if task.problem or task.new is None:
        return unverified(task, Status.INCOMPLETE, task.problem or "no new class")
    try:
        if task.recording is not None:
            return _compare_recording(task, processes.get("new", task.new_paths))
        old_process = processes.get("old", task.old_paths)
        new_process = processes.get("new", task.new_paths)
        found = _spaces(task, old_process)
        if isinstance(found, str):
            return unverified(task, Status.INCOMPLETE, found)
        return _compare(task, old_process, new_process, found, options)
    except RemoteError as error:
        if error.kind == "ProcessDied":
            processes.drop("old", task.old_paths)
            processes.drop("new", task.new_paths)
        if error.kind == "UsageError":
            return unverified(task, Status.INCOMPLETE, str(error).removeprefix("UsageError: "))
        return unverified(task, Status.ERROR, str(error), traceback=error.traceback)
    except RlmigrateError as error:
        return unverified(task, Status.INCOMPLETE, str(error))


def _spaces(task: Task, process: SideProcess) -> dict[str, str] | str:
    """Give both spaces as text, or what to add so that they are known."""
    given = {
        "observation_space": task.observation_space,
        "action_space": task.action_space,
    }
    if not all(given.values()) and task.env:
        try:
            value, _ = process.ask("spaces", env=task.env, env_config=dict(task.env_config))
        except RemoteError as error:
            return f"environment {task.env} cannot be made ({error}); {lines_to_add(task.name)}"
        given = {name: text or value[name] for name, text in given.items()}
    if not all(given.values()):
        return f"its spaces are not known; {lines_to_add(task.name)}"
    return {name: str(text) for name, text in given.items()}


def lines_to_add(name: str) -> str:
    """Write the configuration that is missing for a class."""
    return (
        "add to pyproject.toml:\n"
        f'[tool.rlmigrate.verify.classes."{name}"]\n'
        'observation_space = "Box(-1.0, 1.0, (4,))"  # the space of the environment\n'
        'action_space = "Discrete(2)"\n'
        'model_config = {}  # or, instead of the spaces: env = "CartPole-v1"'
    )


def _compare(
    task: Task,
    old_process: SideProcess,
    new_process: SideProcess,
    spaces: dict[str, str],
    options: VerifyOptions,
) -> ClassResult:
    config = dict(task.model_config)
    theirs = task.new_model_config
    old = RemoteSide(
        old_process,
        role="old",
        target=task.old,
        observation_space=spaces["observation_space"],
        action_space=spaces["action_space"],
        model_config=config,
        seed=options.seed,
    )
    new = RemoteSide(
        new_process,
        role="new",
        target=task.new or "",
        observation_space=spaces["observation_space"],
        action_space=spaces["action_space"],
        model_config=dict(theirs) if theirs is not None else new_model_config(config),
    )
    mapping = new.adopt(old.parameters(), task.mapping)
    observations = read_space(spaces["observation_space"])
    cases = plan_cases(
        observations,
        read_space(spaces["action_space"]),
        options=CaseOptions(seed=options.seed, state_sizes=old.state_sizes, columns=old.columns),
    )
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


def _compare_recording(task: Task, process: SideProcess) -> ClassResult:
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
        localise=False,
        gradients=False,
        segments=old.segments,
        notes=("layers and gradients are not recorded, and were not compared", *task.notes),
    )
    new.forget()
    return result


def unverified(task: Task, status: Status, message: str, *, traceback: str = "") -> ClassResult:
    """Give the result of a task that was not compared, and why."""
    notes = (*task.notes, *[line for line in traceback.splitlines() if line.strip()][-6:])
    return ClassResult(
        task.name, task.old, task.new or "-", status, CaseCount(0, 0), message=message, notes=notes
    )
