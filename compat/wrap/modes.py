"""Switch a module to evaluation and back at the cost of a few attribute writes.

`nn.Module.eval()` recurses through all submodules and takes longer than the forward pass
of a small net; RLlib calls it, and `train()`, on every inference.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


_values = dict.values


class ModeSwitch:
    """Set and restore the `training` flags of a module and all below it.

    Falls back to `eval()` and `train()` where a submodule overrides them.
    """

    def __init__(self, root: nn.Module) -> None:
        self._root = root
        self._refresh()

    def _refresh(self) -> None:
        modules = list(self._root.modules())
        self._states = [vars(module) for module in modules]
        self._children = [state["_modules"] for state in self._states]
        self._known = [*chain.from_iterable(map(_values, self._children))]
        self._plain = all(_has_plain_mode(module) for module in modules)

    def _is_current(self) -> bool:
        return [*chain.from_iterable(map(_values, self._children))] == self._known

    def enter_eval(self) -> Callable[[], object] | None:
        """Put every submodule into evaluation mode; return what undoes it, or None."""
        if not self._is_current():
            self._refresh()
        if not self._plain:
            was_training = self._root.training
            self._root.eval()
            return partial(self._root.train, True) if was_training else None
        switched = [state for state in self._states if state["training"]]
        if not switched:
            return None
        for state in switched:
            state["training"] = False

        def restore() -> None:
            for state in switched:
                state["training"] = True

        return restore

    def enter_train(self) -> None:
        """Put every submodule into training mode."""
        if not self._is_current():
            self._refresh()
        if not self._plain:
            self._root.train()
            return
        for state in self._states:
            state["training"] = True


def _has_plain_mode(module: nn.Module) -> bool:
    """Tell whether writing `training` does all that `eval()` and `train()` would."""
    kind = type(module)
    return (
        kind.train is nn.Module.train
        and kind.eval is nn.Module.eval
        and "training" in vars(module)
        and "train" not in vars(module)
        and "eval" not in vars(module)
        and not hasattr(kind, "training")
    )
