"""Which models a repository trains with settings that change what a model class computes.

Set            a setting as one place gives it: of which model, and its value
settings_in    the settings of a Python file
all_settings   those of a repository
models_with    the classes of a repository that may be trained with a setting
named_with     those that a config names beside a setting
likely_with    those that a file configures alone which sets it by itself
preprocesses   whether RLlib's preprocessors stand before a model
knowing        the files that a class is defined in or imported to

A config is seldom one expression: models are named in YAML files, settings assigned by subscript,
names passed on the command line. Where a setting's model is not said, every model counts that the
file configures, and every model of the repository where it configures none.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rlmigrate.migrate.index.environments import UNKNOWN
from rlmigrate.migrate.source import SourceFile

if TYPE_CHECKING:
    from rlmigrate.migrate.index.entries import ClassEntry, FileEntry
    from rlmigrate.migrate.index.repo import RepoIndex

CUSTOM_DIST = "custom_action_dist"
WRAPPERS = ("use_lstm", "use_attention")
#: Settings that let a wrapper see earlier steps.
PREVIOUS = (
    *("lstm_use_prev_action", "lstm_use_prev_reward"),
    *("attention_use_n_prev_actions", "attention_use_n_prev_rewards"),
)
SETTINGS = (CUSTOM_DIST, *WRAPPERS, *PREVIOUS)
#: Stands for the model of a config that names none.
DEFAULT_NET = ""
#: Stands for a config that names a model and leaves its distribution to RLlib, or may do so.
NO_DIST = "no custom_action_dist"
NAMES = ("custom_model", *SETTINGS)
DOCUMENTS = (".yaml", ".yml", ".json")


class Set(NamedTuple):
    """A setting of a model; UNKNOWN stands for a model or a value that only a run would tell."""

    model: str
    setting: str
    value: str


def settings_in(source: SourceFile, name_of: Callable[[ast.expr], str]) -> Iterator[Set]:
    """Yield what dicts, `dict()` calls, keywords and assignments by subscript set.

    `name_of` gives the text or the qualified name of an expression, else UNKNOWN.
    """
    if source.said.isdisjoint(NAMES):
        return
    later: list[dict[Any, ast.expr]] = [
        {target.slice.value: assigned.value}
        for assigned in source.nodes(ast.Assign)
        for target in assigned.targets
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant)
    ]
    whole: list[dict[Any, ast.expr]] = []
    for call in source.nodes(ast.Call):
        entries: dict[Any, ast.expr] = {k.arg: k.value for k in call.keywords}
        if isinstance(call.func, ast.Name) and call.func.id == "dict":
            whole.append(entries)
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "update":
            later.append(entries)
        else:  # a use_lstm=True that any other call is given is no key of RLlib's
            later.append({k: v for k, v in entries.items() if k not in (*WRAPPERS, *PREVIOUS)})
    for written in source.nodes(ast.Dict):
        keys = (k.value if isinstance(k, ast.Constant) else None for k in written.keys)
        whole.append(dict(zip(keys, written.values, strict=True)))
    named_later = any("custom_model" in entries for entries in later)
    for entries in whole:
        yield from _entries(entries, name_of, UNKNOWN if named_later else DEFAULT_NET)
    for entries in later:
        yield from _entries(entries, name_of, UNKNOWN)


def _entries(
    entries: dict[Any, ast.expr], name_of: Callable[[ast.expr], str], wrapped: str
) -> Iterator[Set]:
    """Yield what one place sets; `wrapped` is what a wrapper is put around that names no model."""
    model = entries.get("custom_model")
    for setting in SETTINGS:
        value = entries.get(setting)
        if value is not None and not (isinstance(value, ast.Constant) and not value.value):
            other = UNKNOWN if setting == CUSTOM_DIST else wrapped
            yield Set(name_of(model) if model is not None else other, setting, name_of(value))
    given = entries.get(CUSTOM_DIST)
    left = given is None or (isinstance(given, ast.Constant) and not given.value)
    unset = isinstance(model, ast.Constant) and model.value is None
    if model is not None and not unset and (left or None in entries):
        yield Set(name_of(model), NO_DIST, "")


def all_settings(index: RepoIndex) -> frozenset[Set]:
    """What a repository's files set, experiment files among them.

    Which models those leave as they are is looked up only where some file sets a distribution.
    """
    given: list[frozenset[Any]] = [file.model_settings for file in index.files.values()]
    found = _said_in_documents(index, SETTINGS).union(*given)
    if any(each.setting == CUSTOM_DIST for each in found):
        return found | _said_in_documents(index, NAMES)
    return found


@lru_cache(maxsize=32)
def models_with(index: RepoIndex, *settings: str) -> frozenset[str]:
    """Name the classes that may be trained with one of some settings."""
    found: set[str] = set()
    for file in index.files.values():
        given = [each for each in file.model_settings if each.setting in settings]
        models = {each.model for each in given}
        if UNKNOWN in models:
            models |= {model for model, _ in file.trained} or {UNKNOWN}
            models -= {UNKNOWN} if len(models) > 1 else set()
        found |= models
    said = _said_in_documents(index, SETTINGS)
    found |= {each.model for each in said if each.setting in settings}
    if CUSTOM_DIST in settings and _unused_dists(index, said):
        named = {model for file in index.files.values() for model, _ in file.trained}
        return index.registered([found]) | (_all_models(index) - index.registered([named]))
    if UNKNOWN in found:
        return _all_models(index)
    return index.registered([found])


@lru_cache(maxsize=32)
def named_with(index: RepoIndex, setting: str) -> frozenset[str]:
    """Name the classes that a config names beside a setting, whatever it sets it to."""
    files = (file.model_settings for file in index.files.values())
    given = _said_in_documents(index, SETTINGS).union(*files)
    return index.registered([{each.model for each in given if each.setting == setting}])


@lru_cache(maxsize=32)
def likely_with(index: RepoIndex, setting: str) -> frozenset[str]:
    """Name the classes that a file configures alone, which gives a setting to a model unnamed."""
    found: set[str] = set()
    for file in index.files.values():
        models = {model for model, _ in file.trained}
        unnamed = any(s.setting == setting and s.model == UNKNOWN for s in file.model_settings)
        found |= models if unnamed and len(models) == 1 else set()
    return index.registered([found])


def preprocesses(index: RepoIndex, model: str) -> bool | None:
    """Whether the old stack's preprocessors stood before a model; None for now and then.

    The files count that name the model in a config, or else those that import it.
    """
    own = index.class_named(model)
    files = index.files.values()
    naming = [f for f in files if any(model in index.registered([[m]]) for m, _ in f.trained)]
    if not naming and own is not None:
        naming = list(knowing(index, own))
    ways = {file.preprocesses for file in naming}
    return None if len(ways) > 1 else ways != {False}


def knowing(index: RepoIndex, entry: ClassEntry) -> Iterator[FileEntry]:
    """Yield the files that define or import a class, in the order of the index."""
    paths = {entry.path, *_importers(index).get(entry, ())}
    return (file for file in index.files.values() if file.path in paths)


@lru_cache(maxsize=8)
def _importers(index: RepoIndex) -> Mapping[ClassEntry, set[Path]]:
    found: dict[ClassEntry, set[Path]] = {}
    for file in index.files.values():
        for target in file.imports.names.values():
            entry = index.class_named(target)
            if entry is not None:
                found.setdefault(entry, set()).add(file.path)
    return found


def _all_models(index: RepoIndex) -> frozenset[str]:
    known = [each.name for file in index.files.values() for each in file.registrations]
    return index.registered([known])


def _unused_dists(index: RepoIndex, said: frozenset[Set]) -> bool:
    """Say whether a distribution is registered that no config in sight names."""
    used = {each.value for file in index.files.values() for each in file.model_settings}
    used |= {each.value for each in said}
    if UNKNOWN in used:
        return False
    registered = [each for file in index.files.values() for each in file.registrations]
    return any(each.kind == "action_dist" and each.name not in used for each in registered)


@lru_cache(maxsize=8)
def _said_in_documents(index: RepoIndex, names: tuple[str, ...]) -> frozenset[Set]:
    """Settings of experiment files that have one of some names in them.

    Files that cannot be read are reported where they are done.
    """
    found: set[Set] = set()
    for path in index.others:
        if path.suffix in DOCUMENTS:
            for mapping in _mappings(_loaded(path, names)):
                model = str(mapping.get("custom_model") or UNKNOWN)
                for setting in SETTINGS:
                    if mapping.get(setting):
                        wrapped = setting != CUSTOM_DIST and model == UNKNOWN
                        of = DEFAULT_NET if wrapped else model
                        found.add(Set(of, setting, str(mapping[setting])))
                if model != UNKNOWN and not mapping.get(CUSTOM_DIST):
                    found.add(Set(model, NO_DIST, ""))
    return frozenset(found)


def _loaded(path: Path, names: tuple[str, ...]) -> object:
    try:
        raw = path.read_bytes()
        if not any(name.encode() in raw for name in names):
            return None
        if path.suffix == ".json":
            return json.loads(raw)
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except (OSError, ValueError):
        return None
    try:
        return list(YAML(typ="safe", pure=True).load_all(raw))
    except YAMLError:
        return None


def _mappings(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _mappings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)
