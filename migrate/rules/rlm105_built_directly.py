"""Code that builds a wrapped model by itself goes on to build the old class."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.strategy import ModelPlan

CODE = "RLM105"


def check(context: FileContext) -> Iterable[Finding]:
    """Find calls of model classes that are bridged, but those inside of models themselves."""
    file = context.index.files.get(context.source.path)
    if file is None or context.settings.target not in {"ray", "builtin"}:
        return
    for call, plan in _calls(context):
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
        end = context.source.span(call.func).end
        edit = Edit(Span(end - len(_last(call.func)), end), old, CODE)
        here = plan.module == file.module
        wanted = isinstance(call.func, ast.Name) and not here
        imports = Imports(wanted=frozenset({(plan.module, old)} if wanted else ()))
        yield Finding(item, (edit,), imports)


def _calls(context: FileContext) -> Iterator[tuple[ast.Call, ModelPlan]]:
    index = context.index
    file = index.files[context.source.path]
    local = {entry.name: entry.qualified for entry in file.classes}
    named = set(local) | set(file.imports.names)
    models = [
        node
        for node in context.source.nodes(ast.ClassDef)
        for entry in file.classes
        if entry.line == node.lineno and index.legacy_kind(entry.qualified) == "model"
    ]
    for call in context.source.nodes(ast.Call):
        head = call.func
        while isinstance(head, ast.Attribute):
            head = head.value
        if not isinstance(head, ast.Name) or head.id not in named:
            continue
        if any(node.lineno <= call.lineno <= (node.end_lineno or 0) for node in models):
            continue
        written = local.get(head.id) if head is call.func else None
        entry = index.class_named(written or file.imports.qualified(call.func) or "")
        plan = index.plan_for(entry.qualified) if entry is not None else None
        if plan is not None and plan.outcome is Outcome.BRIDGED and _last(call.func):
            yield call, plan


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


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

RULE = Rule(
    code=CODE,
    name="built-directly",
    kind=Kind.CALL,
    summary="Code that builds a wrapped model by itself builds the old class under its new name.",
    explanation="""
A model that is built by other code than RLlib's catalog (in a test, in a policy of its own) stays
what it was there, a ModelV2. Its class is LegacyX now, and X the RLModule around it; calls name the
old class, so that they still get the arguments and the object that they know.
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
            "from nets import LegacyNet\nfrom ray.rllib.models.catalog import MODEL_DEFAULTS\n\n\n"
            "def test_net(space, actions):\n"
            '    assert LegacyNet(space, actions, 2, MODEL_DEFAULTS, "net").pi.out_features == 2\n',
            other_files=_FILES,
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
