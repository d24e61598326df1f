"""TensorFlow models have no place on Ray's new stack and must be ported by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from rlmigrate.migrate.emit.file import model_results
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm103 import UNCHANGED
from rlmigrate.migrate.strategy.choose import RECURRENT_SAC
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.keras_layers import torch_layers, torch_names
from rlmigrate.migrate.understanding.vocabulary import NETS


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
                f"{facts.name} {result.study.plan.reason}: write it as a "
                f"{_base(facts.bases)}{_layers(result.study.reading.node)}{_weights(mapping)}"
                f"{_staying(context, facts.bases)}; see {RULE.link}"
            ),
            mapping=mapping,
        )
        yield Finding(item)


def _base(bases: Sequence[str]) -> str:
    """Name the module to write: one with DQN's or SAC's parts for their models."""
    names = {base.rpartition(".")[2] for base in bases}
    if names & {"DistributionalQTFModel", "DistributionalQModel", "DQNTFModel"}:
        return "TorchRLModule with QNetAPI and TargetNetworkAPI (as DQN's default module is)"
    if names & {"SACTFModel", RECURRENT_SAC}:
        return "subclass of DefaultSACTorchRLModule"
    return "TorchRLModule"


def _staying(context: FileContext, bases: Sequence[str]) -> str:
    """Say that a model may stay on TensorFlow, where it may."""
    names = {base.rpartition(".")[2] for base in bases}
    if context.settings.target == "builtin" or names & {RECURRENT_SAC, "Model"}:
        return ""
    return "; or keep it on TensorFlow, without Ray, with --target builtin"


def _layers(node: ast.ClassDef) -> str:
    """List what the new module needs, as the class itself has it."""
    nets = sorted({n.id for n in nodes_in(node) if isinstance(n, ast.Name) and n.id in NETS})
    layers = torch_layers(node)
    listed = ", ".join(layers[:8]) + (", ..." if len(layers) > 8 else "")
    text = f" with layers {listed}" if layers else ""
    for net in nets:
        joined = " and" if text else " with"
        text += f"{joined} the torch {net} of rlmigrate.new_stack.layers"
    return text


def _weights(mapping: Mapping[str, str]) -> str:
    """Say what carries the old weights over."""
    if not mapping:
        return (
            ", and load the old weights with rlmigrate.transfer_weights(old, new), where old are "
            "the arrays by variable name: layers that you call as Keras does (dense, dense_1, ... "
            "in the order in which they are made) find theirs, a mapping={old: new} names others"
        )
    return (
        ", and rlmigrate.transfer_weights(old, new) loads the old weights of layers that keep "
        "their names (old: arrays by variable name; kernels are transposed on the way); the "
        "mapping of the JSON report says which is which"
    )


RULE = Rule(
    code="RLM103",
    name="other-model",
    kind=Kind.MODEL,
    summary="Mark a model that must be ported by hand.",
    explanation=(
        "Ray's new stack speaks only torch (the TF modules left with Ray 2.48 to 2.51). RLM101 "
        "ports models whose every word torch says with the same numbers (Dense, Conv2D, Flatten, "
        "Concatenate, LayerNormalization, RLlib's dense net and plain functions); any other keras "
        "model has to be written as a torch module, and the message says what keeps it from being "
        "ported. Old weights are transferred with rlmigrate.transfer_weights, which knows how TF "
        "lays them out: layers that are called alike find each other, and the report maps the "
        "variables of named layers. With --target builtin the model stays on TensorFlow, as a "
        "TfRLModule."
    ),
    check=check,
    since="2.51",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=UNCHANGED,
)
