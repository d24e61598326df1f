"""Settings of models, wherever a repository says them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.configured import CUSTOM_DIST, WRAPPERS, models_with
from rlmigrate.migrate.settings import Settings

MODELS = """
from ray.rllib.models import ModelCatalog
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2


class One(TorchModelV2):
    pass


class Two(TorchModelV2):
    pass


ModelCatalog.register_custom_model("one", One)
ModelCatalog.register_custom_model("two", Two)
"""


def found(folder: Path, text: str, *settings: str, **documents: str) -> set[str]:
    """The models of MODELS that may be trained with a setting, in the eyes of the index."""
    (folder / "models.py").write_text(MODELS)
    (folder / "train.py").write_text(f"import ray.rllib\n{text}")
    others = [folder / name.replace("_", ".") for name in documents]
    for path, content in zip(others, documents.values(), strict=True):
        path.write_text(content)
    index = RepoIndex.build(sorted(folder.glob("*.py")), Settings())
    index = dataclasses.replace(index, others=tuple(others))
    return {name.rpartition(".")[2] for name in models_with(index, *settings)}


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ('config = {"model": {"custom_model": "one"}}', set()),
        ('config = {"model": {"custom_model": "one", "custom_action_dist": None}}', set()),
        ('config = {"model": {"custom_model": "one", "custom_action_dist": "d"}}', {"One"}),
        ('config = dict(model=dict(custom_model="two", custom_action_dist="d"))', {"Two"}),
        ('m = {"custom_model": "two"}\nm["custom_action_dist"] = "d"', {"Two"}),
        ('m = {"custom_model": "one"}\nm.update(custom_action_dist="d")', {"One"}),
        ('def use(config):\n    config["model"]["custom_action_dist"] = "d"', {"One", "Two"}),
        ('m = {"custom_model": args.model, "custom_action_dist": "d"}', {"One", "Two"}),
    ],
)
def test_custom_distributions_in_python(tmp_path: Path, text: str, models: set[str]) -> None:
    assert found(tmp_path, text, CUSTOM_DIST) == models


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ('config = {"model": {"use_lstm": True}}', set()),
        ("config = PPOConfig().training(model=dict(use_lstm=True))", set()),
        ("config = DefaultModelConfig(use_lstm=True)", set()),
        ('m = {"use_lstm": True}\nm["custom_model"] = "one"', {"One", "Two"}),
        ('m = {"custom_model": "one"}\nm["use_attention"] = True', {"One"}),
        ('m = {"custom_model": "two", "use_lstm": True}', {"Two"}),
    ],
)
def test_wrappers_in_python(tmp_path: Path, text: str, models: set[str]) -> None:
    assert found(tmp_path, text, *WRAPPERS) == models


def test_settings_in_experiment_files(tmp_path: Path) -> None:
    yaml = "a:\n  model:\n    custom_model: one\n    custom_action_dist: d\n    use_lstm: false\n"
    assert found(tmp_path, "", CUSTOM_DIST, a_yaml=yaml) == {"One"}
    assert found(tmp_path, "", *WRAPPERS, a_yaml=yaml) == set()
    assert found(tmp_path, "", *WRAPPERS, a_yaml="model:\n  use_lstm: true\n") == set()
    json = '[{"custom_model": "two", "use_attention": true}]'
    assert found(tmp_path, "", *WRAPPERS, a_yaml=yaml, b_json=json) == {"Two"}
    assert found(tmp_path, "", CUSTOM_DIST, a_yaml="custom_action_dist: [") == set()


def test_distribution_that_no_config_names_may_be_any_unconfigured_models(tmp_path: Path) -> None:
    registered = "from models import *\nModelCatalog.register_custom_action_dist('d', object)\n"
    assert found(tmp_path, registered, CUSTOM_DIST) == {"One", "Two"}
    configured = 'config = {"model": {"custom_model": "one"}}'
    assert found(tmp_path, registered + configured, CUSTOM_DIST) == {"Two"}
