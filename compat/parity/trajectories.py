"""Whole episodes: both stacks drive the same seeded environment and must go the same way.

check_trajectories   ten episodes with old and new, step by step
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np

from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.arrays import Array, Nested, flatten, select_rows, stack_rows
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.judge import NOISE_LIMIT, judge
from rlmigrate.compat.parity.model_configs import new_model_config as default_model_config
from rlmigrate.compat.parity.results import (
    Finding,
    ParameterResult,
    ParityReport,
)
from rlmigrate.compat.parity.sides.base import Side

#: Agent of an environment that has only one.
SOLO = "agent"
Agents = Mapping[str, Any]


@dataclass
class _Log:
    """What one stack did in one episode, agent by agent."""

    observations: list[Nested] = field(default_factory=list)
    actions: list[Nested] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)


def check_trajectories(
    old: object,
    new: object,
    make_env: Callable[[], Any],
    *,
    episodes: int = 10,
    max_steps: int = 200,
    seed: int = 0,
    model_config: Mapping[str, Any] | None = None,
    new_model_config: Mapping[str, Any] | None = None,
    policy_of: Callable[[str], str] = lambda agent: agent,
    normalize_actions: bool = True,
    clip_actions: bool = False,
    old_observe: Callable[[Nested], Nested] = lambda obs: obs,
    new_observe: Callable[[Nested], Nested] = lambda obs: obs,
    name: str | None = None,
) -> ParityReport:
    """Let both stacks act in the same environment, deterministically, and compare every step.

    `old` and `new` are models and modules or their classes; for an environment of several agents,
    mappings of policy name to them, with `policy_of` giving the policy of an agent. Each stack
    preprocesses, unsquashes and clips with its own code; `old_observe` and `new_observe` are its
    observation filters. Actions, observations and rewards must be equal, bit for bit.
    """
    began = time.perf_counter()
    probe = make_env()
    agents = _agents(probe)
    olds, news = _by_policy(old, agents, policy_of), _by_policy(new, agents, policy_of)
    account = Account(limit=NOISE_LIMIT)
    sides: dict[str, tuple[Side, Side]] = {}
    for agent in agents:
        policy = policy_of(agent) if len(agents) > 1 else SOLO
        if policy not in sides:
            spaces = _spaces(probe, agent)
            sides[policy] = _pair(
                olds[policy], news[policy], spaces, dict(model_config or {}), new_model_config, seed
            )
    _close(probe)

    def driver(which: int) -> _Driver:
        own = {a: sides[policy_of(a) if len(agents) > 1 else SOLO][which] for a in agents}
        return _Driver(
            own,
            old_observe if which == 0 else new_observe,
            {
                agent: _mover(side, old=which == 0, normalize=normalize_actions, clip=clip_actions)
                for agent, side in own.items()
            },
        )

    for episode in range(episodes):
        logs = [
            driver(which).run(make_env(), seed=seed + episode, max_steps=max_steps)
            for which in (0, 1)
        ]
        _enter(account, f"episode {episode}", logs[0], logs[1])
    first = next(iter(sides.values()))
    result = account.result(
        name=name or f"trajectories of {first[1].label}",
        labels=(first[0].label, first[1].label),
        parameters=ParameterResult(0, 0),
        findings=[],
        planned=episodes,
        facts=(),
        notes=(),
        seconds=time.perf_counter() - began,
    )
    return ParityReport((result,), {"episodes": str(episodes), "seed": str(seed)})


def _agents(env: Any) -> list[str]:
    """List the agents; one made-up name where there is only one."""
    named = getattr(env, "possible_agents", None)
    if not named and hasattr(env, "get_agent_ids"):
        named = sorted(env.get_agent_ids())
    return [str(agent) for agent in named] if named else [SOLO]


def _by_policy(given: object, agents: list[str], policy_of: Callable[[str], str]) -> Agents:
    if isinstance(given, Mapping):
        return given
    return {SOLO: given, **{policy_of(agent): given for agent in agents}}


def _spaces(env: Any, agent: str) -> tuple[gym.Space[Any], gym.Space[Any]]:
    found = []
    for kind in ("observation_space", "action_space"):
        many = getattr(env, f"{kind}s", None)
        space = many[agent] if many and agent != SOLO else getattr(env, kind)
        found.append(space[agent] if agent != SOLO and agent in _keys(space) else space)
    return found[0], found[1]


def _keys(space: Any) -> set[str]:
    return set(space.spaces) if isinstance(space, gym.spaces.Dict) else set()


def _pair(
    old: object,
    new: object,
    spaces: tuple[gym.Space[Any], gym.Space[Any]],
    config: dict[str, Any],
    new_config: Mapping[str, Any] | None,
    seed: int,
) -> tuple[Side, Side]:
    from rlmigrate.compat.parity.sides import building

    given: dict[str, Any] = {"observation_space": spaces[0], "action_space": spaces[1]}
    theirs = new_config if new_config is not None else default_model_config(config)
    new_side = building.module_side(new, model_config=theirs, **given)
    role = new_side.role
    told = {**role.settings(), **config}
    old_side = building.legacy_side(old, model_config=told, seed=seed, role=role.name, **given)
    if isinstance(old, type) or isinstance(new, type):
        new_side.adopt(old_side.parameters())
    return old_side, new_side


def _mover(
    side: Side, *, old: bool, normalize: bool, clip: bool
) -> Callable[[Nested, Any], Nested]:
    """Give what a stack does to an action before the environment gets it, by its own code."""
    if side.facts().get("stack") == "ray":
        # The old sampler and the new NormalizeAndClipActions connector both call these.
        from ray.rllib.utils.spaces import space_utils as utils

        unsquash, clipped = utils.unsquash_action, utils.clip_action
    elif old:
        from rlmigrate.legacy.utils import spaces as utils

        unsquash, clipped = utils.unsquash_action, utils.clip_action
    else:
        from rlmigrate.new_stack import actions

        return lambda action, space: (
            actions.unsquash_actions(action, space)
            if normalize
            else actions.clip_actions(action, space)
            if clip
            else action
        )

    def move(action: Nested, space: Any) -> Nested:
        struct = utils.get_base_struct_from_space(space)
        return (
            unsquash(action, struct) if normalize else clipped(action, struct) if clip else action
        )

    return move


class _Driver:
    """Acts for all agents with one stack."""

    def __init__(
        self,
        sides: Mapping[str, Side],
        observe: Callable[[Nested], Nested],
        move: Mapping[str, Callable[[Nested, Any], Nested]],
    ) -> None:
        self._sides = sides
        self._observe = observe
        self._move = move

    def run(self, env: Any, *, seed: int, max_steps: int) -> dict[str, _Log]:
        """Play one episode."""
        logs = {agent: _Log() for agent in self._sides}
        states: dict[str, tuple[Array, ...] | None] = dict.fromkeys(self._sides)
        solo = list(self._sides) == [SOLO]
        obs, _ = env.reset(seed=seed)
        seen = {SOLO: obs} if solo else obs
        for _ in range(max_steps):
            actions = {}
            for agent, value in seen.items():
                space = _spaces(env, agent)[1]
                action, states[agent] = self._act(agent, self._observe(value), states[agent], space)
                logs[agent].observations.append(value)
                logs[agent].actions.append(action)
                actions[agent] = _plain(self._move[agent](action, space), space)
            step = env.step(actions[SOLO] if solo else actions)
            obs, reward, done, cut = step[:4]
            for agent in actions:
                logs[agent].rewards.append(float(reward if solo else reward.get(agent, 0.0)))
            over = (done or cut) if solo else (done.get("__all__") or cut.get("__all__"))
            if over:
                break
            seen = {SOLO: obs} if solo else obs
        _close(env)
        return logs

    def _act(
        self, agent: str, obs: Nested, state: tuple[Array, ...] | None, space: Any
    ) -> tuple[Nested, tuple[Array, ...] | None]:
        side = self._sides[agent]
        stateful = bool(side.state_sizes)
        case = Case(
            "step",
            stack_rows([obs]),
            stack_rows([_dummy(space)]),
            np.ones(1, dtype=np.int32) if stateful else None,
            state,
        )
        with side.session():
            outputs = side.run(case).outputs
        after = None
        if stateful:
            after = tuple(outputs[f"state_out.{i}"] for i in range(len(side.state_sizes)))
        return _structured(outputs, "deterministic_action", space), after


def _dummy(space: gym.Space[Any]) -> Nested:
    from rlmigrate.compat.parity.cases import edges

    return edges.extreme(edges.from_zero(space), high=False)


def _structured(outputs: Mapping[str, Array], path: str, space: gym.Space[Any]) -> Nested:
    """Put the parts of an action back into its space's structure, without the batch axis."""
    if isinstance(space, gym.spaces.Dict):
        return {k: _structured(outputs, f"{path}.{k}", s) for k, s in space.spaces.items()}
    if isinstance(space, gym.spaces.Tuple):
        parts = enumerate(space.spaces)
        return tuple(_structured(outputs, f"{path}.{i}", s) for i, s in parts)
    return select_rows(outputs[path], slice(0, 1))[0]


def _plain(action: Nested, space: gym.Space[Any]) -> Nested:
    """Give a Discrete's action as an int, as environments expect it."""
    return int(action) if isinstance(space, gym.spaces.Discrete) else action


def _close(env: Any) -> None:
    if hasattr(env, "close"):
        env.close()


def _enter(account: Account, episode: str, old: dict[str, _Log], new: dict[str, _Log]) -> None:
    account.begin(episode)
    for agent, log in old.items():
        other = new[agent]
        prefix = "" if agent == SOLO else f"{agent}."
        for what in ("actions", "observations", "rewards"):
            left, right = getattr(log, what), getattr(other, what)
            if len(left) != len(right) or not left:
                text = f"{len(right)} steps, expected {len(left)}"
                account.findings.append(Finding("shape", f"{prefix}{what}", text, episode))
                continue
            ours, theirs = flatten(stack_rows(left), what), flatten(stack_rows(right), what)
            for path, value in ours.items():
                verdict = judge(value, theirs[path], reference=partial(value.astype, np.float64))
                account.add(f"{prefix}{path}", episode, verdict, value, theirs[path])
