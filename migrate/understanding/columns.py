"""Columns that a model reads beside the observation: earlier actions, rewards, observations.

Views        what the class declares, and the columns that forward may read
read_views   mark the declarations in `view_requirements`
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import View
from rlmigrate.migrate.understanding.scope import Scope, self_attribute

#: Columns that every policy of the old stack supplied once a model read them.
SUPPLIED = {"prev_actions": View("prev_actions", "actions", "-1")} | {
    "prev_rewards": View("prev_rewards", "rewards", "-1")
}

#: What ViewColumns finds in an episode.
SOURCES = frozenset({"obs", "actions", "rewards", "action_logp", "action_dist_inputs", "vf_preds"})

ARGUMENTS = (
    *("data_col", "space", "shift", "index", "batch_repeat_value"),
    *("used_for_compute_actions", "used_for_training"),
)
#: What the shift was called until Ray 1.2.
OLD_SHIFT = "data_rel_pos"


@dataclass
class Views:
    """`declared` are the class's own; `read` those among them, or supplied ones, that it reads."""

    declared: dict[str, View] = field(default_factory=dict)
    filled: bool = False  # one of the columns is filled by the policy's postprocessing
    read: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)  # declared for a loss, and read nowhere here

    def serves(self, key: str | None) -> bool:
        """Say whether a connector can supply a column; notes that it is read."""
        if key not in self.declared and key not in SUPPLIED:
            return False
        self.read.add(key or "")
        return True

    @property
    def needed(self) -> tuple[View, ...]:
        """Every column that a connector must supply, by name; none if it cannot supply all."""
        if self.filled:
            return ()
        supplied = {k: v for k, v in SUPPLIED.items() if k in self.read}
        return tuple(view for _, view in sorted((supplied | self.declared).items()))

    @property
    def implied(self) -> tuple[View, ...]:
        """Columns that are read and declared nowhere."""
        return tuple(view for view in self.needed if view.column not in self.declared)


def read_views(scope: Scope) -> Views:
    """Find `self.view_requirements[column] = ViewRequirement(...)` in the constructor."""
    views = Views()
    for node in nodes_in(scope.methods.get("__init__") or ast.Module([], [])):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Subscript) or not isinstance(value, ast.Call):
            continue
        if self_attribute(target.value) != "view_requirements":
            continue
        if not (scope.rllib(value.func) or "").endswith(".ViewRequirement"):
            continue
        view = _view(scope, target, value)
        if view is not None and _is_for_others(scope, view, target):
            views.others.append(view.column)
            scope.mark("drop" if _has_company(scope, node) else "idle", node)
            scope.handle(node)
        elif view is None:
            views.filled = True
            scope.handled.add(id(target.value))
            scope.problem(node, _why_not(scope, target, value))
        elif view.source not in SOURCES:
            views.filled = True
            scope.handled.add(id(target.value))
            scope.problem(node, f"asks for {view.column}, which a policy has to fill")
        else:
            if view.column == "obs":
                scope.problem(node, "asks for several steps of its observation at once")
            views.declared[view.column] = view
            scope.handled.add(id(target.value))
            scope.mark("layer", value.func, "ViewRequirement")
            scope.handled.add(id(value.func))
            scope.mark("view_call", value)
            _say_keys(scope, target.slice, value)
    return views


#: Columns of this very step that every train batch has.
TRAINED_ON = frozenset({"actions", "rewards", "action_logp", "action_dist_inputs", "vf_preds"})


def _is_for_others(scope: Scope, view: View, target: ast.Subscript) -> bool:
    """Say whether a column is nothing to the model: a policy fills it, for its own loss."""
    if view.source in SOURCES and not (view.column in TRAINED_ON and view.shift == "0"):
        return False
    line = scope.line[1:] if scope.kin is not None else ()
    heirs = [heir.node for heir, _ in scope.kin.heirs] if scope.kin is not None else []
    inside = {id(node) for node in nodes_in(target)}
    return not any(
        isinstance(node, ast.expr)
        and id(node) not in inside
        and scope.key_of(node) == view.column
        and not _names_view(scope, node)
        for each in (scope.node, *(base.node for base in line), *heirs)
        for node in nodes_in(each)
    )


def _names_view(scope: Scope, node: ast.expr) -> bool:
    """Say whether a key stands in `self.view_requirements[...]` or in a ViewRequirement."""
    holder = scope.parent(node)
    if isinstance(holder, ast.Subscript):
        return self_attribute(holder.value) == "view_requirements"
    call = scope.parent(holder) if isinstance(holder, ast.keyword) else holder
    return isinstance(call, ast.Call) and (dotted(call.func) or "").endswith("ViewRequirement")


def _has_company(scope: Scope, node: ast.stmt) -> bool:
    """Say whether a block keeps other statements when this one goes."""
    holder = scope.parent(node)
    blocks = [getattr(holder, name, []) for name in ("body", "orelse", "finalbody")]
    return any(node in block and len(block) > 1 for block in blocks)


def _view(scope: Scope, target: ast.Subscript, call: ast.Call) -> View | None:
    """What a declaration says; None where only the old stack can serve it."""
    column, given = scope.key_of(target.slice), _arguments(call)
    known = all(k.arg for k in call.keywords) and not _unserved(given)
    source = given.get("data_col")
    read_from = column if source is None else scope.key_of(source)
    if column is None or read_from is None or not known:
        return None
    if column.startswith("state_"):
        return None
    shift = given.get("shift", given.get(OLD_SHIFT))
    return View(column, read_from, ast.unparse(shift) if shift is not None else "0")


def _arguments(call: ast.Call) -> dict[str, ast.expr]:
    given = dict(zip(ARGUMENTS, call.args, strict=False))
    return given | {k.arg: k.value for k in call.keywords if k.arg}


def _unserved(given: Mapping[str, ast.expr]) -> list[str]:
    """Arguments that ask for what no connector does; a repeat of 1 asks for nothing."""
    repeat = given.get("batch_repeat_value")
    once = isinstance(repeat, ast.Constant) and repeat.value == 1
    known = {*ARGUMENTS, OLD_SHIFT} - {"index", *(() if once else ("batch_repeat_value",))}
    return sorted(set(given) - known)


def _why_not(scope: Scope, target: ast.Subscript, call: ast.Call) -> str:
    """Say what of a declaration no connector serves."""
    column = scope.key_of(target.slice)
    if column is None:
        return "asks for a column whose name is computed"
    if column.startswith("state_"):
        return f"asks for earlier states by {column}, which an RLModule keeps in its state"
    unserved = _unserved(_arguments(call))
    if "batch_repeat_value" in unserved:
        return f"asks for {column} once in several steps (batch_repeat_value)"
    if unserved:
        return f"asks for {column} with {unserved[0]}, which no connector knows"
    return f"asks for {column} by arguments that are computed"


def _say_keys(scope: Scope, column: ast.expr, call: ast.Call) -> None:
    """Mark the names of SampleBatch, which the new stack lacks."""
    given = [k.value for k in call.keywords if k.arg == "data_col"]
    for each in (column, *call.args[:1], *given):
        if is_batch_name(scope, each):
            scope.mark("column_key", each, scope.key_of(each) or "")
            scope.handle(each)


def is_batch_name(scope: Scope, node: ast.expr) -> bool:
    """Say whether a key is written as a name of SampleBatch."""
    return isinstance(node, ast.Attribute) and scope.rllib(node) is not None
