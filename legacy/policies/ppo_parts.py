"""PPO's torch policy as functions, as it was up to Ray 1.13: for `PPOTorchPolicy.with_updates`."""

from __future__ import annotations

from typing import Any

from rlmigrate.legacy.batches import SampleBatch
from rlmigrate.legacy.config.ppo import PPOConfig
from rlmigrate.legacy.policies.builder import build_policy_class
from rlmigrate.legacy.policies.ppo_torch_policy import PPOTorchPolicy
from rlmigrate.legacy.policies.torch_mixins import (
    EntropyCoeffSchedule,
    KLCoeffMixin,
    LearningRateSchedule,
    ValueNetworkMixin,
)
from rlmigrate.legacy.postprocessing import compute_gae_for_sample_batch
from rlmigrate.legacy.types import Tensor
from rlmigrate.legacy.utils.torch_utils import apply_grad_clipping


def ppo_surrogate_loss(policy: Any, model: Any, dist_class: Any, train_batch: Any) -> Tensor:
    """Compute PPO's loss for any policy that has PPO's mixins."""
    return PPOTorchPolicy.loss(policy, model, dist_class, train_batch)


def _setup_mixins(policy: Any, obs_space: Any, action_space: Any, config: Any) -> None:
    ValueNetworkMixin.__init__(policy, obs_space, action_space, config)
    KLCoeffMixin.__init__(policy, config)
    EntropyCoeffSchedule.__init__(policy, config["entropy_coeff"], config["entropy_coeff_schedule"])
    LearningRateSchedule.__init__(policy, config["lr"], config["lr_schedule"])


def _values(policy: Any, batch: Any, states: Any, model: Any, dist: Any) -> dict[str, Tensor]:
    return {SampleBatch.VF_PREDS: model.value_function()}


def with_updates(**changes: Any) -> Any:
    """Build PPO's policy with some of its functions replaced; see `build_policy_class`."""
    parts: dict[str, Any] = {
        "name": "PPOTorchPolicy",
        "framework": "torch",
        "get_default_config": PPOConfig,
        "loss_fn": ppo_surrogate_loss,
        "stats_fn": PPOTorchPolicy.stats_fn,
        "extra_action_out_fn": _values,
        "postprocess_fn": compute_gae_for_sample_batch,
        "extra_grad_process_fn": apply_grad_clipping,
        "before_loss_init": _setup_mixins,
        "mixins": [LearningRateSchedule, EntropyCoeffSchedule, KLCoeffMixin, ValueNetworkMixin],
    }
    return build_policy_class(**{**parts, **changes})
