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
    rows = _stack(_read(episode, view.source, [step + shift for shift in view.shifts]))
    if view.source == "obs":
        rows = module.encode_observations(rows)
    elif view.flatten:
        leaves = [np.reshape(leaf, (len(view.shifts), -1)) for leaf in tree.flatten(rows)]
        rows = np.concatenate(leaves, axis=1)
    return rows if view.is_window else tree.map_structure(lambda leaf: leaf[0], rows)


def _stack(rows: Any) -> Any:
    if isinstance(rows, list):
        return tree.map_structure(lambda *leaves: np.stack(leaves), *rows)
    return rows


def _read(episode: Any, source: str, at: list[int]) -> Any:
    """Read a column at the given steps.

    Before its start the old stack repeated the first observation, and showed zeros otherwise.
    """
    if source == "obs":
        first = -episode.observations.lookback
        at = [max(step, first) for step in at]
        return episode.get_observations(at, neg_index_as_lookback=True, fill=0.0)
    if source == "actions":
        return episode.get_actions(at, neg_index_as_lookback=True, fill=0.0)
    if source == "rewards":
        return episode.get_rewards(at, neg_index_as_lookback=True, fill=0.0)
    return episode.get_extra_model_outputs(
        key=source, indices=at, neg_index_as_lookback=True, fill=0.0
    )
