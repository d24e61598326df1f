"""PPO's loss terms on one batch, from what either side computed.

The formulas are those that RLlib's PPOTorchPolicy and PPOTorchLearner share (2.60); the tests
hold them against both. Terms stay one number per row: a mean would let errors cancel.

LossBatch     what a learner is given besides observations and actions
draw_batch    a seeded LossBatch for a case
ppo_terms     loss terms of one side: float[B] each
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.judge import judge, same_bits
from rlmigrate.compat.parity.masks import UNDERFLOW
from rlmigrate.compat.parity.measures import noise_floor

#: PPOConfig's defaults, but for the entropy's weight, which is 0 there and would hide it.
CLIP, VALUE_CLIP, VALUE_WEIGHT, ENTROPY_WEIGHT, KL_WEIGHT = 0.3, 10.0, 1.0, 0.01, 0.2


@dataclass(frozen=True)
class LossBatch:
    """Log-probabilities of the behaviour policy, advantages, value targets: float32[B].

    `real: bool[B]` leaves out padding, and actions that have no probability.
    """

    logp: Array
    advantages: Array
    targets: Array
    real: Array


def draw_batch(outputs: Mapping[str, Array], padded: Array | None, *, seed: int = 0) -> LossBatch:
    """Draw the batch of a case around what the old side computed."""
    random = np.random.default_rng(seed)
    logp, value = outputs["logp"], outputs["value"].reshape(-1)
    real = np.isfinite(logp) & (logp > UNDERFLOW) & np.isfinite(value)
    if "kl" in outputs:
        real &= np.isfinite(outputs["kl"])
    if padded is not None:
        real &= ~padded
    return LossBatch(
        np.where(real, logp + random.normal(scale=0.3, size=logp.shape), 0.0).astype(np.float32),
        random.normal(size=logp.shape).astype(np.float32),
        np.where(real, value + random.normal(size=value.shape), 0.0).astype(np.float32),
        real,
    )


def ppo_terms(outputs: Mapping[str, Array], batch: LossBatch) -> dict[str, Array]:
    """Give `policy`, `value`, `entropy`, `kl` and `total`, for the real rows only."""
    keep = batch.real
    logp, value = outputs["logp"][keep], outputs["value"].reshape(-1)[keep]
    kind = logp.dtype
    advantages = batch.advantages[keep].astype(kind)
    ratio = np.exp(logp - batch.logp[keep].astype(kind))
    policy = -np.minimum(advantages * ratio, advantages * np.clip(ratio, 1 - CLIP, 1 + CLIP))
    squares = (value - batch.targets[keep].astype(kind)) ** 2
    terms = {"policy": policy, "value": np.clip(squares, 0.0, VALUE_CLIP)}
    total = policy + VALUE_WEIGHT * terms["value"]
    if "entropy" in outputs:
        terms["entropy"] = outputs["entropy"][keep]
        total = total - ENTROPY_WEIGHT * terms["entropy"]
    if "kl" in outputs:
        terms["kl"] = outputs["kl"][keep]
        total = total + KL_WEIGHT * terms["kl"]
    return {**terms, "total": total}


def compare_losses(
    case: Case,
    ours: Mapping[str, Array],
    theirs: Mapping[str, Array],
    account: Account,
    *,
    padded: Array | None,
    reference: Callable[[], Mapping[str, Array] | None],
    around: Callable[[], Iterable[tuple[Mapping[str, Array], Mapping[str, Array]]]],
) -> None:
    """Enter `loss.policy`, `loss.value`, `loss.entropy`, `loss.kl` and `loss.total`."""
    if not all(_fit(ours, theirs, path) for path in ("logp", "value")):
        return  # said already, of the output itself
    batch = draw_batch(ours, padded)
    if not batch.real.any():
        return
    known = {path for path in ours if path in theirs and _fit(ours, theirs, path)}
    left = ppo_terms({path: ours[path] for path in known}, batch)
    right = ppo_terms({path: theirs[path] for path in known}, batch)

    @cache
    def exact() -> Mapping[str, Array]:
        found = reference()
        if found is None or not known <= set(found):
            return {}
        return ppo_terms({path: found[path] for path in known}, batch)

    def wide(name: str) -> Array | None:
        return exact().get(name)

    def neighbours(name: str) -> float:
        largest = 0.0
        for narrow, double in around():
            if known <= set(narrow) and known <= set(double):
                pair = [
                    ppo_terms({path: run[path] for path in known}, batch)
                    for run in (narrow, double)
                ]
                largest = max(largest, noise_floor(pair[0][name], pair[1][name]))
        return largest

    for name, value in left.items():
        verdict = same_bits(value, right[name]) or judge(
            value,
            right[name],
            reference=partial(wide, name),
            neighbour_noise=partial(neighbours, name),
            limit=account.limit,
        )
        account.add(f"loss.{name}", case.name, verdict, value, right[name])


def _fit(ours: Mapping[str, Array], theirs: Mapping[str, Array], path: str) -> bool:
    return path in ours and path in theirs and ours[path].shape == theirs[path].shape
