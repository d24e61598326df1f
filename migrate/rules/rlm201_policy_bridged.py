"""Policies that only act run on as they are, inside an RLModule."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.emit.file import renamed_models
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.policies.bridge import emit_policy_bridge
from rlmigrate.migrate.policies.study import studied_policies
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each policy class whose overridden hooks only choose actions."""
    for policy in studied_policies(context.source, context.index):
        if policy.plan.outcome is not Outcome.BRIDGED:
            continue
        edits, imports = emit_policy_bridge(
            context.source,
            policy.file,
            policy.node,
            reason=policy.plan.reason,
            ray_free=context.settings.target == "builtin",
            renamed=renamed_models(context.index, policy.file),
        )
        facts = policy.facts
        item = Item(
            path=str(context.source.path),
            line=facts.line,
            name=facts.name,
            kind=Kind.POLICY,
            outcome=Outcome.BRIDGED,
            code=RULE.code,
            message=f"runs on inside a module, because it {policy.plan.reason}",
            new_name=facts.name,
            new_path=str(context.source.path),
        )
        yield Finding(item, edits, imports)


RULE = Rule(
    code="RLM201",
    name="policy-bridged",
    kind=Kind.POLICY,
    summary="Wrap a policy that changes only how actions are chosen.",
    explanation=(
        "The class keeps its body on rlmigrate.legacy under the name LegacyX, and X becomes the "
        "RLModule that wrap_policy makes of it: action_distribution_fn, action_sampler_fn, "
        "make_model and compute_actions run in _forward_exploration and _forward_inference, with "
        "ACTION_LOGP where the policy gives it. The comment says why RLM204 did not write the "
        "class as a module of its own."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "a class of one's own that is called Policy",
            "class Policy:\n    pass\n\n\nclass Mine(Policy):\n"
            "    def compute_actions(self, obs):\n        return obs  # rllib\n",
        ),
        Case(
            "a policy on the legacy package",
            "from rlmigrate import wrap_policy\n"
            "from rlmigrate.legacy.policies.policy import Policy\n\n\n"
            "class LegacyMine(Policy):  # from rllib\n"
            "    def compute_actions(self, obs_batch, state_batches=None, **kwargs):\n"
            "        return [0 for _ in obs_batch], [], {}\n\n\n"
            'Mine = wrap_policy(LegacyMine, name="Mine")\n',
        ),
    ),
    cases=(
        Case(
            "a policy that reads episodes",
            "from ray.rllib.policy.policy import Policy\n\n\n"
            "class Zeros(Policy):\n"
            "    def compute_actions(self, obs, states, prev, reward, infos, episodes, **kwargs):\n"
            "        return [each.length for each in episodes], [], {}\n\n"
            "    def learn_on_batch(self, samples):\n"
            "        return {}\n",
            "from rlmigrate import wrap_policy\n"
            "from rlmigrate.legacy.policies.policy import Policy\n\n\n"
            "class LegacyZeros(Policy):\n"
            "    def compute_actions(self, obs, states, prev, reward, infos, episodes, **kwargs):\n"
            "        return [each.length for each in episodes], [], {}\n\n"
            "    def learn_on_batch(self, samples):\n"
            "        return {}\n\n\n"
            "# On the old policy, because it reads episodes, which the new stack does not have.\n"
            'Zeros = wrap_policy(LegacyZeros, name="Zeros")\n',
        ),
    ),
)
