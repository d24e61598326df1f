"""Ray's old stack against native, wrapped and converted modules, over whole episodes."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from rlmigrate import convert_checkpoint, wrap_model
from rlmigrate.compat.parity import Status
from rlmigrate.compat.parity.sides.building import build_module, fill_weights
from rlmigrate.compat.parity.trajectories import check_trajectories

from .environments import ON_RAY, TWO_ON_RAY

HERE = Path(__file__).parent
MODELS = HERE.parents[2] / "fixtures" / "trajectories" / "models.py"
CHECKPOINTS = HERE.parents[2] / "fixtures" / "checkpoints"


@pytest.fixture(scope="module")
def classes(tmp_path_factory, imported):
    """The old classes, and what the codemod makes of their file."""
    from click.testing import CliRunner

    from rlmigrate.migrate.cli import cli

    folder = tmp_path_factory.mktemp("rewritten")
    (folder / "trajectory_models.py").write_bytes(MODELS.read_bytes())
    path = str(folder / "trajectory_models.py")
    done = CliRunner().invoke(cli, ["rewrite", "--write", "--allow-dirty", path])
    assert "4 native" in done.output, done.output
    old = imported(MODELS.parent, "models")
    return old, imported(folder, "trajectory_models", stays=True)  # its checkpoint names it


def ray_policy(cls, env):
    """Ray's own PPOTorchPolicy on a custom model, its weights moved off their initial values."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
    from ray.rllib.models import ModelCatalog

    ModelCatalog.register_custom_model(cls.__name__, cls)
    stacks = {"enable_rl_module_and_learner": False, "enable_env_runner_and_connector_v2": False}
    config = PPOConfig().api_stack(**stacks).framework("torch")
    config.training(model={"custom_model": cls.__name__})
    prep = ModelCatalog.get_preprocessor_for_space(env.observation_space)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        policy = PPOTorchPolicy(prep.observation_space, env.action_space, config.to_dict())
    fill_weights(policy.model, seed=3)
    return policy


def converted(policy, native, env, folder):
    from ray.rllib.core.rl_module.rl_module import RLModule

    policy.export_checkpoint(str(folder / "old"))
    spaces = (env.observation_space, env.action_space)
    report = convert_checkpoint(
        folder / "old", folder / "new", module_classes=native, spaces=spaces
    )
    (outcome,) = report.policies
    assert outcome.status == "converted", report
    return RLModule.from_checkpoint(outcome.path)


def modules(kind, policy, cls, native, env, folder):
    if kind == "native":
        return native
    if kind == "wrapped":
        return wrap_model(cls, stack="ray")
    return converted(policy, native, env, folder)


@pytest.mark.parametrize("kind", ["native", "wrapped", "converted"])
@pytest.mark.parametrize("name", ON_RAY)
def test_ten_episodes_go_the_same_way(classes, name, kind, tmp_path):
    cls, native = (getattr(module, name) for module in classes)
    env = ON_RAY[name]()
    policy = ray_policy(cls, env)
    new = modules(kind, policy, cls, native, env, tmp_path)
    report = check_trajectories(policy, new, ON_RAY[name], episodes=10, max_steps=100)
    assert_same_way(report)


@pytest.mark.parametrize("kind", ["native", "wrapped", "converted"])
@pytest.mark.parametrize("name", ON_RAY)
def test_other_weights_go_another_way(classes, name, kind, tmp_path):
    """Every one of the combinations above can fail."""
    cls, native = (getattr(module, name) for module in classes)
    env = ON_RAY[name]()
    policy = ray_policy(cls, env)
    new = modules(kind, policy, cls, native, env, tmp_path)
    if isinstance(new, type):
        spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
        new = build_module(new, **spaces, model_config={})
    drawn = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.normal_(generator=drawn)
    report = check_trajectories(policy, new, ON_RAY[name], episodes=2, max_steps=40)
    assert report.status is Status.FAIL
    assert any("actions" in finding.path for finding in report.results[0].findings)


@pytest.mark.parametrize("kind", ["native", "wrapped", "converted"])
def test_two_agents_go_the_same_way(classes, kind, tmp_path):
    parts = {"cart": "Cart", "swing": "Swing"}
    olds, news = {}, {}
    for agent, name in parts.items():
        cls, native = (getattr(module, name) for module in classes)
        env = ON_RAY[name]()
        olds[agent] = ray_policy(cls, env)
        news[agent] = modules(kind, olds[agent], cls, native, env, tmp_path / agent)
    report = check_trajectories(olds, news, TWO_ON_RAY, episodes=10, max_steps=100)
    assert_same_way(report)
    assert {"cart.actions", "swing.actions"} <= set(report.results[0].outputs)


def assert_same_way(report):
    assert report.status is Status.PASS, report.results[0].message
    result = report.results[0]
    assert result.cases.compared == 10
    for path, output in result.outputs.items():
        assert output.max_abs == 0, path


