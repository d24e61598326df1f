"""Gradients of both sides for the same cotangents, and what one optimiser step makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rlmigrate.compat.parity.accounting import Account
from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.judge import judge
from rlmigrate.compat.parity.results import Finding
from rlmigrate.compat.parity.sides.base import Precision, Side
from rlmigrate.compat.parity.sides.tf_weights import laid_out_like

#: Step of plain gradient descent; its size is of no matter, only that both take it.
STEP = 0.01


def compare_gradients(
    old: Side, new: Side, case: Case, account: Account, *, mapping: Mapping[str, str]
) -> list[Finding]:
    """Enter every gradient into the account as `gradients.parameters.NAME` or `gradients.inputs`.

    Returns findings: a gradient that only one side has, or a side that cannot give any.
    """
    try:
        ours = old.gradients(case)
    except Exception as error:  # the user's own code may raise anything
        account.note(f"gradients not compared: the legacy model raised {error}")
        return []
    try:
        theirs = new.gradients(case)
    except Exception as error:  # the user's own code may raise anything
        text = f"the new module raised {type(error).__name__}: {error}"
        return [Finding("raised", "gradients", text, case.name)]
    exact = _exact(old, case)
    findings = []
    for path, left in ours.values.items():
        partner = _partner(path, mapping)
        if partner not in theirs.values and _parameter(path) not in mapping:
            continue  # unmatched parameters are counted with the parameters
        right = theirs.values.get(partner)
        name = f"gradients.{path}"
        if left is None and right is None:
            continue
        if left is None or right is None:
            if _is_zero(left) or _is_zero(right):
                continue
            side = "new module" if right is None else "legacy model"
            text = f"None in the {side}: this parameter does not reach the outputs there"
            findings.append(Finding("gradient", name, text, case.name))
            continue
        if path.startswith("inputs") and left.size == right.size:
            right = right.reshape(left.shape)  # [B, T, ...] on the new side
        elif path.startswith("inputs"):
            account.note("gradients of inputs not compared: the old ones are of the flat input")
            continue
        wide = exact.get(path)
        left, wide = (v if v is None else laid_out_like(path, partner, v) for v in (left, wide))
        assert left is not None
        if left.shape != right.shape and left.size == right.size:
            left, right = np.sort(left, axis=None), np.sort(right, axis=None)
        verdict = judge(
            left,
            right,
            reference=lambda wide=wide: wide,  # type: ignore[misc]
            limit=account.limit,
        )
        account.add(name, case.name, verdict, left, right)
    return findings


def _is_zero(value: Array | None) -> bool:
    """Tell a gradient that is present but zero: as good as None."""
    return value is not None and not value.any()


def _exact(old: Side, case: Case) -> Mapping[str, Array | None]:
    try:
        return old.gradients(case, precision="float64").values
    except Exception:  # the user's own code may raise anything; then the table judges
        return {}


def _parameter(path: str) -> str:
    return path.removeprefix("parameters.")


def _partner(path: str, mapping: Mapping[str, str]) -> str:
    head, dot, name = path.partition(".")
    if head != "parameters" or not dot:
        return path
    return f"parameters.{mapping.get(name, name)}"


def compare_step(
    old: Side, new: Side, case: Case, account: Account, *, mapping: Mapping[str, str]
) -> None:
    """Let both sides take one step of gradient descent and compare what they compute then."""
    try:
        after_old = after_step(old, case, "float32")
        exact = _exact_step(old, case)
        after_new = after_step(new, case, "float32")
    except Exception as error:  # the user's own code may raise anything
        account.note(f"optimiser step not compared: {type(error).__name__}: {error}")
        return
    for path in ("dist_inputs", "value", "q_values", "critic", "twin_critic"):
        if path in after_old and path in after_new and after_old[path].ndim:
            left, right = _unmasked(after_old[path], after_new[path])
            reference = exact.get(path)
            verdict = judge(
                left,
                right,
                reference=lambda r=reference, like=after_old[path]: (  # type: ignore[misc]
                    None if r is None else np.where(np.abs(like) < 1e8, r, 0.0)
                ),
                limit=account.limit * 2,
            )
            account.add(f"after one step.{path}", case.name, verdict, left, right)


def _exact_step(old: Side, case: Case) -> Mapping[str, Array]:
    try:
        return after_step(old, case, "float64")
    except Exception:  # the user's own code may raise anything; then the table judges
        return {}


def _unmasked(left: Array, right: Array) -> tuple[Array, Array]:
    if left.shape != right.shape:
        return left, right
    seen = (np.abs(left) < 1e8) & (np.abs(right) < 1e8)
    zero = np.zeros((), dtype=left.dtype)
    return np.where(seen, left, zero), np.where(seen, right, zero)


def after_step(side: Side, case: Case, precision: Precision) -> Mapping[str, Array]:
    """Give a side's outputs of a case after one step along its gradients; weights are put back.

    A recording gives those that were recorded.
    """
    recorded = getattr(side, "after_step", None)
    if recorded is not None:
        found: Mapping[str, Array] = recorded(case, precision)
        return found
    before = side.parameters()
    moved = {}
    for path, gradient in side.gradients(case, precision=precision).values.items():
        head, _, name = path.partition(".")
        if head == "parameters" and gradient is not None and name in before:
            value = before[name]
            moved[name] = (value.astype(np.float64) - STEP * gradient).astype(value.dtype)
    side.load(moved)
    try:
        return side.run(case, precision=precision).outputs
    finally:
        side.load({name: before[name] for name in moved})
