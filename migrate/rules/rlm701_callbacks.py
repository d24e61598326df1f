"""Callbacks take the arguments of the new stack and log metrics with its logger."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.callback_setup import read_constructor
from rlmigrate.migrate.reading.callbacks import EPISODE, arguments, read_method, read_trainer
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

CODE = "RLM701"
GONE = {
    "on_postprocess_trajectory": "write a learner connector (config.learners(learner_connector=))",
    "on_learn_on_batch": "write a learner connector (config.learners(learner_connector=))",
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
    unchanged=(
        Case(
            "constructor_of_a_base_of_their_own",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Base(RLlibCallback):
    def __init__(self, path=None):
        super().__init__()
        self.path = path


class Heir(Base):
    def __init__(self, path):
        super().__init__(path)


class Mixed(RLlibCallback, Base):
    def __init__(self, path):
        super().__init__(path)
""",
        ),
        Case(
            "arguments_of_both_stacks",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Mine(RLlibCallback):
    def on_episode_end(self, *, episode, env_runner=None, worker=None, **kwargs):
        print((env_runner or worker), len(episode))
""",
        ),
        Case(
            "callbacks_of_another_library",
            """
import ray.rllib
from keras.callbacks import Callback


class Log(Callback):
    def on_episode_end(self, worker, episode):
        episode.custom_metrics["x"] = 1
""",
        ),
        Case(
            "arguments_of_today",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, episode, metrics_logger, **kwargs):
        metrics_logger.log_value("x", len(episode))
""",
        ),
    ),
    cases=(
        Case(
            "dict_of_functions",
            """
from typing import Generic, TypeVar

from ray.rllib.callbacks.callbacks import RLlibCallback

T = TypeVar("T")


class Log(RLlibCallback):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__(legacy_callbacks_dict)
        self.seen = 0


class Named(RLlibCallback):
    def __init__(self, size=2, legacy_callbacks_dict=None):
        RLlibCallback.__init__(self, legacy_callbacks_dict=legacy_callbacks_dict)
        self.size = size


class Reading(RLlibCallback, Generic[T]):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__(legacy_callbacks_dict)
        print(legacy_callbacks_dict)
""",
            """
from typing import Generic, TypeVar

from ray.rllib.callbacks.callbacks import RLlibCallback

T = TypeVar("T")


class Log(RLlibCallback):
    def __init__(self):
        super().__init__()
        self.seen = 0


class Named(RLlibCallback):
    def __init__(self, size=2):
        RLlibCallback.__init__(self)
        self.size = size


class Reading(RLlibCallback, Generic[T]):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__()
        print(legacy_callbacks_dict)
""",
        ),
        Case(
            "custom_metrics",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, worker, base_env, policies, episode, env_index, **kwargs):
        episode.user_data["angles"] = []

    def on_episode_end(self, *, worker, episode, env_index, **kwargs):
        mean = sum(episode.user_data["angles"]) / episode.length
        episode.custom_metrics["angle"] = mean
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, env_runner, env, rl_module, episode, env_index, **kwargs):
        episode.custom_data["angles"] = []

    def on_episode_end(self, *, env_runner, episode, env_index, metrics_logger, **kwargs):
        mean = sum(episode.custom_data["angles"]) / len(episode)
        metrics_logger.log_value("angle", mean, reduce="mean")
""",
        ),
        Case(
            "environment_worker_and_super",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_step(self, *, worker, base_env, episode, env_index, **kwargs):
        super().on_episode_step(worker=worker, base_env=base_env, episode=episode, **kwargs)
        if worker.config.in_evaluation and worker.env.level > 2 and episode.last_info_for():
            print(base_env.get_sub_environments()[env_index].score)

    def on_sample_end(self, *, worker, samples, **kwargs):
        print(worker.worker_index, samples.count)

    def on_trainer_init(self, *, trainer, **kwargs):
        print(trainer)
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_step(self, *, env_runner, env, episode, env_index, **kwargs):
        super().on_episode_step(env_runner=env_runner, env=env, episode=episode, **kwargs)
        if env_runner.config.in_evaluation and env_runner.env.unwrapped.envs[0].get_wrapper_attr("level") > 2 and episode.get_infos(-1):
            print(env.unwrapped.envs[env_index].get_wrapper_attr("score"))

    def on_sample_end(self, *, env_runner, samples, **kwargs):
        print(env_runner.worker_index, sum(len(episode) for episode in samples))

    def on_algorithm_init(self, *, algorithm, **kwargs):
        print(algorithm)
""",  # noqa: E501
        ),
        Case(
            "environments_in_another_hand",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, base_env, episode, **kwargs):
        self.save(base_env)
""",
            """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    # TODO(rlmigrate RLM701): base_env is used: it is env now, with members of its own, whose
    #     env.unwrapped.envs are the single ones
    def on_episode_end(self, *, base_env, episode, **kwargs):
        self.save(base_env)
""",
        ),
    ),
)
