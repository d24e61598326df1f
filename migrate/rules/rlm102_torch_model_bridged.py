"""Torch models that cannot be written anew run on as they are, inside an RLModule."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.emit.file import model_results
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm102 import CASES, UNCHANGED
from rlmigrate.migrate.strategy import ModelPlan


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each torch model of the file that is bridged, with the reason."""
    for result in model_results(context.source, context.index, context.settings):
        if result.study.plan.outcome is not Outcome.BRIDGED or result.emitted is None:
            continue
        facts = result.study.reading.facts
        item = Item(
            path=str(context.source.path),
            line=facts.line,
            name=facts.name,
            kind=Kind.MODEL,
            outcome=Outcome.BRIDGED,
            code=RULE.code,
            message=_message(result.study.plan),
            new_name=facts.name,
            new_path=str(context.source.path),
        )
        yield Finding(item, result.emitted.edits, result.emitted.imports)


def _message(plan: ModelPlan) -> str:
    said = f"runs on inside a module, because it {plan.reason}"
    if plan.legacy_loss:
        said += "; its loss counts with .learners(learner_class=legacy_loss(...)) of rlmigrate"
    return said


RULE = Rule(
    code="RLM102",
    name="torch-model-bridged",
    kind=Kind.MODEL,
    summary="Wrap a torch model that cannot be written anew.",
    explanation=(
        "The class keeps its body on rlmigrate.legacy under the name LegacyX, and X becomes the "
        "RLModule that wrap_model makes of it. It runs and trains on the new stack; the comment "
        "says what stood in the way of a native module."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=UNCHANGED,
    cases=CASES,
)
