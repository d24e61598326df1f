"""How a module names its action distribution.

Naming    what it needs for that
NO_NAME   that of a module which has no distribution of its own
"""

from __future__ import annotations

from typing import NamedTuple


class Naming(NamedTuple):
    """What a module needs to name its distribution.

    `text` is what it sets `action_dist_cls` to; `name` stands in it, imported from `module`, which
    is "" where the name is there already. `asks` tells that the distribution asks its module.
    """

    module: str = ""
    name: str = ""
    text: str = ""
    asks: bool = False


NO_NAME = Naming()
