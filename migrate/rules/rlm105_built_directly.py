"""Code that builds a model by itself goes on to build the old class, or is told of the module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.building import building_text
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.strategy import ModelPlan

CODE = "RLM105"
CHANGED = frozenset({Outcome.NATIVE, Outcome.BRIDGED})


def check(context: FileContext) -> Iterable[Finding]:
    """Find calls of model classes, but those inside of models themselves."""
    file = context.index.files.get(context.source.path)
    if file is None:
        return
    for call, plan in _calls(context, file):
        if plan.outcome is Outcome.NATIVE:
            yield Finding(_told(context, call, plan))
            continue
        old = f"Legacy{plan.new_name}"
        item = Item(
            path=str(context.source.path),
            line=call.lineno,
            name=f"{plan.new_name}()",
            kind=Kind.CALL,
            outcome=Outcome.BRIDGED,
            code=CODE,
            message=f"{plan.new_name} is an RLModule now; {old}, the old class, is built here",
            new_name=old,
        )
        start, end = context.source.span(call.func)
        plain = isinstance(call.func, ast.Name)
        name = start if plain else end - len(call.func.attr)  # type: ignore[attr-defined]
        elsewhere = plain and plan.module != file.module
        imports = Imports(wanted=frozenset({(plan.module, old)} if elsewhere else ()))
        yield Finding(item, (Edit(Span(name, end), old, CODE),), imports)


def _told(context: FileContext, call: ast.Call, plan: ModelPlan) -> Item:
    """What a person must write for a call that tries the old model out."""
    text = building_text(context.source, context.index, call, plan)
    name = context.source.segment(call.func)
    how = text or f"{name}(observation_space=..., action_space=..., model_config={{...}})"
    parts = [
        f"{plan.new_name} is an RLModule now: build it as {how}, and call "
        "forward_train({Columns.OBS: obs}), which returns a dict with the old outputs under "
        "Columns.ACTION_DIST_INPUTS"
    ]
    if plan.stateful:
        parts.append(
            "sequences are [B, T, ...], states go in under Columns.STATE_IN and come out under "
            "Columns.STATE_OUT, as dicts"
        )
    if plan.values:
        parts.append("value_function() is compute_values() of the same batch")
    return Item(
        path=str(context.source.path),
        line=call.lineno,
        name=f"{plan.new_name}()",
        kind=Kind.CALL,
        outcome=Outcome.MANUAL,
        code=CODE,
        message="; ".join(parts),
    )


def _calls(context: FileContext, file: FileEntry) -> Iterator[tuple[ast.Call, ModelPlan]]:
    index = context.index
    built = _built(index.origin)
    if not built:
        return
    local = {entry.name: entry.qualified for entry in file.classes}
    known = {**file.imports.names, **local}.items()
    heads = {name: plan for name, to in known if (plan := _plan_of(index, to, built))}
    nodes = nodes_of(context)
    found: list[tuple[ast.expr, ModelPlan]] = []
    found += [(name, heads[name.id]) for name in context.source.names.of(heads)]
    for name in nodes.attributes(*{plan.new_name for plan in built.values()}):
        called = file.imports.qualified(name)
        plan = _plan_of(index, called, built) if called else None
        found += [(name, plan)] if plan else []
    for node, plan in sorted(found, key=lambda each: (each[0].lineno, each[0].col_offset)):
        call = nodes.parents[node]
        if (
            isinstance(call, ast.Call)
            and call.func is node
            and not _in_a_model(context, file, call)
        ):
            yield call, plan


def _plan_of(index: RepoIndex, name: str, built: Mapping[str, ModelPlan]) -> ModelPlan | None:
    entry = index.class_named(name)
    if entry is None or entry.qualified not in built:
        return None
    plan = index.plan_for(entry.qualified)  # the class may have been rewritten meanwhile
    return plan if plan is not None and plan.outcome in CHANGED else None


@lru_cache(maxsize=8)
def _built(index: RepoIndex) -> Mapping[str, ModelPlan]:
    """The models that change and that some file calls, by their qualified names."""
    plans = {name: index.plan_for(name) for name in index.constructed | index.tried}
    return {name: p for name, p in plans.items() if p and p.outcome in CHANGED}


def _in_a_model(context: FileContext, file: FileEntry, call: ast.Call) -> bool:
    """Say whether a model's own class stands around a call: it is rewritten with the class."""
    lines = {
        entry.line
        for entry in file.classes
        if context.index.legacy_kind(entry.qualified) == "model"
    }
    parents = context.source.parents
    around = parents.get(call)
    while around is not None:
        if isinstance(around, ast.ClassDef) and around.lineno in lines:
            return True
        around = parents.get(around)
    return False


