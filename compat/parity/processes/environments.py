"""An environment from its id or class, however its constructor wants its config."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from rlmigrate.errors import UsageError


def make_env(name: str, config: Mapping[str, Any]) -> Any:
    """Make an environment from `module:Class` or from a gymnasium id.

    Raises:
        UsageError: no way of calling the class worked; says what each one raised.
    """
    if ":" not in name or not _is_class(name):
        import gymnasium

        return gymnasium.make(name)
    module, _, path = name.partition(":")
    made: Any = importlib.import_module(module)
    for part in path.split("."):
        made = getattr(made, part)
    troubles = []
    for arguments, keywords in (((dict(config),), {}), ((), dict(config)), ((), {})):
        try:
            return made(*arguments, **keywords)
        except Exception as error:  # user code; another way may work
            troubles.append(f"{type(error).__name__}: {error}")
    raise UsageError(f"environment {name} cannot be made: " + "; ".join(dict.fromkeys(troubles)))


def _is_class(name: str) -> bool:
    """Tell `package.module:Class` from gymnasium's `package:Id-v0`."""
    return name.partition(":")[2].replace(".", "").isidentifier()
