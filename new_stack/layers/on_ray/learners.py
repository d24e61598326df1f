"""Learners of the algorithms that only RLlib's old stack had, and what their batches held.

OldValues         a learner connector: the values before the update, under "vf_preds"
AdvantageLearner  PPO's Learner with advantages that are not standardised
A3CTorchLearner   the loss of A3C and A2C
ReturnsToGo       a learner connector: discounted rewards as advantages
PGTorchLearner    the loss of PG
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core.learner.torch.torch_learner import TorchLearner

from rlmigrate.new_stack.layers.losses import unmasked


class OldValues(ConnectorV2):  # type: ignore[misc]
    """Add what the value function said before the update, as the old stack's batches had it.

    Goes behind the connectors that batch the columns. With `advantages`, these become the
    difference between value targets and values again, which PPO's connector standardises.
    """

    def __init__(self, *args: Any, advantages: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._advantages = advantages

    def __call__(self, *, rl_module: Any, batch: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add the column for every module that has a value function."""
        for module_id, columns in batch.items():
            module = rl_module[module_id].unwrapped()
            if not hasattr(module, "compute_values"):
                continue
            with torch.no_grad():
                values = module.compute_values(columns)
            columns["vf_preds"] = values
            if self._advantages and "value_targets" in columns:
                columns["advantages"] = columns["value_targets"] - values
        return batch


class AdvantageLearner(PPOTorchLearner):  # type: ignore[misc]
    """Give a loss the advantages that `compute_gae_for_sample_batch` gave, for a PPOConfig."""

    def build(self) -> None:
        """Put the values behind the connector that computes advantages."""
        super().build()
        if self._learner_connector is not None:
            self._learner_connector.append(OldValues(advantages=True))


class A3CTorchLearner(AdvantageLearner):
    """Learn as A3C and A2C did: sums over the batch, nothing clipped, no KL term.

    Goes with `PPOConfig().training(num_epochs=1, minibatch_size=train_batch_size)`, which is one
    update for each batch.
    """

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Any:
        """Return the policy's loss, the values' and the entropy's, as one tensor."""
        module = self.module[module_id].unwrapped()
        rows = unmasked(batch, batch)
        make = module.get_train_action_dist_cls()
        dist = make.from_logits(unmasked(fwd_out["action_dist_inputs"], batch))
        log_probs = dist.logp(rows["actions"]).reshape(-1)
        policy_loss = -torch.sum(log_probs * rows["advantages"])
        value_loss: Any = 0.0
        if config.use_critic:
            values = module.compute_values(batch, embeddings=fwd_out.get("embeddings"))
            error = unmasked(values, batch).reshape(-1) - rows["value_targets"]
            value_loss = 0.5 * torch.sum(torch.pow(error, 2.0))
        entropy = torch.sum(dist.entropy())
        coeff = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        logged = {"policy_loss": policy_loss, "vf_loss": value_loss, "policy_entropy": entropy}
        self.metrics.log_dict(logged, key=module_id, window=1)
        return policy_loss + value_loss * config.vf_loss_coeff - entropy * coeff


class ReturnsToGo(ConnectorV2):  # type: ignore[misc]
    """Add the discounted sum of the rewards that follow each step, under "advantages".

    An episode that goes on after its chunk counts as over, as with the old PG. Goes in front of
    the connectors that batch the columns.
    """

    def __init__(self, *args: Any, gamma: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gamma = gamma

    def __call__(
        self, *, batch: dict[str, Any], episodes: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        """Add a value for every step of every episode."""
        for episode in self.single_agent_episode_iterator(episodes, agents_that_stepped_only=False):
            following, sums = 0.0, []
            for reward in reversed(episode.get_rewards()):
                following = float(reward) + self._gamma * following
                sums.append(following)
            items = np.array(sums[::-1], np.float32)
            self.add_n_batch_items(batch, "advantages", items, len(items), episode)
        return batch


class PGTorchLearner(TorchLearner):  # type: ignore[misc]
    """Learn as PG did: log-probabilities times the rewards that follow.

    Goes with `PPOConfig().training(num_epochs=1, minibatch_size=train_batch_size)`, which is one
    update for each batch.
    """

    def build(self) -> None:
        """Put the returns in front of the connectors that batch the columns."""
        super().build()
        if self._learner_connector is not None:
            self._learner_connector.prepend(ReturnsToGo(gamma=self.config.gamma))

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Any:
        """Return the mean of log-probability times advantage, negated."""
        module = self.module[module_id].unwrapped()
        rows = unmasked(batch, batch)
        make = module.get_train_action_dist_cls()
        dist = make.from_logits(unmasked(fwd_out["action_dist_inputs"], batch))
        loss = -torch.mean(dist.logp(rows["actions"]) * rows["advantages"])
        self.metrics.log_value((module_id, "policy_loss"), loss, window=1)
        return loss
