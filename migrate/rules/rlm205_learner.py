"""What a policy learned by is moved into a Learner and a connector, for a person to finish."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.learners.bases import LAYERS
from rlmigrate.migrate.learners.study import Learned, learned_in
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each policy whose loss, optimizer or postprocessing gets a new place."""
    for learned in learned_in(context.source, context.index):
        skeleton = learned.skeleton
        path = str(context.source.path)
        item = Item(
            path=path,
            line=learned.line,
            name=_name(learned),
            kind=Kind.POLICY,
            outcome=_outcome(learned),
            code=RULE.code,
            message=_message(learned),
            new_name=skeleton.names[0],
            new_path=path,
        )
        if any(edit.text for edit in learned.edits):
            yield Finding(item, learned.edits, skeleton.imports, skeleton.layers)
        elif learned.edits:  # what stands beside it already says the same
            yield Finding(item, learned.edits)
        else:
            yield Finding(item)


def _name(learned: Learned) -> str:
    whole = learned.complete or learned.name.endswith("()")
    return learned.name if whole else f"{learned.name}.learning"


def _outcome(learned: Learned) -> Outcome:
    if not learned.complete:
        return Outcome.MANUAL
    return Outcome.NATIVE if learned.edits else Outcome.UNCHANGED


def _message(learned: Learned) -> str:
    """What was written, and how a config names it."""
    skeleton = learned.skeleton
    places = " and ".join(skeleton.names)
    keys = ", ".join(repr(key) for key in skeleton.asked)
    settings = f"; pass {keys} in config.learners(learner_config_dict=...)" if keys else ""
    if not learned.complete:
        first = skeleton.problems[0]
        return (
            f"its code stands in {places} now; read it, finish what is marked there, and compare "
            f"a loss on one batch ({first}){settings}"
        )
    if learned.name.endswith("()"):
        return f"stands in {places}, which the Learners of its policies put in place{settings}"
    stays = f"; the policy stays for {learned.needed_by}" if learned.needed_by else ""
    once = ""
    if learned.base in LAYERS:
        once = " on PPOConfig().training(num_epochs=1, minibatch_size=train_batch_size)"
    uses = [
        f"learner_connector=lambda *_, **__: {name}()"
        if name.endswith("Connector")
        else f"learner_class={name}"
        for name in skeleton.names
        if name not in skeleton.joined
    ]
    return f"learns by config.learners({', '.join(uses)}){once}{settings}{stays}"


_IMPORT = "from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy\n"
_LEARNER_IMPORT = "from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner\n"
_POLICY = """\


class Twice(PPOTorchPolicy):
    def loss(self, model, dist_class, train_batch):
        return super().loss(model, dist_class, train_batch) * self.config["vf_loss_coeff"]
"""
_LEARNER = """\


class TwiceLearner(PPOTorchLearner):
    \"\"\"What Twice learned by, for config.learners(learner_class=...).\"\"\"

    def compute_loss_for_module(self, *, module_id, config, batch, fwd_out):
        return super().compute_loss_for_module(
            module_id=module_id, config=config, batch=batch, fwd_out=fwd_out
        ) * config.vf_loss_coeff
"""
_LINK = "https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html"

RULE = Rule(
    code="RLM205",
    name="learner",
    kind=Kind.POLICY,
    summary="Move what a policy learned by into a Learner and a connector.",
    explanation=(
        "loss() becomes compute_loss_for_module(), optimizer() becomes "
        "configure_optimizers_for_module(), postprocess_trajectory() becomes a learner connector "
        "that the Learner puts in place, each with the code of the policy, whose names are written "
        "as the new stack has them: "
        "outputs of the model are in fwd_out, columns of the batch are named by Columns, settings "
        "are attributes of the config, what stats_fn() reported is logged where it is computed. "
        "unmasked() takes out the steps that connectors add, so that means and sums are over the "
        "old train batch. Where every word has its counterpart, the Learner stands in the policy's "
        "place. Otherwise what has none is marked where it stands, and the old class stays above, "
        "marked by RLM202 or RLM203, until the new one is finished."
    ),
    check=check,
    since="2.40",
    link=_LINK,
    unchanged=(
        Case(
            "a loss of a class of one's own",
            "from mine import PPOTorchPolicy  # not of rllib\n" + _POLICY,
        ),
    ),
    cases=(
        Case(
            "a loss on PPO's",
            "import torch\n" + _IMPORT + _POLICY,
            "import torch\n" + _LEARNER_IMPORT + _LEARNER,
        ),
    ),
)
