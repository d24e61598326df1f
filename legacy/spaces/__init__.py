"""Spaces that gymnasium lacks, and how spaces are taken apart."""

from __future__ import annotations

from rlmigrate.legacy.spaces.repeated import Repeated
from rlmigrate.legacy.spaces.simplex import Simplex
from rlmigrate.legacy.spaces.structure import action_width, base_struct, flatten_space

__all__ = ["Repeated", "Simplex", "action_width", "base_struct", "flatten_space"]
