"""Settings of DQN that its modules read from the model config, with the old defaults.

Q_SETTINGS   keys of the new stack's model config, and their defaults
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Q_SETTINGS: Mapping[str, Any] = {
    "dueling": True,
    "double_q": True,
    "num_atoms": 1,
    "v_min": -10.0,
    "v_max": 10.0,
    "noisy": False,
    "sigma0": 0.5,
    "hiddens": [256],
    "dueling_activation": "relu",
    "epsilon": [(0, 1.0), (10000, 0.05)],
}
