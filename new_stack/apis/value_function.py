"""The API of modules with a value function."""

from __future__ import annotations

import abc
from typing import Any


class ValueFunctionAPI(abc.ABC):
    """A module that can tell the value of the states in a batch."""

    @abc.abstractmethod
    def compute_values(self, batch: dict[str, Any], embeddings: Any | None = None) -> Any:
        """Compute values: float[B] or float[B, T].

        Args:
            batch: The batch to evaluate.
            embeddings: What `_forward_train` returned as `Columns.EMBEDDINGS` for the same batch,
                to save the second pass through a shared encoder.
        """
