"""What a module is given of an old model's config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def new_model_config(model_config: Mapping[str, Any]) -> dict[str, Any]:
    """Give a module what the old model got: custom_model_config keys also at the top level.

    >>> new_model_config({"custom_model": "m", "custom_model_config": {"depth": 2}})
    {'custom_model_config': {'depth': 2}, 'depth': 2}
    """
    custom = dict(model_config.get("custom_model_config") or {})
    rest = {key: value for key, value in model_config.items() if key != "custom_model"}
    return {**rest, **custom}
