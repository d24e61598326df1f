"""Where a new import belongs in a file.

place_for       offset and text of a new import statement
render_import   the statement
local_roots     first parts of the repository's own module names
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection

from rlmigrate.migrate.source import SourceFile

Statement = ast.Import | ast.ImportFrom
STANDARD, THIRD_PARTY, OWN, RELATIVE = range(4)


def render_import(module: str, names: list[str]) -> str:
    """Write `from module import names`, over several lines where one is too long."""
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= 100:
        return flat
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def local_roots(modules: Collection[str], module: str) -> frozenset[str]:
    """First parts of module names of the repository; a flat file's is its own name."""
    return frozenset(name.split(".")[0] for name in (*modules, module) if name)


def place_for(
    source: SourceFile, tree: ast.Module, line: str, module: str, roots: frozenset[str]
) -> tuple[int, str]:
    """Return where `line` goes and the text to put there, with the line ends it needs.

    It goes to its own section (standard library, others, own), sorted as isort sorts: plain
    imports before `from` imports, then by module.
    """
    root = module.split(".")[0]
    siblings = [node for node in tree.body if isinstance(node, Statement) and not _future(node)]
    section = _section(root, 0, roots)
    key = _key(line.startswith("import "), module)
    peers = [node for node in siblings if _section_of(node, roots) == section]
    kin = [node for node in peers if _module(node).split(".")[0] == root]
    chosen = kin if kin and _sorted(kin) else peers
    if chosen:
        for node in chosen:
            if _key_of(node) > key:
                return source.line_span(node.lineno, node.lineno).start, line + "\n"
        return _after(source, chosen[-1], line)
    earlier = [node for node in siblings if _section_of(node, roots) < section]
    if earlier:
        last = earlier[-1]
        at, text = _after(source, last, line)
        return at, ("\n" + text if _section_of(last, roots) != section else text)
    if siblings:
        first = siblings[0]
        return source.line_span(first.lineno, first.lineno).start, line + "\n\n"
    return _top(source, tree, line)


def _after(source: SourceFile, node: ast.stmt, line: str) -> tuple[int, str]:
    end = source.line_span(node.lineno, node.end_lineno or node.lineno).end
    if end and source.text[end - 1] not in "\r\n":  # the last line has no line end
        return end, "\n" + line
    return end, line + "\n"


def _top(source: SourceFile, tree: ast.Module, line: str) -> tuple[int, str]:
    """Below the docstring and `__future__`, above everything else."""
    last: ast.stmt | None = None
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if (docstring and last is None) or _future(node):
            last = node
        else:
            break
    if last is not None:
        at, text = _after(source, last, line)
        return at, "\n" + text
    if not tree.body:
        return len(source.text), line + "\n"
    first = tree.body[0]
    lineno = min(item.lineno for item in getattr(first, "decorator_list", None) or [first])
    return source.line_span(lineno, lineno).start, line + "\n\n"


def _future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _module(node: Statement) -> str:
    if isinstance(node, ast.Import):
        return node.names[0].name
    return node.module or ""


def _section_of(node: Statement, roots: frozenset[str]) -> int:
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    return _section(_module(node).split(".")[0], level, roots)


def _section(root: str, level: int, roots: frozenset[str]) -> int:
    if level:
        return RELATIVE
    if root in roots:
        return OWN
    return STANDARD if root in sys.stdlib_module_names else THIRD_PARTY


def _key(plain: bool, module: str) -> tuple[bool, str]:
    return (not plain, module.lower())


def _key_of(node: Statement) -> tuple[bool, str]:
    return _key(isinstance(node, ast.Import), _module(node))


def _sorted(nodes: list[Statement]) -> bool:
    keys = [_key_of(node) for node in nodes]
    return keys == sorted(keys)
