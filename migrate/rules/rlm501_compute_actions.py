"""Calls that compute actions become functions over connectors and modules."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.emit.actions_file import ACTIONS_FILE, actions_module, actions_text
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.acting import FUNCTIONS, acting_call, acting_problem
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.modules import module_for
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.source import Span

CODE = "RLM501"
RECIPE = (
    "{name}() needs a Policy: take module = algo.get_module(), put the observation with a batch "
    "dimension as a tensor into out = module.forward_{phase}({{Columns.OBS: ...}}), make "
    "dist = module.get_{phase}_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS]), "
    "and take dist{deterministic}.sample(); connectors and the unsquashing of Box actions are yours"
)
NAMES = frozenset(
    {"compute_action", "compute_actions", "compute_single_action"}
    | {"compute_actions_from_input_dict", "compute_log_likelihoods"}
)


def check(context: FileContext) -> Iterable[Finding]:
    """Find the calls, on objects that are RLlib's."""
    nodes = nodes_of(context)
    for function in nodes.attributes(*NAMES):
        call = nodes.parents.get(function)
        if not isinstance(call, ast.Call) or call.func is not function:
            continue
        thing = algorithm_like(context, function.value)
        if thing in (Thing.ALGORITHM, Thing.POLICY):
            yield _rewritten(context, call, thing) or _recipe(context, call, thing)


def _rewritten(context: FileContext, call: ast.Call, thing: Thing) -> Finding | None:
    """The call of a function in the file that is written beside the script."""
    assert isinstance(call.func, ast.Attribute)
    if context.settings.target != "ray" or acting_problem(call, thing) is not None:
        return None
    owner: str | None = context.source.segment(call.func.value)
    if thing is Thing.POLICY:
        owner = module_for(context, call.func.value)
    if owner is None:
        return None
    name = FUNCTIONS[thing][call.func.attr]
    file = context.index.files[context.source.path]
    if name in _bound(context):
        return None
    source = context.source
    after = source.span(call.func).end
    opened = source.text.index("(", after) + 1
    arguments = acting_call(call, thing)
    plain = len(arguments) == len(call.args) + len(call.keywords) and all(
        keyword.arg == label
        for keyword, (label, _) in zip(call.keywords, arguments[len(call.args) :], strict=True)
    )
    if plain:  # the arguments stay as they are laid out
        rest = source.text[opened:]
        gap = rest[: len(rest) - len(rest.lstrip())]
        joint = "," if "\n" in gap else ", "
        start = f"{name}({gap if joint == ',' else ''}{owner}{joint}"
        edits = (Edit(Span(source.span(call).start, opened), start, CODE),)
    else:
        texts = [
            (f"{label}=" if label else "") + source.segment(value) for label, value in arguments
        ]
        edits = (Edit(source.span(call), f"{name}({', '.join([owner, *texts])})", CODE),)
    item = _item(
        context, call, thing, Outcome.NATIVE, f"is now {name}() of {ACTIONS_FILE}.py", name
    )
    new = {str(source.path.parent / f"{ACTIONS_FILE}.py"): actions_text()}
    imports = Imports(frozenset({(actions_module(context.index, file), name)}))
    return Finding(item, edits, imports, new_files=new)


def _bound(context: FileContext) -> set[str]:
    """Names that the file gives to things of its own."""
    nodes = nodes_of(context)
    own = {node.name for node in nodes.of(ast.FunctionDef)}
    own |= {node.name for node in nodes.of(ast.ClassDef)}
    return own | {name.id for name in nodes.of(ast.Name) if not isinstance(name.ctx, ast.Load)}


def _recipe(context: FileContext, call: ast.Call, thing: Thing) -> Finding:
    assert isinstance(call.func, ast.Attribute)
    explores = next((k.value for k in call.keywords if k.arg == "explore"), None)
    greedy = isinstance(explores, ast.Constant) and explores.value is False
    message = RECIPE.format(
        name=call.func.attr,
        phase="inference" if greedy else "exploration",
        deterministic=".to_deterministic()" if greedy else "",
    )
    return Finding(_item(context, call, thing, Outcome.MANUAL, message))


def _item(
    context: FileContext,
    call: ast.Call,
    thing: Thing,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    assert isinstance(call.func, ast.Attribute)
    return Item(
        path=str(context.source.path),
        line=call.lineno,
        name=f"{thing}.{call.func.attr}()",
        kind=Kind.CALL,
        outcome=outcome,
        code=CODE,
        message=message,
        new_name=new_name,
        column=call.col_offset,
    )


RULE = Rule(
    code=CODE,
    name="compute-actions",
    kind=Kind.CALL,
    summary="Calls that compute actions become functions over connectors and modules.",
    explanation="""
The new stack has no policies: env runners put observations through connectors into the RLModule,
draw from its action distribution, and unsquash or clip what goes to the environment. A file
`rlmigrate_actions.py`, written beside the script, does the same for single observations, with
`explore` and states as they were; it is plain code over Ray and yours to change. A call on a policy
becomes a call on its module, if all that is done with the policy can be done with the module. What
the functions do not take (previous actions, input dicts of an algorithm) is left to a person.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/getting-started.html",
    unchanged=(
        Case(
            "method_of_the_projects_own_class",
            """
import ray.rllib


class Agent:
    def compute_action(self, obs):
        return 0


agent = Agent()
agent.compute_action(1)
""",
        ),
    ),
    cases=(
        Case(
            "single_action",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
action = algo.compute_single_action([0.0], explore=False)
action = algo.compute_action(
    [0.0],  # an observation
    policy_id="walker",
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from rlmigrate_actions import compute_single_action

algo = PPOConfig().build_algo()
action = compute_single_action(algo, [0.0], explore=False)
action = compute_single_action(
    algo,
    [0.0],  # an observation
    policy_id="walker",
)
""",
        ),
        Case(
            "policy_becomes_module",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
policy = algo.get_policy("walker")
action, state, _ = policy.compute_single_action(obs=[0.0], timestep=None)
actions = algo.get_policy().compute_actions([[0.0]])[0]
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from rlmigrate_actions import module_actions, module_single_action

algo = PPOConfig().build_algo()
policy = algo.get_module("walker")
action, state, _ = module_single_action(policy, observation=[0.0])
actions = module_actions(algo.get_module(), [[0.0]])[0]
""",
        ),
        Case(
            "previous_actions",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
action = algo.compute_single_action([0.0], prev_action=last, explore=False)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
# TODO(rlmigrate RLM501): compute_single_action() needs a Policy: take module =
#     algo.get_module(), put the observation with a batch dimension as a tensor into out =
#     module.forward_inference({Columns.OBS: ...}), make dist =
#     module.get_inference_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS]), and
#     take dist.to_deterministic().sample(); connectors and the unsquashing of Box actions are
#     yours
action = algo.compute_single_action([0.0], prev_action=last, explore=False)
""",
        ),
    ),
)
