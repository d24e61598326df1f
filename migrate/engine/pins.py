"""Version pins of ray, gymnasium, gym and torch in the files that packages are installed from.

do_pins   look at one file, or rewrite it
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from rlmigrate.migrate.engine.rounds import Outcome
from rlmigrate.migrate.findings import Item, Kind
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

CODE = "RLM612"
_NUMBER = r"\d+(?:\.\d+)*(?:\.\*|(?:\.?(?:a|b|rc|dev|post)\d+)+)?"
_BOUND = rf"(?:===?|~=|<=|>=|!=|=(?!=)|<|>)\s*{_NUMBER}"
_RAY = r"(?<![\w./-])ray(?:-(?:core|default|rllib|tune|train|data|serve|air|all|cpp))?"
#: `ray[rllib]==2.9.3`, `ray <2.10,>=2.0`, and conda's `ray-rllib=2.9.3=py310_0`.
RAY = re.compile(
    rf"(?P<name>{_RAY}(?:\[[\w,\s-]*\])?)(?P<space>\s*)"
    rf"(?P<bounds>{_BOUND}(?:\s*,\s*{_BOUND})*)(?P<build>=[\w.*]+)?"
)
#: Poetry's and Pipfile's `ray = "^2.9"` and `ray = {version = "~2.9.0", extras = ["rllib"]}`.
TABLE = re.compile(
    r"(?m)^(?P<head>[ \t]*\"?ray\"?\s*=\s*(?:\{[^}\n]*?version\s*=\s*)?\")"
    rf"(?P<bounds>[\^~]?{_NUMBER}|{_BOUND}(?:\s*,\s*{_BOUND})*)(?=\")"
)
#: `FROM rayproject/ray:2.9.3-py310-gpu`.
IMAGE = re.compile(r"(?P<name>rayproject/ray(?:-ml)?:)(?P<version>\d+\.\d+\.\d+)(?P<build>[\w.-]*)")
GYM = re.compile(r"(?<![\w./-])gym(?:\[[\w,\s-]*\])?(?P<pin>\s*[=<>~!]=?\s*[\d.]+)?(?![\w-])")
GYMNASIUM = re.compile(
    rf"(?<![\w./-])(?P<name>gymnasium(?:\[[\w,\s-]*\])?\s*)(?P<op>===?|=)(?P<version>\s*{_NUMBER})"
)
TORCH = re.compile(r"(?<![\w./-])torch\s*(?:===?|<=?|~=|=)\s*(?P<version>[01](?:\.\d+)+)")
#: What `ray[rllib]` of a release asks for, by its metadata.
GYMNASIUM_OF: Mapping[str, str] = {
    "2.40": "1.0.0",
    "2.47": "1.0.0",
    "2.54": "1.2.2",
    "2.60": "1.2.2",
}
PYTHON_OF: Mapping[str, str] = {"2.40": "3.9", "2.47": "3.9", "2.54": "3.10", "2.60": "3.10"}


def do_pins(path: Path, raw: bytes, settings: Settings, *, rewriting: bool) -> Outcome | None:
    """Raise ray's pin to the release that is written for, and gymnasium's with it; report others.

    An exact pin stays one, and bounds that let the release in stay as they are.
    """
    if not settings.wants(CODE) or b"ray" not in raw:
        return None
    source = SourceFile(path, raw)
    text, items = source.text, []
    changes = sorted(_raised(text, settings.ray_version))
    changes = [change for change in changes if not _comment(text, change[0])]
    if not changes:
        return None
    changes += [c for c in _gymnasium(text, settings.ray_version) if not _comment(text, c[0])]
    pieces, at = [], 0
    for start, end, new in sorted(changes):
        name = "gymnasium" if "gymnasium" in new else "ray"
        item = _item(source, start, name, Fate.NATIVE, f"{text[start:end]} becomes {new}")
        items.append(item)
        pieces += [text[at:start], new]
        at = end
    items += _left(source, settings)
    after = source.encode("".join([*pieces, text[at:]])) if rewriting else None
    return Outcome(path, tuple(items), raw, after)


def _raised(text: str, target: str) -> Iterator[tuple[int, int, str]]:
    """Yield places and new texts of ray's pins that the release does not meet."""
    release = f"{target}.0"
    for match in RAY.finditer(text):
        bounds: list[str] = re.findall(_BOUND, match["bounds"])
        if all(_lets_in(bound, target) for bound in bounds):
            continue
        exact = len(bounds) == 1 and bounds[0].startswith("=") and "*" not in bounds[0]
        op = re.match(r"[=]+", bounds[0])
        new = f"{op[0]}{release}" if exact and op else f">={release}"
        yield match.start(), match.end(), f"{match['name']}{match['space']}{new}"
    for match in TABLE.finditer(text):
        written = match["bounds"]
        parts: list[str] = re.findall(_BOUND, written) or [written]
        if all(_lets_in(bound, target) for bound in parts):
            continue
        exact = len(parts) == 1 and not parts[0].startswith(("<", ">", "!"))
        mark = re.match(r"[=~^]*", written)
        new = f"{mark[0] if mark else ''}{release}" if exact else f">={release}"
        yield match.start(), match.end(), match["head"] + new
    for match in IMAGE.finditer(text):
        if not _lets_in(f"=={match['version']}", target):
            build = re.sub(r"-py3(?:[6-9]|10)(?!\d)|-py3(?:6|7|8|9)\b", "", match["build"])
            yield match.start(), match.end(), f"{match['name']}{release}{build}"


