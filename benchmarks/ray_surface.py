"""Write down which modules each supported Ray has, and which names they bind.

    python benchmarks/ray_surface.py FOLDER

FOLDER holds one unpacked tree per release, FOLDER/2.40.0/ray/..., as unzipped from wheels. Writes
`rlmigrate/eras/surface.txt`, a module a line: `module@RELEASES: name name@RELEASES ...`, without
`@` where every target has it. Nothing is imported; `from x import *` is followed.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from eras_from_wheels import Tree, bound, short, trees

from rlmigrate import eras

#: Whose names are written down; of the other packages of Ray only that they are there.
PACKAGES = ("rllib", "tune", "air", "train", "util")
SKIPPED = ("tests", "benchmarks", "_internal", "__pycache__")
TARGET = Path(__file__).parent.parent / "rlmigrate" / "eras" / "surface.txt"


class Surface:
    """The modules of one release and what they bind."""

    def __init__(self, tree: Tree) -> None:
        self.names: dict[str, set[str]] = {}
        self.stars: dict[str, list[str]] = {}
        root = tree.root
        for top in [root / "ray" / "__init__.py", *(root / "ray" / p for p in PACKAGES)]:
            files = [top] if top.is_file() else sorted(top.rglob("*.py"))
            for path in files:
                parts = path.relative_to(root).with_suffix("").parts
                if not any(part in SKIPPED for part in parts):
                    self._read(path, parts)
        for module in list(self.names):
            self._follow(module, set())
        tops = [p for p in (root / "ray").iterdir() if p.is_dir() or p.suffix == ".py"]
        self.names["ray"] |= {path.stem for path in tops if path.stem.isidentifier()}
        for module in list(self.names):
            home, _, last = module.rpartition(".")
            if home in self.names:
                self.names[home].add(last)

    def _read(self, path: Path, parts: tuple[str, ...]) -> None:
        package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if package else parts)
        tree = ast.parse(path.read_bytes())
        self.names[module] = {name for name in bound(tree.body) if not name.startswith("__")}
        self.names[module] -= {"*"}
        base = module.split(".") if package else module.split(".")[:-1]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                kept = base[: len(base) - node.level + 1] if node.level else []
                target = ".".join([*kept, *([node.module] if node.module else [])])
                self.stars.setdefault(module, []).append(target)

    def _follow(self, module: str, seen: set[str]) -> set[str]:
        if module in seen:
            return set()
        seen.add(module)
        for other in self.stars.get(module, ()):
            self.names[module] |= self._follow(other, seen)
        return self.names.get(module, set())


def main() -> int:
    """Write the file."""
    surfaces = {
        short(tree.release): Surface(tree)
        for tree in trees(Path(sys.argv[1]))
        if short(tree.release) in eras.TARGETS
    }
    if set(surfaces) != set(eras.TARGETS):
        print(f"trees are missing: {sorted(set(eras.TARGETS) - set(surfaces))}", file=sys.stderr)
        return 1

    lines = []
    for module in sorted({m for surface in surfaces.values() for m in surface.names}):
        having = [release for release in eras.TARGETS if module in surfaces[release].names]
        names = sorted(set().union(*(surfaces[release].names[module] for release in having)))
        said = []
        for name in names:
            these = [release for release in having if name in surfaces[release].names[module]]
            said.append(name if these == having else f"{name}@{','.join(these)}")
        mark = "" if having == list(eras.TARGETS) else f"@{','.join(having)}"
        lines.append(f"{module}{mark}: {' '.join(said)}".rstrip())
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} modules of Ray {', '.join(surfaces)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
