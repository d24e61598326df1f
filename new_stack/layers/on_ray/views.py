"""ViewColumns: the columns that a module's view requirements ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule

from rlmigrate.new_stack.layers.observations import flatten, preprocess
from rlmigrate.new_stack.layers.views import ViewRequirement


class ViewColumns(ConnectorV2):  # type: ignore[misc]
    """Add the columns that `module.view_requirements` names, as the old stack did.

    Goes into both pipelines, so that acting and learning see the same:
    `config.env_runners(env_to_module_connector=lambda *_, **__: ViewColumns())` and
    `config.learners(learner_connector=lambda *_, **__: ViewColumns(as_learner_connector=True))`.
    Columns that reach back n steps need `config.env_runners(episode_lookback_horizon=n)`.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        as_learner_connector: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(input_observation_space, input_action_space, **kwargs)
        self._as_learner_connector = as_learner_connector

    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        """Add the columns for the last step of each episode, or for all steps when learning."""
        learning = self._as_learner_connector
        for episode in self.single_agent_episode_iterator(
            episodes, agents_that_stepped_only=not learning
        ):
            module = rl_module
            if isinstance(rl_module, MultiRLModule):
                module = rl_module[episode.module_id or DEFAULT_MODULE_ID]
            module = module.unwrapped()
            for column, view in getattr(module, "view_requirements", {}).items():
                if not (view.used_for_training if learning else view.used_for_compute_actions):
                    continue
                steps = range(len(episode)) if learning else [len(episode)]
                items = [_item(episode, column, view, step, module) for step in steps]
                self.add_n_batch_items(batch, column, items, len(items), episode)
        return batch


def _item(episode: Any, column: str, view: ViewRequirement, step: int, module: Any) -> Any:
    """Return what a view shows at one step: [*shape], or [window, *shape]."""
    rows = read_column(episode, view.data_col or column, [step + shift for shift in view.shifts])
    source = view.data_col or column
    space = module.action_space if source == "actions" else module.observation_space
    nested = isinstance(space, gym.spaces.Dict | gym.spaces.Tuple)
    if source == "obs":
        tensors = tree.map_structure(torch.as_tensor, rows)
        rows = (flatten if nested else preprocess)(tensors, space).numpy()
    elif source == "actions" and nested:
        leaves = [np.reshape(leaf, (len(view.shifts), -1)) for leaf in tree.flatten(rows)]
        rows = np.concatenate(leaves, axis=1)
    return rows[0] if isinstance(view.shift, int) else rows


def read_column(episode: Any, source: str, at: list[int]) -> Any:
    """Read a column of an episode at the given steps: [steps, ...], or a structure of such.

    Before its start the old stack repeated the first observation, and showed zeros otherwise.
    """
    if source == "obs":
        first = -episode.observations.lookback
        at = [max(step, first) for step in at]
        rows = episode.get_observations(at, neg_index_as_lookback=True, fill=0.0)
    elif source == "actions":
        rows = episode.get_actions(at, neg_index_as_lookback=True, fill=0.0)
    elif source == "rewards":
        rows = episode.get_rewards(at, neg_index_as_lookback=True, fill=0.0)
    else:
        rows = episode.get_extra_model_outputs(
            key=source, indices=at, neg_index_as_lookback=True, fill=0.0
        )
    if isinstance(rows, list):
        return tree.map_structure(lambda *each: np.stack(each), *rows)
    return rows
