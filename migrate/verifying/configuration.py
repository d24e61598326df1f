"""[tool.rlmigrate.verify]: what cannot be inferred, given per class.

[tool.rlmigrate.verify]
limit = 4.0
seed = 0

[tool.rlmigrate.verify.skip]
"package.models.Abandoned" = "no config uses it"

[tool.rlmigrate.verify.classes."package.models.MyModel"]
observation_space = "Dict(action_mask=Box(0.0, 1.0, (5,)), position=Box(-1.0, 1.0, (3,)))"
action_space = "Discrete(5)"
model_config = { fcnet_hiddens = [64, 64] }
checkpoint = "runs/best/checkpoint_000100"  # or weights = "old.npz"; paths from this file
policy = "default_policy"

A class is named in full, by the end of its name, or by a pattern: "*.models.*".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from rlmigrate.errors import UsageError


@dataclass(frozen=True)
class ClassSettings:
    """How one class is built and judged."""

    observation_space: str | None = None
    action_space: str | None = None
    env: str | None = None
    env_config: Mapping[str, Any] = field(default_factory=dict)
    model_config: Mapping[str, Any] = field(default_factory=dict)
    new_model_config: Mapping[str, Any] | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    allow_unmatched: tuple[str, ...] = ()
    weights: str | None = None
    checkpoint: str | None = None
    policy: str = "default_policy"
    limit: float | None = None


@dataclass(frozen=True)
class VerifySettings:
    """The whole table."""

    limit: float | None = None
    seed: int = 0
    skip: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, ClassSettings] = field(default_factory=dict)
    source: Path | None = None


def read_settings(path: Path | None, trees: Iterable[Path]) -> VerifySettings:
    """Read a TOML file, or the first pyproject.toml of the trees that has the table.

    Raises:
        UsageError: the file does not parse or holds an unknown key; names all of them.
    """
    for candidate in [path] if path else [tree / "pyproject.toml" for tree in trees]:
        if not candidate.is_file():
            if path:
                raise UsageError(f"{path} does not exist; expected a TOML file")
            continue
        try:
            data = tomllib.loads(candidate.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{candidate} is no TOML: {error}") from error
        table = data.get("tool", {}).get("rlmigrate", {}).get("verify")
        if table is None and path:
            table = data.get("verify", data)
        if table is not None:
            return _settings(table, candidate)
    return VerifySettings()


def _settings(table: Mapping[str, Any], source: Path) -> VerifySettings:
    known = {item.name for item in fields(VerifySettings)} - {"source"}
    allowed = {item.name for item in fields(ClassSettings)}
    wrong = [key for key in table if key not in known]
    classes = {}
    for name, values in table.get("classes", {}).items():
        wrong += [f"classes.{name}.{key}" for key in values if key not in allowed]
        kept = {key: value for key, value in values.items() if key in allowed}
        if "allow_unmatched" in kept:
            kept["allow_unmatched"] = tuple(kept["allow_unmatched"])
        classes[name] = ClassSettings(**kept)
    if wrong:
        raise UsageError(
            f"{source}: unknown keys in [tool.rlmigrate.verify]: {', '.join(wrong)}; "
            f"expected {', '.join(sorted(known))}, and for classes {', '.join(sorted(allowed))}"
        )
    plain = {key: table[key] for key in ("limit", "seed", "skip") if key in table}
    return VerifySettings(**plain, classes=classes, source=source)


def for_class(settings: VerifySettings, qualified: str) -> ClassSettings:
    """Find a class's settings by its qualified name, by the end of it, or by a pattern."""
    return _named(settings.classes, qualified) or ClassSettings()


def weights_of(settings: VerifySettings, given: ClassSettings) -> Path | None:
    """Give the checkpoint or file of weights of a class, from the settings' own folder."""
    named = given.checkpoint or given.weights
    if named is None:
        return None
    return ((settings.source.parent if settings.source else Path()) / named).resolve()


def skip_reason(settings: VerifySettings, qualified: str) -> str | None:
    """Give the reason why a class is skipped, or None."""
    return _named(settings.skip, qualified)


_T = TypeVar("_T")


def _named(table: Mapping[str, _T], qualified: str) -> _T | None:
    """Look a class up: its whole name counts for more than its end, and that for more than a `*`.

    >>> _named({"*": 1, "nets.Old": 2}, "pkg.nets.Old")
    2
    """
    for fits in (
        lambda name: name == qualified,
        lambda name: qualified.endswith(f".{name}"),
        lambda name: fnmatchcase(qualified, name),
    ):
        for name, found in table.items():
            if fits(name):
                return found
    return None
