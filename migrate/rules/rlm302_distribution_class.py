"""Custom action distributions become Distribution classes of the new stack."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.distributions.choice import studied_distributions
from rlmigrate.migrate.distributions.native import Written
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each distribution class that is written anew."""
    for study in studied_distributions(context.source, context.index):
        if study.written is None:
            continue
        path = str(context.source.path)
        item = Item(
            path=path,
            line=study.entry.line,
            name=study.entry.name,
            kind=Kind.DISTRIBUTION,
            outcome=Outcome.NATIVE,
            code=RULE.code,
            message=_message(study.written, study.entry.name),
            new_name=study.entry.name,
            new_path=path,
        )
        edits = (*study.written.edits, *study.moves)
        yield Finding(item, edits, study.written.imports, study.written.layers)


def _message(written: Written, name: str) -> str:
    """What became of a class, and how a module uses it."""
    if written.asks is not None:
        return (
            f"becomes a {written.base}, which samples inside its module: one on SamplingModule, "
            f"with self.action_dist_cls = {name} in setup()"
        )
    apart = ""
    if written.apart:
        methods = " and ".join(f"{each}()" for each in sorted(written.apart))
        apart = f"; {methods}, one number per component before, are summed over the components"
    return (
        f"becomes a {written.base}; a module uses it by "
        f"self.action_dist_cls = {written.named} in setup(){apart}"
    )


_OLD = """\
import torch
from ray.rllib.models.torch.torch_action_dist import TorchDistributionWrapper


class Wide(TorchDistributionWrapper):
    def __init__(self, inputs, model):
        super().__init__(inputs, model)
        self.dist = torch.distributions.Laplace(inputs, 2.0)

    def deterministic_sample(self):
        self.last_sample = self.dist.mean
        return self.last_sample

    def logp(self, actions):
        return super().logp(actions).sum(-1)

    @staticmethod
    def required_model_output_shape(action_space, model_config):
        return action_space.shape[0]
"""
_NEW = """\
import torch
from ray.rllib.core.distribution.torch.torch_distribution import (
    TorchDeterministic,
    TorchDistribution,
)


class Wide(TorchDistribution):
    def _get_torch_distribution(self, logits):
        return torch.distributions.Laplace(logits, 2.0)

    def to_deterministic(self):
        return TorchDeterministic(loc=self._dist.mean)

    def logp(self, actions):
        return super().logp(actions).sum(-1)

    @staticmethod
    def required_input_dim(space, **kwargs):
        return space.shape[0]
"""

RULE = Rule(
    code="RLM302",
    name="distribution-class",
    kind=Kind.DISTRIBUTION,
    summary="Write an action distribution as a Distribution of the new stack.",
    explanation=(
        "New distributions are made by from_logits() from the module's outputs alone. The "
        "constructor becomes _get_torch_distribution(), deterministic_sample() becomes "
        "to_deterministic(), required_model_output_shape() becomes required_input_dim(); logp(), "
        "entropy() and kl() keep their bodies. Bases that only the old stack has (TorchBeta, "
        "TorchDirichlet, the squashed Gaussian with its clamped log-probabilities, several actions "
        "at once) stand in rlmigrate_layers.py with the old numbers. A class that asks its model "
        "for parts of an action goes with that model, whose module then samples by it. What "
        "something uses that stays on the old stack is left to RLM301."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=(
        Case(
            "a distribution on one of one's own",
            "from mine import TorchDistributionWrapper  # not of rllib\n\n\n"
            "class Mine(TorchDistributionWrapper):\n"
            "    def logp(self, actions):\n        return self.dist.log_prob(actions)\n",
        ),
    ),
    cases=(Case("a distribution on torch's", _OLD, _NEW),),
)