def old_filter():
    from ray.rllib.utils.filter import MeanStdFilter

    return MeanStdFilter((3,), clip=2.0)


def new_filter(state=None, space=None, clip=2.0):
    """Ray's connector on one observation at a time, as an env runner calls it."""
    from ray.rllib.connectors.env_to_module import MeanStdFilter
    from ray.rllib.env.single_agent_episode import SingleAgentEpisode

    space = space or Box(-8.0, 8.0, (3,))
    connector = MeanStdFilter(clip_by_value=clip, update_stats=state is None)
    connector.recompute_output_observation_space(space, Discrete(2))
    connector.input_observation_space, connector.input_action_space = space, Discrete(2)
    if state is not None:
        connector.set_state(state)

    def observe(obs):
        episode = SingleAgentEpisode()
        episode.add_env_reset(observation=obs)
        connector(rl_module=None, batch={}, episodes=[episode], explore=False, shared_data={})
        return episode.get_observations(-1)

    return observe


@pytest.mark.parametrize("clip_actions", [False, True])
def test_running_filter_and_clipping_give_the_same_way(classes, clip_actions):
    cls, native = (module.Swing for module in classes)
    policy = ray_policy(cls, gym.make("Pendulum-v1"))
    running = old_filter()
    report = check_trajectories(
        policy,
        native,
        ON_RAY["Swing"],
        episodes=10,
        max_steps=50,
        normalize_actions=not clip_actions,
        clip_actions=clip_actions,
        old_observe=lambda obs: running(obs, update=True),
        new_observe=new_filter(),
    )
    assert_same_way(report)
    assert running.running_stats.num_pushes == 500


def test_filter_of_one_side_only_is_found(classes):
    cls, native = (module.Swing for module in classes)
    policy = ray_policy(cls, gym.make("Pendulum-v1"))
    running = old_filter()
    report = check_trajectories(
        policy,
        native,
        ON_RAY["Swing"],
        episodes=2,
        max_steps=20,
        old_observe=lambda obs: running(obs, update=True),
    )
    assert report.status is Status.FAIL
    assert report.results[0].findings[0].path == "actions"


def test_clipping_of_one_side_only_is_found(classes):
    cls, native = (module.Swing for module in classes)

    class Other(native):
        def get_inference_action_dist_cls(self):
            right = super().get_inference_action_dist_cls()

            class Unclipped(right):
                def to_deterministic(self):
                    found = super().to_deterministic()
                    found.loc = found.loc * 1.01
                    return found

            return Unclipped

    policy = ray_policy(cls, gym.make("Pendulum-v1"))
    report = check_trajectories(policy, Other, ON_RAY["Swing"], episodes=2, max_steps=20)
    assert report.status is Status.FAIL


@pytest.mark.parametrize("release", ["1.13.0", "2.9.3", "2.60.0"])
def test_real_checkpoint_with_its_filter_goes_the_same_way(release, tmp_path):
    """CartPole scaled to the checkpoint's spaces: its default net, its frozen filter."""
    import json

    from ray.rllib.core.rl_module.rl_module import RLModule
    from ray.rllib.utils.filter import MeanStdFilter, RunningStat

    from rlmigrate.compat.checkpoints import read_checkpoint
    from rlmigrate.compat.parity.sides import building
    from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork

    space = Box(-1.0, 1.0, (4,))
    source = CHECKPOINTS / f"ray-{release}" / "filtered" / "checkpoint"
    source = next(source.glob("checkpoint_*"), source)
    (outcome,) = convert_checkpoint(source, tmp_path / "new", spaces=(space, Discrete(2))).policies
    (old,) = read_checkpoint(source).policies.values()
    state = json.loads(Path(outcome.filter_path).read_text())
    model = building.build_legacy(
        FullyConnectedNetwork,
        observation_space=space,
        action_space=Discrete(2),
        model_config=old.model_config or {"fcnet_hiddens": [16, 8], "vf_share_layers": False},
    )
    model.load_state_dict({k: torch.tensor(v) for k, v in old.weights.items()})
    frozen = MeanStdFilter((4,), clip=state["clip_by_value"])
    state["shape"] = np.array(state["shape"])  # JSON has lists only; the connector wants a leaf
    (stats,) = state["running_stats"]
    frozen.running_stats = RunningStat.from_state(stats)

    class Scaled(gym.ObservationWrapper):
        def __init__(self):
            super().__init__(gym.make("CartPole-v1"))
            self.observation_space = space

        def observation(self, obs):
            return np.clip(obs, -1.0, 1.0)

    report = check_trajectories(
        model,
        RLModule.from_checkpoint(outcome.path),
        Scaled,
        old_observe=lambda obs: frozen(obs, update=False),
        new_observe=new_filter({None: state}, space),
    )
    assert_same_way(report)
