"""What a policy class does, as data.

PolicyFacts    one class
read_policy    understand a class
policy_plan    bridged or manual, with the reason
inner_returns  returns of functions inside a method
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.findings import Outcome
from rlmigrate.migrate.index.entries import ClassEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.hooks import HOOKS, NO_MEANING
from rlmigrate.migrate.tree import nodes_in

#: Ray's bases whose behaviour `rlmigrate.legacy` has without their algorithm's loss.
PLAIN_BASES = frozenset({"Policy", "TorchPolicy", "TorchPolicyV2", "PPOTorchPolicy"})


@dataclass(frozen=True)
class PolicyFacts:
    """One policy class; hooks in the order in which they stand.

    `networkless` tells that it computes its actions itself and has no model.
    """

    name: str
    line: int
    framework: str | None
    base: str
    acting: tuple[str, ...]
    learning: tuple[str, ...]
    networkless: bool
    local_bases: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyPlan:
    """What becomes of a policy class, and why."""

    outcome: Outcome
    reason: str


def read_policy(index: RepoIndex, entry: ClassEntry, node: ast.ClassDef) -> PolicyFacts:
    """Understand a policy class from its own body and the names of its bases."""
    bases = list(index.bases_of(entry.qualified))
    legacy = [b for b in bases if b.startswith("ray.") and index.legacy_kind(b) == "policy"]
    base = legacy[0].rpartition(".")[2] if legacy else ""
    methods = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
    networkless = base == "Policy" and any(
        name in methods for name in ("compute_actions", "compute_actions_from_input_dict")
    )
    idle = {
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name in NO_MEANING and does_nothing(item)
    }
    known = [name for name in methods if name in HOOKS and name not in idle]
    return PolicyFacts(
        name=entry.name,
        line=entry.line,
        framework=index.framework(entry.qualified),
        base=base,
        acting=tuple(name for name in known if HOOKS[name].acts),
        learning=tuple(name for name in known if not HOOKS[name].acts),
        networkless=networkless,
        local_bases=tuple(b for b in bases if index.class_named(b) is not None),
    )


def does_nothing(method: ast.FunctionDef) -> bool:
    """Tell whether a method only passes, raises, or returns something empty or constant."""
    for statement in method.body:
        if isinstance(statement, ast.Pass | ast.Raise):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if isinstance(statement, ast.Return) and not any(
            isinstance(inner, ast.Call | ast.Attribute)
            for inner in nodes_in(statement.value or ast.Constant(None))
        ):
            continue
        return False
    return True


def policy_plan(facts: PolicyFacts) -> PolicyPlan:
    """Bridge what only acts, on a base that rlmigrate.legacy has; leave the rest to a person."""
    if facts.framework == "tf":
        return PolicyPlan(
            Outcome.MANUAL,
            "is written for TensorFlow, which Ray's new stack has no place for; " + _homes(facts),
        )
    if facts.learning:
        return PolicyPlan(Outcome.MANUAL, f"changes how the policy learns; {_homes(facts)}")
    if facts.local_bases:
        names = ", ".join(base.rpartition(".")[2] for base in facts.local_bases)
        return PolicyPlan(
            Outcome.MANUAL, f"builds on {names}; move that class first; {_homes(facts)}"
        )
    if facts.base not in PLAIN_BASES:
        return PolicyPlan(
            Outcome.MANUAL,
            f"builds on {facts.base or 'a class that was not found'}, whose loss and model belong "
            f"to its algorithm; {_homes(facts)}",
        )
    if not facts.acting:
        return PolicyPlan(
            Outcome.MANUAL, "overrides no hook that rlmigrate knows; use the default RLModule"
        )
    return PolicyPlan(Outcome.BRIDGED, f"overrides {', '.join(facts.acting)}")


def _homes(facts: PolicyFacts) -> str:
    hooks = (*facts.acting, *facts.learning)
    if not hooks:
        return "use an RLModule, and a Learner for what is learned"
    return "; ".join(f"{name}() goes into {HOOKS[name].home}" for name in hooks)


@lru_cache(maxsize=64)
def inner_returns(method: ast.FunctionDef) -> frozenset[ast.Return]:
    """The returns of functions inside a method, which are not the method's own."""
    inner = (n for n in nodes_in(method) if isinstance(n, ast.FunctionDef) and n is not method)
    return frozenset(n for each in inner for n in nodes_in(each) if isinstance(n, ast.Return))
