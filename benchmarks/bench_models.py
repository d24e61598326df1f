"""Time `ModelV2.__call__` against Ray's, on equal weights and inputs.

    python benchmarks/bench_models.py

Prints microseconds of CPU time a call, ours and Ray's, and their ratio.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple
from timing import best

SPACES = {
    "Box": Box(-1, 1, (4,), np.float32),
    "Dict": Dict(
        a=Discrete(5),
        b=Box(-1, 1, (4,), np.float32),
        c=Tuple([Discrete(2), Box(-1, 1, (2, 2), np.float32)]),
    ),
}
NETS: dict[str, dict[str, Any]] = {
    "fcnet": {"fcnet_hiddens": [64, 64]},
    "lstm": {"fcnet_hiddens": [64, 64], "use_lstm": True, "lstm_cell_size": 64},
}


def main() -> None:
    """Print the table."""
    # Ray imports TF if it finds it, which takes seconds and is not timed here.
    os.environ.setdefault("RLLIB_TEST_NO_TF_IMPORT", "1")
    logging.disable(logging.CRITICAL)
    from ray.rllib.models import ModelCatalog as RayCatalog
    from ray.rllib.policy.sample_batch import SampleBatch as RayBatch

    from rlmigrate.legacy.batches import SampleBatch
    from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

    torch.set_num_threads(1)
    print(f"{'observations':12} {'net':6} {'batch':>5} {'ours us':>9} {'ray us':>9} {'ratio':>6}")
    for space_name, space in SPACES.items():
        preprocessor = ModelCatalog.get_preprocessor_for_space(space)
        for net, settings in NETS.items():
            models = [
                catalog.get_model_v2(
                    preprocessor.observation_space,
                    Discrete(2),
                    2,
                    {**copy.deepcopy(MODEL_DEFAULTS), **settings},
                    framework="torch",
                )
                for catalog in (ModelCatalog, RayCatalog)
            ]
            for size in (1, 32, 256):
                rows = [preprocessor.transform(space.sample()) for _ in range(size)]
                obs = torch.from_numpy(np.stack(rows))
                state = [torch.zeros(size, 64)] * 2 if net == "lstm" else []
                lens = torch.ones(size, dtype=torch.int64)

                def call(model: Any, batch: Any) -> Callable[[], Any]:
                    return lambda: model(batch({"obs": obs}), state, lens)  # noqa: B023

                with torch.no_grad():
                    found = best(
                        {"ours": call(models[0], SampleBatch), "ray": call(models[1], RayBatch)},
                        calls=20,
                    )
                ours, rays = found["ours"] * 1e6, found["ray"] * 1e6
                print(
                    f"{space_name:12} {net:6} {size:5} {ours:9.1f} {rays:9.1f} {ours / rays:6.2f}"
                )


if __name__ == "__main__":
    main()
