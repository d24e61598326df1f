"""Callbacks take the arguments of the new stack and log metrics with its logger."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.callback_setup import read_constructor
from rlmigrate.migrate.reading.callbacks import EPISODE, arguments, read_method, read_trainer
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm701 import CASES, UNCHANGED

CODE = "RLM701"
_CONNECTOR = (
    "what changes a batch belongs into the __call__(self, *, episodes, batch, **kwargs) of a "
    "ConnectorV2, given by config.learners(learner_connector=lambda obs_space, action_space: "
    "Mine())"
)
GONE = {
    "on_postprocess_trajectory": f"{_CONNECTOR}; what only looks at an episode, into "
    "on_episode_end(), which has its observations, actions and rewards",
    "on_learn_on_batch": _CONNECTOR,
    "on_create_policy": "the new stack has no policies; see MultiRLModule.add_module()",
    "on_sub_environment_created": "use on_environment_created(env_runner=, env=, env_context=)",
    "on_workers_recreated": "use on_env_runners_recreated(env_runner_group=)",
}


def check(context: FileContext) -> Iterable[Finding]:
    """Find the methods of callback classes."""
    entry = context.index.files.get(context.source.path)
    if entry is None or not any(word in context.source.raw for word in (b"def on_", b"__init__")):
        return
    lines = {
        found.line
        for found in entry.classes
        if context.index.legacy_kind(found.qualified) == "callback"
    }
    nodes = nodes_of(context)
    for node in nodes.of(ast.ClassDef):
        if node.lineno not in lines:
            continue
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name.startswith(("on_", "__init__")):
                finding = _finding(context, nodes, node, method)
                if finding is not None:
                    yield finding


def _finding(
    context: FileContext, nodes: Nodes, owner: ast.ClassDef, method: ast.FunctionDef
) -> Finding | None:
    def item(outcome: Outcome, message: str) -> Item:
        return Item(
            path=str(context.source.path),
            line=method.lineno,
            name=f"{owner.name}.{method.name}",
            kind=Kind.CALLBACK,
            outcome=outcome,
            code=CODE,
            message=message,
            column=method.col_offset,
        )

    if method.name in GONE and _does_nothing(method):
        return Finding(item(Outcome.UNCHANGED, "does nothing, and nothing calls it: delete it"))
    if method.name in GONE:
        return Finding(item(Outcome.MANUAL, f"{method.name} is gone: {GONE[method.name]}"))
    if method.name == "__init__":
        made = read_constructor(context, owner, method)
    elif method.name in EPISODE:
        made = read_method(context, nodes, method)
    elif any(arg.arg == "trainer" for arg in arguments(method)):
        made = read_trainer(context, nodes, method)
    else:
        return None
    if made.problems:
        return Finding(item(Outcome.MANUAL, "; ".join(dict.fromkeys(made.problems))))
    if not made.edits:
        return None
    message = "takes the new stack's arguments" + (
        ", logs with metrics_logger" if made.logs else ""
    )
    if method.name == "__init__":
        message = "gives its base class no dict of functions, which it does not take"
    imports = Imports(unneeded=frozenset(made.unneeded))
    return Finding(item(Outcome.NATIVE, message), tuple(made.edits), imports)


def _does_nothing(method: ast.FunctionDef) -> bool:
    """Whether a body holds no more than a docstring, `pass` or `...`."""
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in method.body
    )


RULE = Rule(
    code=CODE,
    name="callbacks",
    kind=Kind.CALLBACK,
    summary="Callbacks take the arguments of the new stack and log metrics with its logger.",
    explanation="""
Env runners call the callbacks with `episode`, `env_runner`, `metrics_logger`, `env`, `env_index`
and `rl_module`; a required `worker` is a TypeError. `episode.custom_metrics` is gone: metrics are
logged with `metrics_logger.log_value`. Methods that use what the new stack lacks are marked with
what takes its place.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/rllib-callback.html",
    unchanged=UNCHANGED,
    cases=CASES,
)
