"""Old names inside a distribution's methods, and what the new stack calls them.

DistributionWords   one method
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.distributions.axes import last_axes
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.words import Owner, Words
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring, self_attribute


class DistributionWords(Words):
    """One method; `wrap` names the class around what it returns, if any.

    `constructing` is set for the constructor, of which `returned` then tells how `self.dist` was
    set: "" not at all, "last" as its last statement, "early" before others. `samples` counts
    samples that it takes from a distribution.
    """

    def __init__(
        self, owner: Owner, method: ast.FunctionDef, roles: Mapping[str, str], *, base: str
    ) -> None:
        super().__init__(owner, method, roles)
        self.base = base
        self.wrap = ""
        self.constructing = False
        self.classmethod = False
        self.reparameterized = False
        self.returned = ""
        self.samples = 0
        self.axes: set[int] = set()

    def on_Constant(self, node: ast.Constant) -> str | None:
        """The second axis of rows is their last, whatever comes before it."""
        return "-1" if id(node) in self.axes else None

    def written(self, indent: str) -> str:
        """The body at an indentation, without the old docstring."""
        self.returned, self.samples = "", 0
        inputs = [name for name, role in self.roles.items() if role == "inputs"]
        self.axes = last_axes(self.method, inputs)
        statements = body_without_docstring(self.method)
        return self.block(statements, first=statements[0].lineno, indent=indent)

    def on_role(self, node: ast.Name, role: str) -> str | None:
        """Parameters of the constructor and of the other methods."""
        if role == "inputs":
            return "logits"
        if role == "space":
            return "space"
        if role == "other":
            return None
        if role == "model":
            raise NotMovable(node, "hands its model on")
        return super().on_role(node, role)

    def on_Assign(self, node: ast.Assign) -> str | None:
        """`self.dist = ...` in the constructor, and the last sample."""
        target = self_attribute(node.targets[0])
        if target == "last_sample" and len(node.targets) == 1:
            return self._last_sample(node)
        if target == "dist" and self.constructing:
            if self.returned or self.base != "TorchDistribution" or node not in self.method.body:
                raise NotMovable(node, "sets self.dist in more than one place")
            last = node is self.method.body[-1]
            self.returned = "last" if last else "early"
            return f"{'return' if last else 'dist ='} {self.text(node.value)}"
        if target in {"dist", "inputs", "model"}:
            raise NotMovable(node, f"sets self.{target}")
        if self.classmethod and target is not None:
            raise NotMovable(node, "keeps values of its inputs")
        return None

    def _last_sample(self, node: ast.Assign) -> str:
        """Only sampled_action_logp() needed it, which the new stack does not have."""
        following = self._next(node)
        given = following.value if isinstance(following, ast.Return) else None
        if given is not None and self_attribute(given) == "last_sample":
            text = self.text(node.value)
            return f"return {self.wrap}(loc={text})" if self.wrap else f"return {text}"
        constant = isinstance(node.value, ast.Name | ast.Constant)
        if not constant:
            raise NotMovable(node, "keeps its last sample")
        return ""

    def _next(self, node: ast.stmt) -> ast.stmt | None:
        for holder in nodes_in(self.method):
            for name in ("body", "orelse"):
                block = getattr(holder, name, None)
                if isinstance(block, list) and node in block:
                    at = block.index(node) + 1
                    return block[at] if at < len(block) else None
        return None

    def on_Return(self, node: ast.Return) -> str | None:
        """What is returned, in its wrapper; nothing twice."""
        if node.value is None:
            return None
        if self_attribute(node.value) == "last_sample":
            return ""
        if self.wrap:
            return f"return {self.wrap}(loc={self.text(node.value)})"
        return None

    def on_Expr(self, node: ast.Expr) -> str | None:
        """The call of the old base constructor."""
        call = node.value
        if not self.constructing or not isinstance(call, ast.Call):
            return None
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr != "__init__":
            return None
        arguments = list(call.args)
        if not isinstance(func.value, ast.Call):
            arguments = arguments[1:]  # Base.__init__(self, ...)
        if call.keywords or not arguments:
            raise NotMovable(node, "calls its base constructor in a way that is not understood")
        inputs = self.text(arguments[0])
        if len(arguments) > 1 and self.role(arguments[1]) != "model":
            raise NotMovable(node, "gives its base another model")
        if self.base == "TorchDistribution":
            if inputs != "logits" or len(arguments) > 2:
                raise NotMovable(node, "gives its base other inputs")
            return ""
        if self.base == "TorchCategorical":
            heat = f" / {self._factor(arguments[2])}" if len(arguments) > 2 else ""
            simple = isinstance(arguments[0], ast.Name | ast.Call | ast.Attribute)
            inputs = inputs if simple or not heat else f"({inputs})"
            return f"super().__init__(logits={inputs}{heat})"
        if node is not self.method.body[-1] or len(arguments) > 2:
            raise NotMovable(node, "does more than prepare its inputs in __init__")
        self.returned = "last"
        return f"return super().from_logits({inputs}, **kwargs)"

    def _factor(self, node: ast.expr) -> str:
        text = self.text(node)
        return text if isinstance(node, ast.Name | ast.Constant | ast.Attribute) else f"({text})"

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """`self.dist`, `self.inputs` and those of the other distribution."""
        of_other = self.role(node.value) == "other"
        attribute = self_attribute(node) or (node.attr if of_other else None)
        if attribute is None:
            return super().on_Attribute(node)
        owner = "self" if not of_other else self.source.segment(node.value)
        if attribute == "dist":
            if self.constructing:
                if self.returned != "early":
                    raise NotMovable(node, "reads self.dist before it is there")
                return "dist"
            return f"{owner}._dist"
        if attribute == "inputs":
            if self.base == "TorchDiagGaussian":
                raise NotMovable(node, "reads its inputs")
            if self.constructing:
                return "logits"
            return f"{owner}.logits" if self.base == "TorchCategorical" else f"{owner}.inputs"
        if attribute == "model":
            raise NotMovable(node, "calls its model")
        if attribute not in self.owner.known:
            raise NotMovable(node, f"reads {attribute} of the old distribution")
        return None

    def on_Call(self, node: ast.Call) -> str | None:
        """Samples, and what the base class did."""
        func = node.func
        if isinstance(func, ast.Attribute) and not node.args and not node.keywords:
            shape = "sample_shape=sample_shape"
            sampling = self.method.name == "sample" and func.attr in {"sample", "rsample"}
            if sampling and self_attribute(func.value) == "dist":
                self.samples += 1
                name = "rsample" if self.reparameterized else func.attr
                return f"self._dist.{name}(sample_shape or ())"
            of_base = isinstance(func.value, ast.Call) and dotted(func.value.func) == "super"
            if of_base and func.attr == "sample" and self.method.name == "sample":
                self.samples += 1
                name = "rsample" if self.reparameterized else "sample"
                return f"super().{name}({shape})"
            if of_base and func.attr == "deterministic_sample":
                return "super().to_deterministic().sample()"
            if func.attr == "deterministic_sample" and not of_base:
                return f"{self.text(func.value)}.to_deterministic().sample()"
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call):
            kept = func.attr in {"logp", "entropy", "kl"}
            if dotted(func.value.func) == "super" and kept and func.attr == self.method.name:
                return None
        return super().on_Call(node)

    def on_own(self, node: ast.Attribute, attribute: str) -> str | None:
        """Attributes are judged above."""
        return None
