"""All policy classes of one file, with their plans and what was written.

StudiedPolicy       one class
studied_policies    those of a file
becomes_native      whether a policy class becomes an RLModule of its own
shared_imports      what rewritten classes of a file do to its imports
can_be_native       the same, if certain distributions were rewritten
policy_layers       the layers that the native policies of a file need
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Collection
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
from rlmigrate.migrate.policies.old_imports import bound_names, old_distributions, used_outside
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.reading import PolicyFacts, PolicyPlan, policy_plan, read_policy
from rlmigrate.migrate.policies.tensorflow import stuck, tf_plan
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
    first = _first_look(source, index)
    if not any(each.native is not None for each in first):
        return first
    from rlmigrate.migrate.distributions.choice import native_distributions

    moves, taken = shared_imports(source, index)
    native = native_distributions(index)
    done = [_attempt(source, index, each, taken, native) for each in first]
    return tuple(dataclasses.replace(each, moves=moves) for each in done)


@lru_cache(maxsize=8)
def _first_look(source: SourceFile, index: RepoIndex) -> tuple[StudiedPolicy, ...]:
    """See which classes can be written, whatever else the file binds."""
    from rlmigrate.migrate.distributions.choice import native_distributions

    found = _policies(source, index)
    if not any(each.plan.outcome is Outcome.BRIDGED for each in found):
        return tuple(found)
    native = native_distributions(index)
    return tuple(_attempt(source, index, each, frozenset(), native) for each in found)


def _policies(source: SourceFile, index: RepoIndex) -> list[StudiedPolicy]:
    file = index.files.get(source.path)
    if file is None:
        return []
    entries = {
        entry.line: entry
        for entry in file.classes
        if entry.qualified not in file.wrapped and index.legacy_kind(entry.qualified) == "policy"
    }
    found = []
    for node in source.nodes(ast.ClassDef) if entries else ():
        if node.lineno in entries:
            facts = read_policy(index, entries[node.lineno], node)
            plan = tf_plan if index.settings.target == "builtin" else policy_plan
            found.append(StudiedPolicy(file, node, facts, plan(facts)))
    return found


def shared_imports(source: SourceFile, index: RepoIndex) -> tuple[tuple[Edit, ...], frozenset[str]]:
    """Edits that take out imports only rewritten classes used, and the names that stay bound."""
    from rlmigrate.migrate.distributions.choice import native_nodes

    nodes = [each.node for each in _first_look(source, index) if each.native is not None]
    nodes += native_nodes(source, index)
    file = index.files[source.path]
    old = old_distributions(source, file)
    going = old - used_outside(source, nodes)
    return tuple(removals(source, going)), frozenset(bound_names(source) - going)


def _attempt(
    source: SourceFile,
    index: RepoIndex,
    policy: StudiedPolicy,
    taken: frozenset[str],
    distributions: Collection[str],
) -> StudiedPolicy:
    """Write one class natively where its plan was to run on as it is."""
    if policy.plan.outcome is not Outcome.BRIDGED and policy.native is None:
        return policy
    from rlmigrate.migrate.emit.file import layers_module

    settings = index.settings
    names = Names(
        target=settings.target,
        layers_module=layers_module(index, policy.file, settings),
        framework="tf" if policy.facts.framework == "tf" else "torch",
        taken=taken,
        ray_version=settings.ray_version,
    )
    file, node = policy.file, policy.node
    known = _local_distributions(index, file, distributions)
    try:
        if policy.facts.networkless:
            native = networkless_policy(source, file, node, names)
        else:
            native = native_policy(source, file, index, node, names, distributions=known)
    except NotMovable as problem:
        if names.framework == "tf":
            plan = stuck(policy.facts, problem)
            return StudiedPolicy(file, node, policy.facts, plan)
        return StudiedPolicy(file, node, policy.facts, PolicyPlan(Outcome.BRIDGED, str(problem)))
    plan = PolicyPlan(Outcome.NATIVE, f"is an RLModule on {native.base}")
    return StudiedPolicy(file, node, policy.facts, plan, native)


def _local_distributions(
    index: RepoIndex, file: FileEntry, native: Collection[str]
) -> dict[str, str]:
    """Rewritten distributions that a file knows: their name to its name for them."""
    if not native:
        return {}
    found = {c.name: c.name for c in file.classes if c.qualified in native}
    for local, target in file.imports.names.items():
        entry = index.class_named(target)
        if entry is not None and entry.qualified in native:
            found[entry.name] = local
    return found


def can_be_native(index: RepoIndex, qualified: str, distributions: Collection[str]) -> bool:
    """Tell whether a policy class could be written if these distributions were."""
    entry = index.class_named(qualified)
    if entry is None:
        return False
    source = index.source_of(entry.path)
    return any(
        policy.node.lineno == entry.line
        and _attempt(source, index, policy, frozenset(), distributions).native is not None
        for policy in _policies(source, index)
    )


def becomes_native(index: RepoIndex, qualified: str) -> bool:
    """Tell whether a policy class of the repository becomes an RLModule without a bridge."""
    entry = index.class_named(qualified)
    if entry is None:
        return False
    return any(
        policy.node.lineno == entry.line and policy.native is not None
        for policy in _first_look(index.source_of(entry.path), index)
    )


def policy_layers(source: SourceFile, index: RepoIndex) -> frozenset[str]:
    """The layers that the native policies of one file need."""
    natives = [policy.native for policy in _first_look(source, index)]
    return frozenset().union(*(native.layers for native in natives if native is not None))
