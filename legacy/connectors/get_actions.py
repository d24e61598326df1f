"""GetActions: sample actions from what an RLModule gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlmigrate.legacy.batches.columns import ColumnNames
from rlmigrate.legacy.connectors.connector_v2 import ConnectorV2
from rlmigrate.legacy.connectors.episodes import MultiAgentEpisode


class GetActions(ConnectorV2):
    """Add `actions` and `action_logp` to a batch that has `action_dist_inputs`.

    Exploring, actions are sampled from the exploration distribution; else they are the
    likeliest of the inference distribution. Given actions stay, and get their log-probability
    if they come with inputs, as the guides of Ray 2.5 to 2.40 promise; Ray leaves it out.
    """

    def __call__(
        self,
        *,
        rl_module: Any,
        batch: dict[str, Any],
        episodes: Sequence[Any] = (),
        explore: bool | None = None,
        shared_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Give the batch with actions, per module if the episodes are multi-agent ones."""
        if episodes and isinstance(episodes[0], MultiAgentEpisode):
            for module_id, module_batch in batch.items():
                _add_actions(module_batch, rl_module[module_id], bool(explore))
        else:
            _add_actions(batch, rl_module, bool(explore))
        return batch


def _add_actions(batch: dict[str, Any], module: Any, explore: bool) -> None:
    inputs = batch.get(ColumnNames.ACTION_DIST_INPUTS)
    if inputs is None:
        return
    if explore:
        dist = module.get_exploration_action_dist_cls().from_logits(inputs)
    else:
        dist = module.get_inference_action_dist_cls().from_logits(inputs)
    given = batch.get(ColumnNames.ACTIONS)
    if given is not None:
        if explore and ColumnNames.ACTION_LOGP not in batch:
            batch[ColumnNames.ACTION_LOGP] = dist.logp(given)
        return
    if not explore:
        dist = dist.to_deterministic()
    batch[ColumnNames.ACTIONS] = actions = dist.sample()
    if ColumnNames.ACTION_LOGP not in batch:
        # A deterministic action has probability 1; Ray's sum over parts fails for Tuples.
        batch[ColumnNames.ACTION_LOGP] = (
            dist.logp(actions) if explore else inputs.new_zeros(inputs.shape[:-1])
        )
