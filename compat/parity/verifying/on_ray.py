"""Spread tasks over a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rlmigrate.compat.parity.results import ClassResult, Status
from rlmigrate.compat.parity.verifying.one import Processes, verify_one
from rlmigrate.compat.parity.verifying.tasks import Task, VerifyOptions, unverified
from rlmigrate.errors import UsageError


def verify_on_ray(
    tasks: Sequence[Task], options: VerifyOptions
) -> Iterator[tuple[int, ClassResult]]:
    """Run each task as a Ray task on the running cluster, or on a local one of `jobs` processors.

    All nodes must see the same files under the same paths, and have rlmigrate installed.

    Raises:
        UsageError: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError("--executor ray needs Ray; pip install ray, or leave it out") from error
    own = not ray.is_initialized()
    if own:
        _connect(ray, options)
    try:
        remote = ray.remote(num_cpus=1, max_retries=1)(_verify_alone)
        waiting = {remote.remote(task, options): number for number, task in enumerate(tasks)}
        while waiting:
            (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
            number = waiting.pop(ready)
            try:
                yield number, ray.get(ready)
            except ray.exceptions.RayError as error:
                text = f"the Ray task failed: {str(error).strip().splitlines()[-1]}"
                yield number, unverified(tasks[number], Status.ERROR, text)
    finally:
        if own:
            ray.shutdown()


def _connect(ray: Any, options: VerifyOptions) -> None:
    """Join the cluster of RAY_ADDRESS, or start one here."""
    import os

    if os.environ.get("RAY_ADDRESS"):
        ray.init(log_to_driver=False)
    else:
        ray.init(num_cpus=options.jobs, include_dashboard=False, log_to_driver=False)


def _verify_alone(task: Task, options: VerifyOptions) -> ClassResult:
    with Processes(options) as processes:
        return verify_one(task, processes, options)
