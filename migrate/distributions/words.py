"""Old names inside a distribution's methods, and what the new stack calls them.

DistributionWords   one method
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.distributions.axes import last_axes
from rlmigrate.migrate.distributions.bases import Base
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.calls import torch_name
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.words import (
    OLD_DISTRIBUTIONS,
    SAME_DISTRIBUTIONS,
    Owner,
    Words,
)
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring, self_attribute


class DistributionWords(Words):
    """One method; `wrap` names the class around what it returns, if any.

    `constructing` is set for the constructor, of which `returned` then tells how `self.dist` was
    set: "" not at all, "last" as its last statement, "early" before others. `samples` counts
    samples that it takes from a distribution.
    """

    def __init__(
        self, owner: Owner, method: ast.FunctionDef, roles: Mapping[str, str], *, base: Base
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
        if self.base.how == "asks":
            if target in {"inputs", "model"}:
                raise NotMovable(node, f"sets self.{target}")
            return None
        if target == "last_sample" and len(node.targets) == 1:
            return self._last_sample(node)
        if target == "dist" and self.constructing:
            if self.returned or self.base.how != "wraps" or node not in self.method.body:
                raise NotMovable(node, "sets self.dist in more than one place")
            last = node is self.method.body[-1]
            self.returned = "last" if last else "early"
            return f"{'return' if last else 'dist ='} {self.text(node.value)}"
        if target in {"dist", "inputs", "model"}:
            raise NotMovable(node, f"sets self.{target}")
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
        if not isinstance(call, ast.Call):
            return None
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr != "__init__":
            return None
        if self.base.how == "asks":
            return self._kept_call(call)
        if not self.constructing:
            return None
        arguments = list(call.args)
        if not self._is_super(call):
            arguments = arguments[1:]  # Base.__init__(self, ...)
        if (call.keywords and self.base.how != "made") or not arguments:
            raise NotMovable(node, "calls its base constructor in a way that is not understood")
        inputs = self.text(arguments[0])
        if len(arguments) > 1 and self.role(arguments[1]) != "model":
            raise NotMovable(node, "gives its base another model")
        if self.base.how == "wraps":
            if inputs != "logits" or len(arguments) > 2:
                raise NotMovable(node, "gives its base other inputs")
            return ""
        if self.base.how == "init":
            heat = f" / {self._factor(arguments[2])}" if len(arguments) > 2 else ""
            simple = isinstance(arguments[0], ast.Name | ast.Call | ast.Attribute)
            inputs = inputs if simple or not heat else f"({inputs})"
            return f"super().__init__(logits={inputs}{heat})"
        return self._made(node, inputs)

    def _kept_call(self, call: ast.Call) -> str:
        """The constructor of a base that takes inputs and model, as the old one did."""
        named = [a.arg for a in self.method.args.args][1:3]
        given = call.args if self._is_super(call) else call.args[1:]
        names = [each.id for each in given if isinstance(each, ast.Name)]
        model = [n for n in nodes_in(self.method) if isinstance(n, ast.Name) and n.id in named[1:]]
        if names != named or len(given) != 2 or call.keywords or len(model) != 1:
            raise NotMovable(call, "does more with its model in __init__ than to hand it on")
        return f"super().__init__({', '.join(names)})"

    def _made(self, node: ast.Expr, inputs: str) -> str:
        """super().from_logits() with what the base constructor was told besides."""
        call = node.value
        assert isinstance(call, ast.Call)
        more = call.args[2:] if self._is_super(call) else call.args[3:]
        told = dict(zip(self.base.given, more, strict=False))
        told |= {k.arg: k.value for k in call.keywords if k.arg is not None}
        if len(more) > len(self.base.given) or set(told) - set(self.base.given) - {"action_space"}:
            raise NotMovable(node, "calls its base constructor in a way that is not understood")
        space = told.pop("action_space", None)
        if space is not None and not (isinstance(space, ast.Constant) and space.value is None):
            raise NotMovable(node, "gives its base an action space")
        if self.returned or node not in self.method.body:
            raise NotMovable(node, "calls its base in more than one place")
        texts = [f"{name}={self.text(value)}" for name, value in told.items()]
        last = node is self.method.body[-1]
        self.returned = "last" if last else "early"
        made = f"super().from_logits({', '.join([inputs, *texts, '**kwargs'])})"
        return f"{'return' if last else 'dist ='} {made}"

    @staticmethod
    def _is_super(call: ast.Call) -> bool:
        """Say whether a constructor is called by super(), without `self` as first argument."""
        return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call)

    def _factor(self, node: ast.expr) -> str:
        text = self.text(node)
        return text if isinstance(node, ast.Name | ast.Constant | ast.Attribute) else f"({text})"

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """`self.dist`, `self.inputs` and those of the other distribution."""
        if self.base.how == "asks" and self_attribute(node.value) == "model":
            return self.source.segment(node)
        of_other = self.role(node.value) == "other"
        attribute = self_attribute(node) or (node.attr if of_other else None)
        if attribute is None:
            return super().on_Attribute(node)
        owner = "self" if not of_other else self.source.segment(node.value)
        if self.classmethod:
            if self.returned != "early":
                raise NotMovable(node, "keeps values before its base is there")
            owner = "dist"
        text = self._own_text(node, attribute, owner)
        return text if text != self.source.segment(node) else None

    def _own_text(self, node: ast.Attribute, attribute: str, owner: str) -> str:
        """One attribute of a distribution."""
        if attribute == "dist" and self.base.how in {"wraps", "init", "made"}:
            if self.constructing and not self.classmethod:
                if self.returned != "early":
                    raise NotMovable(node, "reads self.dist before it is there")
                return "dist"
            return f"{owner}._dist"
        if attribute == "inputs":
            if not self.base.inputs:
                raise NotMovable(node, "reads its inputs")
            return "logits" if self.constructing else f"{owner}.{self.base.inputs}"
        if attribute in self.owner.known or attribute in self.base.adds:
            return f"{owner}.{attribute}"
        if attribute in self.base.reads:
            return f"{owner}.{self.base.reads[attribute]}"
        if attribute == "model":
            raise NotMovable(node, "calls its model")
        raise NotMovable(node, f"reads {attribute} of the old distribution")

    def on_Call(self, node: ast.Call) -> str | None:
        """Samples, what the base class did, and parts made of distributions of RLlib."""
        func = node.func
        if isinstance(func, ast.Attribute) and not node.args and not node.keywords:
            text = self._sampled(func)
            if text is not None:
                return text
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Call):
            kept = func.attr in {"logp", "entropy", "kl"}
            if dotted(func.value.func) == "super" and kept and func.attr == self.method.name:
                return self._of_base(node, func.attr)
        found = (self.rllib(func) or "").removeprefix(OLD_DISTRIBUTIONS)
        if found in SAME_DISTRIBUTIONS:
            return self._part(node, found)
        return super().on_Call(node)

    def _sampled(self, func: ast.Attribute) -> str | None:
        """Samples of torch's distribution, of the base and of parts."""
        if self_attribute(func.value) == "dist" and func.attr in {"sample", "rsample"}:
            if self.method.name != "sample":
                return None
            self.samples += 1
            name = "rsample" if self.reparameterized else func.attr
            return f"self._dist.{name}(sample_shape or ())"
        of_base = isinstance(func.value, ast.Call) and dotted(func.value.func) == "super"
        if of_base and func.attr == "sample" and self.method.name == "sample":
            if not self.base.samples_shape:
                return "super().sample()"
            self.samples += 1
            name = "rsample" if self.reparameterized else "sample"
            return f"super().{name}(sample_shape=sample_shape)"
        if of_base and func.attr == "deterministic_sample":
            return "super().to_deterministic().sample()"
        of_self = isinstance(func.value, ast.Name) and func.value.id == "self"
        if func.attr == "deterministic_sample" and not of_base:
            if of_self and self.base.how == "asks":
                return None
            return f"{self.text(func.value)}.to_deterministic().sample()"
        if func.attr == "sampled_action_logp" and not of_self:
            raise NotMovable(func, "asks a part for the probability of its last sample")
        return None

    def _of_base(self, node: ast.Call, method: str) -> str | None:
        """What the old base returned for each component where the new one adds them up."""
        if method not in self.base.apart:
            return None
        if method == "entropy":
            return "self._dist.entropy()"
        given = self.text(node.args[0])
        return f"{torch_name(self.owner)}.distributions.kl_divergence(self._dist, {given}._dist)"

    def _part(self, node: ast.Call, name: str) -> str:
        """A distribution of RLlib over a part of the action."""
        models = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "model")]
        known = all(
            self_attribute(each) == "model"
            or self.role(each) == "model"
            or (isinstance(each, ast.Constant) and each.value is None)
            for each in models
        )
        others = len(node.args) + len(node.keywords) - len(models)
        if not node.args or others > 1 or not known:
            raise NotMovable(node, f"makes a {name} in a way that is not understood")
        made = self.owner.names.distribution(name)
        return f"{made}.from_logits({self.text(node.args[0])})"

    def on_Name(self, node: ast.Name) -> str | None:
        """Classes of RLlib that something is compared with."""
        found = (self.rllib(node) or "").removeprefix(OLD_DISTRIBUTIONS)
        if found in SAME_DISTRIBUTIONS and self._is_compared(node):
            return self.owner.names.distribution(found)
        return super().on_Name(node)

    def _is_compared(self, node: ast.Name) -> bool:
        return any(
            isinstance(each, ast.Call)
            and dotted(each.func) == "isinstance"
            and any(inner is node for inner in nodes_in(each))
            for each in nodes_in(self.method)
        )

    def on_own(self, node: ast.Attribute, attribute: str) -> str | None:
        """Attributes are judged above."""
        return None
