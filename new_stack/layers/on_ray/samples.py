"""What old policies did to the samples of an episode, in a learner connector.

SampleConnector         hands the columns of each episode to a policy's old code
SampledEnds             remembers how episodes ended, for it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import tree
from ray.rllib.connectors.connector_v2 import ConnectorV2

from rlmigrate.new_stack.layers.on_ray.advantages import StandardizedAdvantages


class SampleConnector(ConnectorV2):  # type: ignore[misc]
    """Hand each episode's columns to `postprocess()` and put what it changed into the batch.

    Columns have T rows: obs and new_obs as the environment gave them, actions, rewards,
    terminateds, truncateds, dones, infos, and what the module returned when it acted. `others`
    are those of the other agents of the episode, as yet unchanged: agent to (module, columns), or
    to (module id, module, columns) where `named_others` is set, as Ray 2 had it. `join()` puts it
    into a Learner's pipeline, at the end of `build()`; `adds_advantages` tells that it adds them.

    Learners of PPO and its kin append a step to each chunk of an episode, which it never sees.
    Where it is given to `config.learners(learner_connector=...)` instead, it cannot tell a chunk
    that ends at a time limit from one that goes on: neither is truncated.
    """

    named_others = False
    adds_advantages = False

    def __init__(self, *args: Any, config: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.config = config  # that of the algorithm

    def postprocess(
        self, module: Any, columns: Any, others: Any, episode: Any
    ) -> Mapping[str, Any]:
        """Return the columns with changes and additions."""
        raise NotImplementedError

    def join(self, pipeline: Any) -> None:
        """Take its place in a Learner's connectors, and that of those that add advantages."""
        names = [type(each).__name__ for each in pipeline.connectors]
        appended = "AddOneTsToEpisodesAndTruncate"
        pipeline.prepend(SampledEnds())
        pipeline.insert_after(appended if appended in names else "SampledEnds", self)
        if not self.adds_advantages:
            return
        for name in {"GeneralAdvantageEstimation", "OldValues", "ReturnsToGo"} & set(names):
            pipeline.remove(name)
        if "GeneralAdvantageEstimation" in names and "OldValues" not in names:
            pipeline.append(StandardizedAdvantages())

    def __call__(
        self,
        *,
        rl_module: Any,
        batch: dict[str, Any],
        episodes: Sequence[Any],
        shared_data: dict[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Add the changed columns of every episode."""
        ends = (shared_data or {}).get("sampled_ends", {})
        appended = "loss_mask" in batch
        iterator = self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False)
        chunks = []
        for each in iterator:
            cut = (len(each) - appended, each.is_terminated, each.is_truncated and not appended)
            if (end := ends.get(id(each), cut))[0]:
                chunks.append((each, sample_columns(each, *end)))
        done = []
        for episode, columns in chunks:
            others = {
                other.agent_id: self._described(rl_module, other, copied(theirs))
                for other, theirs in chunks
                if other is not episode
                and other.multi_agent_episode_id is not None
                and other.multi_agent_episode_id == episode.multi_agent_episode_id
            }
            module = module_behind(rl_module, episode)
            with torch.no_grad():
                done.append(self.postprocess(module, copied(columns), others, episode))
        changed = {
            key
            for (_, columns), after in zip(chunks, done, strict=True)
            for key, values in after.items()
            if key not in columns or not same_values(values, columns[key])
        }
        for key in sorted(changed):
            batch.pop(key, None)  # what another connector took from the episodes
            for (episode, _), after in zip(chunks, done, strict=True):
                if key not in after:
                    raise ValueError(
                        f"postprocess() gave {key!r} for some episodes, and not for {episode.id_}"
                    )
                steps = len(episode)
                rows = as_long_as(after[key], steps, blank=key in BLANK)
                self.add_n_batch_items(batch, key, rows, steps, episode)
        return batch

    def _described(self, rl_module: Any, other: Any, columns: dict[str, Any]) -> tuple[Any, ...]:
        module = module_behind(rl_module, other)
        return (other.module_id, module, columns) if self.named_others else (module, columns)


class SampledEnds(ConnectorV2):  # type: ignore[misc]
    """Remember how long each chunk of an episode was and how it ended, before others append."""

    def __call__(
        self, *, batch: dict[str, Any], episodes: Sequence[Any], shared_data: Any, **_: Any
    ) -> dict[str, Any]:
        """Write it where the connectors behind can read it."""
        iterator = self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False)
        shared_data["sampled_ends"] = {
            id(each): (len(each), each.is_terminated, each.is_truncated) for each in iterator
        }
        return batch


#: Columns whose appended step has nothing; others repeat their last row.
BLANK: frozenset[str] = frozenset(
    {"rewards", "terminateds", "truncateds", "advantages", "value_targets"}
)


def as_long_as(rows: Any, steps: int, *, blank: bool) -> Any:
    """Return T rows as `steps` of them: one more where a step was appended."""

    def longer(values: Any) -> Any:
        values = np.asarray(values)
        if len(values) == steps:
            return values
        last = values[-1:]
        return np.concatenate([values, np.zeros_like(last) if blank else last])

    return tree.map_structure(longer, rows)


def sample_columns(episode: Any, steps: int, terminated: bool, truncated: bool) -> dict[str, Any]:
    """Return what the old stack's batches had of the first steps, as far as an episode knows."""
    last = np.arange(steps) == steps - 1
    outputs = {key: episode.get_extra_model_outputs(key) for key in episode.extra_model_outputs}
    return {
        "obs": stacked(episode.get_observations(slice(0, steps))),
        "new_obs": stacked(episode.get_observations(slice(1, steps + 1))),
        "actions": first(stacked(episode.get_actions()), steps),
        "rewards": np.asarray(episode.get_rewards())[:steps],
        "terminateds": last & terminated,
        "truncateds": last & truncated,
        "dones": last & terminated,  # as Ray has read it since 2.3
        "infos": episode.get_infos(slice(1, steps + 1)),
        **{key: first(stacked(values), steps) for key, values in outputs.items()},
    }


def first(rows: Any, steps: int) -> Any:
    """Return the first rows of a column, nested or not."""
    return tree.map_structure(lambda values: values[:steps], rows)


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
