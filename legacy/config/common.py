"""`COMMON_CONFIG` and `with_common_config`, with which trainers before Ray 2.0 made their configs.

COMMON_CONFIG        every setting of AlgorithmConfig, under old and new names
with_common_config   a config dict laid over it
"""

from __future__ import annotations

import copy
from typing import Any

from rlmigrate.legacy.config.algorithm_config import AlgorithmConfig
from rlmigrate.legacy.config.renames import RENAMES


def _common() -> dict[str, Any]:
    settings = AlgorithmConfig().to_dict()
    old = {name: settings[new] for name, new in RENAMES.items() if new in settings}
    return {**old, **settings, "framework": "tf"}


COMMON_CONFIG: dict[str, Any] = _common()


def with_common_config(extra_config: dict[str, Any]) -> dict[str, Any]:
    """Lay a trainer's own settings over the common ones, dicts within dicts likewise.

    >>> config = with_common_config({"num_workers": 3, "model": {"fcnet_hiddens": [8]}})
    >>> config["num_workers"], config["model"]["fcnet_hiddens"], config["model"]["use_lstm"]
    (3, [8], False)
    """
    return _laid_over(copy.deepcopy(COMMON_CONFIG), extra_config)


def _laid_over(base: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    for key, value in extra.items():
        held = base.get(key)
        both = isinstance(value, dict) and isinstance(held, dict)
        base[key] = _laid_over(dict(held), value) if both else value  # type: ignore[arg-type]
    return base
