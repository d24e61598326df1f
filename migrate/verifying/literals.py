"""Values that stand in a file: literals, and names that a literal is assigned to once.

constants_of   names assigned once in a file
literal        the value of an expression, nothing evaluated but literals
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rlmigrate.migrate.tree import nodes_in


def constants_of(tree: ast.Module) -> dict[str, ast.expr]:
    """Map each name that is bound once in a file, by an assignment, to what it is assigned."""
    bound: Counter[str] = Counter()
    values: dict[str, ast.expr] = {}
    for node in nodes_in(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] += 1
        elif isinstance(node, ast.arg):
            bound[node.arg] += 1
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values[node.targets[0].id] = node.value
    return {name: value for name, value in values.items() if bound[name] == 1}


def literal(node: ast.expr, constants: Mapping[str, ast.expr]) -> Any:
    """Give the value of a literal, names of constants in it replaced.

    Raises:
        ValueError: something else than literals and constants stands there.
    """

    class Replace(ast.NodeTransformer):
        def __init__(self) -> None:
            self.depth = 0

        def visit_Name(self, name: ast.Name) -> ast.AST:
            if name.id not in constants or self.depth > 8:
                return name
            self.depth += 1
            found: ast.AST = self.visit(copy.deepcopy(constants[name.id]))
            self.depth -= 1
            return found

    return ast.literal_eval(Replace().visit(copy.deepcopy(node)))
