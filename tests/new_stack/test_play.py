"""Playing a module in gymnasium environments."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from ray.rllib.utils.spaces.space_utils import (
    clip_action,
    get_base_struct_from_space,
    unsquash_action,
)

from rlmigrate.errors import ModuleError
from rlmigrate.new_stack import Columns, RLModuleSpec, TorchRLModule
from rlmigrate.new_stack.actions import clip_actions, unsquash_actions
from rlmigrate.new_stack.defaults.ppo import DefaultPPOTorchRLModule
from rlmigrate.new_stack.play import play


class Corridor(gym.Env):
    """Walk right for three steps; every step right gives 1, and the observation tells the place."""

    action_space = gym.spaces.Discrete(2)
    observation_space = gym.spaces.Box(0, 10, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0.0
        return np.array([0.0], np.float32), {}

    def step(self, action):
        self.place += float(action)
        done = self.place >= 3
        return np.array([self.place], np.float32), float(action), done, False, {}


class Right(TorchRLModule):
    def _forward(self, batch, **kwargs):
        obs = batch[Columns.OBS]
        assert obs.dtype == torch.float32
        return {Columns.ACTION_DIST_INPUTS: torch.tensor([[0.0, 1.0]]).expand(len(obs), 2)}


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
@pytest.mark.parametrize("count", [1, 3])
def test_episodes_are_counted_in_every_autoreset_mode(mode, count):
    envs = SyncVectorEnv([Corridor] * count, autoreset_mode=mode)
    module = Right(observation_space=Corridor.observation_space, action_space=Corridor.action_space)
    result = play(module, envs, episodes=5)
    assert [(e.total_reward, e.length) for e in result.episodes] == [(3.0, 3)] * 5
    assert result.mean_return == 3.0


def test_states_start_anew_with_every_episode():
    seen = []

    class Counts(TorchRLModule):
        def get_initial_state(self):
            return {"n": torch.zeros(1)}

        def _forward(self, batch, **kwargs):
            n = batch[Columns.STATE_IN]["n"]
            assert batch[Columns.OBS].shape == (2, 1, 1)
            seen.append(n[:, 0].tolist())
            logits = torch.tensor([0.0, 1.0]).expand(2, 1, 2)
            return {Columns.ACTION_DIST_INPUTS: logits, Columns.STATE_OUT: {"n": n + 1}}

    module = Counts(
        observation_space=Corridor.observation_space, action_space=Corridor.action_space
    )
    envs = SyncVectorEnv([Corridor] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    play(module, envs, episodes=4)
    assert [step[0] for step in seen[:6]] == [0, 1, 2, 0, 1, 2]


def test_a_default_module_plays_cartpole_with_an_lstm_and_exploration():
    envs = gym.make_vec("CartPole-v1", num_envs=2, vectorization_mode="sync")
    module = RLModuleSpec(
        DefaultPPOTorchRLModule,
        envs.single_observation_space,
        envs.single_action_space,
        model_config={"use_lstm": True, "lstm_cell_size": 4, "fcnet_hiddens": [4]},
    ).build()
    torch.manual_seed(0)
    result = play(module, envs, episodes=2, explore=True, seed=1)
    assert all(e.total_reward == e.length for e in result.episodes)


def test_box_actions_are_mapped_to_their_bounds():
    sent = []

    class Pendulum(Corridor):
        action_space = gym.spaces.Box(0.0, 4.0, (1,))

        def step(self, action):
            sent.append(float(action[0]))
            return super().step(1)

    class Centre(TorchRLModule):
        def _forward(self, batch, **kwargs):
            return {Columns.ACTION_DIST_INPUTS: torch.tensor([[0.5, 0.0]])}

    module = Centre(
        observation_space=Pendulum.observation_space, action_space=Pendulum.action_space
    )
    play(module, SyncVectorEnv([Pendulum]), episodes=1)
    assert set(sent) == {3.0}
    sent.clear()
    play(module, SyncVectorEnv([Pendulum]), episodes=1, normalize_actions=False)
    assert set(sent) == {0.5}


def test_a_run_without_an_end_says_so():
    class Left(Right):
        def _forward(self, batch, **kwargs):
            return {Columns.ACTIONS: torch.zeros(len(batch[Columns.OBS]), dtype=torch.int64)}

    module = Left(observation_space=Corridor.observation_space, action_space=Corridor.action_space)
    result = play(module, SyncVectorEnv([Corridor]), episodes=1, max_steps=20)
    assert (result.episodes, result.steps) == ((), 20)
    with pytest.raises(ModuleError, match="no episode ended"):
        _ = result.mean_return


@pytest.mark.parametrize(
    "space",
    [
        gym.spaces.Box(-3, 1, (2,)),
        gym.spaces.Box(-np.inf, 1, (2,)),
        gym.spaces.Box(2, 5, (2,), np.int32),
        gym.spaces.Dict(z=gym.spaces.Box(0, 9, (1,)), a=gym.spaces.Tuple([gym.spaces.Discrete(3)])),
    ],
)
def test_mapping_and_clipping_are_rays(space):
    struct = get_base_struct_from_space(space)
    space.seed(0)
    action = space.sample()
    if isinstance(space, gym.spaces.Box):
        action = np.array([0.3, -1.7], np.float32).astype(space.dtype)
    for ours, rays in ((unsquash_actions, unsquash_action), (clip_actions, clip_action)):
        np.testing.assert_equal(ours(action, space), rays(action, struct))
