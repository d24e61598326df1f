"""Distribution classes with arguments of `from_logits` built in.

Ray's are local classes that plain pickle cannot save; these are rebuilt from parent and arguments.
"""

from __future__ import annotations

import abc
import copyreg
from typing import Any


class _PartialMeta(abc.ABCMeta):
    """The type of partial classes, by which pickle knows them."""


def partial_dist_cls(parent: Any, fixed: dict[str, Any]) -> Any:
    """Subclass a distribution class with some arguments fixed.

    Raises ValueError from its methods if a fixed argument is given again, and AssertionError
    from `required_input_dim` for another space than the fixed one.
    """

    def merge(given: dict[str, Any]) -> dict[str, Any]:
        twice = set(given) & set(fixed)
        if twice:
            raise ValueError(
                f"{sorted(twice)} cannot be given: {parent.__name__} was made with them fixed"
            )
        return {**fixed, **given}

    def required_input_dim(cls: Any, /, space: Any, **kwargs: Any) -> int:
        merged = merge(kwargs)
        own = merged.pop("space", space)
        if own != space:
            raise AssertionError(
                f"this {parent.__name__} was made for the space {own}, not {space}"
            )
        return int(parent.required_input_dim(space=own, **merged))

    def from_logits(cls: Any, /, logits: Any, **kwargs: Any) -> Any:
        made = parent.from_logits(logits, **merge(kwargs))
        made.__class__ = cls  # so that type(made) gives the partial class back
        return made

    return _PartialMeta(
        f"{parent.__name__}Partial",
        (parent,),
        {
            "__module__": parent.__module__,
            "required_input_dim": classmethod(required_input_dim),
            "from_logits": classmethod(from_logits),
            "partial_parent": parent,
            "partial_kwargs": fixed,
        },
    )


def _rebuild(cls: Any) -> tuple[Any, tuple[Any, ...]]:
    return partial_dist_cls, (cls.partial_parent, cls.partial_kwargs)


copyreg.pickle(_PartialMeta, _rebuild)  # type: ignore[arg-type]
