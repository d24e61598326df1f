"""Which modules each supported Ray has, and which names they bind.

exists   whether a dotted name can be imported in a release

`surface.txt` is read off the wheels by benchmarks/ray_surface.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_LINE = re.compile(r"^(ray[\w.]*)(?:@(\S+))?:(.*)$", re.MULTILINE)


@lru_cache(maxsize=16384)
def exists(dotted: str, release: str) -> bool:
    """Tell whether a name of Ray can be imported, or read off a module, in a target release.

    Members of classes are not looked at; packages of Ray other than its libraries for learning
    count as a whole. Modules that protobuf generates make their names when they are imported, and
    every module has names like `__version__` or `__file__`.

    >>> exists("ray.rllib.algorithms.ppo.PPOConfig", "2.60")
    True
    >>> exists("ray.rllib.agents.ppo", "2.60"), exists("ray.rllib.agents.ppo.PPOTrainer", "2.60")
    (False, False)
    """
    known = _modules(release)
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        names = known.get(".".join(parts[:size]))
        if names is not None:
            made_on_import = parts[size - 1].endswith("_pb2")
            whole = size == len(parts) or made_on_import or parts[size].startswith("__")
            return whole or parts[size] in _words(names, release)
    return parts[0] != "ray"


@lru_cache(maxsize=4)
def _modules(release: str) -> Mapping[str, str]:
    text = Path(__file__).with_name("surface.txt").read_text(encoding="utf-8")
    return {
        module: names
        for module, releases, names in _LINE.findall(text)
        if not releases or release in releases.split(",")
    }


@lru_cache(maxsize=512)
def _words(names: str, release: str) -> frozenset[str]:
    found = (word.partition("@") for word in names.split())
    return frozenset(
        name for name, _, releases in found if not releases or release in releases.split(",")
    )
