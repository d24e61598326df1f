"""What the index keeps of files and classes; light, so that it travels to worker processes.

Place          a file and a line
ClassEntry     one class
Registration   a name given to ModelCatalog, and the class behind it
FileEntry      one file
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rlmigrate.migrate.index.configured import Set
from rlmigrate.migrate.index.imports import ImportTable


@dataclass(frozen=True)
class ClassEntry:
    """One class; `bases` are dotted names, resolved as far as its file's imports allow."""

    qualified: str
    name: str
    path: Path
    line: int
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    scope: str = ""  # the function or class that it is defined in


@dataclass(frozen=True)
class Registration:
    """A name under which ModelCatalog knows a class; `class_name` is None where it is computed."""

    name: str
    class_name: str | None
    path: Path
    line: int
    kind: str  # "model" | "action_dist" | "preprocessor"


@dataclass(frozen=True)
class FileEntry:
    """One file that was read."""

    path: Path
    module: str
    imports: ImportTable
    mentions_rllib: bool = True
    classes: tuple[ClassEntry, ...] = ()
    registrations: tuple[Registration, ...] = ()
    computed_registrations: tuple[Registration, ...] = ()
    outside_calls: frozenset[str] = field(default_factory=frozenset)
    outside_sets: frozenset[str] = field(default_factory=frozenset)
    model_settings: frozenset[Set] = field(default_factory=frozenset)
    constructed: frozenset[str] = field(default_factory=frozenset)
    tried: frozenset[str] = field(default_factory=frozenset)  # constructed by tests and scripts
    environments: frozenset[str] = field(default_factory=frozenset)
    trained: frozenset[tuple[str, str]] = field(default_factory=frozenset)  # model, environment
    environment_classes: tuple[tuple[str, str], ...] = ()  # register_env: name, class
    preprocesses: bool = True  # no config of the file switches the preprocessors off
    wrapped: frozenset[str] = field(default_factory=frozenset)  # given to wrap_model or wrap_policy
    old_keys: frozenset[str] = field(default_factory=frozenset)  # strings: keys of old configs
    built: frozenset[tuple[str, str]] = field(default_factory=frozenset)  # class, by which policy
