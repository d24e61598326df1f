"""Rewrite a policy, and compare it with the original on Ray's old stack."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rlmigrate.migrate.engine.rounds import Outcome, rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

COUNT = itertools.count()
RULES = ("RLM1", "RLM2", "RLM3")


def load(path: Path) -> ModuleType:
    """Import a file under a name of its own, with its folder importable."""
    name = f"policy_{next(COUNT)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    beside = {each.stem for each in path.parent.glob("*.py")}
    for each in beside:
        sys.modules.pop(each, None)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        for each in beside:
            sys.modules.pop(each, None)
    return module


class Migration:
    """Files before and after; `old` and `new` load one of them."""

    def __init__(self, folder: Path, files: Mapping[str, str], settings: Settings) -> None:
        self.before, self.after = folder / "before", folder / "after"
        for root in (self.before, self.after):
            root.mkdir(parents=True)
            for name, text in files.items():
                (root / name).write_text(text)
        paths = sorted(self.after.glob("*.py"))
        index = RepoIndex.build(paths, settings)
        rules = [rule for code, rule in all_rules().items() if code.startswith(RULES)]
        self.outcomes: list[Outcome] = [
            rewrite(SourceFile.read(path), index, settings, rules) for path in paths
        ]
        for outcome in self.outcomes:
            if outcome.after is not None:
                outcome.path.write_bytes(outcome.after)
            for name, text in outcome.new_files.items():
                Path(name).write_text(text)

    @property
    def items(self) -> dict[str, Any]:
        return {i.name: i for outcome in self.outcomes for i in outcome.items}

    def text(self, name: str = "policy.py") -> str:
        return (self.after / name).read_text()

    def old(self, name: str = "policy.py") -> ModuleType:
        return load(self.before / name)

    def new(self, name: str = "policy.py") -> ModuleType:
        return load(self.after / name)


@pytest.fixture
def migrate(tmp_path):
    """Write files, rewrite a copy, and hand back both sides."""

    def run(files: Mapping[str, str] | str, **settings: Any) -> Migration:
        named = {"policy.py": files} if isinstance(files, str) else files
        return Migration(tmp_path / str(next(COUNT)), named, Settings(**settings))

    return run
