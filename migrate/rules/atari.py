"""What a model of an Atari game saw, which nothing shows it any more.

atari_note   what to do about it, for the finding on the model
"""

from __future__ import annotations

import re

from rlmigrate.migrate.index.repo import RepoIndex

#: Names of Atari games with frames: "PongNoFrameskip-v4", "ALE/Pong-v5", "PongDeterministic-v4".
ATARI = re.compile(r"ALE/|.*(NoFrameskip|Deterministic)-v\d")


def atari_note(index: RepoIndex, model: str) -> str:
    """Say which wrapper shows a model the frames of the old stack; "" where it plays no Atari."""
    if not any(ATARI.match(name) and "-ram" not in name for name in index.trained.get(model, ())):
        return ""
    return (
        "; the old stack showed it four frames of 84x84 in whole numbers up to 255: register an "
        "environment in wrap_deepmind of ray.rllib.env.wrappers.atari_wrappers, which gives the "
        "same (wrap_atari_for_new_api_stack, made for the new stack, gives numbers from -1 to 1, "
        "of another size unless dim=84 and framestack=4)"
    )
