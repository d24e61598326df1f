"""What becomes of every policy and action distribution of some trees.

    python benchmarks/policy_outcomes.py TREE...

Prints one row a construct: tree, place, rule, outcome, reason; then the counts. New text that does
not parse, and names that it uses and nobody defines, are errors and make the exit status 1.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections import Counter
from pathlib import Path

from rlmigrate.errors import SourceError
from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings

RULES = [rule for code, rule in all_rules().items() if code[:4] in ("RLM1", "RLM2", "RLM3")]


def unknown(text: bytes) -> set[str]:
    """Names that a file reads and never binds; good enough to see what a rewriting forgot."""
    tree = ast.parse(text)
    read, bound = set(), set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return read - bound


def main(trees: list[str]) -> int:
    """Print the table; 1 where something is wrong with the new text."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = 0
    for tree in map(Path, trees):
        index = RepoIndex.build(sorted(tree.rglob("*.py")), Settings())
        for path in index.files:
            source = index.source_of(path)
            try:
                done = rewrite(source, index, Settings(), RULES)
            except SourceError as error:
                print(f"{tree.name} ERROR {error}")
                wrong += 1
                continue
            lost = unknown(done.after) - unknown(done.before) if done.after else set()
            if lost:
                print(f"{tree.name} {path.relative_to(tree)} ERROR unknown names {sorted(lost)}")
                wrong += 1
            for item in done.items:
                if item.kind not in (Kind.POLICY, Kind.DISTRIBUTION):
                    continue
                counts[item.code, item.outcome] += 1
                place = f"{path.relative_to(tree)}:{item.line}"
                print(f"{tree.name} {place} {item.code} {item.name} {item.outcome} {item.message}")
    for (code, outcome), number in sorted(counts.items()):
        print(f"{code} {outcome}: {number}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
