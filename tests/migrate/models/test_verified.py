"""What verify says of natives whose layers behave otherwise in training."""

from __future__ import annotations

import pytest

pytest.importorskip("ray.rllib")


@pytest.mark.parametrize(
    "name", ["dropout_and_batch_norm", "asks_whether_it_trains", "asks_what_its_input_is"]
)
def test_training_layers_pass(migrate, beside, name) -> None:
    from rlmigrate import check_parity

    pairs = beside("test_pairs")
    done = migrate(pairs.texts(name, "before"))
    report = check_parity(
        done.old("model.py").Policy,
        done.new("model.py").Policy,
        observation_space=pairs.VECTOR,
        action_space=pairs.ACTIONS["discrete"],
    )
    assert report.status.name == "PASS", report.results[0].message
