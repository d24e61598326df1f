"""Which parameter of a constructor is which of RLlib's five.

Constructor    parameters by role, those of the class's own, and what was found of them
assign_roles   tell them apart
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.understanding.facts import Parameter
from rlmigrate.migrate.understanding.scope import parameters
from rlmigrate.migrate.understanding.vocabulary import ROLES


@dataclass
class Constructor:
    """Parameters of a constructor by role; `own` are those fed from custom_model_config."""

    roles: dict[str, str] = field(default_factory=dict)
    own: list[Parameter] = field(default_factory=list)
    rebound: set[str] = field(default_factory=set)
    stores: dict[str, ast.stmt] = field(default_factory=dict)  # first binding of rebound roles
    keywords: str | None = None
    reads_head: bool = False
    other_head: ast.Call | None = None  # a base call that gives another num_outputs

    def is_rebound_at(self, node: ast.expr) -> bool:
        """Say whether a parameter of RLlib's means something else by then."""
        first = self.stores.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(first, ast.For):
            return node.lineno > first.iter.end_lineno if first.iter.end_lineno else False
        return first is not None and node.lineno > (first.end_lineno or first.lineno)


def assign_roles(init: ast.FunctionDef, result: Constructor) -> None:
    """Tell RLlib's parameters from the class's own."""
    named = parameters(init)
    positional = [*init.args.posonlyargs, *init.args.args][1:]
    defaults = dict(
        zip([p.arg for p in positional[::-1]], init.args.defaults[::-1], strict=False)
    ) | {
        p.arg: d
        for p, d in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if d is not None
    }
    for i, parameter in enumerate(named):
        name = parameter.arg
        if name in ROLES:
            result.roles[name] = name
        elif i < len(ROLES) and parameter in positional and ROLES[i] not in _names(named):
            result.roles[name] = ROLES[i]
        else:
            default = defaults.get(name)
            text = ast.unparse(default) if default is not None else None
            result.own.append(Parameter(name, text))
    result.keywords = init.args.kwarg.arg if init.args.kwarg else None


def _names(arguments: list[ast.arg]) -> set[str]:
    return {a.arg for a in arguments}
