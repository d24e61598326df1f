"""A TorchRLModule in place of a TorchModelV2, made of the user's own statements.

emit_native   edits that turn one class
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.expressions import Expressions
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.result import Emitted
from rlmigrate.migrate.emit.setup import setup_edits
from rlmigrate.migrate.emit.text import indent_of, signature_span
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.facts import Reading
from rlmigrate.migrate.understanding.scope import body_without_docstring, parameters

CODE = "RLM101"


def emit_native(source: SourceFile, reading: Reading, names: Names) -> Emitted:
    """Write the class of `reading` as a TorchRLModule."""
    words = Expressions(source, reading, names)
    pieces = [
        *_header(source, reading, names),
        *words.pieces(),
        *setup_edits(source, reading, names, words),
        *_forward(source, reading, names, words),
        *_values(source, reading, names, words),
    ]
    edits = tuple(Edit(span, text, CODE) for span, text in _merged(pieces))
    return Emitted(edits, Imports(frozenset(names.wanted)), frozenset(names.layers))


def _merged(pieces: list[tuple[Span, str]]) -> list[tuple[Span, str]]:
    """Drop edits inside deleted lines, and join insertions at one place."""
    deleted = [span for span, text in pieces if not text and span.end > span.start]
    kept: dict[Span, str] = {}
    for span, text in pieces:
        inside = any(
            d.start <= span.start and span.end <= d.end and d != span for d in deleted
        ) and not (span.start == span.end and any(span.start in (d.start, d.end) for d in deleted))
        if not inside:
            kept[span] = kept.get(span, "") + text if span.start == span.end else text
    return sorted(kept.items())


def _header(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    bases = [names.core("TorchRLModule")]
    if reading.facts.value != "none":
        bases.append(names.core("ValueFunctionAPI"))
    for node, found in zip(reading.node.bases, reading.facts.bases, strict=True):
        if found in {"abc.ABC"} or isinstance(node, ast.Subscript):
            bases.append(source.segment(node))
    first, last = reading.node.bases[0], reading.node.bases[-1]
    return [(Span(source.span(first).start, source.span(last).end), ", ".join(bases))]


def _override(
    source: SourceFile, node: ast.FunctionDef, owner: str
) -> tuple[list[tuple[Span, str]], str]:
    """Edits that let `@override(...)` name its new owner; and the decorator's new text."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and len(decorator.args) == 1:
            func = source.segment(decorator.func)
            if func.rpartition(".")[2] == "override":
                return [(source.span(decorator.args[0]), owner)], f"@{func}({owner})"
    return [], ""


def _typed(node: ast.FunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    return node.returns is not None or any(a.annotation is not None for a in arguments)


def _forward(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[tuple[Span, str]]:
    states = reading.facts.states
    node = reading.methods["forward_rnn" if states else "forward"]
    pieces, decorator = _override(source, node, names.core("TorchRLModule"))
    arguments, returns = "self, batch, **kwargs", ""
    if _typed(node):
        names.want("typing", "Any")
        arguments, returns = "self, batch: dict[str, Any], **kwargs: Any", " -> dict[str, Any]"
    name = "_forward_train" if words.embedded else "_forward"
    pieces.append((signature_span(source, node), f"def {name}({arguments}){returns}:"))
    first = body_without_docstring(node)[0]
    opening = [words.hoisted()] if words.hoisted() else []
    if states:
        inputs, state = (p.arg for p in parameters(node)[:2])
        opening = [
            f"{inputs} = {words.flat_inputs()}",
            f"{state} = batch[{names.core('Columns')}.STATE_IN]",
        ]
        pieces += _initial_state(source, reading, names)
    if opening:
        at = source.line_span(first.lineno, first.lineno).start
        text = "".join(f"{indent_of(source, first)}{line}\n" for line in opening)
        pieces.append((Span(at, at), text))
    if words.embedded:
        indent = indent_of(source, node)
        step = indent_of(source, node.body[0])
        columns = names.core("Columns")
        lines = [f"{indent}{decorator}\n"] if decorator else []
        lines += [
            f"{indent}def _forward({arguments}){returns}:\n",
            f"{step}outs = self._forward_train(batch, **kwargs)\n",
            f"{step}del outs[{columns}.EMBEDDINGS]  # only compute_values() needs them\n",
            f"{step}return outs\n\n",
        ]
        top = min([d.lineno for d in node.decorator_list], default=node.lineno)
        at = source.line_span(top, top).start
        pieces.append((Span(at, at), "".join(lines)))
    return pieces


def _initial_state(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    node = reading.methods["get_initial_state"]
    pieces, _ = _override(source, node, names.core("TorchRLModule"))
    if node.returns is not None:
        names.want("typing", "Any")
        pieces.append((source.span(node.returns), "dict[str, Any]"))
    return pieces


def _values(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[tuple[Span, str]]:
    node = reading.methods.get("value_function")
    if node is None:
        return []
    if reading.facts.value == "none":
        return [(_whole(source, node), "")]
    pieces, _ = _override(source, node, names.core("ValueFunctionAPI"))
    arguments = "self, batch, embeddings=None"
    returns = f" -> {source.segment(node.returns)}" if node.returns is not None else ""
    if _typed(node):
        names.want("typing", "Any")
        arguments = "self, batch: dict[str, Any], embeddings: Any = None"
    pieces.append((signature_span(source, node), f"def compute_values({arguments}){returns}:"))
    if words.embedded:
        columns = names.core("Columns")
        body = node.body
        documented = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        first = body[1] if documented and len(body) > 1 else body[0]
        step = indent_of(source, first)
        at = source.line_span(first.lineno, first.lineno).start
        unit = step[len(indent_of(source, node)) :]
        text = (
            f"{step}if embeddings is None:\n"
            f"{step}{unit}embeddings = self._forward_train(batch)[{columns}.EMBEDDINGS]\n"
        )
        pieces.append((Span(at, at), text))
    return pieces


def _whole(source: SourceFile, node: ast.FunctionDef) -> Span:
    """A method with the blank lines before it."""
    first = min([d.lineno for d in node.decorator_list], default=node.lineno)
    start, end = source.line_span(first, node.end_lineno or node.lineno)
    before = source.text[:start].rstrip(" \t\r\n")
    newline = source.text.find("\n", len(before))
    return Span(newline + 1 if newline >= 0 else start, end)
