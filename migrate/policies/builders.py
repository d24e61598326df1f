"""Policies that builder functions make, with what chains of `with_updates` add up to.

BuilderCall     one call, and the arguments that hold after it
builder_calls   those of a file
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.known import ray_framework
from rlmigrate.migrate.source import SourceFile

BUILDERS = frozenset({"build_policy_class", "build_torch_policy", "build_tf_policy"})
#: A file that says none of these has no builder.
WORDS = BUILDERS | {"with_updates"}


@dataclass(frozen=True)
class BuilderCall:
    """One call; `own` are its arguments, `all` those of the whole chain, the last one winning.

    `base` is the policy of Ray at the chain's beginning, "" where a builder begins it.
    """

    call: ast.Call
    statement: ast.stmt
    name: str
    line: int
    base: str
    framework: str | None
    own: Mapping[str, ast.expr] = field(default_factory=dict)
    all: Mapping[str, ast.expr] = field(default_factory=dict)


def builder_calls(source: SourceFile, file: FileEntry) -> list[BuilderCall]:
    """Every call of RLlib's policy builders, and each `with_updates` of what they made."""
    made: dict[str, BuilderCall] = {}
    found: list[BuilderCall] = []
    if WORDS.isdisjoint(source.said):
        return found
    for call in sorted(source.nodes(ast.Call), key=lambda node: (node.lineno, node.col_offset)):
        before = _before(file, made, call)
        if before is None:
            continue
        own = {k.arg: k.value for k in call.keywords if k.arg is not None}
        statement = _statement(source, call)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        bound = [t.id for t in targets if isinstance(t, ast.Name)]
        named = own.get("name")
        name = str(named.value) if isinstance(named, ast.Constant) else ""
        framework = own.get("framework")
        told = str(framework.value) if isinstance(framework, ast.Constant) else before.framework
        entry = BuilderCall(
            call=call,
            statement=statement,
            name=(bound[0] if bound else "") or name or "the policy",
            line=call.lineno,
            base=before.base,
            framework=told,
            own=own,
            all={**before.all, **own},
        )
        found.append(entry)
        if isinstance(statement, ast.Assign) and statement.value is call:
            made |= dict.fromkeys(bound, entry)
    return found


def _before(file: FileEntry, made: Mapping[str, BuilderCall], call: ast.Call) -> BuilderCall | None:
    """What a call goes on from; None where it is no builder."""
    nothing = ast.Pass()
    target = file.imports.qualified(call.func) or ""
    name = target.rpartition(".")[2]
    if target.startswith("ray.rllib.") and name in BUILDERS:
        told = {"build_torch_policy": "torch", "build_tf_policy": "tf"}.get(name)
        return BuilderCall(call, nothing, "", call.lineno, "", told)
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "with_updates":
        return None
    owner = call.func.value
    if isinstance(owner, ast.Name) and owner.id in made:
        return made[owner.id]
    of_ray = file.imports.qualified(owner) or ""
    if of_ray.startswith("ray.rllib.") and of_ray.endswith("Policy"):
        framework = ray_framework(of_ray)
        base = of_ray.rpartition(".")[2]
        return BuilderCall(call, nothing, "", call.lineno, base, framework)
    return None


def _statement(source: SourceFile, node: ast.AST) -> ast.stmt:
    while not isinstance(node, ast.stmt):
        node = source.parents[node]
    return node
