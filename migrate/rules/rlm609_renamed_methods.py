"""Rename methods of RLModules, specs and learners that a later release calls otherwise."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    attribute_span,
    imports_of,
    item,
    name_span,
)

CODE = "RLM609"

#: Words that no other library's objects have, so that the receiver need not be known.
METHODS = {
    "get_marl_module_spec": "get_multi_rl_module_spec",
    "save_to_checkpoint": "save_to_path",
}
AS_MULTI = "as_multi_agent"
SPECS = ("RLModuleSpec", "SingleAgentRLModuleSpec", "MultiRLModuleSpec", "MultiAgentRLModuleSpec")


def check(context: FileContext) -> Iterable[Finding]:
    """Find calls and definitions of renamed methods in files that import the new stack."""
    table = imports_of(context)
    if not any(name.startswith("ray.rllib.") for name in table.names.values()):
        return
    core = any(name.startswith("ray.rllib.core") for name in table.names.values())
    specs = _names_given(context, _makes_spec)
    built = _names_given(context, _makes_module)
    for node in context.source.nodes(ast.Attribute) if core else ():
        new = METHODS.get(node.attr)
        if node.attr == AS_MULTI:
            new = _as_multi(node.value, specs, built, context)
        if new is not None:
            edit = Edit(attribute_span(context.source, node), new, CODE)
            yield _finding(context, node, node.attr, new, edit)
    for function in context.source.nodes(ast.FunctionDef):
        if function.name == "get_marl_module_spec":
            new = METHODS[function.name]
            beside = (getattr(each, "name", "") for each in context.source.block_of(function))
            if new in beside:
                continue  # the old name is kept for those who still call it
            edit = Edit(name_span(context.source, function), new, CODE)
            yield _finding(context, function, function.name, new, edit)


def _as_multi(node: ast.expr, specs: set[str], built: set[str], context: FileContext) -> str | None:
    """`as_multi_agent` of a spec and of a module have got different names; batches keep theirs."""
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    if last in specs or last.lower().endswith("spec") or _makes_spec(context, node):
        return "as_multi_rl_module_spec"
    if last in built or last.lower().endswith(("module", "rlm")) or _makes_module(context, node):
        return "as_multi_rl_module"
    return None


def _makes_module(context: FileContext, node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("build", "get_module")
    )


def _makes_spec(context: FileContext, node: ast.expr) -> bool:
    name = imports_of(context).qualified(node.func) if isinstance(node, ast.Call) else None
    return name is not None and name.rpartition(".")[2] in SPECS


def _names_given(context: FileContext, makes: Callable[[FileContext, ast.expr], bool]) -> set[str]:
    """Names that are assigned what `makes` recognises."""
    return {
        target.id
        for node in context.source.nodes(ast.Assign)
        if makes(context, node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _finding(
    context: FileContext, node: ast.expr | ast.stmt, old: str, new: str, edit: Edit
) -> Finding:
    found = item(
        context,
        node,
        code=CODE,
        name=old,
        kind=Kind.CALL,
        outcome=Outcome.NATIVE,
        message=f"{old}() is called {new}()",
        new_name=new,
    )
    return Finding(found, (edit,))


HEAD = "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"

RULE = Rule(
    code=CODE,
    name="renamed-methods",
    kind=Kind.CALL,
    summary="Rename methods of RLModules and specs that a later release calls otherwise.",
    explanation=(
        "as_multi_agent() became as_multi_rl_module() on modules and as_multi_rl_module_spec() on "
        "specs in Ray 2.35, save_to_checkpoint() became save_to_path() in 2.33, and "
        "get_marl_module_spec() became get_multi_rl_module_spec() in 2.35; since 2.44 the old "
        "words raise or are gone."
    ),
    check=check,
    words=frozenset({"get_marl_module_spec", "save_to_checkpoint", "as_multi_agent"}),
    since="2.33",
    link=RELEASE_NOTES,
    unchanged=(
        Case(
            "old_name_kept_beside_the_new",
            """
from ray.rllib.core.rl_module.rl_module import RLModuleSpec


class Config:
    def get_multi_rl_module_spec(self):
        return RLModuleSpec()

    def get_marl_module_spec(self):
        return None
""",
        ),
        Case("the words of today", HEAD + "RLModuleSpec().build().as_multi_rl_module()\n"),
        Case(
            "a batch",
            HEAD + "batch = sample()\nRLModuleSpec()\nbatch.as_multi_agent()\n",
        ),
        Case("a file without RLlib", "# rllib\nmodule.as_multi_agent()\n"),
        Case(
            "a file without RLModules",
            "from ray.rllib.policy.policy import Policy\npolicy.save_to_checkpoint('x')\n",
        ),
    ),
    cases=(
        Case(
            "a module and a spec",
            HEAD + "spec = RLModuleSpec()\na = spec.as_multi_agent()\n"
            "b = spec.build().as_multi_agent()\n",
            HEAD + "spec = RLModuleSpec()\na = spec.as_multi_rl_module_spec()\n"
            "b = spec.build().as_multi_rl_module()\n",
        ),
        Case(
            "a definition",
            "from ray.rllib.algorithms.algorithm_config import AlgorithmConfig\n"
            "class C(AlgorithmConfig):\n    def get_marl_module_spec(self):\n        return 1\n",
            "from ray.rllib.algorithms.algorithm_config import AlgorithmConfig\n"
            "class C(AlgorithmConfig):\n"
            "    def get_multi_rl_module_spec(self):\n        return 1\n",
        ),
    ),
)
