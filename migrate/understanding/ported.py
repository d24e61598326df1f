"""TensorFlow that torch says with the same numbers, for classes that go to Ray's new stack.

read_port   mark every name of TensorFlow in a class, or say what keeps it from being ported
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.ported_functions import read_function
from rlmigrate.migrate.understanding.ported_layers import initializer, read_layer
from rlmigrate.migrate.understanding.ported_names import (
    ACTIVATIONS,
    BACKEND,
    DTYPES,
    LAYERS,
    MODULE_NAMES,
    TENSOR_NAMES,
    TRUSTED,
)
from rlmigrate.migrate.understanding.ported_scope import Ported, said
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

BACKENDS = "keras.backend"
#: What is built of Keras, by the beginnings of its names.
BUILT = (
    *("keras.layers.", "keras.Input", "keras.Model", "keras.Sequential"),
    *("keras.models.Model", "keras.models.Sequential"),
)
#: What `x += y` and its kin say without changing a tensor.
OPERATORS = (ast.Add, ast.Div, ast.Mult, ast.Sub)


class Port(Ported):
    """One class while it is being ported."""

    def __init__(self, scope: Scope, tree: ast.Module) -> None:
        super().__init__(scope)
        self.tree = tree
        states = scope.methods.get("get_initial_state")
        self.numpy = self.building | ({id(n) for n in nodes_in(states)} if states else set())
        self.helpers: set[str] = set()
        self.foreign = self._foreign()

    def _foreign(self) -> set[str]:
        """Names of the file that stand for something written for TensorFlow, by any detour."""
        uses: dict[str, set[str]] = {}
        found: set[str] = set()
        for node in self.tree.body:
            names = {n.id for n in nodes_in(node) if isinstance(n, ast.Name)}
            speaks = any(self.tensorflow(n) for n in nodes_in(node) if isinstance(n, ast.Name))
            for name in _bound(node):
                uses[name] = uses.get(name, set()) | names
                if speaks and name not in self.scope.file.imports.names:
                    found.add(name)
        while more := {n for n, used in uses.items() if n not in found and used & found}:
            found |= more
        return found - {self.scope.node.name, *(each.node.name for each in self.scope.line)}

    def read(self) -> tuple[str, ...]:
        """Judge the whole class; returns the functions of its file that are ported with it."""
        self._read_class()
        self._read_nodes(self.scope.node, self._skipped())
        for mark in self.scope.marks:
            if mark.kind == "net_value_of":
                self.problem(mark.node, "puts a net of RLlib into a Keras model")
            elif mark.kind == "net" and mark.detail == "VisionNetwork":
                self.problem(mark.node, "builds a VisionNetwork")
        return tuple(sorted(self.helpers))

    def _read_helper(self, node: ast.Name) -> bool:
        """Read a function of the file that speaks TensorFlow; False for anything else."""
        found = [s for s in self.tree.body if node.id in _bound(s)]
        function = found[0] if len(found) == 1 else None
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            return False
        inner = [n for n in nodes_in(function) if isinstance(n, ast.Name | ast.Attribute)]
        describes = any((self.tensorflow(n) or "").startswith("keras.layers.") for n in inner)
        if describes and id(node) not in self.building:
            return False
        if function.name in self.helpers:
            return True
        self.helpers.add(function.name)
        for parent in nodes_in(function):
            for child in ast.iter_child_nodes(parent):
                self.scope.parents[child] = parent
        if describes:
            self.building |= {id(n) for n in nodes_in(function)}
            self.numpy |= self.building
        gone = [function.returns] if function.returns else []
        gone += [a.annotation for a in nodes_in(function.args) if _annotated(a)]  # type: ignore[attr-defined]
        for each in gone:
            if any(self.tensorflow(n) for n in nodes_in(each) if isinstance(n, ast.expr)):
                self.problem(each, f"calls {function.name}, which is annotated with TensorFlow")
        self._read_nodes(function, {id(n) for each in gone for n in nodes_in(each)})
        return True

    def _read_nodes(self, root: ast.AST, skipped: set[int]) -> None:
        for node in nodes_in(root):
            if id(node) in skipped:
                continue
            if isinstance(node, ast.Name | ast.Attribute):
                self._read_name(node)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                self.problem(node, "shares what it makes with other models")
            elif isinstance(node, ast.AugAssign):
                self._read_change(node)
            elif isinstance(node, ast.keyword) and node.arg == "training":
                self.problem(node.value, "tells Keras by a call whether it trains")

    def _read_class(self) -> None:
        scope = self.scope
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
        if isinstance(node, ast.Attribute) and node.attr in TENSOR_NAMES:
            self.problem(node, f"asks for {node.attr}, which torch's tensors have not")
            return
        if isinstance(parent, ast.Attribute) and parent.value is node:
            attribute = self_attribute(node)
            if attribute is not None:
                self._read_part(node, parent)
            return
        name = self.tensorflow(node)
        if isinstance(node, ast.Name) and node.id in self.foreign:
            if not self._read_helper(node):
                self.problem(node, f"uses {node.id}, which is written for TensorFlow")
        elif name is not None:
            self._read_tensorflow(node, name)
        elif isinstance(parent, ast.Call) and parent.func is node:
            self._read_call(node, parent)

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
            and self._makes_model(n.value.func)
            for n in nodes_in(self.scope.node)
        )

    def _makes_model(self, called: ast.expr) -> bool:
        """Say whether a call makes something of Keras, by a method or function too."""
        if (self.tensorflow(called) or "").startswith("keras."):
            return True
        found = [
            s for s in self.tree.body if isinstance(called, ast.Name) and called.id in _bound(s)
        ]
        around = [each.methods for each in self.scope.line] or [self.scope.methods]
        method = self_attribute(called) or ""
        found += [methods[method] for methods in around if method in methods]
        return any(
            (self.tensorflow(n) or "").startswith("keras.Model")
            for each in found
            for n in nodes_in(each)
            if isinstance(n, ast.Attribute)
        )

    def _read_tensorflow(self, node: ast.expr, name: str) -> None:
        call = self.scope.parent(node)
        called = isinstance(call, ast.Call) and call.func is node
        last = name.rpartition(".")[2]
        if name.startswith(BUILT):
            layer = LAYERS.get(last)
            if layer is None or not called or id(node) not in self.building:
                self.problem(node, f"uses {said(node)}")
            elif isinstance(call, ast.Call):
                read_layer(self, node, call, layer)
        elif name == "float32.min":
            self.scope.mark("port_text", node, "torch.finfo(torch.float32).min")
        elif name in DTYPES and not called:
            self.scope.mark("port_text", node, f"torch.{DTYPES[name]}")
        elif (drawn := initializer(name)) and called and not getattr(call, "args", 1):
            if isinstance(call, ast.Call) and not call.keywords:
                self.scope.mark("port_text", call, f'"{drawn}"')
            else:
                self.problem(node, f"tells {said(node)} what its torch form does not take")
        elif last in ACTIVATIONS and name in _homes_of(last) and not called:
            if self._activates(node):
                self.scope.mark("port_text", node, f'"{last}"')
            else:
                self.problem(node, f"hands {said(node)} on")
        elif isinstance(call, ast.Call) and called:
            home, _, bare = name.rpartition(".")
            if home in {"", "math", "nn", "linalg"} or (home == BACKENDS and bare in BACKEND):
                read_function(self, node, call, bare)
            else:
                self.problem(node, f"uses {said(node)}")
        else:
            self.problem(node, f"uses {said(node)}")

    def _activates(self, node: ast.expr) -> bool:
        """Say whether a function of TensorFlow is handed to layers alone, which know its name."""
        outer = self.scope.parent(node)
        if isinstance(outer, ast.keyword):
            return outer.arg == "activation"
        if isinstance(outer, ast.Call):
            layer = LAYERS.get((self.tensorflow(outer.func) or "").rpartition(".")[2])
            return layer is not None and "activation" in layer.keywords
        while isinstance(outer, ast.IfExp | ast.BoolOp | ast.Dict):
            outer = self.scope.parent(outer)
        if not isinstance(outer, ast.Assign):
            return False
        names = {ast.unparse(target) for target in outer.targets}
        return not any(
            isinstance(n, ast.Call) and ast.unparse(n.func).partition("[")[0] in names
            for n in nodes_in(self.scope.node)
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
        elif found.startswith(("numpy.", "np.")) and id(node) not in self.numpy:
            self.problem(node, f"calls {written} with tensors")
        elif not found.startswith(TRUSTED):
            self.problem(node, f"calls {written}, which is not looked into")

    def _read_change(self, node: ast.AugAssign) -> None:
        """`x += y` changes torch's tensor itself, and TensorFlow's name only."""
        if id(node) in self.building:
            return
        named = isinstance(node.op, OPERATORS) and isinstance(node.target, ast.Name)
        if named and node.lineno == node.value.lineno:
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


def _homes_of(activation: str) -> set[str]:
    homes = {f"nn.{activation}", f"keras.activations.{activation}"}
    return homes | {activation} if activation in {"tanh", "sigmoid"} else homes


def read_port(scope: Scope, tree: ast.Module) -> tuple[str, ...]:
    """Mark every name of TensorFlow in a class, or note what keeps it from being ported.

    `tree` is the file of the class; returns the functions of the file that are ported with it.
    """
    return Port(scope, tree).read()
