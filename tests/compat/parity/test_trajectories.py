"""Both stacks drive the same environment the same way."""

import pytest

from rlmigrate.compat.parity import Status
from rlmigrate.compat.parity.trajectories import check_trajectories

from .environments import ON_LEGACY, TWO_ON_LEGACY, Line


@pytest.mark.parametrize("name", ON_LEGACY)
def test_plain_rewrite_takes_identical_actions(planted, name):
    old, new, _ = planted("nets", name)
    report = check_trajectories(old, new, ON_LEGACY[name], episodes=10, max_steps=60)
    assert report.status is Status.PASS, report.results[0].message
    result = report.results[0]
    assert result.cases.compared == 10
    assert all(output.max_abs == 0 for output in result.outputs.values())


@pytest.mark.parametrize("name", ON_LEGACY)
def test_wrapped_model_takes_identical_actions(planted, name):
    from rlmigrate import wrap_model

    old, _, _ = planted("nets", name)
    wrapped = wrap_model(old, stack="builtin")
    report = check_trajectories(old, wrapped, ON_LEGACY[name], episodes=10, max_steps=60)
    assert report.status is Status.PASS, report.results[0].message


def test_two_agents_take_identical_actions(planted):
    olds = {"left": planted("nets", "Gauss")[0], "right": planted("nets", "Recurrent")[0]}
    news = {"left": planted("nets", "Gauss")[1], "right": planted("nets", "Recurrent")[1]}
    report = check_trajectories(olds, news, TWO_ON_LEGACY, episodes=10)
    assert report.status is Status.PASS, report.results[0].message
    assert "right.actions" in report.results[0].outputs


def test_other_actions_are_found(planted):
    old, new, _ = planted("faulty", "SwappedHalves")
    report = check_trajectories(old, new, Line, episodes=3)
    assert report.status is Status.FAIL
    assert report.results[0].findings[0].path in ("actions", "observations", "rewards")


def test_other_filter_is_found(planted):
    old, new, _ = planted("nets", "Gauss")
    report = check_trajectories(old, new, Line, episodes=2, new_observe=lambda obs: obs * 0.5)
    assert report.status is Status.FAIL
