"""`ray.tune` as far as model code and registration need it.

register_env, register_trainable   the registry, in this process
get_trainable_cls, run             refused: they need Ray
grid_search                        the search space marker
uniform, choice, ...               the same, one for each distribution: a Domain
merge_dicts                        config over config
DEFAULT_LOGGERS, DEFAULT_RESULTS_DIR    no logger, and the folder of results
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlmigrate.errors import MissingDependency

ENV_CREATOR = "env_creator"
RLLIB_MODEL = "rllib_model"
RLLIB_ACTION_DIST = "rllib_action_dist"
TRAINABLE_CLASS = "trainable_class"

DEFAULT_LOGGERS: tuple[type, ...] = ()
DEFAULT_RESULTS_DIR = str(Path("~/ray_results").expanduser())


class Registry:
    """Names to objects, by category.

    >>> registry = Registry()
    >>> registry.register(ENV_CREATOR, "corridor", dict)
    >>> registry.contains(ENV_CREATOR, "corridor"), registry.get(ENV_CREATOR, "corridor")
    (True, <class 'dict'>)
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Any] = {}

    def register(self, category: str, key: str, value: Any) -> None:
        """Put an object under a name, in place of what was there."""
        self._entries[category, key] = value

    def contains(self, category: str, key: str) -> bool:
        """Tell whether a name is taken."""
        return (category, key) in self._entries

    def get(self, category: str, key: str) -> Any:
        """Return the object of a name; raises ValueError naming those that are there."""
        try:
            return self._entries[category, key]
        except KeyError:
            known = sorted(name for kind, name in self._entries if kind == category)
            raise ValueError(
                f"no {category} is registered as {key!r}; registered are {known}"
            ) from None


global_registry = Registry()


def register_env(name: str, env_creator: Callable[..., Any]) -> None:
    """Register an environment's maker, which takes an EnvContext."""
    if not callable(env_creator):
        raise TypeError(f"register_env({name!r}): expected a callable, got {env_creator!r}")
    global_registry.register(ENV_CREATOR, name, env_creator)


def register_trainable(name: str, trainable: Callable[..., Any] | type, *_: object) -> None:
    """Register a trainable, so that asking for it by name finds it."""
    global_registry.register(TRAINABLE_CLASS, name, trainable)


def get_trainable_cls(name: str) -> Any:
    """Return a trainable registered in this process; Ray's own algorithms need Ray."""
    if global_registry.contains(TRAINABLE_CLASS, name):
        return global_registry.get(TRAINABLE_CLASS, name)
    raise MissingDependency("Ray", extra="ray", purpose=f"the algorithm {name!r}")


def run(*_args: object, **_settings: object) -> Any:
    """Refuse: raises MissingDependency."""
    raise MissingDependency("Ray", extra="ray", purpose="tune.run")


def grid_search(values: Iterable[Any]) -> dict[str, list[Any]]:
    """Mark alternatives as Tune's config dicts do.

    >>> grid_search([1, 2])
    {'grid_search': [1, 2]}
    """
    return {"grid_search": list(values)}


@dataclass(frozen=True)
class Domain:
    """A place in a search space: which distribution, and its arguments.

    >>> uniform(0, 1)
    Domain(distribution='uniform', arguments=(0, 1))
    """

    distribution: str
    arguments: tuple[Any, ...]


def _distribution(name: str) -> Callable[..., Domain]:
    def mark(*arguments: Any) -> Domain:
        return Domain(name, arguments)

    mark.__name__ = mark.__qualname__ = name
    mark.__doc__ = "Mark a place in a search space; nothing here draws from it."
    return mark


choice = _distribution("choice")
lograndint = _distribution("lograndint")
loguniform = _distribution("loguniform")
qlograndint = _distribution("qlograndint")
qloguniform = _distribution("qloguniform")
qrandint = _distribution("qrandint")
qrandn = _distribution("qrandn")
quniform = _distribution("quniform")
randint = _distribution("randint")
randn = _distribution("randn")
sample_from = _distribution("sample_from")
uniform = _distribution("uniform")


def merge_dicts(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return a new dict with `over` laid over `base`, dicts within dicts likewise.

    >>> merge_dicts({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    merged = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge_dicts(merged[key], value)
        else:
            merged[key] = value
    return merged
