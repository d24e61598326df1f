"""All policy classes of one file, with their plans and what was written.

StudiedPolicy       one class
studied_policies    those of a file
becomes_native      whether a policy class becomes an RLModule of its own
policy_layers       the layers that the native policies of a file need
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.emit.moves import removals
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.native import Native, native_policy
from rlmigrate.migrate.policies.networkless import networkless_policy
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.reading import PolicyFacts, PolicyPlan, policy_plan, read_policy
from rlmigrate.migrate.policies.words import OLD_DISTRIBUTIONS
from rlmigrate.migrate.source import SourceFile


@dataclass(frozen=True)
class StudiedPolicy:
    """One policy class of a file, understood and planned; `native` is its new text, if any.

    `moves` are edits on the file's imports that all native policies share.
    """

    file: FileEntry
    node: ast.ClassDef
    facts: PolicyFacts
    plan: PolicyPlan
    native: Native | None = None
    moves: tuple[Edit, ...] = ()


@lru_cache(maxsize=8)
def studied_policies(source: SourceFile, index: RepoIndex) -> tuple[StudiedPolicy, ...]:
    """Understand every policy class of a file that inherits from one of RLlib's."""
    file = index.files.get(source.path)
    if file is None:
        return ()
    entries = {
        entry.line: entry
        for entry in file.classes
        if entry.qualified not in file.wrapped and index.legacy_kind(entry.qualified) == "policy"
    }
    found = []
    for node in source.nodes(ast.ClassDef) if entries else ():
        if node.lineno in entries:
            facts = read_policy(index, entries[node.lineno], node)
            found.append(StudiedPolicy(file, node, facts, policy_plan(facts)))
    return tuple(_written(source, index, found))


def _written(
    source: SourceFile, index: RepoIndex, found: list[StudiedPolicy]
) -> list[StudiedPolicy]:
    """Write what can be native; once to see which can, and again knowing what else is in use."""
    first = [_attempt(source, index, each, frozenset()) for each in found]
    nodes = [each.node for each in first if each.native is not None]
    if not nodes:
        return first
    old = _old_distributions(source, found[0].file)
    staying = old & _used_outside(source, nodes)
    moves = tuple(removals(source, old - staying))
    taken = _bound(source) - (old - staying)
    done = [_attempt(source, index, each, frozenset(taken)) for each in found]
    return [
        StudiedPolicy(each.file, each.node, each.facts, each.plan, each.native, moves)
        for each in done
    ]


def _attempt(
    source: SourceFile, index: RepoIndex, policy: StudiedPolicy, taken: frozenset[str]
) -> StudiedPolicy:
    """Write one class natively where its plan is to run on as it is."""
    if policy.plan.outcome is not Outcome.BRIDGED:
        return policy
    from rlmigrate.migrate.emit.file import layers_module

    settings = index.settings
    names = Names(
        target=settings.target,
        layers_module=layers_module(index, policy.file, settings),
        taken=taken,
        ray_version=settings.ray_version,
    )
    file, node = policy.file, policy.node
    try:
        if policy.facts.networkless:
            native = networkless_policy(source, file, node, names)
        else:
            native = native_policy(source, file, index, node, names, distributions={})
    except NotMovable as problem:
        return StudiedPolicy(file, node, policy.facts, PolicyPlan(Outcome.BRIDGED, str(problem)))
    plan = PolicyPlan(Outcome.NATIVE, f"is an RLModule on {native.base}")
    return StudiedPolicy(file, node, policy.facts, plan, native)


def _old_distributions(source: SourceFile, file: FileEntry) -> set[str]:
    """Local names of the old stack's distributions that the file imports at its top."""
    return {
        alias.asname or alias.name
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (file.imports.resolve(alias.asname or alias.name) or "").startswith(OLD_DISTRIBUTIONS)
    }


def _used_outside(source: SourceFile, nodes: list[ast.ClassDef]) -> set[str]:
    inside = {id(each) for node in nodes for each in ast.walk(node)}
    return {name.id for name in source.nodes(ast.Name) if id(name) not in inside}


def _bound(source: SourceFile) -> set[str]:
    bound = {each.name for each in source.nodes(ast.ClassDef)}
    bound |= {each.name for each in source.nodes(ast.FunctionDef)}
    for node in source.nodes(ast.Import):
        bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
    for statement in source.nodes(ast.ImportFrom):
        bound |= {alias.asname or alias.name for alias in statement.names}
    return bound | {n.id for n in source.nodes(ast.Name) if isinstance(n.ctx, ast.Store)}


def becomes_native(index: RepoIndex, qualified: str) -> bool:
    """Tell whether a policy class of the repository becomes an RLModule without a bridge."""
    entry = index.class_named(qualified)
    if entry is None:
        return False
    return any(
        policy.node.lineno == entry.line and policy.plan.outcome is Outcome.NATIVE
        for policy in studied_policies(index.source_of(entry.path), index)
    )


def policy_layers(source: SourceFile, index: RepoIndex) -> frozenset[str]:
    """The layers that the native policies of one file need."""
    natives = [policy.native for policy in studied_policies(source, index)]
    return frozenset().union(*(native.layers for native in natives if native is not None))
