"""Decisions on the entries of a config dict, and the builder chain that says the same.

decide_entries   one decision a key
chain_text       the builder, written out
calls_text       the calls alone, for a statement on an existing config
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.keys import HOME, OLD, home_in
from rlmigrate.migrate.configs.literals import Entry
from rlmigrate.migrate.configs.model_dict import decide_model
from rlmigrate.migrate.configs.multi_agent import decide_multi_agent
from rlmigrate.migrate.configs.own_arguments import takes
from rlmigrate.migrate.configs.replay_keys import decide_buffer
from rlmigrate.migrate.configs.special import SPECIAL, THREE_RATES, constant, decide_rates
from rlmigrate.migrate.configs.writing import WIDTH, Piece, mapping, write
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import SourceFile

CODE = "RLM408"
Commented = tuple[Gain, tuple[str, ...]]  # an argument, and the comments above it
SHARING = "vf_share_layers"

#: Keys of the dict that the builder calls otherwise, beside those of keys.OLD.
DICT_ONLY: Mapping[str, tuple[str, str]] = {
    "env": ("environment", ""),
    "callbacks": ("callbacks", ""),
    "input": ("offline_data", "input_"),
    "output": ("offline_data", "output"),
    "_model_config": ("rl_module", "model_config"),
}
#: Where a key stays that needs a person: the builder still takes it there.
STAYING: Mapping[str, str] = {
    "model": "training",
    "exploration_config": "env_runners",
    "observation_filter": "env_runners",
    "replay_buffer_config": "training",
    "framework": "framework",
}
#: Keys that are dropped, with the values for which that changes nothing.
DROPPED: Mapping[str, tuple[object, ...]] = {
    "use_pytorch": (True, False),
    "eager": (True, False),
    "log_sys_usage": (True,),
}


@dataclass(frozen=True)
class Part:
    """One key of a config dict, with the comments that stand above and behind it."""

    entry: Entry
    node: ast.expr
    comments: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()  # inside the value, lost where that is written anew
    after: tuple[str, ...] = ()  # behind the last key


def decide_entries(
    context: FileContext, parts: Sequence[Part], *, algorithm: str
) -> list[Decision]:
    """Decide on each key, in order."""
    merged = _with_sharing(parts)
    together = merged is not parts
    found = [_decide(context, part, algorithm, shares=together) for part in merged]
    if together and any(d.stays and d.name in ("model", "custom_model") for d in found):
        merged = parts  # the model needs a person, and so does the key beside it
        found = [_decide(context, part, algorithm) for part in parts]
    buffer = decide_buffer(
        [(part.entry, part.node) for part in parts], algorithm, context.source.segment
    )
    found = [
        _kept(context, part, buffer.get(part.entry.key or "", own))
        for part, own in zip(merged, found, strict=True)
    ]
    found = [_own(context, part, own, algorithm) for part, own in zip(merged, found, strict=True)]
    found = [_once(context, part, found, at) for at, part in enumerate(parts)]
    return [_given_once(context, part, found, at) for at, part in enumerate(parts)]


def _own(context: FileContext, part: Part, decision: Decision, algorithm: str) -> Decision:
    """Leave a key of another algorithm to a person: the config's training() refuses it."""
    strange = [
        gain.name
        for gain in decision.gains
        if gain.method == "training" and not takes(algorithm, gain.name)
    ]
    if not strange or decision.outcome is not Outcome.NATIVE:
        return decision
    text = f'{algorithm} has no "{decision.name}": training() of its config refuses {strange[0]}'
    return _kept(context, part, _manual(decision.name, part.node, text))


def _given_once(
    context: FileContext, part: Part, decisions: Sequence[Decision], at: int
) -> Decision:
    """Keep one of two keys that became the same argument: a schedule won over its number."""
    decision = decisions[at]
    mine = {(gain.method, gain.name) for gain in decision.gains if gain.name}
    for other in decisions:
        shared = mine & {(gain.method, gain.name) for gain in other.gains if gain.name}
        if other is decision or not shared or "update_from_dict" in {m for m, _ in shared}:
            continue
        if other.name == f"{decision.name}_schedule":
            return _native(decision.name, part.node, note=f"; {other.name} wins over it")
        method, name = next(iter(shared))
        if decision.name != name and not decision.name.endswith("_schedule"):
            text = f'"{decision.name}" is {method}({name}=) now, which is given as well'
            return _kept(context, part, _manual(decision.name, part.node, text))
    return decision


