"""What a policy reported of its updates, by the values that its loss kept.

read_stats   under which names each value is logged; None where a person must see
PPO_STATS    what PPO's own stats_fn() reports
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.understanding.scope import body_without_docstring

#: Key of tower_stats, and what PPO's Learner calls it.
PPO_STATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "total_loss": (),  # every Learner logs it
        "mean_policy_loss": ("policy_loss",),
        "mean_vf_loss": ("vf_loss",),
        "mean_entropy": ("entropy",),
    }
)
#: What Learners log of their own accord.
LOGGED = frozenset({"cur_lr", "kl_coeff", "entropy_coeff", "cur_kl_coeff"})
#: The name by which PPO's Learner finds the divergence that its coefficient follows.
KL = {"kl": "mean_kl_loss"}


def read_stats(
    function: ast.FunctionDef, key: Callable[[ast.expr], str | None]
) -> dict[str, tuple[str, ...]] | None:
    """Return names by kept value: a key of tower_stats, or `self.` and an attribute.

    `key` tells the string behind an expression. The function has to return one dict whose values
    are what the loss kept, averaged over the towers that the new stack does not have.
    """
    body = body_without_docstring(function)
    first = function.args.args[0].arg if function.args.args else ""
    locals_ = {
        n.targets[0].id: n.value
        for n in body[:-1]
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
    }
    last = body[-1]
    if len(locals_) < len(body) - 1 or not isinstance(last, ast.Return) or last.value is None:
        return None
    value = _unwrapped(last.value)
    if isinstance(value, ast.Name):
        value = _unwrapped(locals_.get(value.id, value))
    if not isinstance(value, ast.Dict) or None in value.keys:
        return None
    found: dict[str, tuple[str, ...]] = {}
    for name, each in zip(value.keys, value.values, strict=True):
        told = key(name) if name is not None else None
        kept = _kept(each, first, key)
        if told is None or kept is None:
            return None
        if kept.removeprefix("self.") in LOGGED:
            continue
        found[kept] = (*found.get(kept, ()), KL.get(told, told))
    return found


def _unwrapped(node: ast.expr) -> ast.expr:
    """Without convert_to_numpy() and dict() around it."""
    while isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        if (dotted(node.func) or "").rpartition(".")[2] not in {"convert_to_numpy", "dict"}:
            break
        node = node.args[0]
    return node


def _kept(node: ast.expr, policy: str, key: Callable[[ast.expr], str | None]) -> str | None:
    """The value that the loss kept behind one reported."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        func = node.func
        if func.attr in {"item", "detach", "cpu", "numpy"} and not node.args:
            return _kept(func.value, policy, key)
        if func.attr == "mean" and len(node.args) == 1:
            inner = node.args[0]
            stacks = isinstance(inner, ast.Call) and (dotted(inner.func) or "").endswith(".stack")
            if stacks and isinstance(inner, ast.Call) and inner.args:
                return _tower(inner.args[0], policy, key)
        return None
    if isinstance(node, ast.Subscript):
        return _tower(node.value, policy, key)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"self.{node.attr}" if node.value.id == policy else None
    return None


def _tower(node: ast.expr, policy: str, key: Callable[[ast.expr], str | None]) -> str | None:
    """The key of `policy.get_tower_stats("key")`."""
    asks = isinstance(node, ast.Call) and dotted(node.func) == f"{policy}.get_tower_stats"
    return key(node.args[0]) if asks and isinstance(node, ast.Call) and node.args else None
