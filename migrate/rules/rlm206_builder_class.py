"""A policy builder that was given only functions that act becomes a class."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.policies.desugar import desugared
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each builder call, or chain of them, that a class can say."""
    for each in desugared(context.source, context.index):
        item = Item(
            path=str(context.source.path),
            line=each.call.line,
            name=f"{each.call.name} (builder)",
            kind=Kind.POLICY,
            outcome=Outcome.UNCHANGED,
            code=RULE.code,
            message="says the same as a class; what becomes of that class is told beside it",
        )
        yield Finding(item, each.edits, each.imports)


_OLD = """\
from ray.rllib.policy.policy_template import build_policy_class


def sample(policy, model, *, input_dict, state_batches, **kwargs):
    return policy.guess(input_dict), None, None, []


Guessing = build_policy_class(name="Guessing", framework="torch", action_sampler_fn=sample)
"""
_NEW = """\
from rlmigrate import wrap_policy
from rlmigrate.legacy.policies.torch_policy_v2 import TorchPolicyV2


class LegacyGuessing(TorchPolicyV2):
    def action_sampler_fn(self, model, *, obs_batch, state_batches, **kwargs):
        return self.guess(obs_batch), None, None, []


# On the old policy, because it uses self.guess of the old policy.
Guessing = wrap_policy(LegacyGuessing, name="Guessing")
"""

RULE = Rule(
    code="RLM206",
    name="builder-class",
    kind=Kind.POLICY,
    summary="Write a builder policy that only acts as a class.",
    explanation=(
        "build_policy_class, build_torch_policy and with_updates took functions whose first "
        "parameter is the policy. Where all of them stand in the file and only choose actions, "
        "they become methods of a class, with what a chain of calls adds up to; RLM204 or RLM201 "
        "then treat that class as any other. Functions that nothing else uses go."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    early=True,
    words=frozenset({"build_policy_class", "build_torch_policy", "with_updates"}),
    unchanged=(
        Case(
            "a builder of one's own",
            "from mine import build_policy_class  # not of rllib\n\n\n"
            "def sample(policy, model, obs_batch, state_batches):\n    return 0\n\n\n"
            'X = build_policy_class(name="X", framework="torch", action_sampler_fn=sample)\n',
        ),
    ),
    cases=(Case("a sampler", _OLD, _NEW),),
)
