"""ViewColumns: give wrapped models the columns that their view requirements ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule

from rlmigrate.compat.wrap.views import View, views_of
from rlmigrate.new_stack.layers.on_ray.views import read_column


class ViewColumns(ConnectorV2):  # type: ignore[misc]
    """Add columns such as prev_actions, taken from the episodes.

    Goes into both pipelines, so that acting and learning see the same:
    `config.env_runners(env_to_module_connector=lambda *_, **__: ViewColumns())` and
    `config.learners(learner_connector=lambda *_, **__: ViewColumns(as_learner_connector=True))`.
    Windows that reach back n steps need `config.env_runners(episode_lookback_horizon=n)`.
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
        """Add the columns for the last step of each episode, or for all when learning."""
        if rl_module is None:
            return batch
        for episode in self.single_agent_episode_iterator(
            episodes, agents_that_stepped_only=not self._as_learner_connector
        ):
            module = _module_of(rl_module, episode).unwrapped()
            for view in views_of(module):
                if not (view.for_learning if self._as_learner_connector else view.for_acting):
                    continue
                steps = range(len(episode)) if self._as_learner_connector else [len(episode)]
                items = [_item(episode, view, step, module) for step in steps]
                self.add_n_batch_items(batch, view.column, items, len(items), episode)
        return batch


def _module_of(rl_module: Any, episode: Any) -> Any:
    if isinstance(rl_module, MultiRLModule):
        return rl_module[episode.module_id or DEFAULT_MODULE_ID]
    return rl_module


def _item(episode: Any, view: View, step: int, module: Any) -> Any:
    """Return what the view shows at one step: [*shape], or [window, *shape]."""
    rows = read_column(episode, view.source, [step + shift for shift in view.shifts])
    if view.source == "obs":
        rows = module.encode_observations(rows)
    elif view.flatten:
        leaves = [np.reshape(leaf, (len(view.shifts), -1)) for leaf in tree.flatten(rows)]
        rows = np.concatenate(leaves, axis=1)
    return rows if view.is_window else tree.map_structure(lambda leaf: leaf[0], rows)
