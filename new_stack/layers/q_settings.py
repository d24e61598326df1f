"""Settings of DQN's and SAC's modules, torch and TF."""

from __future__ import annotations

from typing import Any

#: DQN's settings as the old stack had them; DQNConfig puts most of them into the model config.
Q_SETTINGS: dict[str, Any] = {
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

#: What SAC's old config said of both nets.
SAC_NET: dict[str, Any] = {
    "fcnet_hiddens": [256, 256],
    "fcnet_activation": "relu",
    "post_fcnet_hiddens": [],
    "post_fcnet_activation": None,
}
