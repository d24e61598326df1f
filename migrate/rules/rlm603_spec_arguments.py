"""Rename arguments and fields of RLModule specs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    attribute_span,
    imports_of,
    item,
    keyword_span,
)
from rlmigrate.migrate.source import Span

CODE = "RLM603"
SINGLE = ("SingleAgentRLModuleSpec", "RLModuleSpec")
MULTI = ("MultiAgentRLModuleSpec", "MultiRLModuleSpec")
ARGUMENTS = {
    "model_config_dict": "model_config",
    "marl_module_class": "multi_rl_module_class",
    "module_specs": "rl_module_specs",
}
#: Fields that no other class of a project is likely to have.
FIELDS = {"model_config_dict": "model_config", "marl_module_class": "multi_rl_module_class"}


def check(context: FileContext) -> Iterable[Finding]:
    """Find spec constructors, and fields of specs read by their old names."""
    calls = context.source.nodes(ast.Call)
    parents = {id(keyword.value): keyword for node in calls for keyword in node.keywords}
    speaks = any(
        target.startswith("ray.rllib.core") for target in imports_of(context).names.values()
    )
    for node in calls:
        yield from _call(context, node, parents.get(id(node)))
    for read in context.source.nodes(ast.Attribute) if speaks else ():
        if _is_field(read):
            yield _field(context, read)


def _spec(context: FileContext, node: ast.expr) -> str | None:
    name = imports_of(context).qualified(node.func) if isinstance(node, ast.Call) else None
    if name is None and isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        entry = context.index.files.get(context.source.path)
        name = f"{entry.module}.{node.func.id}" if entry else None
    for known in (name, *context.index.bases_of(name)) if name else ():
        last = known.rpartition(".")[2]
        if known.startswith("ray.rllib.") and last in SINGLE + MULTI:
            return last
    return None


def _call(context: FileContext, node: ast.Call, outer: ast.keyword | None) -> Iterator[Finding]:
    name = _spec(context, node)
    if name is None:
        return
    shared = next((k for k in node.keywords if k.arg in ("module_specs", "rl_module_specs")), None)
    if name in MULTI and shared is not None and _spec(context, shared.value) in SINGLE:
        yield _shared(context, node, name, shared, outer)
        return
    edits = [
        Edit(keyword_span(context.source, keyword), ARGUMENTS[keyword.arg], CODE)
        for keyword in node.keywords
        if keyword.arg in ARGUMENTS
    ]
    if edits:
        old = ", ".join(k.arg for k in node.keywords if k.arg in ARGUMENTS)
        new = ", ".join(ARGUMENTS[k.arg] for k in node.keywords if k.arg in ARGUMENTS)
        yield _found(context, node, name, f"{old} of {name} is now {new}", edits)


def _shared(
    context: FileContext,
    node: ast.Call,
    name: str,
    shared: ast.keyword,
    outer: ast.keyword | None,
) -> Finding:
    """One spec for all agents: no release takes it in a multi spec, all take it in its place."""
    source = context.source
    if outer is None or outer.arg != "rl_module_spec" or len(node.keywords) != 1 or node.args:
        message = (
            "one spec for all modules is not taken here: pass a dict of module id to spec, or "
            "give the spec itself to config.rl_module(rl_module_spec=...)"
        )
        return _found(context, node, name, message, [], Outcome.MANUAL)
    whole, inner = source.span(node), source.span(shared.value)
    edits = [
        Edit(Span(whole.start, inner.start), "", CODE),
        Edit(Span(inner.end, whole.end), "", CODE),
    ]
    above = _comments(source.text[whole.start : inner.start])
    place = source.line_span(outer.lineno, outer.lineno).start
    indent = source.text[place : source.span(outer).start]
    if above and not indent.strip():
        lines = "".join(f"{indent}{comment}\n" for comment in above)
        edits.insert(0, Edit(Span(place, place), lines, CODE))
    return _found(context, node, name, "one spec serves all agents without a multi spec", edits)


def _comments(text: str) -> list[str]:
    """Comments on lines of their own."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("#")]


