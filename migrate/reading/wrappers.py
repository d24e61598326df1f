"""Wrappers of gym environments: what they pass on, in gymnasium's form.

read_wrapper   the edits of a wrapper's reset() and step(), or what stands in their way

The environment inside a `gymnasium.Wrapper` is one of gymnasium's, so what its methods return is
known. A method is rewritten where each call of the environment's is a return of its own or is
unpacked into names, and the names stand nowhere but in the places that change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.env_annotations import returned_type
from rlmigrate.migrate.reading.environments import CODE, Seam, line_after
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span

ADVICE = (
    "reset() of the wrapped environment returns (observation, infos) and its step() five values: "
    "unpack them, and return as many"
)


def read_wrapper(context: FileContext, nodes: Nodes, methods: dict[str, ast.FunctionDef]) -> Seam:
    """Look at the methods of one wrapper."""
    made = Seam()
    for name, read in (("reset", _reset), ("step", _step)):
        method = methods.get(name)
        if method is None:
            continue
        edits = read(context, nodes, method)
        if edits is None:
            return Seam(problems=[ADVICE])
        made.edits += [*edits, *(returned_type(context, method, CODE) if edits else [])]
    for name, method in methods.items():
        if name not in ("reset", "step") and any(_inner(nodes, method, "reset", "step")):
            return Seam(problems=[ADVICE])
    return made


def _reset(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> list[Edit] | None:
    args = method.args
    if {"seed", "options"} <= {arg.arg for arg in (*args.args, *args.kwonlyargs)}:
        return []  # gym 0.26 had gymnasium's reset()
    plain = len(args.args) == 1 and not args.kwonlyargs and args.vararg is None
    if not plain or "infos" in _names(method):
        return None
    source, edits = context.source, []
    if args.kwarg is None:
        end = source.span(args.args[0]).end
        edits.append(Edit(Span(end, end), ", *, seed=None, options=None", CODE))
    unpacked: set[str] = set()
    for call in _inner(nodes, method, "reset"):
        given = "seed=seed, options=options"
        passes = len(call.keywords) == 1 and call.keywords[0].arg is None and not call.args
        if args.kwarg is None and not call.args and not call.keywords:
            span = Span(source.span(call.func).end, source.span(call).end)
            edits.append(Edit(span, f"({given})", CODE))
        elif args.kwarg is None or not passes:
            return None
        match nodes.parents.get(call):
            case ast.Return() | ast.Expr():
                continue
            case ast.Assign(targets=[ast.Name() | ast.Attribute() as target]):
                unpacked.add(ast.unparse(target))
                end = source.span(target).end
                edits.append(Edit(Span(end, end), ", infos", CODE))
            case _:
                return None
    if not unpacked and not any(_inner(nodes, method, "reset")):
        return None
    for statement in _returns(nodes, method):
        value = statement.value
        if value is None or isinstance(value, ast.Tuple):
            return None
        if not _is_inner(value, "reset"):
            if not unpacked:
                return None
            end = source.span(value).end
            edits.append(Edit(Span(end, end), ", infos", CODE))
    return edits


def _step(context: FileContext, nodes: Nodes, method: ast.FunctionDef) -> list[Edit] | None:
    if {"terminated", "truncated"} & _names(method):
        return None
    source, edits = context.source, []
    done = None
    unpacked: list[ast.stmt] = []
    for call in _inner(nodes, method, "step"):
        match nodes.parents.get(call):
            case ast.Return():
                continue
            case ast.Assign(targets=[ast.Tuple(elts=[_, _, _, _, _])]):
                continue  # gym 0.26 had gymnasium's tuples
            case ast.Assign(targets=[ast.Tuple(elts=[_, _, ast.Name() as third, _])]) as assign:
                if done not in (None, third.id):
                    return None
                done = third.id
                edits.append(Edit(source.span(third), "terminated, truncated", CODE))
                unpacked.append(assign)
            case _:
                return None
    for statement in _returns(nodes, method):
        value = statement.value
        match value:
            case ast.Tuple(elts=[_, _, ast.Name(id=name) as third, _]) if name == done:
                edits.append(Edit(source.span(third), "terminated, truncated", CODE))
            case ast.Tuple(elts=[_, _, _, _, _]):
                continue
            case ast.Call() if _is_inner(value, "step"):
                continue
            case _:
                return None
    inside = [n for n in ast.walk(method) if isinstance(n, ast.Name) and n.id == done]
    if done is not None and len(inside) != len(edits):
        lines = [line_after(source, each, f"{done} = terminated or truncated") for each in unpacked]
        if not all(lines) or not all(_asks(nodes, name) for name in inside):
            return None  # who else reads it must decide between the two
        edits += [line for line in lines if line is not None]
    return edits if edits or any(_inner(nodes, method, "step")) else None


def _asks(nodes: Nodes, name: ast.Name) -> bool:
    """Whether a name is asked for true or false, unpacked or returned; or is False at first."""
    match nodes.parents[name]:
        case ast.If() | ast.While() | ast.IfExp() | ast.UnaryOp() | ast.BoolOp():
            return True
        case ast.Tuple() as around:
            return isinstance(nodes.parents[around], ast.Assign | ast.Return)
        case ast.Assign(value=ast.Constant(value=False)):
            return True
    return False


def _inner(nodes: Nodes, method: ast.FunctionDef, *names: str) -> Iterator[ast.Call]:
    for call in ast.walk(method):
        if isinstance(call, ast.Call) and any(_is_inner(call, name) for name in names):
            yield call


def _is_inner(node: ast.expr, name: str) -> bool:
    """`self.env.NAME()` or `super().NAME()`."""
    match node:
        case ast.Call(func=ast.Attribute(attr=attr, value=owner)) if attr == name:
            match owner:
                case ast.Attribute(attr="env", value=ast.Name(id="self")):
                    return True
                case ast.Call(func=ast.Name(id="super")):
                    return True
    return False


def _returns(nodes: Nodes, method: ast.FunctionDef) -> Iterator[ast.Return]:
    for node in nodes.of(ast.Return):
        if nodes.scope(node) is method:
            yield node


def _names(method: ast.FunctionDef) -> set[str]:
    found = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
    return found | {node.arg for node in ast.walk(method) if isinstance(node, ast.arg)}
