"""Old names inside a loss, an optimizer or a postprocessing, and what the new stack calls them.

LearnerWords   one function; what it cannot say gets a marker, and nothing is refused
Place          which of the three is written
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from enum import StrEnum

from rlmigrate.migrate.configs.keys import HOME
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.engine.todo import render
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.rewriting import KeyRead, Piece, Rewriting
from rlmigrate.migrate.policies.words import COLUMNS, VALUES
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring
from rlmigrate.migrate.understanding.vocabulary import CUSTOM_CONFIG

CODE = "RLM205"
#: Attributes of PPO's policy, and where its Learner has them.
PPO = {
    "kl_coeff": "self.curr_kl_coeffs_per_module[module_id]",
    "entropy_coeff": "self.entropy_coeff_schedulers_per_module[module_id].get_current_value()",
}
#: Old config keys whose attribute has another name.
RENAMED = {
    "lambda": "lambda_",
    "num_sgd_iter": "num_epochs",
    "sgd_minibatch_size": "minibatch_size",
}
SHARED = ("ray.rllib.utils.", "ray.rllib.core.", "ray.rllib.env.")
RAYS_LOSSES = frozenset({"ppo_surrogate_loss", "ppo_loss", "actor_critic_loss", "pg_torch_loss"})
ONLY_WARNS = frozenset({"warn_if_infinite_kl_divergence"})


class Place(StrEnum):
    """Where a function's code goes."""

    LOSS = "loss"
    OPTIMIZER = "optimizer"
    EPISODES = "postprocess"
    HELPER = "helper"


