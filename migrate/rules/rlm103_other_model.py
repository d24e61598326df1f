"""TensorFlow models have no place on Ray's new stack and must be ported by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rlmigrate.migrate.emit.file import model_results
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm103 import UNCHANGED
from rlmigrate.migrate.understanding.keras_layers import torch_names


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each model class of the file that is left to a person."""
    for result in model_results(context.source, context.index, context.settings):
        if result.study.plan.outcome is not Outcome.MANUAL:
            continue
        facts = result.study.reading.facts
        mapping = torch_names(result.study.reading.node)
        item = Item(
            path=str(context.source.path),
            line=facts.line,
            name=facts.name,
            kind=Kind.MODEL,
            outcome=Outcome.MANUAL,
            code=RULE.code,
            message=(
                f"{facts.name} {result.study.plan.reason}: write it as a TorchRLModule"
                f"{_weights(mapping)}; see {RULE.link}"
            ),
            mapping=mapping,
        )
        yield Finding(item)


def _weights(mapping: Mapping[str, str]) -> str:
    """Say what carries the old weights over."""
    layers = list(dict.fromkeys(name.partition("/")[0] for name in mapping))
    if not layers:
        return ""
    listed = ", ".join(layers[:6]) + (", ..." if len(layers) > 6 else "")
    return (
        f" with layers named {listed}, and rlmigrate.transfer_weights(old, new, mapping=...) with "
        "the mapping of the JSON report loads the old weights (kernels are transposed on the way)"
    )


RULE = Rule(
    code="RLM103",
    name="other-model",
    kind=Kind.MODEL,
    summary="Mark a model that must be ported by hand.",
    explanation=(
        "Ray's new stack speaks only torch (the TF modules left with Ray 2.48 to 2.51). A keras "
        "model has to be written as a torch module; its old weights can then be transferred with "
        "rlmigrate.transfer_weights, which knows how TF lays them out: the report maps variables "
        "of named layers to parameters of torch layers so named. With --target builtin the model "
        "stays on TensorFlow, as a TfRLModule."
    ),
    check=check,
    since="2.51",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=UNCHANGED,
)
