"""Functions and classes that only wrapped a value are gone: the value is taken as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import RELEASE_NOTES, imports_of, item
from rlmigrate.migrate.source import Span

CODE = "RLM614"
FUNCTION = "ray.tune.function"
CALLBACKS = frozenset(
    {"ray.rllib.algorithms.callbacks.MultiCallbacks", "ray.rllib.agents.callbacks.MultiCallbacks"}
)
#: Since this release, callbacks may be a list of classes.
LISTS = (2, 44)


def check(context: FileContext) -> Iterable[Finding]:
    """Find the calls."""
    nodes = nodes_of(context)
    release = tuple(int(part) for part in context.settings.ray_version.split(".")[:2])
    for call, name in nodes.ray_calls(imports_of(context)):
        if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
            continue
        if name == FUNCTION:
            text = "tune.function() is gone: a config takes the function itself"
        elif name in CALLBACKS and release >= LISTS and _is_callbacks(nodes, call):
            text = "MultiCallbacks is gone: a config takes a list of callbacks classes"
        else:
            continue
        edits = _unwrapped(context, nodes, call)
        if edits:
            found = item(
                context,
                call,
                code=CODE,
                name=name,
                kind=Kind.CONFIG,
                outcome=Outcome.NATIVE,
                message=text,
            )
            yield Finding(found, edits, Imports(unneeded=frozenset({name})))


def _is_callbacks(nodes: Nodes, call: ast.Call) -> bool:
    """Whether a call is what a config gets as its callbacks."""
    match nodes.parents.get(call):
        case ast.Dict(keys=keys, values=values):
            key = keys[values.index(call)]
            return isinstance(key, ast.Constant) and key.value == "callbacks"
        case ast.keyword(arg="callbacks_class" | "callbacks"):
            return True
        case ast.Call(func=ast.Attribute(attr="callbacks"), args=[first]):
            return first is call
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value="callbacks"))]):
            return True
    return False


def _unwrapped(context: FileContext, nodes: Nodes, call: ast.Call) -> tuple[Edit, ...]:
    """Leave what stands between the brackets; none where a comment would be lost."""
    source, value = context.source, call.args[0]
    around, inner = source.span(call), source.span(value)
    before, after = source.text[around.start : inner.start], source.text[inner.end : around.end]
    plain = isinstance(nodes.parents.get(call), ast.Dict | ast.keyword | ast.Call | ast.Assign)
    loose = isinstance(value, ast.Lambda | ast.IfExp | ast.NamedExpr | ast.BoolOp)
    if "#" in before + after or (loose and not plain):
        return ()
    return (
        Edit(Span(around.start, inner.start), "", CODE),
        Edit(Span(inner.end, around.end), "", CODE),
    )


RULE = Rule(
    code=CODE,
    name="gone-wrappings",
    kind=Kind.CONFIG,
    summary="Functions and classes that only wrapped a value are gone: the value is taken as it "
    "is.",
    explanation="""
`tune.function(f)` once kept a function in a config from being called; `MultiCallbacks([A, B])` made
one class of several. Configs take functions as they are, and since Ray 2.44 lists of callbacks.
""",
    check=check,
    since="2.44",
    link=RELEASE_NOTES,
    words=frozenset({"tune", "MultiCallbacks"}),
    unchanged=(
        Case(
            "callbacks_of_another_library",
            """
import ray.rllib
from mine import MultiCallbacks, function

CONFIG = {"callbacks": MultiCallbacks([print]), "f": function(print)}
""",
        ),
        Case(
            "comment_that_would_be_lost",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment(
    env_config={
        "reward": tune.function(  # called in the environment
            print
        )
    }
)
""",
        ),
    ),
    cases=(
        Case(
            "callbacks_of_a_config",
            """
from ray.rllib.algorithms.callbacks import MultiCallbacks
from ray.rllib.algorithms.ppo import PPOConfig

from mine import Log, Video

config = PPOConfig().callbacks(
    MultiCallbacks(
        [Log, Video]
    )
)
other = PPOConfig().update_from_dict({"callbacks": MultiCallbacks([Log])})
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

from mine import Log, Video

config = PPOConfig().callbacks(
    [Log, Video]
)
other = PPOConfig().update_from_dict({"callbacks": [Log]})
""",
        ),
        Case(
            "function_of_tune",
            """
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment(env_config={"reward": tune.function(lambda step: -step)})
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().environment(env_config={"reward": lambda step: -step})
""",
        ),
    ),
)
