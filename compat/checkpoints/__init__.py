"""Turn old-stack checkpoints into RLModule checkpoints, without running code from them."""

from __future__ import annotations

from rlmigrate.compat.checkpoints.convert import convert_checkpoint
from rlmigrate.compat.checkpoints.reading import OldCheckpoint, OldPolicy, read_checkpoint
from rlmigrate.compat.checkpoints.report import ConversionReport, PolicyConversion

__all__ = [
    "ConversionReport",
    "OldCheckpoint",
    "OldPolicy",
    "PolicyConversion",
    "convert_checkpoint",
    "read_checkpoint",
]
