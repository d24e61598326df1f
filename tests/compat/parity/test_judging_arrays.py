"""The verdict on one output, from arrays alone."""

import numpy as np
import pytest

from rlmigrate.compat.parity.judge import NOISE_LIMIT, judge
from rlmigrate.compat.parity.measures import ulps

RANDOM = np.random.default_rng(0)
WIDE = RANDOM.normal(size=(64, 3))
OLD = WIDE.astype(np.float32)


def reference():
    return WIDE


def test_equal_bits_pass_without_asking_for_float64():
    def never():
        raise AssertionError("float64 was asked for")

    verdict = judge(OLD, OLD.copy(), reference=never)
    assert verdict.passed
    assert verdict.judged_by == "bits"
    assert verdict.noise_ratio == 0.0


def test_rounding_passes():
    new = np.nextafter(OLD, np.float32(9), dtype=np.float32)
    verdict = judge(OLD, new, reference=reference)
    assert verdict.passed
    assert 0 < verdict.noise_ratio <= NOISE_LIMIT
    assert verdict.max_ulp == 1.0


def test_error_of_torch_testings_tolerance_fails():
    new = (OLD * np.float32(1 + 1.2e-6)).astype(np.float32)
    assert np.allclose(OLD, new, rtol=1.3e-6, atol=1e-5)
    verdict = judge(OLD, new, reference=reference)
    assert not verdict.passed
    assert verdict.kind == "value"
    assert verdict.noise_ratio > NOISE_LIMIT
    assert f"x float32 noise (limit {NOISE_LIMIT:g})" in verdict.message


def test_one_wrong_element_is_named_by_index():
    new = OLD.copy()
    new[17, 2] += 0.5
    verdict = judge(OLD, new, reference=reference)
    assert verdict.at == (17, 2)
    assert verdict.differing == 1
    assert verdict.message.startswith("1/192 elements differ; worst 0.5 at [17, 2]")


def test_lucky_row_is_measured_again_before_it_fails():
    wide = np.array([[1.0]])
    old = wide.astype(np.float32)
    new = np.float32([[1 + 8 * 1.2e-7]])
    assert not judge(old, new, reference=lambda: wide).passed
    assert judge(old, new, reference=lambda: wide, neighbour_noise=lambda: 1e-6).passed


def test_without_float64_the_table_judges_and_says_so():
    new = (OLD + np.float32(1e-3)).astype(np.float32)
    verdict = judge(OLD, new)
    assert not verdict.passed
    assert verdict.judged_by == "table"
    assert "no float64 result" in verdict.message


def test_shape_is_a_finding():
    assert judge(OLD, OLD[:-1]).kind == "shape"


def test_dtype_is_a_finding():
    assert judge(OLD, OLD.astype(np.float64)).kind == "dtype"
    assert judge(OLD, OLD.astype(np.int64)).kind == "dtype"


def test_integer_width_is_no_finding():
    actions = np.array([1, 2], dtype=np.int32)
    assert judge(actions, actions.astype(np.int64)).passed


def test_nan_on_one_side_fails_and_hides_no_error():
    new = OLD.copy()
    new[3, 1] = np.nan
    new[5, 0] += 1.0
    verdict = judge(OLD, new, reference=reference)
    assert verdict.kind == "nan"
    assert verdict.at == (3, 1)
    assert verdict.max_abs == pytest.approx(1.0)


def test_nan_on_both_sides_passes_with_a_note():
    old = OLD.copy()
    old[3, 1] = np.nan
    verdict = judge(old, old.copy(), reference=reference)
    assert verdict.passed
    assert verdict.note == "1 NaN on both sides"


def test_infinity_on_one_side_fails():
    new = OLD.copy()
    new[0, 0] = np.inf
    assert judge(OLD, new, reference=reference).kind == "inf"


@pytest.mark.parametrize("constant", [-np.inf, np.finfo(np.float32).min, -1e9])
def test_any_mask_constant_means_probability_zero(constant):
    old, new = OLD.copy(), OLD.copy()
    old[:, 1] = np.finfo(np.float32).min
    new[:, 1] = constant
    wide = old.astype(np.float64)
    assert judge(old, new, reference=lambda: wide, segments=((0, 3),)).passed


def test_other_masked_set_fails():
    old, new = OLD.copy(), OLD.copy()
    old[:, 1] = new[:, 1] = -np.inf
    new[9, 2] = -np.inf
    verdict = judge(old, new, reference=reference, segments=((0, 3),))
    assert verdict.kind == "mask"
    assert verdict.at == (9, 2)


def test_rows_without_legal_action_are_noted_not_judged():
    old, new = OLD.copy(), OLD.copy()
    old[4] = np.finfo(np.float32).min
    new[4] = -np.inf
    verdict = judge(old, new, reference=reference, segments=((0, 3),))
    assert verdict.passed
    assert verdict.note == "1 rows without a legal action"


def test_missing_mask_on_a_row_without_legal_action_fails():
    old, new = OLD.copy(), OLD.copy()
    old[4] = np.finfo(np.float32).min
    assert judge(old, new, reference=reference, segments=((0, 3),)).kind == "mask"


def test_ulps_count_across_zero():
    tiny = np.float32(1e-45)
    assert ulps(np.float32([-tiny]), np.float32([tiny])).tolist() == [2.0]
