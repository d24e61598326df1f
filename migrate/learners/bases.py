"""RLlib's policies, and what is known of the Learners in their place.

LEARNERS, LAYERS   the Learner of each, from Ray or from the layers file
OTHER_LOSSES       those whose own loss is another than their Learner's
OTHER_SAMPLES      those whose Learner sees other samples
COMMON, OF_PPO     settings that configs have
"""

from __future__ import annotations

from collections.abc import Mapping

from rlmigrate.migrate.configs.keys import HOME
from rlmigrate.migrate.learners.loss_words import OF_ADVANTAGES

LEARNERS: Mapping[str, tuple[str, str]] = {
    name: (f"ray.rllib.algorithms.{folder}.torch.{folder}_torch_learner", f"{prefix}TorchLearner")
    for name, folder, prefix in (
        ("PPOTorchPolicy", "ppo", "PPO"),
        ("APPOTorchPolicy", "appo", "APPO"),
        ("AsyncPPOTorchPolicy", "appo", "APPO"),
        ("ImpalaTorchPolicy", "impala", "IMPALA"),
        ("VTraceTorchPolicy", "impala", "IMPALA"),
        ("DQNTorchPolicy", "dqn", "DQN"),
        ("SACTorchPolicy", "sac", "SAC"),
        ("CQLTorchPolicy", "cql", "CQL"),
        ("MARWILTorchPolicy", "marwil", "MARWIL"),
    )
}
_SUMS = "asks for a loss that its Learner averages over steps, where the old policy's was a sum"
_CUTS = "asks for a loss that its Learner takes over sequences cut at other steps"
_MANY = "asks for a loss that was several, one for each optimizer"
_RETURNS = "asks for a loss that its Learner takes from value targets, where it was from returns"
#: Policies whose old loss is no multiple of their Learner's, and why.
OTHER_LOSSES: Mapping[str, str] = {
    **dict.fromkeys(("ImpalaTorchPolicy", "VTraceTorchPolicy"), _SUMS),
    **dict.fromkeys(("APPOTorchPolicy", "AsyncPPOTorchPolicy"), _CUTS),
    **dict.fromkeys(("SACTorchPolicy", "CQLTorchPolicy"), _MANY),
    "MARWILTorchPolicy": _RETURNS,
}
#: Policies whose Learner sees samples in another shape than the old policy did, and how.
OTHER_SAMPLES: Mapping[str, str] = {
    **dict.fromkeys(
        ("DQNTorchPolicy", "SACTorchPolicy", "CQLTorchPolicy", "MARWILTorchPolicy"),
        "changed whole trajectories, where its Learner is given steps out of a buffer",
    ),
    **dict.fromkeys(
        ("ImpalaTorchPolicy", "VTraceTorchPolicy", "APPOTorchPolicy", "AsyncPPOTorchPolicy"),
        "changed trajectories, which are batched before its Learner is given them",
    ),
}
#: Policies whose Learner has several optimizers, each under a name.
MANY_OPTIMIZERS = frozenset({"SACTorchPolicy", "CQLTorchPolicy"})
#: Policies whose algorithm is gone, and the Learner of the layers file that learns as they did.
LAYERS = {"A3CTorchPolicy": "A3CTorchLearner", "PGTorchPolicy": "PGTorchLearner"}
PLAIN = ("ray.rllib.core.learner.torch.torch_learner", "TorchLearner")
#: Policies whose Learner has PPO's coefficients, and those whose batches have advantages.
COEFFICIENTS = frozenset({"PPOTorchPolicy", "A3CTorchPolicy"})
ADVANTAGES = {
    "PPOTorchPolicy": OF_ADVANTAGES,
    "A3CTorchPolicy": OF_ADVANTAGES,
    "PGTorchPolicy": frozenset({"advantages"}),
}
#: Columns that connectors of an algorithm's Learner add.
COLUMNS = {"DQNTorchPolicy": frozenset({"new_obs", "weights"})}
_COMMON = """
gamma lr grad_clip grad_clip_by train_batch_size train_batch_size_per_learner num_epochs
minibatch_size shuffle_batch_per_epoch
"""
_OF_PPO = """
use_critic use_gae lambda_ use_kl_loss kl_coeff kl_target vf_loss_coeff entropy_coeff clip_param
vf_clip_param
"""
#: Settings that every algorithm's config has, and those of PPO's.
COMMON = frozenset(_COMMON.split()) | {key for key, home in HOME.items() if home != "training"}
OF_PPO = COMMON | frozenset(_OF_PPO.split())
