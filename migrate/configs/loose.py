"""Config dicts that no call in sight takes: keys that only changed their names are renamed there.

RLlib still updates configs from dicts, and takes any key in silence, so an old name would have no
effect.

loose_findings   the renamed keys, the keys that need a person, and dicts that may stay as they are
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.configs.dict_config import dict_findings
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.loose_dicts import (
    NESTED,
    STRONG,
    Key,
    Loose,
    loose_dicts,
    loose_keys,
)
from rlmigrate.migrate.configs.multi_agent_loose import KEYS, settle
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.configs.spread_keys import READABLE, other_use, reads
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext, Finding
from rlmigrate.migrate.source import Span

CODE = "RLM409"

#: Values of these at which nothing is to be done.
HARMLESS: dict[str, tuple[object, ...]] = {
    "exploration_config": ({}, None, {"type": "StochasticSampling"}),
    "observation_filter": ("NoFilter", None),
    "lr_schedule": (None,),
    "entropy_coeff_schedule": (None,),
    "num_gpus": (0,),
    "framework": ("torch", None),
    "remote_worker_envs": (False,),
    "model": ({},),
    "custom_model": (None, ""),
    "custom_model_config": ({},),
    "multiagent": ({},),
}
#: Keys that configs translate themselves when they are updated from a dict.
TRANSLATED = frozenset({"lambda", "num_workers", "num_cpus_for_driver"})
#: A file without any such string has no such dict, and reads none.
_QUOTED = STRONG | READABLE


def loose_findings(context: FileContext) -> Iterable[Finding]:
    """Yield dicts and `config[...] = ...` with RLlib's keys that no other rule carries over."""
    if _QUOTED.isdisjoint(context.source.strings.words):
        return
    nodes = nodes_of(context)
    taken = [edit.span for finding in dict_findings(context) for edit in finding.edits if edit.text]
    yield from _reads(context, taken)
    for loose in (*loose_dicts(nodes), *loose_keys(nodes)):
        span = context.source.span(loose.node)
        if not any(other.start <= span.start < other.end for other in taken):
            yield from _findings(context, loose)


def _reads(context: FileContext, taken: list[Span]) -> Iterator[Finding]:
    """Yield the places that read keys of a dict which gets today's names."""
    for node in reads(nodes_of(context)):
        name = str(node.value)
        place = _written(context, node, name)
        new = _new_name(Key(name, node, None))
        if new is None or place is None or other_use(context, name) is not None:
            continue
        if any(span.start <= place.start < span.end for span in taken):
            continue
        text = f'"{name}" of a config dict is "{new}" now'
        item = _item(context, Loose(node, ()), [name], Outcome.NATIVE, text)
        yield Finding(item, (Edit(place, new, CODE),))


def _findings(context: FileContext, loose: Loose) -> Iterator[Finding]:
    if loose.own:
        yield from _own_settings(context, loose)
        return
    edits: list[Edit] = []
    renamed: list[str] = []
    left: list[Key] = []
    idle: list[str] = []
    known: list[str] = []
    problems: dict[str, str] = {}
    names = {key.name for key in loose.keys}
    if isinstance(loose.node, ast.Dict):
        names |= {str(constant(key)) for key in loose.node.keys if key is not None}
    for key in loose.keys:
        new = _new_name(key)
        if key.name in OLD and key.value is not None and _says_nothing(key.value):
            idle.append(key.name)
            continue
        framework = constant(key.value) if key.name == "framework" and key.value else None
        if isinstance(framework, str) and framework.startswith("tf") and key.value is not None:
            edits.append(Edit(context.source.span(key.value), '"torch"', CODE))
            renamed.append('"framework" can only be "torch"')
            continue
        if key.name in KEYS and key.value is not None:
            settled = settle(context, key.name, key.value)
            if settled.problem is not None:
                left.append(key)
                problems[key.name] = f": {settled.problem}"
            elif settled.edits:
                edits += settled.edits
                renamed.append("a policy mapping function takes (agent_id, episode, **kwargs)")
            else:
                idle.append(key.name)
            continue
        if new is not None and key.name != new:
            place = _written(context, key.node, key.name)
            elsewhere = other_use(context, key.name)
            if place is None or new in names or elsewhere is not None:
                left.append(key)
                if elsewhere is not None:
                    known.append(f"{key.name} in {elsewhere}")
            else:
                names.add(new)
                edits.append(Edit(place, new, CODE))
                renamed.append(f'"{key.name}" is "{new}" now')
        elif key.name in TRANSLATED:
            continue
        elif key.name == "vf_share_layers" and names & {"use_lstm", "custom_model"}:
            continue  # in the model's dict, where it belongs
        elif _needs_person(key):
            left.append(key)
        elif key.name in OLD:
            idle.append(key.name)
    if edits:
        text = "keys of a config dict: " + ", ".join(renamed)
        changed = [key.name for key in loose.keys if key not in left and key.name not in idle]
        yield Finding(_item(context, loose, changed, Outcome.NATIVE, text), tuple(edits))
    if left:
        told = [
            f'"{k.name}"{problems.get(k.name) or _module_of(context, k) or _became(k.name)}'
            for k in left[:8]
        ]
        more = f", and {len(left) - 8} more" if len(left) > 8 else ""
        text = "config keys outside of a builder: " + ", ".join(told) + more
        if known:
            text += f"; rename it together with {known[0]}" + (", ..." if known[1:] else "")
        names_left = [key.name for key in left]
        yield Finding(_item(context, loose, names_left, Outcome.MANUAL, text))
    elif not edits and idle:
        text = "the config may be updated from this dict as it is"
        dead = [name for name in idle if name not in KEYS]
        text += f"; without effect: {', '.join(dead)}" if dead else ""
        yield Finding(_item(context, loose, idle, Outcome.UNCHANGED, text))


