"""A Learner that has the loss and the metrics of a model.

learner_edits   move the methods out of the class, into a Learner below it
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.emit.text import indent_of, method_span, signature_span
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.strategy.choose import learner_name
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import OwnLoss, Reading
from rlmigrate.migrate.understanding.scope import parameters, self_attribute

Piece = tuple[Span, str]
BASE = ("ray.rllib.algorithms.ppo.torch.ppo_torch_learner", "PPOTorchLearner")


def learner_edits(
    source: SourceFile, reading: Reading, names: Names, pieces: list[Piece]
) -> list[Piece]:
    """Return `pieces` with the methods of the loss moved to a Learner below the class."""
    loss = reading.facts.loss
    if loss is None:
        return pieces
    base = names.want(*BASE)
    moved = []
    for name in loss.methods:
        node = reading.methods[name]
        whole = method_span(source, node)
        inside = [p for p in pieces if whole.start <= p[0].start and p[0].end <= whole.end]
        pieces = [p for p in pieces if p not in inside]
        inside += _columns(source, reading, names, whole)
        moved.append(_moved(source, node, inside, loss, names))
        pieces.append((whole, ""))
    class_ = reading.node
    end = source.line_span(class_.end_lineno or 1, class_.end_lineno or 1).end
    step = indent_of(source, class_.body[0])
    lead = "" if source.text[end - 1 : end] in {"\n", "\r"} else "\n"
    text = f"{lead}\n\nclass {learner_name(class_.name)}({base}):\n"
    text += f'{step}"""PPO\'s loss, and what {class_.name} adds to it."""\n\n'
    text += _compute_loss(reading, loss, names, step, typed=_typed(reading))
    text += "\n" + "\n".join(moved)
    return [*pieces, (Span(end, end), text)]


def _columns(source: SourceFile, reading: Reading, names: Names, method: Span) -> list[Piece]:
    """Columns of the train batch, as the new stack names them."""
    pieces = []
    for mark in reading.marks:
        if mark.kind != "loss_column" or not isinstance(mark.node, ast.Subscript):
            continue
        span = source.span(mark.node)
        if method.start <= span.start and span.end <= method.end:
            text = f"{source.segment(mark.node.value)}[{names.core('Columns')}.{mark.detail}]"
            if mark.data["prepared"]:
                text = f"{names.layer('preprocess')}({text}, self.observation_space)"
            pieces.append((span, text))
    return pieces


def _typed(reading: Reading) -> bool:
    return any(
        reading.methods[m].returns is not None
        for m in ("forward", "custom_loss")
        if m in reading.methods
    )


def _compute_loss(reading: Reading, loss: OwnLoss, names: Names, step: str, *, typed: bool) -> str:
    if typed:
        names.want("typing", "Any")
    given = "*, module_id, config, batch, fwd_out"
    if typed:
        given = "*, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]"
    lines = [
        f"def compute_loss_for_module(self, {given}){' -> Any' if typed else ''}:",
        f"{step}loss = super().compute_loss_for_module(",
        f"{step}{step}module_id=module_id, config=config, batch=batch, fwd_out=fwd_out",
        f"{step})",
        f"{step}module = self.module[module_id].unwrapped()",
        f"{step}if not isinstance(module, {reading.node.name}):",
        f"{step}{step}return loss",
    ]
    if len(step + lines[0]) > 88:
        lines[0:1] = ["def compute_loss_for_module(", f"{step}self, {given}", ") -> Any:"]
    if "custom_loss" in loss.methods:
        rows = f"{names.layer('unmasked')}(batch, batch)" if loss.reads_batch else "batch"
        more = ""
        if loss.stashes:
            columns = names.core("Columns")
            more = f", {names.layer('unmasked')}(fwd_out[{columns}.EMBEDDINGS], batch)"
        target = "[loss]" if loss.listed else "loss"
        call = f"{step}{target} = self.custom_loss(module, [loss], {rows}{more})"
        if len(step + call) > 88:
            call = (
                f"{step}{target} = self.custom_loss(\n"
                f"{step}{step}{step}module, [loss], {rows}{more}\n{step}{step})"
            )
        lines.append(call)
    if "metrics" in loss.methods:
        lines += [
            f"{step}reported = self.custom_metrics(module)",
            f'{step}self.metrics.log_dict(reported, key=(module_id, "model"), window=1)',
        ]
    lines.append(f"{step}return loss")
    return "".join(f"{step}{line}\n" for line in lines)


def _moved(
    source: SourceFile, node: ast.FunctionDef, inside: list[Piece], loss: OwnLoss, names: Names
) -> str:
    """The text of a method, in the Learner's words."""
    pieces = [*inside, (signature_span(source, node), _signature(source, node, loss))]
    for each in nodes_in(node):
        name = self_attribute(each)
        if name is None or name in loss.keeps or not isinstance(each, ast.Attribute):
            continue
        at = source.span(each.value)
        if not any(span.start <= at.start and at.end <= span.end for span, _ in inside):
            pieces.append((at, "module"))
    first = source.line_span(node.lineno, node.lineno).start
    last = source.line_span(node.end_lineno or node.lineno, node.end_lineno or node.lineno).end

    text, reached = "", first
    for span, new in sorted(pieces):
        text += source.text[reached : span.start] + new.replace("self.", "module.")
        reached = span.end
    text += source.text[reached:last]
    return text if text.endswith("\n") else text + "\n"


def _signature(source: SourceFile, node: ast.FunctionDef, loss: OwnLoss) -> str:
    if node.name == "metrics":
        returns = f" -> {source.segment(node.returns)}" if node.returns is not None else ""
        return f"def custom_metrics(self, module){returns}:"
    losses, inputs = (source.segment(p) for p in parameters(node))
    more = ", embeddings" if loss.stashes else ""
    returns = f" -> {source.segment(node.returns)}" if node.returns is not None else ""
    return f"def custom_loss(self, module, {losses}, {inputs}{more}){returns}:"
