"""The API of modules that learn Q-values."""

from __future__ import annotations

import abc
from typing import Any


class QNetAPI(abc.ABC):
    """A module that can tell the Q-values of the actions in a batch."""

    @abc.abstractmethod
    def compute_q_values(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Compute `qf_preds`; distributional nets add `atoms`, `qf_logits` and `qf_probs`."""

    def compute_advantage_distribution(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Compute the advantage distribution, which is the Q-distribution without a dueling net."""
        return self.compute_q_values(batch)
