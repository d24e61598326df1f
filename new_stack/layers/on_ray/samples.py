"""SampleConnector: what old policies did to the samples of an episode, in a learner connector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2


class SampleConnector(ConnectorV2):  # type: ignore[misc]
    """Hand each episode's columns to `postprocess()` and put what it changed into the batch.

    Columns have T rows: obs and new_obs as the environment gave them, actions, rewards,
    terminateds, truncateds, dones, infos, and what the module returned when it acted. `others`
    are those of the other agents of the episode, as yet unchanged: agent to (module, columns), or
    to (module id, module, columns) where `named_others` is set, as Ray 2 had it. Goes into
    `config.learners(learner_connector=lambda *_, **__: ...)`, in front of RLlib's own.
    """

    named_others = False

    def __init__(self, *args: Any, config: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = config  # that of the algorithm

    def postprocess(
        self, module: Any, columns: Any, others: Any, episode: Any
    ) -> Mapping[str, Any]:
        """Return the columns with changes and additions."""
        raise NotImplementedError

    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        """Add the changed columns of every episode."""
        iterator = self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False)
        chunks = [(each, sample_columns(each)) for each in iterator if len(each)]
        for episode, columns in chunks:
            others = {
                other.agent_id: self._described(rl_module, other, copied(theirs))
                for other, theirs in chunks
                if other is not episode
                and other.multi_agent_episode_id is not None
                and other.multi_agent_episode_id == episode.multi_agent_episode_id
            }
            module = module_behind(rl_module, episode)
            changed = self.postprocess(module, copied(columns), others, episode)
            for key, values in changed.items():
                if key not in columns or not same_values(values, columns[key]):
                    self.add_n_batch_items(batch, key, values, len(episode), episode)
        return batch

    def _described(self, rl_module: Any, other: Any, columns: dict[str, Any]) -> tuple[Any, ...]:
        module = module_behind(rl_module, other)
        return (other.module_id, module, columns) if self.named_others else (module, columns)


def sample_columns(episode: Any) -> dict[str, Any]:
    """Return what the old stack's batches had, as far as an episode knows it."""
    steps = len(episode)
    last = np.arange(steps) == steps - 1
    return {
        "obs": stacked(episode.get_observations(slice(0, steps))),
        "new_obs": stacked(episode.get_observations(slice(1, steps + 1))),
        "actions": stacked(episode.get_actions()),
        "rewards": np.asarray(episode.get_rewards()),
        "terminateds": last & episode.is_terminated,
        "truncateds": last & episode.is_truncated,
        "dones": last & episode.is_done,
        "infos": episode.get_infos(slice(1, steps + 1)),
        **{
            key: stacked(episode.get_extra_model_outputs(key))
            for key in episode.extra_model_outputs
        },
    }


def stacked(steps: Any) -> Any:
    """Return the values of an episode's steps, nested or not, as arrays of T rows."""
    if not isinstance(steps, list):
        return steps
    return tree.map_structure(lambda *values: np.stack(values), *steps)


def copied(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns that may be changed in place; infos stay the environment's."""
    return {
        key: values if key == "infos" else tree.map_structure(np.array, values)
        for key, values in columns.items()
    }


def same_values(after: Any, before: Any) -> bool:
    """Say whether nothing was changed; what has another structure was."""
    try:
        tree.assert_same_structure(after, before)
    except (TypeError, ValueError):
        return False
    pairs = zip(tree.flatten(after), tree.flatten(before), strict=True)
    return all(mine is theirs or np.array_equal(mine, theirs) for mine, theirs in pairs)


def module_behind(rl_module: Any, episode: Any) -> Any:
    """Return the module that acted in an episode."""
    name = episode.module_id or "default_policy"
    parts = rl_module.keys() if hasattr(rl_module, "keys") else ()
    return rl_module[name].unwrapped() if name in parts else rl_module
