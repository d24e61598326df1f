"""The model under a policy, and the module that it becomes.

read_base      what the policy builds, and the model class behind it
take_over      tell the class that is written what the model has
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.construction import Building, SetupWords, read_building
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.words import Owner
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding import Reading, read_model
from rlmigrate.migrate.understanding.scope import self_attribute

MAKERS = ("make_model", "make_model_and_action_dist")
#: Attributes of a model that its module does not have under the same name.
NOT_INHERITED = frozenset({"forward", "forward_rnn", "value_function", "get_initial_state"})


def _attributes(reading: Reading) -> set[str]:
    stored = {
        name
        for each in nodes_in(reading.node)
        if (name := self_attribute(each)) and isinstance(getattr(each, "ctx", None), ast.Store)
    }
    stashed = {stash.attribute for stash in reading.facts.stashes}
    values = {"compute_values"} if reading.facts.value != "none" else set()
    return ((stored | set(reading.methods)) - stashed - NOT_INHERITED) | values


def _is_embedded(reading: Reading) -> bool:
    """Say whether the module of a model has embeddings, as its emitter decides."""
    kept = any(stash.for_value and stash.source is None for stash in reading.facts.stashes)
    return kept or any(subnet.local is not None for subnet in reading.facts.subnets)


def read_base(
    owner: Owner, index: RepoIndex, methods: dict[str, ast.FunctionDef]
) -> tuple[Building, Reading | None]:
    """Understand what a policy builds; without a reading it is the catalog's own model."""
    makers = [methods[name] for name in MAKERS if name in methods]
    if len(makers) > 1:
        raise NotMovable(makers[1], "overrides make_model() and make_model_and_action_dist()")
    if not makers:
        _check_catalog(index, owner)
        return Building(), None
    building = read_building(SetupWords(owner, makers[0], {}), makers[0])
    if building.model is None:
        _check_catalog(index, owner)
        return building, None
    written = dotted(building.model) or ""
    target = owner.file.imports.resolve(written) or f"{owner.file.module}.{written}"
    entry = index.class_named(target) or index.class_named(written)
    if entry is None or index.legacy_kind(entry.qualified) != "model":
        raise NotMovable(building.model, f"builds {written}, which is not among the files")
    if entry.qualified in index.constructed:
        raise NotMovable(building.model, f"builds {written}, which others build too")
    reading = _reading(index, entry.qualified)
    if reading.facts.problems or index.framework(entry.qualified) != owner.names.framework:
        raise NotMovable(building.model, f"builds {written}, which is bridged")
    if reading.facts.family:
        other = reading.facts.family[0][1].rpartition(".")[2]
        raise NotMovable(building.model, f"builds {written}, which is one family with {other}")
    own = {p.name for p in reading.facts.parameters} | set(reading.facts.custom_keys)
    for key, _ in building.settings:
        if key not in own and key not in reading.facts.default_keys:
            raise NotMovable(building.model, f"gives {written} {key}, which it does not read")
    if building.head is not None and reading.facts.head_size is not None:
        _check_head(building.head)
    return building, reading


def _reading(index: RepoIndex, qualified: str) -> Reading:
    entry = index.classes[qualified]
    source = index.source_of(entry.path)
    for node in source.nodes(ast.ClassDef):
        if node.lineno == entry.line:
            return read_model(index, index.files[entry.path], node, qualified=qualified)
    raise LookupError(f"{entry.path}:{entry.line}: class {entry.name} is not there any more")


def _check_catalog(index: RepoIndex, owner: Owner) -> None:
    """A policy that leaves its model to the catalog gets RLlib's own only where no other is."""
    models = sorted(n for n, r in index.registrations.items() if r.kind == "model")
    if models:
        raise NotMovable(
            ast.Module([], []), f"leaves its model to the config, which may name {models[0]!r}"
        )
    if owner.names.layers_module.startswith("rlmigrate.") and owner.names.target == "ray":
        raise NotMovable(ast.Module([], []), "leaves its model to the catalog")


def _check_head(node: ast.expr) -> None:
    text = ast.unparse(node).replace("self.", "")
    if text.startswith("int(") and text.endswith(")"):
        text = text[4:-1]
    known = {"action_space.n", "2 * action_space.shape[0]", "action_space.shape[0] * 2"}
    if text not in known:
        raise NotMovable(node, "gives its model a head of a size of its own")


def take_over(owner: Owner, reading: Reading | None) -> None:
    """Tell the class that is written what the model under it has."""
    if reading is not None:
        owner.recurrent = bool(reading.facts.states)
        owner.obs = "whole" if reading.facts.obs in {"whole", "raw"} else "preprocessed"
        owner.inherited = _attributes(reading)
        owner.embedded = _is_embedded(reading)
    else:
        owner.inherited = {"compute_values"}
