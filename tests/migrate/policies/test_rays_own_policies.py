"""Ray's own policies, which nobody here wrote: none of them makes the tool fail."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings

FOUND = importlib.util.find_spec("ray")
RAY = Path(FOUND.origin).parent if FOUND is not None and FOUND.origin else Path("no ray")
POLICIES = sorted((RAY / "rllib" / "algorithms").rglob("*_torch_policy.py"))


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_is_done(path: Path) -> None:
    index = RepoIndex.build([path], Settings())
    done = rewrite(index.source_of(path), index, Settings(), selected(Settings()))
    if done.after is not None:
        ast.parse(done.after)
    used = (done.after or b"").count(b"rlmigrate_layers import")
    assert bool(done.new_files) == bool(used), "a layers file that nothing imports, or none at all"
