"""Observation filters and GetActions against Ray 2.60's."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from ray.rllib.connectors.module_to_env.get_actions import GetActions as RayGetActions
from ray.rllib.core.rl_module.rl_module import RLModuleSpec as RayRLModuleSpec
from ray.rllib.env.single_agent_episode import SingleAgentEpisode as RayEpisode
from ray.rllib.examples.rl_modules.classes.vpg_torch_rlm import VPGTorchRLModule
from ray.rllib.utils import filter as ray_filter

from rlmigrate.errors import LegacyError
from rlmigrate.legacy.connectors import GetActions, MultiAgentEpisode, SingleAgentEpisode
from rlmigrate.legacy.filters import MeanStdFilter, NoFilter, get_filter
from rlmigrate.new_stack import TorchRLModule

OBS = np.random.default_rng(0).normal(3.0, 2.0, size=(20, 3)).astype(np.float32)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize(("demean", "destd"), [(True, True), (False, True), (True, False)])
def test_mean_std(clip, demean, destd):
    ours = MeanStdFilter((3,), demean=demean, destd=destd, clip=clip)
    theirs = ray_filter.MeanStdFilter((3,), demean=demean, destd=destd, clip=clip)
    for i, obs in enumerate(OBS):
        a, b = ours(obs, update=i % 3 != 2), theirs(obs, update=i % 3 != 2)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    assert ours.running_stats.n == theirs.running_stats.n


def test_filters_of_several_workers_merge():
    def run(cls):
        main, workers = cls((3,)), [cls((3,)), cls((3,))]
        for i, obs in enumerate(OBS):
            workers[i % 2](obs)
        for worker in workers:
            main.apply_changes(worker, with_buffer=True)
            worker.reset_buffer()
        workers[0](OBS[0])
        main.apply_changes(workers[0])
        copied = main.copy()
        copied(OBS[1])
        stats = main.running_stats
        return [stats.n, stats.mean, stats.var, stats.std, copied.running_stats.n]

    for a, b in zip(run(MeanStdFilter), run(ray_filter.MeanStdFilter), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_and_structures_are_filtered_where_ray_raises():
    rows, batch = MeanStdFilter((3,)), MeanStdFilter((3,))
    for obs in OBS:
        rows(obs)
    with pytest.raises(TypeError):
        ray_filter.MeanStdFilter((3,))(OBS)
    np.testing.assert_array_equal(batch(OBS)[-1], rows(OBS[-1], update=False))
    nested = MeanStdFilter({"a": np.array((3,)), "b": (None,)})
    for obs in OBS:
        out = nested({"a": obs, "b": (obs,)})
    np.testing.assert_array_equal(out["a"], batch(OBS[-1], update=False))
    np.testing.assert_array_equal(out["b"][0], OBS[-1])


def test_get_filter():
    assert isinstance(get_filter("NoFilter", (3,)), NoFilter)
    assert get_filter("MeanStdFilter", (3,)).clip is None
    assert get_filter("ConcurrentMeanStdFilter", (3,)).is_concurrent
    assert get_filter(lambda shape: MeanStdFilter(shape, clip=1.0), (3,)).clip == 1.0
    with pytest.raises(LegacyError, match="'Other'"):
        get_filter("Other", (3,))
    assert list(NoFilter()([1, 2])) == [1, 2]


SPACES = {
    "discrete": gym.spaces.Discrete(3),
    "box": gym.spaces.Box(-1.0, 1.0, (2,), np.float32),
}


def batch_for(space, rows=8):
    width = 3 if isinstance(space, gym.spaces.Discrete) else 4
    torch.manual_seed(0)
    return {"action_dist_inputs": torch.randn(rows, width)}


def module_for(space):
    return RayRLModuleSpec(
        module_class=VPGTorchRLModule,
        observation_space=gym.spaces.Box(-1, 1, (2,), np.float32),
        action_space=gym.spaces.Discrete(3),
        model_config={"hidden_dim": 4},
    ).build()


def bare_module(space):
    return TorchRLModule(
        observation_space=gym.spaces.Box(-1, 1, (2,), np.float32),
        action_space=space,
        model_config={},
    )


@pytest.mark.parametrize("explore", [True, False])
def test_actions_are_sampled_as_ray_does(explore):
    space = SPACES["discrete"]
    module = module_for(space)
    ours, theirs = batch_for(space), batch_for(space)
    torch.manual_seed(1)
    GetActions()(rl_module=module, batch=ours, episodes=[SingleAgentEpisode()], explore=explore)
    torch.manual_seed(1)
    RayGetActions()(rl_module=module, batch=theirs, episodes=[RayEpisode()], explore=explore)
    assert set(ours) == set(theirs) == {"action_dist_inputs", "actions", "action_logp"}
    for key, value in theirs.items():
        assert torch.equal(ours[key], value)


@pytest.mark.parametrize("kind", SPACES)
def test_given_actions_get_their_log_probability(kind):
    module, batch = bare_module(SPACES[kind]), batch_for(SPACES[kind])
    dist = module.get_exploration_action_dist_cls().from_logits(batch["action_dist_inputs"])
    batch["actions"] = given = dist.sample()
    GetActions()(rl_module=module, batch=batch, explore=True)
    assert batch["actions"] is given
    assert torch.equal(batch["action_logp"], dist.logp(given))


def test_deterministic_actions_have_one_log_probability_each():
    module, batch = bare_module(SPACES["box"]), batch_for(SPACES["box"])
    GetActions()(rl_module=module, batch=batch, explore=False)
    assert torch.equal(batch["actions"], batch["action_dist_inputs"][:, :2])
    # RLlib gives a zero for each component, [8, 2].
    assert torch.equal(batch["action_logp"], torch.zeros(8))


def test_modules_of_a_multi_agent_batch():
    modules = {"a": bare_module(SPACES["discrete"]), "b": bare_module(SPACES["box"])}
    batch = {"a": batch_for(SPACES["discrete"]), "b": batch_for(SPACES["box"])}
    GetActions()(rl_module=modules, batch=batch, episodes=[MultiAgentEpisode()], explore=True)
    assert batch["a"]["actions"].shape == (8,)
    assert batch["b"]["actions"].shape == (8, 2)


def test_an_episode_keeps_its_order():
    episode = SingleAgentEpisode(id_="e")
    with pytest.raises(LegacyError, match="has not begun"):
        episode.add_env_step(1, 0, 0.0)
    episode.add_env_reset(10)
    episode.add_env_step(11, 1, 0.5, extra_model_outputs={"vf": 2.0})
    episode.add_env_step(12, 0, 1.5, terminated=True, extra_model_outputs={"vf": 3.0})
    assert (len(episode), episode.get_return(), episode.is_done) == (2, 2.0, True)
    assert episode.get_observations([-1, 0]) == [12, 10]
    assert episode.get_actions(-1) == 0
    assert episode.get_extra_model_outputs("vf") == [2.0, 3.0]
    with pytest.raises(LegacyError, match="is over"):
        episode.add_env_step(13, 0, 0.0)
