"""Whether every name of Ray that a rewritten tree asks for is there, or is an item of the report.

    python benchmarks/unaccounted_names.py TREE...

Each tree is rewritten in memory. Imports and dotted uses of `ray.*` that Ray 2.60 cannot serve (by
`rlmigrate/eras/surface.txt`) are counted before and after; one that is left and that no item of its
file names is printed with its place. Prints a row a tree; exits with 1 if a name is unaccounted.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.discovery import discover
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.reading.gone_names import gone_imports
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

RELEASE = "2.60"
COLUMNS = ("files", "asked in vain before", "after", "in no item")


def missing(source: SourceFile) -> Iterator[tuple[int, str]]:
    """Lines and dotted names of what a file asks Ray for in vain; none if it cannot be parsed."""
    try:
        for gone in gone_imports(source, ImportTable.of(source), RELEASE):
            for name in gone.names.values():
                yield gone.node.lineno, name
    except SourceError:
        return


def looked_at(tree: Path) -> Counter[str]:
    """Count the names of one tree, and print those that nothing accounts for."""
    run = run_files([tree], Settings(ray_version=RELEASE), rewriting=True)
    after = {change.path: change.after for change in run.changes}
    told: defaultdict[Path, set[str]] = defaultdict(set)
    for outcome in run.outcomes:
        for item in outcome.items:
            told[outcome.path].update(item.name.split(", "))
    counts: Counter[str] = Counter(dict.fromkeys(COLUMNS, 0))
    before = set(discover([tree]).python)
    for path in sorted(before | {path for path in after if path.suffix == ".py"}):
        counts["files"] += 1
        raw = path.read_bytes() if path in before else b""
        counts["asked in vain before"] += len(list(missing(SourceFile(path, raw))))
        for line, name in missing(SourceFile(path, after.get(path, raw))):
            counts["after"] += 1
            if name not in told[path]:
                counts["in no item"] += 1
                print(f"    {path.relative_to(tree)}:{line}: {name}", file=sys.stderr)
    return counts


def main() -> int:
    """Print the table."""
    total: Counter[str] = Counter()
    print(f"| tree | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for tree in (Path(name).resolve() for name in sys.argv[1:]):
        counts = looked_at(tree)
        print(f"| {tree.name} | {' | '.join(str(counts[key]) for key in COLUMNS)} |", flush=True)
        total.update(counts)
    print(f"| all | {' | '.join(str(total[key]) for key in COLUMNS)} |")
    return 1 if total["in no item"] else 0


if __name__ == "__main__":
    sys.exit(main())
