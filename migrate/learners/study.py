"""What is written for the policies of a file that learn in their own way.

Learned         one of them
learned_in      those of a file
learner_layers  the layers that their Learners need
module_methods  methods that the modules of a repository have
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.learners.elsewhere import connector_name, lent_by
from rlmigrate.migrate.learners.policies import LearningPolicy, learning_policies
from rlmigrate.migrate.learners.trainers import trainers_in
from rlmigrate.migrate.learners.words import CODE
from rlmigrate.migrate.learners.writing import Skeleton, write_learner, write_lent
from rlmigrate.migrate.policies.old_imports import bound_names
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import attributes_set, self_attribute


@dataclass(frozen=True)
class Learned:
    """A policy at a line, the classes written for it, and the edits that put them there.

    `complete` tells that they say all that the policy said, so that it goes; `needed_by` names
    who still uses it, so that it stays beside them.
    """

    name: str
    line: int
    base: str
    skeleton: Skeleton
    edits: tuple[Edit, ...]
    complete: bool = False
    needed_by: str = ""


@lru_cache(maxsize=8)
def learned_in(source: SourceFile, index: RepoIndex) -> tuple[Learned, ...]:
    """Write a Learner for each policy of a file that lacks one; torch on Ray only."""
    from rlmigrate.migrate.emit.file import layers_module

    file = index.files.get(source.path)
    if file is None or index.settings.target != "ray" or b"rllib" not in source.raw:
        return ()
    there = {node.name: node for node in source.nodes(ast.ClassDef)}
    of_modules = module_methods(index.origin)
    result = []
    for policy in learning_policies(source, index):
        names = Names(
            "ray",
            layers_module(index, file, index.settings),
            taken=frozenset(bound_names(source)),
            ray_version=index.settings.ray_version,
        )
        skeleton = write_learner(source, file, names, policy, of_modules=of_modules)
        before = [there[name] for name in skeleton.names if name in there]
        if before and "TODO(rlmigrate" in "".join(source.segment(each) for each in before):
            continue
        complete = not skeleton.problems
        if not skeleton.text or (before and not complete):
            continue
        needed_by = _needed_by(source, index, policy) if complete else ""
        edits: list[Edit] = []
        if complete and not needed_by:
            edits = replaced(source, policy.node, policy.nodes, "" if before else skeleton.text)
        elif not before:
            edits = [_placed(source, policy.node, skeleton)]
        result.append(
            Learned(
                policy.name, policy.line, policy.base, skeleton, tuple(edits), complete, needed_by
            )
        )
    result += _lent_in(source, index, of_modules, frozenset(there))
    return tuple(result)


def _lent_in(
    source: SourceFile, index: RepoIndex, of_modules: frozenset[str], there: frozenset[str]
) -> list[Learned]:
    """Write a connector for each function that policies of other files change their samples by."""
    from rlmigrate.migrate.emit.file import layers_module

    file = index.files[source.path]
    result = []
    for lent in lent_by(index, source.path):
        user, path, _ = lent.policies[0]
        policies = learning_policies(index.source_of(path), index)
        policy = next((each for each in policies if each.name == user), None)
        if policy is None or f"{connector_name(lent.function)}Connector" in there:
            continue
        names = Names(
            "ray",
            layers_module(index, file, index.settings),
            taken=frozenset(bound_names(source)),
            ray_version=index.settings.ray_version,
        )
        skeleton = write_lent(source, file, names, policy, lent, of_modules=of_modules)
        if skeleton is not None:
            edit = _placed(source, lent.function, skeleton)
            line = lent.function.lineno
            name = f"{lent.function.name}()"
            whole = not skeleton.problems
            result.append(Learned(name, line, policy.base, skeleton, (edit,), whole))
    return result


def learner_layers(source: SourceFile, index: RepoIndex) -> frozenset[str]:
    """The layers that the Learners of a file need."""
    return frozenset().union(*(each.skeleton.layers for each in learned_in(source, index)))


@lru_cache(maxsize=8)
def module_methods(index: RepoIndex) -> frozenset[str]:
    """Methods of native models that compute from their arguments alone, and parts of models."""
    found: set[str] = set()
    for entry in index.classes.values():
        if index.legacy_kind(entry.qualified) != "model":
            continue
        plan = index.plan_for(entry.qualified)
        if plan is None or plan.outcome is not Outcome.NATIVE:
            continue
        source = index.source_of(entry.path)
        nodes = [n for n in source.nodes(ast.ClassDef) if n.lineno == entry.line]
        for node in nodes:
            methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
            parts = {name for m in methods if m.name == "__init__" for name in attributes_set(m)}
            own = parts | {m.name for m in methods}
            kept = {name for m in methods if m.name != "__init__" for name in attributes_set(m)}
            found |= parts - kept
            found |= {
                m.name
                for m in methods
                if len(m.args.args) > 1 and not m.name.startswith("__") and _reads(m) <= own - kept
            }
    return frozenset(found - {"forward", "value_function"})


def _reads(method: ast.FunctionDef) -> set[str]:
    return {name for each in nodes_in(method) if (name := self_attribute(each))}


def _needed_by(source: SourceFile, index: RepoIndex, policy: LearningPolicy) -> str:
    """Who uses a policy besides itself and trainers that are rewritten: a place, or nothing."""
    nodes = [*policy.nodes]
    for trainer in trainers_in(source, index):
        if trainer.policy == policy.name:
            nodes += [*trainer.parts, *([] if trainer.config else [trainer.node])]
    own = {id(each) for node in nodes for each in nodes_in(node)}
    for name in source.nodes(ast.Name):
        if name.id == policy.name and id(name) not in own:
            return f"line {name.lineno}"
    word = policy.name.encode()
    for file in index.files.values():
        if file.path == source.path or word not in index.source_of(file.path).raw:
            continue
        imported = {
            target.rpartition(".")[2]
            for target in file.imports.names.values()
            if not target.startswith("ray.")
        }
        attributes = index.source_of(file.path).nodes(ast.Attribute)
        if policy.name in imported or any(each.attr == policy.name for each in attributes):
            return file.path.name
    return ""


def replaced(source: SourceFile, at: ast.stmt, nodes: Sequence[ast.stmt], text: str) -> list[Edit]:
    """Put new classes in the place of a statement, and take away what only `nodes` used.

    Imports that nothing needs any more are seen to by the engine.
    """
    inside = {id(each) for node in nodes for each in nodes_in(node)}
    uses: dict[str, set[int]] = {}
    for name in source.nodes(ast.Name):
        uses.setdefault(name.id, set()).add(id(name))
    gone = [
        node
        for node in nodes
        if node is not at
        and (not isinstance(node, ast.FunctionDef) or uses.get(node.name, set()) <= inside)
    ]
    lead = _missing_blank_lines(source, at, gone) if text else ""
    edits = [Edit(_with_blank_lines(source, node), "", CODE) for node in gone]
    new = lead + text.rstrip("\n") + "\n" if text else ""
    return [Edit(_whole(source, at), new, CODE), *edits]


def _missing_blank_lines(source: SourceFile, at: ast.stmt, gone: Sequence[ast.stmt]) -> str:
    """Line ends that a class needs before it, where statements above it go."""
    body = source.tree.body
    first = body.index(at)
    while first and body[first - 1] in gone:
        first -= 1
    before = source.text[: _whole(source, body[first]).start]
    blank = before[len(before.rstrip()) :].count("\n") - 1
    return "\n" * max(2 - blank, 0) if before.strip() else ""


def _whole(source: SourceFile, node: ast.stmt) -> Span:
    decorators: Iterable[ast.expr] = getattr(node, "decorator_list", [])
    first = min([d.lineno for d in decorators], default=node.lineno)
    return source.line_span(first, node.end_lineno or node.lineno)


def _with_blank_lines(source: SourceFile, node: ast.stmt) -> Span:
    """The lines of a statement and the blank ones after it."""
    start, end = _whole(source, node)
    rest = source.text[end:]
    return Span(start, end + len(rest) - len(rest.lstrip("\r\n")))


def _placed(source: SourceFile, after: ast.stmt, skeleton: Skeleton) -> Edit:
    end = source.line_span(after.end_lineno or after.lineno, after.end_lineno or after.lineno).end
    lead = "" if source.text[end - 1 : end] in "\r\n" else "\n"
    return Edit(Span(end, end), f"{lead}\n\n{skeleton.text}", CODE)
