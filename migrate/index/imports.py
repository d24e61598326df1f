"""Names of one file, resolved to dotted names through its imports.

dotted        `a.b.c` of a chain of attributes
module_name   the dotted name under which a file is imported
ModuleNames   those of many files
ImportTable   local name to dotted name
shadowed      names that are imported in vain
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rlmigrate import eras
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

#: What `ray.rllib.utils.framework` hands out, by position in the tuple it returns.
FRAMEWORK_TUPLES: Mapping[str, tuple[str, ...]] = {
    "try_import_torch": ("torch", "torch.nn"),
    "try_import_tf": ("tensorflow.compat.v1", "tensorflow", "tensorflow_version"),
    "try_import_tfp": ("tensorflow_probability",),
    "try_import_jax": ("jax", "flax"),
}


RLLIB = ("ray.rllib.", "rllib.")


def dotted(node: ast.expr) -> str | None:
    """Write a chain of attributes on a name as `a.b.c`; None for any other expression.

    >>> dotted(ast.parse("nn.Module", mode="eval").body)
    'nn.Module'
    """
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


class ModuleNames:
    """Names files as their packages would import them, looking at each folder once."""

    def __init__(self) -> None:
        self._packages: dict[Path, tuple[str, ...]] = {}

    def __call__(self, path: Path) -> str:
        """Name a file, walking up while there is an `__init__.py`."""
        own = () if path.name == "__init__.py" else (path.stem,)
        return ".".join((*self._package(path.parent), *own)) or path.parent.name

    def _package(self, folder: Path) -> tuple[str, ...]:
        if folder not in self._packages:
            inside = folder.name.isidentifier() and (folder / "__init__.py").exists()
            found = (*self._package(folder.parent), folder.name) if inside else ()
            self._packages[folder] = found
        return self._packages[folder]


def module_name(path: Path) -> str:
    """Name one file as its package would import it."""
    return ModuleNames()(path)


@dataclass(frozen=True)
class ImportTable:
    """Local names of one file and what they stand for.

    `stars` are modules imported with `*`, `said` all modules that are named in full, `given` what
    other files of the repository hand on under names that are imported from them.
    """

    module: str = ""
    is_package: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    said: frozenset[str] = frozenset()
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: SourceFile,
        *,
        module: str = "",
        is_package: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> ImportTable:
        """Read every import of a file, wherever it stands, and its module-level aliases.

        Of two meanings of a name, as in `try` and `except ImportError`, RLlib's counts.
        """
        names: dict[str, str] = {}
        stars: list[str] = []
        said: set[str] = set()
        for plain in source.nodes(ast.Import):
            for alias in plain.names:
                head = alias.name.split(".")[0]
                names[alias.asname or head] = alias.name if alias.asname else head
                said.add(alias.name)
        for node in source.nodes(ast.ImportFrom):
            base = absolute(node, module=module, is_package=is_package)
            said |= {base, *(f"{base}.{a.name}" for a in node.names)} if not node.level else set()
            for alias in node.names:
                if alias.name == "*":
                    stars.append(base)
                    names.update(_starred(base))
                elif not names.get(alias.asname or alias.name, "").startswith(RLLIB):
                    names[alias.asname or alias.name] = f"{base}.{alias.name}"
        names.update(given or {})
        table = cls(module, is_package, names, tuple(stars), frozenset(said), given or {})
        for assigned in source.nodes(ast.Assign):
            if isinstance(assigned.value, ast.Call):
                names.update(table._framework_names(assigned, assigned.value))
                names.update(table._loaded_modules(assigned, assigned.value))
        names.update(table._aliases(source.tree.body))
        return table

    def qualified(self, node: ast.expr | None) -> str | None:
        """Resolve a name or a chain of attributes; None where its head is not imported."""
        head = node
        while head.__class__ is ast.Attribute:
            head = head.value  # type: ignore[union-attr]
        if node is None or head.__class__ is not ast.Name or head.id not in self.names:  # type: ignore[union-attr]
            return None  # most are not: their names need not be written out
        return self.resolve(dotted(node) or "")

    def resolve(self, written: str) -> str | None:
        """Resolve a dotted name as it is written in the file."""
        head, _, rest = written.partition(".")
        found = self.names.get(head)
        if found is None:
            return None
        return f"{found}.{rest}" if rest else found

    @cached_property
    def of_ray(self) -> Mapping[str, str]:
        """The local names that stand for Ray or a part of it."""
        names = self.names.items()
        return {local: to for local, to in names if to == "ray" or to.startswith("ray.")}

    def local_names(self, qualified: str) -> list[str]:
        """Names under which this file knows `qualified`."""
        return sorted(name for name, target in self.names.items() if target == qualified)

    def _framework_names(self, node: ast.Assign, call: ast.Call) -> Iterable[tuple[str, str]]:
        """Names bound by `torch, nn = try_import_torch()` and its kin."""
        called = (self.qualified(call.func) or "").rpartition(".")[2]
        targets = FRAMEWORK_TUPLES.get(called)
        if targets is None:
            return
        for target in node.targets:
            if isinstance(target, ast.Tuple):
                for element, meaning in zip(target.elts, targets, strict=False):
                    if isinstance(element, ast.Name):
                        yield element.id, meaning
            elif isinstance(target, ast.Name):
                yield target.id, targets[0]

    def _loaded_modules(self, node: ast.Assign, call: ast.Call) -> Iterable[tuple[str, str]]:
        """Names bound by `module = importlib.import_module("package.module")`."""
        if self.qualified(call.func) == "importlib.import_module" and len(call.args) == 1:
            said = call.args[0]
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                for target in node.targets:
                    if isinstance(target, ast.Name) and not said.value.startswith("."):
                        yield target.id, said.value

    def _aliases(self, body: list[ast.stmt]) -> Iterable[tuple[str, str]]:
        """Module-level `Short = imported.Long`, unless the name is bound more than once."""
        bound: dict[str, list[ast.expr]] = {}
        for node in body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        bound.setdefault(target.id, []).append(node.value)
        for name, values in bound.items():
            found = self.qualified(values[0]) if len(values) == 1 else None
            if found is not None and name not in self.names:
                yield name, found


def _starred(module: str) -> Iterable[tuple[str, str]]:
    """Names that `from module import *` brings, as far as they are known: RLlib's."""
    if module.startswith("ray."):
        for name in eras.names():
            home, _, last = name.rpartition(".")
            if home == module:
                yield last, name


def shadowed(source: SourceFile) -> frozenset[str]:
    """Names that a file imports at its top and defines anew before anything reads them.

    >>> text = "from rnn import Net, Old\\nprint(Old)\\nclass Net: pass\\nclass Old: pass\\n"
    >>> sorted(shadowed(SourceFile.from_text(text)))
    ['Net']
    """
    imported: set[str] = set()
    found: set[str] = set()
    read: set[str] = set()
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {a.asname or a.name.partition(".")[0] for a in node.names}
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            head: list[ast.AST] = [*node.decorator_list]
            head += node.bases if isinstance(node, ast.ClassDef) else [node.args]
            found |= {node.name} & (imported - read - _names(head))
            imported.discard(node.name)
        read |= _names([node])
    return frozenset(found)


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    return {each.id for node in nodes for each in nodes_in(node) if isinstance(each, ast.Name)}


def absolute(node: ast.ImportFrom, *, module: str, is_package: bool) -> str:
    """Name the module that a `from ... import` reads, relative ones from the file's own name."""
    if not node.level:
        return node.module or ""
    parts = module.split(".") if module else []
    keep = len(parts) - node.level + (1 if is_package else 0)
    return ".".join([*parts[: max(keep, 0)], *([node.module] if node.module else [])])
