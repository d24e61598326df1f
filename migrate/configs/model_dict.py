"""The old `model` dict, and the RLModule or DefaultModelConfig that takes its place.

decide_model           what becomes of `model={...}`
decide_model_entries   the same, for entries read elsewhere
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.configs.connectors import connectors_of
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.learner_class import own_loss
from rlmigrate.migrate.configs.literals import Entry, dict_entries
from rlmigrate.migrate.configs.model_keys import LOST, PREVIOUS, RENAMED, SAME, WHY
from rlmigrate.migrate.configs.q_settings import q_settings
from rlmigrate.migrate.configs.wrapped_model import put_inside
from rlmigrate.migrate.configs.writing import Piece, call, mapping
from rlmigrate.migrate.distributions.chosen import names_its_distribution
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.configured import CUSTOM_DIST, WRAPPERS
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.vocabulary import MODEL_DEFAULTS

CUSTOM = "RLM401"
DEFAULT = "RLM402"

SPEC = ("ray.rllib.core.rl_module.rl_module", "RLModuleSpec")
DEFAULTS = ("ray.rllib.core.rl_module.default_model_config", "DefaultModelConfig")
WRAP = ("rlmigrate", "wrap_model")

#: Algorithms whose old config set vf_share_layers to False behind the user's back.
UNSHARED = frozenset({"PPO", "MARWIL", "BC"})


def decide_model(
    context: FileContext, node: ast.expr | ast.keyword, value: ast.expr, *, algorithm: str
) -> Decision:
    """Decide on the model dict `value`, which `node` sets."""
    entries = dict_entries(context, value)
    if entries is None:
        return Decision(
            DEFAULT,
            "model",
            Outcome.MANUAL,
            "the model dict is computed; set it with "
            ".rl_module(model_config=DefaultModelConfig(...)) or rl_module_spec=RLModuleSpec(...)",
            node,
        )
    return decide_model_entries(context, node, entries, algorithm=algorithm)


def decide_model_entries(
    context: FileContext, node: ast.expr | ast.keyword, entries: list[Entry], *, algorithm: str
) -> Decision:
    """Decide on a model dict with these entries."""
    custom = _get(entries, "custom_model")
    if custom is None or _is_none(custom):
        return _default(context, node, entries, algorithm=algorithm)
    return _custom(context, node, entries, custom, algorithm=algorithm)


def _custom(
    context: FileContext,
    node: ast.expr | ast.keyword,
    entries: list[Entry],
    custom: ast.expr,
    *,
    algorithm: str,
) -> Decision:
    def manual(message: str) -> Decision:
        return Decision(CUSTOM, "custom_model", Outcome.MANUAL, message, node)

    name, target = _label(context, custom), class_behind(context, custom)
    inside = put_inside(context, target, entries)
    for key in (CUSTOM_DIST, "custom_preprocessor", *(() if inside else PREVIOUS)):
        given = _get(entries, key)
        if key == CUSTOM_DIST and names_its_distribution(context.index, target):
            entries = [entry for entry in entries if entry.key != key]
        elif given is not None and not _constant_in(given, (None, False, -1)):
            return manual(
                f"custom model {name} with {key}: {WHY.get(key, 'wraps the model')}; "
                "write it into the RLModule"
            )
    if target is None:
        return manual(
            f"no class is known for the custom model {name}; set "
            ".rl_module(rl_module_spec=RLModuleSpec(module_class=...))"
        )
    made = _module_class(context, target, node)
    if isinstance(made, str):
        return manual(made)
    written, imports, outcome, flat, known = made
    if inside is not None:
        if inside.problem:
            return manual(f"custom model {name} {inside.problem}")
        written, imports = inside.write(context, written, imports)
        entries = [entry for entry in entries if entry.key not in WRAPPERS]
        known.setdefault("max_seq_len", 20)  # Ray's connectors know no default
    config = _model_config(
        context,
        entries,
        flat=flat,
        known=known,
        algorithm=algorithm,
        beside=q_settings(context, target, node),
    )
    arguments: dict[str, Piece | str] = {"module_class": written}
    if config is not None:
        arguments["model_config"] = config
    spec = call("RLModuleSpec", **arguments)
    gains, wanted, columns = connectors_of(context, target, inside)
    losses, more, said = own_loss(context, target, written, algorithm=algorithm)
    how = "the RLModule" if outcome is Outcome.NATIVE else "an RLModule that wraps the old class"
    return Decision(
        CUSTOM,
        "custom_model",
        outcome,
        f"custom model {name} becomes {how} in an RLModuleSpec{columns}{said}",
        node,
        (Gain("rl_module", "rl_module_spec", spec), *gains, *losses),
        imports | wanted | more | Imports(frozenset({SPEC})),
        new_name=target.rpartition(".")[2],
    )


def class_behind(context: FileContext, custom: ast.expr) -> str | None:
    """Return the qualified class that a `custom_model` value stands for."""
    if isinstance(custom, ast.Constant):
        found = context.index.registrations.get(str(custom.value))
        return found.class_name if found is not None and found.kind == "model" else None
    entry = context.index.files.get(context.source.path)
    if entry is None or not isinstance(custom, ast.Name | ast.Attribute):
        return None
    if isinstance(custom, ast.Name):
        bound = nodes_of(context).value_of(custom)
        if isinstance(bound, ast.Constant):
            return class_behind(context, bound)
        own = context.index.class_named(
            f"{entry.module}.{custom.id}" if entry.module else custom.id
        )
        if own is not None and own.path == context.source.path:
            return own.qualified
    return entry.imports.qualified(custom)


def _module_class(
    context: FileContext, target: str, node: ast.expr | ast.keyword
) -> tuple[str, Imports, Outcome, bool, dict[str, object]] | str:
    """What to write for the class, or why that cannot be done."""
    found = context.index.class_named(target)
    if found is None:
        return _elsewhere(context, target)
    kind = context.index.legacy_kind(found.qualified)
    plan = context.index.plan_for(found.qualified)
    if plan is None and kind != "module":
        return f"{found.name} is no legacy model that is understood; write it as an RLModule"
    if plan is not None and plan.outcome not in (Outcome.NATIVE, Outcome.BRIDGED):
        return f"{found.name} {plan.reason}; write it as an RLModule, then set rl_module_spec"
    outcome = plan.outcome if plan is not None else Outcome.NATIVE
    flat = outcome is Outcome.NATIVE
    known = dict(plan.model_config) if plan is not None else {}
    if plan is not None and shares_by_config(context.index, found, native=flat):
        known.setdefault("vf_share_layers", True)
    flat = flat and not (plan is not None and plan.apart)
    name = plan.new_name if plan is not None else found.name
    written = _written(context, found, name, node)
    if written is None:
        return f"{found.name} is defined in a function and not seen from here"
    text, imports = written
    return text, imports, outcome, flat, known


def shares_by_config(index: RepoIndex, found: ClassEntry, *, native: bool) -> bool:
    """Tell whether a class may read `vf_share_layers`, itself or through a net of RLlib's.

    PPO's old config set the key to False behind the user's back.
    """
    from rlmigrate.migrate.strategy import study_class

    if not native:
        return True
    file = index.files[found.path]
    for node in nodes_in(index.source_of(found.path).tree):
        if isinstance(node, ast.ClassDef) and node.lineno == found.line:
            facts = study_class(index, file, node, qualified=found.qualified).reading.facts
            return bool(facts.subnets) or "vf_share_layers" in facts.default_keys
    return False


def _written(
    context: FileContext, found: ClassEntry, name: str, node: ast.expr | ast.keyword
) -> tuple[str, Imports] | None:
    entry = context.index.files[context.source.path]
    if found.path == context.source.path:
        if found.scope:
            nodes = nodes_of(context)
            around = [getattr(up, "name", "") for up in nodes.up(node)]
            return (name, Imports()) if found.scope.rpartition(".")[2] in around else None
        return name, Imports()
    if found.scope:
        return None
    for qualified in (found.qualified, *_ways(context, found)):
        local = entry.imports.local_names(qualified)
        if local:
            return local[0], Imports()
    module = context.index.name_of(found.path)
    return name, Imports(frozenset({(module, name)}))


def _ways(context: FileContext, found: ClassEntry) -> list[str]:
    """Other names under which this file imports the class."""
    entry = context.index.files[context.source.path]
    return [
        target
        for target in entry.imports.names.values()
        if target.endswith(f".{found.name}") and context.index.class_named(target) == found
    ]


def _elsewhere(
    context: FileContext, target: str
) -> tuple[str, Imports, Outcome, bool, dict[str, object]] | str:
    """A legacy model that an installed package holds: wrapped where it is used."""
    short = target.rpartition(".")[2]
    if context.index.legacy_kind(target) != "model":
        return f"{short} is not part of what is rewritten; write it as an RLModule"
    if context.index.framework(target) != "torch":
        return f"{target} is no torch model; write it as an RLModule"
    entry = context.index.files[context.source.path]
    local = entry.imports.local_names(target)
    wanted = {WRAP} if local else {WRAP, (target.rpartition(".")[0], short)}
    name = local[0] if local else short
    return f"wrap_model({name})", Imports(frozenset(wanted)), Outcome.BRIDGED, False, {}


def _model_config(
    context: FileContext,
    entries: list[Entry],
    *,
    flat: bool,
    known: dict[str, object],
    algorithm: str,
    beside: list[tuple[str, str]],
) -> Piece | None:
    """The dict that the module reads: the user's keys over what the old code supplied silently."""
    given: list[tuple[str, Piece | str]] = [*beside]
    names = {entry.key for entry in entries}
    for key, value in known.items():
        if key not in names:
            if key == "vf_share_layers":
                if algorithm not in UNSHARED:
                    continue
                value = False
            given.append((f'"{key}": ', repr(value)))
    for entry in entries:
        if entry.key == "custom_model":
            continue
        if entry.key in ("custom_model_config", "custom_options"):
            inner = dict_entries(context, entry.value) if flat else None
            if not flat:
                given.append(('"custom_model_config": ', context.source.segment(entry.value)))
            elif inner is not None and isinstance(entry.value, ast.Dict | ast.Call):
                given += _custom_entries(context, inner)
            else:
                given.append(("**", context.source.segment(entry.value)))
            continue
        default = LOST.get(entry.key or "")
        if default is not None and _constant_in(entry.value, default):
            continue
        given.append((f'"{entry.key}": ', context.source.segment(entry.value)))
    return mapping(given) if given else None


