"""Cases on both sides, output by output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from rlmigrate.compat.parity.accounting import Account, CaseError
from rlmigrate.compat.parity.cases import Case
from rlmigrate.compat.parity.divergence import measure
from rlmigrate.compat.parity.judge import Judgement, judge, same_bits
from rlmigrate.compat.parity.losses import compare_losses
from rlmigrate.compat.parity.quick import pass_together
from rlmigrate.compat.parity.reached import with_reached_states
from rlmigrate.compat.parity.references import Perturb, References, WideRuns
from rlmigrate.compat.parity.rows import Rows, Segments, padding
from rlmigrate.compat.parity.sides.alike import MASKED_FROM
from rlmigrate.compat.parity.sides.base import PHASES, Run, Side, source_of


def compare_cases(
    old: Side,
    new: Side,
    cases: Sequence[Case],
    account: Account,
    *,
    segments: Segments,
    perturb: Perturb | None,
) -> Sequence[Case]:
    """Run all cases on both sides and enter every output, and every exception, into the account.

    Returns the cases that were run: one whose random state the old model refuses goes on from a
    state that it reaches.
    """
    cases, ours = with_reached_states(old, cases, old.run_many(cases), account)
    theirs = new.run_many(cases)
    richest = max(range(len(cases)), key=lambda i: cases[i].richness(), default=None)
    wide = WideRuns(old, cases, ours, account)
    wide.expect([] if richest is None else [richest])  # the loss terms' noise, if any is asked for
    account.divergence = measure(new, cases, ours, theirs)
    known = pass_together(cases, ours, theirs, wide, limit=account.limit)
    for i, case in enumerate(cases):
        left, right = ours[i], theirs[i]
        if isinstance(left, Exception):
            account.failed(CaseError("old", case.name, left))
        elif isinstance(right, Exception):
            account.failed(CaseError("new", case.name, right))
        else:
            references = References(old, case, partial(wide.run, i), perturb)
            _compare_case(case, left, right, account, segments, references, known[i])
            if i == richest:
                compare_losses(
                    case,
                    left.outputs,
                    right.outputs,
                    account,
                    padded=padding(case),
                    reference=references.outputs,
                    around=references.around,
                )
    return cases


def _compare_case(
    case: Case,
    ours: Run,
    theirs: Run,
    account: Account,
    segments: Segments,
    references: References,
    known: Mapping[str, Judgement],
) -> None:
    expected = dict(ours.outputs)
    for path in theirs.outputs:
        if path.startswith(PHASES) and source_of(path) in ours.outputs:
            expected[path] = ours.outputs[source_of(path)]
    account.begin(case.name)
    rows = Rows(case, expected, theirs, segments, references)
    for path in (*expected, *(p for p in theirs.outputs if p not in expected)):
        left, right = expected.get(path), theirs.outputs.get(path)
        if left is None and path == "kl":
            why = ours.errors.get(path, "not recorded")
            account.note(f"KL not compared: the legacy distribution has none ({why})")
            continue
        if left is None or right is None:
            why = ours.errors.get(path) or theirs.errors.get(path) or ""
            account.missing(path, case.name, on="new" if right is None else "old", why=why)
            continue
        verdict = (
            known.get(path)
            or same_bits(left, right)
            or judge(
                left,
                right,
                reference=partial(references.array, source_of(path)),
                neighbour_noise=partial(noise_around, source_of(path), ours, references),
                segments=rows.segments(path, left),
                ignore=rows.ignored(path, left, right),
                limit=account.limit,
            )
        )
        account.add(path, case.name, verdict, left, right)


def noise_around(path: str, run: Run, references: References) -> float:
    """The noise of an output at inputs nearby.

    A KL is a small difference of logarithms, so it has at least the rounding of these.
    """
    noise = references.neighbours(path)
    logits = run.outputs.get("dist_inputs")
    if path != "kl" or logits is None:
        return noise
    largest = np.abs(logits, where=np.abs(logits) < MASKED_FROM, out=np.zeros_like(logits))
    return max(noise, float(np.finfo(logits.dtype).eps * largest.max(initial=1.0)))
