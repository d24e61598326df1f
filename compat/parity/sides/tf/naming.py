"""Names of layers and variables that do not depend on Keras, nor on what else was built before.

A variable is named by attributes and layers, `base_model/fc_1/kernel`. Names that Keras makes up
(`dense_7`, counted over the whole process) are counted anew within each model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.new_stack.tf.tf_rl_module import counted_layers

#: Attributes in which Keras keeps its books, and layers a second time.
_BOOKS = (
    *("_layers", "_self_", "_tracker", "_functional", "_operations", "_nodes", "_inbound"),
    *("_train_counter", "_test_counter", "_predict_counter"),
    *("_outbound", "_trainable", "_non_trainable", "_obj_ref", "_input_layers", "_output_layers"),
)


@dataclass
class Parts:
    """Layers and variables of a model by name, in the order in which its attributes were set."""

    layers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    owned: dict[str, tuple[str, ...]] = field(default_factory=dict)


def parts_of(owner: Any) -> Parts:
    """Name all layers and variables that a model or module holds."""
    found = Parts()
    seen: set[int] = set()
    _visit(owner, "", found, seen)
    for variable in getattr(owner, "var_list", None) or ():
        _enter(variable, _last(variable), found, seen)
    return found


def _visit(owner: Any, prefix: str, found: Parts, seen: set[int]) -> None:
    for name, part in _children(owner):
        if id(part) in seen:
            continue
        if isinstance(part, tf.Variable):
            _enter(part, prefix + name, found, seen)
            continue
        seen.add(id(part))
        _visit(part, f"{prefix}{name}/", found, seen)
        if not _is_layer(part):
            continue
        before = len(found.variables)
        for variable in part.weights:
            _enter(variable, f"{prefix}{name}/{_last(variable)}", found, seen)
        within = tuple(each for each in found.variables if each.startswith(f"{prefix}{name}/"))
        own = within if hasattr(part, "cell") else tuple(found.variables)[before:]
        if own or not any(each.startswith(f"{prefix}{name}/") for each in found.layers):
            found.layers[prefix + name] = part
            found.owned[prefix + name] = own


def _enter(variable: Any, name: str, found: Parts, seen: set[int]) -> None:
    if id(variable) in seen or "seed_generator" in name:
        return
    seen.add(id(variable))
    count = 1
    free = name
    while free in found.variables:
        count += 1
        free = f"{name}#{count}"
    found.variables[free] = variable


def _last(variable: Any) -> str:
    return str(variable.name).partition(":")[0].rpartition("/")[2]


def _is_layer(value: object) -> bool:
    return isinstance(value, tf.keras.layers.Layer)


def _is_part(value: object) -> bool:
    return (
        _is_layer(value) or isinstance(value, tf.Variable) or hasattr(value, "register_variables")
    )


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(owner, tf.keras.Sequential) or hasattr(owner, "_nodes_by_depth"):
        yield from counted_layers(owner.layers)
        return
    for name, value in vars(owner).items():
        if _is_layer(owner) and name.startswith(_BOOKS):
            continue
        if _is_part(value):
            yield name, value
        elif isinstance(value, list | tuple) and name != "var_list":
            yield from ((f"{name}_{i}", each) for i, each in enumerate(value) if _is_part(each))
        elif isinstance(value, Mapping):
            yield from ((f"{name}_{key}", each) for key, each in value.items() if _is_part(each))


def pair_variables(
    old: Mapping[str, Array],
    new: Mapping[str, Array],
    *,
    prefix: str,
    mapping: Mapping[str, str] | None,
) -> dict[str, str]:
    """Pair by name, then by layer and variable alone, then in order where all shapes agree.

    A wrong pair cannot hide anything: the outputs would differ.
    """
    pairs: dict[str, str] = {}
    for name, value in old.items():
        for candidate in ((mapping or {}).get(name, ""), f"{prefix}{name}", name):
            if candidate in new and new[candidate].shape == value.shape:
                pairs[name] = candidate
                break
    ours, theirs = (_by_end(_left(values, taken)) for values, taken in _both(old, new, pairs))
    for end, alone in ours.items():
        name, other = alone or "", theirs.get(end) or ""
        if name and other and old[name].shape == new[other].shape:
            pairs[name] = other
    rest = [_left(values, taken) for values, taken in _both(old, new, pairs)]
    if [v.shape for v in rest[0].values()] == [v.shape for v in rest[1].values()]:
        pairs |= dict(zip(rest[0], rest[1], strict=True))
    return pairs


def _both(
    old: Mapping[str, Array], new: Mapping[str, Array], pairs: Mapping[str, str]
) -> tuple[tuple[Mapping[str, Array], set[str]], tuple[Mapping[str, Array], set[str]]]:
    return (old, set(pairs)), (new, set(pairs.values()))


def _left(values: Mapping[str, Array], taken: set[str]) -> dict[str, Array]:
    return {name: value for name, value in values.items() if name not in taken}


def _by_end(values: Mapping[str, Array]) -> dict[str, str | None]:
    """Give names by layer and variable; None where several have the same."""
    ends: dict[str, str | None] = {}
    for name in values:
        end = "/".join(name.partition(":")[0].split("/")[-2:])
        ends[end] = None if end in ends else name
    return ends
