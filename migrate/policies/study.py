"""All policy classes of one file, with their plans.

StudiedPolicy       one class
studied_policies    those of a file
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.reading import PolicyFacts, PolicyPlan, policy_plan, read_policy
from rlmigrate.migrate.source import SourceFile


@dataclass(frozen=True)
class StudiedPolicy:
    """One policy class of a file, understood and planned."""

    file: FileEntry
    node: ast.ClassDef
    facts: PolicyFacts
    plan: PolicyPlan


@lru_cache(maxsize=4)
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
    return tuple(found)
