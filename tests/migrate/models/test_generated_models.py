"""Models made by chance: what is called native computes what the old stack did, to the last bit."""

from __future__ import annotations

import pytest

pytest.importorskip("ray.rllib")


FAST, ALL = range(48), range(48, 400)


def check(migrate, equal, beside, maker, seeds) -> int:
    """Rewrite the models of some seeds, and compare those that are native; return their number."""
    source_of, pairs = beside(maker).source_of, beside("test_pairs")
    native = 0
    for seed in seeds:
        made = source_of(seed)
        done = migrate(made.text)
        again = migrate(done.text("model.py"))
        assert again.text("model.py") == done.text("model.py"), f"seed {seed} changes again"
        if done.items["Policy"].outcome != "native":
            continue
        native += 1
        old, new = done.old("model.py").Policy, done.new("model.py").Policy
        spaces = pairs.OBSERVATIONS[made.observations], pairs.ACTIONS[made.actions]
        equal(old, new, *spaces, made.custom)
    return native


@pytest.mark.parametrize("start", FAST[::12])
@pytest.mark.parametrize("maker", ["generated", "generated_nets"])
def test_native_models_compute_the_same(migrate, equal, beside, maker, start) -> None:
    assert check(migrate, equal, beside, maker, range(start, start + 12)) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("maker", ["generated", "generated_nets"])
def test_many_native_models_compute_the_same(migrate, equal, beside, maker) -> None:
    assert check(migrate, equal, beside, maker, ALL) > len(ALL) // 2
