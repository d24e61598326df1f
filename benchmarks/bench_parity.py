"""Cases per second of check_parity against the bare cost of the two forward passes.

The bare cost is what both sides must compute in any case: the old model with its value, and the
module's training pass with its values, as tensors, without distributions or accounting.
Localisation and gradients are off. Both are processor time of the same run, by turns, best of
several. Two rows for each net: a module of equal bits, which is never run in float64, and one that
sums in another order, whose cases are all run in float64 for their noise: that costs at least one
more forward pass of twice the width, and is not part of the floor.
"""

from __future__ import annotations

import time
from functools import partial

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
    print(f"{'hidden':>12} {'module':>10} {'bare cases/s':>13} {'parity cases/s':>15} overhead")
    for hiddens in ([256, 256], [512, 512], [1024, 1024]):
        for kind in ("equal bits", "reordered"):
            rates = measured(hiddens, reordered=kind == "reordered")
            print(
                f"{hiddens!s:>12} {kind:>10} {rates[0]:13.0f} {rates[1]:15.0f} "
                f"{rates[0] / rates[1]:7.2f}x",
                flush=True,
            )


def measured(hiddens: list[int], *, reordered: bool) -> tuple[float, float]:
    """Cases per second: bare, and through check_parity."""
    config = {"fcnet_hiddens": hiddens}
    wrapped = wrap_model(FullyConnectedNetwork, stack="builtin")
    old_side = building.legacy_side(FullyConnectedNetwork, **SPACES, model_config=config)
    new_side = building.module_side(wrapped, **SPACES, model_config=config)
    new_side.adopt(old_side.parameters())
    old, new = old_side.model, new_side.module
    if reordered:
        for part in new.modules():
            if isinstance(part, torch.nn.Linear):
                part.forward = partial(columnwise, part)  # type: ignore[method-assign]
    options = CaseOptions(batches=(32,), only=("batch 32",))
    cases = plan_cases(**SPACES, options=options) * REPEATS
    obs = torch.tensor(cases[0].obs)

    def bare() -> None:
        with torch.no_grad():
            for _ in range(REPEATS):
                old({"obs": obs})
                old.value_function()
                out = new.forward_train({"obs": obs})
                new.compute_values({"obs": obs}, embeddings=out.get("embeddings"))

    def parity() -> None:
        report = check_parity(old, new, **SPACES, cases=cases, localise=False, gradients=False)
        assert report.status is Status.PASS, report.to_json()

    turns = [(timed(bare), timed(parity)) for _ in range(9)]
    return REPEATS / min(a for a, _ in turns), REPEATS / min(b for _, b in turns)


def columnwise(part: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
    """Compute the layer as a product of columns, in another order of summation."""
    bias = 0.0 if part.bias is None else part.bias
    return (part.weight @ x.T).T + bias


def timed(work) -> float:  # type: ignore[no-untyped-def]
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
