"""What a model adds to the loss, which a Learner has a say in on the new stack.

read_losses   mark what they must say otherwise, or say why they cannot move
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import OwnLoss
from rlmigrate.migrate.understanding.forward import Forward
from rlmigrate.migrate.understanding.scope import (
    Scope,
    attributes_set,
    names_in,
    parameters,
    self_attribute,
)
from rlmigrate.migrate.understanding.vocabulary import HOOKS

MOVED = ("custom_loss", "metrics")

#: Columns of a train batch that mean the same on both stacks, by the names of `Columns`.
COLUMNS: Mapping[str, str] = {
    "obs": "OBS",
    "actions": "ACTIONS",
    "rewards": "REWARDS",
    "terminateds": "TERMINATEDS",
    "truncateds": "TRUNCATEDS",
    "action_dist_inputs": "ACTION_DIST_INPUTS",
    "action_logp": "ACTION_LOGP",
    "advantages": "ADVANTAGES",
    "value_targets": "VALUE_TARGETS",
    "vf_preds": "VF_PREDS",
}

#: Names that the Learner's methods bind.
BOUND = frozenset({"module", "batch", "embeddings", "fwd_out", "config", "module_id"})


#: Attributes that a Learner has for itself.
LEARNER_NAMES = frozenset(
    {"config", "device", "distributed", "framework", "metrics", "module", "rl_module_is_compatible"}
    | {"curr_kl_coeffs_per_module", "entropy_coeff_schedulers_per_module", "iterator", "rng"}
)


def read_losses(scope: Scope, forward: Forward | None, *, target: str) -> OwnLoss | None:
    """Read `custom_loss` and `metrics`; None where the class has none or they cannot move."""
    found = [scope.methods[name] for name in MOVED if name in scope.methods]
    if not found:
        return None
    if forward is None or target != "ray" or scope.node.col_offset:
        return None  # the hook itself is the problem
    for method in found:
        _read_method(scope, method)
    stashes = _read_attributes(scope, forward, found)
    loss = scope.methods.get("custom_loss")
    reads_batch = listed = True
    if loss is not None and len(parameters(loss)) == 2:
        losses, inputs = (p.arg for p in parameters(loss))
        reads_batch = _read_batch(scope, loss, inputs, mode=forward.observed.mode)
        listed = _returns_list(scope, loss, losses)
    elif loss is not None:
        scope.problem(loss, "has a custom_loss with other parameters")
    elif stashes:
        scope.problem(found[0], "reports what forward keeps in metrics()")
    scope.served |= {method.name for method in found}
    keeps = _kept_alone(scope, found)
    for name in sorted(keeps & LEARNER_NAMES):
        scope.problem(found[0], f"keeps self.{name} for its loss, which a Learner has too")
    return OwnLoss(
        methods=tuple(method.name for method in found),
        keeps=tuple(sorted(keeps)),
        stashes=tuple(stashes),
        reads_batch=reads_batch and loss is not None,
        listed=listed,
    )


def _read_method(scope: Scope, method: ast.FunctionDef) -> None:
    if BOUND & names_in(method):
        scope.problem(method, f"uses the name {min(BOUND & names_in(method))} in {method.name}")
    if method.name == "metrics" and parameters(method):
        scope.problem(method, "has a metrics() with parameters")
    for node in nodes_in(method):
        if isinstance(node, ast.Name) and node.id == "self":
            holder = scope.parent(node)
            if not isinstance(holder, ast.Attribute) or holder.value is not node:
                scope.problem(node, f"uses itself as a whole in {method.name}")
        elif isinstance(node, ast.Name) and node.id == "super":
            scope.problem(node, f"calls {method.name} of its base")
        elif isinstance(node, ast.Global | ast.Nonlocal | ast.Yield | ast.JoinedStr):
            scope.problem(node, HOOKS[method.name])


def _read_attributes(
    scope: Scope, forward: Forward, methods: list[ast.FunctionDef]
) -> dict[str, None]:
    stashes: dict[str, None] = {}
    for method in methods:
        for node in nodes_in(method):
            name = self_attribute(node)
            if name is None or not isinstance(node, ast.Attribute) or name not in forward.stored:
                continue
            if isinstance(node.ctx, ast.Load) and method.name == "custom_loss":
                stashes[name] = None
                scope.mark("kept_embedding", node, name)
                scope.handled.add(id(node))
            else:
                scope.problem(node, f"uses self.{name}, which forward sets, in {method.name}")
    return stashes


def _kept_alone(scope: Scope, methods: list[ast.FunctionDef]) -> set[str]:
    """Attributes that these methods set and that no other method knows."""
    stored = set[str]().union(*map(attributes_set, methods))
    others = {
        self_attribute(node)
        for method in scope.methods.values()
        if method not in methods
        for node in nodes_in(method)
    }
    return stored - {name for name in others if name}


def _read_batch(scope: Scope, loss: ast.FunctionDef, inputs: str, *, mode: str) -> bool:
    """Judge every read of the train batch; True if there is one."""
    reads = False
    for node in nodes_in(loss):
        if not isinstance(node, ast.Name) or node.id != inputs:
            continue
        reads = True
        parent = scope.parent(node)
        key = scope.key_of(parent.slice) if isinstance(parent, ast.Subscript) else None
        if not isinstance(parent, ast.Subscript) or key is None or parent.value is not node:
            scope.problem(node, "uses the train batch as a whole in custom_loss")
        elif not isinstance(parent.ctx, ast.Load):
            scope.problem(node, "changes the train batch in custom_loss")
        elif key not in COLUMNS:
            scope.problem(node, f"reads {key} of the train batch in custom_loss")
        elif key == "obs" and mode not in {"whole", "raw", "preprocessed"}:
            scope.problem(node, "reads observations of the train batch, which were flat")
        else:
            scope.mark("loss_column", parent, COLUMNS[key], prepared=mode == "preprocessed")
            scope.handle(parent)
    return reads


def _returns_list(scope: Scope, loss: ast.FunctionDef, losses: str) -> bool:
    """Say whether custom_loss returns a list of one loss; a loss otherwise."""
    kinds = set()
    skipped = _asks_for_a_list(scope, loss, losses)
    for node in nodes_in(loss):
        if not isinstance(node, ast.Return) or id(node) in skipped:
            continue
        value = node.value
        same = isinstance(value, ast.Name) and value.id == losses
        one = isinstance(value, ast.List) and len(value.elts) == 1
        if same or one or isinstance(value, ast.ListComp):
            kinds.add(True)
        elif isinstance(value, ast.BinOp) and not any(
            isinstance(side, ast.Name) and side.id == losses for side in (value.left, value.right)
        ):
            kinds.add(False)
        else:
            scope.problem(node, "returns from custom_loss what may be more than one loss")
    if len(kinds) != 1:
        scope.problem(loss, "returns from custom_loss what may be more than one loss")
    return True in kinds


def _asks_for_a_list(scope: Scope, loss: ast.FunctionDef, losses: str) -> set[int]:
    """Mark `if isinstance(losses, list):` as what always holds; returns what never runs."""
    skipped: set[int] = set()
    for node in nodes_in(loss):
        test = node.test if isinstance(node, ast.If) else None
        if isinstance(node, ast.If) and test and ast.unparse(test) == f"isinstance({losses}, list)":
            scope.mark("always", node)
            skipped |= {id(n) for each in node.orelse for n in nodes_in(each)}
    return skipped
