"""Policy specs with models and settings of their own: a MultiRLModuleSpec, and overrides.

Modules          what the specs become
read_policies    read them; the reason as text where they cannot be carried over
decide_policies  the same, for `multi_agent(policies=)` in a chain of builder calls
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.configs.consumers import SUPPORTED, config_name
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.configs.literals import Entry, dict_entries
from rlmigrate.migrate.configs.model_dict import SPEC, decide_model
from rlmigrate.migrate.configs.writing import Piece, call, mapping
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.reading.builders import Chain
from rlmigrate.migrate.rules.base import FileContext

CODE = "RLM410"
MULTI_SPEC = ("ray.rllib.core.rl_module.multi_rl_module", "MultiRLModuleSpec")
POLICY_SPEC = frozenset(
    {"ray.rllib.policy.PolicySpec", "ray.rllib.policy.policy.PolicySpec"}
    | {"ray.rllib.utils.policy.PolicySpec"}
)
FIELDS = ("policy_class", "observation_space", "action_space", "config")
#: Settings of a policy that mean nothing on the new stack.
DROPPED = frozenset({"framework", "agent_id", "env_config"})


@dataclass
class Modules:
    """Arguments that the config gains, and how the modules come out."""

    gains: list[Gain] = field(default_factory=list)
    imports: Imports = field(default_factory=Imports)
    outcome: Outcome = Outcome.NATIVE


@dataclass(frozen=True)
class Spec:
    """One policy: its name, and what its spec says."""

    key: str
    config: ast.expr | None
    own_class: bool


def decide_policies(context: FileContext, chain: Chain, argument: ast.keyword) -> Decision | None:
    """Decide on `multi_agent(policies=)`; None where there is nothing to do."""
    given = {
        keyword.arg
        for item in chain.calls
        for keyword in item.keywords
        if chain.method(item) in ("rl_module", "training")
    }
    if "rl_module_spec" in given:
        return None
    read = read_policies(context, argument.value, algorithm=chain.config.algorithm)
    if read is None:
        return None
    if not isinstance(read, str) and {"model", "model_config"} & given:
        read = "policies with models of their own, and a model for all: write one MultiRLModuleSpec"
    if isinstance(read, str):
        return Decision(CODE, "policies", Outcome.MANUAL, read, argument)
    message = "models of policies become a MultiRLModuleSpec, their settings overrides a module"
    return Decision(
        CODE, "policies", read.outcome, message, argument, tuple(read.gains), read.imports
    )


def read_policies(context: FileContext, value: ast.expr, *, algorithm: str) -> Modules | str | None:
    """Read a dict of policy specs; None where no policy has anything of its own."""
    entries = dict_entries(context, value)
    if entries is None:
        return None  # names, sets and comprehensions are looked at by Ray itself
    specs = [found for entry in entries if (found := _spec(context, entry)) is not None]
    for spec in specs:
        if spec.own_class:
            return (
                f"policy {spec.key!r} has a class of its own: write it as an RLModule in a "
                "MultiRLModuleSpec"
            )
    configs = {}
    for spec in specs:
        own = _config_entries(context, spec.config)
        if own is None:
            return (
                f"policy {spec.key!r} has a computed config: give its module in a "
                "MultiRLModuleSpec, the rest in algorithm_config_overrides_per_module"
            )
        configs[spec.key] = own
    if not any(configs.values()):
        return None
    if algorithm not in SUPPORTED:
        return "policies have settings of their own; the algorithm is not known here"
    if len(configs) < len(entries):
        return "not every policy is a spec that can be read; write a MultiRLModuleSpec"
    return _modules(context, value, specs, configs, algorithm=algorithm)


def _config_entries(context: FileContext, config: ast.expr | None) -> list[Entry] | None:
    """Entries of a policy's config: a dict, or `PPOConfig.overrides(...)`."""
    if config is None:
        return []
    overrides = isinstance(config, ast.Call) and isinstance(config.func, ast.Attribute)
    if overrides and config.func.attr == "overrides" and not config.args:  # type: ignore[attr-defined]
        keywords = config.keywords  # type: ignore[attr-defined]
        if any(keyword.arg is None for keyword in keywords):
            return None
        return [Entry(keyword.arg, keyword.value) for keyword in keywords]
    return dict_entries(context, config)


