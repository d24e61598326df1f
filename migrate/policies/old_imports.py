"""Imports of the old stack's distributions, in files whose classes are written anew.

bound_names        names that a file binds anywhere
old_distributions  local names of RLlib's old distributions
used_outside       names that are used outside of some classes
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.policies.tensorflow import OLD_TF_DISTRIBUTIONS
from rlmigrate.migrate.policies.words import OLD_DISTRIBUTIONS
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in


def old_distributions(source: SourceFile, file: FileEntry) -> set[str]:
    """Local names of the old stack's distributions that the file imports at its top."""
    homes = (OLD_DISTRIBUTIONS, OLD_TF_DISTRIBUTIONS)
    return {
        alias.asname or alias.name
        for node in source.tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (file.imports.resolve(alias.asname or alias.name) or "").startswith(homes)
    }


def used_outside(source: SourceFile, nodes: Iterable[ast.ClassDef]) -> set[str]:
    """Names that are used outside of some classes."""
    within = {id(each) for node in nodes for each in nodes_in(node)}
    return {name.id for name in source.nodes(ast.Name) if id(name) not in within}


def bound_names(source: SourceFile) -> set[str]:
    """Names that a file binds anywhere."""
    bound = {each.name for each in source.nodes(ast.ClassDef)}
    bound |= {each.name for each in source.nodes(ast.FunctionDef)}
    for node in source.nodes(ast.Import):
        bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
    for statement in source.nodes(ast.ImportFrom):
        bound |= {alias.asname or alias.name for alias in statement.names}
    return bound | {n.id for n in source.nodes(ast.Name) if isinstance(n.ctx, ast.Store)}
