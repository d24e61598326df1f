"""YAML experiments become Python scripts whose configs Ray's newest release takes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