class LearnerWords(Rewriting):
    """One function; `asked` collects config keys that no AlgorithmConfig has."""

    def __init__(
        self,
        source: SourceFile,
        file: FileEntry,
        names: Names,
        function: ast.FunctionDef,
        *,
        place: Place,
        roles: Mapping[str, str],
        known: frozenset[str],
        ppo: bool,
    ) -> None:
        super().__init__(source)
        self.file = file
        self.names = names
        self.function = function
        self.place = place
        self.roles = roles
        self.known = known
        self.ppo = ppo
        self.asked: set[str] = set()
        self.notes: dict[int, list[str]] = {}
        self.masked = False
        self.statements = [n for n in nodes_in(function) if isinstance(n, ast.stmt)]

    def written(self, indent: str) -> str:
        """The body at an indentation, with a marker above each statement that needs a person."""
        statements = body_without_docstring(self.function)
        return self.block(statements, first=statements[0].lineno, indent=indent)

    def block(self, statements: Sequence[ast.stmt], *, first: int, indent: str) -> str:
        """As always, with the markers."""
        self.notes = {}
        for each in statements:
            self.pieces(each)
        return super().block(statements, first=first, indent=indent)

    def within(self, span: Span, pieces: list[Piece]) -> str:  # type: ignore[override]
        """Put the markers in with the pieces of a whole block."""
        more: list[Piece] = []
        for line, texts in self.notes.items():
            at = self.source.line_span(line, line).start
            if not span.start <= at < span.end:
                continue
            text = self.source.text[at:]
            indent = text[: len(text) - len(text.lstrip(" \t"))]
            lines = "".join(render(CODE, each, indent) for each in texts)
            more.append((Span(at, at), lines))
        return super().within(span, [*pieces, *more])

    def note(self, node: ast.AST, text: str) -> None:
        """Mark the statement around a node."""
        line = getattr(node, "lineno", self.function.lineno)
        around = [s for s in self.statements if s.lineno <= line <= (s.end_lineno or s.lineno)]
        start = max((s.lineno for s in around), default=line)
        if text not in self.notes.setdefault(start, []):
            self.notes[start].append(text)

    def role(self, node: ast.AST | None) -> str | None:
        """What a name is: "policy", "model", "dist_class", "batch", or nothing of these."""
        if isinstance(node, ast.Name):
            return self.roles.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "model":
            return "model" if self.role(node.value) == "policy" else None
        return None

    def replacement(self, node: ast.AST) -> str | None:
        """Ask `on_...` for the node's type."""
        handler = getattr(self, f"on_{type(node).__name__}", None)
        return handler(node) if handler is not None else None

    @property
    def config(self) -> str:
        """Where the config of the algorithm is."""
        return "config" if self.place in {Place.LOSS, Place.OPTIMIZER} else "self.config"

    def on_Name(self, node: ast.Name) -> str | None:
        """Parameters under their new names, and names of RLlib that are gone."""
        role = self.roles.get(node.id)
        if role == "model":
            return "module"
        if role == "batch" and self.place is not Place.EPISODES:
            return "batch"
        if role == "policy":
            self.note(node, "this took the policy; move it here, and give it what it asks for")
            return "self"
        return self._of_ray(node)

    def _of_ray(self, node: ast.Name | ast.Attribute) -> str | None:
        found = self.file.imports.qualified(node) or ""
        if found.startswith("ray.rllib.") and not found.startswith(SHARED):
            self.note(node, f"{found.rpartition('.')[2]} belongs to the old stack")
        return None

    def key(self, node: ast.expr) -> str | None:
        """The string behind a key, names of SampleBatch and Postprocessing included."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        owner, _, name = (dotted(node) or "").rpartition(".")
        found = self.file.imports.resolve(owner) or owner if owner else ""
        if found.endswith(("SampleBatch", "Postprocessing")):
            return VALUES.get(name, name.lower())
        return None

    def column(self, key: str) -> str:
        """A key as the new stack writes it."""
        key = {"dones": "terminateds"}.get(key, key)
        known = COLUMNS.get(key)
        return f"{self.names.core('Columns')}.{known}" if known else f'"{key}"'

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """Columns, and what the policy and its model have."""
        key = self.key(node)
        if key is not None:
            if key.startswith("prev_") or (key == "vf_preds" and self.place is Place.LOSS):
                self.note(node, f"{key} is in the batch only if a connector puts it there")
            return self.column(key)
        role = self.role(node.value)
        if self.role(node) == "model":
            return "module"
        if role == "policy":
            return self._of_policy(node)
        if role == "model":
            if node.attr in {"tower_stats", "is_time_major"}:
                self.note(node, f"modules have no {node.attr}")
            return f"module.{node.attr}"
        return self._of_ray(node) if dotted(node) else None

    def _of_policy(self, node: ast.Attribute) -> str | None:
        owner = "module" if self.place is Place.EPISODES else "self"
        if self.ppo and node.attr in PPO and self.place is Place.LOSS:
            return PPO[node.attr]
        if node.attr in {"action_space", "observation_space"}:
            return f"module.{node.attr}"
        if node.attr == "device" and owner == "self":
            return "self._device"
        if node.attr == "config":
            self.note(node, "this takes the config as a whole, which is an AlgorithmConfig now")
            return self.config
        if node.attr not in self.known and not isinstance(node.ctx, ast.Store):
            self.note(node, f"the policy had {node.attr}, find it a place")
        return f"{owner}.{node.attr}"

    def on_Subscript(self, node: ast.Subscript) -> str | None:
        """Keys of the config."""
        return self.config_text(node)

    def config_text(self, node: ast.expr) -> str | None:
        """Where a key of the old config is read now."""
        steps = self._steps(node)
        if not steps:
            return None
        (key, default), rest = steps[0], steps[1:]
        if key == "model" and rest and rest[0][0] in CUSTOM_CONFIG:
            rest = rest[1:]
        if key == "model":
            return "module.model_config" + _written(rest)
        key = RENAMED.get(key, key)
        if key in HOME:
            return f"{self.config}.{key}" + _written(rest)
        self.asked.add(key)
        return f"{self.config}.learner_config_dict" + _written([(key, default), *rest])

    def _steps(self, node: ast.expr) -> list[tuple[str, str | None]]:
        read = KeyRead.of(node)
        if read is None:
            return []
        owner, index, call = read
        default = None
        if call is not None:
            default = self.text(call.args[1]) if len(call.args) > 1 else "None"
        of_policy = isinstance(owner, ast.Attribute) and owner.attr == "config"
        whole = (
            of_policy and isinstance(owner, ast.Attribute) and self.role(owner.value) == "policy"
        )
        whole = whole or (isinstance(owner, ast.Name) and self.roles.get(owner.id) == "config")
        before = [] if whole else self._steps(owner)
        key = self.key(index)
        if key is None or (not whole and not before):
            return []
        return [*before, (key, default)]

    def on_Call(self, node: ast.Call) -> str | None:
        """Calls of the model, of distributions and of the base class."""
        func = node.func
        if self.role(func) == "dist_class" and node.args:
            return f"{self.source.segment(func)}.from_logits({self.text(node.args[0])})"
        if self._is_base_loss(func):
            line = self.source.line_span(node.lineno, node.lineno).start
            text = self.source.text[line:]
            indent = text[: len(text) - len(text.lstrip(" \t"))]
            given = "module_id=module_id, config=config, batch=batch, fwd_out=fwd_out"
            return f"super().compute_loss_for_module(\n{indent}    {given}\n{indent})"
        asks = isinstance(func, ast.Attribute) and func.attr == "value_function" and not node.args
        if asks and isinstance(func, ast.Attribute) and self.role(func.value) == "model":
            columns = self.names.core("Columns")
            if self.place is not Place.LOSS:
                return "module.compute_values(batch)"
            return f"module.compute_values(batch, embeddings=fwd_out.get({columns}.EMBEDDINGS))"
        if self.role(func) == "model":
            self.note(node, "this calls the model once more; fwd_out has its outputs")
            return None
        return self.config_text(node)

    def _is_base_loss(self, func: ast.expr) -> bool:
        if self.place is not Place.LOSS:
            return False
        name = (dotted(func) or "").rpartition(".")[2]
        if name in RAYS_LOSSES and (self.file.imports.qualified(func) or "").startswith("ray."):
            return True
        if not isinstance(func, ast.Attribute) or func.attr != "loss":
            return False
        if isinstance(func.value, ast.Call):
            return dotted(func.value.func) == "super"
        return (self.file.imports.qualified(func.value) or "").startswith("ray.rllib.")

    def on_Expr(self, node: ast.Expr) -> str | None:
        """Warnings that need a policy go."""
        name = dotted(node.value.func) if isinstance(node.value, ast.Call) else None
        return "" if (name or "").rpartition(".")[2] in ONLY_WARNS else None

    def on_Assign(self, node: ast.Assign) -> str | None:
        """The model's outputs are there already; statistics are logged."""
        target = node.targets[0]
        call = node.value
        asks = isinstance(call, ast.Call) and self.role(call.func) == "model"
        if asks and isinstance(target, ast.Tuple) and self.place is Place.LOSS:
            columns = self.names.core("Columns")
            names = [e.id if isinstance(e, ast.Name) else "_" for e in target.elts]
            lines = [f"{names[0]} = fwd_out[{columns}.ACTION_DIST_INPUTS]"]
            used = sum(
                isinstance(n, ast.Name) and n.id == names[1] for n in nodes_in(self.function)
            )
            if used > 1 and not self._is_mask_flag(names[1]):
                lines.append(f"{names[1]} = fwd_out.get({columns}.STATE_OUT)")
            return ("\n" + " " * node.col_offset).join(lines)
        holder = target.value if isinstance(target, ast.Subscript) else None
        stats = isinstance(holder, ast.Attribute) and holder.attr == "tower_stats"
        if stats and isinstance(target, ast.Subscript) and self.place is not Place.EPISODES:
            name, value = self.text(target.slice), self.text(call)
            return f"self.metrics.log_value((module_id, {name}), {value}, window=1)"
        return None

    def _is_mask_flag(self, name: str) -> bool:
        """Say whether a state only tells that there are sequences to mask."""
        loads = [
            n
            for n in nodes_in(self.function)
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
        ]
        tests = [n.test for n in self.statements if isinstance(n, ast.If) and _masks(n)]
        return bool(loads) and all(any(t is n for t in tests) for n in loads)

    def on_If(self, node: ast.If) -> str | None:
        """The mask over padded steps comes with the batch."""
        if not _masks(node) or self.place is not Place.LOSS:
            return None
        columns = self.names.core("Columns")
        indent = " " * node.col_offset
        gone = ("seq_lens", "SEQ_LENS", "max_seq_len", "sequence_mask")
        kept, mask = [], ""
        for each in node.body:
            text = ast.unparse(each)
            if isinstance(each, ast.Assign) and any(word in text for word in gone):
                if "sequence_mask" in text and isinstance(each.targets[0], ast.Name):
                    mask = each.targets[0].id
            elif isinstance(each, ast.Assign) and "reshape" in text and mask in text:
                continue
            else:
                kept.append(each)
        step = " " * (node.body[0].col_offset - node.col_offset)
        self.masked = True
        text = f"if {columns}.LOSS_MASK in batch:\n"
        text += f"{indent}{step}{mask} = batch[{columns}.LOSS_MASK]\n"
        text += "".join(f"{indent}{step}{self.text(each)}\n" for each in kept)
        if node.orelse:
            text += f"{indent}else:\n"
            text += "".join(f"{indent}{step}{self.text(each)}\n" for each in node.orelse)
        return text.rstrip("\n")

    def on_Return(self, node: ast.Return) -> str | None:
        """An optimizer is registered; a loss stays one tensor."""
        if self.place is Place.OPTIMIZER and node.value is not None:
            return self._registered(node, node.value)
        if self.place is Place.LOSS and isinstance(node.value, ast.List | ast.Tuple):
            self.note(node, "a Learner has one loss per module; return their sum")
        return None

    def _registered(self, node: ast.Return, value: ast.expr) -> str:
        """Each optimizer that was returned, with the parameters that it holds."""
        many = isinstance(value, ast.List | ast.Tuple)
        indent = " " * node.col_offset
        step = f"{indent}    "
        if isinstance(value, ast.List | ast.Tuple):
            listed = ", ".join(self.text(each) for each in value.elts)
            lines = [f"for number, optimizer in enumerate([{listed}]):"]
        else:
            lines = [f"optimizer = {self.text(value)}"]
        inner = step if many else indent
        lines += [
            f'{inner}params = [p for group in optimizer.param_groups for p in group["params"]]',
            f"{inner}self.register_optimizer(",
            f"{inner}    module_id=module_id,",
            *([f"{inner}    optimizer_name=str(number),"] if many else []),
            f"{inner}    optimizer=optimizer,",
            f"{inner}    params=params,",
            f"{inner}    lr_or_lr_schedule=config.lr,",
            f"{inner})",
        ]
        return "\n".join(lines)


def _masks(node: ast.If) -> bool:
    return "sequence_mask(" in ast.unparse(node) and not isinstance(node.test, ast.Constant)


def _written(steps: Sequence[tuple[str, str | None]]) -> str:
    return "".join(
        f'["{key}"]' if default is None else f'.get("{key}", {default})' for key, default in steps
    )
