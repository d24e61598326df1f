"""Policies and what hangs on them are found; their models become modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.acting import FUNCTIONS, acting_problem
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.gone_members import GONE, OF_MODELS
from rlmigrate.migrate.reading.modules import as_module, getting, policy_origin
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.reading.weights import weights_edits
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import member_item
from rlmigrate.migrate.source import Span

CODE = "RLM502"

#: A policy that is read from its checkpoint.
RESTORED = re.compile(r"ray\.rllib\.(policy\.(\w+\.)*)?(Torch|TF)?Policy(V2)?\.from_checkpoint")

WANTED = frozenset({name for _, name in GONE} | {"get_policy", "model"})


def check(context: FileContext) -> Iterable[Finding]:
    """Find members of objects that are RLlib's."""
    nodes = nodes_of(context)
    for node in nodes.attributes(*WANTED):
        thing = algorithm_like(context, node.value)
        if thing is Thing.OTHER:
            continue
        finding = _finding(context, nodes, node, thing)
        if finding is not None:
            yield finding
    for item in nodes.of(ast.Subscript):
        listed = item.value
        if not (isinstance(listed, ast.Attribute) and listed.attr == "policy_map"):
            continue
        if isinstance(item.ctx, ast.Load) and algorithm_like(context, item) is Thing.POLICY:
            yield from _gotten(context, nodes, item, listed, Thing.WORKER)
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
    if node.attr in ("get_weights", "set_weights") and weights_edits(context, node):
        return None  # RLM503's
    if key == (Thing.WORKER, "policy_map") and isinstance(nodes.parents[node], ast.Subscript):
        return None  # the item is at policy_map[id]
    if key == (Thing.WORKER, "env") and not _one_environment(context, nodes, node):
        return None
    if key in GONE:
        text = f"{node.attr} is gone: {GONE[key]}"
        if node.attr == "env":
            text = GONE[key]
        return Finding(_item(context, node, thing, Outcome.MANUAL, text))
    if key == (Thing.POLICY, "model"):
        return _model(context, nodes, node)
    if key in ((Thing.ALGORITHM, "get_policy"), (Thing.WORKER, "get_policy")):
        call = nodes.parents.get(node)
        if isinstance(call, ast.Call):
            return next(iter(_gotten(context, nodes, call, node, thing)), None)
    return None


def _one_environment(context: FileContext, nodes: Nodes, node: ast.Attribute) -> bool:
    """Whether `.env` is read of what is a worker by its old name, as one environment."""
    parent = nodes.parents[node]
    if isinstance(parent, ast.Attribute) and parent.attr in ("unwrapped", "envs", "num_envs"):
        return False
    owner = node.value
    value = nodes.value_of(owner) if isinstance(owner, ast.Name) else None
    return isinstance(node.ctx, ast.Load) and "worker" in context.source.segment(value or owner)


def _gotten(
    context: FileContext, nodes: Nodes, call: ast.expr, node: ast.Attribute, thing: Thing
) -> Iterable[Finding]:
    """`algo.get_policy()` and `algo...policy_map[id]`, unless the item is at what follows."""
    outer = nodes.parents.get(call)
    if isinstance(outer, ast.Attribute):
        if outer.attr == "model" or weights_edits(context, outer):
            return
        if (Thing.POLICY, outer.attr) in GONE:
            return  # whose item says what the module has in its place
        if outer.attr in FUNCTIONS[Thing.POLICY] and policy_origin(context, call) is not None:
            beyond = nodes.parents.get(outer)
            if isinstance(beyond, ast.Call) and acting_problem(beyond, Thing.POLICY) is None:
                return
    edits = as_module(context, call)
    if edits is not None and context.settings.target == "ray":
        text = f"{node.attr} is now get_module()"
        yield Finding(_item(context, node, thing, Outcome.NATIVE, text, "get_module"), edits)
        return
    text = (
        f"{node.attr} is gone: algo.get_module(policy_id) returns the RLModule that acts; weights "
        "are algo.get_weights()[policy_id]"
    )
    yield Finding(_item(context, node, thing, Outcome.MANUAL, text))


def _model(context: FileContext, nodes: Nodes, node: ast.Attribute) -> Finding | None:
    """`algo.get_policy("x").model` is now `algo.get_module("x")`."""
    if isinstance(node.value, ast.Name):
        made = nodes.value_of(node.value)
        if made is None or as_module(context, made) is not None:
            return None  # a policy rule's, or dropped where the name becomes a module
    origin = policy_origin(context, node.value)
    parent = nodes.parents[node]
    member = parent.attr if isinstance(parent, ast.Attribute) else ""
    if member == "load_state_dict" and weights_edits(context, node):
        return None
    problem = OF_MODELS.get(member, "")
    if member == "load_state_dict":
        problem = GONE[(Thing.POLICY, "set_weights")]
    if isinstance(parent, ast.Call) and parent.func is node:
        problem = OF_MODELS["forward"]
    if problem or origin is None or isinstance(node.value, ast.Name):
        text = "the model of a policy is now the module: "
        text += problem or "algo.get_module(policy_id), which has the model's attributes itself"
        return Finding(_item(context, node, Thing.POLICY, Outcome.MANUAL, text))
    text = f"{_name(origin.getter)}.model is now get_module()"
    item = _item(context, node, Thing.POLICY, Outcome.NATIVE, text, "get_module")
    source = context.source
    after = Span(source.span(origin.getter).end, source.span(node).end)
    return Finding(item, (*getting(context, origin), Edit(after, "", CODE)))


def _name(getter: ast.expr) -> str:
    return "get_policy()" if isinstance(getter, ast.Call) else "policy_map[]"


def _item(
    context: FileContext,
    node: ast.Attribute,
    thing: Thing,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    return member_item(
        context,
        node,
        code=CODE,
        outcome=outcome,
        message=message,
        name=f"{thing}.{node.attr}",
        new_name=new_name,
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
