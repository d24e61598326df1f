"""One action distribution of torch, written as a Distribution of the new stack.

Written               the class written anew
native_distribution   write it; raises NotMovable where that is not certain
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.distributions.axes import takes_rows
from rlmigrate.migrate.distributions.bases import Base, asked_of_model, base_of
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
#: Methods that a class without a torch distribution has to have.
OWN = ("logp", "entropy", "kl", "sample")


@dataclass(frozen=True)
class Written:
    """Edits and imports of a class that became a new distribution.

    `named` is how a module names the class; `asks` what it asks of its module; `by_rows` whether
    it takes for granted that what it is given are rows.
    """

    edits: tuple[Edit, ...]
    imports: Imports
    base: str
    layers: frozenset[str] = frozenset()
    named: str = ""
    asks: frozenset[str] | None = None
    by_rows: bool = False
    apart: frozenset[str] = frozenset()  # inherited methods that gave one number per component


def native_distribution(
    source: SourceFile, file: FileEntry, node: ast.ClassDef, names: Names
) -> Written:
    """Write the class; methods stay in their order."""
    base = base_of(file, node)
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    owner = Owner(source, file, names)
    owner.known = _own(node, methods)
    owner.used = _read(methods)
    writer = _Writer(owner, base, methods)
    new = names.layer(base.new) if base.layer else names.distribution(base.new)
    module = Module(source, node, new, code=CODE)
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            module.replaced.append(item)
            writer.write(module, item)
        elif not isinstance(item, ast.Expr | ast.Assign | ast.AnnAssign | ast.Pass):
            raise NotMovable(item, "has a body that is not only methods")
    writer.finish(module)
    edits = module.edits() if module.replaced else module.header()
    asks = base.how == "asks"
    return Written(
        edits,
        Imports(frozenset(names.wanted)),
        module.base,
        layers=frozenset(names.layers),
        named=base.named.format(node.name),
        asks=asked_of_model(node) if asks else None,
        by_rows=asks or takes_rows(node),
        apart=base.apart - set(methods),
    )


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
    base: Base
    methods: dict[str, ast.FunctionDef]

    def write(self, module: Module, method: ast.FunctionDef) -> None:
        """Write one method under its new name, if it has one."""
        name = method.name
        asks = self.base.how == "asks"
        if name in {"generator", "__call__"} or (name.startswith("__") and name != "__init__"):
            raise NotMovable(method, f"overrides {name}")
        if name == "required_model_output_shape":
            self._size(module, method)
        elif asks and name == "__init__":
            self._plain(module, method)
        elif name == "__init__":
            self._constructor(module, method)
        elif name == "sample":
            self._sample(module, method)
        elif name == "logp":
            self._logp(module, method)
        elif name == "deterministic_sample" and not asks:
            if self.base.new == "MultiActionDistribution":
                raise NotMovable(method, "overrides deterministic_sample of several parts")
            body = self._words(method, wrap="TorchDeterministic").written(BODY)
            module.method("to_deterministic(self)", body)
        elif name == "sampled_action_logp" and not asks:
            self._check_last_sample(method)
        else:
            self._plain(module, method)

    def _plain(self, module: Module, method: ast.FunctionDef) -> None:
        """A method that keeps its name and its parameters."""
        body = self._words(method).written(BODY)
        head = f"{method.name}({', '.join(self._arguments(method))})"
        module.method(head, body, *self._decorators(method))

    def finish(self, module: Module) -> None:
        """Add what the new base wants and the old one did not, and what the old one had."""
        for attribute, body in self.base.adds.items():
            if attribute in self.owner.used:
                module.method(f"{attribute}(self)", f"{BODY}{body}", "property")
        if self.base.how not in {"wraps", "asks"}:
            return
        if "required_model_output_shape" not in self.methods:
            raise NotMovable(module.node, "does not say how many inputs it takes")
        if self.base.how == "asks":
            missing = [name for name in (*OWN, "deterministic_sample") if name not in self.methods]
            if missing:
                raise NotMovable(module.node, f"asks its model and has no {missing[0]}()")
        elif "__init__" not in self.methods:
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
        if self.base.how == "wraps":
            body = words.written(BODY)
            keeps = f"{BODY}self.inputs = logits\n" if "inputs" in self.owner.used else ""
            if not words.returned:
                raise NotMovable(method, "does not set self.dist once, at the top of __init__")
            if words.returned == "early":
                body += f"{BODY}return dist\n"
            head = f"_get_torch_distribution({', '.join(['self', 'logits', *rest])})"
            module.method(head, keeps + body)
        elif self.base.how == "init":
            body = words.written(BODY)
            module.method(f"__init__({', '.join(['self', 'logits', *rest])})", body)
        else:
            words.classmethod = True
            body = words.written(BODY)
            rest = [each for each in rest if not each.startswith("**")]
            if any("=" not in each for each in rest):
                raise NotMovable(method, "has a constructor with other parameters than RLlib's")
            if not words.returned:
                raise NotMovable(method, "does not call its base at the top of __init__")
            if words.returned == "early":
                body += f"{BODY}return dist\n"
            head = ", ".join(["cls", "logits", *rest, "**kwargs"])
            module.method(f"from_logits({head})", body, "classmethod")

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

    def _logp(self, module: Module, method: ast.FunctionDef) -> None:
        """The log-probability; of what the old stack stored side by side, as that."""
        arguments = self._arguments(method)
        body = self._words(method).written(BODY)
        if self.base.new in {"MultiActionDistribution", "ModelDistribution"}:
            if len(arguments) < 2:
                raise NotMovable(method, "takes no actions in logp()")
            name = arguments[1]
            flat = self.owner.names.layer("flat_actions")
            body = f"{BODY}{name} = {flat}({name})\n{body}"
        module.method(f"logp({', '.join(arguments)})", body, *self._decorators(method))

    def _check_last_sample(self, method: ast.FunctionDef) -> None:
        """Leave the method out where it says what logp() says."""
        if self.base.new == "MultiActionDistribution" and any(
            isinstance(each, ast.Attribute) and each.attr == "sampled_action_logp"
            for each in nodes_in(method)
        ):
            return  # put together of the parts, as logp() is
        body = body_without_docstring(method)
        if ast.unparse(body[-1]) != "return self.logp(self.last_sample)":
            raise NotMovable(method, "keeps the probability of its last sample in its own way")
