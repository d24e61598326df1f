"""Run one rule over a snippet as the engine would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rlmigrate.migrate.engine.rounds import Outcome, rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings

Apply = Callable[..., Outcome]


def rewrite_text(
    text: str, *, other_files: Mapping[str, str] | None = None, select: tuple[str, ...] = ()
) -> Outcome:
    settings = Settings(select=select)
    texts = {"snippet.py": text, **(other_files or {})}
    index = RepoIndex.of_texts(texts, settings)
    path = Path("snippet.py")
    if path not in index.files:
        return Outcome(path, before=text.encode())
    return rewrite(index.source_of(path), index, settings, selected(settings))


@pytest.fixture
def apply() -> Apply:
    return rewrite_text


@pytest.fixture
def becomes() -> Callable[..., str]:
    """The text of a snippet after the rules of `select`."""

    def run(text: str, **options: object) -> str:
        outcome = rewrite_text(text, **options)  # type: ignore[arg-type]
        assert outcome.error is None, outcome.error
        return (outcome.after or outcome.before).decode()

    return run
