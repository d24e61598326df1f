"""Decide which parameter of one side is which of the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from rlmigrate.compat.weights.default_nets import FIRST_LAYER, default_net_map
from rlmigrate.compat.weights.keras_names import layer_pairs
from rlmigrate.compat.weights.layouts import Layout, inverse
from rlmigrate.compat.weights.report import Assignment, TransferReport
from rlmigrate.compat.weights.tf_names import (
    cell_layouts,
    layouts_of,
    looks_like_tf,
    named_as,
    torch_view,
    unused_in_tf,
)

Mapped = Mapping[str, str | None] | TransferReport


@dataclass
class Match:
    """Assignments found, names that rules leave out, and names in a mapping that do not exist."""

    assignments: list[Assignment] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    first_layers: set[str] = field(default_factory=set)

    def add(self, assignment: Assignment) -> None:
        """Take an assignment unless its target has one already."""
        if assignment.new not in self.targets():
            self.assignments.append(assignment)

    def targets(self) -> set[str]:
        """Name the new parameters that have a source."""
        return {each.new for each in self.assignments}

    def sources(self) -> set[str]:
        """Name the old parameters that are used."""
        return {each.old for each in self.assignments}


@dataclass(frozen=True)
class Side:
    """One side of a transfer: its arrays, and the prefix around its legacy names.

    `made` numbers the layers in the order in which they were made, where that is known.
    """

    arrays: Mapping[str, torch.Tensor]
    prefix: str = ""
    made: Mapping[str, int] = field(default_factory=dict)

    def bare(self) -> dict[str, str]:
        """Map names without the prefix to the names they have."""
        return {name.removeprefix(self.prefix): name for name in self.arrays}


def match(old: Side, new: Side, mapping: Mapped | None) -> Match:
    """Match by the mapping, then by name, then by what is known of the default nets."""
    found = Match()
    if isinstance(mapping, TransferReport):
        for each in mapping.assignments:
            _add_if_known(found, each, old, new)
        found.left_out |= set(mapping.kept) | set(mapping.dropped)
        return found
    _by_mapping(found, old, new, mapping or {})
    view = _torch_names(old, new)
    if looks_like_tf(old.arrays):
        found.left_out |= unused_in_tf(old.arrays)
    taken = found.sources() | found.left_out
    view = {name: source for name, source in view.items() if source[0] not in taken}
    targets = {bare: name for bare, name in new.bare().items() if name not in found.left_out}
    for bare, (name, layouts) in view.items():
        if bare in targets:
            found.add(Assignment(name, targets[bare], layouts))
    _by_default_nets(found, old, new, view, targets)
    if looks_like_tf(old.arrays) and not looks_like_tf(new.arrays):
        _by_layers(found, old, new)
    return found


def _by_layers(found: Match, old: Side, new: Side) -> None:
    """Match what is left by the names that Keras layers and torch layers share."""
    done = found.sources() | found.left_out
    arrays = {name: value for name, value in old.arrays.items() if name not in done}
    free = [name for name in new.arrays if name not in found.targets() | found.left_out]
    for source, target, layouts in layer_pairs(
        {name: value.shape for name, value in arrays.items()}, free, new.made
    ):
        found.add(Assignment(source, target, layouts))
    rest = {name: v.ndim for name, v in arrays.items() if name not in found.sources()}
    free = [name for name in free if name not in found.targets()]
    nets = [
        (inner, view)
        for part in sorted({name.partition(".")[0] for name in free})
        if (inner := _inside(part, free))
        and inner.keys() <= (view := named_as(torch_view(rest), inner)).keys()
    ]
    if len(nets) == 1:  # one of RLlib's nets, held by the module
        for bare, target in nets[0][0].items():
            found.add(Assignment(nets[0][1][bare][0], target, nets[0][1][bare][1]))


def _inside(part: str, names: list[str]) -> dict[str, str]:
    """The parameters of one part of a module, by their names within it."""
    return {n.removeprefix(f"{part}."): n for n in names if n.startswith(f"{part}.")}


def _torch_names(old: Side, new: Side) -> dict[str, tuple[str, tuple[Layout, ...]]]:
    """View the old side under torch names: {torch name: (its name, layouts)}."""
    if looks_like_tf(old.arrays):
        view = torch_view({name: value.ndim for name, value in old.arrays.items()})
        return named_as(view, new.bare())
    return {bare: (name, ()) for bare, name in old.bare().items()}


def _by_mapping(found: Match, old: Side, new: Side, mapping: Mapping[str, str | None]) -> None:
    from_tf = looks_like_tf(old.arrays) and not looks_like_tf(new.arrays)
    for old_name, new_name in mapping.items():
        if new_name is not None:
            if from_tf and old_name in old.arrays and _cell(found, old_name, new_name, old, new):
                continue
            known = old.arrays.get(old_name) if from_tf else None
            layouts = layouts_of(old_name, known.ndim) if known is not None else ()
            _add_if_known(found, Assignment(old_name, new_name, layouts), old, new)
        elif old_name in old.arrays or old_name in new.arrays:
            found.left_out.add(old_name)
        else:
            found.unknown.append(f"mapping: neither side has {old_name!r}")


def _cell(found: Match, old_name: str, new_name: str, old: Side, new: Side) -> bool:
    """Assign a variable of a recurrent layer, whose bias becomes two parameters."""
    try:
        cells = cell_layouts(old_name, new_name, {k: tuple(v.shape) for k, v in old.arrays.items()})
    except ValueError as error:
        found.unknown.append(f"mapping: {error}")
        return True
    for target, layouts in (cells or {}).items():
        _add_if_known(found, Assignment(old_name, target, layouts), old, new)
    return cells is not None


def _add_if_known(found: Match, each: Assignment, old: Side, new: Side) -> None:
    source = each.old if each.old in old.arrays else old.prefix + each.old
    target = each.new if each.new in new.arrays else new.prefix + each.new
    if source not in old.arrays:
        found.unknown.append(f"mapping: old has no {each.old!r}")
    elif target not in new.arrays:
        found.unknown.append(f"mapping: new has no {each.new!r}")
    else:
        found.add(Assignment(source, target, each.layouts, each.columns))


def _by_default_nets(
    found: Match,
    old: Side,
    new: Side,
    view: Mapping[str, tuple[str, tuple[Layout, ...]]],
    targets: Mapping[str, str],
) -> None:
    sources = {name: old.arrays[source] for name, (source, _) in view.items()}
    wanted = {bare: new.arrays[name] for bare, name in targets.items()}
    if (known := default_net_map(sources, wanted)) is not None:
        for source, target, layouts in known.pairs:
            name, before = view[source]
            found.add(Assignment(name, targets[target], before + layouts))
            if FIRST_LAYER.match(source):
                found.first_layers.add(targets[target])
        found.left_out |= {view[name][0] for name in known.unused}
    elif (known := default_net_map(wanted, sources)) is not None:
        for target, source, layouts in known.pairs:
            found.add(Assignment(view[source][0], targets[target], inverse(layouts)))
        found.left_out |= {targets[name] for name in known.unused}
