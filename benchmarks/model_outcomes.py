"""What becomes of every model class of some trees, and whether it holds.

    python benchmarks/model_outcomes.py TREE... [--run] [--markdown FILE] [--tf]

Prints one row a class: outcome, reason. With --run, each torch class that is native or bridged is
also imported, built from an RLModuleSpec on Ray and on new_stack, and compared with the original on
equal weights by check_parity, in a process of its own (model_probe.py). Spaces and settings are
those of model_spaces.toml, or guessed until the original builds and answers.
--markdown writes the counts as a page; the names of the trees are their folders', so two trees
of one name are refused. --tf takes the
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
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

PROBE = Path(__file__).with_name("model_probe.py")
TF_PROBE = Path(__file__).with_name("tf_model_probe.py")
SPACES = tomllib.loads(Path(__file__).with_name("model_spaces.toml").read_text())
SIDES = ("ray", "builtin")
#: Rules that say what becomes of a class; the other RLM1xx name places, and what may be a class.
CLASSES = ("RLM101", "RLM102", "RLM103")
COLUMNS = ["native", "bridged", "manual", "ERROR"]
VERDICTS = ["PASS", "FAIL", "INCOMPLETE", "does not build", "does not import", "not compared"]


def copied(tree: Path, root: Path) -> None:
    """Copy a tree into a folder, under its own name and without its history."""
    shutil.copytree(tree, root / tree.name, ignore=shutil.ignore_patterns(".git"), symlinks=True)


def rewritten(tree: Path, root: Path, target: str) -> list[dict[str, str]]:
    """Rewrite the models of a copy of `tree` in `root`; one row a class.

    The copy keeps the tree's name, since the tree may itself be the package that its files import.
    """
    copied(tree, root)
    paths = sorted(p for p in root.rglob("*.py") if p.is_file())
    settings = Settings(target=target)
    index = RepoIndex.build(paths, settings)
    rules = [rule for code, rule in all_rules().items() if code.startswith("RLM1")]
    rows: list[dict[str, str]] = []
    texts: dict[Path, bytes] = {}  # written last: the index looks at files as they were
    for path in index.files:
        try:
            outcome = rewrite(SourceFile.read(path), index, settings, rules)
        except Exception as error:
            rows.append({"class": str(path), "outcome": "ERROR", "message": str(error)[:200]})
            continue
        if outcome.after is not None:
            texts[path] = outcome.after
        texts |= {Path(name): text.encode() for name, text in outcome.new_files.items()}
        for item in outcome.items:
            if item.code not in CLASSES:
                continue
            base = path
            for _ in index.files[path].module.split("."):
                base = base.parent
            rows.append(
                {
                    "class": item.name,
                    "outcome": str(item.outcome),
                    "message": item.message,
                    "module": index.files[path].module,
                    "root": str(base.relative_to(root)),
                    "framework": index.framework(f"{index.files[path].module}.{item.name}") or "",
                }
            )
    for path, after in texts.items():
        path.write_bytes(after)
    return rows


def _facts(tree: str, name: str) -> dict[str, object]:
    """What the table says of a class."""
    found = SPACES.get(tree, {}).get(name) or SPACES["any"].get(name, {})
    return _facts(tree, found["like"]) if "like" in found else found


def probed(rows: list[dict[str, str]], tree: str, folder: Path) -> Iterator[dict[str, str]]:
    """Run every class in a process of its own; yields the rows with what was found."""
    cases = [
        {
            "row": {**row, "tree": tree},
            "class": row["class"],
            "module": row["module"],
            "facts": _facts(tree, row["class"]),
            "before": str(folder / "before" / row["root"]),
            **{side: str(folder / side / row["root"]) for side in SIDES},
        }
        for row in rows
        if row["outcome"] in ("native", "bridged")
    ]
    file = folder / "cases.json"
    file.write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, str(PROBE), str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            yield json.loads(line.removeprefix("RESULT "))


def tf_probed(rows: list[dict[str, str]], tree: str, folder: Path) -> Iterator[dict[str, str]]:
    """The same for classes of TF, on new_stack alone."""
    for row in rows:
        roots = [str(folder / side / row["root"]) for side in ("before", "builtin")]
        facts = json.dumps(_facts(tree, row["class"]))
        arguments = [sys.executable, str(TF_PROBE), *roots, row["module"], row["class"], facts]
        try:
            done = subprocess.run(
                arguments, capture_output=True, text=True, timeout=180, check=False, cwd=folder
            )
            lines = [each for each in done.stdout.splitlines() if each.startswith("RESULT")]
            found = json.loads(lines[0].removeprefix("RESULT"))
        except (subprocess.TimeoutExpired, IndexError):
            found = {"imports": "died or took too long"}
        parity = found.get("parity")
        text = f"import: {found.get('imports')}"
        if found.get("imports") == "yes":
            text = "" if "builds" not in found else f"build: {found['builds']}"
        if isinstance(parity, str):
            text = f"not compared: {parity}"
        elif isinstance(parity, float):
            text = f"{'PASS' if parity == 0.0 else 'FAIL'} {parity:.3g}"
        yield {**row, "original": str(found.get("original", "imports")), "builtin": text}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--only", help="a regular expression on class names")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--tf", action="store_true")
    arguments = parser.parse_args()
    twice = [n for n, k in Counter(p.resolve().name for p in arguments.trees).items() if k > 1]
    if twice:
        parser.error(f"two trees are called {', '.join(twice)}: their counts would be added up")
    outcomes: dict[str, Counter[str]] = {}
    verdicts: dict[str, Counter[str]] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for tree in (path.resolve() for path in arguments.trees):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            copied(tree, folder / "before")
            first = "builtin" if arguments.tf else "ray"
            rows = rewritten(tree, folder / first, first)
            rows = [r for r in rows if re.search(arguments.only or "", r["class"])]
            rows = [r for r in rows if not arguments.tf or r.get("framework") == "tf"]
            for row in rows:
                outcomes.setdefault(tree.name, Counter())[row["outcome"]] += 1
                if row["outcome"] != "native":
                    reasons[row["outcome"], _reason(row)] += 1
                print(f"{row['outcome']:8} {row['class']}: {row['message'][:90]}", flush=True)
            if not arguments.run:
                continue
            if arguments.tf:
                results = tf_probed(
                    [r for r in rows if r["outcome"] == "native"], tree.name, folder
                )
            else:
                rewritten(tree, folder / "builtin", "builtin")
                results = probed(rows, tree.name, folder)
            for found in results:
                told = {k: v for k, v in found.items() if k in ("spaces", "stubbed", *SIDES)}
                print(f"  {found['outcome']} {found['class']}: {found['original']} {told}")
                for side in SIDES:
                    verdict = _verdict(found, side)
                    verdicts.setdefault(side, Counter())[f"{found['outcome']} {verdict}"] += 1
                    outcomes[tree.name][f"{side} {verdict}"] += 1
    print({side: dict(counts) for side, counts in verdicts.items()})
    if arguments.markdown is not None:
        arguments.markdown.write_text(_page(outcomes, reasons, run=arguments.run))


def _verdict(found: dict[str, str], side: str) -> str:
    """Say in two words what a probe found."""
    text = found.get(side, "")
    if text.startswith("import:"):
        return "does not import"
    if text.startswith("build:"):
        return "does not build"
    first = text.partition(" ")[0]
    return first if first in VERDICTS else "not compared"


def _reason(row: dict[str, str]) -> str:
    """The reason of an outcome, without the names and lines of one class."""
    text = row["message"].split(" (line")[0].removeprefix("runs on inside a module, because ")
    text = text.removeprefix(f"{row['class']} ").split(":")[0].split("; ")[0]
    return re.sub(r"self\.\w+", "an attribute", text)


def _page(table: dict[str, Counter[str]], reasons: Counter[tuple[str, str]], *, run: bool) -> str:
    lines: list[str] = []
    _rows(lines, "tree", COLUMNS, COLUMNS, table)
    for side in SIDES if run else ():
        name = "Ray 2.60" if side == "ray" else "new_stack"
        _rows(lines, f"on {name}", VERDICTS, [f"{side} {v}" for v in VERDICTS], table)
    lines += ["| outcome | reason | classes |", "|---|---|---|"]
    for (outcome, reason), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"| {outcome} | {reason.replace('|', '/')} | {count} |")
    return "\n".join(lines) + "\n"


def _rows(
    lines: list[str], head: str, titles: list[str], keys: list[str], table: dict[str, Counter[str]]
) -> None:
    lines += [f"| {head} | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    total: Counter[str] = Counter()
    for name, counts in table.items():
        if any(counts[key] for key in keys):
            lines.append(f"| {name} | {' | '.join(str(counts[key]) for key in keys)} |")
        total.update(counts)
    lines += [f"| all | {' | '.join(str(total[key]) for key in keys)} |", ""]


if __name__ == "__main__":
    main()
