"""Classes that users registered under a name."""

from __future__ import annotations

from typing import Any

from rlmigrate.errors import LegacyError


class UnknownName(LegacyError, ValueError):
    """A config names something that was never registered."""


class Registry:
    """Names of one kind of thing; `setting` is the config key in which they are used."""

    def __init__(self, setting: str, register_with: str) -> None:
        self._setting = setting
        self._register_with = register_with
        self._classes: dict[str, Any] = {}

    def register(self, name: str, value: Any) -> None:
        """Add or replace a name."""
        self._classes[name] = value

    def get(self, name: str) -> Any:
        """Find a name, or raise UnknownName with what to do."""
        if name not in self._classes:
            known = ", ".join(sorted(self._classes)) or "none"
            raise UnknownName(
                f"model config: {self._setting}={name!r} is not registered (registered: {known}); "
                f"call ModelCatalog.{self._register_with}({name!r}, YourClass) first"
            )
        return self._classes[name]

    def names(self) -> list[str]:
        """List what is registered."""
        return sorted(self._classes)


models = Registry("custom_model", "register_custom_model")
action_dists = Registry("custom_action_dist", "register_custom_action_dist")
