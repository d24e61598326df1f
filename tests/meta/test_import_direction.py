"""legacy and new_stack stand alone, compat joins them, migrate stays static."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("legacy", "new_stack", "compat", "migrate")
HEAVY = {"torch", "tensorflow", "tf_keras", "keras", "ray"}

#: What each folder may import of ours, besides itself and the facade's light modules.
ALLOWED = {
    "legacy": set(),
    "new_stack": set(),
    "compat": {"legacy", "new_stack"},
    "migrate": set(),
}
LIGHT = {"errors", "eras", "__version__"}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that one import statement brings in."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run on import: those not in functions and not under TYPE_CHECKING."""
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        yield node
        stack.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_imports_only_what_its_place_allows(folder: str) -> None:
    offences = []
    for path in files(folder):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = at_import_time(tree) if folder == "migrate" else ast.walk(tree)
        for node in nodes:
            for name in imported(node):
                parts = name.split(".")
                if parts[0] != "rlmigrate" or len(parts) < 2:
                    continue
                if parts[1] not in {folder} | ALLOWED[folder] | LIGHT:
                    offences.append(f"{path.relative_to(ROOT)}:{node.lineno}: {name}")
    assert offences == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_imports_itself_by_its_full_name(folder: str) -> None:
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.split(".")[0] in FOLDERS
    ]
    assert offences == []


def test_migrate_is_static() -> None:
    offences = []
    for path in files("migrate"):
        for node in at_import_time(ast.parse(path.read_text(encoding="utf-8"))):
            offences += [
                f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
                for name in imported(node)
                if name.split(".")[0] in HEAVY
            ]
    assert offences == []


@pytest.mark.parametrize("folder", ["legacy", "new_stack", "compat"])
def test_ray_and_tensorflow_are_imported_where_they_are_needed(folder: str) -> None:
    # These derive classes from Keras's and Ray's, or run them: imported as a whole or not at all.
    whole = {
        ROOT / "new_stack" / "tf",
        ROOT / "new_stack" / "layers" / "on_ray",
        ROOT / "new_stack" / "layers" / "on_tf",
        ROOT / "compat" / "parity" / "sides" / "tf",
        ROOT / "compat" / "wrap" / "on_ray",
        ROOT / "compat" / "wrap" / "tf",
        ROOT / "legacy" / "models" / "tf" / "layers",
        ROOT / "legacy" / "policies" / "tf",
    }
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in files(folder)
        for node in at_import_time(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.split(".")[0] in HEAVY - {"torch"} and not whole & set(path.parents)
    ]
    assert offences == []


def test_new_stack_works_when_the_rest_is_deleted(tmp_path: Path) -> None:
    for folder in ("rlmigrate", "new_stack"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    script = """
import gymnasium as gym, torch
from rlmigrate.new_stack import Columns, RLModuleSpec, TorchRLModule
import rlmigrate
assert str(rlmigrate.__file__).startswith(CWD), rlmigrate.__file__

class Policy(TorchRLModule):
    def setup(self):
        self.pi = torch.nn.Linear(4, 2)
    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.pi(batch[Columns.OBS])}

spec = RLModuleSpec(
    module_class=Policy,
    observation_space=gym.spaces.Box(-1, 1, (4,)),
    action_space=gym.spaces.Discrete(2),
)
out = spec.build().forward_inference({"obs": torch.zeros(3, 4)})
assert out["action_dist_inputs"].shape == (3, 2)
"""
    done = subprocess.run(
        [sys.executable, "-c", f"CWD = {str(tmp_path)!r}\n" + script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
