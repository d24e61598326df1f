"""Calls that take a config dict: algorithms' constructors, and Tune.

Consumer        such a call
consumers_of    those of a file
SUPPORTED       algorithms that today's RLlib has on the new stack
config_name     what a file calls the config of one
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext

#: Algorithm to the module that its config is imported from.
SUPPORTED = {
    "PPO": "ppo",
    "APPO": "appo",
    "IMPALA": "impala",
    "DQN": "dqn",
    "SAC": "sac",
    "CQL": "cql",
    "BC": "bc",
    "MARWIL": "marwil",
}
ALIASES = {"DDPPO": "", "Impala": "IMPALA", "SimpleQ": ""}
TUNERS = frozenset({"ray.tune.run", "ray.tune.Tuner", "ray.tune.tuner.Tuner", "ray.tune.tune.run"})


@dataclass(frozen=True, eq=False)
class Consumer:
    """One call; `config` and `env` are its arguments' values, `what` names the algorithm."""

    call: ast.Call
    kind: Literal["algorithm", "tune"]
    algorithm: str
    config: ast.expr | None
    env: ast.expr | None
    what: ast.expr | None = None

    @property
    def supported(self) -> bool:
        """Whether today's RLlib has the algorithm."""
        return self.algorithm in SUPPORTED


def consumers_of(context: FileContext) -> list[Consumer]:
    """Find the calls of a file, in source order."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return []
    found = []
    for call, qualified in nodes_of(context).ray_calls(entry.imports):
        if qualified in TUNERS:
            consumer = _tune(context, call)
        else:
            consumer = _constructor(call, algorithm_of(qualified))
        if consumer is not None:
            found.append(consumer)
    return found


def algorithm_of(qualified: str) -> str:
    """Name the algorithm of a class of RLlib; empty for any other name.

    >>> algorithm_of("ray.rllib.agents.ppo.PPOTrainer")
    'PPO'
    """
    if not qualified.startswith(("ray.rllib.agents.", "ray.rllib.algorithms.")):
        return ""
    name = qualified.rpartition(".")[2]
    if name.endswith("Trainer") and len(name) > len("Trainer"):
        return _known(name.removesuffix("Trainer"))
    module = qualified.split(".")[3]
    upper = name.isupper() or name in ("A3C", "Impala", "SimpleQ", "DreamerV3", "QMix", "QMIX")
    return _known(name) if upper and module != "algorithm" and "_" not in name else ""


def config_name(context: FileContext, algorithm: str) -> tuple[str, Imports]:
    """`PPOConfig`, to be imported, or through what the file has already."""
    name = f"{algorithm}Config"
    module = f"ray.rllib.algorithms.{SUPPORTED[algorithm]}"
    imports = context.index.files[context.source.path].imports
    own = imports.local_names(f"{module}.{name}")
    if own:
        return own[0], Imports()
    through = imports.local_names(module)
    if through:
        return f"{through[0]}.{name}", Imports()
    return name, Imports(frozenset({(module, name)}))


def _known(name: str) -> str:
    return ALIASES.get(name) or name


def _constructor(call: ast.Call, algorithm: str) -> Consumer | None:
    if not algorithm:
        return None
    config = _argument(call, 0, "config")
    return Consumer(call, "algorithm", algorithm, config, _argument(call, 1, "env"))


def _tune(context: FileContext, call: ast.Call) -> Consumer | None:
    what = _argument(call, 0, "run_or_experiment") or _argument(call, 0, "trainable")
    name = ""
    if isinstance(what, ast.Constant) and isinstance(what.value, str):
        name = _known(what.value)
    elif what is not None:
        entry = context.index.files[context.source.path]
        name = algorithm_of(entry.imports.qualified(what) or "")
    if not name:
        return None
    config = _argument(call, -1, "config") or _argument(call, -1, "param_space")
    return Consumer(call, "tune", name, config, None, what)


def _argument(call: ast.Call, at: int, name: str) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if 0 <= at < len(call.args) and not isinstance(call.args[at], ast.Starred):
        return call.args[at]
    return None
