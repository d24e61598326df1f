"""Policies and what hangs on them are found; their models become modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.acting import FUNCTIONS, acting_problem
from rlmigrate.migrate.reading.algorithms import Thing, algorithm_like
from rlmigrate.migrate.reading.modules import as_module, module_for
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span

CODE = "RLM502"

#: Members without a counterpart, with what to do.
GONE = {
    (Thing.ALGORITHM, "export_policy_model"): "save with algo.save_to_path(); the module's state "
    "is in its learner_group/learner/rl_module folder",
    (Thing.ALGORITHM, "export_policy_checkpoint"): "save with algo.save_to_path()",
    (Thing.ALGORITHM, "import_policy_model_from_h5"): "load the weights into the module by hand",
    (Thing.ALGORITHM, "add_policy"): "use algo.add_module(module_id=, module_spec=)",
    (Thing.ALGORITHM, "remove_policy"): "use algo.remove_module(module_id=)",
    (Thing.WORKERS, "foreach_policy"): "loop over the modules in foreach_env_runner(lambda "
    "env_runner: env_runner.module)",
    (Thing.WORKERS, "foreach_policy_to_train"): "use algo.learner_group.foreach_learner()",
    (Thing.WORKER, "foreach_policy"): "loop over env_runner.module",
    (Thing.WORKER, "policy_map"): "env_runner.module is the (multi) module",
    (Thing.WORKER, "foreach_env"): "env_runner.env is the vectorized environment",
    (Thing.WORKER, "get_weights"): "use env_runner.module.get_state()",
    (Thing.WORKER, "set_weights"): "use algo.set_state() or the Learner's set_state()",
    (Thing.POLICY, "get_weights"): "use algo.get_module().get_state()",
    (Thing.POLICY, "set_weights"): "use algo.learner_group.set_state()",
    (Thing.POLICY, "export_model"): "save the module with module.save_to_path()",
    (Thing.POLICY, "get_session"): "the new stack runs torch only",
    (Thing.POLICY, "learn_on_batch"): "the Learner updates modules: algo.learner_group.update()",
    (Thing.POLICY, "postprocess_trajectory"): "write a learner connector",
}
#: A policy that is read from its checkpoint.
RESTORED = re.compile(r"ray\.rllib\.policy\.(\w+\.)*(Torch|TF)?Policy(V2)?\.from_checkpoint")


def check(context: FileContext) -> Iterable[Finding]:
    """Find members of objects that are RLlib's."""
    nodes = nodes_of(context)
    wanted = {name for _, name in GONE} | {"get_policy", "model", "get_weights", "set_weights"}
    for node in nodes.attributes(*sorted(wanted)):
        thing = algorithm_like(context, node.value)
        if thing is Thing.OTHER:
            continue
        finding = _finding(context, nodes, node, thing)
        if finding is not None:
            yield finding
    yield from _restored(context, nodes)


def _restored(context: FileContext, nodes: Nodes) -> Iterable[Finding]:
    """Find `Policy.from_checkpoint()`, whose result old calls act with."""
    entry = context.index.files.get(context.source.path)
    for call, name in nodes.ray_calls(entry.imports) if entry is not None else ():
        if RESTORED.fullmatch(name) and isinstance(call.func, ast.Attribute):
            text = (
                "policies are gone: rlmigrate convert CHECKPOINT OUT makes an RLModule's "
                "checkpoint of a policy's, which RLModule.from_checkpoint() loads"
            )
            yield Finding(_item(context, call.func, Thing.POLICY, Outcome.MANUAL, text))


