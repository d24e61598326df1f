"""TensorFlow models have no place on Ray's new stack and must be ported by hand."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.emit.file import model_results
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm103 import UNCHANGED


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each model class of the file that is left to a person."""
    for result in model_results(context.source, context.index, context.settings):
        if result.study.plan.outcome is not Outcome.MANUAL:
            continue
        facts = result.study.reading.facts
        item = Item(
            path=str(context.source.path),
            line=facts.line,
            name=facts.name,
            kind=Kind.MODEL,
            outcome=Outcome.MANUAL,
            code=RULE.code,
            message=(
                f"{facts.name} {result.study.plan.reason}: write it as a TorchRLModule; "
                f"see {RULE.link}"
            ),
        )
        yield Finding(item)


RULE = Rule(
    code="RLM103",
    name="other-model",
    kind=Kind.MODEL,
    summary="Mark a model that must be ported by hand.",
    explanation=(
        "Ray's new stack speaks only torch (the TF modules left with Ray 2.48 to 2.51). A keras "
        "model has to be written as a torch module; its old weights can then be transferred with "
        "rlmigrate.transfer_weights, which knows how TF lays them out."
    ),
    check=check,
    since="2.51",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=UNCHANGED,
)
