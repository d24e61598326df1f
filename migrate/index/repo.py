"""The index of a repository: what every rule may ask about other files.

RepoIndex   files, classes and registrations, with names followed across files
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlmigrate.migrate.index.elsewhere import texts_of
from rlmigrate.migrate.index.entries import ClassEntry, FileEntry, Registration
from rlmigrate.migrate.index.environments import UNKNOWN, is_plain, roots_of
from rlmigrate.migrate.index.gathering import (
    Enter,
    Read,
    enter_file,
    gather,
    read_once,
    virtual_module,
)
from rlmigrate.migrate.index.handed_on import handed_on, most_said, spoken_aloud
from rlmigrate.migrate.index.imports import ModuleNames
from rlmigrate.migrate.index.kept import KeptSources
from rlmigrate.migrate.index.known import ray_framework, ray_kind
from rlmigrate.migrate.index.reader import read_again
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

if TYPE_CHECKING:
    from rlmigrate.migrate.strategy import ModelPlan


@dataclass(frozen=True, eq=False)
class RepoIndex:
    """Every file that can matter; files that do not parse are left out, with the error kept."""

    files: Mapping[Path, FileEntry]
    settings: Settings = field(default_factory=Settings)
    errors: Mapping[Path, str] = field(default_factory=dict)
    texts: Mapping[Path, bytes] = field(default_factory=dict)
    others: tuple[Path, ...] = ()
    first: RepoIndex | None = None

    @classmethod
    def build(
        cls,
        paths: Sequence[Path],
        settings: Settings,
        *,
        enter: Enter | None = None,
        others: Sequence[Path] = (),
    ) -> RepoIndex:
        """Read the files that mention RLlib, and those that use a legacy class of such a file.

        `enter` reads files into entries in its own way, in other processes for one. `others` are
        files of the repository that are no Python.
        """
        kept = KeptSources()
        read, module_of = read_once(), ModuleNames()

        def each(paths: Iterable[Path]) -> Iterator[tuple[Path, FileEntry | str]]:
            return ((path, enter_file(path, kept, read, module_of)) for path in paths)

        index = cls._gathered(paths, settings, read, enter or each, kept)
        rest = [path for path in paths if path not in index.files]
        index = dataclasses.replace(index, others=(*rest, *others))
        index.keep_in(kept)
        return index

    @classmethod
    def of_texts(cls, texts: Mapping[str, str], settings: Settings | None = None) -> RepoIndex:
        """Index files that are not on disk, for snippets and tests."""
        sources = {Path(path): SourceFile.from_text(text, path) for path, text in texts.items()}
        read, kept = sources.__getitem__, KeptSources()

        def each(paths: Iterable[Path]) -> Iterator[tuple[Path, FileEntry | str]]:
            return ((path, enter_file(path, kept, read, virtual_module)) for path in paths)

        index = cls._gathered(sources, settings or Settings(), read, each, kept)
        return dataclasses.replace(index, texts={path: sources[path].raw for path in index.files})

    @classmethod
    def _gathered(
        cls, paths: Iterable[Path], settings: Settings, read: Read, enter: Enter, kept: KeptSources
    ) -> RepoIndex:
        def legacy_names(files: Mapping[Path, FileEntry]) -> set[str]:
            index = cls(files, settings)
            own = {c.name for c in index.classes.values() if index.legacy_kind(c.qualified)}
            return own | spoken_aloud(files)

        files, errors = gather(paths, read, enter, legacy_names)
        for path, given in list(handed_on(files, cls(files, settings).module_named)):
            files[path] = read_again(read(path), files[path], given=given)
        index = cls(files, settings, errors)
        index.keep_in(kept)
        return index

    @property
    def origin(self) -> RepoIndex:
        """The index of the files as they were found; this one may know a new text of one.

        What is asked of the whole repository is asked here, and so worked out once.
        """
        return self.first or self

    @cached_property
    def classes(self) -> dict[str, ClassEntry]:
        """Every class by its qualified name."""
        return {entry.qualified: entry for file in self.files.values() for entry in file.classes}

    @cached_property
    def registrations(self) -> dict[str, Registration]:
        """Registrations by name; of two classes under one name, the one that is not for TF."""
        found: dict[str, Registration] = {}
        for entry in self._all_registrations:
            tf = entry.class_name is not None and self.framework(entry.class_name) == "tf"
            if entry.name not in found or not tf:
                found[entry.name] = entry
        return found

    @cached_property
    def _all_registrations(self) -> tuple[Registration, ...]:
        return tuple(entry for file in self.files.values() for entry in file.registrations)

    @cached_property
    def modules(self) -> dict[str, FileEntry]:
        """Files by the name under which they are imported."""
        return {file.module: file for file in self.files.values()}

    @cached_property
    def other_texts(self) -> dict[Path, bytes]:
        """The bytes of the files that are not in the index, experiments and large ones aside."""
        return texts_of(self.others)

    @cached_property
    def outside(self) -> frozenset[str]:
        """Attributes that some file reads, calls or sets on a model that is not `self`."""
        return frozenset().union(*(file.outside_calls for file in self.files.values()))

    @cached_property
    def set_outside(self) -> frozenset[str]:
        """Attributes that some file sets on a model that is not `self`."""
        return frozenset().union(*(file.outside_sets for file in self.files.values()))

    @cached_property
    def children(self) -> dict[str, set[str]]:
        """Classes of the repository that others of it name as a base, with those others."""
        found: dict[str, set[str]] = {}
        for entry in self.classes.values():
            for base in entry.bases:
                target = self.class_named(base)
                if target is not None:
                    found.setdefault(target.qualified, set()).add(entry.qualified)
        return found

    @cached_property
    def spoken(self) -> dict[Path, str]:
        """Names that imports have for modules: a package may stand on sys.path by itself."""
        if self.first:
            return self.first.spoken
        return most_said(self.files.values(), self.module_named)

    @cached_property
    def _spoken_folders(self) -> dict[Path, str]:
        """Packages as the importers of some file in a folder name them."""
        return {path.parent: name.rpartition(".")[0] for path, name in self.spoken.items()}

    def name_of(self, path: Path) -> str:
        """The name under which a file is imported, or would be like those beside it."""
        if path in self.spoken:
            return self.spoken[path]
        module = self.files[path].module
        around = self._spoken_folders.get(path.parent)
        return f"{around}.{module.rpartition('.')[2]}" if around else module

    @cached_property
    def constructed(self) -> frozenset[str]:
        """Classes of the repository that some file calls, tests and scripts aside."""
        return self._classes_in(set().union(*(f.constructed for f in self.files.values())))

    @cached_property
    def tried(self) -> frozenset[str]:
        """Classes of the repository that some test or script calls."""
        return self._classes_in(set().union(*(f.tried for f in self.files.values())))

    def _classes_in(self, names: Iterable[str]) -> frozenset[str]:
        found = (self.class_named(name) for name in names)
        return frozenset(entry.qualified for entry in found if entry is not None)

    @cached_property
    def built(self) -> dict[str, set[str]]:
        """Model classes that policies build in make_model(), with the names of those policies."""
        found: dict[str, set[str]] = {}
        for file in self.files.values():
            for name, policy in file.built:
                entry = self.class_named(name)
                if entry is not None:
                    found.setdefault(entry.qualified, set()).add(policy)
        return found

    def has_plain_observations(self, model: str) -> bool:
        """Whether every environment that a model is trained in has Boxes that stay as they are.

        Where the source does not say which model goes with which, all environments count.
        """
        trained = self.trained.get(model, set())
        if not trained or UNKNOWN in trained:
            trained = set().union(*(file.environments for file in self.files.values()))
        index: Any = self  # as in plan_for
        return bool(trained) and all(is_plain(index, environment) for environment in trained)

    @cached_property
    def trained(self) -> dict[str, set[str]]:
        """Models by class, with the environments that configs name for them."""
        found: dict[str, set[str]] = {}
        for model, environment in set().union(*(f.trained for f in self.files.values())):
            for name in self.registered([[model]]):
                found.setdefault(name, set()).add(environment)
        return found

    @cached_property
    def environment_classes(self) -> dict[str, str]:
        """Classes of environments by the names that they are registered under."""
        return dict(pair for file in self.files.values() for pair in file.environment_classes)

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """Folders that the imports of files that name environments start from."""
        return () if self.texts else roots_of(f for f in self.files.values() if f.environments)

    def registered(self, names: Iterable[Iterable[str]]) -> frozenset[str]:
        """Qualified classes behind names under which configs know models, or their own names."""
        found: set[str] = set()
        for name in set().union(*names):
            behind = [entry.class_name for entry in self._all_registrations if entry.name == name]
            for target in behind or [name]:
                entry = self.class_named(target) if target else None
                found.add(entry.qualified if entry else target or "")
        return frozenset(found - {""})

    def class_named(self, qualified: str) -> ClassEntry | None:
        """Find a class of the repository, following re-exports and relative imports."""
        if qualified not in self._followed:
            self._followed[qualified] = self._follow(qualified, frozenset())
        return self._followed[qualified]

    @cached_property
    def _followed(self) -> dict[str, ClassEntry | None]:
        return {}

    def bases_of(self, qualified: str) -> Iterator[str]:
        """Every base, nearest first: classes of the repository, then names from elsewhere."""
        seen: set[str] = set()
        stack = [qualified]
        while stack:
            name = stack.pop(0)
            entry = self.class_named(name)
            for base in entry.bases if entry else ():
                found = self.class_named(base)
                target = found.qualified if found else base
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
                    yield target

    def legacy_kind(self, qualified: str) -> str | None:
        """Say what a class is, by itself or by any of its bases: "model", "policy" and so on."""
        if qualified not in self._kinds:
            self._kinds[qualified] = self._kind_of(qualified)
        return self._kinds[qualified]

    @cached_property
    def _kinds(self) -> dict[str, str | None]:
        return {}

    def _kind_of(self, qualified: str) -> str | None:
        entry = self.class_named(qualified)
        if entry is None:
            return ray_kind(qualified)
        for base in self.bases_of(entry.qualified):
            kind = ray_kind(base)
            if kind is not None:
                return kind
        return None

    def framework(self, qualified: str) -> str | None:
        """Tell torch from TF for a legacy class; None where neither shows."""
        for base in (qualified, *self.bases_of(qualified)):
            found = ray_framework(base) if ray_kind(base) else None
            if found is not None:
                return found
        return None

    def source_of(self, path: Path) -> SourceFile:
        """Take a file of the index from memory, or from the texts it was made of, or read it."""
        source = self.kept.get(path)
        if source is None:
            raw = self.texts.get(path)
            source = SourceFile(path, raw) if raw is not None else SourceFile.read(path)
            self.kept.add(source)
        return source

    def keep_in(self, kept: KeptSources) -> None:
        """Take files from `kept`, and leave there those that are read."""
        self.__dict__["kept"] = kept

    def plan_for(self, qualified: str) -> ModelPlan | None:
        """Plan what becomes of a model class of the repository; None for any other class."""
        from rlmigrate.migrate.strategy import plan_model

        entry = self.class_named(qualified)
        if entry is None or self.legacy_kind(entry.qualified) != "model":
            return None
        if self.first and self.files.get(entry.path) is self.first.files.get(entry.path):
            return self.first.plan_for(entry.qualified)
        if entry.qualified not in self._plans:
            # pyright reads this file under two paths and takes its class for two classes.
            index: Any = self
            self._plans[entry.qualified] = plan_model(index, entry)
        return self._plans[entry.qualified]

    def __getstate__(self) -> dict[str, Any]:
        # Trees and plans stay in the process that made them.
        kept_back = ("kept", "_plans", "studies", "other_texts")
        return {key: value for key, value in self.__dict__.items() if key not in kept_back}

    @cached_property
    def kept(self) -> KeptSources:
        """The files that were read last, so that index, rules and plans share one parse of each."""
        return KeptSources()

    @cached_property
    def studies(self) -> dict[ast.ClassDef, Any]:
        """What was understood of classes already, by their node; filled by `study_class`."""
        return {}

    @cached_property
    def readings(self) -> dict[ast.ClassDef, Any]:
        """What each class says by itself, by its node; filled by `study_class`."""
        return {}

    @cached_property
    def _plans(self) -> dict[str, ModelPlan]:
        return {}

    @cached_property
    def _by_last_part(self) -> dict[str, list[tuple[tuple[str, ...], FileEntry]]]:
        table: dict[str, list[tuple[tuple[str, ...], FileEntry]]] = {}
        for path, file in self.files.items():
            parts = path.with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if parts:
                table.setdefault(parts[-1], []).append((parts, file))
        return table

    def module_named(self, name: str) -> FileEntry | None:
        """Find the file behind a module name, by its name or by the end of its path if unique."""
        if name in self.modules:
            return self.modules[name]
        wanted = tuple(name.split("."))
        found = [
            file
            for parts, file in self._by_last_part.get(wanted[-1], ())
            if parts[-len(wanted) :] == wanted
        ]
        return found[0] if len(found) == 1 else None

    def _follow(self, qualified: str, seen: frozenset[str]) -> ClassEntry | None:
        if qualified in self.classes:
            return self.classes[qualified]
        if qualified in seen:
            return None
        seen |= {qualified}
        module, _, name = qualified.rpartition(".")
        file = self.module_named(module) if module else None
        if file is None:
            return None
        direct = self.classes.get(f"{file.module}.{name}")
        if direct is not None:
            return direct
        target = file.imports.names.get(name)
        if target is not None and target != qualified:
            return self._follow(target, seen)
        for star in file.imports.stars:
            found = self._follow(f"{star}.{name}", seen)
            if found is not None:
                return found
        return None
