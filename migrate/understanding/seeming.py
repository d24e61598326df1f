"""Classes that may be models of the old stack though nothing shows that they are.

why_seeming   why a class is reported; None for one that is what it seems
is_known      whether what a registration names is rewritten, or was
"""

from __future__ import annotations

import ast
from functools import lru_cache

from rlmigrate.migrate.index.entries import ClassEntry, FileEntry
from rlmigrate.migrate.index.repo import RepoIndex

#: Where bases come from that make no model by themselves.
PLAIN = ("torch.", "abc.", "typing.", "typing_extensions.", "ray.", "tensorflow.", "keras.")


def why_seeming(index: RepoIndex, entry: ClassEntry, node: ast.ClassDef) -> tuple[str, bool] | None:
    """Say why a class may be a model, and whether it is registered as one.

    `forward(self, input_dict, state, seq_lens)` is told by its last parameter; it counts only
    where a base is out of sight.
    """
    if index.legacy_kind(entry.qualified) is not None or _is_new(node):
        return None
    strange = [base for base in index.bases_of(entry.qualified) if _is_strange(index, base)]
    base = f"its base {strange[0]} is not in sight" if strange else "no base of it is RLlib's"
    if entry in _registered(index):
        return f"is registered as a model, but {base}", True
    if strange and any(_takes_seq_lens(method) for method in node.body):
        return f"looks like a model of the old stack, but {base}", False
    return None


def is_known(index: RepoIndex, file: FileEntry, class_name: str | None) -> bool:
    """Tell whether a registered class is a model that is rewritten, or a module by now."""
    if class_name is None:
        return False
    if index.legacy_kind(class_name) in ("model", "module"):
        return True
    home, _, name = class_name.rpartition(".")
    owner = index.module_named(home) if home else file
    wrapped = owner.wrapped if owner is not None else frozenset()
    return any(each.rpartition(".")[2] == f"Legacy{name}" for each in wrapped)


@lru_cache(maxsize=8)
def _registered(index: RepoIndex) -> frozenset[ClassEntry | None]:
    """The classes that are registered as models, as far as the source tells them."""
    return frozenset(
        index.class_named(entry.class_name)
        for file in index.files.values()
        for entry in file.registrations
        if entry.kind == "model" and entry.class_name is not None
    )


def _is_strange(index: RepoIndex, base: str) -> bool:
    known = index.class_named(base) is not None or base.startswith(PLAIN)
    return not known and ("." in base or "(" in base)


def _is_new(node: ast.ClassDef) -> bool:
    named = {method.name for method in node.body if isinstance(method, ast.FunctionDef)}
    return bool(named & {"setup", "_forward", "_forward_train", "_forward_inference"})


def _takes_seq_lens(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.FunctionDef)
        and node.name == "forward"
        and [a.arg for a in node.args.args][-1:] == ["seq_lens"]
    )
