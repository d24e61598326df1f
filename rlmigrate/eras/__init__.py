"""Where each name of RLlib lived, in which releases, and what it is called today.

Row             one dotted name: lifetime, today's name, our implementation
names           the whole table
resolve         the row of a dotted name
current_name    what to write for a name in a given release
builtin         the implementation of a name in rlmigrate
modules         the modules that the table's names live in

The table is `names.json`, one row a line; benchmarks/eras_from_wheels.py holds it to the trees of
nineteen releases from 0.8.6 to 2.60.0. Releases are two numbers, "2.9"; `since` is the first
sampled release that has the name and `until` the last, so a boundary may lie up to one sampled
release off. Arguments are written `package.Class(argument=)` and `package.Class.method(argument=)`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

#: The newest release that the table describes.
NEWEST = "2.60"

#: Releases that `--ray-version` accepts as targets.
TARGETS = ("2.40", "2.47", "2.54", "2.60")


#: The releases whose trees were read.
SAMPLED = (
    *("0.8", "1.0", "1.4", "1.13", "2.2", "2.3", "2.4", "2.6", "2.9", "2.24", "2.33", "2.35"),
    *("2.38", "2.40", "2.44", "2.47", "2.51", "2.54", "2.60"),
)


class Stack(StrEnum):
    """Which API stack a name belongs to."""

    OLD = "old"
    NEW = "new"
    BOTH = ""


@dataclass(frozen=True)
class Row:
    """One dotted name.

    `until` is None while the newest release has the name. From `shim` on, the name may still be
    imported but only warns or raises. `now` is the name in the newest release: the name itself
    where nothing changed, None where it has no successor. `kind` is class, function, module,
    method, argument, name (a constant or a re-export) or never (documents write it, no sampled
    release has it). `absent` are releases between the two that lack the name.
    """

    name: str
    kind: str
    since: str | None = None
    until: str | None = None
    shim: str | None = None
    now: str | None = None
    builtin: str | None = None
    stack: Stack = Stack.BOTH
    absent: tuple[str, ...] = ()
    note: str = ""

    @property
    def old(self) -> bool:
        """Whether the newest release lacks the name or only warns about it."""
        return self.now != self.name

    def alive_in(self, release: str) -> bool:
        """Tell whether `release` has the name as more than a shim."""
        shown = self.shim is None or _number(release) < _number(self.shim)
        return shown and self.lived_in(release) and release not in self.absent

    def lived_in(self, release: str) -> bool:
        """Tell whether `release` has the name, be it only as a shim.

        Between two sampled releases the answer is yes if either of them has it.
        """
        at = _number(release)
        if self.since is None or at <= max(
            (n for n in _SAMPLES if n < _number(self.since)), default=(-1, 0)
        ):
            return False
        if self.until is None:
            return True
        return at < min((n for n in _SAMPLES if n > _number(self.until)), default=(99, 0))


@lru_cache(maxsize=256)
def _number(release: str) -> tuple[int, int]:
    major, _, minor = release.partition(".")
    return int(major), int(minor.partition(".")[0] or 0)


_SAMPLES = tuple(map(_number, SAMPLED))


def _row(name: str, fields: dict[str, str]) -> Row:
    gone = "now" in fields or "until" in fields or "shim" in fields
    return Row(
        name=name,
        kind=fields["kind"],
        since=fields.get("since"),
        until=fields.get("until"),
        shim=fields.get("shim"),
        now=(fields.get("now") or None) if gone else name,
        builtin=fields.get("builtin"),
        stack=Stack(fields.get("stack", "")),
        absent=tuple(fields.get("absent", "").split()),
        note=fields.get("note", ""),
    )


@lru_cache(maxsize=1)
def names() -> Mapping[str, Row]:
    """Return every row by its dotted name."""
    raw = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
    return _Rows(raw)


class _Rows(Mapping[str, Row]):
    """Rows by name, each made when it is first asked for: most runs look at few of thousands."""

    def __init__(self, raw: Mapping[str, dict[str, str]]) -> None:
        self._raw = raw
        self._made: dict[str, Row] = {}

    def __getitem__(self, name: str) -> Row:
        if name not in self._made:
            self._made[name] = _row(name, self._raw[name])
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


@lru_cache(maxsize=1)
def _families() -> Mapping[str, tuple[Row, ...]]:
    """Group the rows that mean the same thing, under today's name."""
    grouped: dict[str, list[Row]] = {}
    for row in names().values():
        if row.now is not None:
            grouped.setdefault(row.now, []).append(row)
    return {now: tuple(rows) for now, rows in grouped.items()}


@lru_cache(maxsize=1)
def modules() -> frozenset[str]:
    """Return every module that holds a name of the table, and their parents."""
    found: set[str] = set()
    for row in names().values():
        home = row.name if row.kind == "module" else row.name.rpartition(".")[0]
        if row.kind in ("argument", "method"):
            continue
        while home and home not in found:
            found.add(home)
            home = home.rpartition(".")[0]
    return frozenset(found)


def resolve(dotted: str) -> Row | None:
    """Return the row of a dotted name.

    >>> resolve("ray.rllib.core.rl_module.marl_module.MultiAgentRLModule").until
    '2.35'
    """
    rows = names()
    if dotted not in rows:
        return None
    return rows[dotted]


@lru_cache(maxsize=4096)
def current_name(dotted: str, *, ray_version: str = NEWEST) -> str | None:
    """Return what `dotted` is called in `ray_version`, None where it has no counterpart there.

    A name that is not in the table is returned unchanged.

    >>> old = "ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module.PPOTorchRLModule"
    >>> current_name(old, ray_version="2.40") == old
    True
    >>> current_name(old).rpartition(".")[2]
    'DefaultPPOTorchRLModule'
    """
    row = resolve(dotted)
    if row is None or row.alive_in(ray_version):
        return dotted
    if row.now is None:
        return None
    today = resolve(row.now)
    if today is None or today.alive_in(ray_version):
        return row.now
    alive = [other for other in _families()[row.now] if other.alive_in(ray_version)]
    if not alive:
        return None
    return max(alive, key=lambda other: (_number(other.since or "0.0"), len(other.name))).name


def builtin(dotted: str) -> str | None:
    """Return the dotted name of our implementation of `dotted`, None where there is none."""
    row = resolve(dotted)
    if row is None:
        return None
    if row.builtin is None and row.now is not None and row.now != dotted:
        return builtin(row.now)
    return row.builtin
