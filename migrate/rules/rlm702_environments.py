"""Environments of gym become environments of gymnasium."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.env_loops import made_by_id, old_mixin, sites
from rlmigrate.migrate.reading.environments import (
    CODE,
    ENVIRONMENTS,
    MULTI,
    WRAPPERS,
    Seam,
    gym_edits,
    lineage,
    read_reset,
    read_step,
)
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.wrappers import read_wrapper
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm702 import CASES, UNCHANGED


def check(context: FileContext) -> Iterable[Finding]:
    """Find environments, and imports of gym."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return
    nodes = nodes_of(context)
    imports = gym_edits(context, nodes, made_by_id)
    found = list(_environments(context, nodes))
    owners = {owner for owner, _, _ in found}
    loops = [site for site in sites(context, nodes) if owners.isdisjoint(nodes.up(site.call))]
    problems = [imports] if isinstance(imports, str) else []
    problems += [problem for _, _, seam in found for problem in seam.problems]
    problems += [site.problem for site in loops if site.problem]
    edits = () if isinstance(imports, str) else tuple(imports)
    if not problems:
        edits += tuple(edit for _, _, seam in found for edit in seam.edits)
        edits += tuple(edit for site in loops for edit in site.edits)
    yield from _mixed_in(context, nodes)
    if not found and not loops and not edits:
        return
    for site in loops:
        name = ast.unparse(site.call.func)
        if problems:
            why = site.problem or f"with the rest of the file, where {problems[0]}"
            text = f"for gymnasium: {why}"
            yield Finding(_item(context, site.call, name, Outcome.MANUAL, text))
        else:
            text = "unpacks what gymnasium's environments return"
            yield Finding(_item(context, site.call, name, Outcome.NATIVE, text), edits)
    for owner, method, seam in found:
        name = f"{owner.name}.{method.name if isinstance(method, ast.FunctionDef) else '*'}"
        if problems:
            why = "; ".join(dict.fromkeys(seam.problems))
            text = f"for gymnasium: {why or f'with the rest of the file, where {problems[0]}'}"
            yield Finding(_item(context, method, name, Outcome.MANUAL, text))
        else:
            text = "returns what gymnasium's environments return"
            yield Finding(_item(context, method, name, Outcome.NATIVE, text), edits)
    if not found and not loops and edits:
        first = min(edits, key=lambda edit: edit.span.start)
        line = context.source.line_of(first.span.start)
        text = "gym is gymnasium now: RLlib knows no other spaces"
        item = Item(str(context.source.path), line, "gym", Kind.IMPORT, Outcome.NATIVE, CODE, text)
        yield Finding(item, edits)


def _environments(
    context: FileContext, nodes: Nodes
) -> Iterable[tuple[ast.ClassDef, ast.stmt, Seam]]:
    """Methods of environments that speak the old interface."""
    seam: Seam | None
    for owner in nodes.of(ast.ClassDef):
        bases = set(lineage(context, owner))
        wrapper = bool(bases & WRAPPERS)
        if not (wrapper or bases & ENVIRONMENTS):
            continue
        methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        if wrapper:
            if {"reset", "step"} & methods.keys():
                seam = read_wrapper(context, nodes, methods)
                if seam.edits or seam.problems:
                    yield owner, owner, seam
            continue
        if "reset" in methods:
            seam = read_reset(context, nodes, owner, methods["reset"])
            if seam is not None:
                yield owner, methods["reset"], seam
        if "step" in methods:
            multi = bool(bases & MULTI)
            seam = read_step(context, nodes, owner, methods["step"], multi=multi)
            if seam is not None:
                yield owner, methods["step"], seam


def _mixed_in(context: FileContext, nodes: Nodes) -> Iterable[Finding]:
    """Environments that have reset() and step() of a class that is no environment itself."""
    classes = context.index.classes
    for owner in nodes.of(ast.ClassDef):
        line = lineage(context, owner)
        if len(owner.bases) < 2 or not ENVIRONMENTS & set(line):
            continue
        own = {node.name for node in owner.body if isinstance(node, ast.FunctionDef)}
        for name in line:
            if name not in classes or {"reset", "step"} & own:
                continue
            entry = classes[name]
            if {"reset", "step"} <= set(entry.methods) and old_mixin(context, name):
                text = (
                    f"for gymnasium: reset() and step() are those of {entry.name}, which is no "
                    "environment itself: return (observation, infos) and (observation, reward, "
                    "terminated, truncated, info) here"
                )
                yield Finding(_item(context, owner, f"{owner.name}.*", Outcome.MANUAL, text))
                break


def _item(
    context: FileContext, node: ast.stmt | ast.Call, name: str, outcome: Outcome, message: str
) -> Item:
    return Item(
        path=str(context.source.path),
        line=node.lineno,
        name=name,
        kind=Kind.CALL,
        outcome=outcome,
        code=CODE,
        message=message,
        column=node.col_offset,
    )


RULE = Rule(
    code=CODE,
    name="environments",
    kind=Kind.CALL,
    summary="Environments of gym return what gymnasium's do, where that is certain.",
    explanation="""
RLlib takes gymnasium environments: `reset(*, seed, options)` returns an observation and infos,
`step()` returns terminated and truncated apart. A class that derives from gym.Env or MultiAgentEnv
is rewritten if its returns are in plain sight, it wraps no other environment, and all that the file
takes from gym is the same in gymnasium; the imports change with it. So do calls of its reset() and
step() where a name is certain to be such an environment, and gym.make() of an id that gymnasium has
too. `done` becomes terminated: an
episode that was cut off by a limit of time should say truncated, which only its author knows.
""",
    check=check,
    since="2.3",
    link="https://gymnasium.farama.org/introduction/migration_guide/",
    words=frozenset({"gym", "gymnasium", "MultiAgentEnv", "step"}),
    unchanged=UNCHANGED,
    cases=CASES,
)
