"""setup() in place of the constructor.

setup_edits   the signature, what must be set first, and the lines that go
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.carried import Carried
from rlmigrate.migrate.emit.expressions import Expressions, Piece
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.text import Lines, indent_of, signature_span
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Mark, Reading

WIDTH = 100


def setup_edits(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[Piece]:
    """Edits that make setup() of `__init__`, and drop statements everywhere in the class."""
    lines = Lines(source)
    dropped = [m.node for m in reading.marks if m.kind == "drop" and isinstance(m.node, ast.stmt)]
    for node in dropped:
        lines.take(node)
    openers = {source.line_of(signature_span(source, m).end - 1) for m in reading.methods.values()}
    before, after = _prologue(reading, names, words)
    init = reading.methods.get("__init__")
    if init is None:
        pieces = [_new_setup(source, reading, [*after, *before])] if before or after else []
        return [*pieces, *((span, "") for span in lines.spans(openers=openers))]
    call = next((m for m in reading.marks if m.kind == "super_setup"), None)
    base_calls = [call.node] if call and isinstance(call.node, ast.stmt) else []
    idle = [m.node for m in reading.marks if m.kind == "super_setup" and not m.data["told"]]
    needless = all(s in [*dropped, *idle] or _is_text(s) for s in init.body)
    if not before and not after and needless and len(reading.node.body) > 1:
        lines.numbers.update(range(_first_line(init), (init.end_lineno or init.lineno) + 1))
        return [(span, "") for span in lines.spans(openers=openers | {reading.node.lineno})]
    typed = init.returns is not None or any(a.annotation for a in init.args.args)
    arrow = " -> None" if typed else ""
    pieces = [(signature_span(source, init), f"def setup(self){arrow}:")]
    replaced = 0
    if call is not None:
        if after and _place(init, after, base_calls) not in base_calls:
            before, after = [*before, *after], []
        pieces.append(_super_setup(source, call, after))
    first = before if call is not None else [*after, *before]
    if first:
        place = _place(init, first, base_calls or dropped)
        replaced = place.lineno if place in dropped else 0
        indent = indent_of(source, place)
        at = source.line_span(place.lineno, place.lineno).start
        pieces.append((Span(at, at), "".join(f"{indent}{line}\n" for line in first)))
    gone = lines.spans(openers=openers, replaced=replaced)
    return [*pieces, *((span, "") for span in gone)]


def _super_setup(source: SourceFile, call: Mark, after: list[str]) -> Piece:
    """super().setup(), with what the base is told before and what it leaves to do after it."""
    assert isinstance(call.node, ast.stmt)
    told = call.data["told"]
    assert isinstance(told, tuple)
    indent = indent_of(source, call.node)
    lines = ["super().setup()", *after]
    if call.data.get("config"):
        lines.insert(0, f"self.model_config = {call.data['config']}")
    if told:
        parts = [
            f'"{name}": {value if isinstance(value, str) else source.segment(value)}'
            for name, value in told
        ]
        line = f"self.model_config = {{**self.model_config, {', '.join(parts)}}}"
        if len(indent) + len(line) > WIDTH:
            inner = "".join(f"{indent}    {part},\n" for part in parts)
            line = f"self.model_config = {{\n{indent}    **self.model_config,\n{inner}{indent}}}"
        lines.insert(0, line)
    return source.span(call.node), f"\n{indent}".join(lines)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _first_line(node: ast.FunctionDef) -> int:
    return min([d.lineno for d in node.decorator_list], default=node.lineno)


def _prologue(reading: Reading, names: Names, words: Expressions) -> tuple[list[str], list[str]]:
    """Statements for where the base constructor was called: those before it, those after it."""
    facts = reading.facts
    before, after = [], []
    for mark in reading.marks:
        if mark.kind == "config_whole":
            made = names.layer("old_model_config")
            before.append(f"{mark.detail} = {made}(self.model_config)")
        elif mark.kind == "keywords_whole" and mark.data["empty"]:
            before.append(f"{mark.detail} = {{}}  # no heir hands any on")
        elif mark.kind == "keywords_whole":
            made = names.layer("custom_settings")
            without = f", without={mark.data['without']}" if mark.data["without"] else ""
            before.append(f"{mark.detail} = {made}(self.model_config{without})")
    if facts.q_model and facts.net_base:  # the heads say how many outputs the net has
        space = f"{names.layer('preprocessed_space')}(self.observation_space)"
        after += ["self.build_net(", f"    {space}, self.num_outputs, self.model_config", ")"]
    sets = "action_dist_cls" in facts.base_sets or (
        bool(facts.net_base) and not any(m.kind == "net_build" for m in reading.marks)
    )
    needed = facts.head_size is not None if facts.inherits else True
    named = facts.action_dist
    if named.name:
        if named.module:
            names.want(named.module, named.name)
        after.append(f"self.action_dist_cls = {named.text}")
    elif not facts.discrete and not sets and needed:
        after.append(
            f"self.action_dist_cls = {names.layer('action_distribution')}(self.action_space)"
        )
    if facts.head_size == "attribute" and "num_outputs" not in facts.base_sets:
        after.append(f"self.num_outputs = {words.head_size()}")
    elif facts.head_size == "local":
        after.append(f"num_outputs = {words.head_size()}")
    after += _views(reading, names)
    spaces = {
        m.node.id
        for m in reading.marks
        if m.kind == "preprocessed_space" and isinstance(m.node, ast.Name)
    }
    before += [f"{name} = {words.preprocessed_space}" for name in sorted(spaces)]
    rebound = (
        {
            n.id
            for n in nodes_in(reading.methods["__init__"])
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if "__init__" in reading.methods
        else set()
    )
    for parameter in facts.parameters:
        used = words.own_uses.get(parameter.name, 0)
        said = words.carried.get(parameter.name, Carried())
        if used > 1 or parameter.name in rebound:
            before += said.around(f"{parameter.name} = {words.own_value(parameter.name)}")
        elif used:
            before += [*said.above, *said.below]  # parameters that were commented out
    if "action_space" in rebound:
        before.append("action_space = self.action_space")
    return before, after


def _views(reading: Reading, names: Names) -> list[str]:
    """Where ViewColumns finds what the module wants to see besides its observation."""
    facts = reading.facts
    if not facts.views:
        return []
    if names.target == "ray":
        names.layers.add("ViewColumns")
    if not facts.implied:
        return ["self.view_requirements = {}  # ViewColumns supplies what is named here"]
    view = names.layer("ViewRequirement", local=_local(reading, names))
    items = [f'    "{v.column}": {view}("{v.source}", shift={v.shift}),' for v in facts.implied]
    return ["self.view_requirements = {  # ViewColumns supplies these", *items, "}"]


def _local(reading: Reading, names: Names) -> str | None:
    """The file's own name for ViewRequirement, if it has one that moves."""
    return next((n for n in names.layer_names if n.endswith("ViewRequirement")), None)


