"""Every rule does what its own cases say, and nothing the second time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rlmigrate.migrate.reports.page import rule_page
from rlmigrate.migrate.rules.base import Case, Rule
from rlmigrate.migrate.rules.registry import all_rules

OWN = ("RLM2", "RLM3", "RLM4", "RLM5", "RLM613", "RLM7", "RLM9")
RULES = [rule for rule in all_rules().values() if rule.code.startswith(OWN)]
SAME = [(rule, case) for rule in RULES for case in rule.unchanged]
CHANGING = [(rule, case) for rule in RULES for case in rule.cases]

Becomes = Callable[..., str]


def ids(pairs: list[tuple[Rule, Case]]) -> list[str]:
    return [f"{rule.code}-{case.name}" for rule, case in pairs]


@pytest.mark.parametrize(("rule", "case"), SAME, ids=ids(SAME))
def test_case_must_not_change(rule: Rule, case: Case, becomes: Becomes) -> None:
    assert becomes(case.before, other_files=case.other_files) == case.before


@pytest.mark.parametrize(("rule", "case"), CHANGING, ids=ids(CHANGING))
def test_case_becomes(rule: Rule, case: Case, becomes: Becomes) -> None:
    assert becomes(case.before, other_files=case.other_files) == case.after


@pytest.mark.parametrize(("rule", "case"), CHANGING, ids=ids(CHANGING))
def test_case_stays_as_it_became(rule: Rule, case: Case, becomes: Becomes) -> None:
    assert case.after is not None
    assert becomes(case.after, other_files=case.other_files) == case.after


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_rule_has_its_page_and_cases(rule: Rule) -> None:
    page = rule_page(rule)
    assert rule.code in page
    assert rule.summary in page
    assert rule.link.startswith("https://")
    assert rule.summary.endswith(".")
    assert rule.code[:4] == "RLM9" or rule.unchanged, "no case that must not change"


def test_codes_are_those_of_the_files() -> None:
    import rlmigrate.migrate.rules as package

    folder = Path(next(iter(package.__path__)))
    named = sorted(path.name[:6].upper() for path in folder.glob("rlm*.py"))
    assert named == sorted(all_rules())
