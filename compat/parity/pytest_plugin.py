"""A pytest fixture that compares models inside a user's own tests.

Put `pytest_plugins = ["rlmigrate.compat.parity.pytest_plugin"]` into conftest.py:

    def test_my_model(parity):
        parity(OldModel, NewModel, observation_space=..., action_space=...)

With `--parity-report FILE` (.json, .html, .md, .xml) all comparisons of the session are written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlmigrate.compat.parity.results import ClassResult, ParityReport

_RESULTS = pytest.StashKey[list[ClassResult]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the report."""
    group = parser.getgroup("rlmigrate")
    group.addoption("--parity-report", metavar="FILE", help="Write all parity results to FILE.")


def pytest_configure(config: pytest.Config) -> None:
    """Start with no results."""
    config.stash[_RESULTS] = []


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Callable[..., ParityReport]:
    """Compare as `check_parity` does, and fail the test unless everything passes."""
    from rlmigrate.compat.parity.check import check_parity
    from rlmigrate.compat.parity.render.text import plain_text
    from rlmigrate.compat.parity.results import Status

    def check(old: object, new: object, **options: Any) -> ParityReport:
        report = check_parity(old, new, **options)
        request.config.stash[_RESULTS].extend(report.results)
        if report.status is not Status.PASS:
            pytest.fail(plain_text(report), pytrace=False)
        return report

    return check


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, if one was asked for."""
    path = session.config.getoption("--parity-report")
    results = session.config.stash[_RESULTS]
    if path and results:
        from rlmigrate.compat.parity.render import write_report

        write_report(ParityReport(tuple(results)), Path(path))
