"""Configs and registrations of distributions that models name by themselves."""

from __future__ import annotations

from collections.abc import Callable

from rlmigrate.migrate.rules.rlm303_dist_registration import RULE

CASE = RULE.cases[0]
MODELS = CASE.other_files["models.py"].partition("CONFIG = ")[0]
TRAIN = """\
from ray.rllib.algorithms.ppo import PPOConfig
import dists
from models import Net

config = PPOConfig().training(model={"custom_model": Net, "custom_action_dist": DIST})
"""


def test_the_config_leaves_the_distribution_to_its_model(becomes: Callable[..., str]) -> None:
    others = {"models.py": MODELS, "dists.py": CASE.before}
    for dist in ('"flat"', "dists.Flat"):
        after = becomes(TRAIN.replace("DIST", dist), other_files=others)
        assert "rl_module_spec=RLModuleSpec(module_class=Net)" in after
        assert "custom_action_dist" not in after


def test_a_config_that_says_another_distribution_is_left(becomes: Callable[..., str]) -> None:
    others = {
        "models.py": MODELS,
        "dists.py": CASE.before,
        "more.py": CASE.other_files["models.py"],
    }
    after = becomes(TRAIN.replace("DIST", '"other"'), other_files=others)
    assert "custom_action_dist" in after