def _custom_entries(context: FileContext, inner: list[Entry]) -> list[tuple[str, Piece | str]]:
    """The user's keys at the top level; those that RLlib's config has too stay in a dict apart."""
    given: list[tuple[str, Piece | str]] = []
    apart: list[tuple[str, Piece | str]] = []
    for entry in inner:
        said = (f'"{entry.key}": ', context.source.segment(entry.value))
        (apart if entry.key in MODEL_DEFAULTS else given).append(said)
    if apart:
        given.append(('"custom_model_config": ', mapping(apart)))
    return given


def _default(
    context: FileContext, node: ast.expr | ast.keyword, entries: list[Entry], *, algorithm: str
) -> Decision:
    """A default net: DefaultModelConfig, if every key has a counterpart there."""
    arguments: dict[str, Piece | str] = {}
    problems = []
    for entry in entries:
        key = entry.key or ""
        if key in SAME:
            arguments[key] = context.source.segment(entry.value)
        elif key in RENAMED:
            arguments[RENAMED[key]] = context.source.segment(entry.value)
        elif not (key in LOST and _constant_in(entry.value, LOST[key])):
            problems.append(f"{key}: {WHY.get(key, 'no counterpart')}")
    if problems:
        return Decision(
            DEFAULT,
            "model",
            Outcome.MANUAL,
            "the model dict has keys that DefaultModelConfig lacks: " + "; ".join(problems),
            node,
        )
    gains: tuple[Gain, ...] = ()
    imports = Imports()
    if arguments and algorithm in UNSHARED:  # DefaultModelConfig says True
        arguments.setdefault("vf_share_layers", "False")
    if arguments:
        gains = (Gain("rl_module", "model_config", call("DefaultModelConfig", **arguments)),)
        imports = Imports(frozenset({DEFAULTS}))
    return Decision(
        DEFAULT,
        "model",
        Outcome.NATIVE,
        "the model dict becomes a DefaultModelConfig; its initial weights are torch's own, "
        "not normc",
        node,
        gains,
        imports,
    )


def _get(entries: list[Entry], key: str) -> ast.expr | None:
    found = [entry.value for entry in entries if entry.key == key]
    return found[-1] if found else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant_in(node: ast.expr, values: tuple[object, ...]) -> bool:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
    return any(type(value) is type(other) and value == other for other in values)


def _label(context: FileContext, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return repr(node.value)
    return context.source.segment(node)