def _finding(
    context: FileContext, nodes: Nodes, node: ast.Attribute, thing: Thing
) -> Finding | None:
    key = (thing, node.attr)
    if key == (Thing.POLICY, "get_weights") and module_for(context, node.value) is not None:
        return _weights(context, node)
    if key in GONE:
        return Finding(
            _item(context, node, thing, Outcome.MANUAL, f"{node.attr} is gone: {GONE[key]}")
        )
    if key == (Thing.POLICY, "model") and isinstance(node.value, ast.Call):
        return _module(context, node)
    if key in ((Thing.ALGORITHM, "get_policy"), (Thing.WORKER, "get_policy")):
        call = nodes.parents.get(node)
        outer = nodes.parents.get(call) if call is not None else None
        if isinstance(outer, ast.Attribute) and outer.attr == "model":
            return None  # the item is at .model
        acts = isinstance(outer, ast.Attribute) and outer.attr in FUNCTIONS[Thing.POLICY]
        if acts and key[0] is Thing.ALGORITHM and isinstance(call, ast.Call):
            beyond = nodes.parents.get(outer) if outer is not None else None
            if isinstance(beyond, ast.Call) and acting_problem(beyond, Thing.POLICY) is None:
                return None  # the item is at .compute_...()
        edit = as_module(context, call) if isinstance(call, ast.Call) else None
        if edit is not None and context.settings.target == "ray":
            text = "get_policy() is now get_module()"
            return Finding(_item(context, node, thing, Outcome.NATIVE, text, "get_module"), (edit,))
        text = (
            "get_policy() is gone: get_module() returns the RLModule; its weights are "
            "get_state() and set_state()"
        )
        return Finding(_item(context, node, thing, Outcome.MANUAL, text))
    return None


def _weights(context: FileContext, node: ast.Attribute) -> Finding:
    """`policy.get_weights()` is now `module.get_state()`, a dict of arrays by the same names."""
    text = "get_weights() is now get_state() of the module"
    head = module_for(context, node.value)
    edit = Edit(context.source.span(node), f"{head}.get_state", CODE)
    return Finding(_item(context, node, Thing.POLICY, Outcome.NATIVE, text, "get_state"), (edit,))


def _module(context: FileContext, node: ast.Attribute) -> Finding:
    """`algo.get_policy("x").model` is now `algo.get_module("x")`."""
    call = node.value
    assert isinstance(call, ast.Call)
    function = call.func
    item = _item(
        context,
        node,
        Thing.POLICY,
        Outcome.NATIVE,
        "get_policy().model is now get_module()",
        "get_module",
    )
    if not isinstance(function, ast.Attribute) or function.attr != "get_policy":
        text = "the model of a policy is now the module: algo.get_module()"
        return Finding(_item(context, node, Thing.POLICY, Outcome.MANUAL, text))
    if algorithm_like(context, function.value) is not Thing.ALGORITHM:
        text = "the model of a worker's policy is now env_runner.module"
        return Finding(_item(context, node, Thing.POLICY, Outcome.MANUAL, text))
    end = context.source.span(function).end
    return Finding(
        item,
        (
            Edit(Span(end - len("get_policy"), end), "get_module", CODE),
            Edit(Span(context.source.span(call).end, context.source.span(node).end), "", CODE),
        ),
    )


def _item(
    context: FileContext,
    node: ast.Attribute,
    thing: Thing,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    return Item(
        path=str(context.source.path),
        line=node.end_lineno or node.lineno,
        name=f"{thing}.{node.attr}",
        kind=Kind.CALL,
        outcome=outcome,
        code=CODE,
        message=message,
        new_name=new_name,
        column=node.col_offset,
    )


RULE = Rule(
    code=CODE,
    name="policy-members",
    kind=Kind.CALL,
    summary="Policies and what hangs on them are found; their models become modules.",
    explanation="""
There are no policies on the new stack, only modules. Calls are looked at where the object is
certain to be RLlib's: built from a config, restored from a checkpoint, or annotated. What has no
counterpart is marked with what to use.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "policy_of_another_object",
            """
import ray.rllib
from pool import Pool

pool = Pool()
pool.get_policy().model()
""",
        ),
    ),
    cases=(
        Case(
            "policy_from_its_checkpoint",
            """
from ray.rllib.policy.policy import Policy

policy = Policy.from_checkpoint("here")
""",
            """
from ray.rllib.policy.policy import Policy

# TODO(rlmigrate RLM502): policies are gone: rlmigrate convert CHECKPOINT OUT makes an
#     RLModule's checkpoint of a policy's, which RLModule.from_checkpoint() loads
policy = Policy.from_checkpoint("here")
""",
        ),
        Case(
            "model_of_a_policy",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
print(algo.get_policy().model)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
print(algo.get_module())
""",
        ),
    ),
)
