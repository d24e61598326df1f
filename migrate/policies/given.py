"""What is given to a policy builder: functions of RLlib, and those of the repository.

Given        the arguments of one call, and the algorithm that RLlib's functions are of
read_given   take a call apart
algorithm_of the algorithm that names of RLlib belong to
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.builders import BuilderCall

#: Algorithms of Ray's new stack, by the folders that their policies were in.
ALGORITHMS: Mapping[str, str] = {
    "ppo": "PPO",
    "appo": "APPO",
    "impala": "IMPALA",
    "dqn": "DQN",
    "sac": "SAC",
    "cql": "CQL",
    "marwil": "MARWIL",
}
FOLDER = re.compile(r"^ray\.rllib\.(?:agents|algorithms)\.(\w+)\.")
#: Arguments that hold no function.
SAYS_NOTHING = frozenset({"name", "framework"})


@dataclass(frozen=True)
class Given:
    """`rays` are arguments with functions of RLlib alone; `own` maps others to a function's name.

    The name is "" where it is none, or that of the argument.
    """

    rays: tuple[str, ...]
    own: Mapping[str, str]
    algorithm: str = ""


def read_given(file: FileEntry, call: BuilderCall) -> Given:
    """Tell functions of RLlib, whose work its new stack does itself, from others."""
    rays: list[str] = []
    own: dict[str, str] = {}
    homes: list[str] = []
    for argument, value in call.all.items():
        if argument in SAYS_NOTHING or (isinstance(value, ast.Constant) and value.value is None):
            continue
        parts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
        others = []
        for part in parts:
            found = _of_ray(file, part)
            if found:
                homes.append(found)
            else:
                others.append((dotted(part) or "").rpartition(".")[2])
        if others:
            names = ", ".join(name for name in others if name)
            own[argument] = "" if names == argument else names
        else:
            rays.append(argument)
    return Given(tuple(rays), own, algorithm_of(homes))


def algorithm_of(names: Iterable[str]) -> str:
    """The algorithm whose folder all dotted names that are in one share; "" for several.

    >>> algorithm_of(["ray.rllib.agents.dqn.dqn_torch_policy.QLoss", "ray.rllib.policy.Policy"])
    'DQN'
    """
    folders = {folder for name in names for folder in FOLDER.findall(name)}
    return ALGORITHMS.get(folders.pop(), "") if len(folders) == 1 else ""


def _of_ray(file: FileEntry, node: ast.expr) -> str:
    """The dotted name of something of RLlib, a lambda that only returns such a thing included."""
    if isinstance(node, ast.Lambda):
        node = node.body
    found = file.imports.qualified(node) or ""
    return found if found.startswith("ray.rllib.") else ""
