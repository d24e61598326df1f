"""PPO's torch policy."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import torch

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.config.ppo import PPOConfig
from rlmigrate.legacy.policies.torch_mixins import (
    EntropyCoeffSchedule,
    KLCoeffMixin,
    LearningRateSchedule,
    ValueNetworkMixin,
)
from rlmigrate.legacy.policies.torch_policy_v2 import TorchPolicyV2
from rlmigrate.legacy.postprocessing import Postprocessing, compute_gae_for_sample_batch
from rlmigrate.legacy.types import Tensor
from rlmigrate.legacy.utils.numpy import convert_to_numpy
from rlmigrate.legacy.utils.torch_utils import (
    apply_grad_clipping,
    explained_variance,
    sequence_mask,
)


class PPOTorchPolicy(
    ValueNetworkMixin, LearningRateSchedule, EntropyCoeffSchedule, KLCoeffMixin, TorchPolicyV2
):
    """Clipped surrogate, clipped value loss, KL penalty and entropy bonus."""

    def __init__(
        self,
        observation_space: gym.Space[Any],
        action_space: gym.Space[Any],
        config: dict[str, Any],
    ) -> None:
        defaults = PPOConfig().to_dict()
        model = {**defaults["model"], **(config.get("model") or {})}
        config = {**defaults, **config, "model": model}
        TorchPolicyV2.__init__(
            self, observation_space, action_space, config, max_seq_len=model["max_seq_len"]
        )
        ValueNetworkMixin.__init__(self, config)
        LearningRateSchedule.__init__(self, config["lr"], config["lr_schedule"])
        EntropyCoeffSchedule.__init__(
            self, config["entropy_coeff"], config["entropy_coeff_schedule"]
        )
        KLCoeffMixin.__init__(self, config)
        self._initialize_loss_from_dummy_batch()

    @staticmethod
    def with_updates(**changes: Any) -> Any:
        """Build a policy class with some of PPO's functions replaced, as up to Ray 1.13."""
        from rlmigrate.legacy.policies.ppo_parts import with_updates

        return with_updates(**changes)

    def loss(self, model: Any, dist_class: Any, train_batch: Any) -> Tensor:
        """Compute PPO's loss, averaged over real steps; leaves its parts in `tower_stats`."""
        config = self.config
        logits, state = model(train_batch)
        dist = dist_class(logits, model)
        mean = _masked_mean(train_batch, logits, model) if state else torch.mean

        before = dist_class(train_batch[SampleBatch.ACTION_DIST_INPUTS], model)
        logp = dist.logp(train_batch[SampleBatch.ACTIONS])
        ratio = torch.exp(logp - train_batch[SampleBatch.ACTION_LOGP])
        zero = torch.tensor(0.0, device=ratio.device)
        kl = mean(before.kl(dist)) if config["use_kl_loss"] else zero
        entropy = dist.entropy()

        advantages = train_batch[Postprocessing.ADVANTAGES]
        clipped = torch.clamp(ratio, 1 - config["clip_param"], 1 + config["clip_param"])
        surrogate = torch.min(advantages * ratio, advantages * clipped)

        targets = train_batch[Postprocessing.VALUE_TARGETS]
        values = vf_loss = mean_vf_loss = zero
        if config["use_critic"]:
            values = model.value_function()
            vf_loss = torch.clamp(torch.pow(values - targets, 2.0), 0, config["vf_clip_param"])
            mean_vf_loss = mean(vf_loss)

        total = mean(-surrogate + config["vf_loss_coeff"] * vf_loss - self.entropy_coeff * entropy)
        if config["use_kl_loss"]:
            total = total + self.kl_coeff * kl
        model.tower_stats.update(
            total_loss=total,
            mean_policy_loss=mean(-surrogate),
            mean_vf_loss=mean_vf_loss,
            vf_explained_var=explained_variance(targets, values),
            mean_entropy=mean(entropy),
            mean_kl_loss=kl,
        )
        return total

    def extra_grad_process(self, optimizer: Any, loss: Any) -> dict[str, Any]:
        """Clip gradients by `config["grad_clip"]`."""
        return apply_grad_clipping(self, optimizer, loss)

    def stats_fn(self, train_batch: Any) -> dict[str, Any]:
        """Give the parts of the loss, and the current coefficients."""
        parts = {
            "total_loss": "total_loss",
            "policy_loss": "mean_policy_loss",
            "vf_loss": "mean_vf_loss",
            "vf_explained_var": "vf_explained_var",
            "kl": "mean_kl_loss",
            "entropy": "mean_entropy",
        }
        stats = {
            name: torch.mean(torch.stack(self.get_tower_stats(key))) for name, key in parts.items()
        }
        coefficients = {
            "cur_kl_coeff": self.kl_coeff,
            "cur_lr": self.cur_lr,
            "entropy_coeff": self.entropy_coeff,
        }
        return convert_to_numpy({**coefficients, **stats})  # type: ignore[no-any-return]

    def postprocess_trajectory(
        self, sample_batch: Any, other_agent_batches: Any = None, episode: Any = None
    ) -> Any:
        """Add advantages and value targets."""
        with torch.no_grad():
            return compute_gae_for_sample_batch(self, sample_batch, other_agent_batches, episode)


def _masked_mean(batch: Any, logits: Tensor, model: Any) -> Any:
    seq_lens = batch[SampleBatch.SEQ_LENS]
    steps = logits.shape[0] // len(seq_lens)
    mask = sequence_mask(seq_lens, steps, time_major=model.is_time_major()).reshape(-1)
    valid = torch.sum(mask)
    return lambda values: torch.sum(values[mask]) / valid
