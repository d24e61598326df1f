"""Play a module in gymnasium environments, without Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch
import tree

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.actions import actions_from_outputs, clip_actions, unsquash_actions
from rlmigrate.new_stack.columns import Columns

if TYPE_CHECKING:
    from gymnasium.vector import VectorEnv

    from rlmigrate.new_stack.rl_module import RLModule


@dataclass(frozen=True)
class Episode:
    """One finished episode: its return and its number of steps."""

    total_reward: float
    length: int


@dataclass(frozen=True)
class PlayResult:
    """The episodes in the order in which they ended."""

    episodes: tuple[Episode, ...]
    steps: int

    @property
    def mean_return(self) -> float:
        """The mean of the returns.

        Raises ModuleError if no episode ended.
        """
        if not self.episodes:
            raise ModuleError(f"no episode ended within {self.steps} steps; allow more")
        return float(np.mean([episode.total_reward for episode in self.episodes]))


@dataclass
class _Running:
    rewards: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    done: list[Episode] = field(default_factory=list)


def play(
    module: RLModule,
    envs: VectorEnv[Any, Any, Any],
    *,
    episodes: int,
    explore: bool = False,
    normalize_actions: bool = True,
    clip_actions_to_bounds: bool = False,
    observe: Callable[[Any], Any] | None = None,
    max_steps: int = 100_000,
    seed: int | None = None,
) -> PlayResult:
    """Run a module in a gymnasium vector environment until so many episodes have ended.

    Args:
        module: A torch module.
        envs: What `gymnasium.make_vec` gives, with any autoreset mode.
        episodes: How many to finish.
        explore: Sample the actions instead of taking the most likely ones.
        normalize_actions: Map Box actions from [-1, 1] to their bounds, as RLlib does by default.
        clip_actions_to_bounds: Clip Box actions where they are not mapped.
        observe: What to make of a batch of observations before the module sees them, such as
            flattening.
        max_steps: When to stop even so, counted over all environments.
        seed: The seed of the environments.
    """
    count = envs.num_envs
    obs, _ = envs.reset(seed=seed)
    running = _Running(np.zeros(count), np.zeros(count, dtype=np.int64))
    initial = module.get_initial_state()
    state = _batched(initial, count) if module.is_stateful() else None
    # In gymnasium's default mode the step after an end only resets: it has no reward and no action.
    skips_after_end = _resets_in_next_step(envs)
    ended = np.zeros(count, dtype=bool)
    steps = 0
    while len(running.done) < episodes and steps < max_steps:
        actions, state = _act(module, obs if observe is None else observe(obs), state, explore)
        if normalize_actions:
            actions = unsquash_actions(actions, envs.single_action_space)
        elif clip_actions_to_bounds:
            actions = clip_actions(actions, envs.single_action_space)
        obs, rewards, terminated, truncated, _ = envs.step(_for_env(actions, envs))
        counted = ~ended if skips_after_end else np.ones(count, dtype=bool)
        running.rewards += np.where(counted, rewards, 0.0)
        running.lengths += counted
        steps += int(counted.sum())
        ended = np.logical_or(terminated, truncated) & counted
        _finish(running, ended)
        if state is not None and ended.any():
            state = _reset_rows(state, initial, ended)
    return PlayResult(episodes=tuple(running.done[:episodes]), steps=steps)


def _act(module: RLModule, obs: Any, state: Any, explore: bool) -> tuple[Any, Any]:
    batch: dict[str, Any] = {Columns.OBS: tree.map_structure(_tensor, obs)}
    if state is not None:
        batch[Columns.OBS] = tree.map_structure(lambda x: x.unsqueeze(1), batch[Columns.OBS])
        batch[Columns.STATE_IN] = state
    forward = module.forward_exploration if explore else module.forward_inference
    with torch.no_grad():
        outputs = forward(batch)
    if state is not None:
        new_state = outputs.pop(Columns.STATE_OUT, state)
        outputs = tree.map_structure(lambda x: x.squeeze(1), outputs)
        state = new_state
    chosen = actions_from_outputs(module, outputs, explore=explore)[Columns.ACTIONS]
    return tree.map_structure(lambda x: x.detach().cpu().numpy(), chosen), state


def _tensor(value: Any) -> torch.Tensor:
    array = np.asarray(value)
    tensor = torch.from_numpy(array)
    return tensor.float() if array.dtype == np.float64 else tensor


def _batched(state: Any, count: int) -> Any:
    return tree.map_structure(lambda s: torch.as_tensor(s).expand(count, *s.shape).clone(), state)


def _reset_rows(state: Any, initial: Any, rows: np.ndarray[Any, Any]) -> Any:
    where = torch.from_numpy(rows)

    def reset(now: torch.Tensor, start: Any) -> torch.Tensor:
        mask = where.reshape(-1, *(1,) * (now.dim() - 1))
        return torch.where(mask, torch.as_tensor(start), now)

    return tree.map_structure(reset, state, initial)


def _resets_in_next_step(envs: Any) -> bool:
    mode = (envs.metadata or {}).get("autoreset_mode")
    return mode is None or getattr(mode, "name", str(mode)) == "NEXT_STEP"


def _for_env(actions: Any, envs: Any) -> Any:
    """Give nested actions the form in which the vector environment iterates over them."""
    return gym.vector.utils.concatenate(
        envs.single_action_space,
        [_row(actions, index) for index in range(envs.num_envs)],
        gym.vector.utils.create_empty_array(envs.single_action_space, envs.num_envs),
    )


def _row(actions: Any, index: int) -> Any:
    return tree.map_structure(lambda x: x[index], actions)


def _finish(running: _Running, ended: np.ndarray[Any, Any]) -> None:
    for index in np.flatnonzero(ended):
        episode = Episode(float(running.rewards[index]), int(running.lengths[index]))
        running.done.append(episode)
        running.rewards[index] = 0.0
        running.lengths[index] = 0
