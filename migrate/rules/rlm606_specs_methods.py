"""Remove declarations of input and output specs, which RLlib no longer checks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    classes,
    imports_of,
    item,
    methods,
    module_kind,
    whole_lines,
)
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM606"
METHODS = frozenset(
    f"{side}_specs_{phase}"
    for side in ("input", "output")
    for phase in ("inference", "exploration", "train")
)
MODEL_METHODS = frozenset({"get_input_specs", "get_output_specs"})
MODELS = ("TorchModel", "TfModel", "Encoder", "ActorCriticEncoder", "StatefulActorCriticEncoder")
CHECKS = frozenset({"check_input_specs", "check_output_specs"})


def check(context: FileContext) -> Iterable[Finding]:
    """Find the methods of RLModules and of the new stack's models that declare specs."""
    for node in classes(context.source):
        doomed = _doomed(context, node)
        for method in doomed:
            yield _removed(context, node, method, empties=len(doomed) == len(node.body))
    yield from _checks(context)


def handled(context: FileContext) -> set[int]:
    """Ids of the nodes that go with the edits of this rule."""
    return {
        id(part)
        for node in classes(context.source)
        for method in _doomed(context, node)
        for part in nodes_in(method)
    } | {
        id(part)
        for decorator in _decorators(context)
        if _is_check(context, decorator)
        for part in nodes_in(decorator)
    }


def _decorators(context: FileContext) -> Iterator[ast.expr]:
    for function in context.source.nodes(ast.FunctionDef):
        yield from function.decorator_list
    for node in classes(context.source):
        yield from node.decorator_list


def _doomed(context: FileContext, node: ast.ClassDef) -> list[ast.FunctionDef]:
    own = methods(node)
    if not own.keys() & (METHODS | MODEL_METHODS):
        return []
    if module_kind(context, node) is not None:
        wanted = METHODS
    else:
        wanted = MODEL_METHODS if _is_model(context, node) else frozenset()
    return [method for name, method in own.items() if name in wanted]


def _is_model(context: FileContext, node: ast.ClassDef) -> bool:
    table = imports_of(context)
    names = [table.qualified(base) or "" for base in node.bases]
    return any(
        name.startswith("ray.rllib.core.models.") and name.rpartition(".")[2] in MODELS
        for name in names
    )


def _removed(
    context: FileContext, node: ast.ClassDef, method: ast.FunctionDef, *, empties: bool
) -> Finding:
    source = context.source
    first = method is next(s for s in node.body if isinstance(s, ast.FunctionDef))
    if empties and first:
        start = min([method.lineno, *(part.lineno for part in method.decorator_list)])
        span = source.line_span(start, method.end_lineno or start)
        edit = Edit(span, " " * method.col_offset + "pass\n", CODE)
    else:
        edit = Edit(whole_lines(source, method, node.body), "", CODE)
    found = item(
        context,
        method,
        code=CODE,
        name=f"{node.name}.{method.name}",
        kind=Kind.MODULE,
        outcome=Outcome.NATIVE,
        message="RLlib does not check specs; rlmigrate.new_stack does, for modules that keep them",
    )
    return Finding(found, (edit,))


def _is_check(context: FileContext, decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = imports_of(context).qualified(call) or ""
    return name.startswith("ray.rllib.") and name.rpartition(".")[2] in CHECKS


def _checks(context: FileContext) -> Iterator[Finding]:
    """Decorators `@check_input_specs("...")` go with their import."""
    for decorator in _decorators(context):
        if _is_check(context, decorator):
            last = decorator.end_lineno or decorator.lineno
            edit = Edit(context.source.line_span(decorator.lineno, last), "", CODE)
            found = item(
                context,
                decorator,
                code=CODE,
                name="check_specs",
                kind=Kind.MODULE,
                outcome=Outcome.NATIVE,
                message="RLlib does not check specs",
            )
            yield Finding(found, (edit,))


HEAD = "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
SPEC = "from ray.rllib.models.specs.typing import SpecType\n"

RULE = Rule(
    code=CODE,
    name="spec-methods",
    kind=Kind.MODULE,
    summary="Remove declarations of input and output specs, which RLlib no longer checks.",
    explanation=(
        "The six methods input_specs_* and output_specs_* have had no effect since Ray 2.38, "
        "and the types that they return raise on construction since 2.51, or are gone. The "
        "methods are removed with the imports that only they used. To go on checking, keep the "
        "old file and run it on rlmigrate.new_stack under rlmigrate.ray_names()."
    ),
    check=check,
    since="2.38",
    link=RELEASE_NOTES,
    unchanged=(
        Case("an RLModule without specs", HEAD + "class A(TorchRLModule):\n    x = 1\n"),
        Case(
            "a class that is no RLModule",
            "# rllib\nclass A:\n    def input_specs_train(self):\n        return []\n",
        ),
    ),
    cases=(
        Case(
            "two methods and their import",
            HEAD + SPEC + "\nclass A(TorchRLModule):\n"
            "    def input_specs_exploration(self) -> SpecType:\n        return ['obs']\n\n"
            "    def setup(self):\n        pass\n\n"
            "    def output_specs_exploration(self) -> SpecType:\n        return ['action_dist']\n",
            HEAD + "\nclass A(TorchRLModule):\n    def setup(self):\n        pass\n",
        ),
        Case(
            "a class of nothing else",
            HEAD + SPEC + "\nclass A(TorchRLModule):\n"
            "    def input_specs_train(self) -> SpecType:\n        return ['obs']\n",
            HEAD + "\nclass A(TorchRLModule):\n    pass\n",
        ),
        Case(
            "a checked method",
            "import torch\nfrom ray.rllib.core.models.specs.checker import check_input_specs\n"
            "class A:\n    @check_input_specs('specs')\n    def f(self, x):\n        return x\n",
            "import torch\nclass A:\n    def f(self, x):\n        return x\n",
        ),
    ),
)
