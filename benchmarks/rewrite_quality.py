"""Rewrite copies of trees with every rule, and judge the results as their owners would.

    python benchmarks/rewrite_quality.py TREE... [--show]

For each tree: tracebacks and files that could not be done though they parse; results that do not
parse; names undefined or unused (ruff F) and imports out of order (ruff I) that the input did not
have; comments and docstrings lost; lines longer than any that the file had, line ends that it did
not have, more blank lines in a row than anywhere before; changed files that never mention rllib;
and whether a second run still wants to change something. Everything it prints is a defect, but
for comments inside what goes (an old signature, an old key); it prints counts otherwise.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rlmigrate.migrate.engine.run import Run, run_files
from rlmigrate.migrate.settings import Settings

OPTIONS = ("--isolated", "--no-cache", "--exit-zero", "--output-format=json", "--select=F,I001")
IGNORED = shutil.ignore_patterns(".git", "*.so", "*.png", "*.pkl", "*.pt", "*.h5", "*.bin")


def judge(tree: Path, scratch: Path) -> tuple[Counter[str], list[str]]:
    """Rewrite a copy of one tree; counts, and one line a defect."""
    copy = scratch / tree.name
    if tree.is_file():
        shutil.copy(tree, copy)
    else:
        shutil.copytree(tree, copy, ignore=IGNORED, symlinks=True)
    first = run_files([copy], Settings(), rewriting=True)
    defects = _failures(first, copy)
    before = {c.path: c.before for c in first.changes if c.path.suffix == ".py"}
    lint_before = _lint([path for path, old in before.items() if old is not None], scratch)
    for change in first.changes:
        change.path.write_bytes(change.after)
        if change.path.suffix != ".py":
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(change.after, str(change.path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            defects.append(f"does not parse: {change.path.relative_to(scratch)}: {error}")
            continue
        if change.before is not None:
            if b"rllib" not in change.before.lower():
                defects.append(f"has no rllib: {change.path.relative_to(scratch)}")
            defects += [
                f"lost: {change.path.relative_to(scratch)}: {text}"
                for text in _lost(change.before, change.after)
            ]
            defects += [
                f"{fault}: {change.path.relative_to(scratch)}"
                for fault in _out_of_manner(change.before, change.after)
            ]
    lint_after = _lint(list(before), scratch)
    for key, count in sorted((lint_after - lint_before).items()):
        defects.append(f"lint: {Path(key[0]).relative_to(scratch.resolve())}: {key[1]} x{count}")
    second = run_files([copy], Settings(), rewriting=True)
    defects += [f"second run: {c.path.relative_to(scratch)}" for c in second.changes]
    counts = Counter(f"{item.outcome}" for item in first.report.items)
    counts["files"], counts["changed"] = first.seen, len(first.changes)
    return counts, defects


def _failures(run: Run, copy: Path) -> list[str]:
    """Files that failed though Python reads them."""
    failed = []
    for outcome in run.outcomes:
        if outcome.error is None:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(outcome.path.read_bytes())
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
            continue
        if outcome.path.suffix == ".py":
            failed.append(f"failed: {outcome.path.relative_to(copy.parent)}: {outcome.error}")
    return failed


def _lint(paths: list[Path], folder: Path) -> Counter[tuple[str, str]]:
    """What ruff says of undefined and unused names and of the order of imports."""
    if not paths:
        return Counter()
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *OPTIONS, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    found: Counter[tuple[str, str]] = Counter()
    for each in json.loads(done.stdout):
        message = re.sub(r" from line \d+", "", each["message"])
        if each["code"] == "I001":
            message = "imports unsorted"
        elif each["code"] == "F401":  # the same name from a new home is no new finding
            message = re.sub(r"`(.* as |.*\.)?([^`]+)`", _last_part, message, count=1)
        found[each["filename"], f"{each['code']} {message}"] += 1
    return found


def _last_part(match: re.Match[str]) -> str:
    return {"gymnasium": "gym", "RLlibCallback": "DefaultCallbacks"}.get(match[2], match[2])


def _out_of_manner(before: bytes, after: bytes) -> Iterator[str]:
    """What an owner sees at a glance: long lines, foreign line ends, gaps."""
    old, new = before.decode("utf-8", "replace"), after.decode("utf-8", "replace")
    limit = max([100, *(len(line.rstrip()) for line in old.splitlines())])
    known = {line.strip() for line in old.splitlines()}
    for line in new.splitlines():
        if len(line) > limit and line.strip() not in known:
            yield f"long line ({len(line)})"
    if "\r\r" in new or ("\r\n" in old) != ("\r\n" in new):
        yield "line ends"
    if _gap(new) > max(_gap(old), 2):
        yield "blank lines"


def _gap(text: str) -> int:
    """The most blank lines in a row."""
    runs = re.findall(r"(?:[ \t]*\n){2,}", text.replace("\r\n", "\n"))
    return max((run.count("\n") - 1 for run in runs), default=0)


def _comments(raw: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        for token in tokenize.tokenize(io.BytesIO(raw).readline):
            if token.type == tokenize.COMMENT:
                found[token.string.strip()] += 1
            elif token.type == tokenize.STRING and "\n" in token.string:
                found[re.sub(r"\s+", " ", token.string)] += 1
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _lost(before: bytes, after: bytes) -> list[str]:
    gone = _comments(before) - _comments(after)
    return [text[:100] for text in gone for _ in range(gone[text])]


def main() -> None:
    """Print counts and defects of each tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--show", action="store_true", help="print every defect")
    arguments = parser.parse_args()
    kinds: Counter[str] = Counter()
    for tree in arguments.trees:
        with tempfile.TemporaryDirectory() as folder:
            counts, defects = judge(tree.resolve(), Path(folder).resolve())
        kinds.update(defect.split(":")[0] for defect in defects)
        print(f"{tree.name}: {dict(counts)}, {len(defects)} defects", flush=True)
        for defect in defects if arguments.show else ():
            print(f"  {defect}", flush=True)
    print(dict(kinds))
    sys.exit(1 if kinds else 0)


if __name__ == "__main__":
    main()
