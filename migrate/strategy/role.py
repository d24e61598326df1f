"""Which protocol a bridged Q-model is to speak: that of its base, or a policy's.

role_of   "policy" where only policy-gradient algorithms train a model on DQN's or SAC's base
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex

#: Bases of models that carry the heads of a Q-algorithm.
Q_BASES = frozenset({"DQNTorchModel", "SACTorchModel", "RNNSACTorchModel", "DDPGTorchModel"})

POLICY_GRADIENT = frozenset(
    {"A2C", "A3C", "APPO", "BC", "DDPPO", "IMPALA", "Impala", "MARWIL", "PG", "PPO"}
)
Q_LEARNING = frozenset(
    {"APEX", "APEX_DDPG", "ApexDDPG", "ApexDQN", "CQL", "DDPG", "DQN", "QMIX", "R2D2", "RNNSAC"}
    | {"SAC", "SimpleQ", "TD3", "Rainbow"}
)


def role_of(index: RepoIndex, qualified: str) -> str | None:
    """Return the `role` that wrap_model must be told; None where the class itself tells."""
    bases = {base.rpartition(".")[2] for base in index.bases_of(qualified)}
    if not bases & Q_BASES:
        return None
    found = {name for file in _naming(index, qualified) for name in _algorithms(index, file)}
    return "policy" if found and found <= POLICY_GRADIENT else None


def _naming(index: RepoIndex, qualified: str) -> Iterator[FileEntry]:
    """Files that define or import a class."""
    own = index.class_named(qualified)
    for file in index.files.values():
        imported = (index.class_named(target) for target in file.imports.names.values())
        if own is not None and (file.path == own.path or own in imported):
            yield file


def _algorithms(index: RepoIndex, file: FileEntry) -> Iterator[str]:
    """Algorithms that a file imports or names for running, not those it only compares with."""
    source = index.source_of(file.path)
    words = [target.rpartition(".")[2] for target in file.imports.names.values()]
    words += [
        each.value
        for call in source.nodes(ast.Call)
        for each in (*call.args, *(k.value for k in call.keywords))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    words += [
        each.value.value
        for each in source.nodes(ast.Assign)
        if isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
    ]
    for word in words:
        name = word.removesuffix("Trainer").removesuffix("Config")
        if name in POLICY_GRADIENT | Q_LEARNING:
            yield name
