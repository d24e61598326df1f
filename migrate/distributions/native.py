"""One action distribution of torch, written as a Distribution of the new stack.

Written               the class written anew
native_distribution   write it; raises NotMovable where that is not certain
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.distributions.words import DistributionWords
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.assembly import UNIT, Module
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.words import Owner
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import (
    attributes_set,
    body_without_docstring,
    class_constants,
    self_attribute,
)

CODE = "RLM302"
BODY = UNIT * 2
#: Old base class, and the new one that computes the same.
BASES = {
    "TorchDistributionWrapper": "TorchDistribution",
    "TorchCategorical": "TorchCategorical",
    "TorchDiagGaussian": "TorchDiagGaussian",
}
#: Old base classes whose namesakes on the new stack are made in another way, or compute otherwise.
OTHERWISE = frozenset(
    {
        "TorchMultiActionDistribution",
        "TorchMultiCategorical",
        "TorchSquashedGaussian",
        "TorchDeterministic",
    }
)
#: Methods that a class without a torch distribution has to have.
OWN = ("logp", "entropy", "kl", "sample")
RENAMED = {"logp", "entropy", "kl", "multi_kl", "multi_entropy"}


@dataclass(frozen=True)
class Written:
    """Edits and imports of a class that became a new distribution."""

    edits: tuple[Edit, ...]
    imports: Imports
    base: str


def native_distribution(
    source: SourceFile, file: FileEntry, node: ast.ClassDef, names: Names
) -> Written:
    """Write the class; methods stay in their order."""
    if len(node.bases) != 1:
        raise NotMovable(node, "inherits from more than one class")
    written = dotted(node.bases[0]) or "another class"
    found = file.imports.qualified(node.bases[0]) or ""
    old = found.rpartition(".")[2]
    if found.startswith("ray.rllib.") and old in OTHERWISE:
        raise NotMovable(node, f"builds on {written}, which is another class on the new stack")
    if not found.startswith("ray.rllib.") or old not in BASES:
        raise NotMovable(node, f"builds on {written}, which the new stack does not have")
    base = BASES[old]
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    owner = Owner(source, file, names)
    owner.known = _own(node, methods)
    owner.used = _read(methods)
    writer = _Writer(owner, base, methods)
    module = Module(source, node, names.distribution(base), code=CODE)
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            module.replaced.append(item)
            writer.write(module, item)
        elif not isinstance(item, ast.Expr | ast.Assign | ast.AnnAssign | ast.Pass):
            raise NotMovable(item, "has a body that is not only methods")
    writer.finish(module)
    edits = module.edits() if module.replaced else module.header()
    return Written(edits, Imports(frozenset(names.wanted)), module.base)


def _own(node: ast.ClassDef, methods: dict[str, ast.FunctionDef]) -> set[str]:
    own = attributes_set(node) | class_constants(node) | set(methods)
    return own - {"dist", "inputs", "model"}


def _read(methods: dict[str, ast.FunctionDef]) -> set[str]:
    return {
        name
        for key, method in methods.items()
        if key != "__init__"
        for each in nodes_in(method)
        if (name := self_attribute(each))
    }


@dataclass
class _Writer:
    owner: Owner
    base: str
    methods: dict[str, ast.FunctionDef]

    def write(self, module: Module, method: ast.FunctionDef) -> None:
        """Write one method under its new name, if it has one."""
        name = method.name
        if name == "__init__":
            self._constructor(module, method)
        elif name == "required_model_output_shape":
            self._size(module, method)
        elif name == "sample":
            self._sample(module, method)
        elif name == "deterministic_sample":
            body = self._words(method, wrap="TorchDeterministic").written(BODY)
            module.method("to_deterministic(self)", body)
        elif name == "sampled_action_logp":
            self._check_last_sample(method)
        elif name in {"generator", "__call__"} or name.startswith("__"):
            raise NotMovable(method, f"overrides {name}")
        else:
            words = self._words(method)
            head = f"{name}({', '.join(self._arguments(method))})"
            module.method(head, words.written(BODY), *self._decorators(method))

    def finish(self, module: Module) -> None:
        """Add what the new base wants and the old one did not."""
        if self.base != "TorchDistribution":
            return
        if "required_model_output_shape" not in self.methods:
            raise NotMovable(module.node, "does not say how many inputs it takes")
        if "__init__" not in self.methods:
            self._without_torch(module)
            body = f"{BODY}self.inputs = logits  # no distribution of torch behind this one\n"
            module.method("_get_torch_distribution(self, logits)", body)
            module.written.insert(0, module.written.pop())

    def _without_torch(self, module: Module) -> None:
        missing = [name for name in OWN if name not in self.methods]
        if missing:
            raise NotMovable(module.node, f"has no distribution of torch and no {missing[0]}()")

    def _words(
        self, method: ast.FunctionDef, *, wrap: str = "", roles: dict[str, str] | None = None
    ) -> DistributionWords:
        if roles is None:
            arguments = [a.arg for a in method.args.args][1:]
            other = method.name in {"kl", "multi_kl"}
            roles = {name: "other" for name in arguments if other}
        words = DistributionWords(self.owner, method, roles, base=self.base)
        words.wrap = self.owner.names.distribution(wrap) if wrap else ""
        return words

    def _arguments(self, method: ast.FunctionDef) -> list[str]:
        static = any((dotted(d) or "") == "staticmethod" for d in method.decorator_list)
        if method.args.kwonlyargs or method.args.posonlyargs:
            raise NotMovable(method, f"has keyword-only parameters in {method.name}()")
        named = method.args.args if static else method.args.args[1:]
        defaults = [None] * (len(named) - len(method.args.defaults)) + list(method.args.defaults)
        texts = [
            arg.arg if default is None else f"{arg.arg}={self.owner.source.segment(default)}"
            for arg, default in zip(named, defaults, strict=True)
        ]
        rest = [f"*{method.args.vararg.arg}"] if method.args.vararg else []
        rest += [f"**{method.args.kwarg.arg}"] if method.args.kwarg else []
        return [*([] if static else ["self"]), *texts, *rest]

    def _decorators(self, method: ast.FunctionDef) -> list[str]:
        plain = ("staticmethod", "classmethod", "property")
        return [dotted(d) or "" for d in method.decorator_list if dotted(d) in plain]

    def _constructor(self, module: Module, method: ast.FunctionDef) -> None:
        named = [a.arg for a in method.args.args][1:]
        if len(named) < 2 or method.args.kwonlyargs or method.args.vararg:
            raise NotMovable(method, "has a constructor with other parameters than RLlib's")
        roles = {named[0]: "inputs", named[1]: "model"}
        arguments = self._arguments(method)
        rest = arguments[3:]
        words = self._words(method, roles=roles)
        words.constructing = True
        if self.base == "TorchDistribution":
            body = words.written(BODY)
            keeps = f"{BODY}self.inputs = logits\n" if "inputs" in self.owner.used else ""
            if not words.returned:
                raise NotMovable(method, "does not set self.dist once, at the top of __init__")
            if words.returned == "early":
                body += f"{BODY}return dist\n"
            head = f"_get_torch_distribution({', '.join(['self', 'logits', *rest])})"
            module.method(head, keeps + body)
        elif self.base == "TorchCategorical":
            body = words.written(BODY)
            module.method(f"__init__({', '.join(['self', 'logits', *rest])})", body)
        else:
            words.classmethod = True
            body = words.written(BODY)
            if rest or not words.returned or words.returned == "early":
                raise NotMovable(method, "does more than prepare its inputs in __init__")
            module.method("from_logits(cls, logits, **kwargs)", body, "classmethod")

    def _size(self, module: Module, method: ast.FunctionDef) -> None:
        named = [a.arg for a in method.args.args]
        if len(named) != 2:
            raise NotMovable(method, "has parameters of its own in required_model_output_shape()")
        words = self._words(method, roles={named[0]: "space", named[1]: "config"})
        module.method("required_input_dim(space, **kwargs)", words.written(BODY), "staticmethod")

    def _sample(self, module: Module, method: ast.FunctionDef) -> None:
        words = self._words(method)
        body = words.written(BODY)
        if words.samples == 0:
            module.method("sample(self, **kwargs)", body)
            return
        module.method("sample(self, *, sample_shape=None)", body)
        again = self._words(method)
        again.reparameterized = True
        module.method("rsample(self, *, sample_shape=None)", again.written(BODY))

    def _check_last_sample(self, method: ast.FunctionDef) -> None:
        body = body_without_docstring(method)
        text = ast.unparse(body[-1])
        if text != "return self.logp(self.last_sample)":
            raise NotMovable(method, "keeps the probability of its last sample in its own way")
