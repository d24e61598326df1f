"""The old stack's squashed Gaussian, whose log-probabilities are not those of the new one."""

from __future__ import annotations

from typing import Any

import torch

from rlmigrate.new_stack.distributions.squashed_gaussian import TorchSquashedGaussian

_LOGP_BOUND = 100.0
_SMALL = 1e-6


class TorchOldSquashedGaussian(TorchSquashedGaussian):
    """A squashed Gaussian with clamped log-probabilities, for models whose training relied on them.

    Its deterministic action is the squashed mean.
    """

    def logp(self, value: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """Return the log-density as the old stack computed it."""
        raw = self._unsquash(value)
        gaussian = torch.clamp(self._dist.log_prob(raw), -_LOGP_BOUND, _LOGP_BOUND).sum(dim=-1)
        slope = torch.log(1 - torch.tanh(raw) ** 2 + _SMALL)
        result: torch.Tensor = gaussian - slope.sum(dim=-1)
        return result

    def sample_and_logp(self, *, sample_shape: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw actions with their log-probability."""
        sample = self.sample(sample_shape=sample_shape)
        return sample, self.logp(sample)

    def rsample_and_logp(self, *, sample_shape: Any = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw actions that gradients flow through, with their log-probability."""
        sample = self.rsample(sample_shape=sample_shape)
        return sample, self.logp(sample)
