"""Functions of TensorFlow in a class that is ported to torch.

read_function   mark one, or say that it has no torch form
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.understanding.ported_names import DTYPES, FUNCTIONS
from rlmigrate.migrate.understanding.ported_scope import Ported, said


def read_function(port: Ported, node: ast.expr, call: ast.Call, name: str) -> None:
    """Mark the function that a call names, which `name` is in TensorFlow."""
    keywords = {k.arg or "": k for k in call.keywords}
    if name == "cast" and _is_cast(port, call, keywords):
        port.scope.mark("port_cast", call)
        return
    bound = {"maximum": "min", "minimum": "max"}.get(name)
    if bound is not None and _is_bound(port, call):
        port.scope.mark("port_text", node, "torch.clamp")
        port.scope.mark("port_bound", call.args[1], bound)
        return
    if bound is not None and len(call.args) == 2 and not keywords:
        port.problem(node, f"calls {said(node)} with what may be a number")
        return
    if name == "shape" and _is_size(port, call):
        port.scope.mark("port_shape", call)
        return
    if name == "split" and _is_split(call, keywords):
        torch = "chunk" if _is_count(_second(call, keywords)) else "split"
        port.scope.mark("port_text", node, f"torch.{torch}")
        _mark_keywords(port, keywords, {"axis": "dim", "num_or_size_splits": _SIZES[torch]})
        return
    function = FUNCTIONS.get(name)
    if function is None:
        port.problem(node, f"uses {said(node)}")
        return
    least, most = function.arguments
    given = len(call.args) + len(keywords.keys() & function.keywords.keys())
    others = keywords.keys() - function.keywords.keys()
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    if others or not least <= given <= most or starred:
        port.problem(node, f"calls {said(node)} in a way that has no torch form")
        return
    if function.layer:
        port.scope.mark("layer", node, function.torch)
    else:
        port.scope.mark("port_text", node, function.torch)
    _mark_keywords(port, keywords, function.keywords)
    if function.more and given < most:
        port.scope.mark("port_more", call, function.more)


_SIZES = {"chunk": "chunks", "split": "split_size_or_sections"}


def _mark_keywords(
    port: Ported, keywords: Mapping[str, ast.keyword], names: Mapping[str, str]
) -> None:
    for key, keyword in keywords.items():
        port.scope.mark("port_keyword", keyword, names[key])


def _is_cast(port: Ported, call: ast.Call, keywords: Mapping[str, ast.keyword]) -> bool:
    simple = ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.BinOp | ast.Compare
    whole = len(call.args) + len(keywords) == 2 and set(keywords) <= {"dtype"}
    if not whole or not call.args or not isinstance(call.args[0], simple):
        return False
    wanted = call.args[1] if len(call.args) == 2 else keywords["dtype"].value
    return (port.tensorflow(wanted) or "") in DTYPES


def _is_bound(port: Ported, call: ast.Call) -> bool:
    """Say whether the second of two arguments is a number."""
    if len(call.args) != 2 or call.keywords:
        return False
    second = call.args[1]
    number = second.operand if isinstance(second, ast.UnaryOp) else second
    return port.tensorflow(second) == "float32.min" or (
        isinstance(number, ast.Constant) and isinstance(number.value, float)
    )


def _is_size(port: Ported, call: ast.Call) -> bool:
    """Say whether one dimension is taken of a shape, by its number."""
    outer = port.scope.parent(call)
    one = isinstance(outer, ast.Subscript) and outer.value is call
    simple = ast.Name | ast.Attribute | ast.Subscript | ast.Call
    return (
        one
        and isinstance(outer, ast.Subscript)
        and isinstance(outer.slice, ast.Constant | ast.UnaryOp)
        and len(call.args) == 1
        and not call.keywords
        and isinstance(call.args[0], simple)
        and id(call) not in port.building
    )


def _second(call: ast.Call, keywords: Mapping[str, ast.keyword]) -> ast.expr | None:
    if len(call.args) > 1:
        return call.args[1]
    found = keywords.get("num_or_size_splits")
    return found.value if found is not None else None


def _is_count(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _is_split(call: ast.Call, keywords: Mapping[str, ast.keyword]) -> bool:
    """Say whether a tensor is cut into a known number of parts, or parts of listed sizes."""
    sizes = _second(call, keywords)
    plain = _is_count(sizes) or isinstance(sizes, ast.List)
    return plain and bool(call.args) and set(keywords) <= {"axis", "num_or_size_splits"}
