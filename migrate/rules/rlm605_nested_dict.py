"""Replace NestedDict by dict."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import RELEASE_NOTES, imports_of, item

CODE = "RLM605"
NAME = "ray.rllib.utils.nested_dict.NestedDict"


def check(context: FileContext) -> Iterable[Finding]:
    """Find annotations, type checks and constructions that name NestedDict."""
    if NAME not in imports_of(context).names.values():
        return
    made = {
        id(node.func): node
        for node in context.source.nodes(ast.Call)
        if imports_of(context).qualified(node.func) == NAME
    }
    whole: dict[int, ast.expr] = {
        id(node.value): node for node in context.source.nodes(ast.Subscript)
    }
    uses = list(_uses(context))
    if not uses:
        yield from _unused(context)
    for use in uses:
        call = made.get(id(use))
        if call is None:
            message = "batches are plain dicts"
            edit = Edit(context.source.span(whole.get(id(use), use)), "dict", CODE)
            found = _item(context, use, Outcome.NATIVE, message)
            yield Finding(found, (edit,), Imports(unneeded=frozenset({NAME})))
        elif not call.args and not call.keywords:
            edit = Edit(context.source.span(call), "{}", CODE)
            found = _item(context, use, Outcome.NATIVE, "an empty NestedDict is a dict")
            yield Finding(found, (edit,), Imports(unneeded=frozenset({NAME})))
        else:
            message = (
                "make this a plain dict of dicts: a key that is a tuple, batch['a', 'b'], "
                "becomes batch['a']['b'], and get(), filter() and items() see one level"
            )
            yield Finding(_item(context, use, Outcome.MANUAL, message))


def _uses(context: FileContext) -> Iterator[ast.expr]:
    table = imports_of(context)
    for name in context.source.nodes(ast.Name):
        if isinstance(name.ctx, ast.Load) and table.qualified(name) == NAME:
            yield name
    for attribute in context.source.nodes(ast.Attribute):
        if isinstance(attribute.ctx, ast.Load) and table.qualified(attribute) == NAME:
            yield attribute


def _unused(context: FileContext) -> Iterator[Finding]:
    """An import that nothing uses would still fail."""
    for node in context.source.tree.body:
        if not isinstance(node, ast.ImportFrom) or len(node.names) != 1:
            continue
        if f"{node.module}.{node.names[0].name}" == NAME:
            edit = Edit(context.source.line_span(node.lineno, node.end_lineno or 0), "", CODE)
            found = _item(context, node, Outcome.NATIVE, "the import is not used")
            yield Finding(found, (edit,))


def _item(context: FileContext, node: ast.expr | ast.stmt, outcome: Outcome, text: str) -> Item:
    return item(
        context,
        node,
        code=CODE,
        name="NestedDict",
        kind=Kind.MODULE,
        outcome=outcome,
        message=text,
        new_name="dict",
    )


IMPORT = "from ray.rllib.utils.nested_dict import NestedDict\n"

RULE = Rule(
    code=CODE,
    name="nested-dict",
    kind=Kind.MODULE,
    summary="Replace NestedDict by dict.",
    explanation=(
        "NestedDict left RLlib with 2.33; batches are plain dicts of dicts. Annotations and type "
        "checks become dict. Where one is built from data, keys may be tuples, and what they "
        "then mean depends on the data, so that is left to you."
    ),
    check=check,
    words=frozenset({"NestedDict"}),
    since="2.33",
    link=RELEASE_NOTES,
    unchanged=(
        Case("a project's own class", "# rllib\nfrom mine import NestedDict\nx: NestedDict = {}\n"),
        Case("a file that only speaks of it", "# ray.rllib NestedDict\nx = 'NestedDict'\n"),
    ),
    cases=(
        Case(
            "an annotation",
            "import torch\n" + IMPORT + "\ndef f(batch: NestedDict, x: NestedDict[str]) -> dict:\n"
            "    return batch\n",
            "import torch\n\ndef f(batch: dict, x: dict) -> dict:\n    return batch\n",
        ),
        Case(
            "a type check and an empty one",
            "import torch\n" + IMPORT + "if isinstance(x, NestedDict):\n    x = NestedDict()\n",
            "import torch\nif isinstance(x, dict):\n    x = {}\n",
        ),
        Case("an unused import", IMPORT + "x = 1\n", "x = 1\n"),
    ),
)
