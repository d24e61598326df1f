"""What the rules on older RLModule code share: names of eras, module classes, places in a text.

Bindings         what binds the names of one file
target_name      what a name of Ray is called in the release that is aimed at
module_kind      whether a class is an RLModule, a MultiRLModule or neither
renamed          whether a row is for RLM601 to rename
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from rlmigrate import eras
from rlmigrate.eras.surface import exists
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile, Span

#: Where the history of the new stack's names is told.
RELEASE_NOTES = "https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html"

#: Parts of RLlib that other rules answer for: the old stack, and trainers turned into configs.
OTHERS = ("ray.rllib.agents.", "ray.rllib.algorithms.a2c", "ray.rllib.algorithms.a3c")

#: Builders of the time when they stood beside the trainers.
_CONFIG = re.compile(r"ray\.rllib\.agents\.(\w+)(?:\.\w+)?\.([A-Z]\w*Config)")

#: Code that Ray gives as examples: it moved as a whole, models and policies with it.
EXAMPLES = "ray.rllib.examples."


def target_name(dotted: str, release: str) -> str | None:
    """Return the name to write in `release`; None where it has no counterpart there."""
    return eras.current_name(dotted, ray_version=release)


@lru_cache(maxsize=8192)
def renamed(dotted: str, release: str) -> str | None:
    """Return the new name of `dotted` if RLM601 is to write it; None where nothing changes."""
    config = _CONFIG.fullmatch(dotted)
    if config is not None:
        moved = f"ray.rllib.algorithms.{config[1]}.{config[2]}"
        return moved if exists(moved, release) else None
    row = eras.resolve(dotted)
    if row is None or row.kind in ("method", "argument"):
        return None
    callbacks = (row.now or "").startswith("ray.rllib.callbacks.")
    if row.stack is eras.Stack.OLD and not (callbacks or dotted.startswith(EXAMPLES)):
        return None
    if dotted.startswith(OTHERS) and "allbacks" not in dotted:
        return None
    if dotted.endswith("DEFAULT_CONFIG"):
        return None
    new = target_name(dotted, release)
    return new if new != dotted else None


def module_kind(context: FileContext, node: ast.ClassDef) -> str | None:
    """Tell "multi" from "single" for a class of the new stack; None for any other class.

    Bases are followed through the repository; a Ray class counts by its name.
    """
    table = imports_of(context)
    entry = context.index.files.get(context.source.path)
    seen: set[str] = set()
    stack = [_qualified(table, base, entry.module if entry else "") for base in node.bases]
    while stack:
        name = stack.pop()
        if name is None or name in seen:
            continue
        seen.add(name)
        kind = _ray_module_kind(name)
        if kind is not None:
            return kind
        stack.extend(context.index.bases_of(name))
    return None


def _qualified(table: ImportTable, base: ast.expr, module: str) -> str | None:
    found = table.qualified(base)
    if found is None and isinstance(base, ast.Name):
        return f"{module}.{base.id}"
    return found


def _ray_module_kind(name: str) -> str | None:
    last = name.rpartition(".")[2]
    if not name.startswith(("ray.rllib.", "rlmigrate.")) or not last.endswith(
        ("RLModule", "RLM", "BCTorchModule", "BCTfModule")
    ):
        return None
    return "multi" if last.startswith(("Multi", "MARL")) else "single"


def imports_of(context: FileContext) -> ImportTable:
    """Return the import table of the file at hand."""
    entry = context.index.files.get(context.source.path)
    return entry.imports if entry is not None else ImportTable.of(context.source)


def classes(source: SourceFile) -> list[ast.ClassDef]:
    """List every class of a file."""
    return source.nodes(ast.ClassDef)


def methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    """Return a class's own methods by name; of one defined twice, the last."""
    return {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}


def name_span(source: SourceFile, node: ast.ClassDef | ast.FunctionDef) -> Span:
    """Characters of the name in `def name` or `class name`."""
    start = source.offset(node.lineno, node.col_offset)
    at = source.text.index(node.name, start + len("def "))
    return Span(at, at + len(node.name))


