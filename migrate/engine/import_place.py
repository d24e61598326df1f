"""Where a new import belongs in a file.

place_for       offset and text of a new import statement
render_import   the statement
"""

from __future__ import annotations

import ast
import itertools
import sys

from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

Statement = ast.Import | ast.ImportFrom
DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
STANDARD, THIRD_PARTY, OWN, RELATIVE = range(4)


def render_import(module: str, names: list[str], *, width: int = 100) -> str:
    """Write `from module import names`, over several lines where one is too long."""
    flat = f"from {module} import {', '.join(names)}"
    if len(flat) <= width:
        return flat
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def place_for(source: SourceFile, line: str, module: str, roots: frozenset[str]) -> tuple[int, str]:
    """Return where `line` goes and the text to put there, with the line ends it needs.

    It goes to its own section (standard library, others, own): where isort would put it if the
    section is sorted, plain imports before `from` imports, then by module; else beside the import
    that it is most like.
    """
    tree = source.tree
    siblings = [node for node in _first_imports(tree, line) if not _future(node)]
    level = len(module) - len(module.lstrip("."))
    section = _section(module.split(".")[0], level, roots)
    key = _key(line.startswith("import "), module)
    peers = [node for node in siblings if _section_of(node, roots) == section]
    kin = [node for node in peers if _root(node) in _relatives(module)]
    chosen = kin if kin and _sorted(kin) else peers
    if chosen and not _sorted(chosen):
        return _after(source, _most_like(kin or peers, module), line)
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


def _first_imports(tree: ast.Module, line: str) -> list[Statement]:
    """Imports above the first definition, and above the first use of what `line` imports."""
    bound = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.parse(line).body
        if isinstance(node, Statement)
        for alias in node.names
    }
    found: list[Statement] = []
    for node in tree.body:
        if isinstance(node, Statement):
            found.append(node)
        elif (found and isinstance(node, DEFINITION)) or any(
            isinstance(inner, ast.Name) and inner.id in bound for inner in nodes_in(node)
        ):
            break
    return found


def _relatives(module: str) -> tuple[str, ...]:
    """First parts of modules that an import stands beside; ours stand beside Ray's."""
    root = module.split(".")[0]
    return ("rlmigrate", "ray") if root == "rlmigrate" else (root,)


def _most_like(nodes: list[Statement], module: str) -> Statement:
    """The import that shares the most leading parts with a module, the last one of several."""
    parts = module.split(".")

    def alike(node: Statement) -> int:
        pairs = zip(parts, _module(node).split("."), strict=False)
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    return max(reversed(nodes), key=alike)


def _root(node: Statement) -> str:
    return _module(node).split(".")[0]


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
    if lineno > 1 and not source.text[: source.line_span(lineno, lineno).start].strip():
        return 0, line + "\n"
    return source.line_span(lineno, lineno).start, line + "\n\n"


def _future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _module(node: Statement) -> str:
    if isinstance(node, ast.Import):
        return node.names[0].name
    return "." * node.level + (node.module or "")


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
