"""Run legacy models and policies as RLModules, without changing them."""

from __future__ import annotations

from rlmigrate.compat.wrap.model import wrap_model, wrap_policy

__all__ = ["wrap_model", "wrap_policy"]
