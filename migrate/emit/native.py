"""A TorchRLModule in place of a TorchModelV2, made of the user's own statements.

emit_native   edits that turn one class
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.expressions import Expressions
from rlmigrate.migrate.emit.learner import learner_edits
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.result import Emitted
from rlmigrate.migrate.emit.sequences import opening_lines
from rlmigrate.migrate.emit.setup import setup_edits
from rlmigrate.migrate.emit.text import indent_of, method_span, requoted_pieces, signature_span
from rlmigrate.migrate.emit.wrapper_classes import wrapper_edits
from rlmigrate.migrate.index.known import ray_kind
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.facts import ModelFacts, Reading
from rlmigrate.migrate.understanding.keras_losses import KEPT
from rlmigrate.migrate.understanding.kin import is_abstract
from rlmigrate.migrate.understanding.role import Q_METHODS, SAC_METHODS
from rlmigrate.migrate.understanding.scope import body_without_docstring, parameters

CODE = "RLM101"

#: The module of the layers file that stands for a net of RLlib as a base.
NET_MODULES = {"FullyConnectedNetwork": "FullyConnectedModule", "VisionNetwork": "VisionModule"}


def emit_native(source: SourceFile, reading: Reading, names: Names) -> Emitted:
    """Write the class of `reading` as a TorchRLModule."""
    words = Expressions(source, reading, names)
    pieces = [
        *_header(source, reading, names),
        *words.pieces(),
        *setup_edits(source, reading, names, words),
        *_forward(source, reading, names, words),
        *_values(source, reading, names, words),
        *_q_methods(source, reading, names),
        *_kept_losses(source, reading, names),
        *wrapper_edits(source, reading, names),
    ]
    pieces = learner_edits(source, reading, names, requoted_pieces(source, reading, pieces))
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
    facts = reading.facts
    computed = facts.value == "computed"
    api = [names.core("ValueFunctionAPI")] if computed else []
    bases: list[str] = []
    for node, found in zip(reading.node.bases, facts.bases, strict=True):
        written = source.segment(node)
        if ast.unparse(node) in facts.inherits:
            bases += [written, *api]
            api = []
        elif facts.net_base and found.endswith(f".{facts.net_base}"):
            heads = [names.layer(_heads(facts))] if facts.q_model else []
            bases += [*heads, names.layer(NET_MODULES[facts.net_base])]
        elif ray_kind(found) == "model":
            module = _module(names, facts)
            bases += [*([module] if module not in bases else []), *api]
            api = []
        elif found not in {"torch.nn.Module", "torch.nn.modules.Module", "object"}:
            bases.append(written)
    first, last = reading.node.bases[0], reading.node.bases[-1]
    return [(Span(source.span(first).start, source.span(last).end), ", ".join([*bases, *api]))]


def _module(names: Names, facts: ModelFacts) -> str:
    if facts.action_dist.asks:
        return names.layer("SamplingModule")
    return names.layer(_heads(facts)) if facts.q_model else names.core("TorchRLModule")


def _heads(facts: ModelFacts) -> str:
    """The module of the layers file that speaks an algorithm's protocol."""
    if facts.sac:
        return "SACModule"
    return "KerasQModule" if facts.ported else "QModule"


def _override(
    source: SourceFile, reading: Reading, names: Names, node: ast.FunctionDef, owner: str
) -> tuple[list[tuple[Span, str]], str]:
    """Edits that let `@override(...)` name its new owner; and the decorator's new text."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and len(decorator.args) == 1:
            func = source.segment(decorator.func)
            if func.rpartition(".")[2] != "override":
                continue
            if names.target == "builtin":  # which has no override() of Ray's
                return [(source.line_span(decorator.lineno, decorator.lineno), "")], ""
            if ast.unparse(decorator.args[0]) in reading.facts.inherits:
                return [], f"@{source.segment(decorator)}"
            q_model = reading.facts.q_model and owner == "TorchRLModule"
            local = names.layer(_heads(reading.facts)) if q_model else names.core(owner)
            return [(source.span(decorator.args[0]), local)], f"@{func}({local})"
    return [], ""


def _typed(node: ast.FunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    return node.returns is not None or any(a.annotation is not None for a in arguments)


def _forward(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[tuple[Span, str]]:
    facts = reading.facts
    pieces = []
    if (facts.states or facts.sequential) and "get_initial_state" in reading.methods:
        pieces += _initial_state(source, reading, names)
    node = own_forward(reading)
    if node is None:
        return pieces
    override, decorator = _override(source, reading, names, node, "TorchRLModule")
    pieces += override
    arguments, returns = "self, batch, **kwargs", ""
    if _typed(node):
        names.want("typing", "Any")
        arguments, returns = "self, batch: dict[str, Any], **kwargs: Any", " -> dict[str, Any]"
    kept = bool(words.embedded) and not is_abstract(node)
    name = "_forward_train" if kept else "_forward"
    pieces.append((signature_span(source, node), f"def {name}({arguments}){returns}:"))
    if is_abstract(node):
        return pieces
    first = body_without_docstring(node)[0]
    opening = [words.hoisted()] if words.hoisted() else []
    if facts.states:
        inputs, state = (p.arg for p in parameters(node)[:2])
        states = f"batch[{names.core('Columns')}.STATE_IN]"
        if words.copies("states_copy"):
            states = f"{names.layer('own_copy')}({states})"
        opening = [f"{inputs} = {words.flat_inputs()}", f"{state} = {states}"]
    elif facts.sequential:
        opening = [*opening_lines(words, reading, node), *opening]
    elif facts.empty_state:
        opening.append(f"{facts.empty_state} = []")
    if opening:
        at = source.line_span(first.lineno, first.lineno).start
        text = "".join(f"{indent_of(source, first)}{line}\n" for line in opening)
        pieces.append((Span(at, at), text))
    twin = _twin(names, facts, kept=kept)
    if twin:
        indent = indent_of(source, node)
        step = indent_of(source, node.body[0])
        called, body = twin
        lines = [f"{indent}{decorator}\n"] if decorator else []
        lines.append(f"{indent}def {called}({arguments}){returns}:\n")
        lines += [f"{step}{line}\n" for line in body]
        top = min([d.lineno for d in node.decorator_list], default=node.lineno)
        at = source.line_span(top, top).start
        pieces.append((Span(at, at), "".join([*lines, "\n"])))
    return pieces


def own_forward(reading: Reading) -> ast.FunctionDef | None:
    """The method that becomes _forward: forward, or forward_rnn where RLlib's forward calls it."""
    forward = reading.methods.get("forward")
    if forward is not None or reading.facts.helps:
        return forward
    return reading.methods.get("forward_rnn")


