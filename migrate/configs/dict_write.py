"""Write a builder where a config dict stood.

write_inline     a dict given in the call itself
write_held       a dict that a name holds
root_of          the builder's constructor
name_algorithm   Tune's first argument
build_call       what ends a chain that makes an algorithm
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.configs.consumers import Consumer, config_name
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.dict_chain import (
    CODE,
    DICT_ONLY,
    Part,
    calls_text,
    chain_text,
    decide_entries,
)
from rlmigrate.migrate.configs.dict_group import Group, surplus
from rlmigrate.migrate.configs.dict_parts import parts_of
from rlmigrate.migrate.configs.held_dict import Held
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.literals import Entry, dict_entries
from rlmigrate.migrate.configs.model_dict import decide_model_entries
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext


def root_of(context: FileContext, consumer: Consumer, group: Group) -> str:
    """`PPOConfig()`, imported, or through the module that the file has already."""
    name, imports = config_name(context, consumer.algorithm)
    group.imports |= imports
    return f"{name}()"


def build_call(context: FileContext) -> str:
    """Return the call that makes an algorithm in the release that is written for."""
    return ".build()" if context.settings.ray_version == "2.40" else ".build_algo()"


def _settle(
    context: FileContext, consumer: Consumer, group: Group, parts: list[Part]
) -> list[Decision]:
    decisions = decide_entries(context, parts, algorithm=consumer.algorithm)
    if consumer.env is not None:
        decisions = [
            Decision(CODE, "env", Outcome.NATIVE, "the env given beside the config wins", d.node)
            if d.name == "env"
            else d
            for d in decisions
        ]
    group.decisions += decisions
    for decision in decisions:
        group.imports |= decision.imports
    return decisions


def write_inline(context: FileContext, consumer: Consumer, group: Group, parts: list[Part]) -> None:
    """Put a builder in the place of the call, or of the dict that Tune gets."""
    source = context.source
    decisions = _settle(context, consumer, group, parts)
    root = root_of(context, consumer, group)
    target = consumer.call if consumer.kind == "algorithm" else consumer.config
    assert target is not None
    span = source.span(target)
    first = []
    if consumer.env is not None:
        first.append(Gain("environment", "", source.segment(consumer.env)))
    text = chain_text(
        root,
        parts,
        decisions,
        indent=_indent(context, span.start),
        column=span.start - source.line_span(target.lineno, target.lineno).start,
        first=first,
        last=build_call(context) if consumer.kind == "algorithm" else "",
    )
    group.edits.append(Edit(span, text, CODE))
    name_algorithm(context, consumer, group)


def name_algorithm(context: FileContext, consumer: Consumer, group: Group) -> None:
    """Tune takes the algorithm's name where it was given a Trainer class."""
    what = consumer.what
    if consumer.kind == "tune" and what is not None and not isinstance(what, ast.Constant):
        group.edits.append(Edit(context.source.span(what), f'"{consumer.algorithm}"', CODE))


def write_held(
    context: FileContext,
    consumer: Consumer,
    group: Group,
    held: Held,
    others: list[Consumer],
) -> None:
    """Put a builder in the place of the dict, and calls in the place of its changes."""
    users = [c for c in others if isinstance(c.config, ast.Name) and c.config in held.handed]
    strangers = [n for n in held.handed if n not in [c.config for c in users]]
    if strangers:
        group.problem = (
            f"{held.name} goes to another function as well; "
            "build it with the config's methods there and here"
        )
        return
    if {c.algorithm for c in users} != {consumer.algorithm} or (
        any(map(surplus, users)) and any(c.kind == "algorithm" for c in users)
    ):
        group.problem = f"{held.name} serves calls that cannot take the same builder"
        return
    assert held.made.value is not None
    parts = parts_of(context, held.made.value)
    updates = [parts_of(context, call.args[0]) if call.args else None for _, call in held.updates]
    if parts is None or any(update is None for update in updates):
        group.problem = f"the dict {held.name} is computed; build it with the config's methods"
        return
    group.calls = users
    source = context.source
    decisions = _settle(context, consumer, group, parts)
    span = source.span(held.made.value)
    column = span.start - source.line_span(held.made.lineno, held.made.lineno).start
    root = root_of(context, consumer, group)
    indent = _indent(context, span.start)
    group.edits.append(
        Edit(span, chain_text(root, parts, decisions, indent=indent, column=column), CODE)
    )
    given = _model_entries(context, parts)
    _write_changes(context, consumer, group, held, [u for u in updates if u is not None], given)
    for user in users:
        _hand_over(context, user, group, held)


