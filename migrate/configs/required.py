"""What a config of today must say, and old ones could not.

REQUIRED   settings without which Ray refuses an algorithm's config: method, argument, value
missing    those that none of some names gives
misfit     why PPO's batch cannot be put together from its fragments
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

_ONE_UPDATE = ("offline_data", "dataset_num_iters_per_learner", 1)

#: An old iteration of an offline algorithm was one update. CQL's defaults refuse themselves.
REQUIRED: Mapping[str, tuple[tuple[str, str, object], ...]] = {
    "BC": (_ONE_UPDATE,),
    "MARWIL": (_ONE_UPDATE,),
    "CQL": (
        _ONE_UPDATE,
        ("training", "lr", None),
        ("training", "replay_buffer_config", {"type": "EpisodeReplayBuffer"}),
    ),
}
#: With a learner apart, Ray goes through the data by itself.
APART = frozenset({"num_learners", "num_learner_workers"})


def missing(algorithm: str, given: Collection[str]) -> list[tuple[str, str, object]]:
    """List what an algorithm needs beside the settings that are given.

    >>> missing("BC", {"lr"})
    [('offline_data', 'dataset_num_iters_per_learner', 1)]
    >>> missing("PPO", {"lr"})
    []
    """
    wanted = [row for row in REQUIRED.get(algorithm, ()) if row[1] not in given]
    return [row for row in wanted if not (row is _ONE_UPDATE and APART & set(given))]


def misfit(values: Mapping[str, object]) -> str | None:
    """Say why Ray would refuse PPO's train batch; None where it fits or is not known.

    >>> misfit({"train_batch_size": 1000, "rollout_fragment_length": 200, "num_env_runners": 7})
    ... # doctest: +ELLIPSIS
    'Ray refuses a train_batch_size of 1000 from fragments of 1400...'
    >>> misfit({"train_batch_size": 4000, "rollout_fragment_length": 200})
    """
    if "train_batch_size_per_learner" in values:
        return None
    batch = values.get("train_batch_size", 4000)
    fragment = values.get("rollout_fragment_length", "auto")
    runners = values.get("num_env_runners", 0)
    several = values.get("num_envs_per_env_runner", 1)
    if not (isinstance(batch, int) and isinstance(fragment, int)):
        return None
    if not (isinstance(runners, int) and isinstance(several, int)) or batch <= 0 or fragment <= 0:
        return None
    at_once = max(runners, 1) * several
    together = at_once * fragment
    over = -(-batch // together) * together - batch
    if over <= 0.1 * batch:
        return None
    return (
        f"Ray refuses a train_batch_size of {batch} from fragments of {together} steps; set "
        f'rollout_fragment_length to "auto" or {batch // at_once}'
    )