def _with_sharing(parts: Sequence[Part]) -> Sequence[Part]:
    """Take `vf_share_layers`, which once stood beside the model and won, for a key of the model."""
    loose = [part for part in parts if part.entry.key == SHARING]
    models = [part for part in parts if part.entry.key == "model"]
    if len(loose) != 1 or len(models) > 1:
        return parts
    keys: list[ast.expr | None] = [ast.Constant(SHARING)]
    values = [loose[0].entry.value]
    if models:
        own = models[0].entry.value
        if not isinstance(own, ast.Dict):
            return parts
        kept = [i for i, key in enumerate(own.keys) if not _is_key(key, SHARING)]
        keys = [*(own.keys[i] for i in kept), *keys]
        values = [*(own.values[i] for i in kept), *values]
    made = ast.copy_location(ast.Dict(keys, values), (models or loose)[0].entry.value)
    whole = replace((models or loose)[0], entry=Entry("model", made))
    return [whole if part is (models or loose)[0] else part for part in parts]


def _is_key(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == name


def _once(context: FileContext, part: Part, decisions: Sequence[Decision], at: int) -> Decision:
    """Leave policies with models of their own to a person where all have one as well."""
    decision = decisions[at]
    names = [gain.name for other in decisions for gain in other.gains]
    if decision.name != "multiagent" or names.count("rl_module_spec") < 2:
        return decision
    message = "policies with models of their own, and a model for all: write one MultiRLModuleSpec"
    return _kept(context, part, _manual(decision.name, part.node, message))


def _kept(context: FileContext, part: Part, decision: Decision) -> Decision:
    """Keep the value of a key that needs a person: in its old place, or in its marker if short."""
    if decision.outcome is not Outcome.MANUAL:
        return decision
    key = part.entry.key or ""
    value = context.source.segment(part.entry.value)
    home = STAYING.get(key)
    if home is not None:
        return replace(decision, gains=(Gain(home, "" if key == "framework" else key, value),))
    if "\n" not in value and len(value) <= 60:
        return replace(decision, message=f"{decision.message} (it was {key}: {value})")
    rest = mapping([(f'"{key}": ', value)])
    return replace(decision, gains=(Gain("update_from_dict", "", rest),))


def _decide(context: FileContext, part: Part, algorithm: str, *, shares: bool = False) -> Decision:
    key, value, node = part.entry.key or "", part.entry.value, part.node
    if key == "model":
        return decide_model(context, node, value, algorithm=algorithm)
    if key in ("multiagent", "multi_agent"):
        return decide_multi_agent(context, node, value, code=CODE, algorithm=algorithm)
    if key in DICT_ONLY:
        method, name = DICT_ONLY[key]
        return _native(key, node, Gain(method, name, context.source.segment(value)))
    if key in DROPPED:
        if constant(value) in DROPPED[key]:
            return _native(key, node)
        return _manual(key, node, "the new stack runs torch only")
    if algorithm in THREE_RATES:
        rates = decide_rates(context, key, node, value)
        if rates is not None:
            return rates
    special = SPECIAL.get(key)
    release = context.settings.ray_version
    home = home_in(key, release)
    if special is not None and (not special.methods or home in special.methods):
        decided = special.decide(context, node, value)
        if decided is not None:
            return decided
    if key == SHARING and shares:
        return _native(key, node, note="; it stands in the model's config")
    now = OLD.get(key)
    if now is not None and now.name and "." not in now.name:
        gain = Gain(now.method, now.name, context.source.segment(value))
        if now.name in HOME and not home_in(now.name, release):
            gain = Gain("training", key, context.source.segment(value))  # its old name yet
        return _native(key, node, gain)
    if now is not None and not now.name:
        if now.only and constant(value) not in now.only:
            return _manual(key, node, f"{key} is gone: {now.note}")
        return _native(key, node, note=f"; {now.note}")
    if key == SHARING:
        return _manual(key, node, f"{key} belongs into the model's config")
    if home:
        name = "" if key == "framework" else key
        return _native(key, node, Gain(home, name, context.source.segment(value)))
    if key in HOME:
        return _manual(key, node, f'"{key}": Ray {release} has no such setting')
    return _manual(key, node, f'"{key}": no argument of the config builder is known for it')


def _native(key: str, node: ast.expr, *gains: Gain, note: str = "") -> Decision:
    if gains:
        message = f'"{key}" becomes {gains[0].method}({gains[0].name or "..."})'
    else:
        message = f'"{key}" is dropped{note}'
    return Decision(CODE, key, Outcome.NATIVE, message, node, gains, kind=Kind.CONFIG)


def _manual(key: str, node: ast.expr, message: str) -> Decision:
    return Decision(CODE, key, Outcome.MANUAL, message, node)


def chain_text(
    root: str,
    parts: Sequence[Part],
    decisions: Sequence[Decision],
    *,
    indent: str,
    column: int,
    first: Sequence[Gain] = (),
    last: str = "",
) -> str:
    """Write `root.method(...)...last`, in brackets and a call a line unless it is short."""
    calls = _calls(parts, decisions, indent + "    ", first)
    after = [comment for part in parts for comment in part.after]
    flat = root + "".join(f".{c}" for c in calls) + last
    if len(calls) <= 1 and not after and "\n" not in flat and column + len(flat) <= WIDTH:
        return flat
    inner = indent + "    "
    lines = [f"{inner}{root}", *(f"{inner}.{c}" for c in calls)]
    lines += [inner + comment for comment in after]
    if last:
        lines.append(inner + last)
    return "(\n" + "\n".join(lines) + f"\n{indent})"


def calls_text(parts: Sequence[Part], decisions: Sequence[Decision], *, indent: str) -> str:
    """Write the calls in one chain, beginning with a dot; empty where nothing is gained."""
    return "".join(f".{c}" for c in _calls(parts, decisions, indent, ()))


def _calls(
    parts: Sequence[Part], decisions: Sequence[Decision], indent: str, first: Sequence[Gain]
) -> list[str]:
    methods: dict[str, list[Commented]] = {}
    for gain in first:
        methods.setdefault(gain.method, []).append((gain, ()))
    for part, decision in zip(parts, decisions, strict=True):
        comments = part.comments
        if not any(isinstance(gain.value, str) for gain in decision.gains):
            comments += part.inner
        for gain in decision.gains:
            methods.setdefault(gain.method, []).append((gain, comments))
            comments = ()
    if "update_from_dict" in methods:
        methods["update_from_dict"] = [_one_dict(methods["update_from_dict"])]
    return [_call(method, gains, indent) for method, gains in methods.items()]


def _one_dict(gains: list[Commented]) -> Commented:
    """Join the keys that are kept into one dict: update_from_dict() takes a single one."""
    items = [
        ("\n".join([*comments, label]), value)
        for gain, comments in gains
        if isinstance(gain.value, Piece)
        for label, value in gain.value.items
    ]
    return replace(gains[0][0], value=mapping(items)), ()


def _call(method: str, gains: list[Commented], indent: str) -> str:
    gains = sorted(gains, key=lambda pair: pair[0].name != "")  # positional ones first
    labels = [f"{gain.name}=" if gain.name else "" for gain, _ in gains]
    flat = ", ".join(
        label + write(gain.value, indent=indent, column=len(indent) + len(method) + 2 + len(label))
        for label, (gain, _) in zip(labels, gains, strict=True)
    )
    plain = not any(comments for _, comments in gains)
    if plain and "\n" not in flat and len(indent) + len(method) + len(flat) + 3 <= WIDTH:
        return f"{method}({flat})"
    inner = indent + "    "
    lines = [f"{method}("]
    for label, (gain, comments) in zip(labels, gains, strict=True):
        lines += [inner + comment for comment in comments]
        text = write(gain.value, indent=inner, column=len(inner) + len(label))
        lines.append(f"{inner}{label}{text},")
    return "\n".join([*lines, f"{indent})"])


#: The line that comments behind the last key are given.
LAST = 0


def comments_in(source: SourceFile, node: ast.Dict | ast.Call) -> dict[tuple[int, bool], list[str]]:
    """Comments inside a dict, by the line of the key that they belong to, and whether inside it.

    A comment behind a key belongs to it, one on a line of its own to the next key; one in the
    middle of a value lies inside that key.
    """
    span = source.span(node)
    text = source.text[span.start : span.end]
    if "#" not in text:
        return {}
    if isinstance(node, ast.Dict):
        pairs = [(k.lineno, v) for k, v in zip(node.keys, node.values, strict=True) if k]
    else:
        pairs = [(k.lineno, k.value) for k in node.keywords]
    starts = sorted(start for start, _ in pairs)
    within = {
        line: start
        for start, value in pairs
        for line in range(value.lineno, value.end_lineno or value.lineno)
    }
    found: dict[tuple[int, bool], list[str]] = {}
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({text})").readline))
    except (tokenize.TokenError, IndentationError):
        return {}
    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0] + node.lineno - 1
        alone = not token.line[: token.start[1]].strip(" (")
        if line in within:
            found.setdefault((within[line], True), []).append(token.string)
            continue
        if alone:
            owner = next((start for start in starts if start > line), None)
        else:
            owner = max((start for start in starts if start <= line), default=None)
        if owner is not None:
            found.setdefault((owner, False), []).append(token.string)
        elif starts and isinstance(node, ast.Dict):
            found.setdefault((LAST, False), []).append(token.string)
    return found
