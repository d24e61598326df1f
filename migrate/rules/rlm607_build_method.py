"""Turn `build()` of a MultiRLModule into `setup()`."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    attribute_span,
    classes,
    item,
    methods,
    module_kind,
    name_span,
)
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM607"


def check(context: FileContext) -> Iterable[Finding]:
    """Find classes of multi modules with a build() that takes nothing."""
    for node in classes(context.source):
        own = methods(node)
        build = own.get("build")
        if build is None or module_kind(context, node) != "multi":
            continue
        arguments = build.args
        if len(arguments.args) != 1 or arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            continue
        taken = "setup" in own
        found = item(
            context,
            build,
            code=CODE,
            name=f"{node.name}.build",
            kind=Kind.MODULE,
            outcome=Outcome.MANUAL if taken else Outcome.NATIVE,
            message=(
                "move these lines into setup(), which the class has already"
                if taken
                else f"{node.name}.build() is called setup()"
            ),
        )
        if taken:
            yield Finding(found)
            continue
        edits = [Edit(name_span(context.source, build), "setup", CODE)]
        edits += [
            Edit(attribute_span(context.source, call.func), "setup", CODE)
            for call in nodes_in(build)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            if call.func.attr == "build" and _is_super(call.func.value)
        ]
        yield Finding(found, tuple(edits))


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


HEAD = "from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule\n"

RULE = Rule(
    code=CODE,
    name="build-method",
    kind=Kind.MODULE,
    summary="Turn `build()` of a MultiRLModule into `setup()`.",
    explanation=(
        "Up to Ray 2.4 a multi-agent module made its submodules in build(); since then the "
        "method is called setup(), and a build() is never called. What it read from self.config "
        "is read from self by RLM602."
    ),
    check=check,
    since="2.5",
    link=RELEASE_NOTES,
    unchanged=(
        Case(
            "setup already", HEAD + "class A(MultiRLModule):\n    def setup(self):\n        pass\n"
        ),
        Case(
            "a model's own build",
            "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
            "class A(TorchRLModule):\n    def build(self):\n        pass\n",
        ),
        Case("another class", "# rllib\nclass A:\n    def build(self):\n        pass\n"),
    ),
    cases=(
        Case(
            "build that calls its base",
            HEAD + "class A(MultiRLModule):\n    def build(self):\n        super().build()\n",
            HEAD + "class A(MultiRLModule):\n    def setup(self):\n        super().setup()\n",
        ),
        Case(
            "a class with both",
            HEAD + "class A(MultiRLModule):\n    def setup(self):\n        pass\n"
            "    def build(self):\n        pass\n",
            HEAD + "class A(MultiRLModule):\n    def setup(self):\n        pass\n"
            "    # TODO(rlmigrate RLM607): move these lines into setup(), which the class has "
            "already\n    def build(self):\n        pass\n",
        ),
    ),
)
