"""What the constructor of a policy kept for its loss.

Kept        attributes that the Learner has for each module, and what is not understood
read_init   understand a constructor, or a function given as before_init
aliases     attributes that a mixin's constructor takes from the model
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.understanding.scope import body_without_docstring

#: Mixins of RLlib whose work the new stack's Learners do.
MIXINS = frozenset(
    {"LearningRateSchedule", "EntropyCoeffSchedule", "KLCoeffMixin", "ValueNetworkMixin"}
)
SCHEDULES = frozenset({"EntropyCoeffSchedule", "KLCoeffMixin"})
#: Functions of RLlib that only set up those mixins or check the config.
PREPARING = frozenset(
    {"setup_config", "setup_mixins", "setup_early_mixins", "setup_late_mixins", "validate_config"}
)
IDLE = frozenset({"_initialize_loss_from_dummy_batch", "maybe_initialize_optimizer_and_loss"})


@dataclass
class Kept:
    """`values` are attributes and what they begin with; `problem` is what was not understood."""

    values: dict[str, ast.expr] = field(default_factory=dict)
    problem: str = ""


def read_init(file: FileEntry, function: ast.FunctionDef) -> Kept:
    """Understand a constructor: calls of bases, and attributes that losses read."""
    kept = Kept()
    named = [a.arg for a in function.args.args]
    policy = named[0] if named else "self"
    for node in body_without_docstring(function):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if not _prepares(file, node.value, policy):
                kept.problem = f"calls {ast.unparse(node.value.func)}() (line {node.lineno})"
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "config":
                continue  # defaults of the algorithm, which its config has
            own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
            if own and isinstance(target, ast.Attribute) and dotted(target.value) == policy:
                kept.values[target.attr] = node.value
            else:
                kept.problem = f"sets {ast.unparse(target)} (line {node.lineno})"
        elif not isinstance(node, ast.Pass | ast.Return):
            kept.problem = f"does more than keep values (line {node.lineno})"
    return kept


def _prepares(file: FileEntry, call: ast.Call, policy: str) -> bool:
    """Say whether a call only prepares what the new stack prepares itself."""
    name = dotted(call.func) or ""
    last = name.rpartition(".")[2]
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Call):
        return call.func.attr == "__init__" and dotted(call.func.value.func) == "super"
    if last in IDLE:
        return name == f"{policy}.{last}"
    if last == "__init__":
        owner = name.rpartition(".")[0]
        found = file.imports.resolve(owner) or ""
        return found.startswith("ray.rllib.") and (
            found.endswith(("Policy", "PolicyV2")) or found.rpartition(".")[2] in MIXINS
        )
    found = file.imports.qualified(call.func) or ""
    return found.startswith("ray.rllib.") and last in PREPARING


def aliases(node: ast.ClassDef) -> dict[str, str] | None:
    """Attributes that a mixin takes from the model by name; None where it does more."""
    found: dict[str, str] = {}
    for item in node.body:
        if isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant):
            continue
        if not isinstance(item, ast.FunctionDef) or item.name != "__init__":
            return None
        for each in body_without_docstring(item):
            target = each.targets[0] if isinstance(each, ast.Assign) else None
            value = dotted(each.value) or "" if isinstance(each, ast.Assign) else ""
            if isinstance(target, ast.Attribute) and value.startswith("self.model."):
                found[target.attr] = value.removeprefix("self.model.")
            elif not isinstance(each, ast.Pass):
                return None
    return found
