"""Findings about config dicts: `PPOTrainer(config={...})`, `tune.run("PPO", config=config)`.

dict_findings   the findings of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.configs.consumers import SUPPORTED, Consumer, consumers_of
from rlmigrate.migrate.configs.dict_chain import CODE
from rlmigrate.migrate.configs.dict_group import Group, surplus
from rlmigrate.migrate.configs.dict_parts import parts_of
from rlmigrate.migrate.configs.dict_write import (
    build_call,
    name_algorithm,
    write_held,
    write_inline,
)
from rlmigrate.migrate.configs.held_dict import held_dict
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.engine.suppression import suppressions
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.rules.base import FileContext, Finding


def dict_findings(context: FileContext) -> Iterable[Finding]:
    """Yield an item for each call and each key."""
    done: set[ast.AST] = set()
    consumers = consumers_of(context)
    for consumer in consumers:
        if consumer.call in done:
            continue
        group = _group(context, consumer, consumers)
        if group is None:
            continue
        done.update(member.call for member in group.calls)
        yield from _findings(context, group)


def _group(context: FileContext, consumer: Consumer, others: list[Consumer]) -> Group | None:
    group = Group(calls=[consumer])
    config = consumer.config
    if not consumer.supported:
        if consumer.kind == "tune" and not _own(context, consumer):
            return None
        group.problem = (
            f"{consumer.algorithm} is not part of today's RLlib; choose one of "
            f"{', '.join(SUPPORTED)}, or use rllib_contrib's code with an RLModule"
        )
    elif consumer.kind == "algorithm" and surplus(consumer):
        group.problem = f"{consumer.algorithm}() takes {surplus(consumer)}; build_algo() does not"
    elif config is not None and builders_of(context).config(config) is not None:
        return _on_builder(context, consumer)
    elif config is None:
        if consumer.kind == "tune":
            return None
        write_inline(context, consumer, group, [])
    elif isinstance(config, ast.Name):
        held = held_dict(context, config)
        if isinstance(held, str):
            group.problem = f"the config dict cannot be followed: {held}"
        else:
            write_held(context, consumer, group, held, others)
    else:
        parts = parts_of(context, config)
        if parts is None:
            group.problem = "the config dict is computed; build it with the config's methods"
        else:
            write_inline(context, consumer, group, parts)
    return group


def _own(context: FileContext, consumer: Consumer) -> bool:
    """Tune runs anything; it is ours if it names a class of RLlib."""
    entry = context.index.files[context.source.path]
    return (entry.imports.qualified(consumer.what) or "").startswith("ray.rllib.")


def _on_builder(context: FileContext, consumer: Consumer) -> Group | None:
    """The config is a builder already: only a Trainer class must go."""
    group = Group(calls=[consumer])
    source, entry = context.source, context.index.files[context.source.path]
    if consumer.kind == "tune":
        if consumer.what is None or isinstance(consumer.what, ast.Constant):
            return None
        if not (entry.imports.qualified(consumer.what) or "").endswith("Trainer"):
            return None
        name_algorithm(context, consumer, group)
        return group
    if not (entry.imports.qualified(consumer.call.func) or "").endswith("Trainer"):
        return None
    assert consumer.config is not None
    text = source.segment(consumer.config)
    if consumer.env is not None:
        text += f".environment({source.segment(consumer.env)})"
    group.edits.append(Edit(source.span(consumer.call), text + build_call(context), CODE))
    return group


def _findings(context: FileContext, group: Group) -> Iterable[Finding]:
    hidden = suppressions(context.source.text)
    lines = [d.node.lineno for d in group.decisions] + [c.call.lineno for c in group.calls]
    edits = () if any(hidden.hide(CODE, line) for line in lines) else tuple(group.edits)
    unneeded = {
        qualified
        for consumer in group.calls
        for node in (consumer.call.func, consumer.what)
        if (qualified := context.index.files[context.source.path].imports.qualified(node))
    }
    imports = group.imports | Imports(unneeded=frozenset(unneeded))
    for consumer in group.calls:
        name = f"{consumer.algorithm}()" if consumer.kind == "algorithm" else "tune"
        outcome, message = Outcome.NATIVE, f"the config dict becomes a {consumer.algorithm}Config"
        if group.problem is not None:
            outcome, message = Outcome.MANUAL, group.problem
        elif not edits:
            outcome, message = Outcome.UNCHANGED, "a comment keeps one of the keys as it is"
        yield Finding(
            _item(context, consumer.call, name, outcome, message, Kind.CONFIG), edits, imports
        )
    if group.problem is not None:
        return
    for decision in group.decisions:
        outcome, message = decision.outcome, decision.message
        if not edits:
            outcome, message = Outcome.UNCHANGED, "stays with the dict"
        yield Finding(
            _item(context, decision.node, decision.name, outcome, message, Kind.CONFIG),
            edits if outcome is not Outcome.MANUAL else (),
            imports,
        )


def _item(
    context: FileContext,
    node: ast.expr | ast.keyword,
    name: str,
    outcome: Outcome,
    text: str,
    kind: Kind,
) -> Item:
    return Item(
        path=str(context.source.path),
        line=node.lineno,
        name=name,
        kind=kind,
        outcome=outcome,
        code=CODE,
        message=text,
        column=node.col_offset,
    )