def _q_methods(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    """Heads of its own: methods that stay as they are, under the decorator of their new owner."""
    if not reading.facts.q_model:
        return []
    return [
        piece
        for name in sorted((Q_METHODS | SAC_METHODS) & set(reading.methods))
        for piece in _override(source, reading, names, reading.methods[name], "TorchRLModule")[0]
    ]


def _kept_losses(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    """custom_loss() and metrics() of a TensorFlow model: methods that its owner's loop calls."""
    if names.framework != "tf":
        return []
    pieces = []
    for name, kept in KEPT.items():
        node = reading.methods.get(name)
        if node is None:
            continue
        pieces += _override(source, reading, names, node, "TorchRLModule")[0]
        at = source.text.index(name, signature_span(source, node).start)
        pieces.append((Span(at, at + len(name)), kept))
    return pieces


def _twin(names: Names, facts: ModelFacts, *, kept: bool) -> tuple[str, list[str]] | None:
    """The other of _forward and _forward_train, where one calls the other."""
    if kept and facts.adds:
        return None
    if kept:
        columns = names.core("Columns")
        return "_forward", [
            "outs = self._forward_train(batch, **kwargs)",
            f"del outs[{columns}.EMBEDDINGS]  # only compute_values() needs them",
            "return outs",
        ]
    if facts.base_embeds:
        return "_forward_train", ["return self._forward(batch, **kwargs)"]
    return None


def _initial_state(source: SourceFile, reading: Reading, names: Names) -> list[tuple[Span, str]]:
    node = reading.methods["get_initial_state"]
    pieces, _ = _override(source, reading, names, node, "TorchRLModule")
    if node.returns is not None:
        names.want("typing", "Any")
        pieces.append((source.span(node.returns), "dict[str, Any]"))
    return pieces


def _values(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[tuple[Span, str]]:
    node = reading.methods.get("value_function")
    if node is None:
        return _net_values(source, reading, names, words)
    if reading.facts.value == "none":
        alone = len(reading.node.body) == 1
        return [(method_span(source, node), f"{indent_of(source, node)}pass\n" if alone else "")]
    pieces, _ = _override(source, reading, names, node, "ValueFunctionAPI")
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


def _net_values(
    source: SourceFile, reading: Reading, names: Names, words: Expressions
) -> list[tuple[Span, str]]:
    """compute_values() of a class that left its values to a base of RLlib, below its forward."""
    node = own_forward(reading)
    if not reading.facts.net_values or node is None:
        return []
    indent, step = indent_of(source, node), indent_of(source, node.body[0])
    arguments = "self, batch, embeddings=None"
    if _typed(node):
        names.want("typing", "Any")
        arguments = "self, batch: dict[str, Any], embeddings: Any = None"
    lines = [f"{indent}def compute_values({arguments}):"]
    if words.embedded:
        columns = names.core("Columns")
        unit = step[len(indent) :]
        lines += [
            f"{step}if embeddings is None:",
            f"{step}{unit}embeddings = self._forward_train(batch)[{columns}.EMBEDDINGS]",
        ]
    lines.append(f"{step}return self.net_values({words.net_given()})")
    at = source.line_span(node.end_lineno or 1, node.end_lineno or 1).end
    lead = "" if source.text[at - 1 : at] in {"\n", "\r"} else "\n"
    return [(Span(at, at), lead + "\n" + "".join(f"{line}\n" for line in lines))]
