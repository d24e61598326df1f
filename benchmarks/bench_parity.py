"""Cases per second of check_parity against the bare cost of the two forward passes.

The bare cost is what both sides must compute in any case: the old model with its value, and the
module's training pass with its values, as tensors, without distributions or accounting.
Localisation and gradients are off; both numbers come from the same run, best of several.
"""

from __future__ import annotations

import time

import torch
from gymnasium.spaces import Box, Discrete

from rlmigrate import wrap_model
from rlmigrate.compat.parity import Status, check_parity
from rlmigrate.compat.parity.cases import CaseOptions, plan_cases
from rlmigrate.compat.parity.sides import building
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork

SPACES = {"observation_space": Box(-1.0, 1.0, (64,)), "action_space": Discrete(6)}
REPEATS = 60


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'hidden':>12} {'bare cases/s':>13} {'parity cases/s':>15} {'overhead':>9}")
    for hiddens in ([256, 256], [512, 512], [1024, 1024]):
        config = {"fcnet_hiddens": hiddens}
        old_side = building.legacy_side(FullyConnectedNetwork, **SPACES, model_config=config)
        new_side = building.module_side(
            wrap_model(FullyConnectedNetwork, stack="builtin"), **SPACES, model_config=config
        )
        new_side.adopt(old_side.parameters())
        old, new = old_side.model, new_side.module
        options = CaseOptions(batches=(32,), only=("batch 32",))
        cases = plan_cases(**SPACES, options=options) * REPEATS
        obs = torch.tensor(cases[0].obs)

        def bare() -> None:
            with torch.no_grad():
                for _ in range(REPEATS):
                    old({"obs": obs})  # noqa: B023
                    old.value_function()  # noqa: B023
                    out = new.forward_train({"obs": obs})  # noqa: B023
                    new.compute_values({"obs": obs}, embeddings=out.get("embeddings"))  # noqa: B023

        def parity() -> None:
            report = check_parity(
                old,  # noqa: B023
                new,  # noqa: B023
                **SPACES,
                cases=cases,  # noqa: B023
                localise=False,
                gradients=False,
            )
            assert report.status is Status.PASS, report.to_json()

        best = [min(timed(work) for _ in range(5)) for work in (bare, parity)]
        rates = [REPEATS / seconds for seconds in best]
        print(f"{hiddens!s:>12} {rates[0]:13.0f} {rates[1]:15.0f} {best[1] / best[0]:8.2f}x")


def timed(work) -> float:  # type: ignore[no-untyped-def]
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
