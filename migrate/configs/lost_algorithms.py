"""Algorithms that RLlib had and has no more, and what comes nearest to each.

LOST     name in Tune's registry to what to run instead; empty where nothing is near
MODULES  the module that held an algorithm to that name
nearest  the advice for an algorithm, with whatever prefix it was registered
"""

from __future__ import annotations

from collections.abc import Mapping

_SEVERAL = "run SAC or PPO for each agent, or write the joint loss into a Learner of your own"

LOST: Mapping[str, str] = {
    "A2C": "it is PPO with num_epochs=1, use_kl_loss=False and one minibatch",
    "A3C": "run IMPALA or APPO, which do not wait for their samplers",
    "AlphaStar": "run APPO with a league of modules (examples/multi_agent/self_play_league)",
    "AlphaZero": "",
    "APEX": "run DQN with more num_env_runners; its buffer is prioritized",
    "APEX_DDPG": "run SAC with more num_env_runners",
    "ARS": "",
    "BanditLinTS": "",
    "BanditLinUCB": "",
    "CRR": "run CQL",
    "DDPG": "run SAC, which learns continuous actions off-policy too",
    "DDPPO": "run PPO with num_learners above 1",
    "Dreamer": "run DreamerV3",
    "DT": "run BC or MARWIL",
    "ES": "",
    "LeelaChessZero": "",
    "MADDPG": _SEVERAL,
    "MAML": "",
    "MBMPO": "",
    "PG": "run PPO with num_epochs=1 and use_critic=False",
    "QMIX": _SEVERAL,
    "R2D2": "run DQN with use_lstm in its model config",
    "RNNSAC": "run SAC",
    "SimpleQ": "run DQN with double_q=False and dueling=False",
    "SlateQ": "",
    "TD3": "run SAC, which has two Q nets too",
}

MODULES: Mapping[str, str] = {
    "apex_dqn": "APEX",
    "apex_ddpg": "APEX_DDPG",
    "bandit": "BanditLinUCB",
    "bandits": "BanditLinUCB",
    "simple_q": "SimpleQ",
    **{name.lower(): name for name in LOST if "_" not in name and "Bandit" not in name},
    "alpha_star": "AlphaStar",
    "alpha_zero": "AlphaZero",
    "leela_chess_zero": "LeelaChessZero",
}
_SPOKEN = {"QMix": "QMIX", "ApexDQN": "APEX", "Apex": "APEX", "ApexDDPG": "APEX_DDPG"}


def nearest(algorithm: str) -> str | None:
    """Say what to run instead of an algorithm; None where RLlib never had it.

    >>> nearest("contrib/MADDPG") == nearest("MADDPG") != None
    True
    """
    name = algorithm.removeprefix("contrib/")
    near = LOST.get(_SPOKEN.get(name, name))
    if near is None:
        return None
    return f"{name} is not part of today's RLlib" + (f"; {near}" if near else "")
