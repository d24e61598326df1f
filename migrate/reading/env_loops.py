"""Code that steps environments of the repository, or of gymnasium, the old way.

KNOWN   ids of gym.make() that gymnasium has, with the same observations and rewards
Site    one `env.reset()` or `env.step()`: the edits, or what stands in their way
sites   all of a file
made_by_id   whether gym.make() gives what gymnasium gives
old_mixin    whether a class that is no environment has the old reset() and step()

What `env` is must be certain: a name that is bound once, to a class that is read here and speaks
gym's old interface, or to gym.make() of a known id. What has gymnasium's interface already is left.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.environments import (
    CODE,
    ENVIRONMENTS,
    MULTI,
    WRAPPERS,
    line_after,
)
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

KNOWN = frozenset(
    {"CartPole-v0", "CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"}
    | {"Pendulum-v1", "FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v3", "Blackjack-v1"}
)
#: What may be asked of an environment from gym.make() without a look at the answer.
SAME = frozenset(
    {"reset", "step", "close", "action_space", "observation_space", "unwrapped", "spec", "metadata"}
)
DEEP = 8


class Speaks(StrEnum):
    """What an old environment's step() returns in the third place."""

    FLAG = "flag"
    DICT = "dict"


@dataclass
class Site:
    """One call."""

    call: ast.Call
    edits: list[Edit] = field(default_factory=list)
    problem: str = ""


def sites(context: FileContext, nodes: Nodes) -> Iterator[Site]:
    """Find the calls of reset() and step() on old environments."""
    for member in nodes.attributes("reset", "step"):
        call = nodes.parents[member]
        if not (isinstance(call, ast.Call) and call.func is member):
            continue
        speaks = _speaks(context, nodes, member.value, member.attr)
        if speaks is None:
            continue
        read = _reset if member.attr == "reset" else _step
        site = read(context, nodes, call, speaks)
        if site is not None:
            yield site


def made_by_id(context: FileContext, nodes: Nodes, node: ast.expr) -> bool:
    """Tell whether `gym.make` stands in `env = gym.make(id)`, and all that follows is known."""
    call = nodes.parents[node]
    if not (isinstance(call, ast.Call) and call.func is node and _is_known(call)):
        return False
    assign = nodes.parents[call]
    target = assign.targets[0] if isinstance(assign, ast.Assign) else None
    if not isinstance(target, ast.Name) or len(assign.targets) != 1:  # type: ignore[attr-defined]
        return False
    if nodes.bindings(target.id, nodes.scope(assign)) != [assign]:
        return False
    uses = [n for n in nodes.of(ast.Name) if n.id == target.id and n is not target]
    return all(
        isinstance(member := nodes.parents[use], ast.Attribute) and member.attr in SAME
        for use in uses
        if nodes.value_of(use) is call
    )


def _is_known(call: ast.Call) -> bool:
    named = call.args[0] if len(call.args) == 1 and not call.keywords else None
    return isinstance(named, ast.Constant) and named.value in KNOWN


def _speaks(context: FileContext, nodes: Nodes, node: ast.expr, method: str) -> Speaks | None:
    """What an expression is: an environment whose `method` has gym's old interface; or None."""
    made = _made(nodes, node)
    if not isinstance(made, ast.Call):
        return None
    imports = context.index.files[context.source.path].imports
    called = imports.qualified(made.func) or ""
    if called == "gym.make":
        return Speaks.FLAG if made_by_id(context, nodes, made.func) else None
    if not isinstance(made.func, ast.Name | ast.Attribute):
        return None
    own = f"{context.index.files[context.source.path].module}.{ast.unparse(made.func)}"
    return _of_class(context, called or own, method)


def _made(nodes: Nodes, node: ast.expr) -> ast.expr | None:
    """The one value of a name, or of `self.x` in its class."""
    if isinstance(node, ast.Name):
        return nodes.value_of(node)
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None
    holder = next((up for up in nodes.up(node) if isinstance(up, ast.ClassDef)), None)
    if holder is None or node.value.id != "self":
        return None
    stored = [
        other
        for other in nodes.attributes(node.attr)
        if not isinstance(other.ctx, ast.Load) and holder in nodes.up(other)
    ]
    assign = nodes.parents[stored[0]] if len(stored) == 1 else None
    return assign.value if isinstance(assign, ast.Assign) else None


