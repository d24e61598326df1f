"""A policy's loss, as compute_loss_for_module() says it.

The loss reads rows that count: `unmasked` takes out the steps that connectors add and pad with,
so that every mean and sum is over the steps of the old train batch.

LossWords    the loss, whose statistics are logged where they are known
"""

from __future__ import annotations

import ast
import re

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.loss_reading import LossReading
from rlmigrate.migrate.learners.words import PPO, Surroundings
from rlmigrate.migrate.tree import nodes_in

ONLY_WARNS = frozenset({"warn_if_infinite_kl_divergence"})
#: Columns that every train batch of a Learner has, and those that PPO's adds.
COLUMNS = frozenset(
    {"obs", "actions", "rewards", "terminateds", "truncateds", "dones"}
    | {"action_dist_inputs", "action_logp"}
)
OF_ADVANTAGES = frozenset({"advantages", "value_targets"})
#: What distributions of both stacks compute alike.
ALIKE = frozenset({"logp", "entropy", "kl", "sample"})


def _names_in(body: str) -> set[str]:
    """Names of a moved body; its words, where it cannot be parsed and will not be used."""
    try:
        return {n.id for n in nodes_in(ast.parse(body)) if isinstance(n, ast.Name)}
    except SyntaxError:
        return set(re.findall(r"[^\W\d]\w*", body))


