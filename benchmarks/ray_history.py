"""Write down what the modules of Ray bound in every release, old and new.

    python benchmarks/ray_history.py FOLDER

FOLDER holds one unpacked tree per release, FOLDER/1.13.0/ray/..., as unzipped from wheels. Writes
`rlmigrate/eras/history.txt`, a section a module: classes, functions, names that were imported from
Ray, constants whose value is written out, each with the releases where they differ from the
module's. A name means what it meant last. Names of which the table of eras has an implementation,
or is as exact, are left out. Nothing is imported.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eras_from_wheels import Tree, short, trees

from rlmigrate import eras
from rlmigrate.eras import history

SKIPPED = ("tests", "benchmarks", "_internal", "__pycache__", "tuned_examples")
#: Packages of Ray that are read, with the depth to which they are; rllib is read whole.
PACKAGES = {"rllib": 99, "tune": 4, "air": 4, "train": 3, "util": 3, "experimental": 3}
#: Modules whose names, imported elsewhere, are annotations only.
ANNOTATIONS = ("ray.rllib.utils.typing", "ray.util.annotations")
LONGEST = 120
TARGET = Path(__file__).parent.parent / "rlmigrate" / "eras" / "history.txt"


@dataclass(frozen=True)
class Name:
    """What a module binds: a word for the kind, and the rest of what is written."""

    word: str
    rest: str = ""


def files(root: Path) -> Iterator[tuple[str, bool, Path]]:
    """Give the modules of a tree: dotted name, whether it is a package, path."""
    found = list((root / "ray").glob("*.py"))
    for folder in PACKAGES:
        found += (root / "ray" / folder).rglob("*.py")
    for path in sorted(found):
        written = path.relative_to(root).with_suffix("").parts
        package = written[-1] == "__init__"
        parts = written[:-1] if package else written
        deep = len(parts) > PACKAGES.get(parts[1] if len(parts) > 1 else "", 2)
        if not deep and not any(part in SKIPPED for part in parts):
            yield ".".join(parts), package, path


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import, in branches and try blocks too."""
    for node in body:
        yield node
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for field in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, field, None) or [])
            for handler in getattr(node, "handlers", ()):
                yield from statements(handler.body)


def constant(node: ast.expr) -> str | None:
    """Write a value out, if it stands there as a literal; of a sentence only that it is one."""
    try:
        value = ast.literal_eval(node)
        text = json.dumps(history.SENTENCE if isinstance(value, str) and " " in value else value)
    except (ValueError, TypeError):
        return None
    return text if len(text) <= LONGEST else None


def read(tree: Tree) -> dict[str, dict[str, Name]]:
    """Read what the modules of one release bind."""
    modules: dict[str, dict[str, Name]] = {}
    stars: dict[str, list[str]] = {}
    for module, package, path in files(tree.root):
        names = modules[module] = {}
        home = module.split(".") if package else module.split(".")[:-1]
        for node in statements(ast.parse(path.read_bytes()).body):
            if isinstance(node, ast.ClassDef):
                names[node.name] = Name("class")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names[node.name] = Name("def")
            elif isinstance(node, ast.ImportFrom):
                kept = home[: len(home) - node.level + 1] if node.level else []
                source = ".".join([*kept, *([node.module] if node.module else [])])
                if "examples" in home and not package:
                    continue  # a script: nobody imports what it imports
                if not source.startswith("ray.") or source in ANNOTATIONS:
                    continue
                for alias in node.names:
                    if alias.name == "*":
                        stars.setdefault(module, []).append(source)
                    else:
                        rest = f"{source}.{alias.name}"
                        names[alias.asname or alias.name] = Name("from", rest)
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                value = constant(node.value)
                derived = isinstance(node.value, ast.Call | ast.Attribute | ast.Name)
                for target in targets:
                    if not isinstance(target, ast.Name) or target.id.startswith("__"):
                        continue
                    if value is not None and target.id.isupper():
                        names[target.id] = Name("=", value)
                    elif derived and target.id[:1].isupper() and not target.id.isupper():
                        names[target.id] = Name("class")  # PPOTrainer = build_trainer(...)
                    else:
                        names.pop(target.id, None)
    for module in stars:
        for source in stars[module]:
            for name in modules.get(source, {}):
                modules[module].setdefault(name, Name("from", f"{source}.{name}"))
    return modules


def known(module: str, name: str, what: Name) -> bool:
    """Tell whether the table of eras says as much already."""
    row = eras.resolve(f"{module}.{name}")
    if row is None:
        return False
    if eras.builtin(row.name) is not None or row.kind == "module":
        return True
    return {"class": "class", "function": "def"}.get(row.kind) == what.word and not name.isupper()


def written(
    module: str, releases: list[str], readings: dict[str, dict[str, dict[str, Name]]]
) -> str:
    """Write the section of a module."""
    having = [release for release in releases if module in readings[release]]
    span = f"{having[0]}-{having[-1]}"
    lines: dict[str, list[str]] = {}
    constants = []
    for name in sorted({name for release in having for name in readings[release][module]}):
        these = [release for release in having if name in readings[release][module]]
        what = readings[these[-1]][module][name]
        if known(module, name, what):
            continue
        own = f"{these[0]}-{these[-1]}"
        mark = "" if own == span else f"@{own}"
        if what.word == "=":
            constants.append(f"{name}{mark} = {what.rest}")
        elif what.word == "from":
            home, _, old = what.rest.rpartition(".")
            item = name if old == name else f"{name}={old}"
            lines.setdefault(f"from {home}", []).append(item + mark)
        elif not (name.startswith("_") and what.word == "class"):
            lines.setdefault(what.word, []).append(name + mark)
    body = [f"{word} {' '.join(items)}" for word, items in sorted(lines.items())]
    return "\n".join([f"[{module} {span}]", *body, *constants])


def main() -> int:
    """Write the file."""
    readings: dict[str, dict[str, dict[str, Name]]] = {}
    for tree in trees(Path(sys.argv[1])):
        earlier = readings.get(short(tree.release), {})  # of a patch release, 0.8.0 before 0.8.6
        now = read(tree)
        both = {*earlier, *now}
        merged = {module: earlier.get(module, {}) | now.get(module, {}) for module in both}
        readings[short(tree.release)] = merged
    releases = list(readings)
    modules = sorted({module for names in readings.values() for module in names})
    sections = [written(module, releases, readings) for module in modules]
    TARGET.write_text("\n".join(sections) + "\n", encoding="utf-8")
    print(f"{len(sections)} modules of Ray {', '.join(releases)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
