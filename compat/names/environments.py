"""RLlib's environment base classes, as far as environments are written on them.

EnvContext         the config dict that an environment's maker gets
MultiAgentEnv      dicts of agents in and out
make_multi_agent   several copies of a single-agent environment as one
VectorEnv          several environments stepped together
TaskSettableEnv    an environment whose task can be set
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium

AgentID = Any
AgentDict = dict[AgentID, Any]


class EnvContext(dict[str, Any]):
    """The environment's config, with the worker's place in the run."""

    def __init__(
        self,
        env_config: dict[str, Any] | None,
        worker_index: int,
        vector_index: int = 0,
        remote: bool = False,
        num_workers: int | None = None,
        recreated_worker: bool = False,
    ) -> None:
        super().__init__(env_config or {})
        self.worker_index = worker_index
        self.vector_index = vector_index
        self.remote = remote
        self.num_workers = num_workers
        self.recreated_worker = recreated_worker

    def copy_with_overrides(
        self, env_config: dict[str, Any] | None = None, **over: Any
    ) -> EnvContext:
        """Return a copy in which the arguments given take the place of this one's."""
        names = ("worker_index", "vector_index", "remote", "num_workers", "recreated_worker")
        fields = {name: over.get(name) for name in names}
        kept = {n: getattr(self, n) if value is None else value for n, value in fields.items()}
        return EnvContext({**self, **(env_config or {})}, **kept)

    def set_defaults(self, defaults: dict[str, Any]) -> None:
        """Fill in what is not set."""
        for key, value in defaults.items():
            self.setdefault(key, value)


class MultiAgentEnv(gymnasium.Env[Any, Any]):
    """An environment of several agents: `reset` and `step` speak in dicts by agent."""

    agents: list[AgentID] = []
    possible_agents: list[AgentID] = []
    observation_spaces: dict[AgentID, gymnasium.Space[Any]] | None = None
    action_spaces: dict[AgentID, gymnasium.Space[Any]] | None = None

    def __init__(self, *_args: Any, **_settings: Any) -> None:
        self.agents = list(self.agents)
        self.possible_agents = list(self.possible_agents)

    @property
    def num_agents(self) -> int:
        """How many agents act now."""
        return len(self.agents)

    @property
    def max_num_agents(self) -> int:
        """How many agents there may be."""
        return len(self.possible_agents)

    def get_agent_ids(self) -> set[AgentID]:
        """Return the agents, as releases before 2.40 ask for them."""
        return set(self.agents or getattr(self, "_agent_ids", []))

    def get_observation_space(self, agent_id: AgentID) -> gymnasium.Space[Any]:
        """Return one agent's observation space, or the one that all share."""
        return _space_of(self.observation_spaces, self.observation_space, agent_id)

    def get_action_space(self, agent_id: AgentID) -> gymnasium.Space[Any]:
        """Return one agent's action space, or the one that all share."""
        return _space_of(self.action_spaces, self.action_space, agent_id)


def _space_of(
    by_agent: dict[AgentID, gymnasium.Space[Any]] | None,
    shared: gymnasium.Space[Any],
    agent_id: AgentID,
) -> gymnasium.Space[Any]:
    if by_agent is not None:
        return by_agent[agent_id]
    if isinstance(shared, gymnasium.spaces.Dict) and agent_id in shared.spaces:
        return shared[agent_id]
    return shared


def make_multi_agent(
    env_name_or_creator: str | Callable[[Any], gymnasium.Env[Any, Any]],
) -> type[MultiAgentEnv]:
    """Make a class of environments that run `num_agents` copies of one, by agent number.

    >>> env = make_multi_agent("CartPole-v1")({"num_agents": 2})
    >>> obs, _ = env.reset(seed=1)
    >>> sorted(obs), sorted(env.step({0: 0, 1: 1})[2])
    ([0, 1], [0, 1, '__all__'])
    """

    class MultiEnv(MultiAgentEnv):
        def __init__(self, config: dict[str, Any] | None = None) -> None:
            super().__init__()
            given = dict(config or {})
            count = given.pop("num_agents", 1)
            if callable(env_name_or_creator):
                self.envs = [env_name_or_creator(config or {}) for _ in range(count)]
            else:
                self.envs = [gymnasium.make(env_name_or_creator) for _ in range(count)]
            self.agents = list(range(count))
            self.possible_agents = list(range(count))
            self.observation_spaces = {i: env.observation_space for i, env in enumerate(self.envs)}
            self.action_spaces = {i: env.action_space for i, env in enumerate(self.envs)}
            self._over: set[int] = set()

        def reset(
            self, *, seed: int | None = None, options: dict[str, Any] | None = None
        ) -> tuple[AgentDict, AgentDict]:
            self._over = set()
            both = {i: env.reset(seed=seed, options=options) for i, env in enumerate(self.envs)}
            return {i: b[0] for i, b in both.items()}, {i: b[1] for i, b in both.items()}

        def step(self, action_dict: AgentDict) -> tuple[AgentDict, ...]:  # type: ignore[override]
            if not action_dict:
                raise ValueError("step needs the action of at least one agent, got an empty dict")
            results: tuple[AgentDict, ...] = ({}, {}, {}, {}, {})
            for agent, action in action_dict.items():
                for into, value in zip(results, self.envs[agent].step(action), strict=True):
                    into[agent] = value
                if results[2][agent] or results[3][agent]:
                    self._over.add(agent)
            everyone = len(self._over) == len(self.envs)
            results[2]["__all__"] = everyone and any(results[2].values())
            results[3]["__all__"] = everyone and any(results[3].values())
            return results

    return MultiEnv


class VectorEnv:
    """Several copies of one environment, stepped together by lists."""

    def __init__(
        self,
        observation_space: gymnasium.Space[Any],
        action_space: gymnasium.Space[Any],
        num_envs: int,
    ) -> None:
        self.observation_space = observation_space
        self.action_space = action_space
        self.num_envs = num_envs


class TaskSettableEnv(gymnasium.Env[Any, Any]):
    """An environment that a curriculum sets to other tasks."""

    def sample_tasks(self, n_tasks: int) -> list[Any]:
        """Return `n_tasks` tasks."""
        raise NotImplementedError

    def set_task(self, task: Any) -> None:
        """Change to a task."""
        raise NotImplementedError

    def get_task(self) -> Any:
        """Return the task now set."""
        raise NotImplementedError
