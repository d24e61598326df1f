"""What policies without a network got and gave, for whole batches."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree

from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.layers.observations import flatten, preprocess


def preprocessed(obs: Any, space: gym.Space[Any]) -> torch.Tensor:
    """Return a batch of observations as old policies got it: a Box as it is, others flat.

    obs: number[B, ...] or a dict or tuple of them -> number[B, ...].
    """
    if isinstance(space, gym.spaces.Box):
        return preprocess(obs, space)  # type: ignore[no-any-return]
    return flatten(obs, space)


def old_observations(obs: Any, space: gym.Space[Any]) -> np.ndarray[Any, Any]:
    """Do as `preprocessed` does, in numpy.

    obs: number[B, ...] or a dict or tuple of them -> number[B, ...].
    """
    return preprocessed(tree.map_structure(torch.as_tensor, obs), space).cpu().numpy()


def restored_observations(obs: Any, space: gym.Space[Any]) -> Any:
    """Return what `restore_original_dimensions` made of a batch of old observations, in numpy.

    obs: number[B, ...] or a dict or tuple of them -> the same structure, discrete parts one-hot.
    """
    parts = preprocess(tree.map_structure(torch.as_tensor, obs), space)
    return tree.map_structure(lambda part: part.cpu().numpy(), parts)


def acted(actions: Any) -> dict[str, Any]:
    """Return what a module returns that chose its actions itself, for certain.

    A list of actions is stacked. Log-probabilities are zero, as RLlib's old stack gave them for
    actions that no distribution was asked for.

    actions: list of B actions, or number[B, ...], or a dict or tuple of such -> the two columns.
    """
    if isinstance(actions, list):
        actions = tree.map_structure(lambda *parts: np.stack(parts), *actions)
    else:
        actions = tree.map_structure(np.asarray, actions)
    rows = len(tree.flatten(actions)[0])
    return {Columns.ACTIONS: actions, Columns.ACTION_LOGP: np.zeros(rows, np.float32)}


def policy_actions(
    module: Any, batch: dict[str, Any], *, explore: bool
) -> tuple[Any, list[Any], dict[str, Any]]:
    """Return what RLlib's policies computed by their network, in numpy.

    Actions of B rows, no states, and their log-probabilities (zero without exploring, as in the
    old stack), probabilities and the inputs of their distribution.
    """
    inputs = module._forward(batch)[Columns.ACTION_DIST_INPUTS]
    if explore:
        dist = module.get_exploration_action_dist_cls().from_logits(inputs)
        actions = dist.sample()
        logp = dist.logp(actions)
    else:
        dist = module.get_inference_action_dist_cls().from_logits(inputs)
        actions = dist.to_deterministic().sample()
        logp = torch.zeros(len(inputs))
    infos = {
        Columns.ACTION_DIST_INPUTS: inputs,
        Columns.ACTION_LOGP: logp,
        Columns.ACTION_PROB: torch.exp(logp),
    }
    actions, infos = tree.map_structure(lambda part: part.detach().cpu().numpy(), (actions, infos))
    return actions, [], infos
