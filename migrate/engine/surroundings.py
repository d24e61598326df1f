"""What a file's imports mean to the rest of its repository.

Surroundings   the file's own name, the repository's, and who imports what from it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rlmigrate.migrate.index import RepoIndex


@dataclass(frozen=True)
class Surroundings:
    """One file among others; nothing is known of a file that no index holds.

    `roots` are first parts of the repository's own module names.
    """

    path: Path
    index: RepoIndex | None = None
    module: str = ""
    roots: frozenset[str] = frozenset()

    @classmethod
    def of(cls, path: Path, index: RepoIndex) -> Surroundings:
        """Look a file up in its repository's index."""
        entry = index.files.get(path)
        module = entry.module if entry else ""
        names = (*index.modules, *index.spoken.values(), module)
        return cls(path, index, module, frozenset(name.split(".")[0] for name in names if name))

    @property
    def is_package(self) -> bool:
        """Whether the file is a package's own."""
        return self.path.name == "__init__.py"

    def is_neighbour(self, module: str) -> bool:
        """Tell whether a module is a file of the repository in this file's folder."""
        if self.index is None:
            return False
        home, _, last = module.rpartition(".")
        own = {self.module, self.index.spoken.get(self.path, self.module)}
        packages = own if self.is_package else {name.rpartition(".")[0] for name in own}
        known = module in self.index.modules or module in self.index.spoken.values()
        return home in packages and (known or last.startswith("rlmigrate_"))

    def gives(self, name: str) -> bool:
        """Tell whether another file imports `name` from this one."""
        if self.index is None or not self.module:
            return False
        wanted = {f"{self.module}.{name}", f"{self.index.spoken.get(self.path)}.{name}"}
        return any(
            target in wanted
            for other in self.index.files.values()
            if other.path != self.path
            for target in other.imports.names.values()
        )

    def star_brings(self, module: str, name: str) -> bool:
        """Tell whether `from module import *` binds a class of the repository."""
        if self.index is None or name.startswith("_"):
            return False
        found = self.index.class_named(f"{module}.{name}")
        return found is not None and "__all__" not in self.index.source_of(found.path).text
