"""Arguments of configs whose meaning, not only name, changed.

SPECIAL        argument to what decides on it
decide_rates   the learning rates of algorithms that have three
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rlmigrate.migrate.configs.argument_text import value_text
from rlmigrate.migrate.configs.decision import Decision, Gain
from rlmigrate.migrate.configs.writing import wrapped
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.rules.base import FileContext

Argument = ast.expr | ast.keyword
Decide = Callable[[FileContext, Argument, ast.expr], Decision | None]

RENAMED = "RLM403"
STACK = "RLM405"
MEANING = "RLM406"


@dataclass(frozen=True)
class Special:
    """One argument; `methods` are the builder calls that it is looked at in, empty for all."""

    decide: Decide
    methods: frozenset[str] = frozenset()


def constant(node: ast.expr) -> object:
    """Return the value of a literal; the node itself where it is none."""
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return node
    return value


def _native(
    code: str, name: str, message: str, node: Argument, *gains: Gain, imports: Imports | None = None
) -> Decision:
    return Decision(code, name, Outcome.NATIVE, message, node, gains, imports or Imports())


def _manual(name: str, message: str, node: Argument) -> Decision:
    return Decision(MEANING, name, Outcome.MANUAL, message, node)


def _api_flag(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    """The new stack is the default of every release that is written for."""
    name = node.arg if isinstance(node, ast.keyword) and node.arg else "api_stack"
    given = constant(value)
    if given is True:
        return _native(STACK, name, f"{name}=True is the default now", node)
    if given is False:
        return _native(
            STACK, name, f"{name}=False kept the old stack; the config moves to the new one", node
        )
    return Decision(
        STACK, name, Outcome.MANUAL, f"{name} is computed; the new stack needs it True", node
    )


def _framework(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    given = constant(value)
    if given == "torch" or given is None:
        return None
    if isinstance(given, str) and given.startswith("tf"):
        return _native(
            MEANING,
            "framework",
            f'framework("{given}"): the new stack runs torch only; nets start anew in torch',
            node,
            Gain("framework", "framework" if isinstance(node, ast.keyword) else "", '"torch"'),
        )
    return _native(
        MEANING,
        "framework",
        f"framework({wrapped(context.source.segment(value))}): the new stack runs torch only",
        node,
        Gain("framework", "framework" if isinstance(node, ast.keyword) else "", '"torch"'),
    )


_EPSILON = frozenset({"initial_epsilon", "final_epsilon", "epsilon_timesteps"})


def _exploration(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    """Exploration objects are gone: the module explores, or the algorithm has a setting."""
    given = constant(value)
    kind = given.get("type") if isinstance(given, dict) else None
    if given in ({}, None) or (kind == "StochasticSampling" and len(given) == 1):  # type: ignore[arg-type]
        return _native(
            MEANING,
            "exploration_config",
            "exploration_config is gone; forward_exploration samples, as it did",
            node,
        )
    bare = kind is None and isinstance(given, dict) and set(given) <= _EPSILON
    if isinstance(given, dict) and (kind == "EpsilonGreedy" or bare):  # DQN's default
        first = given.get("initial_epsilon", 1.0)
        last = given.get("final_epsilon", 0.05)
        steps = given.get("epsilon_timesteps", 10000)
        if set(given) <= _EPSILON | {"type"}:
            return _native(
                MEANING,
                "exploration_config",
                "EpsilonGreedy becomes training(epsilon=)",
                node,
                Gain("training", "epsilon", f"[(0, {first!r}), ({steps!r}, {last!r})]"),
            )
    what = f" ({kind})" if isinstance(kind, str) else ""
    return _manual(
        "exploration_config",
        f"exploration_config{what} is gone: put the exploration into the RLModule's "
        "_forward_exploration()",
        node,
    )


def _filter(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    given = constant(value)
    if given in ("NoFilter", None):
        return _native(MEANING, "observation_filter", "observations are not filtered anyway", node)
    if given in ("MeanStdFilter", "ConcurrentMeanStdFilter"):
        return _native(
            MEANING,
            "observation_filter",
            "observation_filter becomes the MeanStdFilter connector",
            node,
            Gain("env_runners", "env_to_module_connector", _FILTER),
            imports=Imports(frozenset({("ray.rllib.connectors.env_to_module", "MeanStdFilter")})),
        )
    return _manual("observation_filter", "write the filter as an env-to-module connector", node)


_FILTER = "lambda env, spaces=None, device=None: MeanStdFilter()"


def _remote_envs(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    given = constant(value)
    if context.settings.ray_version == "2.40":
        return None  # has no other word for it
    if given is False:
        return _native(RENAMED, "remote_worker_envs", "environments are stepped in turn", node)
    mode = '"ASYNC"' if context.settings.ray_version == "2.47" else '"async"'
    if given is True:
        return _native(
            RENAMED,
            "remote_worker_envs",
            f"remote_worker_envs is now env_runners(gym_env_vectorize_mode={mode})",
            node,
            Gain("env_runners", "gym_env_vectorize_mode", mode),
        )
    asked = context.source.segment(value)
    if not isinstance(value, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        asked = f"({asked})"
    other = mode.replace("ASYNC", "SYNC").replace("async", "sync")
    return _native(
        RENAMED,
        "remote_worker_envs",
        f"remote_worker_envs is now env_runners(gym_env_vectorize_mode={mode} or {other})",
        node,
        Gain("env_runners", "gym_env_vectorize_mode", f"{mode} if {asked} else {other}"),
    )


def _gpus(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    """On the old stack the driver learned, on the new one the learners do."""
    given = constant(value)
    text = context.source.segment(value)
    gains: tuple[Gain, ...]
    if given == 0:
        return _native(MEANING, "num_gpus", "learners use no GPU unless they are given one", node)
    if isinstance(given, int) and given > 1:
        gains = (
            Gain("learners", "num_learners", str(given)),
            Gain("learners", "num_gpus_per_learner", "1"),
        )
    else:
        gains = (Gain("learners", "num_gpus_per_learner", text),)
    return _native(
        MEANING,
        "num_gpus",
        "num_gpus of the driver is now num_gpus_per_learner, one learner a GPU",
        node,
        *gains,
    )


def _schedule(of: str) -> Decide:
    def decide(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
        name = f"{of}_schedule"
        if constant(value) is None:
            return _native(RENAMED, name, f"{name} is gone; {of} takes a schedule", node)
        return Decision(
            MEANING,
            name,
            Outcome.NATIVE,
            f"{name} is gone; {of} takes the schedule itself",
            node,
            (Gain("training", of, value_text(context.source, node, value)),),
        )

    return decide


def _buffer(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    """The new stack's buffers hold episodes."""
    given = constant(value)
    kind = given.get("type") if isinstance(given, dict) else None
    if isinstance(kind, str) and "Episode" in kind:
        return None
    new = {
        "MultiAgentPrioritizedReplayBuffer": "PrioritizedEpisodeReplayBuffer",
        "PrioritizedReplayBuffer": "PrioritizedEpisodeReplayBuffer",
        "MultiAgentReplayBuffer": "EpisodeReplayBuffer",
        "ReplayBuffer": "EpisodeReplayBuffer",
    }
    hint = f'; the counterpart is "{new[kind]}"' if isinstance(kind, str) and kind in new else ""
    return _manual(
        "replay_buffer_config",
        f"replay_buffer_config names a buffer of batches; the new stack's hold episodes{hint}",
        node,
    )


