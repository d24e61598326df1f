"""Verdicts by a bound on many cases: never more lenient than the noise of the case itself."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlmigrate.compat.parity import Status, check_parity
from rlmigrate.compat.parity.blocks import blocks_of
from rlmigrate.compat.parity.cases import CaseOptions, plan_cases
from rlmigrate.compat.parity.judge import judge
from rlmigrate.compat.parity.quick import FEW, relative_floor


def judge_together(old, new, *, limit, floor=0.0):
    """Give the verdict of a block on one output, None where it takes a closer look."""
    found = [None] * len(old)
    for block in blocks_of([("out", range(len(old)), old, new)]):
        for case, _, verdict in block.verdicts(limit, {"out": floor}):
            found[case] = verdict
    return found


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10_000),
    st.floats(0.0, 12.0),
    st.sampled_from([1e-6, 1.0, 3.0, 1e4]),
)
def test_what_the_ulp_bound_lets_pass_passes_by_its_own_noise(seed, spread, scale):
    random = np.random.default_rng(seed)
    wide = random.normal(size=(3, 5)) * scale
    unit = np.spacing(np.float32(np.abs(wide).max()))
    old = wide.astype(np.float32)
    new = (wide + random.uniform(-spread, spread, wide.shape) * unit).astype(np.float32)
    (quick,) = judge_together([old], [new], limit=4.0)
    if quick is not None:
        verdict = judge(old, new, reference=lambda: wide)
        assert verdict.passed
        assert (verdict.noise_ratio or 0.0) <= (quick.noise_ratio or 0.0)
        assert quick.max_abs == verdict.max_abs
        assert quick.max_ulp == verdict.max_ulp
        assert quick.differing == verdict.differing


def test_bound_never_fails_and_never_passes_what_is_not_finite():
    one, far = np.ones((2, 2), np.float32), np.full((2, 2), 2, np.float32)
    nan, inf = np.full((2, 2), np.nan, np.float32), np.full((2, 2), np.inf, np.float32)
    verdicts = judge_together([one, one, one, nan], [far, nan, inf, nan], limit=4.0)
    assert verdicts == [None] * 4
    near = np.nextafter(one, far)
    (passed,) = judge_together([one], [near], limit=4.0)
    assert passed is not None
    assert passed.passed
    assert judge_together([one], [near], limit=0.0) == [None]
    assert judge_together([one], [one.astype(np.float64)], limit=4.0) == [None]


def test_floor_of_other_cases_is_taken_relative_to_the_largest_value():
    wide = np.array([[1000.0, 1.0]])
    old = (wide + 0.5).astype(np.float32)
    assert relative_floor(old, wide) == pytest.approx(0.5 / 1000)
    small = np.array([[1.0, 0.5]], np.float32)
    shifted = small + np.float32(0.01)
    assert judge_together([small], [shifted], limit=4.0, floor=5e-4) == [None]
    (passed,) = judge_together([small], [small + np.float32(1e-3)], limit=4.0, floor=5e-4)
    assert passed is not None
    assert passed.judged_by == "bound"


def many(spaces, count=40):
    """As many cases of one shape, none like another."""
    from dataclasses import replace

    made = []
    for seed in range(count):
        options = CaseOptions(seed=seed, batches=(32,), only=("batch 32",))
        made += [
            replace(case, name=f"seed {seed}") for case in plan_cases(**spaces, options=options)
        ]
    return made


def test_correct_rewrite_over_many_cases_takes_few_float64_runs(planted, monkeypatch):
    from rlmigrate.compat.parity.sides.torch_side import TorchSide

    old, new, spaces = planted("correct", "Backwards")
    wide = []
    plain: Any = TorchSide.run_many

    def counted(self, cases, *, precision="float32"):
        wide.extend(cases if precision == "float64" else [])
        return plain(self, cases, precision=precision)

    monkeypatch.setattr(TorchSide, "run_many", counted)
    check = partial(check_parity, old, new, **spaces, localise=False, gradients=False)
    report = check(cases=many(spaces))
    assert report.status is Status.PASS, report.results[0].message
    named = {case.name for case in wide if case.name.startswith("seed ")}
    assert 0 < len(named) < 20
    judged = {output.judged_by for output in report.results[0].outputs.values()}
    assert judged - {"bits", "equality"}
    wide.clear()
    assert check(cases=many(spaces, FEW)).status is Status.PASS
    assert len({case.name for case in wide}) >= FEW  # few cases are judged by their own noise


@pytest.mark.parametrize("name", ["Epsilon", "Scaled", "HalfPrecision", "NormFirst"])
def test_planted_bug_fails_in_many_cases_too(planted, name):
    old, new, spaces = planted("faulty", name)
    report = check_parity(old, new, **spaces, cases=many(spaces), localise=False, gradients=False)
    assert report.status is Status.FAIL
    (result,) = report.results
    failing = {finding.case for finding in result.findings if finding.path == "dist_inputs"}
    assert len(failing) > 30


def test_one_wrong_case_among_many_is_found(planted):
    import torch

    old, new, spaces = planted("correct", "Backwards")
    cases = many(spaces)
    marked = float(np.asarray(cases[17].obs).reshape(-1)[0])

    class OnceWrong(new):
        def _forward(self, batch, **kwargs):
            found = super()._forward(batch, **kwargs)
            hit = torch.isclose(batch["obs"].reshape(-1)[0], torch.tensor(marked), atol=0, rtol=0)
            found["action_dist_inputs"] = found["action_dist_inputs"] + 1e-4 * hit
            return found

    report = check_parity(old, OnceWrong, **spaces, cases=cases, localise=False, gradients=False)
    assert report.status is Status.FAIL
    assert {finding.case for finding in report.results[0].findings} == {"seed 17"}
