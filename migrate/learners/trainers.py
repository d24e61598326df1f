"""Trainers that were given a policy of their own: an Algorithm whose config names the Learner.

Trainer       one of them, by `with_updates` or as a class, and the policy that it was given
trainers_in   those of a file whose every argument is understood
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

#: Settings that the trainers which are gone had by default, in the words of PPO's config.
ONE_UPDATE = "num_epochs=1, minibatch_size=None, use_kl_loss=False, train_batch_size=200"
DEFAULTS = {
    "PPOTrainer": "",
    "A2CTrainer": (
        f"{ONE_UPDATE}, lr=0.0001, lambda_=1.0, vf_loss_coeff=0.5, entropy_coeff=0.01,"
        " grad_clip=40.0"
    ),
    "PGTrainer": f"{ONE_UPDATE}, lr=0.0004",
}
#: Policies that learn as PPO's Learner does already, and the layers of those that do not.
OWN_LEARNERS = {"PPOTorchPolicy": "", "A3CTorchPolicy": "A3CTorchLearner"}
OWN_LEARNERS["PGTorchPolicy"] = "PGTorchLearner"
GIVES_POLICY = "get_default_policy_class"


@dataclass(frozen=True)
class Trainer:
    """One trainer: the statement, the policy's name, and what goes with the statement.

    `parts` are functions and methods that only name the policy. `config` is the local class of
    its config, where the trainer is a class.
    """

    name: str
    line: int
    base: str
    policy: str
    node: ast.stmt
    parts: tuple[ast.FunctionDef, ...] = ()
    config: ast.ClassDef | None = None
    reference: ast.expr | None = None


@lru_cache(maxsize=8)
def trainers_in(source: SourceFile, index: RepoIndex) -> tuple[Trainer, ...]:
    """Find the trainers of a file; torch on Ray only."""
    file = index.files.get(source.path)
    if file is None or index.settings.target != "ray":
        return ()
    if b"with_updates" not in source.raw and GIVES_POLICY.encode() not in source.raw:
        return ()
    return (*_calls(source, file), *_classes(source, file))


def _calls(source: SourceFile, file: FileEntry) -> Iterator[Trainer]:
    functions = {f.name: f for f in source.tree.body if isinstance(f, ast.FunctionDef)}
    for node in source.tree.body:
        call = node.value if isinstance(node, ast.Assign) else None
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(call, ast.Call) or not isinstance(target, ast.Name):
            continue
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr != "with_updates" or call.args:
            continue
        base = (file.imports.qualified(func.value) or "").rpartition(".")
        if not base[0].startswith("ray.rllib.") or base[2] not in DEFAULTS:
            continue
        given = {k.arg: k.value for k in call.keywords if k.arg is not None}
        parts, policies = [], set()
        getter = functions.get(dotted(given.get("get_policy_class", ast.Constant(None))) or "")
        if getter is not None and _used_once(source, getter):
            parts.append(getter)
            policies |= _returned(getter)
        default = given.get("default_policy")
        if isinstance(default, ast.Name):
            policies.add(default.id)
        known = set(given) <= {"name", "default_policy", "get_policy_class"}
        if known and len(policies) == 1 and len(call.keywords) == len(given):
            policy, line = policies.pop(), node.lineno
            yield Trainer(
                target.id, line, base[2], policy, node, tuple(parts), reference=func.value
            )


def _classes(source: SourceFile, file: FileEntry) -> Iterator[Trainer]:
    classes = {n.name: n for n in source.tree.body if isinstance(n, ast.ClassDef)}
    for node in classes.values():
        methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
        getter, default = methods.get(GIVES_POLICY), methods.get("get_default_config")
        if getter is None or default is None or len(node.bases) != 1:
            continue
        last = default.body[-1]
        made = last.value if isinstance(last, ast.Return) else None
        config = classes.get(dotted(made.func) or "") if isinstance(made, ast.Call) else None
        policies = _returned(getter)
        if config is None or len(policies) != 1 or _takes_learner(config):
            continue
        bases = [(file.imports.qualified(b) or "") for b in config.bases]
        if len(bases) == 1 and bases[0].endswith("ppo.PPOConfig"):
            yield Trainer(
                node.name, node.lineno, "PPOTrainer", policies.pop(), node, (getter,), config
            )


def _takes_learner(config: ast.ClassDef) -> bool:
    return any(
        isinstance(m, ast.FunctionDef) and m.name == "get_default_learner_class"
        for m in config.body
    )


def _returned(function: ast.FunctionDef) -> set[str]:
    """Names that a function returns, where it only asks for the framework; none otherwise."""
    found = set()
    for node in nodes_in(function):
        if isinstance(node, ast.Return):
            if not isinstance(node.value, ast.Name):
                return set()
            found.add(node.value.id)
        elif isinstance(node, ast.If | ast.Assert):
            if "framework" not in ast.unparse(node.test):
                return set()
        elif isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.Expr):
            return set()
    return found


def _used_once(source: SourceFile, function: ast.FunctionDef) -> bool:
    return sum(name.id == function.name for name in source.nodes(ast.Name)) == 1
