"""Read which dotted names each Ray release has, and hold the table of eras to it.

    python benchmarks/eras_from_wheels.py check FOLDER      disagreements between table and trees
    python benchmarks/eras_from_wheels.py spans FOLDER NAME...  first and last release of names
    python benchmarks/eras_from_wheels.py refresh FOLDER    write measured spans into the table

FOLDER holds one unpacked tree per release: FOLDER/2.9.3/ray/rllib/..., as unzipped from wheels.
Nothing is imported: modules are parsed, and a name counts as there if the module binds it.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

#: Methods that a base class in another module defines.
INHERITED = (".save_to_path", ".restore_from_path", ".STATE_IN", ".STATE_OUT")

#: Names that a tree has in another way: attributes set in a constructor.
ACCEPTED = {
    "ray.rllib.algorithms.algorithm.Algorithm.env_runner_group",
    "ray.rllib.algorithms.algorithm.Algorithm.eval_env_runner_group",
}

TABLE = Path(__file__).parent.parent / "rlmigrate" / "eras" / "names.json"


def release(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def short(text: str) -> str:
    """2.9.3 -> 2.9: rows name releases by two numbers, patch releases keep names."""
    return ".".join(text.split(".")[:2])


def bound(body: list[ast.stmt]) -> Iterator[str]:
    """Names that statements bind at module level, in branches and try blocks too."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((a.asname or a.name).split(".")[0] for a in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        else:
            for field in ("body", "orelse", "finalbody"):
                yield from bound(getattr(node, field, None) or [])
            for handler in getattr(node, "handlers", ()):
                yield from bound(handler.body)


class Tree:
    """One release's modules, parsed on demand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.release = root.name

    @cache  # noqa: B019
    def module(self, dotted: str) -> frozenset[str] | None:
        base = self.root / Path(*dotted.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return frozenset(bound(ast.parse(path.read_bytes()).body))
        return frozenset() if base.is_dir() else None

    @cache  # noqa: B019
    def class_members(self, module: str, name: str) -> dict[str, frozenset[str]]:
        """Members of a class and the parameters of each; those of the class itself under ""."""
        base = self.root / Path(*module.split("."))
        if not base.with_suffix(".py").is_file():
            return {}
        members: dict[str, frozenset[str]] = {}
        for node in ast.walk(ast.parse(base.with_suffix(".py").read_bytes())):
            if not (isinstance(node, ast.ClassDef) and node.name == name):
                continue
            fields = set()
            for item in node.body:
                if isinstance(item, ast.FunctionDef):
                    arguments = item.args.posonlyargs + item.args.args + item.args.kwonlyargs
                    members[item.name] = frozenset(a.arg for a in arguments)
                elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    fields.add(item.target.id)
                    members[item.target.id] = frozenset()
            members[""] = members.get("__init__", frozenset()) | fields
        return members

    def has(self, dotted: str) -> bool:
        if dotted.endswith("=)"):
            owner, argument = dotted[:-2].split("(")
            module, _, name = owner.rpartition(".")
            if name[:1].isupper():
                return argument in self.class_members(module, name).get("", ())
            module, _, cls = module.rpartition(".")
            return argument in self.class_members(module, cls).get(name, ())
        if self.module(dotted) is not None:
            return True
        home, _, name = dotted.rpartition(".")
        names = self.module(home) if home else None
        if names is None and home.rpartition(".")[2][:1].isupper():
            return name in self.class_members(*home.rsplit(".", 1))
        return name in (names or ())


def trees(folder: Path) -> list[Tree]:
    roots = [p for p in folder.iterdir() if p.name[0].isdigit()]
    return [Tree(p) for p in sorted(roots, key=lambda p: release(p.name))]


def span(all_trees: list[Tree], dotted: str) -> tuple[str, str | None] | None:
    """First release that has the name and the last one, None where the newest has it."""
    having = [tree for tree in all_trees if tree.has(dotted)]
    if not having:
        return None
    last = None if having[-1] is all_trees[-1] else short(having[-1].release)
    return short(having[0].release), last


def measured(all_trees: list[Tree], rows: dict[str, dict[str, str]]) -> Iterator[tuple[str, str]]:
    """Rows that the trees contradict, with what they say."""
    for name, row in rows.items():
        if row.get("kind") == "never" or not name.startswith(("ray.rllib", "ray.tune.")):
            continue
        found = span(all_trees, name)
        if found is None:
            yield name, "in no tree"
        elif (row.get("since"), row.get("until")) != found:
            yield (
                name,
                f"table {row.get('since')}..{row.get('until')}, trees {found[0]}..{found[1]}",
            )


def emitted(all_trees: list[Tree]) -> Iterator[tuple[str, str]]:
    """Names that the table gives for a target release and that the release lacks."""
    from rlmigrate import eras

    for target in eras.TARGETS:
        tree = next((t for t in all_trees if short(t.release) == target), None)
        if tree is None:
            print(f"no tree of Ray {target}: what is emitted for it is not checked")
            continue
        for row in eras.names().values():
            new = eras.current_name(row.name, ray_version=target)
            if new is None or new == row.name or not new.startswith("ray.rllib."):
                continue
            if new not in ACCEPTED and not new.endswith(INHERITED) and not tree.has(new):
                yield row.name, f"{new}, which Ray {target} lacks"


def dump(rows: dict[str, dict[str, str]]) -> str:
    """One row a line, so that a difference reads well."""
    lines = [f"{json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    command, folder, *names = sys.argv[1:]
    all_trees = trees(Path(folder))
    rows = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if command == "spans":
        for name in names:
            print(name, span(all_trees, name))
        return 0
    if command == "refresh":
        for name, row in rows.items():
            found = span(all_trees, name)
            if row.get("kind") == "never" or found is None:
                continue
            row["since"] = found[0]
            row.pop("until", None)
            if found[1]:
                row["until"] = found[1]
        TABLE.write_text(dump(rows))
    wrong = [*measured(all_trees, rows), *emitted(all_trees)]
    for name, message in wrong:
        print(f"{name}: {message}")
    print(f"{len(rows)} rows against {', '.join(t.release for t in all_trees)}: {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
