"""The table of eras: its rows hold on the installed Ray, and its implementations exist."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

from rlmigrate import eras

ROOT = Path(__file__).parents[3]
R = "ray.rllib."


def tree_of_installed_ray():
    spec = importlib.util.find_spec("ray")
    if spec is None or spec.origin is None:
        pytest.skip("Ray is not installed")
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from eras_from_wheels import Tree
    finally:
        sys.path.pop(0)
    return Tree(Path(spec.origin).parents[1])


def test_name_not_in_the_table_is_unchanged():
    assert eras.resolve("my_project.models.TorchModelV2") is None
    assert eras.current_name("my_project.models.TorchModelV2") == "my_project.models.TorchModelV2"
    assert eras.builtin("my_project.models.TorchModelV2") is None


def test_name_alive_in_the_target_is_unchanged():
    name = R + "core.rl_module.rl_module.RLModuleSpec"
    assert [eras.current_name(name, ray_version=v) for v in eras.TARGETS] == [name] * 4


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (
            "core.rl_module.rl_module.SingleAgentRLModuleSpec",
            ["core.rl_module.rl_module.RLModuleSpec"] * 4,
        ),
        (
            "algorithms.ppo.torch.ppo_torch_rl_module.PPOTorchRLModule",
            ["algorithms.ppo.torch.ppo_torch_rl_module.PPOTorchRLModule"]
            + ["algorithms.ppo.torch.default_ppo_torch_rl_module.DefaultPPOTorchRLModule"] * 3,
        ),
        (
            "core.distribution.torch.torch_distribution.TorchCategorical",
            ["models.torch.torch_distributions.TorchCategorical"] * 2
            + ["core.distribution.torch.torch_distribution.TorchCategorical"] * 2,
        ),
        (
            "agents.callbacks.DefaultCallbacks",
            ["algorithms.callbacks.DefaultCallbacks"] + ["callbacks.callbacks.RLlibCallback"] * 3,
        ),
        ("utils.nested_dict.NestedDict", [None] * 4),
    ],
)
def test_current_name_follows_the_target_release(old, expected):
    got = [eras.current_name(R + old, ray_version=v) for v in eras.TARGETS]
    assert got == [name and R + name for name in expected]


def test_rows_without_an_end_are_in_the_installed_ray():
    tree = tree_of_installed_ray()
    living = [r.name for r in eras.names().values() if r.until is None and r.kind != "never"]
    missing = [name for name in living if name.startswith(R) and not tree.has(name)]
    assert missing == []


def test_todays_names_are_in_the_installed_ray():
    tree = tree_of_installed_ray()
    inherited = re.compile(r"\.(save_to_path|restore_from_path|STATE_IN|STATE_OUT)$")
    wrong = [
        (row.name, row.now)
        for row in eras.names().values()
        if row.now and row.now.startswith(R) and not inherited.search(row.now)
        if not tree.has(row.now)
    ]
    assert wrong == []


def test_no_row_leads_to_a_shim():
    wrong = []
    for row in eras.names().values():
        today = eras.resolve(row.now) if row.now else None
        if today is not None and today.name != row.name and not today.alive_in(eras.NEWEST):
            wrong.append((row.name, row.now))
    assert wrong == []


def test_every_implementation_is_defined_where_the_table_says():
    defined: dict[str, set[str]] = {}
    wrong = []
    for row in eras.names().values():
        if row.builtin is None or not row.builtin.startswith("rlmigrate."):
            continue
        home, _, name = row.builtin.rpartition(".")
        if home not in defined:
            base = ROOT / Path(*home.split(".")[1:])
            path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            body = ast.parse(path.read_bytes()).body if path.is_file() else []
            defined[home] = {
                bound.id if isinstance(bound, ast.Name) else bound.name
                for node in body
                for bound in [node, *getattr(node, "targets", []), getattr(node, "target", None)]
                if isinstance(bound, ast.Name | ast.ClassDef | ast.FunctionDef)
            }
        if name not in defined[home]:
            wrong.append((row.name, row.builtin))
    assert wrong == []


def test_reading_the_table_imports_neither_torch_nor_ray():
    import subprocess

    code = (
        "import sys; from rlmigrate import eras; eras.names(); eras.modules(); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'ray', 'tensorflow', 'libcst')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_functions_that_still_have_their_old_name_take_the_same_arguments():
    pytest.importorskip("ray")
    compared = 0
    for row in eras.names().values():
        if row.kind != "function" or row.now in (None, row.name):
            continue
        old, new = found(row.name), found(row.now)
        if old is None or new is None or "*" in str(inspect.signature(old)):
            continue  # gone, or a wrapper that warns and passes everything on
        compared += 1
        arguments = [list(inspect.signature(each).parameters) for each in (old, new)]
        assert arguments[0] == arguments[1][: len(arguments[0])], (row.name, row.now)
    assert compared


def found(dotted: str):
    """The function behind a dotted name, None where this Ray has none."""
    home, _, name = dotted.rpartition(".")
    try:
        thing = getattr(importlib.import_module(home), name, None)
    except ImportError:
        return None
    return inspect.unwrap(thing) if inspect.isfunction(thing) else None
