"""Subclasses that stand for a model inside RLlib's LSTM or attention net.

wrapper_edits   write them below the class
"""

from __future__ import annotations

from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.text import indent_of
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.facts import Reading
from rlmigrate.migrate.understanding.wrapped import WRAPPERS, wrapped_name

KINDS = {"use_lstm": "LSTM", "use_attention": "attention net"}


def wrapper_edits(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    """Write one subclass for each wrapper that a config puts around the class."""
    facts, node = reading.facts, reading.node
    if not facts.wrappers:
        return []
    if facts.looks_back and names.target == "ray":
        names.layers.add("ViewColumns")
    end = source.line_span(node.end_lineno or 1, node.end_lineno or 1).end
    lead = "" if source.text[end - 1 : end] in {"\n", "\r"} else "\n"
    outer, step = indent_of(source, node), indent_of(source, node.body[0])
    text = ""
    for setting in facts.wrappers:
        base = names.layer(WRAPPERS[setting][1])
        inside = f"{node.name} inside RLlib's {KINDS[setting]}, for configs with {setting}."
        text += (
            f"\n\n{outer}class {wrapped_name(node.name, setting)}({base}, {node.name}):\n"
            f'{step}"""{inside}"""\n'
        )
    return [(Span(end, end), lead + text)]
