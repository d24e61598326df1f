"""Environments of gym become environments of gymnasium."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.environments import (
    CODE,
    ENVIRONMENTS,
    MULTI,
    WRAPPERS,
    Seam,
    gym_edits,
    read_reset,
    read_step,
)
from rlmigrate.migrate.reading.nodes import Nodes, nodes_of
from rlmigrate.migrate.reading.wrappers import read_wrapper
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find environments, and imports of gym."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return
    nodes = nodes_of(context)
    imports = gym_edits(context, nodes)
    found = list(_environments(context, nodes))
    problems = [imports] if isinstance(imports, str) else []
    problems += [problem for _, _, seam in found for problem in seam.problems]
    edits = () if isinstance(imports, str) else tuple(imports)
    if not problems:
        edits += tuple(edit for _, _, seam in found for edit in seam.edits)
    if not found and not edits:
        return
    for owner, method, seam in found:
        name = f"{owner.name}.{method.name if isinstance(method, ast.FunctionDef) else '*'}"
        if problems:
            why = "; ".join(dict.fromkeys(seam.problems))
            text = f"for gymnasium: {why or f'with the rest of the file, where {problems[0]}'}"
            yield Finding(_item(context, method, name, Outcome.MANUAL, text))
        else:
            text = "returns what gymnasium's environments return"
            yield Finding(_item(context, method, name, Outcome.NATIVE, text), edits)
    if not found and edits:
        first = min(edits, key=lambda edit: edit.span.start)
        line = context.source.line_of(first.span.start)
        text = "gym is gymnasium now: RLlib knows no other spaces"
        item = Item(str(context.source.path), line, "gym", Kind.IMPORT, Outcome.NATIVE, CODE, text)
        yield Finding(item, edits)


def _environments(
    context: FileContext, nodes: Nodes
) -> Iterable[tuple[ast.ClassDef, ast.stmt, Seam]]:
    """Methods of environments that speak the old interface."""
    imports = context.index.files[context.source.path].imports
    seam: Seam | None
    for owner in nodes.of(ast.ClassDef):
        bases = {imports.qualified(base) or "" for base in owner.bases}
        wrapper = bool(bases & WRAPPERS)
        if not (wrapper or bases & ENVIRONMENTS):
            continue
        methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        if wrapper:
            if {"reset", "step"} & methods.keys():
                seam = read_wrapper(context, nodes, methods)
                if seam.edits or seam.problems:
                    yield owner, owner, seam
            continue
        if "reset" in methods:
            seam = read_reset(context, nodes, owner, methods["reset"])
            if seam is not None:
                yield owner, methods["reset"], seam
        if "step" in methods:
            multi = bool(bases & MULTI)
            seam = read_step(context, nodes, owner, methods["step"], multi=multi)
            if seam is not None:
                yield owner, methods["step"], seam


def _item(context: FileContext, node: ast.stmt, name: str, outcome: Outcome, message: str) -> Item:
    return Item(
        path=str(context.source.path),
        line=node.lineno,
        name=name,
        kind=Kind.CALL,
        outcome=outcome,
        code=CODE,
        message=message,
        column=node.col_offset,
    )


RULE = Rule(
    code=CODE,
    name="environments",
    kind=Kind.CALL,
    summary="Environments of gym return what gymnasium's do, where that is certain.",
    explanation="""
RLlib takes gymnasium environments: `reset(*, seed, options)` returns an observation and infos,
`step()` returns terminated and truncated apart. A class that derives from gym.Env or MultiAgentEnv
is rewritten if its returns are in plain sight, it wraps no other environment, and all that the file
takes from gym is the same in gymnasium; the imports change with it. `done` becomes terminated: an
episode that was cut off by a limit of time should say truncated, which only its author knows.
""",
    check=check,
    since="2.3",
    link="https://gymnasium.farama.org/introduction/migration_guide/",
    words=(b"gym", b"MultiAgentEnv"),
    unchanged=(
        Case(
            "environment_of_gymnasium",
            """
import gymnasium as gym
import ray.rllib


class Walk(gym.Env):
    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 1.0, True, False, {}
""",
        ),
        Case(
            "other_methods_of_these_names",
            """
import ray.rllib


class Counter:
    def reset(self):
        return 0

    def step(self, action):
        return 0, 1.0, True, {}
""",
        ),
        Case(
            "other_things_of_gym",
            """
import gym
import ray.rllib

env = gym.make("CartPole-v1")
obs = env.reset()
""",
        ),
    ),
    cases=(
        Case(
            "part_of_gym_beside_gym",
            """
import gym
import gym.wrappers
import ray.rllib

print(gym.spaces.Box)
""",
            """
