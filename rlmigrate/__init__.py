"""Move RLlib code from the old API stack to RLModule, and prove the numbers are the same.

The names below are loaded on first use, so `import rlmigrate` and `rlmigrate --help` stay fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rlmigrate.compat.checkpoints import ConversionReport, convert_checkpoint
    from rlmigrate.compat.names import ray_names
    from rlmigrate.compat.parity import (
        ParityReport,
        Status,
        assert_parity,
        check_parity,
        compare,
        record,
    )
    from rlmigrate.compat.weights import TransferReport, transfer_weights
    from rlmigrate.compat.wrap import wrap_model, wrap_policy
    from rlmigrate.compat.wrap.on_ray.learner import legacy_loss

_HOME = {
    "ConversionReport": "rlmigrate.compat.checkpoints",
    "ParityReport": "rlmigrate.compat.parity",
    "Status": "rlmigrate.compat.parity",
    "TransferReport": "rlmigrate.compat.weights",
    "assert_parity": "rlmigrate.compat.parity",
    "check_parity": "rlmigrate.compat.parity",
    "compare": "rlmigrate.compat.parity",
    "convert_checkpoint": "rlmigrate.compat.checkpoints",
    "legacy_loss": "rlmigrate.compat.wrap.on_ray.learner",
    "ray_names": "rlmigrate.compat.names",
    "record": "rlmigrate.compat.parity",
    "transfer_weights": "rlmigrate.compat.weights",
    "wrap_model": "rlmigrate.compat.wrap",
    "wrap_policy": "rlmigrate.compat.wrap",
}

__all__ = [
    "ConversionReport",
    "ParityReport",
    "Status",
    "TransferReport",
    "assert_parity",
    "check_parity",
    "compare",
    "convert_checkpoint",
    "legacy_loss",
    "ray_names",
    "record",
    "transfer_weights",
    "wrap_model",
    "wrap_policy",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'rlmigrate' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
