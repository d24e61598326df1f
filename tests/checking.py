"""What scripts of checks share; `run_checks` (conftest.py) runs them in processes of their own.

checks_in   the functions check_* of a script
report      runs checks and prints what went wrong
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

Checks: TypeAlias = Mapping[str, Callable[[], object]]


def checks_in(namespace: Mapping[str, Any], cases: Iterable[str] = ()) -> Checks:
    """Name every function check_*, those with a parameter once for each case: `NAME:CASE`."""
    found: dict[str, Callable[[], object]] = {}
    for name, check in namespace.items():
        if not name.startswith("check_"):
            continue
        short = name.removeprefix("check_")
        if check.__code__.co_argcount:
            found |= {f"{short}:{case}": partial(check, case) for case in cases}
        else:
            found[short] = check
    return found


def report(checks: Checks) -> None:
    """Run checks and print one JSON object: each one's name to null, or to what went wrong.

    It stands on a line of its own, the last one, whatever the checks print.
    """
    found: dict[str, str | None] = {}
    for name, check in checks.items():
        try:
            check()
        except Exception:
            found[name] = traceback.format_exc(limit=-6)[-2500:]
        else:
            found[name] = None
    sys.stdout.write("\n" + json.dumps(found) + "\n")
