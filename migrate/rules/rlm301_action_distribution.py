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
        where = (
            "it calls its model, which new distributions do not know: sample in "
            "_forward_exploration() of the RLModule and return ACTIONS and ACTION_LOGP"
            if calls_model
            else "write it as a TorchDistribution and set self.action_dist_cls in setup()"
        )
        parts = ("" if calls_model else reason, where, places, f"see {RULE.link}")
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
