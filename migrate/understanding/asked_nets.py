"""Values that forward asks a net of RLlib for.

read_asked_nets   mark `self.net.value_function()` in forward, after the net was called
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.asked import runs_once
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.kept import net_source
from rlmigrate.migrate.understanding.scope import Scope, self_attribute


def read_asked_nets(
    scope: Scope, forward: Forward, sources: Mapping[str, str], asked: list[str]
) -> None:
    """Mark each such call as one on what the net was given; others stay problems.

    `sources` are locals that hold what nets were given, of those nets that values have `asked`.
    """
    if scope.kin or scope.q_model or scope.net_base or scope.framework == "tf":
        return
    known = dict(sources)
    for node in nodes_in(forward.node):
        net = _asked(node)
        if net is None or net not in forward.given or not isinstance(node, ast.Call):
            continue
        called = _call_around(scope, forward.given[net], net)
        if called is None or called.lineno >= node.lineno:
            continue
        if not (runs_once(scope, forward, called) and runs_once(scope, forward, node)):
            continue
        if any(isinstance(a, _REPEATED) for a in scope.ancestors(called)):
            continue
        if net not in known and net not in asked:
            source = net_source(scope, forward, net)
            known |= {net: source} if source is not None else {}
        scope.mark("net_value_here", node, net, local=known.get(net, ""))


_REPEATED = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _asked(node: ast.AST) -> str | None:
    """The net of `self.net.value_function()`."""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return None
    func = node.func
    if not isinstance(func, ast.Attribute) or func.attr != "value_function":
        return None
    return self_attribute(func.value)


def _call_around(scope: Scope, given: ast.expr, net: str) -> ast.Call | None:
    """The call of a net that an input stands in."""
    for ancestor in scope.ancestors(given):
        if isinstance(ancestor, ast.Call):
            func = ancestor.func
            owner = func.value if isinstance(func, ast.Attribute) else func
            if net in {self_attribute(func), self_attribute(owner)}:
                return ancestor
    return None
