"""The API of modules that have parts which acting does not need."""

from __future__ import annotations

import abc


class InferenceOnlyAPI(abc.ABC):
    """A module that can leave out what is used for learning only.

    Built with `inference_only=True`, it is without those parts; built for learning, its
    `get_state(inference_only=True)` is without their parameters.
    """

    @abc.abstractmethod
    def get_non_inference_attributes(self) -> list[str]:
        """List the attributes to leave out, dotted for those inside others: `encoder.critic`."""
