"""Old code, rewritten by every rule and run on the installed Ray."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Done:
    """What became of a block: its names, its text, and the items that are left to do."""

    names: dict[str, Any]
    text: str
    manual: list[str]

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


@pytest.fixture
def on_ray():
    """Rewrite a block for Ray 2.60 and run the result there; a second rewrite changes nothing."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray")
    from rlmigrate.migrate.engine.rounds import rewrite
    from rlmigrate.migrate.findings import Outcome
    from rlmigrate.migrate.index import RepoIndex
    from rlmigrate.migrate.rules.registry import all_rules
    from rlmigrate.migrate.settings import Settings
    from rlmigrate.migrate.source import SourceFile

    def once(code: str) -> Any:
        settings = Settings()
        index = RepoIndex.of_texts({"block.py": code}, settings)
        source = SourceFile.from_text(code, "block.py")
        return rewrite(source, index, settings, list(all_rules().values()))

    def run(code: str, *, execute: bool = True) -> Done:
        done = once(code)
        text = (done.after or done.before).decode()
        assert once(text).after is None
        manual = [item.code for item in done.items if item.outcome is Outcome.MANUAL]
        names: dict[str, Any] = {"__name__": "block"}
        if execute:
            exec(compile(text, "block.py", "exec"), names)
        return Done(names, text, manual)

    return run
