"""Pairs of old and new classes, by module path and name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlmigrate.errors import UsageError
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.tree import nodes_in

#: Folders that are never the user's own code.
_FOREIGN = {".venv", "venv", ".git", "node_modules", "build", "dist", "__pycache__", ".tox"}


#: What becomes of a TF model that is still one, since Ray's new stack has no place for it.
TENSORFLOW = (
    "still a TensorFlow model: rewrite it for rlmigrate's own stack (`rlmigrate rewrite "
    "--target builtin`), or write its TorchRLModule, record this one where it runs (`rlmigrate "
    "record --emit recorder.py`, then `python recorder.py --framework tf2 ...`), and verify the "
    "recording against the module (`rlmigrate verify old.npz new.py:Module`)"
)


@dataclass(frozen=True)
class Tree:
    """A tree, a file, or one class of it."""

    root: Path
    files: tuple[Path, ...]
    only: str | None = None

    @classmethod
    def of(cls, text: str) -> Tree:
        """Read a tree's folder, a file, or `path/or.module:Class`.

        Raises:
            UsageError: there is no such file, folder or module.
        """
        path = Path(text)
        if path.is_dir():
            return cls(path, tuple(python_files(path)))
        if path.is_file():
            return cls(path.parent, (path,))
        place, colon, name = text.rpartition(":")
        if colon and name.replace(".", "").isidentifier():
            for file in (Path(place), *_module_files(place)):
                if file.is_file():
                    return cls(Path.cwd(), (file,), name)
        raise UsageError(
            f"{text} is no folder, no file and no module:Class; "
            "expected e.g. old/, models.py, models.py:MyModel or package.models:MyModel"
        )


def python_files(root: Path) -> Iterator[Path]:
    """Walk the Python files of a folder, leaving out environments and builds."""
    for path in sorted(root.rglob("*.py")):
        if not _FOREIGN.intersection(path.relative_to(root).parts[:-1]):
            yield path


def _module_files(module: str) -> Iterator[Path]:
    path = Path(*module.split("."))
    for base in (Path.cwd(), Path.cwd() / "src"):
        yield base / path.with_suffix(".py")
        yield base / path / "__init__.py"


_INSTALLED_BY = ("setup.py", "setup.cfg", "pyproject.toml")


@dataclass(frozen=True)
class Place:
    """Where a class is imported from: `module:Class` with folders for sys.path."""

    target: str
    paths: tuple[Path, ...]

    @property
    def qualified(self) -> str:
        """Dotted name."""
        return self.target.replace(":", ".")


@dataclass(frozen=True)
class Pair:
    """An old class and its counterpart; `problem` says why there is none."""

    name: str
    old: Place
    new: Place | None
    problem: str = ""


def import_place(file: Path, name: str, root: Path) -> Place:
    """Say how a class of a file is imported."""
    module, base = module_of(file)
    folders = dict.fromkeys([base.resolve(), root.resolve(), (root / "src").resolve()])
    return Place(f"{module}:{name}", tuple(f for f in folders if f.is_dir()))


def shown_name(file: Path, name: str, root: Path) -> str:
    """Name a class by its file's path in the tree: `models.nets.MyModel`."""
    try:
        parts = file.resolve().relative_to(root.resolve()).with_suffix("").parts
    except ValueError:
        parts = (file.stem,)
    kept = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join([*(part for part in kept if part != "src"), name])


def module_of(file: Path) -> tuple[str, Path]:
    """Give a file's module name and the folder from which it is imported.

    That is the folder above its packages, or the one that setup.py installs packages from.
    """
    parts = [] if file.name == "__init__.py" else [file.stem]
    folder = file.parent
    while (
        (folder / "__init__.py").exists()
        and folder.name.isidentifier()
        and not any((folder / name).exists() for name in _INSTALLED_BY)
    ):
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder


def find_pairs(old: Tree, new: Tree) -> tuple[list[Pair], RepoIndex]:
    """Match every legacy model class of the old tree with the new tree's class of that name."""
    index = RepoIndex.build(old.files, Settings())
    pairs = []
    for entry in sorted(index.classes.values(), key=lambda e: (str(e.path), e.line)):
        if entry.scope or index.legacy_kind(entry.qualified) != "model":
            continue
        if old.only and entry.name != old.only:
            continue
        source = import_place(entry.path, entry.name, old.root)
        name = shown_name(entry.path, entry.name, old.root)
        counterpart = _counterpart(entry.path, entry.name, old, new)
        if isinstance(counterpart, str):
            pairs.append(Pair(name, source, None, counterpart))
        elif index.framework(entry.qualified) == "tf" and _unchanged(
            entry.path, entry.name, old, new
        ):
            pairs.append(Pair(name, source, None, TENSORFLOW))
        else:
            pairs.append(Pair(name, source, counterpart))
    return pairs, index


def _target(file: Path, old: Tree, new: Tree) -> Path:
    if len(new.files) == 1:
        return new.files[0]
    return new.root / file.resolve().relative_to(old.root.resolve())


def _unchanged(file: Path, name: str, old: Tree, new: Tree) -> bool:
    """Tell whether a class stands in the new tree as it stood in the old one."""
    texts = [_class_text(file, name), _class_text(_target(file, old, new), new.only or name)]
    return texts[0] == texts[1]


def _class_text(file: Path, name: str) -> str:
    parsed = ast.parse(file.read_bytes())
    found = (n for n in nodes_in(parsed) if isinstance(n, ast.ClassDef) and n.name == name)
    return next(map(ast.dump, found), "")


def _counterpart(file: Path, name: str, old: Tree, new: Tree) -> Place | str:
    target = _target(file, old, new)
    wanted = new.only or name
    if not target.is_file():
        return f"the new tree has no {target}"
    try:
        names = set(defined_names(ast.parse(target.read_bytes())))
    except (SyntaxError, ValueError) as error:
        return f"{target} does not parse: {error}"
    if wanted not in names:
        return f"{target} defines no {wanted}"
    return import_place(target, wanted, new.root)


def find_class(tree: Tree, name: str) -> Place | None:
    """Find a class by name in a tree; the first file that defines it counts."""
    for file in tree.files:
        content = file.read_bytes()
        if name.encode() not in content:
            continue
        try:
            parsed = ast.parse(content)
        except (SyntaxError, ValueError):
            continue
        if name in set(defined_names(parsed, imports=False)):
            return import_place(file, name, tree.root)
    return None


def defined_names(tree: ast.Module, *, imports: bool = True) -> Iterator[str]:
    """Name the classes and variables that a module defines, and those it imports."""
    for node in nodes_in(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id
        elif isinstance(node, ast.ImportFrom) and imports:
            for alias in node.names:
                yield alias.asname or alias.name