def _field(context: FileContext, node: ast.Attribute) -> Finding:
    new = FIELDS[node.attr]
    edit = Edit(attribute_span(context.source, node), new, CODE)
    return _found(context, node, node.attr, f"the field {node.attr} is now {new}", [edit])


def _is_field(node: ast.Attribute) -> bool:
    """Tell a spec's field from that of `self.config`, which RLM602 moves to the module."""
    of_config = isinstance(node.value, ast.Attribute) and node.value.attr == "config"
    return node.attr in FIELDS and not of_config


def _found(
    context: FileContext,
    node: ast.expr,
    name: str,
    message: str,
    edits: list[Edit],
    outcome: Outcome = Outcome.NATIVE,
) -> Finding:
    found = item(
        context,
        node,
        code=CODE,
        name=name,
        kind=Kind.MODULE,
        outcome=outcome,
        message=message,
    )
    return Finding(found, tuple(edits))


HEAD = "from ray.rllib.core.rl_module.rl_module import RLModuleSpec\n"
BOTH = HEAD + "from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec\n"

RULE = Rule(
    code=CODE,
    name="spec-arguments",
    kind=Kind.MODULE,
    summary="Rename arguments and fields of RLModule specs.",
    explanation=(
        "model_config_dict became model_config, module_specs became rl_module_specs and "
        "marl_module_class became multi_rl_module_class between Ray 2.35 and 2.38, each with a "
        "hard error for the old word. A single spec in the place of the dict of specs, which some "
        "documents show, raises in every release: where it stands as rl_module_spec of a config, "
        "the spec itself takes the multi spec's place, and all agents share it."
    ),
    check=check,
    words=frozenset({*ARGUMENTS, "rl_module_specs"}),
    since="2.38",
    link=RELEASE_NOTES,
    unchanged=(
        Case("the arguments of today", HEAD + "RLModuleSpec(model_config={})\n"),
        Case(
            "another call with such an argument",
            HEAD + "build(model_config_dict={}, module_specs={})\nRLModuleSpec()\n",
        ),
        Case(
            "a project's own class",
            "# rllib\nfrom mine import RLModuleSpec\nRLModuleSpec(model_config_dict={})\n",
        ),
        Case("a field in a file without RLModules", "# rllib\nprint(thing.model_config_dict)\n"),
    ),
    cases=(
        Case(
            "model_config_dict",
            HEAD + "RLModuleSpec(\n    module_class=A,\n    model_config_dict={},  # small\n)\n",
            HEAD + "RLModuleSpec(\n    module_class=A,\n    model_config={},  # small\n)\n",
        ),
        Case(
            "module_specs and marl_module_class",
            BOTH + "MultiRLModuleSpec(marl_module_class=M, module_specs={'a': RLModuleSpec()})\n",
            BOTH + "MultiRLModuleSpec(multi_rl_module_class=M, "
            "rl_module_specs={'a': RLModuleSpec()})\n",
        ),
        Case(
            "a field of a spec",
            HEAD + "spec = RLModuleSpec()\nprint(spec.model_config_dict['x'])\n",
            HEAD + "spec = RLModuleSpec()\nprint(spec.model_config['x'])\n",
        ),
        Case(
            "a spec class of the project",
            HEAD + "class S(RLModuleSpec):\n    pass\n\nS(model_config_dict={})\n",
            HEAD + "class S(RLModuleSpec):\n    pass\n\nS(model_config={})\n",
        ),
        Case(
            "one spec for all agents",
            BOTH + "config.rl_module(\n    rl_module_spec=MultiRLModuleSpec(\n"
            "        # All agents share it.\n"
            "        rl_module_specs=RLModuleSpec(module_class=A),\n    ),\n)\n",
            HEAD + "config.rl_module(\n    # All agents share it.\n"
            "    rl_module_spec=RLModuleSpec(module_class=A),\n)\n",
        ),
    ),
)
