"""Which files of a tree are read for the index.

gather       read those that mention RLlib or import Ray, then those that use their classes
read_once    a reader for both looking at a file and entering it
enter_file   one file's entry
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import module_name
from rlmigrate.migrate.index.kept import KeptSources
from rlmigrate.migrate.index.reader import read_file
from rlmigrate.migrate.source import SourceFile

#: What a file holds that may be for RLlib: its name, or an import of Ray, as in `tune.run("PPO")`.
RLLIB = re.compile(rb"rllib|^[ \t]*(?:from|import)[ \t]+ray\b", re.MULTILINE)

Read = Callable[[Path], SourceFile]

#: Reads files into their entries, in any order; a text says why one could not be.
Enter = Callable[[Iterable[Path]], Iterable[tuple[Path, FileEntry | str]]]


def gather(
    paths: Iterable[Path],
    read: Read,
    enter: Enter,
    legacy_names: Callable[[Mapping[Path, FileEntry]], set[str]],
) -> tuple[dict[Path, FileEntry], dict[Path, str]]:
    """Return the entries, sorted by path, and why some files have none.

    Only the bytes of other files are looked at. `legacy_names` names the legacy classes among
    some entries, by which further files are found, until none is.
    """
    files: dict[Path, FileEntry] = {}
    errors: dict[Path, str] = {}

    def take(paths: Iterable[Path], wanted: re.Pattern[bytes]) -> list[Path]:
        others: list[Path] = []

        def chosen() -> Iterator[Path]:
            for path in paths:
                try:
                    holds = wanted.search(read(path).raw) is not None
                except SourceError as error:
                    errors[path] = str(error)
                else:
                    if holds:
                        yield path
                    else:
                        others.append(path)

        for path, entry in enter(chosen()):
            if isinstance(entry, FileEntry):
                files[path] = entry
            else:
                errors[path] = entry
        return others

    others = take(paths, RLLIB)
    known: set[str] = set()
    while others:
        names = legacy_names(files)
        fresh, known = names - known, known | names
        waiting = len(others)
        others = take(others, _any_word(fresh)) if fresh else others
        if len(others) == waiting:
            break
    return dict(sorted(files.items())), errors


def read_once() -> Read:
    """Return a reader of files that has the last one still at hand."""
    return lru_cache(maxsize=1)(SourceFile.read)


def enter_file(
    path: Path,
    kept: KeptSources,
    read: Read = SourceFile.read,
    module_of: Callable[[Path], str] = module_name,
) -> FileEntry | str:
    """Read a file into its entry and keep its tree; where that fails, say why."""
    try:
        source = read(path)
        mentions = RLLIB.search(source.raw) is not None
        entry = read_file(source, module=module_of(path), path=path, mentions_rllib=mentions)
    except SourceError as error:
        return str(error)
    except RecursionError:
        return f"{path}: nested too deeply to be read"
    kept.add(source)
    return entry


def virtual_module(path: Path) -> str:
    """Name a file that is not on disk by its whole path."""
    return path.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


def _any_word(words: Iterable[str]) -> re.Pattern[bytes]:
    inner = b"|".join(re.escape(word.encode()) for word in sorted(words))
    return re.compile(rb"\b(" + inner + rb")\b")
