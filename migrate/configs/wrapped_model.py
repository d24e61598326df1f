"""A custom model that its config puts into RLlib's LSTM or attention net.

Inside       the subclass that a config trains, or why there is none
put_inside   what the entries of a model dict ask for
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.configs.literals import Entry
from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.configured import PREVIOUS, WRAPPERS
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.understanding.wrapped import wrapped_name

COLUMNS = {key: "prev_rewards" if "reward" in key else "prev_actions" for key in PREVIOUS}


@dataclass(frozen=True)
class Inside:
    """`name` of the subclass; `asked` is the value of the setting, None where it is plainly true.

    `columns` are those that it may read of earlier steps, which reach back `lookback` steps.
    """

    found: ClassEntry
    name: str = ""
    asked: ast.expr | None = None
    columns: tuple[str, ...] = ()
    lookback: int | None = 1
    problem: str = ""

    def write(self, context: FileContext, plain: str, imports: Imports) -> tuple[str, Imports]:
        """Write what module_class is; `plain` is the class without the wrapper."""
        away = self.found.path != context.source.path
        module = context.index.name_of(self.found.path)
        wanted = Imports(frozenset({(module, self.name)})) if away else Imports()
        if self.asked is None:
            return self.name, wanted
        asked = context.source.segment(self.asked)
        return f"{self.name} if {asked} else {plain}", imports | wanted


def put_inside(context: FileContext, target: str | None, entries: list[Entry]) -> Inside | None:
    """Return the subclass that entries ask for; None where nothing is put around a native class."""
    found = context.index.class_named(target) if target is not None else None
    plan = context.index.plan_for(found.qualified) if found is not None else None
    if found is None or plan is None or plan.outcome is not Outcome.NATIVE:
        return None
    given = {e.key: e.value for e in entries if e.key and not _is_off(e.value)}
    asked = [key for key in WRAPPERS if key in given]
    if not asked:
        return None
    setting = asked[0]
    if len(asked) > 1:
        return Inside(found, problem="with both use_lstm and use_attention; drop one")
    if setting not in plan.wrappers:
        return Inside(found, problem=f"with {setting}, which wraps the old model")
    if found.scope:
        return Inside(found, problem=f"with {setting}, defined in {found.scope}")
    for key in ("_time_major", "lstm_use_prev_action_reward"):
        if key in given and ast.unparse(given[key]) != "-1":
            return Inside(found, problem=f"with {key}, which LSTMWrapper does not know")
    seen = [key for key in PREVIOUS if key in given and key.startswith(setting[4:])]
    steps = [_steps(given[key]) for key in seen]
    return Inside(
        found,
        wrapped_name(plan.new_name, setting),
        None if isinstance(given[setting], ast.Constant) else given[setting],
        tuple(COLUMNS[key] for key in seen),
        None if None in steps else max([1, *(each for each in steps if each)]),
    )


def _is_off(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _steps(node: ast.expr) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) else None
