"""Names of DQN's default net in the old stack and in DefaultDQNTorchRLModule.

Both compute the same after this renaming. The old net also has a value head that DQN never used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LAYER = re.compile(r"_hidden_layers\.(\d+)\._model\.0\.(weight|bias)")
_HEAD = re.compile(
    r"(advantage_module|value_module)\.(?:dueling_[AV]_(\d+)|([AV]))\._model\.0\.(weight|bias)"
)
_UNUSED = re.compile(r"_value_branch(_separate\.\d+)?\._model\.0\.(weight|bias)")
_HEADS = {"advantage_module": "af", "value_module": "vf"}


def dqn_net_pairs(old: Iterable[str], new: Iterable[str]) -> list[tuple[str, str]] | None:
    """Pair the names of the two nets; None unless `new` are those of DQN's default module."""
    if "af.net.mlp.0.weight" not in new:
        return None
    names = list(old)
    depth = {
        module: sum(1 for name in names if _is_hidden(name, module, "weight")) for module in _HEADS
    }
    pairs = []
    for name in names:
        if match := _LAYER.fullmatch(name):
            pairs.append((name, f"encoder.net.mlp.{2 * int(match[1])}.{match[2]}"))
        elif match := _HEAD.fullmatch(name):
            layer = depth[match[1]] if match[2] is None else int(match[2])
            pairs.append((name, f"{_HEADS[match[1]]}.net.mlp.{2 * layer}.{match[4]}"))
    return pairs


def unused_in_dqn(old: Iterable[str]) -> frozenset[str]:
    """Name the old net's value head."""
    return frozenset(name for name in old if _UNUSED.fullmatch(name))


def _is_hidden(name: str, module: str, part: str) -> bool:
    match = _HEAD.fullmatch(name)
    return match is not None and match[1] == module and match[2] is not None and match[4] == part
