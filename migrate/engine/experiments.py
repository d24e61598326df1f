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
from rlmigrate.migrate.configs.lost_algorithms import nearest
from rlmigrate.migrate.configs.model_keys import RENAMED
from rlmigrate.migrate.configs.required import missing
from rlmigrate.migrate.engine.experiment_keys import MODEL, Same, decide_config
from rlmigrate.migrate.engine.experiment_text import STOP, python_text
from rlmigrate.migrate.engine.rounds import Outcome, rewrite
from rlmigrate.migrate.engine.yaml_edits import YamlEdits, flow
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
    edits = YamlEdits(source)
    items: list[Item] = []
    for document in _documents(source):
        for experiment in document.values() if isinstance(document, Mapping) else ():
            if isinstance(experiment, Mapping) and "run" in experiment:
                items += _of_experiment(source, experiment, edits, index, settings)
    if not items:
        return None
    after = None
    if rewriting and edits.done:
        after = source.encode(edits.text())
        _documents(SourceFile(path, after))
    return Outcome(path, tuple(items), raw, after)


def _of_experiment(
    source: SourceFile,
    experiment: Mapping[str, Any],
    edits: YamlEdits,
    index: RepoIndex,
    settings: Settings,
) -> Iterator[Item]:
    algorithm = str(experiment["run"])
    gone, instead, place = algorithm not in SUPPORTED, nearest(algorithm), _place(experiment, "run")
    if gone and instead is None and algorithm.isupper():
        instead = f"{algorithm} is not part of today's RLlib"
    if gone and instead is not None and place is not None:
        yield _item(source, place, f"run: {algorithm}", Fate.MANUAL, instead)
    stop = experiment.get("stop")
    if isinstance(stop, Mapping):
        for key in stop:
            place, new = _place(stop, key), STOP.get(key)
            if place is not None and new is not None and edits.rename(*place, key, new):
                yield _item(source, place, key, Fate.NATIVE, f"{key} is now {new}", new)
    config = experiment.get("config")
    if not isinstance(config, Mapping):
        return
    first = next((place for key in config if (place := _place(config, key))), None)
    above = _place(experiment, "config")
    if first is not None and above is not None and first[0] > above[0]:
        for _, name, value in missing(algorithm, {str(key) for key in config}):
            edits.insert(above[0], f"{' ' * first[1]}{name}: {flow(value)}")
            text = f"Ray refuses {algorithm} without {name}"
            yield _item(source, above, name, Fate.NATIVE, text, name)
    way = f"choose another algorithm, then {IN_PYTHON}" if gone else IN_PYTHON
    for key, verdict in decide_config(algorithm, config, index, settings, way=way).items():
        place = _place(config, key)
        if place is None:
            continue  # merged in from an anchor, which is looked at in its own place
        outcome, message, entries = verdict.outcome, verdict.message, verdict.entries
        if entries is not None and not _carried_out(edits, config, key, place, entries):
            outcome, message = Fate.MANUAL, f"{message}; give it a line of its own"
        new = ", ".join(entries or ()) or None if outcome is Fate.NATIVE else None
        yield _item(source, place, key, outcome, message, new)


def _carried_out(
    edits: YamlEdits,
    config: Mapping[str, Any],
    key: str,
    place: tuple[int, int],
    entries: Mapping[str, Any],
) -> bool:
    """Make the edits of one key; tell whether that was possible."""
    if list(entries.values()) == [Same]:
        return edits.rename(*place, key, next(iter(entries)))
    if key == "model" and list(entries) == [MODEL]:
        inner = config["model"]
        places = {name: _place(inner, name) for name in inner}
        if all(at is not None and at[0] > place[0] for at in places.values()):
            return _model(edits, inner, place, places, entries[MODEL])
    written = {name: config[key] if given is Same else given for name, given in entries.items()}
    return edits.replace(*place, config[key], written)


def _model(
    edits: YamlEdits,
    inner: Mapping[str, Any],
    place: tuple[int, int],
    places: Mapping[str, tuple[int, int] | None],
    wanted: Mapping[str, Any],
) -> bool:
    """Edit a model's own lines: keys renamed or taken away, what RLlib assumed written down."""
    left = dict(wanted)
    if not edits.rename(*place, "model", MODEL):
        return False
    column = place[1] + 4
    for name, at in places.items():
        if at is None:
            return False
        column, new = at[1], RENAMED.get(name, name)
        if new in left and left[new] == inner[name]:
            del left[new]
            done = new == name or edits.rename(*at, name, new)
        else:
            done = edits.remove(*at, inner[name])
        if not done:
            return False
    for name, value in left.items():
        edits.insert(place[0], f"{' ' * column}{name}: {flow(value)}")
    return True


def _place(mapping: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    """Line and column of a key, from 0; None for one that stands elsewhere."""
    places = getattr(mapping, "lc", None)
    try:
        line, column = places.key(key)  # type: ignore[union-attr]
    except (AttributeError, KeyError, TypeError):
        return None
    return line, column


def _item(
    source: SourceFile,
    place: tuple[int, int],
    name: str,
    outcome: Fate,
    message: str,
    new: str | None = None,
) -> Item:
    line, column = place
    return Item(
        str(source.path), line + 1, name, Kind.CONFIG, outcome, CODE, message, new, column=column
    )


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
