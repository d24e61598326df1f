"""From a module's outputs to actions, and from actions to what an environment takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.columns import Columns

if TYPE_CHECKING:
    from rlmigrate.new_stack.rl_module import RLModule


def actions_from_outputs(
    module: RLModule, outputs: Mapping[str, Any], *, explore: bool
) -> dict[str, Any]:
    """Return the outputs with `actions` and, where it can be told, `action_logp`.

    Actions that the module chose itself are kept; with distribution inputs beside them their
    log-probability is computed when exploring, which RLlib documents and does not do
    (ray-project/ray#44662). Otherwise they are sampled when exploring, and the most likely ones
    when not.

    Raises ModuleError if the outputs hold neither actions nor distribution inputs.
    """
    result = dict(outputs)
    has_inputs = Columns.ACTION_DIST_INPUTS in result
    if Columns.ACTIONS in result:
        if explore and has_inputs and Columns.ACTION_LOGP not in result:
            distribution = _distribution(module, result, explore=True)
            result[Columns.ACTION_LOGP] = distribution.logp(result[Columns.ACTIONS])
        return result
    if not has_inputs:
        raise ModuleError(
            f"{type(module).__name__} returned {sorted(map(str, result))}; expected "
            f"{Columns.ACTIONS!r} or {Columns.ACTION_DIST_INPUTS!r}"
        )
    distribution = _distribution(module, result, explore=explore)
    if not explore:
        distribution = distribution.to_deterministic()
    actions = distribution.sample()
    result[Columns.ACTIONS] = actions
    if Columns.ACTION_LOGP not in result:
        result[Columns.ACTION_LOGP] = distribution.logp(actions)
    return result


def _distribution(module: RLModule, outputs: Mapping[str, Any], *, explore: bool) -> Any:
    get_cls = (
        module.get_exploration_action_dist_cls if explore else module.get_inference_action_dist_cls
    )
    return get_cls().from_logits(outputs[Columns.ACTION_DIST_INPUTS])


def unsquash_actions(actions: Any, space: gym.Space[Any]) -> Any:
    """Map actions from [-1, 1] to the bounds of the Box parts of a space, and clip them.

    Works on one action or a batch, nested as the space is. Unbounded Boxes are left alone, integer
    Boxes are shifted by their low.
    """
    return _map_actions(_unsquash, actions, space)


def clip_actions(actions: Any, space: gym.Space[Any]) -> Any:
    """Clip the Box parts of actions to the bounds of a space, nested as the space is."""
    return _map_actions(_clip, actions, space)


def _map_actions(function: Any, actions: Any, space: gym.Space[Any]) -> Any:
    if isinstance(space, gym.spaces.Dict):
        return {key: _map_actions(function, actions[key], part) for key, part in space.items()}
    if isinstance(space, gym.spaces.Tuple):
        return tuple(
            _map_actions(function, part, sub)
            for part, sub in zip(actions, space.spaces, strict=True)
        )
    return function(actions, space) if isinstance(space, gym.spaces.Box) else actions


def _unsquash(action: Any, space: gym.spaces.Box) -> Any:
    if not (np.all(space.bounded_below) and np.all(space.bounded_above)):
        return action
    if np.issubdtype(space.dtype, np.integer):
        return space.low + action
    if space.dtype in (np.float32, np.float64):
        return np.clip(
            space.low + (action + 1.0) * (space.high - space.low) / 2.0, space.low, space.high
        )
    return action


def _clip(action: Any, space: gym.spaces.Box) -> Any:
    return np.clip(action, space.low, space.high)
