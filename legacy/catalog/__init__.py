"""ModelCatalog: which model, preprocessor and action distribution a config asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlmigrate.legacy.catalog.defaults import DEPRECATED_VALUE, MODEL_DEFAULTS
from rlmigrate.legacy.lazy import lazy_attributes

if TYPE_CHECKING:
    from rlmigrate.legacy.catalog.catalog import ModelCatalog

__all__ = ["DEPRECATED_VALUE", "MODEL_DEFAULTS", "ModelCatalog"]

__getattr__, __dir__ = lazy_attributes(
    __name__, {"ModelCatalog": "rlmigrate.legacy.catalog.catalog"}
)
