"""Time functions against each other on a busy machine.

The functions take turns in many short rounds, and each one's best round counts: CPU time of this
thread, so that what else the machine does weighs little, and the same on all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any


def best(
    sides: Mapping[str, Callable[[], Any]], *, calls: int, rounds: int = 60
) -> dict[str, float]:
    """Give seconds of CPU time a call for each side: the best of the rounds."""
    for call in sides.values():
        call()
    times = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, call in sides.items():
            start = time.thread_time()
            for _ in range(calls):
                call()
            times[name] = min(times[name], (time.thread_time() - start) / calls)
    return times