def _place(init: ast.FunctionDef, lines: list[str], dropped: list[ast.stmt]) -> ast.stmt:
    """The statement before which the lines go: the base call, or the first that needs them."""
    body = init.body[1:] if _is_text(init.body[0]) and len(init.body) > 1 else init.body
    calls = [s for s in body if s in dropped and isinstance(s, ast.Expr)]
    place = calls[0] if calls else body[0]
    set_here = {line.partition(" = ")[0] for line in lines}
    for statement in body:
        if statement is place:
            break
        if any(isinstance(n, ast.Name) and n.id in set_here for n in nodes_in(statement)):
            return body[0]
    return place


def _new_setup(source: SourceFile, reading: Reading, lines: list[str]) -> Piece:
    """A setup() for a class without a constructor: before its first method, or after all it has."""
    body = reading.node.body
    first = next((s for s in body if isinstance(s, ast.FunctionDef)), None)
    indent = indent_of(source, first or body[-1])
    if reading.facts.inherits or reading.facts.net_base:
        lines = ["super().setup()", *lines]
    text = f"{indent}def setup(self):\n" + "".join(f"{indent}    {line}\n" for line in lines)
    if first is not None:
        at = source.line_span(_first_line(first), _first_line(first)).start
        return Span(at, at), text + "\n"
    last = source.line_span(body[-1].lineno, body[-1].end_lineno or body[-1].lineno)
    if isinstance(body[-1], ast.Pass):
        return last, text
    return Span(last.end, last.end), "\n" + text