def _own_settings(context: FileContext, loose: Loose) -> Iterator[Finding]:
    """A dict that the project reads itself: what its names are where they reach a config."""
    named = {key.name: _new_name(key) for key in loose.keys}
    told = [f"{old} is {new} now" for old, new in named.items() if new not in (None, old)]
    if told:
        text = "settings of the project's own; where they reach a config: " + ", ".join(told)
        yield Finding(_item(context, loose, list(named), Outcome.UNCHANGED, text))


def _says_nothing(value: ast.expr) -> bool:
    """`DEPRECATED_VALUE`, by which old defaults said that a key is no longer read."""
    return (dotted(value) or "").rpartition(".")[2] == "DEPRECATED_VALUE"


def _new_name(key: Key) -> str | None:
    """What a key is called today, where the value and its meaning are the same."""
    if key.name == "num_gpus" and key.value is not None:  # one learner a GPU, of 1 at most
        value = constant(key.value)
        return None if value == 0 or (isinstance(value, int) and value > 1) else _GPUS
    now = OLD.get(key.name)
    if now is None or not now.name or "." in now.name or now.method == "rl_module":
        return None
    return None if key.name in TRANSLATED else now.name


_GPUS = "num_gpus_per_learner"


def _needs_person(key: Key) -> bool:
    if key.name in NESTED:
        value = constant(key.value) if key.value is not None else None
        return key.value is None or not any(value == good for good in HARMLESS.get(key.name, ()))
    now = OLD.get(key.name)
    if now is None:
        return False
    if now.name:
        return True
    value = constant(key.value) if key.value is not None else key
    return bool(now.only) and value not in now.only


def _written(context: FileContext, node: ast.Constant, name: str) -> Span | None:
    """The name between its quotes, where it is a plain string."""
    span = context.source.span(node)
    text = context.source.text[span.start : span.end]
    if text[:1] not in ("'", '"') or text[1:-1] != name:
        return None
    return Span(span.start + 1, span.end - 1)


def _item(
    context: FileContext, loose: Loose, keys: list[str], outcome: Outcome, message: str
) -> Item:
    return Item(
        path=str(context.source.path),
        line=loose.node.lineno,
        name=", ".join(keys[:3]) + (", ..." if len(keys) > 3 else ""),
        kind=Kind.CONFIG,
        outcome=outcome,
        code=CODE,
        message=message,
        column=loose.node.col_offset,
    )


_SOME_MODULE = " is rl_module(rl_module_spec=RLModuleSpec(module_class=...)) now"


def _module_of(context: FileContext, key: Key) -> str:
    """What the model of a dict is today, where it is named; nothing for other keys."""
    if key.name not in ("model", "custom_model") or key.value is None:
        return ""
    named: ast.expr | None = key.value
    if isinstance(key.value, ast.Dict):
        pairs = zip(key.value.keys, key.value.values, strict=True)
        items = {constant(k): v for k, v in pairs if k is not None}
        named = items.get("custom_model")
        if named is None:
            return " is rl_module(model_config=DefaultModelConfig(...)) now"
    elif key.name == "model":
        return ""
    value = nodes_of(context).value_of(named) if isinstance(named, ast.Name) else named
    name = constant(value) if value is not None else None
    known = context.index.registrations.get(name) if isinstance(name, str) else None
    if known is None and isinstance(named, ast.Name | ast.Attribute):
        entry = context.index.files[context.source.path]
        own = f"{entry.module}.{dotted(named)}"
        written: str | None = entry.imports.qualified(named) or own
    else:
        written = known.class_name if known is not None else None
    if not written or (known is None and written not in context.index.classes):
        return _SOME_MODULE
    module = written.rpartition(".")[2]
    return f" is rl_module(rl_module_spec=RLModuleSpec(module_class={module})) now"


def _became(key: str) -> str:
    if key in NESTED:
        return f" is {NESTED[key]} now"
    now = OLD.get(key)
    if now is not None:
        return f" is {now.method}({now.name}=) now" if now.name else f" is gone ({now.note})"
    return f" belongs to {HOME[key]}({key}=)" if key in HOME else " is gone"
