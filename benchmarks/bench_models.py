"""Time `ModelV2.__call__` against Ray's, on equal weights and inputs.

    python benchmarks/bench_models.py

Prints microseconds a call, ours and Ray's, and their ratio: the best of several rounds, which
alternate so that a busy machine slows both.
"""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple

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


def best(functions: list[Callable[[], Any]], *, rounds: int = 9, calls: int = 100) -> list[float]:
    """Time functions in turn; give each one's best round in microseconds a call."""
    times = [float("inf")] * len(functions)
    for _ in range(rounds):
        for index, function in enumerate(functions):
            start = time.perf_counter()
            for _ in range(calls):
                function()
            times[index] = min(times[index], (time.perf_counter() - start) / calls * 1e6)
    return times


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
                    ours, rays = best([call(models[0], SampleBatch), call(models[1], RayBatch)])
                print(
                    f"{space_name:12} {net:6} {size:5} {ours:9.1f} {rays:9.1f} {ours / rays:6.2f}"
                )


if __name__ == "__main__":
    main()
