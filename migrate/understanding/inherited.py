"""What a class keeps for values, where forward and value_function stand in different classes.

kept_for_values    what one forward must keep, for every class that runs it
borrowed_forward   the forward that a class runs and does not define
borrowed_mode      how a forward of another class reads the observation
read_borrowed      mark the values of a class that runs another's forward
check_agreement    refuse values that would find other things than forward kept
base_embeds        whether a base's forward keeps something
base_sets          what a base's setup() sets
kept_in_family     attributes that any forward around a class keeps
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.constructor import find_subnets
from rlmigrate.migrate.understanding.facts import Stash
from rlmigrate.migrate.understanding.forward import Forward, read_forward, stored_locals
from rlmigrate.migrate.understanding.kept import mark_values
from rlmigrate.migrate.understanding.kin import (
    Kin,
    Relative,
    is_abstract,
    keeper_in,
    owner_in,
    read_kin,
)
from rlmigrate.migrate.understanding.observed import Observed
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.super_calls import calls_base
from rlmigrate.migrate.understanding.values import Values


def forward_name(line: tuple[Relative, ...]) -> str:
    """The method of the old stack that a line of classes computes its outputs in."""
    found = owner_in("forward", line)
    if found is not None and not is_abstract(found.methods["forward"]):
        return "forward"
    return "forward_rnn" if owner_in("forward_rnn", line) is not None else "forward"


def kept_for_values(kin: Kin, method: str, stored: dict[str, str]) -> list[str]:
    """Attributes kept by the class's own forward that some value_function after it reads."""
    wanted: set[str] = set()
    for line in kin.users(method):
        wanted |= loads_in(line)
    return [attribute for attribute in stored if attribute in wanted]


def loads_in(line: tuple[Relative, ...]) -> set[str]:
    """Attributes that the values of a line of classes read, through super() too."""
    found: set[str] = set()
    for each in line:
        method = each.methods.get("value_function")
        if method is not None:
            found |= loads_of_values(method)
            if not calls_base(method):
                break
    return found


def loads_of_values(function: ast.FunctionDef) -> set[str]:
    """Attributes that a value_function reads, asserts left out."""
    asserted = {id(n) for a in nodes_in(function) if isinstance(a, ast.Assert) for n in nodes_in(a)}
    return {
        name for n in nodes_in(function) if (name := self_attribute(n)) and id(n) not in asserted
    }


def borrowed_forward(scope: Scope, kin: Kin) -> tuple[Forward, Relative] | None:
    """The forward that a class's values follow: a base's, or its heirs' where it has none."""
    line = (kin.own, *kin.bases)
    for each in (line, *((heir, *bases) for heir, bases in kin.heirs)):
        name = forward_name(each)
        owner = keeper_in(name, each)
        if owner is not None and not is_abstract(owner.methods[name]):
            node = owner.methods[name]
            forward = Forward(node, Observed(scope, node, batch=""))
            forward.stored = stored_locals(node, owner.file, owner.methods)
            return forward, owner
    return None


def borrowed_mode(kin: Kin) -> str:
    """How the forwards that the class and its heirs run read the observation; "split" if unlike."""
    modes = set()
    for line in ((kin.own, *kin.bases), *((heir, *bases) for heir, bases in kin.heirs)):
        name = forward_name(line)
        owner = keeper_in(name, line)
        if owner is None or is_abstract(owner.methods[name]):
            continue
        if name == "forward_rnn":
            modes.add("flat")
            continue
        scratch = Scope(owner.node, owner.file)
        nets = {attribute: net for attribute, (net, _) in find_subnets(scratch).items()}
        found = read_forward(scratch, nets, sequential=True)
        modes.add(found.observed.mode if found else "unread")
    return modes.pop() if len(modes) == 1 else "split" if modes else "unread"


def read_borrowed(
    scope: Scope, index: RepoIndex, forward: Forward, values: Values, lender: Relative
) -> tuple[Stash, ...]:
    """Let values of the class find what another class's forward keeps."""
    if values.nets:
        scope.problem(scope.node, "asks a net for values after a forward of another class")
    around = read_kin(index, lender.file, lender.node, lender.qualified)
    needed = kept_for_values(around, forward.node.name, forward.stored)
    stashes = tuple(Stash(a, forward.stored[a], for_value=True) for a in needed)
    if values.node is not None:
        for stash in stashes:
            mark_values(scope, values.node, stash.attribute, None)
    return stashes


def check_agreement(scope: Scope, index: RepoIndex, kin: Kin) -> None:
    """Note it where one value_function follows forwards that keep different things."""
    if "value_function" not in scope.methods:
        return
    layouts: dict[str, list[tuple[str, str]]] = {}
    for line in kin.users("value_function"):
        name = forward_name(line)
        owner = keeper_in(name, line)
        if owner is None or is_abstract(owner.methods[name]) or owner.qualified in layouts:
            continue
        stored = stored_locals(owner.methods[name], owner.file, owner.methods)
        around = read_kin(index, owner.file, owner.node, owner.qualified)
        layouts[owner.qualified] = [(a, stored[a]) for a in kept_for_values(around, name, stored)]
    ways = sorted(layouts)
    for other in ways[1:]:
        if layouts[other] != layouts[ways[0]]:
            one, two = (each.rpartition(".")[2] for each in (ways[0], other))
            scope.problem(
                scope.methods["value_function"],
                f"has a value_function for forwards that keep different things ({one}, {two})",
            )


def kept_in_family(kin: Kin) -> set[str]:
    """Attributes that the forward of the class, of a base or of an heir keeps."""
    found: set[str] = set()
    for each in (kin.own, *kin.bases, *(heir for heir, _ in kin.heirs)):
        for name in ("forward", "forward_rnn"):
            if name in each.methods:
                found |= set(stored_locals(each.methods[name], each.file, each.methods))
    return found


def base_embeds(kin: Kin) -> bool:
    """Say whether a base's forward keeps something for values, and so has a training form."""
    for i, base in enumerate(kin.bases):
        line = kin.bases[i:]
        name = forward_name(line)
        method = base.methods.get(name)
        if method is None or is_abstract(method):
            continue
        stored = set(stored_locals(method, base.file, base.methods))
        for each in ((kin.own, *kin.bases), *((heir, *bases) for heir, bases in kin.heirs), line):
            if stored & loads_in(each):
                return True
    return False


def base_sets(kin: Kin) -> tuple[str, ...]:
    """What setup() of a base sets: the distribution, and the head size if the base reads it."""
    found = set()
    for base in kin.bases:
        nodes = [n for n in nodes_in(base.node) if isinstance(n, ast.Attribute)]
        if not any(n.attr == "n" and _is_action_space(n.value) for n in nodes):
            found.add("action_dist_cls")
        if any(self_attribute(n) == "num_outputs" and isinstance(n.ctx, ast.Load) for n in nodes):
            found.add("num_outputs")
    return tuple(sorted(found))


def _is_action_space(node: ast.expr) -> bool:
    return (dotted(node) or "").rpartition(".")[2] == "action_space"
