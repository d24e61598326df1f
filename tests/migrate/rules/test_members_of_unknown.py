"""RLM504 lists what may be RLlib's, once for a name in a function, and changes nothing."""

from __future__ import annotations

from typing import Any

TEXT = """
from ray.rllib.algorithms.ppo import PPO


def act(agents, observation):
    first = agents[0].compute_single_action(observation)
    return first, agents[1].compute_single_action(observation)


def envs(group):
    return group.local_worker().policy_map
"""


def test_listed_and_left(apply: Any) -> None:
    done = apply(TEXT)
    assert done.after is None
    listed = [(item.name, item.line, str(item.outcome)) for item in done.items]
    assert listed == [
        ("compute_single_action", 6, "unchanged"),
        ("local_worker", 11, "unchanged"),
    ]
    assert "if it is RLlib's" in done.items[0].message
