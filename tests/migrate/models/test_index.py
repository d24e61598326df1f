"""The index follows names across files, and leaves look-alikes alone."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

from rlmigrate.migrate.index import ImportTable, RepoIndex
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

BASE = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from ray.rllib.utils.framework import try_import_torch
torch, nn = try_import_torch()

class BaseModel(TorchModelV2, nn.Module):
    def forward(self, input_dict, state, seq_lens): ...
"""


def qualified(code: str, expression: str) -> str | None:
    table = ImportTable.of(SourceFile.from_text(code), module="pkg.mod")
    return table.qualified(ast.parse(expression, mode="eval").body)


@pytest.mark.parametrize(
    ("code", "expression", "expected"),
    [
        ("", "torch.nn", None),
        ("x = 1", "x", None),
        ("import torch", "torch.nn.Module", "torch.nn.Module"),
        ("import torch.nn as nn", "nn.Module", "torch.nn.Module"),
        ("import ray.rllib.models", "ray.rllib.models.ModelV2", "ray.rllib.models.ModelV2"),
        ("from a import b as c", "c.d", "a.b.d"),
        ("from . import sibling", "sibling.X", "pkg.sibling.X"),
        ("from ..up import X", "X", "up.X"),
        (
            "from ray.rllib.utils.framework import try_import_torch\n"
            "torch, nn = try_import_torch()",
            "nn.Linear",
            "torch.nn.Linear",
        ),
        (
            "from ray.rllib.utils import try_import_tf\ntf1, tf, tfv = try_import_tf()",
            "tf.keras",
            "tensorflow.keras",
        ),
        ("def f():\n    from late import X", "X", "late.X"),
        ("import torch\nT = torch.Tensor", "T", "torch.Tensor"),
        ("import torch\nT = torch.Tensor\nT = None", "T", None),
    ],
)
def test_name_is_resolved_as_the_file_imports_it(code, expression, expected) -> None:
    assert qualified(code, expression) == expected


def test_child_in_a_file_that_never_mentions_rllib_is_a_model() -> None:
    index = RepoIndex.of_texts(
        {
            "pkg/__init__.py": "from .base import BaseModel\n",
            "pkg/base.py": BASE,
            "pkg/child.py": "import pkg\nclass Child(pkg.BaseModel):\n    pass\n",
            "other.py": "class Child2:\n    pass\n",
        }
    )
    assert index.legacy_kind("pkg.child.Child") == "model"
    assert index.framework("pkg.child.Child") == "torch"
    assert index.class_named("pkg.BaseModel") is index.classes["pkg.base.BaseModel"]
    assert Path("other.py") not in index.files


def test_generic_base_counts() -> None:
    index = RepoIndex.of_texts({"m.py": BASE + "class G(BaseModel[int]): pass\n"})
    assert index.legacy_kind("m.G") == "model"


@pytest.mark.parametrize(
    "code",
    [
        "# rllib\nclass TorchModelV2: pass\nclass M(TorchModelV2): pass\n",
        "# rllib\nfrom mine import TorchModelV2\nclass M(TorchModelV2): pass\n",
        "from ray.rllib.core.rl_module.torch import TorchRLModule\nclass M(TorchRLModule): pass\n",
        "from ray.rllib.core.models.torch.base import TorchModel\nclass M(TorchModel): pass\n",
    ],
)
def test_class_that_only_looks_like_a_model_is_none(code: str) -> None:
    assert RepoIndex.of_texts({"m.py": code}).legacy_kind("m.M") in {None, "module"}


def test_names_that_a_star_brings_are_followed() -> None:
    index = RepoIndex.of_texts(
        {
            "pkg/base.py": BASE,
            "pkg/child.py": "from pkg.base import *\nclass Child(BaseModel): ...\n",
            "train.py": (
                "from pkg.child import *\nfrom ray.rllib.models import ModelCatalog\n"
                "ModelCatalog.register_custom_model('child', Child)\n"
                "ModelCatalog.register_custom_model('other', Unknown)\n"
            ),
            "star.py": (
                "from ray.rllib.models.torch.torch_modelv2 import *\n"
                "class Direct(TorchModelV2): ...\n"
            ),
        }
    )
    assert index.legacy_kind("pkg.child.Child") == "model"
    assert index.legacy_kind("star.Direct") == "model"
    registered = index.registrations["child"].class_name
    assert registered is not None
    assert index.class_named(registered) is index.classes["pkg.child.Child"]
    assert index.class_named(str(index.registrations["other"].class_name)) is None


def test_hierarchy_that_bites_its_tail_ends() -> None:
    code = "# rllib\nclass A(B): pass\nclass B(A): pass\n"
    assert RepoIndex.of_texts({"m.py": code}).legacy_kind("m.A") is None


def test_registration_names_the_class_and_a_computed_name_is_kept_apart() -> None:
    code = BASE + (
        "from ray.rllib.models import ModelCatalog\n"
        "ModelCatalog.register_custom_model('base', BaseModel)\n"
        "ModelCatalog.register_custom_model(f'{1}', BaseModel)\n"
    )
    index = RepoIndex.of_texts({"m.py": code})
    assert index.registrations["base"].class_name == "m.BaseModel"
    assert index.registrations["base"].kind == "model"
    assert [e.line for e in index.files[Path("m.py")].computed_registrations] == [10]


def test_broken_file_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(BASE)
    (tmp_path / "bad.py").write_text("import ray.rllib\ndef (:\n")
    index = RepoIndex.build([*sorted(tmp_path.iterdir()), tmp_path / "gone.py"], Settings())
    assert set(index.files) == {tmp_path / "good.py"}
    assert set(index.errors) == {tmp_path / "bad.py", tmp_path / "gone.py"}


def test_script_folder_that_is_also_a_package_resolves_its_siblings() -> None:
    index = RepoIndex.of_texts(
        {
            "repo/pkg/base.py": BASE,
            "repo/train.py": "from pkg.base import BaseModel as B\nclass C(B): pass\n",
        }
    )
    assert index.legacy_kind("repo.train.C") == "model"


def test_index_travels_to_another_process() -> None:
    index = RepoIndex.of_texts({"m.py": BASE})
    again = pickle.loads(pickle.dumps(index))
    assert again.legacy_kind("m.BaseModel") == "model"


def test_module_is_called_as_the_scripts_beside_it_call_it() -> None:
    index = RepoIndex.of_texts(
        {"repo/pkg/base.py": BASE, "repo/train.py": "from pkg.base import BaseModel\n"}
    )
    assert index.spoken == {Path("repo/pkg/base.py"): "pkg.base"}