def _model_entries(context: FileContext, parts: list[Part]) -> list[Entry]:
    """The model that a dict was made with, where it names one: changes need all of its entries."""
    for part in parts:
        if part.entry.key == "model":
            entries = dict_entries(context, part.entry.value) or []
            if any(entry.key == "custom_model" for entry in entries):
                return entries
    return []


def _write_changes(
    context: FileContext,
    consumer: Consumer,
    group: Group,
    held: Held,
    updates: list[list[Part]],
    given: list[Entry],
) -> None:
    for (statement, _), update in zip(held.updates, updates, strict=True):
        _statement(context, consumer, group, held, statement, update)
    for assign, key in held.sets:
        part = Part(Entry(key, assign.value), assign.targets[0])
        _statement(context, consumer, group, held, assign, [part])
    model = [(a, inner) for a, outer, inner in held.nested if outer == "model"]
    for at, (assign, _) in enumerate(model):
        if at + 1 < len(model):
            _drop(context, group, assign)
            continue
        changed = {inner for _, inner in model}
        entries = [entry for entry in given if entry.key not in changed]
        entries += [Entry(inner, a.value) for a, inner in model]
        if given and len({nodes_of(context).parents.get(a) for a, _ in model}) > 1:
            message = "the model is changed in several branches; give each its own RLModuleSpec"
            group.decisions.append(
                Decision("RLM402", "model", Outcome.MANUAL, message, assign.targets[0])
            )
            continue
        decision = decide_model_entries(
            context, assign.targets[0], entries, algorithm=consumer.algorithm
        )
        group.decisions.append(decision)
        group.imports |= decision.imports
        text = calls_text(
            [Part(entries[-1], assign.targets[0])],
            [decision],
            indent=_indent(context, context.source.span(assign).start),
        )
        _set_statement(context, group, held, assign, text)
    for assign, outer, inner in held.nested:
        if outer == "model":
            continue
        name = OLD[outer].name if outer in OLD and OLD[outer].name else outer
        target = context.source.span(assign.targets[0])
        group.edits.append(Edit(target, f'{held.name}.{name}["{inner}"]', CODE))
    for item, key in held.reads:
        name = OLD[key].name if key in OLD else (key if key in HOME or key in DICT_ONLY else "")
        name = "callbacks_class" if key == "callbacks" else name
        if name and "." not in name:
            group.edits.append(Edit(context.source.span(item), f"{held.name}.{name}", CODE))


def _statement(
    context: FileContext,
    consumer: Consumer,
    group: Group,
    held: Held,
    statement: ast.stmt,
    parts: list[Part],
) -> None:
    decisions = _settle(context, consumer, group, parts)
    indent = _indent(context, context.source.span(statement).start)
    _set_statement(context, group, held, statement, calls_text(parts, decisions, indent=indent))


def _set_statement(
    context: FileContext, group: Group, held: Held, statement: ast.stmt, text: str
) -> None:
    if text:
        group.edits.append(Edit(context.source.span(statement), held.name + text, CODE))
    else:
        _drop(context, group, statement)


def _drop(context: FileContext, group: Group, statement: ast.stmt) -> None:
    source = context.source
    lines = source.line_span(statement.lineno, statement.end_lineno or statement.lineno)
    span = source.span(statement)
    around = source.text[lines.start : span.start] + source.text[span.end : lines.end]
    parent = nodes_of(context).parents.get(statement)
    alone = any(
        isinstance(block := getattr(parent, name, None), list) and block == [statement]
        for name in ("body", "orelse", "finalbody")
    )
    if around.strip() or alone:
        group.edits.append(Edit(span, "pass", CODE))
    else:
        group.edits.append(Edit(lines, "", CODE))


def _hand_over(context: FileContext, user: Consumer, group: Group, held: Held) -> None:
    if user.kind == "tune":
        name_algorithm(context, user, group)
        return
    env = f".environment({context.source.segment(user.env)})" if user.env is not None else ""
    text = f"{held.name}{env}{build_call(context)}"
    group.edits.append(Edit(context.source.span(user.call), text, CODE))


def _indent(context: FileContext, offset: int) -> str:
    line = context.source.line_of(offset)
    text = context.source.text[context.source.line_span(line, line).start : offset]
    return text[: len(text) - len(text.lstrip())]
