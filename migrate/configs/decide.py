"""Decide on every argument of a chain of builder calls.

decide_chain   the decisions of one chain, those of rules that are not selected left out
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from rlmigrate.migrate.configs.argument_text import value_text
from rlmigrate.migrate.configs.chain_edits import arguments
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.keys import HOME, OLD, RENAMED_METHODS, home_in
from rlmigrate.migrate.configs.model_dict import decide_model
from rlmigrate.migrate.configs.policy_specs import decide_policies
from rlmigrate.migrate.configs.special import SPECIAL, THREE_RATES, decide_rates
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.reading.builders import Chain
from rlmigrate.migrate.rules.base import FileContext

RENAMED = "RLM403"


def decide_chain(context: FileContext, chain: Chain) -> list[Decision]:
    """Decide on the arguments of a chain, in source order."""
    found = []
    for call in chain.calls:
        method = chain.method(call)
        for argument in arguments(call):
            decision = _decide(context, chain, method, argument)
            if decision is not None and context.settings.wants(decision.code):
                found.append(decision)
    return _without_clashes(chain, found)


def _without_clashes(chain: Chain, decisions: list[Decision]) -> list[Decision]:
    """Settle arguments that the config would be given twice.

    A schedule takes the place of the constant beside it; anything else needs a person.
    """
    by_node = {id(decision.node): decision for decision in decisions}
    given: dict[tuple[str, str], ast.keyword] = {}
    for call in chain.calls:
        method = chain.method(call)
        for keyword in call.keywords:
            stays = id(keyword) not in by_node or by_node[id(keyword)].stays
            if keyword.arg and stays:
                given[RENAMED_METHODS.get(method, method), keyword.arg] = keyword
    found: list[Decision] = []
    for decision in decisions:
        twice = [gain for gain in decision.gains if (gain.method, gain.name) in given]
        if not twice:
            found.append(decision)
            for gain in decision.gains:
                if isinstance(decision.node, ast.keyword):
                    given[gain.method, gain.name] = decision.node
        elif decision.name.endswith("_schedule"):
            constant = given[twice[0].method, twice[0].name]
            found.append(replace(decision, gains=()))
            found.append(replace(decision, node=constant, name=twice[0].name))
        else:
            message = f"{decision.message}, which is given as well; keep one of them"
            found.append(replace(decision, outcome=Outcome.MANUAL, message=message, gains=()))
    return found


def _decide(
    context: FileContext, chain: Chain, method: str, argument: ast.expr | ast.keyword
) -> Decision | None:
    if isinstance(argument, ast.expr):
        name = POSITIONAL.get(method, "")
        value = argument
    elif argument.arg is None:
        return None
    else:
        name, value = argument.arg, argument.value
    if not name:
        return None
    if name == "model" and method == "training":
        return _model(context, chain, argument, value)
    if name == "policies" and method == "multi_agent" and isinstance(argument, ast.keyword):
        return decide_policies(context, chain, argument)
    if chain.config.algorithm in THREE_RATES and method == "training":
        rates = decide_rates(context, name, argument, value)
        if rates is not None:
            return rates
    special = SPECIAL.get(name)
    if special is not None and special.methods and method not in special.methods:
        special = None
    if special is not None:
        return special.decide(context, argument, value)
    return _plain(context, method, name, argument, value)


def _plain(
    context: FileContext,
    method: str,
    name: str,
    argument: ast.expr | ast.keyword,
    value: ast.expr,
) -> Decision | None:
    now = OLD.get(name)
    if now is None:
        home = home_in(name, context.settings.ray_version) or None
        if method in RENAMED_METHODS and home == RENAMED_METHODS[method]:
            return None
        moved = method in RENAMED_METHODS or (name in MOVED and home != method)
        if moved and home is not None:
            return _moved(context, name, home, name, argument, value, "")
        return None
    if not now.name:
        if now.only and not _is_constant(value, now.only):
            return Decision(
                RENAMED, name, Outcome.MANUAL, f"{method}({name}=) is gone: {now.note}", argument
            )
        return Decision(RENAMED, name, Outcome.NATIVE, f"{name} is dropped: {now.note}", argument)
    if (now.method, now.name) == (method, name) or "." in now.name:
        return None
    if now.name in HOME and not home_in(now.name, context.settings.ray_version):
        return None  # this release has the old name yet
    return _moved(context, name, now.method, now.name, argument, value, now.note)


def _moved(
    context: FileContext,
    name: str,
    method: str,
    new_name: str,
    argument: ast.expr | ast.keyword,
    value: ast.expr,
    note: str,
) -> Decision:
    gain = Gain(method, new_name, value_text(context.source, argument, value))
    message = f"{name} is now {method}({new_name}=)" + (f"; {note}" if note else "")
    return Decision(RENAMED, name, Outcome.NATIVE, message, argument, (gain,), new_name=new_name)


def _model(
    context: FileContext, chain: Chain, argument: ast.expr | ast.keyword, value: ast.expr
) -> Decision | None:
    if isinstance(value, ast.Constant) and value.value is None:
        return None
    decision = decide_model(context, argument, value, algorithm=chain.config.algorithm)
    taken = [
        keyword.arg
        for call in chain.calls
        if chain.method(call) == "rl_module"
        for keyword in call.keywords
    ]
    clash = [gain.name for gain in decision.gains if gain.name in taken]
    if clash:
        return Decision(
            decision.code,
            decision.name,
            Outcome.MANUAL,
            f"rl_module({clash[0]}=) is set already, and training(model=) besides; keep one",
            argument,
        )
    return decision


def _is_constant(node: ast.expr, values: tuple[object, ...]) -> bool:
    return isinstance(node, ast.Constant) and any(
        type(node.value) is type(value) and node.value == value for value in values
    )


#: Arguments that kept their names and went to another method.
MOVED = frozenset(
    {"local_gpu_idx", "num_aggregator_actors_per_learner"}
    | {"max_requests_in_flight_per_aggregator_actor"}
)
#: Methods whose first positional argument is looked at, and its name.
POSITIONAL: Mapping[str, str] = {"framework": "framework"}
