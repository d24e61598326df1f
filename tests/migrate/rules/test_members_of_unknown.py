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


def test_a_comment_at_the_head_of_a_statement_is_about_all_of_it(apply: Any) -> None:
    text = """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().rollouts(  # rlmigrate: ignore
    num_rollout_workers=2,
)
config.rollouts(num_rollout_workers=3)
"""
    done = apply(text)
    assert done.after is not None
    assert b"    num_rollout_workers=2," in done.after
    assert b"config.env_runners(num_env_runners=3)" in done.after
