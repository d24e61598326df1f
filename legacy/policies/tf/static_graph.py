"""The bases of policies on placeholders, which eager execution cannot serve.

TFPolicy, DynamicTFPolicy   may be extended and asked about; building one says what to do
"""

from __future__ import annotations

from typing import Any, NoReturn

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.policies.policy import Policy


class TFPolicy(Policy):
    """A policy whose actions and loss are tensors of a static graph; raises LegacyError."""

    # For `override`: which methods RLlib's class has is not asked.
    __stands_in__ = True

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LegacyError(
            f"{type(self).__name__} is built from placeholders of a static graph, and here TF "
            "policies run eagerly: give its loss and hooks to build_tf_policy(), or to a subclass "
            "of EagerTFPolicyV2, both of which run here; with Ray installed, framework='tf' runs "
            "it as it is"
        )


class DynamicTFPolicy(TFPolicy):
    """A TFPolicy that makes its placeholders itself; raises LegacyError."""
