"""TensorFlow that torch says with the same numbers, for classes that go to Ray's new stack.

read_port   mark every name of TensorFlow in a class, or say what keeps it from being ported
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.ported_names import (
    ACTIVATIONS,
    DTYPES,
    FUNCTIONS,
    LAYERS,
    MODULE_NAMES,
    TF_ONLY,
    TRUSTED,
    Layer,
)
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

HOMES = ("tensorflow.compat.v1.", "tensorflow.compat.v2.", "tensorflow.", "tf_keras.", "keras.")


@dataclass
class Port:
    """One class while it is being ported."""

    scope: Scope
    tree: ast.Module

    def __post_init__(self) -> None:
        init = self.scope.methods.get("__init__")
        self.building = {id(n) for n in nodes_in(init)} if init is not None else set[int]()
        self.foreign = self._foreign()

    def _foreign(self) -> set[str]:
        """Names of the file that stand for something written for TensorFlow, by any detour."""
        uses: dict[str, set[str]] = {}
        found: set[str] = set()
        for node in self.tree.body:
            names = {n.id for n in nodes_in(node) if isinstance(n, ast.Name)}
            speaks = any(self._tensorflow(n) for n in nodes_in(node) if isinstance(n, ast.Name))
            for name in _bound(node):
                uses[name] = uses.get(name, set()) | names
                if speaks and name not in self.scope.file.imports.names:
                    found.add(name)
        while more := {n for n, used in uses.items() if n not in found and used & found}:
            found |= more
        return found - {self.scope.node.name}

    def read(self) -> None:
        """Judge the whole class."""
        self._read_class()
        skipped = self._skipped()
        for node in nodes_in(self.scope.node):
            if id(node) in skipped:
                continue
            if isinstance(node, ast.Name | ast.Attribute):
                self._read_name(node)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                self.problem(node, "shares what it makes with other models")
            elif isinstance(node, ast.AugAssign):
                self._read_change(node)
            elif isinstance(node, ast.Slice) and id(node) in self.building:
                self.problem(node, f"takes a slice, {ast.unparse(node)}, while it is built")
        for mark in self.scope.marks:
            if mark.kind == "net_value_of":
                self.problem(mark.node, "puts a net of RLlib into a Keras model")
            elif mark.kind == "net" and mark.detail == "VisionNetwork":
                self.problem(mark.node, "builds a VisionNetwork")
            elif mark.kind == "layer" and mark.detail in TF_ONLY:
                self.problem(mark.node, f"uses {mark.detail.removesuffix('_rows')} of RLlib")

    def problem(self, node: ast.AST, text: str) -> None:
        """Note why the class cannot be ported."""
        self.scope.problem(node, text)

    def _read_class(self) -> None:
        scope = self.scope
        if scope.kin:
            self.problem(scope.node, "belongs to a family of models")
        if scope.net_base == "VisionNetwork":
            self.problem(scope.node, "inherits from VisionNetwork")
        for node in nodes_in(scope.node):
            name = self_attribute(node)
            stored = isinstance(getattr(node, "ctx", None), ast.Store)
            if name in MODULE_NAMES and (stored or name in scope.methods):
                self.problem(node, f"has {name} of its own, which torch modules keep")

    def _skipped(self) -> set[int]:
        """What goes anyway: bases, decorators, annotations, dropped statements, nets of RLlib."""
        gone: list[ast.AST] = [*self.scope.node.bases, *self.scope.node.decorator_list]
        for method in self.scope.methods.values():
            gone += [*method.decorator_list, *([method.returns] if method.returns else [])]
            gone += [a.annotation for a in nodes_in(method.args) if _annotated(a)]  # type: ignore[attr-defined]
        gone += [mark.node for mark in self.scope.marks if mark.kind == "drop"]
        return {id(n) for each in gone for n in nodes_in(each)}

    def _read_name(self, node: ast.Name | ast.Attribute) -> None:
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Attribute) and parent.value is node:
            attribute = self_attribute(node)
            if attribute is not None:
                self._read_part(node, parent)
            return
        name = self._tensorflow(node)
        if isinstance(node, ast.Name) and node.id in self.foreign:
            self.problem(node, f"uses {node.id}, which is written for TensorFlow")
        elif name is not None:
            self._read_tensorflow(node, name)
        elif isinstance(parent, ast.Call) and parent.func is node:
            self._read_call(node, parent)

    def _tensorflow(self, node: ast.expr) -> str | None:
        """`nn.relu` of `tf.nn.relu`; None for names of other homes."""
        found = self.scope.qualified(node)
        if found is None:
            return None
        if found in {"tensorflow", "tensorflow.compat.v1", "keras", "tf_keras"}:
            return "tf"
        home = next((h for h in HOMES if found.startswith(h)), None)
        if home is None:
            return None
        rest = found.removeprefix(home)
        return f"keras.{rest}" if home in HOMES[-2:] else rest

    def _read_part(self, node: ast.expr, outer: ast.Attribute) -> None:
        """`self.part.x`: what is asked of a part of the model."""
        if self._is_model(self_attribute(node) or ""):
            call = self.scope.parent(outer)
            told = self.scope.parent(call)
            if outer.attr == "summary" and isinstance(told, ast.Expr):
                self.scope.mark("drop", told)
                return
            self.problem(node, f"asks {ast.unparse(node)} for {outer.attr}")

    def _is_model(self, attribute: str) -> bool:
        return any(
            isinstance(n, ast.Assign)
            and any(self_attribute(t) == attribute for t in n.targets)
            and isinstance(n.value, ast.Call)
            and (self._tensorflow(n.value.func) or "").startswith("keras.")
            for n in nodes_in(self.scope.node)
        )

    def _read_tensorflow(self, node: ast.expr, name: str) -> None:
        call = self.scope.parent(node)
        called = isinstance(call, ast.Call) and call.func is node
        last = name.rpartition(".")[2]
        if name.startswith(("keras.layers.", "keras.Input", "keras.Model", "keras.models.Model")):
            layer = LAYERS.get(last)
            if layer is None or not called or id(node) not in self.building:
                self.problem(node, f"uses {_said(node)}")
            elif isinstance(call, ast.Call):
                self._read_layer(node, call, layer)
        elif name == "float32.min":
            self.scope.mark("port_text", node, "torch.finfo(torch.float32).min")
        elif name in DTYPES and not called:
            self.scope.mark("port_text", node, f"torch.{DTYPES[name]}")
        elif last in ACTIVATIONS and name in _homes_of(last) and not called:
            self.scope.mark("port_text", node, f'"{last}"')
        elif isinstance(call, ast.Call) and called and id(node) not in self.building:
            self._read_function(node, call, name.removeprefix("math.").removeprefix("nn."))
        else:
            self.problem(node, f"uses {_said(node)}")

    def _read_layer(self, node: ast.expr, call: ast.Call, layer: Layer) -> None:
        keywords = {k.arg for k in call.keywords}
        if not keywords <= set(layer.keywords) or len(call.args) > layer.positional:
            self.problem(node, f"tells {_said(node)} what its torch form does not take")
        if any(isinstance(a, ast.Starred) for a in call.args):
            self.problem(node, f"tells {_said(node)} what is only known as it runs")
        if layer.kind == "model" and len(call.args) + len(keywords - {"name"}) < 2:
            self.problem(node, f"makes a {_said(node)} without inputs and outputs")
        outer = self.scope.parent(call)
        applied = isinstance(outer, ast.Call) and outer.func is call
        bound = isinstance(outer, ast.Assign) and all(
            isinstance(t, ast.Name) for t in outer.targets
        )
        kept = isinstance(outer, ast.Assign) and all(self_attribute(t) for t in outer.targets)
        fine = {"layer": applied or bound, "model": kept, "symbol": True}[layer.kind]
        if not fine:
            self.problem(node, f"keeps {_said(node)} for later")
        if layer.kind == "symbol" and any(
            isinstance(n, ast.Constant) and n.value is None for n in nodes_in(call)
        ):
            self.problem(node, "leaves a dimension of an input open")
        given = {k.arg: k.value for k in call.keywords}
        for key in ("kernel_initializer", "bias_initializer"):
            value = given.get(key)
            if isinstance(value, ast.Constant) and value.value not in {
                *("glorot_uniform", "ones", "zeros"),
            }:
                self.problem(value, f"draws its weights by {ast.unparse(value)}")
        named = given.get("activation") or (
            call.args[0] if layer.torch == "KerasActivation" and call.args else None
        )
        if isinstance(named, ast.Constant) and named.value not in {None, *ACTIVATIONS}:
            self.problem(named, f"uses the activation {named.value!r}")
        self.scope.mark("layer", node, layer.torch)

    def _read_function(self, node: ast.expr, call: ast.Call, name: str) -> None:
        keywords = {k.arg or "": k for k in call.keywords}
        if name == "cast" and self._is_cast(call, keywords):
            self.scope.mark("port_cast", call)
            return
        if name == "maximum" and self._is_floor(call):
            self.scope.mark("port_text", node, "torch.clamp")
            self.scope.mark("port_floor", call.args[1])
            return
        function = FUNCTIONS.get(name)
        if function is None:
            self.problem(node, f"uses {_said(node)}")
            return
        least, most = function.arguments
        given = len(call.args) + len(keywords.keys() & function.keywords.keys())
        others = keywords.keys() - function.keywords.keys()
        if (
            others
            or not least <= given <= most
            or any(isinstance(a, ast.Starred) for a in call.args)
        ):
            self.problem(node, f"calls {_said(node)} in a way that has no torch form")
            return
        self.scope.mark("port_text", node, function.torch)
        for key, keyword in keywords.items():
            self.scope.mark("port_keyword", keyword, function.keywords[key])

    def _is_cast(self, call: ast.Call, keywords: Mapping[str, ast.keyword]) -> bool:
        simple = ast.Name | ast.Attribute | ast.Subscript | ast.Call
        whole = len(call.args) + len(keywords) == 2 and set(keywords) <= {"dtype"}
        if not whole or not call.args or not isinstance(call.args[0], simple):
            return False
        wanted = call.args[1] if len(call.args) == 2 else keywords["dtype"].value
        return (self._tensorflow(wanted) or "") in DTYPES

    def _is_floor(self, call: ast.Call) -> bool:
        return (
            len(call.args) == 2
            and not call.keywords
            and self._tensorflow(call.args[1]) == "float32.min"
        )

    def _read_call(self, node: ast.expr, call: ast.Call) -> None:
        """A call of something else: of the class itself, of a trusted module, or unknown."""
        written = dotted(node)
        if written is None or written.startswith("self."):
            return
        head = written.partition(".")[0]
        found = self.scope.qualified(node)
        if found is None or head in self.foreign:
            return
        elif found.startswith(("numpy.", "np.")) and id(node) not in self.building:
            self.problem(node, f"calls {written} with tensors")
        elif not found.startswith(TRUSTED):
            self.problem(node, f"calls {written}, which is not looked into")

    def _read_change(self, node: ast.AugAssign) -> None:
        """`x += y` changes torch's tensor itself, and TensorFlow's name only."""
        plain = ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.BinOp
        if id(node) in self.building:
            return
        named = isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name)
        if named and isinstance(node.value, plain) and node.lineno == node.value.lineno:
            self.scope.mark("port_change", node)
        else:
            self.problem(node, f"changes {ast.unparse(node.target)} in place")


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement at the top of a file binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {
        n.id for n in nodes_in(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _annotated(node: ast.AST) -> bool:
    return isinstance(node, ast.arg) and node.annotation is not None


def _said(node: ast.expr) -> str:
    return dotted(node) or ast.unparse(node)


def _homes_of(activation: str) -> set[str]:
    homes = {f"nn.{activation}", f"keras.activations.{activation}"}
    return homes | {activation} if activation in {"tanh", "sigmoid"} else homes


def read_port(scope: Scope, tree: ast.Module) -> None:
    """Mark every name of TensorFlow in a class, or note what keeps it from being ported.

    `tree` is the file of the class.
    """
    Port(scope, tree).read()
