"""Policies made by builder functions must be moved by hand, argument by argument."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence, Set

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.learners.algorithms import written_trainers
from rlmigrate.migrate.learners.policies import ARGUMENTS
from rlmigrate.migrate.learners.study import learned_in
from rlmigrate.migrate.policies.builders import WORDS, builder_calls
from rlmigrate.migrate.policies.desugar import desugared
from rlmigrate.migrate.policies.given import Given, read_given
from rlmigrate.migrate.policies.hooks import BUILDER
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each call of a policy builder of RLlib, and each `with_updates` of a policy."""
    file = context.index.files.get(context.source.path)
    if file is None:
        return
    as_classes = {each.call.call for each in desugared(context.source, context.index)}
    complete = learned_in(context.source, context.index)
    learned = {each.line for each in complete if each.complete}
    trainers = written_trainers(context.source, context.index)
    learned |= {each.idle.lineno for each in trainers if each.idle is not None}
    classes = {node.name for node in context.source.nodes(ast.ClassDef)}
    functions = {node.name for node in context.source.nodes(ast.FunctionDef)}
    for call in builder_calls(context.source, file):
        if call.call in as_classes or call.line in learned:
            continue
        there = classes.union(*(each.skeleton.names for each in complete))
        beside = [
            name for name in (f"{call.name}Learner", f"{call.name}Connector") if name in there
        ]
        moved = {
            argument
            for argument in ARGUMENTS
            if isinstance(value := call.own.get(argument), ast.Name) and value.id in functions
        }
        what = _what(read_given(file, call), beside, moved if beside else set())
        yield Finding(
            Item(
                path=str(context.source.path),
                line=call.line,
                name=call.name,
                kind=Kind.POLICY,
                outcome=Outcome.MANUAL,
                code=RULE.code,
                message=f"{call.name} is made by a policy builder; {what}; see {RULE.link}",
            )
        )


def _what(given: Given, beside: Sequence[str], moved: Set[str]) -> str:
    """What a reader does about the functions, those of RLlib and those of the repository."""
    rays = [name for name in given.rays if name not in moved]
    learner = f"{given.algorithm}'s module, Learner and connectors" if given.algorithm else ""
    if not given.own:
        if rays and learner:
            return (
                "every function given to it is RLlib's own, whose work "
                f"{learner} do: leave it out, and train with {given.algorithm}Config()"
            )
        return "its functions go into an RLModule and a Learner"
    places = _places(given, beside, moved)
    if rays and learner:
        verb = "is" if len(rays) == 1 else "are"
        return f"{', '.join(rays)} {verb} RLlib's own, whose work {learner} do; {places}"
    return places


def _places(given: Given, beside: Sequence[str], moved: Set[str]) -> str:
    """Say where functions go, those with one home together; `moved` ones stand in classes."""
    homes: dict[str, list[str]] = {}
    rays = given.rays if not given.algorithm else ()
    for argument in (*rays, *given.own):
        name = given.own.get(argument, "")
        told = f"{argument} ({name})" if name else argument
        if argument in moved:
            homes.setdefault(f"stand in {' and '.join(beside)}", []).append(argument)
        elif argument in BUILDER:
            homes.setdefault(BUILDER[argument], []).append(told)
    parts = []
    for home, names in homes.items():
        listed = ", ".join(names)
        if home.startswith("stand in "):
            parts.append(f"{listed} {home if len(names) > 1 else home.replace('stand', 'stands')}")
        else:
            parts.append(f"{listed} {'goes' if len(names) == 1 else 'go'} into {home}")
    return "; ".join(parts) or "its functions go into an RLModule and a Learner"


_CALL = 'MyPolicy = build_policy_class(name="MyPolicy", framework="torch", stats_fn=my_stats)\n'
_LINK = "https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html"

RULE = Rule(
    code="RLM203",
    name="policy-builder",
    kind=Kind.POLICY,
    summary="Say where each function given to a policy builder goes.",
    explanation=(
        "build_policy_class, build_torch_policy, build_tf_policy and with_updates made policies "
        "of functions. The new stack has no Policy: functions that choose actions belong into an "
        "RLModule, those that learn into a Learner, those that change samples into connectors."
    ),
    check=check,
    words=WORDS,
    since="2.40",
    link=_LINK,
    unchanged=(
        Case(
            "a builder of one's own",
            "from mine import build_policy_class  # not of rllib\n\n" + _CALL,
        ),
        Case(
            "with_updates of something else",
            "import rllib_like\n\nthing = rllib_like.make().with_updates(name='x')\n",
        ),
    ),
    cases=(
        Case(
            "build_policy_class",
            "from ray.rllib.policy.policy_template import build_policy_class\n\n" + _CALL,
            "from ray.rllib.policy.policy_template import build_policy_class\n\n"
            "# TODO(rlmigrate RLM203): MyPolicy is made by a policy builder; stats_fn (my_stats) "
            "goes into\n"
            "#     self.metrics.log_dict() in a Learner subclass; see\n"
            f"#     {_LINK}\n" + _CALL,
        ),
    ),
)