import gymnasium as gym
import ray.rllib

print(gym.spaces.Box)
""",
        ),
        Case(
            "gym_environment",
            """
import gym
from gym.spaces import Box, Discrete
from ray.rllib.algorithms.ppo import PPOConfig


class Walk(gym.Env):
    action_space = Discrete(2)

    def __init__(self, config):
        self.observation_space = Box(-1, 1, (2,))

    def reset(self):
        super().reset()
        return self.observation_space.sample()

    def step(self, action):
        if action:
            return self.observation_space.sample(), 0.0, True, {}
        return self.observation_space.sample(), 1.0, False, {}


config = PPOConfig().environment(Walk)
""",
            """
import gymnasium as gym
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.ppo import PPOConfig


class Walk(gym.Env):
    action_space = Discrete(2)

    def __init__(self, config):
        self.observation_space = Box(-1, 1, (2,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        if action:
            return self.observation_space.sample(), 0.0, True, False, {}
        return self.observation_space.sample(), 1.0, False, False, {}


config = PPOConfig().environment(Walk)
""",
        ),
        Case(
            "annotated",
            """
from typing import Tuple

import gym
import numpy as np
import ray.rllib


class Walk(gym.Env):
    def reset(self) -> np.ndarray:
        return np.zeros(2)

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, dict]:
        return np.zeros(2), 0.0, True, {}


class Far(gym.Wrapper):
    def reset(self) -> "np.ndarray":
        obs = self.env.reset()
        return 2 * obs
""",
            """
from typing import Tuple

import gymnasium as gym
import numpy as np
import ray.rllib


class Walk(gym.Env):
    def reset(self, *, seed=None, options=None) -> Tuple[np.ndarray, dict]:
        return np.zeros(2), {}

    def step(self, action: int) -> Tuple[np.ndarray, float, bool, bool, dict]:
        return np.zeros(2), 0.0, True, False, {}


class Far(gym.Wrapper):
    def reset(self, *, seed=None, options=None) -> Tuple["np.ndarray", dict]:
        obs, infos = self.env.reset(seed=seed, options=options)
        return 2 * obs, infos
""",
        ),
        Case(
            "environment_of_many_agents",
            """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Meet(MultiAgentEnv):
    def reset(self):
        self.at = {"a": 0, "b": 1}
        return self.at

    def step(self, actions):
        done = {"__all__": True}
        return self.at, {"a": 0.0, "b": 0.0}, done, {}
""",
            """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Meet(MultiAgentEnv):
    def reset(self, *, seed=None, options=None):
        self.at = {"a": 0, "b": 1}
        return self.at, {}

    def step(self, actions):
        done = {"__all__": True}
        return self.at, {"a": 0.0, "b": 0.0}, done, {"__all__": False}, {}
""",
        ),
        Case(
            "environment_around_another",
            """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Around(MultiAgentEnv):
    def reset(self):
        return self.env.reset()
""",
            """
from ray.rllib.env.multi_agent_env import MultiAgentEnv


class Around(MultiAgentEnv):
    # TODO(rlmigrate RLM702): for gymnasium: another environment's reset() returns (observation,
    #     infos) as well: unpack both
    def reset(self):
        return self.env.reset()
""",
        ),
        Case(
            "wrapper",
            """
import gym
import ray.rllib


class Twice(gym.Wrapper):
    def reset(self):
        obs = self.env.reset()
        return 2 * obs

    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        return 2 * obs, reward, done, info


class Logged(gym.Wrapper):
    def reset(self, **kwargs):
        print("reset")
        return self.env.reset(**kwargs)
""",
            """
import gymnasium as gym
import ray.rllib


class Twice(gym.Wrapper):
    def reset(self, *, seed=None, options=None):
        obs, infos = self.env.reset(seed=seed, options=options)
        return 2 * obs, infos

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        return 2 * obs, reward, terminated, truncated, info


class Logged(gym.Wrapper):
    def reset(self, **kwargs):
        print("reset")
        return self.env.reset(**kwargs)
""",
        ),
        Case(
            "wrapper_that_asks_whether_it_is_done",
            """
import gym
import ray.rllib


class Counted(gym.Wrapper):
    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        if done:
            print("done")
        return obs, reward, done, info
""",
            """
import gym
import ray.rllib


# TODO(rlmigrate RLM702): for gymnasium: reset() of the wrapped environment returns
#     (observation, infos) and its step() five values: unpack them, and return as many
class Counted(gym.Wrapper):
    def step(self, action):
        obs, reward, done, info = self.env.step(action)
        if done:
            print("done")
        return obs, reward, done, info
""",
        ),
    ),
)
