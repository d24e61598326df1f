"""What becomes of every model class of some trees, and whether it holds.

    python benchmarks/model_outcomes.py TREE... [--run]

Prints one row a class: outcome, reason. With --run, each torch class is also imported, built from
an RLModuleSpec on Ray and on new_stack, and compared with the original on equal weights, in a
process of its own; spaces are guessed until the original builds and answers.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

PROBE = Path(__file__).with_name("model_probe.py")


def rewritten(tree: Path, scratch: Path) -> list[dict[str, object]]:
    """Rewrite the models of a copy of `tree`; one row a class."""
    before, after = scratch / "before" / tree.name, scratch / "after" / tree.name
    for root in (before, after):
        shutil.copytree(tree, root, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    paths = sorted(p for p in after.rglob("*.py") if p.is_file())
    settings = Settings()
    index = RepoIndex.build(paths, settings)
    rules = [rule for code, rule in all_rules().items() if code.startswith("RLM1")]
    rows: list[dict[str, object]] = []
    for path in index.files:
        try:
            outcome = rewrite(SourceFile.read(path), index, settings, rules)
        except Exception as error:
            rows.append({"class": str(path), "outcome": "ERROR", "message": str(error)[:200]})
            continue
        if outcome.after is not None:
            path.write_bytes(outcome.after)
        for name, text in outcome.new_files.items():
            Path(name).write_text(text)
        for item in outcome.items:
            entry = {"class": item.name, "outcome": str(item.outcome), "message": item.message}
            module = index.files[path].module
            base = path
            for _ in module.split("."):
                base = base.parent
            entry |= {"module": module, "root": str(base)}
            rows.append(entry)
    return rows


def probe(row: dict[str, object], scratch: Path, target: str) -> dict[str, object]:
    """Run one class in a process of its own."""
    new_root = str(row["root"])
    old_root = new_root.replace(str(scratch / "after"), str(scratch / "before"))
    arguments = [sys.executable, str(PROBE), old_root, new_root, str(row["module"])]
    try:
        done = subprocess.run(
            [*arguments, str(row["class"]), target],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            cwd=scratch,
        )
    except subprocess.TimeoutExpired:
        return {"imports": "timeout"}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            found: dict[str, object] = json.loads(line.removeprefix("RESULT"))
            return found
    return {"imports": f"died: {done.stderr.strip()[-100:]}"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--run", action="store_true", help="import, build and compare")
    parser.add_argument("--target", choices=("ray", "builtin"), default="ray")
    arguments = parser.parse_args()
    outcomes: Counter[str] = Counter()
    parities: Counter[str] = Counter()
    for tree in arguments.trees:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            for row in rewritten(tree.resolve(), scratch):
                outcomes[str(row["outcome"])] += 1
                print(f"{row['outcome']:8} {row['class']}: {str(row['message'])[:90]}", flush=True)
                if arguments.run and row["outcome"] in ("native", "bridged"):
                    found = probe(row, scratch, arguments.target)
                    verdict = "exact" if found.get("parity") == 0.0 else "not compared"
                    if found.get("parity") not in (0.0, None):
                        verdict = "DIFFERS"
                    parities[f"{row['outcome']} {verdict}"] += 1
                    print(
                        "         " + ", ".join(f"{k}: {v}" for k, v in found.items()), flush=True
                    )
    print(dict(outcomes), dict(parities))


if __name__ == "__main__":
    main()
