"""YAML experiment files: keys of their configs, renamed where only the name changed.

do_experiments   look at one file, or rewrite it; comments and layout stay

Ray 2.60 has no command that runs such files any more. With `--yaml-to-python` a script is written
beside the file, whose config dicts the rules for Python turn into builders.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlmigrate.errors import SourceError
from rlmigrate.migrate.configs.consumers import SUPPORTED
from rlmigrate.migrate.configs.keys import HOME, OLD
from rlmigrate.migrate.engine.experiment_text import STOP, python_text
from rlmigrate.migrate.engine.rounds import Outcome, rewrite
from rlmigrate.migrate.findings import Item, Kind
from rlmigrate.migrate.findings import Outcome as Fate
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.index.reader import read_file
from rlmigrate.migrate.rules.registry import selected
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

CODE = "RLM411"
IN_PYTHON = "rewrite with --yaml-to-python"
#: What `run:` and `config:` must stand beside for a file to be an experiment.
LOOKS = re.compile(rb"^\s+(run|config):", re.MULTILINE)


def do_experiments(
    path: Path, raw: bytes, index: RepoIndex, settings: Settings, *, rewriting: bool
) -> Outcome | None:
    """Report every key of RLlib's in the file's experiments; rename those that allow it."""
    if not settings.wants(CODE) or not LOOKS.search(raw) or b"run:" not in raw:
        return None
    source = SourceFile(path, raw)
    if settings.yaml_to_python and rewriting:
        made = _to_python(source, index, settings)
        if made is not None:
            return made
    items: list[Item] = []
    edits: list[tuple[int, int, str]] = []
    found = list(_keys(source))
    runs = [key.removeprefix("run: ") for key, *_ in found if key.startswith("run: ")]
    way = IN_PYTHON if all(name in SUPPORTED for name in runs) else "write the config in Python"
    for key, line, column, where in found:
        outcome, message, new = _decide(key, where, way)
        if outcome is None:
            continue
        items.append(
            Item(str(path), line, key, Kind.CONFIG, outcome, CODE, message, new, column=column)
        )
        if new is not None and outcome is Fate.NATIVE:
            start = source.line_span(line, line).start + column
            if source.text[start : start + len(key)] == key:
                edits.append((start, start + len(key), new))
    if not items:
        return None
    after = None
    if rewriting and edits:
        text = source.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        after = source.encode(text)
        _ = list(_keys(SourceFile(path, after)))
    return Outcome(path, tuple(items), raw, after)


def _to_python(source: SourceFile, index: RepoIndex, settings: Settings) -> Outcome | None:
    """Write the script, and report what its rules found; None where Python cannot say it."""
    experiments: dict[str, Mapping[str, Any]] = {}
    for document in _documents(source):
        if isinstance(document, Mapping):
            experiments |= {
                str(title): experiment
                for title, experiment in document.items()
                if isinstance(experiment, Mapping) and "run" in experiment
            }
    if not experiments or any(str(e["run"]) not in SUPPORTED for e in experiments.values()):
        return None
    text, lost = python_text(source, experiments)
    path = source.path.with_suffix(".py")
    if path.exists():
        path = source.path.with_name(f"{source.path.stem}_experiments.py")
    script = SourceFile.from_text(text, path)
    entry = read_file(script, module=path.stem, path=path, mentions_rllib=True)
    extended = dataclasses.replace(
        index, files={**index.files, path: entry}, texts={**index.texts, path: script.raw}
    )
    done = rewrite(script, extended, settings, selected(settings))
    items = [
        dataclasses.replace(
            item, path=str(source.path), line=1, message=f"{path.name}: {item.message}"
        )
        for item in done.items
    ]
    message = f"written as {path.name}, which takes this file's place"
    names = ", ".join(experiments)
    items.insert(0, Item(str(source.path), 1, names, Kind.CONFIG, Fate.NATIVE, CODE, message))
    for key in lost:
        message = f"{key} of the experiment: say it in {path.name} by hand"
        items.append(Item(str(source.path), 1, key, Kind.CONFIG, Fate.MANUAL, CODE, message))
    new = done.new_files | {str(path): (done.after or done.before).decode("utf-8")}
    return Outcome(source.path, tuple(items), source.raw, None, None, new)


def _documents(source: SourceFile) -> list[object]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return list(YAML(typ="rt").load_all(source.text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = str(getattr(error, "problem", None) or "no YAML").partition(" with value")[0]
        raise SourceError(
            f"{source.path}:{line}: syntax error: {problem}; the file is left as it is"
        ) from error


def _keys(source: SourceFile) -> Iterator[tuple[str, int, int, str]]:
    """Keys of experiments: name, line, column, and the part they stand in."""
    for document in _documents(source):
        if not isinstance(document, Mapping):
            continue
        for experiment in document.values():
            if not (isinstance(experiment, Mapping) and "run" in experiment):
                continue
            yield from _of(experiment, "experiment")
            for part in ("config", "stop"):
                inner = experiment.get(part)
                if isinstance(inner, Mapping):
                    yield from _of(inner, part)
                    if part == "config" and isinstance(inner.get("model"), Mapping):
                        yield from _of(inner["model"], "model")


def _of(mapping: Mapping[str, object], where: str) -> Iterator[tuple[str, int, int, str]]:
    places = getattr(mapping, "lc", None)
    for key in mapping:
        if places is not None and isinstance(key, str):
            try:
                line, column = places.key(key)
            except (KeyError, TypeError):
                continue  # merged in from an anchor, which is looked at in its own place
            yield (
                (f"run: {mapping[key]}", line + 1, column, where)
                if (where, key) == ("experiment", "run")
                else (key, line + 1, column, where)
            )


def _decide(key: str, where: str, way: str) -> tuple[Fate | None, str, str | None]:
    if where == "experiment":
        name = key.removeprefix("run: ")
        if key.startswith("run: ") and name not in SUPPORTED and name.isupper():
            return Fate.MANUAL, f"{name} is not part of today's RLlib", None
        return None, "", None
    if where == "stop":
        new = STOP.get(key)
        return (Fate.NATIVE, f"{key} is now {new}", new) if new else (None, "", None)
    if where == "model":
        if key == "custom_model":
            return (
                Fate.MANUAL,
                f"YAML cannot name a module class: {way}",
                None,
            )
        return None, "", None
    if key == "model":
        return (
            Fate.MANUAL,
            f"the model dict is rl_module(model_config=): {way}",
            None,
        )
    if key in ("multiagent", "exploration_config", "observation_filter"):
        return Fate.MANUAL, f"{key} has no place in YAML: {way}", None
    now = OLD.get(key)
    if now is None:
        return None, "", None
    if now.name and "." not in now.name:
        return Fate.NATIVE, f"{key} is now {now.name} ({now.method}())", now.name
    if not now.name:
        return Fate.MANUAL, f"{key} is gone: {now.note}; remove it", None
    return (
        Fate.MANUAL,
        f"{key} belongs to {HOME.get(key, 'rl_module(model_config=)')}: {way}",
        None,
    )
