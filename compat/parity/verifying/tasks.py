"""What is verified, and how.

Task             one pair of classes, with all that is known of it
VerifyOptions    what holds for all pairs
unverified       the result of a pair that was not compared
lines_to_add     the configuration that a class lacks
lines_to_skip    the configuration that leaves it out
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlmigrate.compat.parity.judge import NOISE_LIMIT
from rlmigrate.compat.parity.results import CaseCount, ClassResult, Status


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
    weights: Path | None = None
    policy: str = "default_policy"
    input: Path | None = None


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
    jobs: int = 1
    executor: str = "processes"
    state: Path | None = None

    @property
    def what_matters(self) -> tuple[object, ...]:
        """Give what a result depends on: not how many processes computed it."""
        return (
            *(self.ray, self.old_python, self.new_python, self.seed),
            *(self.localise, self.gradients, self.without_tf),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the processes: RLlib imports TF for torch models too, unless told not to."""
        variables = {"RLLIB_TEST_NO_TF_IMPORT": "1"} if self.without_tf else {}
        return variables | ({"RLMIGRATE_STACK": "builtin"} if self.ray == "no" else {})


def unverified(
    task: Task, status: Status, message: str, *, traceback: str = "", advice: str = ""
) -> ClassResult:
    """Give the result of a task that was not compared, why, and the configuration it lacks."""
    notes = (*task.notes, *[line for line in traceback.splitlines() if line.strip()][-6:])
    return ClassResult(
        task.name,
        task.old,
        task.new or "-",
        status,
        CaseCount(0, 0),
        message=message,
        notes=notes,
        advice=advice,
    )


def lines_to_add(name: str) -> str:
    """Write the configuration that a class without spaces lacks."""
    return (
        f'[tool.rlmigrate.verify.classes."{name}"]\n'
        'env = "CartPole-v1"  # an id or module:Class; or, in its place, both spaces:\n'
        '# observation_space = "Box(-1.0, 1.0, (4,))"\n'
        '# action_space = "Discrete(2)"\n'
        "# model_config = { custom_model_config = { } }  # what the constructor needs"
    )


def lines_to_skip(name: str, reason: str) -> str:
    """Write the configuration that leaves a class out."""
    return f'[tool.rlmigrate.verify.skip]\n"{name}" = "{reason}"'
