"""Whether a model's module suits a distribution.

fits   say whether it gives what the distribution takes for granted
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.distributions.choice import written_alone
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import self_attribute


def fits(index: RepoIndex, owner: ClassEntry, entry: ClassEntry) -> bool:
    """Say whether a module of a model gives a distribution what it takes for granted."""
    written = written_alone(index, entry)
    if written is None:
        return False
    bases = {base.rpartition(".")[2] for base in owner.bases}
    recurrent = {"get_initial_state", "forward_rnn"} & set(owner.methods)
    if written.by_rows and (recurrent or bases & {"RecurrentNetwork"}):
        return False
    if written.asks is None:
        return True
    return bases <= {"TorchModelV2", "Module", "ABC"} and written.asks <= _lasting(index, owner)


def _lasting(index: RepoIndex, owner: ClassEntry) -> frozenset[str]:
    """Attributes that a model's constructor sets and nothing sets again."""
    source = index.source_of(owner.path)
    node = next(each for each in source.nodes(ast.ClassDef) if each.lineno == owner.line)
    first: set[str] = set()
    later: set[str] = set()
    for method in node.body:
        if not isinstance(method, ast.FunctionDef):
            continue
        stored = {
            name
            for each in nodes_in(method)
            if isinstance(each, ast.Attribute)
            and isinstance(each.ctx, ast.Store)
            and (name := self_attribute(each))
        }
        if method.name == "__init__":
            first |= stored
        else:
            later |= stored
    return frozenset(first - later)