def _modules(
    context: FileContext,
    value: ast.expr,
    specs: list[Spec],
    configs: dict[str, list[Entry]],
    *,
    algorithm: str,
) -> Modules | str:
    made = Modules()
    pieces: dict[str, Piece | str] = {}
    overrides: dict[str, Piece | str] = {}
    for key, entries in configs.items():
        piece = _module(context, key, entries, made, algorithm=algorithm)
        settings = _settings(key, entries)
        for read in (piece, settings):
            if isinstance(read, str):
                return read
        assert isinstance(piece, Piece)
        assert not isinstance(settings, str)
        pieces[key] = piece
        if settings:
            name, imports = config_name(context, algorithm)
            made.imports |= imports
            texts = {name_: context.source.segment(node) for name_, node in settings.items()}
            overrides[key] = call(f"{name}.overrides", **texts)
    made.gains.append(Gain("multi_agent", "policies", _without_configs(context, value, specs)))
    if overrides:
        table = mapping([(f'"{key}": ', piece) for key, piece in overrides.items()])
        made.gains.append(Gain("multi_agent", "algorithm_config_overrides_per_module", table))
    if any(piece.items for piece in pieces.values() if isinstance(piece, Piece)):
        table = mapping([(f'"{key}": ', piece) for key, piece in pieces.items()])
        spec = call("MultiRLModuleSpec", rl_module_specs=table)
        made.gains.append(Gain("rl_module", "rl_module_spec", spec))
        made.imports |= Imports(frozenset({MULTI_SPEC, SPEC}))
    return made


def _module(
    context: FileContext, key: str, entries: list[Entry], made: Modules, *, algorithm: str
) -> Piece | str:
    """The RLModuleSpec of one policy, from its `model` dict."""
    model = next((entry.value for entry in entries if entry.key == "model"), None)
    if model is None:
        return call("RLModuleSpec")
    decision = decide_model(context, model, model, algorithm=algorithm)
    if decision.stays:
        return f"policy {key!r}: {decision.message}"
    if decision.outcome is Outcome.BRIDGED:
        made.outcome = Outcome.BRIDGED
    made.imports |= decision.imports
    if not decision.gains:
        return call("RLModuleSpec")
    gain = decision.gains[0]
    if gain.name == "rl_module_spec" and isinstance(gain.value, Piece):
        return gain.value
    return call("RLModuleSpec", model_config=gain.value)


def _settings(key: str, entries: list[Entry]) -> dict[str, ast.expr] | str:
    """Settings that a module may have of its own: arguments of training()."""
    found = {}
    for entry in entries:
        name = entry.key or ""
        if name == "model" or name in DROPPED:
            continue
        now = OLD.get(name)
        name = now.name if now is not None and now.name else name
        if HOME.get(name) != "training":
            return f'policy {key!r} sets "{entry.key}", which is one for all modules now'
        found[name] = entry.value
    return found


def _without_configs(context: FileContext, value: ast.expr, specs: list[Spec]) -> str:
    """The text of the specs, each with an empty config; a name stays a name."""
    source = context.source
    text = source.segment(value)
    if not isinstance(value, ast.Dict):
        return text
    start = source.span(value).start
    for spec in reversed(specs):
        if spec.config is not None:
            span = source.span(spec.config)
            text = text[: span.start - start] + "{}" + text[span.end - start :]
    return text


def _spec(context: FileContext, entry: Entry) -> Spec | None:
    value = entry.value
    fields: dict[str, ast.expr] = {}
    if isinstance(value, ast.Tuple) and len(value.elts) == 4:
        fields = dict(zip(FIELDS, value.elts, strict=True))
    elif isinstance(value, ast.Call):
        imports = context.index.files[context.source.path].imports
        if imports.qualified(value.func) not in POLICY_SPEC:
            return None
        fields = dict(zip(FIELDS, value.args, strict=False))
        fields |= {keyword.arg: keyword.value for keyword in value.keywords if keyword.arg}
    else:
        return None
    owner = fields.get("policy_class")
    own = owner is not None and not (isinstance(owner, ast.Constant) and owner.value is None)
    config = fields.get("config")
    if isinstance(config, ast.Constant) and config.value is None:
        config = None
    return Spec(entry.key or "", config, own)