class LossWords(LossReading):
    """The loss of a policy; what its `stats` name is logged."""

    def __init__(self, around: Surroundings, function: ast.FunctionDef) -> None:
        super().__init__(around, function)
        self.logs_kl = False
        self.reads: set[str] = set()
        free = "entropy_coeff" not in {n.id for n in nodes_in(function) if isinstance(n, ast.Name)}
        self.coefficients = {**PPO, "entropy_coeff": "entropy_coeff"} if free else PPO

    @property
    def config(self) -> str:
        """Where the config of the algorithm is."""
        return "config"

    def opening(self, body: str) -> str:
        """The statements before the moved ones: what parameters of the old loss were."""
        names = {n.id for n in nodes_in(self.function) if isinstance(n, ast.Name)}
        used = _names_in(_dedent(body))
        lines = []
        dist = next((n for n, role in self.roles.items() if role == "dist_class"), "")
        asks = dist in used
        if "module" in used or asks:
            lines.append("module = self.module[module_id].unwrapped()")
        if asks:
            lines.append(f"{dist} = module.get_train_action_dist_cls()")
        if self.rows in used and self.rows != "batch" and self.rows in names:
            lines.append(f"{self.rows} = {self._unmasked('batch')}  # the steps that count")
        if "entropy_coeff" in self.reads and "entropy_coeff" in self.coefficients.values():
            lines.append("schedule = self.entropy_coeff_schedulers_per_module[module_id]")
            lines.append("entropy_coeff = schedule.get_current_value()")
        return "".join(f"{line}\n" for line in lines)

    def _unmasked(self, text: str) -> str:
        return f"{self.names.layer('unmasked')}({text}, batch)"

    def on_Name(self, node: ast.Name) -> str | None:
        """The batch keeps its name where only its columns are read."""
        if self.roles.get(node.id) == "batch":
            self.note(node, "this is given the batch as a whole, a dict of flat rows")
            return node.id
        if self.roles.get(node.id) == "config":
            self.note(node, "this takes the config as a whole, which is an AlgorithmConfig now")
            return "config"
        if node.id in self.made and isinstance(node.ctx, ast.Load):
            self.note(node, "this is given a distribution of the new stack")
        return super().on_Name(node)

    def on_Subscript(self, node: ast.Subscript) -> str | None:
        """Columns of the batch, and keys of the config."""
        if self.role(node.value) != "batch":
            return super().on_Subscript(node)
        key = self.key(node.slice)
        if key is None:
            self.note(node, "this reads a column under a computed name")
            return f"{self.rows}[{self.text(node.slice)}]"
        if isinstance(node.ctx, ast.Load):
            self.column_read(node, key)
        named = isinstance(node.slice, ast.Name) and node.slice.id in self.constants
        return f"{self.rows}[{self.text(node.slice) if named else self.column(key)}]"

    def column_read(self, node: ast.AST, key: str) -> None:
        """Columns that need a connector, and those that the old sampler made."""
        known = COLUMNS | (OF_ADVANTAGES if self.around.ppo else frozenset())
        if key in self.around.columns:
            return
        if key == "vf_preds" and self.around.ppo:
            self.around.wanted.add(key)
        elif key == "seq_lens":
            self.note(node, "rows are flat, without padding; there are no seq_lens")
        elif key not in known:
            self.note(node, f"{key} is in the batch only if a connector puts it there")

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """Coefficients of PPO, statistics, and distributions."""
        if isinstance(node.value, ast.Name) and node.value.id in self.made:
            if node.attr == "dist":
                return f"{node.value.id}._dist"
            if node.attr not in ALIKE:
                self.note(node, f"see that the new distribution has {node.attr}")
            return f"{node.value.id}.{node.attr}"
        return super().on_Attribute(node)

    def of_policy(self, node: ast.Attribute) -> str | None:
        """An attribute of the policy; what the loss kept for stats_fn() is a local."""
        if self.around.ppo and node.attr in PPO:
            self.reads.add(node.attr)
            return self.coefficients[node.attr]
        if node.attr in self.locals:
            return self.locals[node.attr]
        return super().of_policy(node)

    def on_Call(self, node: ast.Call) -> str | None:
        """Calls of the model, of distributions and of the base class."""
        func = node.func
        makes = self.role(func) == "dist_class" and node.args and not node.keywords
        if makes and all(self.role(each) == "model" for each in node.args[1:]):
            return f"{self.source.segment(func)}.from_logits({self.text(node.args[0])})"
        if self._is_base_loss(func):
            return self._base_loss(node)
        if isinstance(func, ast.Attribute):
            made = isinstance(func.value, ast.Name) and func.value.id in self.made
            if made and func.attr in ALIKE and isinstance(func.value, ast.Name):
                arguments = ", ".join(self._argument(each) for each in node.args)
                return f"{func.value.id}.{func.attr}({arguments})"
            if made and func.attr == "deterministic_sample" and isinstance(func.value, ast.Name):
                return f"{func.value.id}.to_deterministic().sample()"
            bare = not node.args and not node.keywords
            if bare and self._is_value_function(func):
                return self._values(node)
        if isinstance(func, ast.Name) and func.id == "convert_to_torch_tensor" and node.args:
            return self.text(node.args[0])  # a Learner's batch is on its device
        if self._is_forward(node):
            self.note(node, "this calls the model once more; fwd_out has its outputs")
            return None
        return super().on_Call(node)

    def _argument(self, node: ast.expr) -> str:
        known = isinstance(node, ast.Name) and node.id in self.made
        return node.id if known and isinstance(node, ast.Name) else self.text(node)

    def _values(self, node: ast.Call) -> str:
        columns = self.names.core("Columns")
        given = f"batch, embeddings=fwd_out.get({columns}.EMBEDDINGS)"
        indent = self._indent(node)
        layer = self.names.layer("unmasked")
        return f"{layer}(\n{indent}    module.compute_values({given}), batch\n{indent})"

    def _indent(self, node: ast.expr | ast.stmt) -> str:
        """The indentation of the line on which a node begins."""
        text = self.source.text[self.source.line_span(node.lineno, node.lineno).start :]
        return text[: len(text) - len(text.lstrip(" \t"))]

    def _base_loss(self, node: ast.Call) -> str:
        indent = self._indent(node)
        given = "module_id=module_id, config=config, batch=batch, fwd_out=fwd_out"
        self.logs_kl = True
        return f"super().compute_loss_for_module(\n{indent}    {given}\n{indent})"

    def on_Expr(self, node: ast.Expr) -> str | None:
        """Warnings that need a policy go, as do constructors of mixins that set nothing else."""
        call = node.value
        if not isinstance(call, ast.Call):
            return None
        name = dotted(call.func) or ""
        if name.rpartition(".")[2] in ONLY_WARNS:
            return ""
        first = call.args[0] if call.args else None
        if name.endswith(".__init__") and self.role(first) == "policy":
            mixin = name.rpartition(".")[0].rpartition(".")[2]
            if mixin in self.around.mixins and len(call.args) == 1:
                return ""
        return None

    def on_Assign(self, node: ast.Assign) -> str | None:
        """The model's outputs are there already; statistics are logged."""
        target, value = node.targets[0], node.value
        if self._is_forward(value) and isinstance(target, ast.Tuple) and len(target.elts) == 2:
            return self._outputs(node, target)
        if isinstance(target, ast.Name) and self._is_base_loss(target):
            return ""  # a local name for the base's loss
        if isinstance(target, ast.Name) and self.roles.get(target.id) == "config":
            return ""
        if isinstance(target, ast.Attribute) and self.role(target.value) == "model":
            return self._patched(node, target)
        if isinstance(target, ast.Name) and self._is_value_function(value):
            return ""  # `del` brings the module's own back
        holder = target.value if isinstance(target, ast.Subscript) else None
        stats = isinstance(holder, ast.Attribute) and holder.attr == "tower_stats"
        if stats and isinstance(target, ast.Subscript):
            return self._logged(node, self.key(target.slice), self.text(value))
        if isinstance(target, ast.Attribute) and self.role(target.value) == "policy":
            return self._kept(node, target)
        return None

    def _outputs(self, node: ast.Assign, target: ast.Tuple) -> str:
        columns = self.names.core("Columns")
        names = [e.id if isinstance(e, ast.Name) else "_" for e in target.elts]
        text = self._unmasked(f"fwd_out[{columns}.ACTION_DIST_INPUTS]")
        if names[1] != "_" and not self._only_flags(names[1]):
            self.note(node, f"{names[1]} is {columns}.STATE_OUT of fwd_out, a dict")
        return f"{names[0]} = {text}"

    def _patched(self, node: ast.Assign, target: ast.Attribute) -> str | None:
        """`model.value_function = lambda: ...` around the base's loss, and what ends it."""
        kept = self._local_value(node.value.id) if isinstance(node.value, ast.Name) else None
        if target.attr == "value_function" and kept is not None and self._is_value_function(kept):
            return "del module.compute_values"
        if target.attr != "value_function" or not isinstance(node.value, ast.Lambda):
            self.note(node, "modules keep nothing between calls")
            return None
        rows, self.rows = self.rows, "batch"  # the base's loss looks at every row
        text = self.text(node.value.body)
        self.rows = rows
        inner = " ".join(line.strip() for line in text.splitlines())
        inner = inner.replace("( ", "(").replace(" )", ")").replace(",)", ")")
        return f"module.compute_values = lambda batch, embeddings=None: {inner}"

    def _logged(self, node: ast.stmt, key: str | None, value: str) -> str:
        """Log one statistic under each of its names."""
        if key is None:
            self.note(node, "this logs under a computed name")
            key = "value"
        names = self.around.stats.get(key, (key,))
        lines = []
        for name in names:
            self.logs_kl = self.logs_kl or name == "mean_kl_loss"
            lines += _log(name, value)
        return ("\n" + " " * node.col_offset).join(lines) if lines else ""

    def _kept(self, node: ast.Assign, target: ast.Attribute) -> str | None:
        """What the loss keeps on the policy is a local, logged where stats_fn() reports it."""
        local = self.locals.get(target.attr)
        if local is None or len(node.targets) > 1:
            return None
        asked = f"self.{target.attr}" in self.around.stats
        if not asked and target.attr not in self.loaded:
            return ""
        lines = [f"{local} = {self.text(node.value)}"]
        for name in self.around.stats.get(f"self.{target.attr}", ()):
            self.logs_kl = self.logs_kl or name == "mean_kl_loss"
            lines += _log(name, local)
        return ("\n" + " " * node.col_offset).join(lines)

    def on_If(self, node: ast.If) -> str | None:
        """The mask over padded steps is no question any more: no such step is left."""
        if not self._masks(node):
            return None
        if not node.orelse:
            self.note(node, "no padded step is left in these rows")
            return None
        line = self.source.line_span(node.lineno, node.lineno).start
        indent = self.source.text[line : self.source.offset(node.lineno, node.col_offset)]
        first = node.orelse[0]
        if indent.strip() or (len(node.orelse) == 1 and isinstance(first, ast.If)):
            self.note(node, "no padded step is left in these rows")
            return None
        text = self.block(node.orelse, first=first.lineno, indent=indent)
        return text.rstrip("\n")[len(indent) :]

    def on_Return(self, node: ast.Return) -> str | None:
        """A loss stays one tensor."""
        value = node.value
        if isinstance(value, ast.List | ast.Tuple):
            self.note(node, "a Learner has one loss per module; return their sum")
        return None


def _log(name: str, value: str) -> list[str]:
    """The statement that logs a value, over several lines where it is long."""
    one = f'self.metrics.log_value((module_id, "{name}"), {value}, window=1)'
    if len(one) <= 80 and "\n" not in one:
        return [one]
    shown = value.replace("\n", "\n    ")
    return [
        "self.metrics.log_value(",
        f'    (module_id, "{name}"),',
        f"    {shown},",
        "    window=1,",
        ")",
    ]


def _dedent(body: str) -> str:
    return "def f():\n" + body
