"""Deprecation warnings of RLlib in a log, and the rules that answer them.

Warned      one warning, how often it came, and the rule
read_log    the warnings of a text
places_of   where the rules find something
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.migrate.configs.keys import HOME, OLD, RENAMED_METHODS
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.settings import Settings

#: "`old` has been deprecated. Use `new` instead.", and the names without quotes.
WARNING = re.compile(
    r"(?:DeprecationWarning|deprecat\w+)[:\s]+`(?P<one>[^`]+)`"
    r"|`(?P<two>[^`]+)` (?:has been|is) deprecated",
    re.IGNORECASE,
)
#: Words of a deprecated name, and the rule that takes it; the first that matches counts.
WORDS = (
    (re.compile(r"rollouts|exploration\(|\.build\b|build\(\)"), "RLM404"),
    (re.compile(r"api_stack|_enable_\w+_api"), "RLM405"),
    (re.compile(r"custom_model"), "RLM401"),
    (re.compile(r"ModelV2|modelv2|fcnet|visionnet|recurrent_net"), "RLM101"),
    (re.compile(r"compute_\w*action"), "RLM501"),
    (re.compile(r"\bworkers\b|local_worker|foreach_worker"), "RLM610"),
    (re.compile(r"Callbacks|on_\w+\("), "RLM701"),
    (re.compile(r"RLModule|Spec|rl_module|marl|models\.\w*distribution"), "RLM601"),
    (re.compile(r"Trainer|agents\."), "RLM408"),
)


@dataclass(frozen=True)
class Warned:
    """One deprecated name; `code` is empty where no rule answers it."""

    text: str
    code: str
    count: int


def read_log(text: str) -> list[Warned]:
    """Find RLlib's deprecation warnings, the most frequent first.

    >>> read_log("DeprecationWarning: `AlgorithmConfig.rollouts` has been deprecated.")[0].code
    'RLM404'
    """
    names = Counter(match["one"] or match["two"] for match in WARNING.finditer(text))
    found = [Warned(name, code_of(name), count) for name, count in names.items()]
    return sorted(found, key=lambda warning: (-warning.count, warning.text))


def code_of(name: str) -> str:
    """Name the rule that answers a deprecated name; empty where there is none."""
    for word in reversed(re.findall(r"\w+", name)):
        if word in OLD and word not in HOME and word not in RENAMED_METHODS:
            return "RLM403"
    return next((code for pattern, code in WORDS if pattern.search(name)), "")


def places_of(warnings: Sequence[Warned], paths: Sequence[Path]) -> dict[str, list[str]]:
    """Return the places that each warning's rule finds in `paths`."""
    codes = tuple(sorted({warning.code for warning in warnings if warning.code}))
    if not codes:
        return {}
    report = run_files(paths, Settings(select=codes), rewriting=False).report
    places: dict[str, list[str]] = {}
    for item in report.items:
        places.setdefault(item.code, []).append(f"{item.path}:{item.line}: {item.name}")
    return places
