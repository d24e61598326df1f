"""What the modules of Ray bound in every sampled release, where the table of eras says too little.

SENTENCE  the value of constants that are sentences
Bound     what a name was: a class, a function, a constant or another module's name
bound     look a name up
names     what a module defined itself
modules   every module that a sampled release had, and when

`history.txt` is read off the trees of releases by benchmarks/ray_history.py. It lets old files be
imported where they ask for names that nobody migrates: stand-ins know what they stand for, names
that a module had only imported lead to where they came from, and constants have their values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

#: What stands for a constant that is a sentence: its words are Ray's own.
SENTENCE = "..."


@dataclass(frozen=True)
class Bound:
    """A name of a module; `since` and `until` are the first and the last sampled release.

    `target` is the dotted name that an import brought here, `value` that of a constant.
    """

    kind: Literal["class", "function", "import", "constant"]
    since: str
    until: str
    target: str = ""
    value: object = None


def bound(module: str, name: str) -> Bound | None:
    """Tell what a name was in a module of Ray, None where no sampled release bound it there.

    >>> bound("ray.rllib.execution.common", "STEPS_TRAINED_COUNTER").value
    'num_steps_trained'
    >>> bound("ray.rllib.agents.ppo.ppo", "PPOTFPolicy").target
    'ray.rllib.agents.ppo.ppo_tf_policy.PPOTFPolicy'
    """
    section = _sections().get(module)
    if section is None:
        return None
    span, lines = section
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in ("class", "def"):
            for item in rest.split():
                found, since, until = _spanned(item, span)
                if found == name:
                    return Bound("class" if word == "class" else "function", since, until)
        elif word == "from":
            home, _, items = rest.partition(" ")
            for item in items.split():
                found, since, until = _spanned(item, span)
                new, _, old = found.partition("=")
                if new == name:
                    return Bound("import", since, until, f"{home}.{old or new}")
        else:
            found, since, until = _spanned(word, span)
            if found == name:
                value = json.loads(rest.removeprefix("= "))
                return Bound("constant", since, until, value=value)
    return None


def names(module: str) -> list[str]:
    """List the classes, functions and constants that a module defined itself."""
    section = _sections().get(module)
    found: list[str] = []
    for line in section[1] if section else ():
        word, _, rest = line.partition(" ")
        if word in ("class", "def"):
            found += [item.partition("@")[0] for item in rest.split()]
        elif word != "from":
            found.append(word.partition("@")[0])
    return found


@lru_cache(maxsize=1)
def modules() -> Mapping[str, tuple[str, str]]:
    """Return the first and the last sampled release of every module."""
    return {module: span for module, (span, _) in _sections().items()}


@lru_cache(maxsize=1)
def _sections() -> Mapping[str, tuple[tuple[str, str], list[str]]]:
    text = Path(__file__).with_name("history.txt").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n["):
        head, *lines = section.splitlines()
        module, _, span = head.strip("[]").partition(" ")
        since, _, until = span.partition("-")
        found[module] = ((since, until), [line for line in lines if line])
    return found


def _spanned(item: str, span: tuple[str, str]) -> tuple[str, str, str]:
    name, _, own = item.partition("@")
    since, until = own.split("-") if own else span
    return name, since, until
