"""YAML experiments become Python scripts whose configs Ray's newest release takes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]

EXPERIMENTS = """\
# A walk, and a search.
walk-ppo:
    env: CartPole-v1
    run: PPO
    stop:
        episode_reward_mean: 150
        training_iteration: 2
    checkpoint_freq: 5
    config:
        num_workers: 0
        # one pass
        num_sgd_iter: 1  # really
        vf_share_layers: false
        lambda: 0.9
        observation_filter: MeanStdFilter
        model:
            # small
            fcnet_hiddens: [7]
        horizon: null
search-dqn:
    env: CartPole-v1
    run: DQN
    num_samples: 2
    config:
        lr:
            grid_search: [0.1, 0.01]
        framework: tf
        exploration_config: {type: EpsilonGreedy, epsilon_timesteps: 50}
"""


def test_scripts_hold_configs_of_today(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "walk.yaml").write_text(EXPERIMENTS)
    done = rlmigrate("rewrite", str(tmp_path), "--yaml-to-python", "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "walk.yaml").read_text() == EXPERIMENTS
    text = (tmp_path / "walk.py").read_text()
    for comment in ("# one pass", "# really", "# small"):
        assert text.count(comment) == 1
    from ray.rllib.algorithms.ppo import PPOConfig

    scope: dict[str, Any] = {"__name__": "walk"}
    exec(compile(text, "walk.py", "exec"), scope)
    assert list(scope["EXPERIMENTS"]) == ["walk-ppo", "search-dqn"]
    tuner = scope["EXPERIMENTS"]["walk-ppo"]()._local_tuner
    config = PPOConfig().update_from_dict(tuner._param_space)  # as Tune's trial does
    config.validate()
    assert (config.num_epochs, config.lambda_, config.env) == (1, 0.9, "CartPole-v1")
    assert config.model_config["fcnet_hiddens"] == [7]
    assert config.model_config["vf_share_layers"] is False
    stop = tuner.get_run_config().stop
    assert stop == {"env_runners/episode_return_mean": 150, "training_iteration": 2}
    search = scope["EXPERIMENTS"]["search-dqn"]()._local_tuner
    assert search._param_space["lr"] == {"grid_search": [0.1, 0.01]}
    assert search._param_space["epsilon"] == [(0, 1.0), (50, 0.05)]


def test_other_algorithms_stay_in_yaml(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "apex.yaml").write_text("a:\n  run: APEX\n  config:\n    num_workers: 2\n")
    done = rlmigrate("rewrite", str(tmp_path), "--yaml-to-python", "--write")
    assert "APEX is not part of today's RLlib" in done.stdout + done.stderr or done.returncode == 1
    assert not (tmp_path / "apex.py").exists()
    assert "num_env_runners: 2" in (tmp_path / "apex.yaml").read_text()


IN_PLACE = """\
walk:
    run: PPO
    env: CartPole-v1
    config:
        # how many
        num_workers: 0  # none
        num_sgd_iter: 2
        observation_filter: NoFilter
        lr: 0.1
        lr_schedule: [
            [0, 0.1],
            [100, 1.0e-05],
        ]
        model:
            # small
            fcnet_hiddens: [7]  # really
            fcnet_weights_initializer: xavier_uniform_
            grayscale: false
        no_done_at_end: false
        framework: tf2
search:
    run: DQN
    env: CartPole-v1
    config:
        vf_share_layers: true
        buffer_size: 500  # steps
        prioritized_replay: true
        prioritized_replay_alpha: 0.5
        exploration_config: {type: EpsilonGreedy, final_epsilon: 0.01}
        num_gpus: 0
swing:
    run: SAC
    env: Pendulum-v1
    config:
        optimization:
            actor_learning_rate: 0.0003
            critic_learning_rate: 0.0003
            entropy_learning_rate: 1.0e-05
        use_pytorch: true
        buffer_size: 700
        lr_schedule: [
            [0, 0.1],
        ]
"""


def test_keys_in_place_make_configs_of_today(tmp_path: Path, rlmigrate: Run) -> None:
    (tmp_path / "walk.yaml").write_text(IN_PLACE)
    done = rlmigrate("rewrite", str(tmp_path), "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "walk.yaml").read_text()
    assert rlmigrate("rewrite", str(tmp_path), "--write").returncode == 0
    assert (tmp_path / "walk.yaml").read_text() == text
    for comment in ("# how many", "# none", "# small", "# really", "# steps"):
        assert text.count(comment) == 1
    from ray.tune.registry import get_trainable_cls
    from ruamel.yaml import YAML

    configs = {}
    for name, experiment in YAML(typ="safe").load(text).items():
        config = get_trainable_cls(experiment["run"]).get_default_config()
        read = {*vars(config), "framework"}
        assert set(experiment["config"]) <= read, "a key that nothing reads"
        config.environment(experiment["env"]).update_from_dict(experiment["config"])
        config.validate()
        configs[name] = config
    walk, search, swing = configs["walk"], configs["search"], configs["swing"]
    assert (walk.num_env_runners, walk.num_epochs, walk.framework_str) == (0, 2, "torch")
    assert walk.lr == [[0, 0.1], [100, 1e-05]]
    assert walk.model_config["fcnet_hiddens"] == [7]
    assert walk.model_config["vf_share_layers"] is False  # as PPO's old config had it
    assert walk.model_config["fcnet_kernel_initializer"] == "xavier_uniform_"
    assert search.epsilon == [[0, 1.0], [10000, 0.01]]
    buffer = search.replay_buffer_config
    assert buffer["type"] == "PrioritizedEpisodeReplayBuffer"
    assert (buffer["capacity"], buffer["alpha"]) == (500, 0.5)
    assert (swing.actor_lr, swing.critic_lr, swing.alpha_lr) == (3e-4, 3e-4, 1e-5)
    assert swing.replay_buffer_config["type"] == "EpisodeReplayBuffer"
    assert swing.replay_buffer_config["capacity"] == 700


def test_keys_that_yaml_cannot_say_tell_what_to_do(tmp_path: Path, rlmigrate: Run) -> None:
    text = (
        "a:\n  run: PPO\n  config: {horizon: 5, observation_filter: MeanStdFilter, lr: 0.1}\n"
        "b:\n  run: A2C\n  config:\n    model:\n      custom_model: mine\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    done = rlmigrate("rewrite", str(tmp_path), "--write", "--format", "json")
    assert (tmp_path / "a.yaml").read_text() == text
    for said in (
        "truncate episodes in the environment",
        "observation_filter has no place in YAML: rewrite with --yaml-to-python",
        "it is PPO with num_epochs=1",
        "YAML cannot name a module class: choose another algorithm",
    ):
        assert said in done.stdout


def test_rate_beside_its_schedule_and_a_relative_folder(tmp_path: Path) -> None:
    """Both once made a script that Python or Ray refused."""
    text = """
one:
    run: PPO
    env: CartPole-v1
    local_dir: results
    config:
        lr: 0.1
        lr_schedule: [[0, 0.1], [10, 0.2]]
"""
    (tmp_path / "one.yaml").write_text(text)
    run = run_files([tmp_path], Settings(yaml_to_python=True), rewriting=True)
    script = next(c.after.decode() for c in run.changes if c.path.suffix == ".py" and c.after)
    compile(script, "one.py", "exec")
    assert "lr=[[0, 0.1], [10, 0.2]]" in script
    assert "lr=0.1" not in script
    assert 'storage_path=os.path.abspath(os.path.expanduser("results"))' in script
