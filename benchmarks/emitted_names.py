"""Whether every name of Ray that a rewrite brings in exists in the release that it is made for.

    python benchmarks/emitted_names.py FOLDER TREE...

FOLDER holds one unpacked tree per release, FOLDER/2.40.0/ray/rllib/..., as unzipped from wheels;
Ray itself is not imported. Each TREE is rewritten for each of these releases, in memory, and the
imports of `ray.*` that the new text has and the old one had not are looked up. Prints the names
that are missing, with a file that got them, and exits with 1 if there is one.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from eras_from_wheels import short, trees

from rlmigrate import eras
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile


def imported(path: Path, raw: bytes) -> set[str]:
    """Dotted names of Ray that a text imports."""
    table = ImportTable.of(SourceFile(path, raw))
    return {name for name in table.names.values() if name.startswith("ray.")}


def brought_in(folders: list[Path], settings: Settings) -> Iterator[tuple[str, Path]]:
    """Names that a rewrite adds to some file, with the file."""
    for change in run_files(folders, settings, rewriting=True).changes:
        if change.path.suffix != ".py":
            continue
        before = imported(change.path, change.before) if change.before else set()
        for name in sorted(imported(change.path, change.after) - before):
            yield name, change.path


def main() -> int:
    releases = {short(tree.release): tree for tree in trees(Path(sys.argv[1]))}
    folders = [Path(name) for name in sys.argv[2:]]
    missing = 0
    for target in eras.TARGETS:
        if target not in releases:
            print(f"{target}: no tree")
            continue
        settings = dataclasses.replace(Settings(), ray_version=target)
        where: dict[str, Path] = {}
        for name, path in brought_in(folders, settings):
            where.setdefault(name, path)
        gone = {n: p for n, p in where.items() if not releases[target].has(n)}
        print(f"{target}: {len(where)} names brought in, {len(gone)} missing")
        for name, path in sorted(gone.items()):
            print(f"    {name}    {path}")
        missing += len(gone)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
