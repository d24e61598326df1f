"""Custom action distributions must be written anew as Distribution classes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.distributions.choice import studied_distributions
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.tree import nodes_in

#: Method of an old distribution, and what it becomes.
HOMES = {
    "__init__": "from_logits() and _get_torch_distribution()",
    "required_model_output_shape": "required_input_dim(space)",
    "sample": "sample()",
    "deterministic_sample": "to_deterministic().sample()",
    "logp": "logp()",
    "sampled_action_logp": "logp() of the sampled actions",
    "entropy": "entropy()",
    "kl": "kl()",
    "multi_kl": "kl()",
    "multi_entropy": "entropy()",
}
AUTOREGRESSIVE = (
    "it calls its model, which new distributions do not know: sample part after part in the "
    "RLModule, return ACTIONS and ACTION_LOGP from _forward_exploration(), and the inputs of a "
    "TorchMultiDistribution over all parts, for the actions of the batch, from _forward_train(); "
    "Ray shows the sampling in "
    "ray.rllib.examples.rl_modules.classes.autoregressive_actions_rlm"
)
#: A reason that the advice begins with, too.
CALLS = "calls its model"
PLAIN = "write it as a TorchDistribution and set self.action_dist_cls in setup()"
#: What to do about old bases of torch, by their name.
ADVICE = {
    "TorchMultiActionDistribution": (
        "build on TorchMultiDistribution, whose parts are self._flat_child_distributions, return "
        "one log-probability a row, and set self.action_dist_cls in setup() to the class's "
        "get_partial_dist_cls(child_distribution_cls_struct=..., input_lens=...)"
    ),
    "TorchMultiCategorical": (
        "build on the new TorchMultiCategorical, whose parts are self._cats, TorchCategoricals of "
        "RLlib, and set self.action_dist_cls in setup() to the class's "
        "get_partial_dist_cls(input_lens=self.action_space.nvec.tolist())"
    ),
    "TorchSquashedGaussian": (
        "build on the new TorchSquashedGaussian, whose log-probabilities are exact where the old "
        "ones were clamped, or write a TorchDistribution that clamps them; then set "
        "self.action_dist_cls in setup()"
    ),
    "TorchBeta": (
        "write it as a TorchDistribution whose _get_torch_distribution(logits) returns a "
        "torch.distributions.Beta of what the old base made of its inputs (clamped, softplus, "
        "plus 1; the first half is concentration1), with required_input_dim(space) and "
        "to_deterministic(); sum logp() over the last axis, and set self.action_dist_cls in setup()"
    ),
    "TorchDirichlet": (
        "write it as a TorchDistribution whose _get_torch_distribution(logits) returns a "
        "torch.distributions.Dirichlet of logits.exp() + 1e-7, with required_input_dim(space) and "
        "to_deterministic() at the softmax of that, and set self.action_dist_cls in setup()"
    ),
    "TorchDeterministic": (
        "build on the new TorchDeterministic with a classmethod from_logits(cls, logits, **kwargs) "
        "that returns cls(logits), and set self.action_dist_cls in setup()"
    ),
}


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each class that inherits from one of RLlib's old distributions and stays one."""
    file = context.index.files.get(context.source.path)
    if file is None:
        return
    studied = {each.node: each for each in studied_distributions(context.source, context.index)}
    entries = {
        entry.line: entry
        for entry in file.classes
        if context.index.legacy_kind(entry.qualified) == "distribution"
    }
    for node in context.source.nodes(ast.ClassDef) if entries else ():
        entry = entries.get(node.lineno)
        study = studied.get(node)
        if entry is None or (study is not None and study.written is not None):
            continue
        methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
        places = "; ".join(f"{name}() becomes {HOMES[name]}" for name in methods if _renamed(name))
        reason = f"{entry.name} {study.reason}" if study is not None and study.reason else ""
        calls_model = any(
            isinstance(inner, ast.Attribute)
            and inner.attr == "model"
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
            for inner in nodes_in(node)
        )
        base = next((b.rpartition(".")[2] for b in entry.bases), "")
        where = AUTOREGRESSIVE if calls_model else ADVICE.get(base, PLAIN)
        parts = ("" if reason.endswith(CALLS) else reason, where, places, f"see {RULE.link}")
        yield Finding(
            Item(
                path=str(context.source.path),
                line=entry.line,
                name=entry.name,
                kind=Kind.DISTRIBUTION,
                outcome=Outcome.MANUAL,
                code=RULE.code,
                message="; ".join(part for part in parts if part),
            )
        )


def _renamed(name: str) -> bool:
    return name in HOMES and HOMES[name] != f"{name}()"


_CLASS = (
    "class Mine(TorchDistributionWrapper):\n"
    "    def logp(self, actions):\n"
    "        return self.dist.log_prob(actions)\n"
)
_LINK = "https://docs.ray.io/en/latest/rllib/rl-modules.html"

RULE = Rule(
    code="RLM301",
    name="action-distribution",
    kind=Kind.DISTRIBUTION,
    summary="Say what each method of an action distribution becomes that cannot be written.",
    explanation=(
        "New distributions are made by from_logits() from the module's outputs alone, take the "
        "last axis as the components of an action, and know no model. wrap_model runs the old "
        "class as it is; for a native module it is written anew."
    ),
    check=check,
    since="2.40",
    link=_LINK,
    unchanged=(
        Case(
            "a distribution of torch",
            "import torch\n\n\nclass Mine(torch.distributions.Normal):  # used with rllib\n"
            "    def logp(self, actions):\n        return self.log_prob(actions)\n",
        ),
    ),
    cases=(
        Case(
            "a torch distribution",
            "from ray.rllib.models.torch.torch_action_dist import TorchDistributionWrapper\n\n\n"
            + _CLASS,
            "from ray.rllib.models.torch.torch_action_dist import TorchDistributionWrapper\n\n\n"
            "# TODO(rlmigrate RLM301): Mine does not say how many inputs it takes; write it as a\n"
            "#     TorchDistribution and set self.action_dist_cls in setup(); see\n"
            f"#     {_LINK}\n" + _CLASS,
        ),
    ),
)
