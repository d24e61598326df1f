"""PolicyInputs: what old policies were given to act by, besides observations and states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ray.rllib.connectors.connector_v2 import ConnectorV2


class PolicyInputs(ConnectorV2):  # type: ignore[misc]
    """Add "infos", "prev_actions" and "prev_rewards" to what a module sees when it acts.

    Goes into `config.env_runners(env_to_module_connector=lambda *_, **__: PolicyInputs())`.
    Before the first step of an episode, action and reward are zeros, as in the old stack.
    """

    def __call__(
        self, *, batch: dict[str, Any], episodes: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        """Add the three columns for the last step of each episode."""
        for episode in self.single_agent_episode_iterator(episodes):
            items = {
                "infos": episode.get_infos(-1),
                "prev_actions": episode.get_actions(-1, fill=0.0),
                "prev_rewards": episode.get_rewards(-1, fill=0.0),
            }
            for column, item in items.items():
                self.add_batch_item(batch, column, item, episode)
        return batch
