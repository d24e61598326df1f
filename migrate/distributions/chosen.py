"""Which models are always trained with one distribution of the repository, by what configs say.

chosen_distribution     that of a model, if it has one
names_its_distribution  whether the module behind a model names it by itself
naming_of               how the model's file names it
sharers                 the other models that are trained with the distribution of one
choosers                models by the distribution that they are trained with
is_registered_by        whether a name is only what a registration or a config is given
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from rlmigrate.migrate.distributions.naming import NO_NAME, Naming
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.configured import (
    CUSTOM_DIST,
    DOCUMENTS,
    NO_DIST,
    all_settings,
)
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.index.environments import UNKNOWN
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.source import SourceFile

REGISTER = "register_custom_action_dist"
NAMES = ("custom_model", CUSTOM_DIST)
PROSE = (".md", ".rst")


def chosen_distribution(index: RepoIndex, model: str) -> ClassEntry | None:
    """The distribution that a model class is always trained with and that can move with it.

    None where a config names another one or none, where a config does not say its model or its
    distribution, and where the model's file cannot import the class.
    """
    name = _chosen(index).get(model)
    return index.class_named(name) if name else None


def names_its_distribution(index: RepoIndex, model: str | None) -> bool:
    """Say whether the module behind a model sets `action_dist_cls`, so that no config has to."""
    found = index.class_named(model) if model else None
    if found is None or chosen_distribution(index, found.qualified) is None:
        return False
    plan = index.plan_for(found.qualified)
    return plan is not None and plan.outcome is Outcome.NATIVE


def naming_of(index: RepoIndex, model: str) -> Naming:
    """How a model's file names its distribution; empty where it has none."""
    from rlmigrate.migrate.distributions.choice import written_alone

    dist = chosen_distribution(index, model)
    written = written_alone(index, dist) if dist is not None else None
    if dist is None or written is None:
        return NO_NAME
    owner = index.classes[model]
    name = _local_name(index, owner, dist)
    there = owner.path == dist.path or name in index.files[owner.path].imports.names
    text = name + written.named.removeprefix(dist.name)
    return Naming("" if there else index.name_of(dist.path), name, text, written.asks is not None)


def sharers(index: RepoIndex, model: str) -> tuple[str, ...]:
    """Other models that are trained with the distribution of one."""
    dist = _chosen(index).get(model)
    return tuple(each for each in choosers(index).get(dist, ()) if each != model) if dist else ()


@lru_cache(maxsize=8)
def choosers(index: RepoIndex) -> Mapping[str, tuple[str, ...]]:
    """Models by the distribution that goes with them."""
    found: dict[str, list[str]] = {}
    for model, dist in _chosen(index).items():
        found.setdefault(dist, []).append(model)
    return {dist: tuple(sorted(models)) for dist, models in found.items()}


def is_registered_by(node: ast.expr, holder: ast.AST | None) -> bool:
    """Say whether a name is handed to a registration, or to a config as its distribution."""
    if isinstance(holder, ast.Call):
        return node in holder.args and (dotted(holder.func) or "").endswith(REGISTER)
    if isinstance(holder, ast.Dict):
        key = holder.keys[holder.values.index(node)] if node in holder.values else None
        return isinstance(key, ast.Constant) and key.value == CUSTOM_DIST
    return isinstance(holder, ast.keyword) and holder.arg == CUSTOM_DIST


@lru_cache(maxsize=8)
def _chosen(index: RepoIndex) -> Mapping[str, str]:
    said: dict[str, set[str]] = {}
    for each in all_settings(index):
        if each.setting in (CUSTOM_DIST, NO_DIST):
            said.setdefault(each.model, set()).add(
                each.value if each.setting == CUSTOM_DIST else UNKNOWN
            )
    named = set().union(*said.values()) - {UNKNOWN}
    if not named or UNKNOWN in said or _is_set_otherwise(index):
        return {}
    known: dict[str, set[str]] = {}
    for name, values in said.items():
        models = _behind(index, name, "model")
        if UNKNOWN in models and "." in name and not name.startswith("ray."):
            return {}  # a constant or an argument that may stand for any model
        for model in models:
            known.setdefault(model, set()).update(
                *({UNKNOWN} if v == UNKNOWN else _behind(index, v, "action_dist") for v in values)
            )
    single = {model: next(iter(dists)) for model, dists in known.items() if len(dists) == 1}
    apart = {dist for dists in known.values() if len(dists) > 1 for dist in dists}
    apart |= {dist for model, dist in single.items() if not _go_together(index, model, dist)}
    return {model: dist for model, dist in single.items() if dist not in apart}


