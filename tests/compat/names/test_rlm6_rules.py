"""The rules for older RLModule code do what their cases say, and settle."""

from __future__ import annotations

import pytest

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

CODES = sorted(code for code in all_rules() if code.startswith("RLM6"))
RULES = [all_rules()[code] for code in CODES]


def rewritten(text, *, others=None, rules=RULES, **settings):
    settings = Settings(**settings)
    index = RepoIndex.of_texts({"module.py": text, **(others or {})}, settings)
    return rewrite(SourceFile.from_text(text, "module.py"), index, settings, rules)


def cases(which):
    return [
        pytest.param(rule, case, id=f"{rule.code}-{case.name.replace(' ', '-')}")
        for rule in RULES
        for case in getattr(rule, which)
    ]


@pytest.mark.parametrize(("rule", "case"), cases("unchanged"))
def test_unchanged(rule, case):
    done = rewritten(case.before, others=case.other_files, rules=[rule])
    assert done.after is None, done.after.decode()


@pytest.mark.parametrize(("rule", "case"), cases("cases"))
def test_becomes(rule, case):
    done = rewritten(case.before, others=case.other_files, rules=[rule])
    assert done.after is not None
    assert done.after.decode() == case.after
    again = rewritten(case.after, others=case.other_files, rules=[rule])
    assert again.after is None


def test_every_rule_has_more_than_one_unchanged_case():
    assert [rule.code for rule in RULES if len(rule.unchanged) < 2] == []
