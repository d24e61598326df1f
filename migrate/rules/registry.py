"""The rules, found by scanning this folder.

all_rules   every rule, by code
rule        one rule by its code
selected    the rules that a run's settings want
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from rlmigrate.errors import UsageError
from rlmigrate.migrate import rules as package
from rlmigrate.migrate.rules.base import Rule
from rlmigrate.migrate.settings import Settings


@lru_cache(maxsize=1)
def all_rules() -> Mapping[str, Rule]:
    """Import every `rlmNNN_*` module of this folder and return its `RULE`, sorted by code."""
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("rlm"):
            loaded = importlib.import_module(f"{package.__name__}.{module.name}")
            found[loaded.RULE.code] = loaded.RULE
    return MappingProxyType(dict(sorted(found.items())))


def rule(code: str) -> Rule:
    """Return one rule; raises UsageError with the codes that are close."""
    rules = all_rules()
    wanted = code.upper()
    if wanted in rules:
        return rules[wanted]
    close = [known for known in rules if known[:4] == wanted[:4]] or list(rules)
    raise UsageError(f"{code}: no such rule; known are {', '.join(close)}")


def selected(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules that `settings` wants, in the order in which they are applied."""
    return tuple(rule for rule in all_rules().values() if settings.wants(rule.code))