def attribute_span(source: SourceFile, node: ast.Attribute) -> Span:
    """Characters of the last part of `a.b.name`."""
    end = source.span(node).end
    return Span(end - len(node.attr), end)


def keyword_span(source: SourceFile, node: ast.keyword) -> Span:
    """Characters of the name in `name=value`."""
    start = source.span(node).start
    return Span(start, start + len(node.arg or ""))


def whole_lines(source: SourceFile, node: ast.stmt, block: list[ast.stmt]) -> Span:
    """Lines of a statement of `block` that goes, with its decorators, comments and blank lines.

    Comments that stand right above it go too; blank lines below it, or above it where it is the
    last of its block.
    """
    lines = source.text.splitlines()
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    last = node.end_lineno or node.lineno
    while first > 1 and lines[first - 2].strip().startswith("#"):
        first -= 1
    if node is block[-1]:
        while first > 1 and not lines[first - 2].strip():
            first -= 1
    else:
        while last < len(lines) and not lines[last].strip():
            last += 1
    return source.line_span(first, last)


def item(
    context: FileContext,
    node: ast.stmt | ast.expr | ast.keyword | ast.alias | ast.arg,
    *,
    code: str,
    name: str,
    kind: Kind,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    """Make the report's item for a node."""
    path = str(context.source.path)
    return Item(
        path, node.lineno, name, kind, outcome, code, message, new_name, column=node.col_offset
    )


def member_item(
    context: FileContext,
    node: ast.Attribute,
    *,
    code: str,
    outcome: Outcome,
    message: str,
    name: str | None = None,
    new_name: str | None = None,
) -> Item:
    """Make the item for a member, on its own line where a chain of calls goes over several."""
    told = item(
        context,
        node,
        code=code,
        name=name or node.attr,
        kind=Kind.CALL,
        outcome=outcome,
        message=message,
        new_name=new_name,
    )
    return replace(told, line=node.end_lineno or node.lineno)


_NAMES = re.compile(r"[\w.\[\], |]+")


@dataclass(frozen=True)
class Bindings:
    """What binds names in one file, apart from its imports."""

    source: SourceFile

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that are assigned, defined, taken as arguments or deleted anywhere."""
        found: set[str] = set()
        nodes = self.source.nodes
        found.update(n.id for n in nodes(ast.Name) if not isinstance(n.ctx, ast.Load))
        found.update(argument.arg for argument in nodes(ast.arg))
        found.update(defined.name for defined in nodes(ast.ClassDef))
        found.update(defined.name for defined in nodes(ast.FunctionDef))
        found.update(defined.name for defined in nodes(ast.AsyncFunctionDef))
        found.update(handler.name for handler in nodes(ast.ExceptHandler) if handler.name)
        found.update(match.name for match in nodes(ast.MatchAs) if match.name)
        found.update(match.name for match in nodes(ast.MatchStar) if match.name)
        found.update(name for statement in nodes(ast.Global) for name in statement.names)
        found.update(name for statement in nodes(ast.Nonlocal) for name in statement.names)
        return frozenset(found)

    @cached_property
    def texts(self) -> str:
        """Strings that hold only names, as in `__all__` and in quoted annotations."""
        return "\n".join(
            node.value
            for node in self.source.nodes(ast.Constant)
            if isinstance(node.value, str)
            if _NAMES.fullmatch(node.value)
        )

    @cached_property
    def imported(self) -> dict[str, int]:
        """How many import statements bind each name."""
        found: dict[str, int] = {}
        aliases = [alias for node in self.source.nodes(ast.Import) for alias in node.names]
        aliases += [alias for node in self.source.nodes(ast.ImportFrom) for alias in node.names]
        for alias in aliases:
            local = alias.asname or alias.name.split(".")[0]
            found[local] = found.get(local, 0) + 1
        return found

    def loads(self, name: str) -> Iterator[ast.Name]:
        """Yield the places that read a name."""
        return (node for node in self.source.nodes(ast.Name) if node.id == name)
