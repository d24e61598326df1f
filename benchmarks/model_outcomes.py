"""What becomes of every model class of some trees, and whether it holds.

    python benchmarks/model_outcomes.py TREE... [--run [native|bridged]] [--markdown FILE] [--tf]

Prints one row a class: outcome, reason. With --run, each torch class (or those of one outcome) is
also imported, built from an RLModuleSpec on Ray or on new_stack, and compared with the original on
equal weights, in a process of its own; spaces are guessed until the original builds and answers.
--markdown writes the counts as a page; the names of the trees are their folders'. --tf takes the
TF classes instead, rewritten for new_stack and run on legacy Keras.
"""

from __future__ import annotations

import argparse
import json
import re
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

PROBES = {
    "torch": Path(__file__).with_name("model_probe.py"),
    "tf": Path(__file__).with_name("tf_model_probe.py"),
}


def rewritten(tree: Path, scratch: Path, settings: Settings) -> list[dict[str, object]]:
    """Rewrite the models of a copy of `tree`; one row a class."""
    before, after = scratch / "before" / tree.name, scratch / "after" / tree.name
    for root in (before, after):
        shutil.copytree(tree, root, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    paths = sorted(p for p in after.rglob("*.py") if p.is_file())
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
            entry: dict[str, object] = {
                "class": item.name,
                "outcome": str(item.outcome),
                "message": item.message,
            }
            module = index.files[path].module
            base = path
            for _ in module.split("."):
                base = base.parent
            entry |= {"module": module, "root": str(base)}
            entry["framework"] = index.framework(f"{module}.{item.name}")
            rows.append(entry)
    return rows


def probe(row: dict[str, object], scratch: Path, target: str, framework: str) -> dict[str, object]:
    """Run one class in a process of its own."""
    new_root = str(row["root"])
    old_root = new_root.replace(str(scratch / "after"), str(scratch / "before"))
    arguments = [sys.executable, str(PROBES[framework]), old_root, new_root, str(row["module"])]
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
    parser.add_argument("--run", nargs="?", const="all", choices=("all", "native", "bridged"))
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--target", choices=("ray", "builtin"), default="ray")
    parser.add_argument("--tf", action="store_true")
    arguments = parser.parse_args()
    framework = "tf" if arguments.tf else "torch"
    settings = Settings(target="builtin" if arguments.tf else arguments.target)
    outcomes: Counter[str] = Counter()
    parities: Counter[str] = Counter()
    table: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for tree in arguments.trees:
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            for row in rewritten(tree.resolve(), scratch, settings):
                if arguments.tf and row.get("framework") != "tf":
                    continue
                outcome = str(row["outcome"])
                outcomes[outcome] += 1
                table.setdefault(tree.name, Counter())[outcome] += 1
                if outcome != "native":
                    reasons[outcome, _reason(row)] += 1
                print(f"{row['outcome']:8} {row['class']}: {str(row['message'])[:90]}", flush=True)
                wanted = {"all": ("native", "bridged")}.get(arguments.run, (arguments.run,))
                if outcome in wanted:
                    found = probe(row, scratch, arguments.target, framework)
                    verdict = _verdict(found)
                    parities[f"{outcome}: {verdict}"] += 1
                    table[tree.name][verdict] += 1
                    print(
                        "         " + ", ".join(f"{k}: {v}" for k, v in found.items()), flush=True
                    )
    print(dict(outcomes), dict(parities))
    if arguments.markdown is not None:
        arguments.markdown.write_text(_page(table, reasons))


def _verdict(found: dict[str, object]) -> str:
    """Say in two words what a probe found."""
    parity = found.get("parity")
    if isinstance(parity, float):
        return "equal" if parity == 0.0 else "DIFFERS"
    if "builds" in found and found["builds"] != "yes":
        return "does not build"
    return "not compared"


def _reason(row: dict[str, object]) -> str:
    """The reason of an outcome, without the names and lines of one class."""
    text = str(row["message"]).split(" (line")[0].removeprefix("runs on inside a module, because ")
    text = text.removeprefix(f"{row['class']} ").split(":")[0].split("; ")[0]
    return re.sub(r"self\.\w+", "an attribute", text)


def _page(table: dict[str, Counter[str]], reasons: Counter[tuple[str, str]]) -> str:
    columns = ["native", "bridged", "manual", "ERROR"]
    columns += [
        v
        for v in ("equal", "DIFFERS", "does not build", "not compared")
        if any(v in counts for counts in table.values())
    ]
    lines = [f"| tree | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    total: Counter[str] = Counter()
    for name, counts in table.items():
        lines.append(f"| {name} | {' | '.join(str(counts[c]) for c in columns)} |")
        total.update(counts)
    lines.append(f"| all | {' | '.join(str(total[c]) for c in columns)} |")
    lines += ["", "| outcome | reason | classes |", "|---|---|---|"]
    for (outcome, reason), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"| {outcome} | {reason.replace('|', '/')} | {count} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
