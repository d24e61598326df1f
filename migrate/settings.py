"""What the user asked the codemods to do.

Settings        select, ignore, exclude, target, Ray version, layers, jobs and experiment files
load_settings   the project's `[tool.rlmigrate]`, overridden by options
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rlmigrate.eras import TARGETS
from rlmigrate.errors import UsageError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "target": ("ray", "builtin"),
    "ray_version": TARGETS,
    "layers": ("file", "import"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Options of one run; empty `select` means every rule."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    target: str = "ray"
    ray_version: str = TARGETS[-1]
    layers: str = "file"
    jobs: int = 1
    yaml_to_python: bool = False

    def wants(self, code: str) -> bool:
        """Tell whether a rule is selected; `RLM4` stands for all codes that begin so.

        >>> Settings(select=("RLM4",), ignore=("RLM405",)).wants("RLM401")
        True
        """
        chosen = not self.select or code.startswith(self.select)
        return chosen and not (self.ignore and code.startswith(self.ignore))


def load_settings(start: Path, **options: object) -> Settings:
    """Read the nearest pyproject.toml at or above `start`; options that are None do not count.

    Raises UsageError where a key is unknown or a value is not one of its choices.
    """
    origin = project_file(start)
    table: dict[str, object] = {}
    if origin is not None:
        read = _table(origin)
        table = {key.replace("-", "_"): value for key, value in read.items()}
    table.update({key: value for key, value in options.items() if value not in (None, ())})
    return _settings(table, where=f"{origin} [tool.rlmigrate]" if origin else "options")


def project_file(start: Path) -> Path | None:
    """Find the nearest pyproject.toml at or above a path."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    return None


def _table(origin: Path) -> Mapping[str, object]:
    try:
        text = origin.read_text(encoding="utf-8")
        if "rlmigrate" not in text:
            return {}
        found: Mapping[str, object] = tomllib.loads(text).get("tool", {}).get("rlmigrate", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{origin}: cannot be read as TOML: {error}") from error
    return found


def _settings(table: Mapping[str, object], *, where: str) -> Settings:
    known = {field.name for field in fields(Settings)}
    problems = [
        f"{key}: unknown; known are {', '.join(sorted(known))}"
        for key in sorted(set(table) - known)
    ]
    values: dict[str, object] = {}
    for key in sorted(set(table) & known):
        value = table[key]
        if key in CHOICES:
            value = str(value)
            if value not in CHOICES[key]:
                problems.append(f"{key}: {value!r} is not one of {', '.join(CHOICES[key])}")
        elif key == "jobs":
            if not isinstance(value, int) or value < 1:
                problems.append(f"jobs: {value!r} is not a positive number")
        elif key == "yaml_to_python":
            if not isinstance(value, bool):
                problems.append(f"yaml_to_python: {value!r} is neither true nor false")
        else:
            value = _words(value)
            if key in ("select", "ignore"):
                problems += [f"{key}: {word!r} is no code" for word in value if word[:3] != "RLM"]
        values[key] = value
    if problems:
        raise UsageError(f"{where}:\n  " + "\n  ".join(problems))
    return Settings(**values)  # type: ignore[arg-type]


def _words(value: object) -> tuple[str, ...]:
    """Accept a list, or one string with commas."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        return (str(value),)
    return tuple(part.strip() for item in value for part in str(item).split(",") if part.strip())
