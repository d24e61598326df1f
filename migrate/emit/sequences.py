"""What a model that keeps its list of states returns, and what its methods begin with.

wrapped              put a call around an expression
returned_sequences   the dict in place of `output, states`
opening_lines        rows, states and seq_lens, made of the batch
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rlmigrate.migrate.emit.embedded import embeddings_of
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Reading
from rlmigrate.migrate.understanding.scope import parameters

if TYPE_CHECKING:
    from rlmigrate.migrate.emit.expressions import Expressions
    from rlmigrate.migrate.emit.names import Names
    from rlmigrate.migrate.emit.states import Piece


def wrapped(span: Span, function: str, more: str = "") -> list[Piece]:
    """Write `function(...)` around what stands at `span`."""
    start, end = span
    return [(Span(start, start), f"{function}("), (Span(end, end), f"{more})")]


def returned_sequences(
    source: SourceFile,
    names: Names,
    embedded: Sequence[str],
    pair: ast.Tuple,
    *,
    same: bool,
    stateless_too: bool,
) -> list[Piece]:
    """Write what a forward returns with time in it; `same` states are those that came in.

    Where the model may be `stateless_too`, it returns no states rather than an empty dict.
    """
    output, states = (source.span(element) for element in pair.elts)
    whole = source.span(pair)
    columns = names.core("Columns")
    line = source.line_span(pair.lineno, pair.lineno)
    text = source.text[line.start : line.end]
    indent = text[: len(text) - len(text.lstrip())]
    step = indent + "    "
    last = f",\n{step}{columns}.EMBEDDINGS: {embeddings_of(embedded)}" if embedded else ""
    unfold = names.layer("unfold_outputs")
    if stateless_too:
        return [
            (Span(whole.start, output.start), f"{{\n{step}{columns}.ACTION_DIST_INPUTS: {unfold}("),
            (Span(output.end, states.start), f", batch),\n{step}**{names.layer('state_out')}("),
            (Span(states.end, whole.end), f"){last},\n{indent}}}"),
        ]
    before = f"{{\n{step}{columns}.ACTION_DIST_INPUTS: {unfold}("
    between = f", batch),\n{step}{columns}.STATE_OUT: "
    if same:
        return [
            (Span(whole.start, output.start), before),
            (Span(output.end, whole.end), f"{between}batch[{columns}.STATE_IN]{last},\n{indent}}}"),
        ]
    naming = names.layer("name_states")
    return [
        (Span(whole.start, output.start), before),
        (Span(output.end, states.start), f"{between}{naming}("),
        (Span(states.end, whole.end), f"){last},\n{indent}}}"),
    ]


def opening_lines(words: Expressions, reading: Reading, node: ast.FunctionDef) -> list[str]:
    """Give the parameters of the old method their names again, those that are read."""
    fold = words.names.layer("fold_time")
    first, state, seq_lens = (p.arg for p in parameters(node)[:3])
    used = {n.id for n in nodes_in(node) if isinstance(n, ast.Name)}
    rest = ", ".join(name if name in used else "_" for name in (state, seq_lens))
    if node.name == "forward_rnn":
        lines = [f"batch = {words.names.layer('cut_padding')}(batch)"]
        lines.append(f"{first} = {words.flat_inputs()}")
        lines += [] if rest == "_, _" else [f"_, {rest} = {fold}(batch)"]
    else:
        lines = [f"batch, {rest} = {fold}(batch)"]
    if words.copies("states_copy"):
        lines.append(f"{state} = {words.names.layer('own_copy')}({state})")
    return lines
