"""A dict of dicts whose keys may be paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView, Mapping, MutableMapping, Sequence
from typing import Any

Key = Any  # a string, or a (nested) sequence of strings


class NestedDict(MutableMapping[Any, Any]):
    """A nested dict that is read, written and counted by paths.

    >>> d = NestedDict({"obs": {"a": 1, "b": 2}})
    >>> d["obs", "a"], ("obs", "c") in d, list(d), len(d)
    (1, False, [('obs', 'a'), ('obs', 'b')], 2)
    """

    def __init__(self, x: Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None = None) -> None:
        self._data: dict[str, Any] = {}
        if isinstance(x, NestedDict):
            self._data = x._data
        elif isinstance(x, Mapping):
            for key in x:
                self[key] = x[key]
        elif isinstance(x, Iterable):
            for key, value in x:
                self[key] = value
        elif x is not None:
            raise ValueError(f"NestedDict takes a mapping or pairs, not {type(x).__name__}")

    def __contains__(self, key: object) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def get(self, k: Key, default: Any = None) -> Any:  # type: ignore[override]
        """Return the value at a path; without a default a missing one raises KeyError."""
        try:
            return self[k]
        except KeyError:
            if default is None:
                raise
            return default

    def __getitem__(self, key: Key) -> Any:
        found: Any = self
        for step in _path(key):
            inner = found._data if isinstance(found, NestedDict) else found
            if not isinstance(inner, Mapping) or step not in inner:
                raise KeyError(key)
            found = inner[step]
        return found

    def __setitem__(self, key: Key, value: Any) -> None:
        if not isinstance(key, (str, tuple)) or not key:
            raise IndexError(f"a key of NestedDict is a string or a tuple of strings, not {key!r}")
        *parents, last = _path(key)
        target = self._data
        for step in parents:
            inner = target.setdefault(step, type(self)())
            target = inner._data if isinstance(inner, NestedDict) else inner
        target[last] = type(self)(value) if isinstance(value, Mapping) else value

    def __delitem__(self, key: Key) -> None:
        *parents, last = _path(key)
        holders = [self._data]
        for step in parents:
            if step not in holders[-1]:
                raise KeyError(key)
            inner = holders[-1][step]
            holders.append(inner._data if isinstance(inner, NestedDict) else inner)
        if last not in holders[-1]:
            raise KeyError(key)
        del holders[-1][last]
        for holder, step in zip(reversed(holders[:-1]), reversed(parents), strict=True):
            if len(holder[step]):
                break
            del holder[step]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        for key, value in self._data.items():
            if isinstance(value, NestedDict) and value._data:
                yield from ((key, *rest) for rest in value)
            else:
                yield (key,)

    def __len__(self) -> int:
        return sum(len(v) if isinstance(v, NestedDict) else 1 for v in self._data.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._data!r})"

    def __str__(self) -> str:
        return str(self.asdict())

    def filter(self, other: Sequence[Key] | NestedDict, ignore_missing: bool = False) -> NestedDict:
        """Return the part that has the given keys.

        Raises KeyError for a missing one, unless told not to.
        """
        kept = type(self)()
        for key in other if isinstance(other, Sequence) else list(other):
            if key in self:
                kept[_path(key)] = self[key]
            elif not ignore_missing:
                raise KeyError(key)
        return kept

    def asdict(self) -> dict[str, Any]:
        """Return plain dicts."""
        return {k: v.asdict() if isinstance(v, NestedDict) else v for k, v in self._data.items()}

    def copy(self) -> NestedDict:
        """Return a copy; the values are the same."""
        return type(self)(self.items())

    __copy__ = copy

    def shallow_keys(self) -> KeysView[str]:
        """Return the keys of the outermost dict."""
        return self._data.keys()


def _path(key: Key) -> tuple[str, ...]:
    if isinstance(key, str):
        return (key,)
    return tuple(step for part in key for step in _path(part))
