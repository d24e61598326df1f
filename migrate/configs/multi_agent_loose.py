"""The `multiagent` key of a dict that stays one: a config of today takes it, if its values are so.

KEYS     the keys that are settled here
Settled  the edits that a key needs, or why it needs a person
settle   look at one key
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from rlmigrate.migrate.configs.literals import dict_entries
from rlmigrate.migrate.configs.multi_agent import DROPPED, SAME, mapping_fn
from rlmigrate.migrate.configs.policy_specs import POLICY_SPEC, read_policies
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext

CODE = "RLM409"
KEYS = frozenset({"multiagent", "policies", "policy_mapping_fn"})
SPECS = "put the RLModules into rl_module(rl_module_spec=MultiRLModuleSpec(...))"


@dataclass(frozen=True)
class Settled:
    """One key; `problem` is None where a config can be updated from it."""

    edits: tuple[Edit, ...] = ()
    problem: str | None = None


def settle(context: FileContext, name: str, value: ast.expr) -> Settled:
    """Look at `multiagent`, or at one of the keys inside it."""
    if name == "policies":
        return Settled(problem=_policies(context, value))
    if name == "policy_mapping_fn":
        return _mapping(context, value)
    entries = dict_entries(context, value)
    if entries is None:
        text = "is computed: no policy in it may have a class or a model, which go into a "
        return Settled(
            problem=text + "MultiRLModuleSpec; its policy_mapping_fn takes (agent_id, "
            "episode, **kwargs)"
        )
    edits: tuple[Edit, ...] = ()
    for entry in entries:
        key = entry.key or ""
        if key in ("policies", "policy_mapping_fn"):
            inner = settle(context, key, entry.value)
            if inner.problem is not None:
                return Settled(problem=f"has {key}: {inner.problem}")
            edits += inner.edits
        elif key not in SAME | DROPPED:
            return Settled(problem=f'has "{key}", which multi_agent() does not know')
    return Settled(edits)


def _policies(context: FileContext, value: ast.expr) -> str | None:
    bound = nodes_of(context).value_of(value) if isinstance(value, ast.Name) else value
    if isinstance(bound, ast.Set | ast.List | ast.Tuple | ast.SetComp | ast.ListComp):
        return None
    match bound:
        case ast.Call(func=ast.Name(id="set" | "list" | "frozenset")):
            return None
    if isinstance(bound, ast.DictComp):
        return None if _plain(context, bound.value) else f"policies have classes or models: {SPECS}"
    if dict_entries(context, value) is None:
        return f"policies are computed: where one has a class or a model, {SPECS}"
    read = read_policies(context, value, algorithm="")
    if read is None:
        for entry in dict_entries(context, value) or []:
            if not _plain(context, entry.value):
                return f"policy {entry.key!r} is computed: where it has a class or a model, {SPECS}"
        return None
    return read if isinstance(read, str) else f"policies have models of their own: {SPECS}"


def _plain(context: FileContext, spec: ast.expr) -> bool:
    """Whether a spec says no more than spaces: `(None, obs, act, {})` or `PolicySpec()`."""
    if isinstance(spec, ast.Tuple) and len(spec.elts) == 4:
        return constant(spec.elts[0]) is None and constant(spec.elts[3]) in ({}, None)
    if isinstance(spec, ast.Call):
        imports = context.index.files[context.source.path].imports
        named = {keyword.arg: keyword.value for keyword in spec.keywords}
        fields = ("policy_class", "observation_space", "action_space", "config")
        given = dict(zip(fields, spec.args, strict=False)) | named
        return imports.qualified(spec.func) in POLICY_SPEC and all(
            constant(given[k]) in ({}, None) for k in ("policy_class", "config") if k in given
        )
    return isinstance(spec, ast.Constant) and spec.value is None


def _mapping(context: FileContext, value: ast.expr) -> Settled:
    text = mapping_fn(context, value)
    if text is None:
        return Settled(problem="policy_mapping_fn takes (agent_id, episode, **kwargs) now")
    if text == context.source.segment(value):
        return Settled()
    return Settled((Edit(context.source.span(value), text, CODE),))
