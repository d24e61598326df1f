"""Ways in which repositories import and define their models: understood, or reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlmigrate.migrate.engine.rounds import check_file
from rlmigrate.migrate.findings import Item, Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings

HOME = "ray.rllib.models.torch.torch_modelv2"
NN = "from torch import nn\n"
OLD = f"from {HOME} import TorchModelV2\n" + NN
NET = """
class Net({base}, nn.Module):
    def __init__(self, obs_space, action_space, num_outputs, model_config, name):
        {base}.__init__(self, obs_space, action_space, num_outputs, model_config, name)
        nn.Module.__init__(self)
        self.fc = nn.Linear(4, num_outputs)

    def forward(self, input_dict, state, seq_lens):
        return self.fc(input_dict["obs"]), state
"""
MODEL = NET.format(base="TorchModelV2")


def items_of(files: dict[str, str], name: str = "net.py") -> list[Item]:
    """What the rules find in one file of a repository."""
    index = RepoIndex.of_texts(files, Settings())
    if Path(name) not in index.files:
        return []
    source = index.source_of(Path(name))
    return [f.item for f in check_file(source, index, Settings(), selected(Settings()))]


def outcome_of(files: dict[str, str], name: str = "net.py") -> Outcome | None:
    return next((i.outcome for i in items_of(files, name) if i.kind == "model"), None)


UNDERSTOOD = {
    "fallback_in_try": f"try:\n    from {HOME} import TorchModelV2\n"
    "except ImportError:\n    from compat import TorchModelV2\n" + NN + MODEL,
    "fallback_first": "try:\n    from compat import TorchModelV2\n"
    f"except ImportError:\n    from {HOME} import TorchModelV2\n" + NN + MODEL,
    "for_type_checkers": "from typing import TYPE_CHECKING\n" + NN + "if TYPE_CHECKING:\n"
    f"    from {HOME} import TorchModelV2\nelse:\n    from mine import TorchModelV2\n" + MODEL,
    "import_module": f'import importlib\n{NN}mod = importlib.import_module("{HOME}")\n'
    + NET.format(base="mod.TorchModelV2"),
    "module_alias": f"import {HOME} as tm\n{NN}Base = tm.TorchModelV2\n" + NET.format(base="Base"),
    "made_by_a_function": OLD + "\ndef make(width):\n" + MODEL.replace("\n", "\n    ").rstrip(),
    "in_both_branches": OLD + "if x:" + MODEL.replace("\n", "\n    ").rstrip() + "\n",
}


@pytest.mark.parametrize("text", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_understood(text: str) -> None:
    assert outcome_of({"net.py": text}) is Outcome.NATIVE


def test_a_star_import_of_what_another_file_imports() -> None:
    files = {"base.py": OLD, "net.py": "from base import *\n" + MODEL}
    assert outcome_of(files) is Outcome.NATIVE
    files["base.py"] = OLD.replace("TorchModelV2", "TorchModelV2 as _TorchModelV2")
    assert outcome_of(files) is None


def test_a_name_that_another_file_hands_on() -> None:
    files = {"base.py": OLD, "net.py": "from base import TorchModelV2 as Old, nn\n"}
    files["net.py"] += NET.format(base="Old")
    assert outcome_of(files) is Outcome.NATIVE


@pytest.mark.parametrize(
    "text",
    [
        "from mylib import TorchModelV2  # not of rllib\n" + NN + MODEL,
        "import ray.rllib\n" + NN + "class TorchModelV2:\n    pass\n" + MODEL,
    ],
)
def test_a_class_that_only_looks_like_rllibs(text: str) -> None:
    assert items_of({"net.py": text}) == []


def test_a_copy_of_ray_in_the_tree_is_rays() -> None:
    folders = ("ray", "ray/rllib", "ray/rllib/models", "ray/rllib/models/torch")
    files = {f"{folder}/__init__.py": "" for folder in folders}
    copy = "ray/rllib/models/torch/torch_modelv2.py"
    files[copy] = NN + "class TorchModelV2(nn.Module):\n    def forward(self):\n        pass\n"
    files["net.py"] = OLD + MODEL
    assert items_of(files, copy) == []
    assert outcome_of(files) is Outcome.NATIVE


def test_a_class_with_a_computed_base_is_named_and_left_alone() -> None:
    text = OLD + "\ndef base():\n    return TorchModelV2\n" + NET.format(base="base()")
    (item,) = items_of({"net.py": text})
    assert (item.code, item.outcome) == ("RLM104", Outcome.UNCHANGED)
    assert "its base base() is not in sight" in item.message


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ("Net", Outcome.NATIVE),
        ("partial(Net, width=8)", Outcome.MANUAL),
        ("Other", Outcome.MANUAL),
    ],
)
def test_a_registration_goes_only_where_its_class_is_rewritten(
    given: str, outcome: Outcome
) -> None:
    text = "from functools import partial\nfrom elsewhere import Other\n" + OLD
    text += "from ray.rllib.models import ModelCatalog\n" + MODEL
    text += f'ModelCatalog.register_custom_model("net", {given})\n'
    (item,) = (i for i in items_of({"net.py": text}) if i.code == "RLM407")
    assert item.outcome is outcome
