"""Environments of gym's old interface: what their reset() and step() return, and who asks for it.

ENVIRONMENTS   classes that an environment derives from
Seam           one method: the edits, or what stands in their way
lineage        what a class derives from
read_reset     a reset() without a seed, which returns an observation alone
read_step      a step() that returns four values
gym_edits      the edits that import gymnasium; the reason as text where gym must stay
line_after     the edit that adds a line after a statement
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.env_annotations import returned_type
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile, Span

CODE = "RLM702"
MULTI = frozenset(
    {"ray.rllib.MultiAgentEnv", "ray.rllib.env.MultiAgentEnv"}
    | {"ray.rllib.env.multi_agent_env.MultiAgentEnv"}
)
ENVIRONMENTS = MULTI | {"gym.Env", "gym.core.Env", "gymnasium.Env", "gymnasium.core.Env"}
WRAPPERS = frozenset({"gym.Wrapper", "gym.core.Wrapper"})
#: Names of gym that gymnasium has with the same meaning.
SAME = (
    *("gym.Env", "gym.core", "gym.spaces", "gym.Space", "gym.utils", "gym.error", "gym.logger"),
    *("gym.ObservationWrapper", "gym.RewardWrapper", "gym.ActionWrapper", "gym.Wrapper"),
    *("gym.envs.registration.register", "gym.register"),
)
DEEP = 16
PARTS = frozenset({"spaces", "utils", "core", "error", "logger", "wrappers", "envs"})


@dataclass
class Seam:
    """One method of an environment."""

    edits: list[Edit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def lineage(context: FileContext, owner: ast.ClassDef) -> list[str]:
    """List what a class derives from, its bases' bases included, as far as the repository shows."""
    entry = context.index.files[context.source.path]
    classes = context.index.classes
    line = [
        entry.imports.qualified(base) or f"{entry.module}.{ast.unparse(base)}"
        for base in owner.bases
        if isinstance(base, ast.Name | ast.Attribute)
    ]
    for name in line:
        if name in classes and len(line) < DEEP:
            line += [base for base in classes[name].bases if base not in line]
    return line


def read_reset(
    context: FileContext, nodes: Nodes, owner: ast.ClassDef, method: ast.FunctionDef
) -> Seam | None:
    """Take a seed and options, and return infos; None where the method does so already."""
    args = method.args
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    if "seed" in names or "options" in names or args.kwarg is not None:
        return None
    made = Seam()
    if len(names) != 1 or args.vararg is not None:
        made.problems.append("reset() has arguments of its own: pass them in options")
    returns = list(_returns(nodes, method))
    if not returns:
        made.problems.append("reset() returns nothing in sight: return (observation, infos)")
    for statement in returns:
        value = statement.value
        if value is None or isinstance(value, ast.Tuple):
            made.problems.append(
                "reset() returns no observation alone: return (observation, infos)"
            )
            continue
        end = context.source.span(value).end
        made.edits.append(Edit(Span(end, end), ", {}", CODE))
    for call in _others(nodes, method, "reset"):
        if _is_super(call) and isinstance(nodes.parents.get(call), ast.Expr):
            made.edits.append(Edit(_between(context, call), "(seed=seed)", CODE))
        else:
            made.problems.append(
                "return (observation, infos): the other environment's reset() gives both if it is "
                "gymnasium's, and an observation alone if it still has gym's interface"
            )
    for call in _own_calls(nodes, owner, "reset"):
        if not isinstance(nodes.parents.get(call), ast.Expr):
            made.problems.append(
                "the class calls its own reset(), which returns (observation, infos): unpack both"
            )
    last = args.args[-1] if args.args else None
    if last is not None:
        end = context.source.span(last).end
        made.edits.append(Edit(Span(end, end), ", *, seed=None, options=None", CODE))
    made.edits += returned_type(context, method, CODE)
    return made


def read_step(
    context: FileContext, nodes: Nodes, owner: ast.ClassDef, method: ast.FunctionDef, *, multi: bool
) -> Seam | None:
    """Return terminated and truncated; None where the method does so already."""
    made = Seam()
    returns = list(_returns(nodes, method))
    sizes = {
        len(item.value.elts) if isinstance(item.value, ast.Tuple) else 0
        for item in returns
        if item.value is not None
    }
    if sizes == {5}:
        return None
    if sizes != {4}:
        made.problems.append(
            "step() returns no four values in sight: return (observation, reward, terminated, "
            "truncated, info)"
        )
        return made
    truncated = '{"__all__": False}' if multi else "False"
    for statement in returns:
        value = statement.value
        if isinstance(value, ast.Tuple):
            start = context.source.span(value.elts[3]).start
            made.edits.append(Edit(Span(start, start), f"{truncated}, ", CODE))
    if any(True for _ in _others(nodes, method, "step")):
        made.problems.append(
            "return (observation, reward, terminated, truncated, info): the other environment's "
            "step() gives them if it is gymnasium's, and four values if it still has gym's "
            "interface"
        )
    if any(True for _ in _own_calls(nodes, owner, "step")):
        made.problems.append(
            "the class calls its own step(), which returns five values: unpack them"
        )
    made.edits += returned_type(context, method, CODE)
    return made