def _behind(index: RepoIndex, name: str, kind: str) -> set[str]:
    """Classes behind a name that configs use, UNKNOWN for what is none of the repository."""
    files = index.files.values()
    if any(e.kind == kind for file in files for e in file.computed_registrations):
        return {UNKNOWN}
    entries = [e for file in files for e in file.registrations if (e.name, e.kind) == (name, kind)]
    found = [index.class_named(n or "") for n in ([e.class_name for e in entries] or [name])]
    return {each.qualified if each is not None else UNKNOWN for each in found}


def _is_set_otherwise(index: RepoIndex) -> bool:
    """Say whether code reads, sets or takes away the setting other than in a dict.

    Of files that are not in the index, any mention counts: a helper's dict, a shell script.
    """
    for path, raw in index.other_texts.items():
        if path.suffix not in (*DOCUMENTS, *PROSE) and any(name.encode() in raw for name in NAMES):
            return True
    for file in index.files.values():
        source = index.source_of(file.path)
        if CUSTOM_DIST.encode() not in source.raw:
            continue
        for node in source.nodes(ast.Constant):
            if node.value == CUSTOM_DIST:
                holder = source.parents.get(node)
                if not isinstance(holder, ast.Dict) or node not in holder.keys:
                    return True
        if any(node.attr == CUSTOM_DIST for node in source.nodes(ast.Attribute)):
            return True
    return False


def _go_together(index: RepoIndex, model: str, dist: str) -> bool:
    """Say whether a model class can name a distribution class by itself."""
    from rlmigrate.migrate.distributions.choice import stands_alone
    from rlmigrate.migrate.distributions.fitting import fits

    owner, entry = index.class_named(model), index.class_named(dist)
    if owner is None or entry is None or owner.scope or entry.scope:
        return False
    if index.legacy_kind(model) != "model" or index.framework(model) != "torch":
        return False
    related = index.children.get(model) or any(map(index.class_named, owner.bases))
    if related or model in index.built or not _importable(index, owner, entry):
        return False
    return stands_alone(index, entry) and fits(index, owner, entry)


def _importable(index: RepoIndex, owner: ClassEntry, entry: ClassEntry) -> bool:
    """Say whether one file can import a class of another: without a circle, and as a library."""
    if owner.path == entry.path:
        return True
    if _reaches(index, entry.path, owner.path):
        return False
    return bool(_local_name(index, owner, entry)) and _only_defines(index.source_of(entry.path))


def _local_name(index: RepoIndex, owner: ClassEntry, entry: ClassEntry) -> str:
    """What the file of `owner` calls the class, or can call it; "" where that name is taken."""
    from rlmigrate.migrate.policies.old_imports import bound_names

    if owner.path == entry.path:
        return entry.name
    for local, target in index.files[owner.path].imports.names.items():
        if target.endswith(entry.name) and index.class_named(target) == entry:
            return local
    return "" if entry.name in bound_names(index.source_of(owner.path)) else entry.name


def _reaches(index: RepoIndex, start: Path, goal: Path) -> bool:
    """Say whether importing a file imports another, as far as the repository's files tell."""
    seen, left = {start}, [start]
    while left:
        imports = index.files[left.pop()].imports
        for target in (*imports.names.values(), *imports.stars):
            module = target
            while module:
                file = index.module_named(module)
                if file is not None and file.path not in seen:
                    seen.add(file.path)
                    left.append(file.path)
                module = module.rpartition(".")[0]
    return goal in seen


def _only_defines(source: SourceFile) -> bool:
    """Say whether importing a file runs nothing besides definitions and registrations."""
    defining = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)
    for node in source.tree.body:
        if isinstance(node, ast.Expr):
            call = node.value
            registers = isinstance(call, ast.Call) and (dotted(call.func) or "").endswith(REGISTER)
            if not registers and not isinstance(call, ast.Constant):
                return False
        elif isinstance(node, ast.If):
            if ast.unparse(node.test) not in {"__name__ == '__main__'", "TYPE_CHECKING"}:
                return False
        elif not isinstance(node, (*defining, ast.AnnAssign)):
            return False
    return True
