"""The lists that packaging and the facade need are complete."""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

import pytest

import rlmigrate

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("compat", "legacy", "migrate", "new_stack")


def test_every_package_is_listed() -> None:
    found = {"rlmigrate"}
    found |= {
        f"rlmigrate.{'.'.join(path.parent.relative_to(ROOT).parts)}"
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    found |= {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "rlmigrate").glob("*/__init__.py")
        if path.parent.name not in FOLDERS
    }
    listed = CONFIG["tool"]["setuptools"]["packages"]
    assert sorted(found) == listed


def test_every_folder_with_code_is_a_package() -> None:
    lacking = {
        str(path.parent.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert lacking == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_is_mapped_and_linked(folder: str) -> None:
    assert CONFIG["tool"]["setuptools"]["package-dir"][f"rlmigrate.{folder}"] == folder
    link = ROOT / "rlmigrate" / folder
    assert link.is_symlink()
    assert link.readlink() == Path("..") / folder


def test_facade_names_are_sorted_and_complete() -> None:
    assert rlmigrate.__all__ == sorted(rlmigrate.__all__)
    assert set(rlmigrate.__all__) == set(rlmigrate._HOME)


@pytest.mark.parametrize("name", rlmigrate.__all__)
def test_facade_name_resolves(name: str) -> None:
    assert getattr(rlmigrate, name) is getattr(importlib.import_module(rlmigrate._HOME[name]), name)


def test_facade_refuses_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rlmigrate.nothing


def test_constraints_pin_every_direct_dependency() -> None:
    pins = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    project = CONFIG["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    names = {
        line.split(">")[0].split("[")[0].strip().lower().replace("_", "-") for line in wanted
    } - {"rlmigrate"}
    assert names - pins == set()


def test_no_file_outgrows_a_reader() -> None:
    # One file by contract: it is copied whole into environments that cannot install rlmigrate.
    single_file_recorder = ROOT / "compat" / "parity" / "recording" / "recorder.py"
    long = {
        str(path.relative_to(ROOT)): count
        for folder in (*FOLDERS, "rlmigrate")
        for path in (ROOT / folder).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
        and path != single_file_recorder
    }
    assert long == {}


def test_public_modules_say_what_they_hold() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []
