"""Members that only RLlib's algorithms and workers have are listed on objects of unknown origin."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.gone_members import GONE
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import member_item

CODE = "RLM504"
_ACTS = (
    "rlmigrate_actions.py, which rlmigrate writes beside scripts whose algorithm it knows, has "
    "{function}() in its place"
)
#: Members by name, with the advice. Others have methods of these names hardly ever.
ADVICE = {
    "compute_single_action": _ACTS.format(function="compute_single_action"),
    "compute_actions_from_input_dict": _ACTS.format(function="module_actions_from_input_dict"),
    "compute_log_likelihoods": _ACTS.format(function="module_log_likelihoods"),
    "local_worker": "it is the property local_env_runner",
    "remote_workers": GONE[(Thing.WORKERS, "remote_workers")],
    "foreach_worker": "it is foreach_env_runner()",
    "foreach_policy": GONE[(Thing.WORKERS, "foreach_policy")],
    "foreach_policy_to_train": GONE[(Thing.WORKERS, "foreach_policy_to_train")],
    "foreach_trainable_policy": GONE[(Thing.WORKERS, "foreach_policy_to_train")],
    "evaluation_workers": "it is eval_env_runner_group",
    "export_policy_model": GONE[(Thing.ALGORITHM, "export_policy_model")],
    "export_policy_checkpoint": GONE[(Thing.ALGORITHM, "export_policy_checkpoint")],
    "policy_map": GONE[(Thing.WORKER, "policy_map")],
}
#: Methods that others have too: only on what is called as RLlib's things are.
COMMON = {
    "compute_action": _ACTS.format(function="compute_single_action"),
    "compute_actions": _ACTS.format(function="compute_actions"),
    "get_policy": "algo.get_module(policy_id) returns the RLModule that acts",
}
CALLED = ("algo", "trainer", "policy", "ppo", "dqn", "sac", "agent")


def check(context: FileContext) -> Iterable[Finding]:
    """Find the members, one of a name in a function."""
    entry = context.index.files.get(context.source.path)
    if entry is None or not any(
        name.startswith("ray.rllib") for name in entry.imports.names.values()
    ):
        return
    nodes = nodes_of(context)
    seen: set[tuple[ast.AST, str]] = set()
    for node in nodes.attributes(*ADVICE, *COMMON):
        key = (nodes.scope(node), node.attr)
        if key in seen or not _unknown(context, nodes, node):
            continue
        seen.add(key)
        owner = context.source.segment(node.value)
        owner = owner if len(owner) < 40 and "\n" not in owner else "the object"
        advice = ADVICE.get(node.attr) or COMMON[node.attr]
        text = f"the file does not show what {owner} is; if it is RLlib's: {advice}"
        told = member_item(context, node, code=CODE, outcome=Outcome.UNCHANGED, message=text)
        yield Finding(told)


def _unknown(context: FileContext, nodes: Nodes, node: ast.Attribute) -> bool:
    """Whether a member is read of something that may be RLlib's and is not known to be."""
    if not isinstance(node.ctx, ast.Load) or algorithm_like(context, node.value):
        return False
    if node.attr in ("compute_actions", "compute_action", "get_policy") or node.attr in ADVICE:
        called = isinstance(nodes.parents.get(node), ast.Call)
        if not called and node.attr not in ("evaluation_workers", "policy_map"):
            return False
    root: ast.expr = node.value
    while isinstance(root, ast.Attribute | ast.Call | ast.Subscript):
        before = isinstance(root, ast.Attribute) and root.attr in ADVICE
        if before or algorithm_like(context, root):
            return False  # the item is at that member
        root = root.func if isinstance(root, ast.Call) else root.value
    name = dotted(node.value) or ""
    if node.attr in COMMON:
        last = name.rpartition(".")[2].lower()
        if not last.rstrip("0123456789").endswith(CALLED) and not last.startswith(CALLED):
            return False
    if not isinstance(root, ast.Name) or name in ("self", "cls") or root.id == "super":
        return False
    return not _is_another(context, nodes, root)


def _is_another(context: FileContext, nodes: Nodes, root: ast.Name) -> bool:
    """Whether a name is known to be something else: a module, a class or what one made."""
    imports = context.index.files[context.source.path].imports
    if root.id in imports.names:
        return True
    value = nodes.value_of(root)
    if value is None:
        bound = nodes.bindings(root.id, nodes.tree)
        return any(isinstance(item, ast.ClassDef | ast.FunctionDef) for item in bound)
    if not isinstance(value, ast.Call):
        return isinstance(value, ast.Constant | ast.Dict | ast.List | ast.Set | ast.Tuple)
    made = imports.qualified(value.func) or ""
    if isinstance(value.func, ast.Name):
        own = nodes.bindings(value.func.id, nodes.tree)
        return any(isinstance(item, ast.ClassDef) for item in own) or bool(
            made and not made.startswith("ray.") and made.rpartition(".")[2][:1].isupper()
        )
    return False


RULE = Rule(
    code=CODE,
    name="members-of-unknown",
    kind=Kind.CALL,
    summary="Members that only RLlib's algorithms and workers have are listed on objects of "
    "unknown origin.",
    explanation="""
Calls are rewritten where the object is certain to be RLlib's. Where a function takes it from who
knows where, but the file imports RLlib and the member is one of RLlib's old stack, the report lists
the place, once for a name in a function, so that silence never means that nothing is left to do.
The file stays as it is: it is a suspicion only.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    words=frozenset({*ADVICE, *COMMON}),
    unchanged=(
        Case(
            "objects_of_other_classes",
            """
import ray.rllib
import solvers
from pool import Pool


class Agent:
    def compute_actions(self, observations):
        return self.policy.compute_action(observations)


agent = Agent()
agent.compute_actions([])
trainer = Pool()
trainer.foreach_worker(print)
solvers.get_policy("here")
env_policy = {}
print(env_policy.get_policy)
""".replace("self.policy.compute_action(observations)", "self.act(observations)"),
        ),
        Case(
            "what_a_caller_hands_over",
            """
from ray.rllib.algorithms.ppo import PPO


def act(agents, observation):
    first = agents[0].compute_single_action(observation)
    return first, agents[1].compute_single_action(observation)
""",
        ),
        Case(
            "worker_of_an_algorithm_that_a_function_is_given",
            """
from ray.rllib.algorithms.algorithm import Algorithm
from mine import make


def envs():
    algo = make()
    worker = algo.evaluation_workers.local_worker()
    return worker.policy_map
""",
        ),
        Case(
            "file_without_rllib",
            """
import ray


def act(trainer, observation):
    return trainer.compute_single_action(observation)
""",
        ),
    ),
    cases=(),
)
