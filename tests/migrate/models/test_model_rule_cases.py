"""The cases that stand in the rules for models."""

from __future__ import annotations

import pytest

from rlmigrate.migrate.rules.base import Case
from rlmigrate.migrate.rules.registry import all_rules

RULES = [rule for code, rule in all_rules().items() if code.startswith("RLM1")]
OTHERS = [
    pytest.param(case, id=f"{rule.code} {case.name}")
    for rule in RULES
    for case in rule.unchanged
    if "other rules" not in case.name
]
CHANGING = [
    pytest.param(case, id=f"{rule.code} {case.name}") for rule in RULES for case in rule.cases
]


@pytest.mark.parametrize("case", OTHERS)
def test_case_stays(migrate, case: Case) -> None:
    done = migrate({"model.py": case.before, **case.other_files})
    assert done.text("model.py") == case.before
    assert [i for i in done.items.values() if i.path.endswith("model.py")] == []


@pytest.mark.parametrize("case", CHANGING)
def test_case_changes_once(migrate, case: Case) -> None:
    assert migrate({"model.py": case.before, **case.other_files}).text("model.py") == case.after
    assert case.after is not None
    assert migrate(case.after).text("model.py") == case.after


def test_layers_can_be_imported_instead_of_written(migrate) -> None:
    from rlmigrate.migrate.rules.cases.rlm101 import TEXTBOOK_BEFORE

    code = TEXTBOOK_BEFORE.replace("action_space.n", "num_outputs")
    done = migrate(code, layers="import")
    assert "from rlmigrate.new_stack.layers import action_distribution" in done.text("model.py")
    assert not (done.after / "rlmigrate_layers.py").exists()
    builtin = migrate(code, target="builtin").text("model.py")
    assert "from rlmigrate.new_stack import Columns, TorchRLModule, ValueFunctionAPI" in builtin
