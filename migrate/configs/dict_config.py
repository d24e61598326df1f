"""Findings about config dicts: `PPOTrainer(config={...})`, `tune.run("PPO", config=config)`.

dict_findings   the findings of a file
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from rlmigrate.migrate.configs.consumers import SUPPORTED, Consumer, consumers_of
from rlmigrate.migrate.configs.decision import Decision
from rlmigrate.migrate.configs.dict_chain import CODE
from rlmigrate.migrate.configs.dict_group import Group, surplus
from rlmigrate.migrate.configs.dict_parts import parts_of
from rlmigrate.migrate.configs.dict_write import (
    build_call,
    name_algorithm,
    root_of,
    write_held,
    write_inline,
)
from rlmigrate.migrate.configs.held_dict import held_dict
from rlmigrate.migrate.configs.lost_algorithms import nearest
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.engine.suppression import suppressions
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.rules.base import FileContext, Finding
from rlmigrate.migrate.source import Span


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
        group.problem = nearest(consumer.algorithm) or (
            f"{consumer.algorithm} is not part of today's RLlib; choose one of "
            f"{', '.join(SUPPORTED)}"
        )
    elif consumer.kind == "algorithm" and surplus(consumer):
        group.problem = f"{consumer.algorithm}() takes {surplus(consumer)}; build_algo() does not"
    elif config is not None and builders_of(context).config(_undictionaried(config)) is not None:
        return _on_builder(context, consumer, _undictionaried(config))
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
        if group.problem is not None:
            return _on_dict(context, consumer, group.problem)
    else:
        parts = parts_of(context, config)
        if parts is None:
            return _on_dict(context, consumer, "the config dict is computed")
        write_inline(context, consumer, group, parts)
    return group


def _undictionaried(config: ast.expr) -> ast.expr:
    """The builder in `builder.to_dict()`."""
    if (
        isinstance(config, ast.Call)
        and isinstance(config.func, ast.Attribute)
        and config.func.attr == "to_dict"
        and not config.args
    ):
        return config.func.value
    return config


def _own(context: FileContext, consumer: Consumer) -> bool:
    """Tune runs anything; it is ours if it names a class of RLlib, or an algorithm that it had."""
    if isinstance(consumer.what, ast.Constant):
        return nearest(consumer.algorithm) is not None
    entry = context.index.files[context.source.path]
    return (entry.imports.qualified(consumer.what) or "").startswith("ray.rllib.")


def _on_builder(context: FileContext, consumer: Consumer, builder: ast.expr) -> Group | None:
    """The config is a builder already: only a Trainer class, or `.to_dict()`, must go."""
    group = Group(calls=[consumer])
    source, config = context.source, consumer.config
    assert config is not None
    plain = builder is config
    if consumer.kind == "tune":
        if plain and not _is_trainer(context, consumer.what):
            return None
        if _is_trainer(context, consumer.what):
            name_algorithm(context, consumer, group)
        if not plain:
            assert isinstance(config, ast.Call)
            dot = source.text.rindex(".", 0, source.span(config.func).end)
            group.edits.append(Edit(Span(dot, source.span(config).end), "", CODE))
            group.message = "Tune takes the config itself"
        return group
    if plain and not _is_trainer(context, consumer.call.func):
        return None
    text = source.segment(builder)
    if consumer.env is not None:
        text += f".environment({source.segment(consumer.env)})"
    group.edits.append(Edit(source.span(consumer.call), text + build_call(context), CODE))
    return group


def _is_trainer(context: FileContext, what: ast.expr | None) -> bool:
    qualified = context.index.files[context.source.path].imports.qualified(what)
    return qualified is not None and qualified.endswith("Trainer")


def _on_dict(context: FileContext, consumer: Consumer, why: str) -> Group:
    """A dict put together elsewhere stays one: the algorithm's config is updated from it.

    That is what the constructor and Tune do with a dict, in the old releases and today; its keys
    are looked at where they are written (RLM409).
    """
    group = Group(calls=[consumer])
    source = context.source
    assert consumer.config is not None
    if consumer.kind == "tune":
        if _is_trainer(context, consumer.what):
            name_algorithm(context, consumer, group)
        group.message = f"{why}: Tune updates the algorithm's config from it, as before"
        return group
    given = source.segment(consumer.config)
    text = f"{root_of(context, consumer, group)}.update_from_dict({given})"
    if consumer.env is not None:
        text += f".environment({source.segment(consumer.env)})"
    group.edits.append(Edit(source.span(consumer.call), text + build_call(context), CODE))
    group.message = f"{why}: the {consumer.algorithm}Config is updated from it"
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
        elif group.message:
            outcome, message = Outcome.NATIVE if edits else Outcome.UNCHANGED, group.message
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
        item = _item(context, decision.node, decision.name, outcome, message, Kind.CONFIG)
        if outcome is Outcome.MANUAL and _stands_in_builder(decision):
            # The builder's rule finds it in the next round, too: one finding, under one code.
            item = replace(item, code=decision.code)
        yield Finding(
            item,
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


def _stands_in_builder(decision: Decision) -> bool:
    """Whether a key that needs a person becomes an argument that the builders' rules look at."""
    return any(gain.method != "update_from_dict" for gain in decision.gains)