def _of_class(context: FileContext, qualified: str, method: str) -> Speaks | None:
    """Follow a class to the one that defines `method`, and up to what it derives from."""
    index = context.index
    line, old, speaks = [qualified], None, None
    for name in line:
        if name in ENVIRONMENTS | WRAPPERS:
            speaks = speaks or (Speaks.DICT if name in MULTI else Speaks.FLAG)
            continue
        entry = index.classes.get(name)
        if entry is None or len(line) > DEEP:
            continue
        line += entry.bases
        if old is None and method in entry.methods:
            found = _definition(context, name)
            kin = found is not None and _derives(context, name)
            old = kin and found is not None and _is_old(found, method)
    return speaks if old else None


def old_mixin(context: FileContext, qualified: str) -> bool:
    """Tell whether a class with reset() and step() is mixed into environments, in gym's form."""
    found = _definition(context, qualified)
    if found is None or _derives(context, qualified):
        return False
    return _is_old(found, "reset") and _is_old(found, "step")


def _definition(context: FileContext, qualified: str) -> ast.ClassDef | None:
    entry = context.index.classes[qualified]
    classes = context.index.source_of(entry.path).nodes(ast.ClassDef)
    return next((node for node in classes if node.lineno == entry.line), None)


def _derives(context: FileContext, qualified: str) -> bool:
    """Whether a class is an environment itself, and not mixed into one."""
    line = [qualified]
    for name in line:
        if name in ENVIRONMENTS | WRAPPERS:
            return True
        if name in context.index.classes and len(line) < DEEP:
            line += context.index.classes[name].bases
    return False


def _is_old(owner: ast.ClassDef, name: str) -> bool:
    """Whether a method returns an observation alone, or four values."""
    method = next(n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == name)
    returned = [n.value for n in nodes_in(method) if isinstance(n, ast.Return) and n.value]
    if name == "step":
        return bool(returned) and all(
            isinstance(value, ast.Tuple) and len(value.elts) == 4 for value in returned
        )
    args = [a.arg for a in (*method.args.args, *method.args.kwonlyargs)]
    plain = not {"seed", "options"} & set(args) and method.args.kwarg is None
    return plain and bool(returned) and not any(isinstance(v, ast.Tuple) for v in returned)


def _reset(context: FileContext, nodes: Nodes, call: ast.Call, speaks: Speaks) -> Site | None:
    parent = nodes.parents[call]
    if isinstance(parent, ast.Expr | ast.Subscript):
        return None
    end = context.source.span(call).end
    if isinstance(parent, ast.Assign) and parent.value is call and len(parent.targets) == 1:
        target = parent.targets[0]
        if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            at = context.source.span(target).end
            return Site(call, [Edit(Span(at, at), f", {_ignored(nodes)}", CODE)])
        return None
    return Site(call, [Edit(Span(end, end), "[0]", CODE)])


def _step(context: FileContext, nodes: Nodes, call: ast.Call, speaks: Speaks) -> Site | None:
    source, statement = context.source, nodes.parents[call]
    if isinstance(statement, ast.Expr):
        return None
    unpack = "step() returns (observation, reward, terminated, truncated, info): unpack five values"
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=[_, _, done, _])]) if statement.value is call:
            pass
        case ast.Assign(targets=[ast.Tuple(elts=[_, _, _, _, _])]):
            return None
        case _:
            return Site(call, problem=unpack)
    if isinstance(done, ast.Starred):
        return Site(call, problem=unpack)
    at = source.span(done)
    if isinstance(done, ast.Name) and done.id == "_":
        return Site(call, [Edit(at, "_, _", CODE)])
    scope = nodes.scope(call)
    if any(nodes.bindings(name, scope) for name in ("terminated", "truncated")):
        names = ("is_terminated", "is_truncated")
    else:
        names = ("terminated", "truncated")
    either = f"{names[0]} or {names[1]}"
    if speaks is Speaks.DICT:
        either = f"{{key: end or {names[1]}.get(key, False) for key, end in {names[0]}.items()}}"
    line = line_after(source, statement, f"{source.segment(done)} = {either}")
    if line is None:
        return Site(call, problem=unpack)
    return Site(call, [Edit(at, ", ".join(names), CODE), line])


def _ignored(nodes: Nodes) -> str:
    """`_`, unless the file calls it, as those do whose texts are translated."""
    called = {call.func.id for call in nodes.of(ast.Call) if isinstance(call.func, ast.Name)}
    return "_infos" if "_" in called else "_"