def gym_edits(
    context: FileContext, nodes: Nodes, by_id: Callable[[FileContext, Nodes, ast.expr], bool]
) -> list[Edit] | str:
    """Import gymnasium in gym's place, if all that the file uses is the same there.

    `by_id` tells whether that is so for one use of gym.make().
    """
    imports = context.index.files[context.source.path].imports
    if not any(target.partition(".")[0] == "gym" for target in imports.names.values()):
        return []
    for node in (*nodes.of(ast.Name), *nodes.of(ast.Attribute)):
        if isinstance(nodes.parents.get(node), ast.Attribute):
            continue
        qualified = imports.qualified(node) or ""
        if qualified == "gym.make" and by_id(context, nodes, node):
            continue
        if qualified.split(".")[0] == "gym" and not qualified.startswith(SAME):
            return f"{qualified} is used as well: find its place in gymnasium or do without it"
    edits = []
    source = context.source
    for statement in nodes.of(ast.Import):
        for alias in statement.names:
            head, _, rest = alias.name.partition(".")
            if head != "gym":
                continue
            if len(statement.names) > 1 or (rest and not alias.asname and rest not in PARTS):
                return "gym is imported together with others; import gymnasium by hand"
            if rest and not alias.asname and _bound_beside(source, statement):
                lines = source.line_span(statement.lineno, statement.end_lineno or 0)
                edits.append(Edit(lines, "", CODE))
                continue
            name = f"gymnasium.{rest}" if rest and alias.asname else "gymnasium"
            text = f"import {name} as {alias.asname or 'gym'}"
            edits.append(Edit(source.span(statement), text, CODE))
    for named in nodes.of(ast.ImportFrom):
        module = named.module or ""
        if module.split(".")[0] == "gym" and not named.level:
            start = source.text.index("gym", source.span(named).start)
            edits.append(Edit(Span(start, start + 3), "gymnasium", CODE))
    return edits


def line_after(source: SourceFile, statement: ast.stmt, line: str) -> Edit | None:
    """Add a line after a statement that has its lines for itself; None for any other."""
    span = source.span(statement)
    indent = source.text[source.text.rfind("\n", 0, span.start) + 1 : span.start]
    end = source.text.find("\n", span.end)
    end = end if end >= 0 else len(source.text)
    end -= source.text[:end].endswith("\r")
    rest = source.text[span.end : end].strip()
    if indent.strip() or (rest and not rest.startswith("#")):
        return None
    return Edit(Span(end, end), f"{source.newline}{indent}{line}", CODE)


def _bound_beside(source: SourceFile, statement: ast.Import) -> bool:
    """Tell whether `import gym` stands in the same block: gymnasium imports its own parts."""
    return any(
        isinstance(other, ast.Import)
        and [(a.name, a.asname) for a in other.names] == [("gym", None)]
        for other in source.block_of(statement)
    )


def _returns(nodes: Nodes, method: ast.FunctionDef) -> Iterator[ast.Return]:
    for node in nodes.of(ast.Return):
        if nodes.scope(node) is method:
            yield node


def _others(nodes: Nodes, method: ast.FunctionDef, name: str) -> Iterator[ast.Call]:
    """Calls of a method of this name, but on the class itself."""
    for call in nodes.of(ast.Call):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == name
            and not _is_self(call.func.value)
            and method in nodes.up(call)
        ):
            yield call


def _own_calls(nodes: Nodes, owner: ast.ClassDef, name: str) -> Iterator[ast.Call]:
    for call in nodes.of(ast.Call):
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == name
            and _is_self(call.func.value)
            and owner in nodes.up(call)
        ):
            yield call


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _is_super(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    named = isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name)
    return named and owner.func.id == "super" and not call.args  # type: ignore[union-attr]


def _between(context: FileContext, call: ast.Call) -> Span:
    """The brackets of a call."""
    return Span(context.source.span(call.func).end, context.source.span(call).end)
