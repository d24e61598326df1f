"""Policies that change how learning works must be moved by hand, hook by hook."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.learners.study import learned_in
from rlmigrate.migrate.policies.study import studied_policies
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each policy class that is left to a person, with the new place of every hook."""
    complete = learned_in(context.source, context.index)
    learned = {each.line for each in complete if each.complete}
    for policy in studied_policies(context.source, context.index):
        if policy.plan.outcome is not Outcome.MANUAL or policy.facts.line in learned:
            continue
        facts = policy.facts
        yield Finding(
            Item(
                path=str(context.source.path),
                line=facts.line,
                name=facts.name,
                kind=Kind.POLICY,
                outcome=Outcome.MANUAL,
                code=RULE.code,
                message=f"{facts.name} {policy.plan.reason}; see {RULE.link}",
            )
        )


_LOSS = (
    "class Mine(PPOTorchPolicy):\n"
    "    def learn_on_batch(self, samples):\n"
    "        return super().learn_on_batch(samples[:2])\n"
)
_LINK = "https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html"

RULE = Rule(
    code="RLM202",
    name="policy",
    kind=Kind.POLICY,
    summary="Say where each hook of a policy goes.",
    explanation=(
        "The new stack has no Policy. What chose actions belongs into an RLModule, what learned "
        "into a Learner, what changed the samples into connectors. The TODO names the place for "
        "every method that the class overrides."
    ),
    check=check,
    since="2.40",
    link=_LINK,
    unchanged=(
        Case(
            "a class of one's own that is called TorchPolicy",
            "from mine import TorchPolicy\n\n\nclass Other(TorchPolicy):  # not rllib\n"
            "    def loss(self, model):\n        return 0\n",
        ),
    ),
    cases=(
        Case(
            "a way of one's own to learn",
            "from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy\n\n\n" + _LOSS,
            "from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy\n\n\n"
            "# TODO(rlmigrate RLM202): Mine changes how the policy learns;"
            " learn_on_batch() goes into\n#     update() of a Learner subclass; see\n"
            f"#     {_LINK}\n" + _LOSS,
        ),
    ),
)