def _to_learners(context: FileContext, node: Argument, value: ast.expr) -> Decision | None:
    name = node.arg if isinstance(node, ast.keyword) and node.arg else ""
    if context.settings.ray_version in ("2.40", "2.47"):
        return None
    return _native(
        RENAMED,
        name,
        f"{name} is now learners({name}=)",
        node,
        Gain("learners", name, value_text(context.source, node, value)),
    )


#: SAC and CQL learn with three rates; the plain `lr` was never read, and is refused today.
THREE_RATES = frozenset({"SAC", "CQL"})
RATES = {
    "actor_learning_rate": "actor_lr",
    "critic_learning_rate": "critic_lr",
    "entropy_learning_rate": "alpha_lr",
}


def decide_rates(
    context: FileContext, name: str, node: Argument, value: ast.expr
) -> Decision | None:
    """Decide on the learning rates of SAC and CQL; None for any other argument."""
    if name == "lr" and constant(value) is None:
        return None  # CQL asks for it
    if name in ("lr", "lr_schedule"):
        return _native(MEANING, name, f"{name} is dropped: it was not read; see actor_lr", node)
    if name not in ("optimization", "optimization_config") or not isinstance(value, ast.Dict):
        return None
    gains = []
    for key, rate in zip(value.keys, value.values, strict=True):
        new = RATES.get(str(constant(key))) if key is not None else None
        if new is None:
            return _manual(name, "set training(actor_lr=, critic_lr=, alpha_lr=)", node)
        gains.append(Gain("training", new, context.source.segment(rate)))
    return _native(MEANING, name, f"{name} becomes actor_lr, critic_lr, alpha_lr", node, *gains)


_LEARNERS = frozenset({"training"})

SPECIAL: Mapping[str, Special] = {
    "_enable_new_api_stack": Special(_api_flag),
    "enable_rl_module_and_learner": Special(_api_flag),
    "enable_env_runner_and_connector_v2": Special(_api_flag),
    "framework": Special(_framework, frozenset({"framework"})),
    "exploration_config": Special(_exploration),
    "observation_filter": Special(_filter),
    "remote_worker_envs": Special(_remote_envs),
    "num_gpus": Special(_gpus, frozenset({"resources"})),
    "lr_schedule": Special(_schedule("lr")),
    "entropy_coeff_schedule": Special(_schedule("entropy_coeff")),
    "replay_buffer_config": Special(_buffer),
    "learner_class": Special(_to_learners, _LEARNERS),
    "learner_connector": Special(_to_learners, _LEARNERS),
    "learner_config_dict": Special(_to_learners, _LEARNERS),
    "add_default_connectors_to_learner_pipeline": Special(_to_learners, _LEARNERS),
    "num_aggregator_actors_per_learner": Special(_to_learners, _LEARNERS),
    "max_requests_in_flight_per_aggregator_actor": Special(_to_learners, _LEARNERS),
}
