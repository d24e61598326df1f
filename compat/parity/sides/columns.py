"""Which columns a legacy model reads beside its observation.

columns_of   from its view requirements, and from what every old policy supplied
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from rlmigrate.compat.parity.cases.columns import Column

#: Columns that models read without asking, by the words that say so in their source.
SUPPLIED = {
    "prev_actions": (("prev_actions", "PREV_ACTIONS"), "actions"),
    "prev_rewards": (("prev_rewards", "PREV_REWARDS"), "rewards"),
}


def columns_of(model: Any, row_shape: Sequence[int]) -> tuple[Column, ...]:
    """List the columns; `row_shape` is the shape of one preprocessed observation."""
    found: dict[str, Column] = {}
    source = _source(type(model))
    for name, (words, kind) in SUPPLIED.items():
        if any(word in source for word in words):
            found[name] = Column(name, (), actions=kind == "actions")
    for name, view in (getattr(model, "view_requirements", None) or {}).items():
        if name == "obs" or name.startswith(("state_in_", "state_out_")):
            continue
        shift = view.shift
        shifts = view.shift_arr if hasattr(view, "shift_arr") else (shift,)
        window = () if isinstance(shift, int) else (len(shifts),)
        kind = view.data_col or name
        if kind in {"actions", "prev_actions"}:
            found[name] = Column(name, window, actions=True)
        elif kind in {"obs", "new_obs"}:
            found[name] = Column(name, (*window, *row_shape))
        else:
            shape = () if kind.endswith("rewards") else np.shape(view.space.sample())
            found[name] = Column(name, (*window, *shape))
    return tuple(found.values())


#: Packages whose classes are models of RLlib's own, not of the user's.
LIBRARIES = frozenset({"abc", "builtins", "ray", "rlmigrate", "torch", "typing"})


def _source(cls: type) -> str:
    """The text of a class and of its bases outside of libraries; RLlib's examples count."""
    texts = []
    for each in cls.__mro__:
        library = each.__module__.split(".")[0] in LIBRARIES
        if library and not each.__module__.startswith("ray.rllib.examples"):
            continue
        try:
            texts.append(inspect.getsource(each))
        except (OSError, TypeError):  # defined in a session or in C
            continue
    return "\n".join(texts)
