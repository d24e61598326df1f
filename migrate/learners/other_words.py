"""A policy's optimizer and its postprocessing, as a Learner and a connector say them.

OptimizerWords   configure_optimizers_for_module()
EpisodeWords     the body of a connector, over the columns of one episode
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.samples import ADVANTAGES, LastValue, asks_base
from rlmigrate.migrate.learners.words import LearnerWords, Place, Surroundings


class OptimizerWords(LearnerWords):
    """What made the optimizer registers it."""

    place = Place.OPTIMIZER

    def __init__(self, around: Surroundings, function: ast.FunctionDef) -> None:
        named = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        super().__init__(around, function, dict(zip(named, ("policy", "config"), strict=False)))

    @property
    def config(self) -> str:
        """Where the config of the algorithm is."""
        return "config"

    def of_model(self, node: ast.Attribute) -> str:
        """Parts of the model are parts of the module."""
        if node.attr in {"parameters", "named_parameters", "children", "modules"}:
            return f"module.{node.attr}"
        return super().of_model(node)

    def of_policy(self, node: ast.Attribute) -> str | None:
        """DQN's policy of Ray 1 had its parameters at hand."""
        return "module.parameters()" if node.attr == "q_func_vars" else super().of_policy(node)

    def on_Return(self, node: ast.Return) -> str | None:
        """Register each optimizer that was returned, with the parameters that it holds."""
        value = node.value
        if value is None:
            return None
        if not isinstance(value, ast.Call | ast.List | ast.Tuple) and not self._is_made(value):
            self.note(node, "this returns what was made elsewhere; register each optimizer")
        indent = " " * node.col_offset
        many = isinstance(value, ast.List | ast.Tuple)
        if isinstance(value, ast.List | ast.Tuple):
            listed = ", ".join(self.text(each) for each in value.elts)
            lines = [f"for number, optimizer in enumerate([{listed}]):"]
        else:
            lines = [f"optimizer = {self.text(value)}"]
        inner = f"{indent}    " if many else indent
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

    def _is_made(self, node: ast.expr) -> bool:
        """Say whether a name stands for one thing that a call made."""
        values = [
            each.value
            for each in self.statements
            if isinstance(each, ast.Assign)
            and isinstance(node, ast.Name)
            and any(isinstance(t, ast.Name) and t.id == node.id for t in each.targets)
        ]
        return bool(values) and all(isinstance(each, ast.Call) for each in values)


class EpisodeWords(LearnerWords):
    """What changed the samples of one episode."""

    place = Place.EPISODES

    def __init__(self, around: Surroundings, function: ast.FunctionDef, base: str = "") -> None:
        named = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        super().__init__(around, function, {named[0]: "policy"} if named else {})
        self.batch = named[1] if len(named) > 1 else ""
        self.asks = asks_base(self.file, function, base)
        self.last = LastValue.of(function)

    def column(self, key: str) -> str:
        """An episode's columns have dones besides terminateds."""
        return '"dones"' if key == "dones" else super().column(key)

    @property
    def owner(self) -> str:
        """The connector is handed the module."""
        return "module"

    def on_Call(self, node: ast.Call) -> str | None:
        """Values of the model."""
        func = node.func
        asks = isinstance(func, ast.Attribute) and func.attr == "value_function" and not node.args
        if asks and isinstance(func, ast.Attribute) and self.role(func.value) == "model":
            return "module.compute_values(batch)"
        if self._is_initialized(node):
            return "True"
        if self.last is not None and node is self.last.call:
            value = f"{self.names.layer('last_value')}(module, {self.last.batch})"
            return f"{value} if {self.config}.use_gae else 0.0"
        return super().on_Call(node)

    def _is_initialized(self, node: ast.Call) -> bool:
        """`policy.loss_initialized()`, and whether a mixin has added its attribute already.

        The old stack asked for samples once before its policies were ready; the new one does not.
        """
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "loss_initialized":
            return self.role(func.value) == "policy"
        if dotted(func) != "hasattr" or len(node.args) != 2:
            return False
        name = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
        return self.role(node.args[0]) == "policy" and name in self.around.aliases

    def on_Return(self, node: ast.Return) -> str | None:
        """The Learner's own connectors add advantages after this one."""
        return f"return {self.batch}" if node is self.asks else None

    def on_Assign(self, node: ast.Assign) -> str | None:
        """The same, before a return."""
        if self.last is not None and node is self.last.inputs:
            return ""
        name = ast.unparse(node.targets[0])
        if node is not self.asks:
            return None
        return f"{name} = {self.batch}" if name != self.batch else ""

    def of_ray(self, node: ast.Name | ast.Attribute) -> str | None:
        """Advantages are those of the layers file."""
        found = self.file.imports.qualified(node) or ""
        if found.startswith("ray.rllib.") and found.endswith(f".{ADVANTAGES}"):
            return self.names.layer("add_advantages")
        return super().of_ray(node)
