"""The state that a batch must bring to a stateful module.

state_in            the batch's STATE_IN
MissingStateError   raised where there is none
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack.columns import Columns


class MissingStateError(ModuleError, KeyError):
    """A stateful module got a batch without STATE_IN; a KeyError, as Ray's modules raise."""

    __str__ = Exception.__str__


def state_in(batch: Mapping[str, Any]) -> Any:
    """Return the state that a batch starts from.

    Raises MissingStateError if there is none.
    """
    try:
        return batch[Columns.STATE_IN]
    except KeyError:
        raise MissingStateError(
            f"the module is stateful and the batch has no '{Columns.STATE_IN}'; add "
            "module.get_initial_state(), with a batch dimension in front of each entry, or "
            f"state_out of the step before (keys found: {sorted(batch)})"
        ) from None
