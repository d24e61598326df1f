"""Version pins of ray, gym and torch in requirements, pyproject and environment files.

do_pins   look at one file, or rewrite it
"""

from __future__ import annotations

import re
from pathlib import Path

from rlmigrate.migrate.engine.rounds import Outcome
from rlmigrate.migrate.findings import Item, Kind
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

CODE = "RLM612"
#: `ray[rllib]==2.9.3`, quoted or not, conda's single `=` included.
RAY = re.compile(
    r"(?<![\w./-])(?P<name>ray(?:\[[\w,\s-]*\])?)(?P<space>\s*)(?P<op>==|~=|<=|=(?!=)|<)\s*"
    r"(?P<version>\d+(?:\.\d+)*(?:\.\*)?)"
)
GYM = re.compile(r"(?<![\w./-])gym(?:\[[\w,\s-]*\])?(?P<pin>\s*[=<>~!]=?\s*[\d.]+)?(?![\w-])")


def do_pins(path: Path, raw: bytes, settings: Settings, *, rewriting: bool) -> Outcome | None:
    """Raise ray's pin to the release that is written for; report gym, which gymnasium replaced.

    An exact pin stays one.
    """
    if not settings.wants(CODE) or b"ray" not in raw:
        return None
    source = SourceFile(path, raw)
    text, items = source.text, []
    pieces, at = [], 0
    for match in RAY.finditer(text):
        if _comment(text, match.start()) or not _older(match["version"], settings.ray_version):
            continue
        exact = match["op"] in ("==", "=") and "*" not in match["version"]
        op = match["op"] if exact else ">="
        new = f"{match['name']}{match['space']}{op}{settings.ray_version}.0"
        items.append(_item(source, match.start(), "ray", Fate.NATIVE, f"{match[0]} becomes {new}"))
        pieces += [text[at : match.start()], new]
        at = match.end()
    if items:
        for match in GYM.finditer(text):
            if match["pin"] and not _comment(text, match.start()):
                message = "RLlib takes gymnasium environments; gym is not needed by it any more"
                items.append(_item(source, match.start(), "gym", Fate.MANUAL, message))
    if not items:
        return None
    after = source.encode("".join([*pieces, text[at:]])) if rewriting and pieces else None
    return Outcome(path, tuple(items), raw, after)


def _older(version: str, target: str) -> bool:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return numbers < tuple(int(part) for part in target.split("."))


def _comment(text: str, offset: int) -> bool:
    return "#" in text[text.rfind("\n", 0, offset) + 1 : offset]


def _item(source: SourceFile, offset: int, name: str, outcome: Fate, message: str) -> Item:
    line = source.line_of(offset)
    return Item(str(source.path), line, name, Kind.IMPORT, outcome, CODE, message)
