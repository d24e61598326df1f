"""Torch models become TorchRLModules: https://docs.ray.io/en/latest/rllib/rl-modules.html."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.emit.file import model_results
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.atari import atari_note
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm101 import CASES, UNCHANGED
from rlmigrate.migrate.strategy import ModelPlan
from rlmigrate.migrate.understanding.facts import ModelFacts
from rlmigrate.migrate.understanding.keras_losses import KEPT
from rlmigrate.migrate.understanding.observed import PREPARED
from rlmigrate.migrate.understanding.wrapped import wrapped_name


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each model class of the file that is understood."""
    for result in model_results(context.source, context.index, context.settings):
        if result.study.plan.outcome is not Outcome.NATIVE or result.emitted is None:
            continue
        facts = result.study.reading.facts
        framework = context.index.framework(facts.qualified)
        item = Item(
            path=str(context.source.path),
            line=facts.line,
            name=facts.name,
            kind=Kind.MODEL,
            outcome=Outcome.NATIVE,
            code=RULE.code,
            message=_message(
                facts,
                result.study.plan,
                framework,
                ported=framework == "tf" and context.settings.target == "ray",
            )
            + atari_note(context.index, facts.qualified),
            new_name=facts.name,
            new_path=str(context.source.path),
        )
        yield Finding(item, result.emitted.edits, result.emitted.imports, result.emitted.layers)


def _message(
    facts: ModelFacts, plan: ModelPlan, framework: str | None, *, ported: bool = False
) -> str:
    kind, held = (
        ("TfRLModule", "variables") if framework == "tf" else ("TorchRLModule", "parameter names")
    )
    parts = [f"becomes a {kind} with the same {held}"]
    if ported:
        parts = [
            "becomes a TorchRLModule, ported from TensorFlow: layers have their Keras names, and "
            "rlmigrate.transfer_weights(old, new) loads the old weights (old: arrays by variable "
            "name, such as the old policy's get_weights())"
        ]
    if facts.q_model:
        whose = "SAC's" if facts.sac else "DQN's"
        parts = [f"becomes {whose} module (QNetAPI, TargetNetworkAPI), its parameter names kept"]
    if facts.obs in PREPARED:
        parts.append(
            "preprocess() does what RLlib's preprocessors did to observations that are no plain "
            "Box (the FlattenObservations connector before the module would do, too)"
        )
    if facts.copies:
        parts.append(
            "forward changes a copy of its inputs (the old stack let it change the batch "
            "itself, which later epochs of training read)"
        )
    if facts.views:
        columns = ", ".join(view.column for view in facts.views)
        parts.append(
            f"{columns}: put ViewColumns of the layers file into the env-to-module and the learner "
            "pipeline (Ray's PrevActionsPrevRewards and FrameStackingEnvToModule give other shapes)"
        )
    if facts.staying:
        names = ", ".join(f"self.{name}" for name in facts.staying)
        parts.append(f"{names}: forward goes on setting it, for code that looks at it afterwards")
    if facts.unread:
        columns = ", ".join(facts.unread)
        parts.append(
            f"{columns}: declared for a loss, not read by the model; give what the loss needs in a "
            "connector of the learner pipeline"
        )
    if plan.learner is not None:
        parts.append(f"its loss moves into {plan.learner}, which builds on PPO's")
    kept = [name for name in KEPT if name in facts.extra_methods] if framework == "tf" else []
    if kept:
        names = " and ".join(f"{KEPT[name]}()" for name in kept)
        parts.append(f"{names}: kept for your training loop to call, for new_stack has no Learner")
    if facts.wrappers:
        inside = " and ".join(wrapped_name(facts.name, setting) for setting in facts.wrappers)
        settings = " or ".join(facts.wrappers)
        parts.append(f"{inside}: what configs with {settings} trained, its parameters where it was")
    if facts.in_doubt:
        parts.append(
            "if a config that names no model puts it into RLlib's LSTM or attention net, name the "
            "model there beside use_lstm or use_attention and rewrite again"
        )
    if plan.stateful:
        parts.append("its model_config must say max_seq_len, which was 20 where nothing was said")
    if plan.kept_for:
        heirs = ", ".join(plan.kept_for)
        parts.append(f"its old form stays beside it for {heirs}")
    return "; ".join(parts)


RULE = Rule(
    code="RLM101",
    name="torch-model",
    kind=Kind.MODEL,
    summary="Write a torch model as a TorchRLModule.",
    explanation=(
        "The constructor becomes setup(), forward() becomes _forward(), value_function() becomes "
        "compute_values(). What forward() kept on self for value_function() travels in "
        "Columns.EMBEDDINGS. Attribute names stay, so old weights load. A base of the repository "
        "and its heirs are written anew together, with super().setup(); for a few heirs that "
        "cannot follow, its old form stays beside it. A model that handles time by itself gets "
        "rows, a list of states and seq_lens as before. A TensorFlow model that torch can say "
        "with the same numbers is ported: its layers become Keras's in torch, images stay "
        "[B, H, W, C], and old weights load by the names of the layers. "
        "Below a model that a config puts into RLlib's LSTM or attention net (use_lstm, "
        "use_attention) stands a subclass with that net, for the config to name; models that DQN "
        "trains or that extend SAC's become those algorithms' modules. Only "
        "classes whose every statement is understood are written anew; others fall to RLM102."
    ),
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=UNCHANGED,
    cases=CASES,
)
