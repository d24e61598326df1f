"""Copy parameters between a legacy model and its new module, every one accounted for."""

from __future__ import annotations

from rlmigrate.compat.weights.report import Assignment, TransferReport
from rlmigrate.compat.weights.transfer import transfer_weights

__all__ = ["Assignment", "TransferReport", "transfer_weights"]
