"""The text of `rlmigrate_layers.py`, made of the sources of `rlmigrate.new_stack.layers`.

layers_text   one readable file with the asked layers and what they need
names_in_file   the layers that an existing file holds
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rlmigrate.eras import current_name
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

NEW_STACK = Path(__file__).parents[2] / "new_stack"
FOLDER = NEW_STACK / "layers"
#: Distributions that only the old stack has; they stand with the others, on nothing but torch's.
OLD_ONLY = ("beta.py", "dirichlet.py", "old_squashed_gaussian.py")
OWN = "rlmigrate.new_stack.layers"
DISTRIBUTIONS = "rlmigrate.new_stack.distributions"
HOMES: Mapping[str, Mapping[str, str]] = {
    "ray": {
        "rlmigrate.new_stack.apis": "ray.rllib.core.rl_module.apis",
        "rlmigrate.new_stack.columns": "ray.rllib.core.columns",
        DISTRIBUTIONS: "ray.rllib.core.distribution.torch.torch_distribution",
        f"{DISTRIBUTIONS}.distribution": "ray.rllib.core.distribution.distribution",
        "rlmigrate.new_stack.torch_rl_module": "ray.rllib.core.rl_module.torch",
    },
    "builtin": {},
}
HEAD = '''"""Layers and helpers that RLlib's old API stack provided, as plain modules.

Written by rlmigrate beside the models that use them; parameter names are the old ones, so old
weights load. It is yours now: change it as you like.
"""

from __future__ import annotations
'''


@dataclass(frozen=True)
class Unit:
    """One function, class or constant, with the names that it uses and the imports of its file."""

    name: str
    text: str
    uses: frozenset[str]
    imports: Mapping[str, tuple[str, str]]  # local name to (module, name); "" for `import module`


@lru_cache(maxsize=1)
def units() -> dict[str, Unit]:
    """Every top-level function, class and typed constant of the layers, by name."""
    found: dict[str, Unit] = {}
    old_only = [NEW_STACK / "distributions" / name for name in OLD_ONLY]
    for path in [*sorted(FOLDER.rglob("*.py")), *old_only]:
        if path.name == "__init__.py":
            continue
        source = SourceFile.read(path)
        imports = _imports(source.tree)
        for node in source.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = node.name
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
            else:
                continue
            used = {n.id for n in nodes_in(node) if isinstance(n, ast.Name)}
            found[name] = Unit(name, _text(source, node), frozenset(used), imports)
    return found


def _text(source: SourceFile, node: ast.stmt) -> str:
    """The definition with its decorators."""
    first = min((d.lineno for d in getattr(node, "decorator_list", ())), default=node.lineno)
    span = source.line_span(first, node.end_lineno or node.lineno)
    return source.text[span.start : span.end].rstrip("\n")


def _imports(tree: ast.Module) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:
                found[alias.asname or alias.name] = (node.module or "", alias.name)
    return found


def layers_text(names: Iterable[str], *, target: str, ray_version: str) -> str:
    """Write a file with `names` and everything that they use, as a release of Ray has them."""
    known = units()
    order: list[str] = []

    seen: set[str] = set()

    def add(name: str) -> None:
        if name in seen or name not in known:
            return
        seen.add(name)  # two functions may call each other
        for used in sorted(known[name].uses - {name}):
            add(used)
        order.append(name)

    for name in sorted(names):
        add(name)
    wanted: dict[str, tuple[str, str]] = {}
    for name in order:
        unit = known[name]
        for local in sorted(unit.uses & set(unit.imports)):
            module, original = unit.imports[local]
            if module.startswith(f"{DISTRIBUTIONS}.") and module not in HOMES[target]:
                module = DISTRIBUTIONS
            if not module.startswith(OWN) and local not in known:
                home = HOMES[target].get(module, module)
                there = current_name(f"{home}.{original}", ray_version=ray_version)
                wanted[local] = (there.rpartition(".")[0] if original and there else home, original)
    blocks = [HEAD, *_render_imports(wanted), ""]
    for name in order:
        blocks += ["", known[name].text, ""]
    return "\n".join(blocks).rstrip("\n") + "\n"


STANDARD = {"collections.abc", "copy", "dataclasses", "itertools", "math", "operator", "typing"}


def _render_imports(wanted: Mapping[str, tuple[str, str]]) -> list[str]:
    sections: list[list[str]] = []
    for standard in (True, False):
        plain = sorted(
            f"import {module}" + (f" as {local}" if local != module else "")
            for local, (module, name) in wanted.items()
            if not name and (module in STANDARD) == standard
        )
        grouped: dict[str, list[str]] = {}
        for module, name in wanted.values():
            if name and (module in STANDARD) == standard:
                grouped.setdefault(module, []).append(name)
        lines = list(plain)
        for module, names in sorted(grouped.items()):
            flat = f"from {module} import {', '.join(sorted(names))}"
            if len(flat) > 100:
                inner = "".join(f"    {name},\n" for name in sorted(names))
                flat = f"from {module} import (\n{inner})"
            lines.append(flat)
        if lines:
            sections.append(lines)
    out: list[str] = []
    for lines in sections:
        out += [*([""] if out else []), *lines]
    return out


def names_in_file(path: Path) -> set[str]:
    """The layers that an existing layers file holds; nothing where there is none."""
    if not path.is_file():
        return set()
    tree = SourceFile.read(path).tree
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    } & set(units())
