"""Nets of RLlib that a TensorFlow constructor puts into a Keras model of its own.

read_nets_described   mark calls of nets on Keras inputs, and what is asked of them afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.net_calls import (
    entries_of,
    net_input,
    read_net_output,
)
from rlmigrate.migrate.understanding.scope import Scope, self_attribute


def read_nets_described(scope: Scope, nets: Mapping[str, str]) -> None:
    """Mark `out, _ = self.net({"obs": inputs})` in `__init__`, and its `value_function()`.

    Left alone, and so refused later, where a net is called twice or on what has no name.
    """
    init = scope.methods.get("__init__")
    if init is None:
        return
    for attribute, net in nets.items():
        uses = [n for n in nodes_in(init) if self_attribute(n) == attribute]
        calls = [
            call
            for node in uses
            if isinstance(call := scope.parent(node), ast.Call) and call.func is node
        ]
        if len(calls) != 1 or len(calls[0].args) != 1 or not isinstance(calls[0].args[0], ast.Dict):
            continue
        call = calls[0]
        given = net_input(entries_of(scope, call.args[0]), net)
        if not isinstance(given, ast.Name) or _bound(init, given.id) != 1:
            continue
        scope.mark("net_input", call, given=given)
        read_net_output(scope, call, attribute, init)
        for node in uses:
            outer = scope.parent(node)
            asked = scope.parent(outer)
            values = isinstance(outer, ast.Attribute) and outer.attr == "value_function"
            if values and isinstance(asked, ast.Call) and asked.lineno > call.lineno:
                scope.mark("net_value_of", asked, given.id)


def _bound(init: ast.FunctionDef, name: str) -> int:
    return sum(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for n in nodes_in(init)
    )