_MODEL = """
from torch import nn
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2


class Net(TorchModelV2, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        TorchModelV2.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.pi = nn.Linear(4, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return self.pi(input_dict["obs"]), state
"""
_FILES = {"nets.py": _MODEL}
_COUNTING = {"nets.py": _MODEL.replace("state\n", "[state]\n")}

RULE = Rule(
    code=CODE,
    name="built-directly",
    kind=Kind.CALL,
    summary="Code that builds a model by itself builds the old class, or is told of the module.",
    explanation="""
A model that is built by other code than RLlib's catalog (in a test, in a policy of its own) stays
what it was there, a ModelV2. Its class is LegacyX now, and X the RLModule around it; calls name the
old class, so that they still get the arguments and the object that they know.

A class that only tests and scripts build becomes a native module all the same. Each such place is
marked with the call that builds the module from the same arguments, for what is done with the model
there is the test's own business.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "another_class_of_that_name",
            "import ray.rllib\nfrom layers import Net\n\nnet = Net(4)\n",
        ),
        Case(
            "named_and_not_built",
            "import ray.rllib\nfrom nets import Net\n\nCLASSES = [Net]\n",
            other_files=_FILES,
        ),
    ),
    cases=(
        Case(
            "built_in_a_test",
            "from nets import Net\nfrom ray.rllib.models.catalog import MODEL_DEFAULTS\n\n\n"
            "def test_net(space, actions):\n"
            '    assert Net(space, actions, 2, MODEL_DEFAULTS, "net").pi.out_features == 2\n',
            "from nets import Net\nfrom ray.rllib.models.catalog import MODEL_DEFAULTS\n\n\n"
            "def test_net(space, actions):\n"
            "    # TODO(rlmigrate RLM105): Net is an RLModule now: build it as "
            "Net(observation_space=space,\n"
            "    #     action_space=actions), and call forward_train({Columns.OBS: obs}), which "
            "returns a\n"
            "    #     dict with the old outputs under Columns.ACTION_DIST_INPUTS\n"
            '    assert Net(space, actions, 2, MODEL_DEFAULTS, "net").pi.out_features == 2\n',
            other_files=_FILES,
        ),
        Case(
            "a_bridged_one_built_in_a_test",
            "from nets import Net\nfrom ray.rllib.models.catalog import MODEL_DEFAULTS\n\n\n"
            "def test_net(space, actions):\n"
            '    assert Net(space, actions, 2, MODEL_DEFAULTS, "net").pi.out_features == 2\n',
            "from nets import LegacyNet\nfrom ray.rllib.models.catalog import MODEL_DEFAULTS\n\n\n"
            "def test_net(space, actions):\n"
            '    assert LegacyNet(space, actions, 2, MODEL_DEFAULTS, "net").pi.out_features == 2\n',
            other_files=_COUNTING,
        ),
        Case(
            "built_through_its_module",
            "import nets\nimport ray.rllib\n\n\n"
            "def make(space, actions, config):\n"
            '    return nets.Net(space, actions, 2, config, "net")\n',
            "import nets\nimport ray.rllib\n\n\n"
            "def make(space, actions, config):\n"
            '    return nets.LegacyNet(space, actions, 2, config, "net")\n',
            other_files=_FILES,
        ),
    ),
)
