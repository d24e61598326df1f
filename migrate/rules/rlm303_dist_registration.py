"""`ModelCatalog.register_custom_action_dist(...)` goes with the distribution it names."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.distributions.choice import native_distributions
from rlmigrate.migrate.distributions.chosen import REGISTER, choosers
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.removal import removal

CODE = "RLM303"
CATALOGS = frozenset({"ray.rllib.models.ModelCatalog", "ray.rllib.models.catalog.ModelCatalog"})


def check(context: FileContext) -> Iterable[Finding]:
    """Take out the registrations of classes that their models name by themselves."""
    file = context.index.files.get(context.source.path)
    if file is None:
        return
    native = native_distributions(context.index)
    lines = {entry.line: entry for entry in file.registrations if entry.kind == "action_dist"}
    nodes = nodes_of(context)
    for call in context.source.nodes(ast.Call):
        entry = lines.get(call.lineno)
        if entry is None or not (dotted(call.func) or "").endswith(REGISTER):
            continue
        found = context.index.class_named(entry.class_name or "")
        statement = nodes.parents.get(call)
        if found is None or found.qualified not in native or not isinstance(statement, ast.Expr):
            continue
        models = choosers(context.index).get(found.qualified, ("its model",))
        names = " and ".join(model.rpartition(".")[2] for model in models)
        sets = "sets" if len(models) == 1 else "set"
        item = Item(
            path=str(context.source.path),
            line=call.lineno,
            name=f"register_custom_action_dist({entry.name!r})",
            kind=Kind.CONFIG,
            outcome=Outcome.NATIVE,
            code=CODE,
            message=f"the registration is dropped: {names} {sets} it as action_dist_cls",
            column=call.col_offset,
        )
        edit = removal(context.source, nodes, statement, code=CODE)
        yield Finding(item, (edit,), Imports(unneeded=CATALOGS))


_HEAD = """\
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_action_dist import TorchCategorical


class Flat(TorchCategorical):
    def entropy(self):
        return super().entropy() * 0.5


"""
_REGISTERED = _HEAD + 'ModelCatalog.register_custom_action_dist("flat", Flat)\n'
_LEFT = (
    _HEAD.replace(
        "class Flat",
        "# TODO(rlmigrate RLM301): Flat is used outside of classes in snippet.py; write it as a\n"
        "#     TorchDistribution and set self.action_dist_cls in setup(); see\n"
        "#     https://docs.ray.io/en/latest/rllib/rl-modules.html\nclass Flat",
    )
    + 'ModelCatalog.register_custom_action_dist("flat", Flat)\n'
)
_MODEL = """\
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.head = nn.Linear(obs_space.shape[0], num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return self.head(input_dict["obs"]), state
"""
_CONFIG = 'CONFIG = {"model": {"custom_model": Net, "custom_action_dist": "flat"}}\n'

RULE = Rule(
    code=CODE,
    name="distribution-registration",
    kind=Kind.CONFIG,
    summary="register_custom_action_dist() goes where the model names its distribution.",
    explanation=(
        "The new stack knows no registry of distributions: a module sets action_dist_cls. Where "
        "every config that names a model names the same distribution with it, the module sets that "
        "class in setup(), and neither the registration nor custom_action_dist is needed."
    ),
    check=check,
    words=frozenset({REGISTER}),
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rl-modules.html",
    unchanged=(Case("a_distribution_that_no_config_names", _LEFT),),
    cases=(
        Case(
            "a_model_that_is_always_trained_with_it",
            _REGISTERED,
            """\
from ray.rllib.core.distribution.torch.torch_distribution import TorchCategorical


class Flat(TorchCategorical):
    def entropy(self):
        return super().entropy() * 0.5
""",
            other_files={"models.py": _MODEL + "\n\n" + _CONFIG},
        ),
    ),
)
