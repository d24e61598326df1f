"""A policy with a network, written as one RLModule.

Native          the class written anew
native_policy   write it; raises NotMovable where that is not certain
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.acting import HookWords
from rlmigrate.migrate.policies.assembly import UNIT, Module
from rlmigrate.migrate.policies.calls import new_distribution, torch_name
from rlmigrate.migrate.policies.construction import (
    Building,
    SetupWords,
    init_roles,
    is_base_call,
)
from rlmigrate.migrate.policies.hooks import HOOKS, NO_MEANING
from rlmigrate.migrate.policies.models import MAKERS, read_base, take_over
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.remarks import opening
from rlmigrate.migrate.policies.tensorflow import TF_DISTRIBUTIONS, check_tf
from rlmigrate.migrate.policies.words import SAME_DISTRIBUTIONS, Owner, Words
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import attributes_set, class_constants, self_attribute

BODY = UNIT * 2
FORWARDS = ("action_distribution_fn", "action_sampler_fn")
#: What Ray's samplers did not do, and modules do.
NOT_ASKED = (
    "Ray 2's old sampler asked compute_actions_from_input_dict(), so that compute_actions() was "
    "only what callers saw; now the samples are by it, too"
)


@dataclass(frozen=True)
class Native:
    """Edits and imports of a class that became a module; `base` is what it builds on."""

    edits: tuple[Edit, ...]
    imports: Imports
    layers: frozenset[str]
    base: str
    asked: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    remark: str = ""

    @classmethod
    def of(cls, module: Module, owner: Owner) -> Native:
        """Gather what was written, and what its words asked for."""
        if owner.inputs:
            owner.names.layers.add("PolicyInputs")
        return cls(
            module.edits(),
            Imports(frozenset(owner.names.wanted)),
            frozenset(owner.names.layers),
            module.base,
            tuple(sorted(owner.asked)),
            tuple(sorted(owner.inputs)),
        )


def native_policy(
    source: SourceFile,
    file: FileEntry,
    index: RepoIndex,
    node: ast.ClassDef,
    names: Names,
    *,
    distributions: dict[str, str],
) -> Native:
    """Write a policy of torch as a module; `distributions` are rewritten classes by name."""
    if len([b for b in node.bases if (dotted(b) or "").rpartition(".")[2] != "ABC"]) != 1:
        raise NotMovable(node, "inherits from more than RLlib's policy")
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    owner = Owner(source, file, names, distributions=distributions)
    owner.known = own_names(node, methods)
    owner.used = used_names(methods)
    building, reading = read_base(owner, index, methods)
    take_over(owner, reading)
    if names.framework == "tf":
        check_tf(owner, methods, reading)
    base = source.segment(building.model) if building.model is not None else ""
    module = Module(source, node, base or names.layer("DefaultModel"))
    _sort_methods(owner, module, methods)
    late = _forwards(owner, module, methods)
    if building.distribution is not None:
        late.insert(0, _set_distribution(owner, building.distribution))
    _setup(owner, module, methods, building, late)
    made = Native.of(module, owner)
    return replace(made, remark=NOT_ASKED) if "compute_actions" in methods else made


def own_names(node: ast.ClassDef, methods: dict[str, ast.FunctionDef]) -> set[str]:
    """Attributes, helpers and constants that a class has of its own."""
    helpers = {name for name in methods if name not in HOOKS and name not in NO_MEANING}
    own = attributes_set(node) | helpers | class_constants(node)
    return own - {"config", "model", "device", "dist_class"}


def used_names(methods: dict[str, ast.FunctionDef]) -> set[str]:
    """Attributes that the methods of a class read."""
    return {
        name
        for method in methods.values()
        for each in nodes_in(method)
        if (name := self_attribute(each)) and isinstance(getattr(each, "ctx", None), ast.Load)
    }


def _sort_methods(owner: Owner, module: Module, methods: dict[str, ast.FunctionDef]) -> None:
    """Note which methods are replaced, and write those that stay."""
    served = {"__init__", *MAKERS, *FORWARDS, "extra_action_out"}
    served |= {"compute_actions", "compute_actions_from_input_dict"}
    for item in module.node.body:
        if not isinstance(item, ast.FunctionDef):
            if isinstance(item, ast.Expr | ast.Assign | ast.AnnAssign | ast.Pass):
                continue
            raise NotMovable(item, "has a body that is not only methods")
        if item.name in served or item.name in NO_MEANING:
            module.replaced.append(item)
        elif item.name in HOOKS:
            raise NotMovable(item, f"overrides {item.name}()")
        else:
            _check_decorators(owner, item)
            for each in item.body:
                module.kept += Words(owner, item, {}).pieces(each)


def _check_decorators(owner: Owner, method: ast.FunctionDef) -> None:
    for decorator in method.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if (owner.file.imports.qualified(call) or "").startswith("ray.rllib."):
            raise NotMovable(method, f"overrides {method.name}() of the old policy")


def _forwards(owner: Owner, module: Module, methods: dict[str, ast.FunctionDef]) -> list[str]:
    """Write the forward methods; returns statements for the end of setup()."""
    from rlmigrate.migrate.policies.over_network import write_over

    if write_over(owner, module, methods):
        return []
    hooks = [methods[name] for name in FORWARDS if name in methods]
    if len(hooks) > 1:
        raise NotMovable(hooks[1], "overrides action_sampler_fn() and action_distribution_fn()")
    extra = methods.get("extra_action_out")
    if not hooks and extra is None:
        return []
    tf = owner.names.framework == "tf"
    grad = () if tf else (f"{torch_name(owner)}.no_grad()",)
    late: list[str] = []
    texts: dict[bool, str] = {}
    if hooks:
        words = {way: HookWords(owner, hooks[0], explore=way) for way in (True, False)}
        texts = {way: each.written(BODY) for way, each in words.items()}
        late = _distributions(owner, module, words)
        if hooks[0].name == "action_distribution_fn" and _over(
            owner, module, hooks[0], texts, grad
        ):
            if extra is not None and not _same(owner, hooks[0]):
                raise NotMovable(extra, "adds outputs to a distribution that asks for explore")
            texts = {}
    if extra is not None:
        _with_extra(owner, module, extra, texts, grad)
    elif texts:
        _write_forwards(module, texts, grad)
    return late


def _same(owner: Owner, method: ast.FunctionDef) -> bool:
    """Say whether a hook does the same whether it explores or not."""
    ways = (HookWords(owner, method, explore=way) for way in (True, False))
    return len({each.asked() for each in ways}) == 1


def _over(
    owner: Owner,
    module: Module,
    method: ast.FunctionDef,
    texts: dict[bool, str],
    grad: tuple[str, ...],
) -> bool:
    """Write action_distribution_fn() over the forward that it calls; False where it gives actions.

    Training sees the distribution that explored, as the probabilities it is compared with do.
    """
    if f"{owner.names.core('Columns')}.ACTIONS:" in texts[True]:
        return False
    arguments = "self, batch, **kwargs"
    train = "_forward_train" if owner.embedded else "_forward"
    if _same(owner, method):
        module.method(f"{train}({arguments})", texts[True])
        return True
    module.method(f"_forward_train({arguments})", texts[True])
    call = f"{BODY}return self._forward_train(batch, **kwargs)\n"
    if owner.embedded:
        embeddings = f"{owner.names.core('Columns')}.EMBEDDINGS"
        call = (
            f"{BODY}outs = self._forward_train(batch, **kwargs)\n"
            f"{BODY}del outs[{embeddings}]  # only compute_values() needs them\n"
            f"{BODY}return outs\n"
        )
    module.method(f"_forward_exploration({arguments})", call, *grad)
    module.method(f"_forward_inference({arguments})", texts[False], *grad)
    return True


def _with_extra(
    owner: Owner,
    module: Module,
    extra: ast.FunctionDef,
    texts: dict[bool, str],
    grad: tuple[str, ...],
) -> None:
    """Write the forward methods that add outputs to those of the model, or of another hook."""
    same = not texts or texts[True] == texts[False]
    bodies = {}
    for way, phase in ((True, "exploration"), (False, "inference")):
        words = HookWords(owner, extra, explore=way)
        source = "self._forward(batch)"
        if texts:
            name = "_act" if same else f"_act_for_{phase}"
            source = f"self.{name}(batch, **kwargs)"
            if way or not same:
                module.method(f"{name}(self, batch, **kwargs)", texts[way])
        bodies[way] = words.opening(source) + words.written(BODY)
    _write_forwards(module, bodies, grad)


def _write_forwards(module: Module, bodies: dict[bool, str], grad: tuple[str, ...]) -> None:
    """One method for each phase; the second asks the first where they say the same."""
    arguments = "self, batch, **kwargs"
    module.method(f"_forward_exploration({arguments})", bodies[True], *grad)
    if bodies[True] == bodies[False]:
        call = f"{BODY}return self._forward_exploration(batch, **kwargs)\n"
        module.method(f"_forward_inference({arguments})", call)
    else:
        module.method(f"_forward_inference({arguments})", bodies[False], *grad)


def _distributions(owner: Owner, module: Module, words: dict[bool, HookWords]) -> list[str]:
    """Say which distribution class each phase has; returns statements for setup()."""
    found: dict[bool, str | None] = {}
    for way, each in words.items():
        names = set()
        for node in each.distributions():
            if self_attribute(node) == "dist_class":
                names.add("")
            elif not (each.rllib(node) or "").endswith(".TorchDeterministic"):
                name = new_distribution(owner, node)
                if name is None:
                    raise NotMovable(node, "returns a distribution class that is not understood")
                names.add(name)
        if len(names) > 1:
            raise NotMovable(each.method, "chooses its distribution class by the call")
        found[way] = names.pop() if names else None
    asked = {name for name in found.values() if name}
    if not asked:
        return []
    plain = {name.removeprefix("New") for name in asked} <= SAME_DISTRIBUTIONS | {
        *TF_DISTRIBUTIONS.values()
    }
    if len(asked) == 1 and plain:
        return [f"self.action_dist_cls = {asked.pop()}"]
    owner.phased = True
    for way, phase in ((True, "exploration"), (False, "inference")):
        name = found[way] or "super().get_inference_action_dist_cls()"
        module.method(f"get_{phase}_action_dist_cls(self)", f"{BODY}return {name}")
    module.method(
        "get_train_action_dist_cls(self)",
        f"{BODY}return super().get_inference_action_dist_cls()",
    )
    return []


def _set_distribution(owner: Owner, node: ast.expr) -> str:
    if self_attribute(node) == "dist_class":
        return ""
    name = new_distribution(owner, node)
    if name is None:
        raise NotMovable(node, "builds a distribution class that is not understood")
    return f"self.action_dist_cls = {name}"


def _setup(
    owner: Owner,
    module: Module,
    methods: dict[str, ast.FunctionDef],
    building: Building,
    late: list[str],
) -> None:
    """Write setup() where there is something to set up; it stands first."""
    before, after = "", ""
    init = methods.get("__init__")
    if init is not None:
        before, after = _around_base_call(owner, init)
    lines = ""
    if building.settings:
        items = ", ".join(f'"{key}": {value}' for key, value in building.settings)
        lines += f"{BODY}self.model_config = {{**self.model_config, {items}}}\n"
    maker = next((methods[name] for name in MAKERS if name in methods), None)
    if maker is not None:
        lines = "".join(f"{BODY}{line}\n" for line in _comments(owner, maker)) + lines
    if maker is not None and building.kept:
        words = SetupWords(owner, maker, {})
        lines += "".join(f"{BODY}{words.text(each)}\n" for each in building.kept)
    after = "".join(f"{BODY}{line}\n" for line in late if line) + after
    if before or lines or after:
        body = f"{before}{lines}{BODY}super().setup()\n{after}"
        module.method("setup(self)", body)
        module.written.insert(0, module.written.pop())


def _comments(owner: Owner, method: ast.FunctionDef) -> list[str]:
    """Comments on lines of their own in a method that goes."""
    span = owner.source.line_span(method.lineno, method.end_lineno or method.lineno)
    lines = (line.strip() for line in owner.source.text[span.start : span.end].splitlines())
    return [line for line in lines if line.startswith("#")]


def _around_base_call(owner: Owner, init: ast.FunctionDef) -> tuple[str, str]:
    """Statements of the constructor before and after the base constructor."""
    words = SetupWords(owner, init, init_roles(init))
    at = next((i for i, each in enumerate(init.body) if is_base_call(each)), None)
    if at is None:
        raise NotMovable(init, "does not call its base constructor")
    sides = []
    for statements in (init.body[:at], init.body[at + 1 :]):
        if statements and isinstance(statements[0], ast.Expr):
            text = getattr(statements[0].value, "value", None)
            statements = statements[1:] if isinstance(text, str) else statements
        written = ""
        if statements:
            first = opening(owner.source, statements[0])
            written = words.block(statements, first=first, indent=BODY)
        sides.append(written)
    return sides[0], sides[1]
