"""Policies that learn in their own way, by class or by builder, and what is written beside them.

Learned         one of them
learned_in      those of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.learners.words import CODE, Place
from rlmigrate.migrate.learners.writing import Hooks, Skeleton, write_learner
from rlmigrate.migrate.policies.builders import builder_calls
from rlmigrate.migrate.policies.study import studied_policies
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in

METHODS = {
    "loss": Place.LOSS,
    "optimizer": Place.OPTIMIZER,
    "postprocess_trajectory": Place.EPISODES,
}
ARGUMENTS = {
    "loss_fn": Place.LOSS,
    "optimizer_fn": Place.OPTIMIZER,
    "postprocess_fn": Place.EPISODES,
}


@dataclass(frozen=True)
class Learned:
    """A policy at a line, the classes written for it, and the edit that puts them there."""

    name: str
    line: int
    skeleton: Skeleton
    edits: tuple[Edit, ...]


@lru_cache(maxsize=8)
def learned_in(source: SourceFile, index: RepoIndex) -> tuple[Learned, ...]:
    """Write a Learner for each policy of a file that lacks one; torch on Ray only."""
    file = index.files.get(source.path)
    if file is None or index.settings.target != "ray":
        return ()
    there = {node.name for node in source.nodes(ast.ClassDef)}
    found = [*_classes(source, index), *_builders(source, file)]
    result = []
    for name, line, base, hooks, after in found:
        if {f"{name}Learner", f"{name}Connector"} & there:
            continue
        names = Names("ray", "", ray_version=index.settings.ray_version)
        skeleton = write_learner(source, file, names, policy=name, base=base, hooks=hooks)
        if skeleton.text:
            result.append(Learned(name, line, skeleton, (_placed(source, after, skeleton),)))
    return tuple(result)


Found = tuple[str, int, str, Hooks, ast.stmt]


def _classes(source: SourceFile, index: RepoIndex) -> Iterator[Found]:
    for policy in studied_policies(source, index):
        facts = policy.facts
        if not facts.learning or facts.framework != "torch" or indent_of(source, policy.node):
            continue
        methods = {m.name: m for m in policy.node.body if isinstance(m, ast.FunctionDef)}
        hooks = {METHODS[name]: methods[name] for name in METHODS if name in methods}
        if not hooks:
            continue
        called = _called(list(hooks.values()), methods)
        helpers = tuple(methods[name] for name in called if methods[name] not in hooks.values())
        yield facts.name, facts.line, facts.base, Hooks(hooks, helpers), policy.node


def _called(functions: list[ast.FunctionDef], methods: dict[str, ast.FunctionDef]) -> list[str]:
    """Methods of the class that some of its methods call, and those that these call."""
    found: list[str] = []
    waiting = list(functions)
    while waiting:
        for node in nodes_in(waiting.pop()):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "self"
                and node.attr in methods
                and node.attr not in {*found, *METHODS, "__init__"}
            ):
                found.append(node.attr)
                waiting.append(methods[node.attr])
    return found


def _builders(source: SourceFile, file: FileEntry) -> Iterator[Found]:
    functions = {f.name: f for f in source.tree.body if isinstance(f, ast.FunctionDef)}
    for call in builder_calls(source, file):
        if call.framework != "torch" or call.statement not in source.tree.body:
            continue
        hooks, elsewhere = {}, []
        for argument, place in ARGUMENTS.items():
            value = call.own.get(argument)
            if not isinstance(value, ast.Name):
                continue
            if value.id in functions:
                hooks[place] = functions[value.id]
            elif file.imports.names.get(value.id, "").startswith("ray."):
                continue  # the Learner has Ray's own
            else:
                elsewhere.append((argument, value.id))
        if hooks or elsewhere:
            found = Hooks(hooks, (), tuple(elsewhere))
            yield call.name, call.line, call.base, found, call.statement


def _placed(source: SourceFile, after: ast.stmt, skeleton: Skeleton) -> Edit:
    end = source.line_span(after.end_lineno or after.lineno, after.end_lineno or after.lineno).end
    lead = "" if source.text[end - 1 : end] in "\r\n" else "\n"
    return Edit(Span(end, end), f"{lead}\n\n{skeleton.text}", CODE)