def _gymnasium(text: str, target: str) -> Iterator[tuple[int, int, str]]:
    """Yield exact pins of gymnasium other than the one that ray[rllib] of the release asks for."""
    wanted = GYMNASIUM_OF[target]
    for match in GYMNASIUM.finditer(text):
        if match["version"].strip() != wanted:
            yield match.start(), match.end(), f"{match['name']}{match['op']}{wanted}"


def _left(source: SourceFile, settings: Settings) -> Iterator[Item]:
    text = source.text
    for match in GYM.finditer(text):
        if match["pin"] and not _comment(text, match.start()):
            message = "RLlib takes gymnasium environments; gym is not needed by it any more"
            yield _item(source, match.start(), "gym", Fate.MANUAL, message)
    python = PYTHON_OF[settings.ray_version]
    for match in TORCH.finditer(text):
        if not _comment(text, match.start()):
            message = (
                f"Ray {settings.ray_version} runs on Python {python} and newer, for which there "
                "may be no such torch, and compiles modules with torch 2: raise it"
            )
            yield _item(source, match.start(), "torch", Fate.MANUAL, message)
    at = text.find("--hash=")
    if at >= 0:
        message = "hashes are of the old versions: compile the file again (pip-compile)"
        yield _item(source, at, "hashes", Fate.MANUAL, message)


def _lets_in(bound: str, target: str) -> bool:
    """Whether a bound is met by the release that is written for, `target` being 2.60.

    >>> _lets_in(">=2.0", "2.60"), _lets_in("<2.10", "2.60"), _lets_in("^2.9", "2.60")
    (True, False, True)
    """
    found = re.match(r"([=~<>!^]*)\s*(\d+(?:\.\d+)*)", bound)
    if found is None:
        return True
    op, written = found[1], found[2]
    numbers = [int(part) for part in written.split(".")]
    mine = [int(part) for part in target.split(".")]
    low = numbers[:2] + [0] * (2 - len(numbers))
    if op in (">", ">=", "!="):
        return True
    if low >= mine:
        return True  # the release, or one that is newer than what is written for
    if op in ("^", "~=") and len(numbers) <= 2:
        return numbers[0] == mine[0]
    if op == "^":
        return numbers[0] == mine[0] and numbers[0] > 0
    if "*" in bound and len(numbers) == 1:
        return numbers[0] == mine[0]
    return False


def _comment(text: str, offset: int) -> bool:
    return "#" in text[text.rfind("\n", 0, offset) + 1 : offset]


def _item(source: SourceFile, offset: int, name: str, outcome: Fate, message: str) -> Item:
    line = source.line_of(offset)
    return Item(str(source.path), line, name, Kind.IMPORT, outcome, CODE, message)
