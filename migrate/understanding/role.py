"""Which protocol a model is to speak: that of its base, or of the algorithms that train it.

role_of       "policy" or "dqn" where wrap_model must be told; None where the class itself tells
is_q_model    say whether a model becomes DQN's module
is_sac_model  say whether it becomes SAC's
has_q_heads   say whether the new class has DQN's heads, bridged or not
check_q       refuse what DQN's or SAC's module has no place for
body_without_values   the class without value_function(), which DQN never calls
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from rlmigrate.migrate.index.configured import knowing
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Parameter
from rlmigrate.migrate.understanding.scope import Scope

#: Bases of models that carry the heads of DQN, the last under its name until Ray 0.8.
DQN_BASES = frozenset({"DQNTorchModel", "DistributionalQTFModel", "DistributionalQModel"})
#: Bases of models that carry the heads of a Q-algorithm.
Q_BASES = DQN_BASES | {
    *("SACTorchModel", "SACTFModel", "RNNSACTorchModel", "DDPGTorchModel"),
}

POLICY_GRADIENT = frozenset(
    {"A2C", "A3C", "APPO", "BC", "DDPPO", "IMPALA", "Impala", "MARWIL", "PG", "PPO"}
)
#: Algorithms whose Learner is DQN's.
DQN_LIKE = frozenset({"APEX", "ApexDQN", "DQN", "Rainbow", "SimpleQ"})
Q_LEARNING = DQN_LIKE | {"APEX_DDPG", "ApexDDPG", "CQL", "DDPG", "QMIX", "R2D2", "RNNSAC"}
Q_LEARNING |= {"SAC", "TD3"}

#: Methods of DQNTorchModel that a model may override, and what its constructor takes.
Q_METHODS = frozenset({"get_q_value_distributions", "get_state_value"})
Q_ARGUMENTS = frozenset(
    {"q_hiddens", "dueling", "dueling_activation", "num_atoms", "use_noisy", "v_min", "v_max"}
    | {"sigma0", "add_layer_norm"}
)


#: The same for SAC.
SAC_BASES = frozenset({"SACTorchModel"})
SAC_METHODS = frozenset({"build_policy_model", "build_q_model"})
SAC_ARGUMENTS = frozenset(
    {"policy_model_config", "q_model_config", "twin_q", "initial_alpha", "target_entropy"}
)
#: Methods by which SAC's loss asked its model.
SAC_ASKS = frozenset(
    {"get_q_values", "get_twin_q_values", "get_action_model_outputs", "_get_q_value"}
    | {"policy_variables", "q_variables"}
)


def role_of(index: RepoIndex, qualified: str) -> str | None:
    """Return the `role` that wrap_model must be told; None where the class itself tells."""
    found = _trained_by(index, qualified)
    if not found:
        return None
    if _bases(index, qualified) & Q_BASES:
        return "policy" if found <= POLICY_GRADIENT else None
    return "dqn" if found <= DQN_LIKE else None


def is_q_model(index: RepoIndex, qualified: str) -> bool:
    """Say whether DQN alone trains a model, or nobody says who does one on DQN's base."""
    framework = index.framework(qualified)
    if framework is None:
        return False
    based = bool(_bases(index, qualified) & DQN_BASES)
    found = _trained_by(index, qualified)
    own = index.class_named(qualified)
    if framework == "tf" and own is not None and "value_function" in own.methods and not based:
        return False  # Ray's own examples name DQN as what a command line may change
    return found <= DQN_LIKE and (based or bool(found))


def is_sac_model(index: RepoIndex, qualified: str) -> bool:
    """Say whether a torch model on SAC's base is trained with SAC, or nobody says with what."""
    bases = _bases(index, qualified)
    if index.framework(qualified) != "torch" or not bases & SAC_BASES:
        return False
    return "RNNSACTorchModel" not in bases and _trained_by(index, qualified) <= {"SAC"}


def has_q_heads(index: RepoIndex, qualified: str) -> bool:
    """Say whether a class, bridged or native, comes with DQN's heads on the new stack."""
    role = role_of(index, qualified)
    based = bool(_bases(index, qualified) & DQN_BASES)
    return is_q_model(index, qualified) or role == "dqn" or (based and role is None)


def _bases(index: RepoIndex, qualified: str) -> set[str]:
    return {base.rpartition(".")[2] for base in index.bases_of(qualified)}


def _trained_by(index: RepoIndex, qualified: str) -> frozenset[str]:
    """Algorithms that the files name in which a class is defined, imported or configured."""
    files = _naming(index, qualified)
    return frozenset().union(*(_algorithms(index, file.path) for file in files))


def _naming(index: RepoIndex, qualified: str) -> Iterator[FileEntry]:
    own = index.class_named(qualified)
    if own is None:
        return
    names = {qualified} | {
        name
        for name, entry in index.registrations.items()
        if entry.class_name is not None and index.class_named(entry.class_name) == own
    }
    known_in = {file.path for file in knowing(index, own)}
    for file in index.files.values():
        if file.path in known_in or any(name in names for name, _ in file.trained):
            yield file


@lru_cache(maxsize=4096)
def _algorithms(index: RepoIndex, path: Path) -> frozenset[str]:
    """Algorithms that a file imports or names for running, not those it only compares with."""
    source = index.source_of(path)
    imported = index.files[path].imports
    words = [target.rpartition(".")[2] for target in imported.names.values()]
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
    short = {word.removesuffix("Trainer").removesuffix("Config") for word in words}
    return frozenset(short & (POLICY_GRADIENT | Q_LEARNING))


def body_without_values(node: ast.ClassDef) -> ast.ClassDef:
    """Copy a class without its value_function()."""
    kept = copy.copy(node)
    kept.body = [s for s in node.body if getattr(s, "name", "") != "value_function"]
    return kept


def check_q(scope: Scope, own: list[Parameter], *, kin: bool, states: bool, views: bool) -> None:
    """Note what DQN's or SAC's module has no place for."""
    algorithm = "SAC" if scope.sac else "DQN"
    if kin:
        scope.problem(scope.node, f"shares a base and is trained with {algorithm}")
    if scope.net_base and scope.framework == "tf":
        scope.problem(scope.node, "extends a net of RLlib and is trained with DQN")
    if states:
        scope.problem(scope.node, f"has states, which {algorithm}'s loss never gave its model")
    if views:
        scope.problem(
            scope.node,
            "reads columns beside the observation, which DQN's loss never gave its model",
        )
    for name in sorted({p.name for p in own} & (frozenset() if scope.sac else Q_ARGUMENTS)):
        scope.problem(scope.node, f"takes DQN's {name} by itself")
    if scope.sac:
        _check_sac(scope)
    if not any(mark.kind == "super_setup" for mark in scope.marks) and "__init__" in scope.methods:
        scope.problem(scope.methods["__init__"], "does not call the constructor of its base")


def _check_sac(scope: Scope) -> None:
    """Note what SAC's module does otherwise: how it asks its nets, and what it builds them of."""
    for name in sorted(SAC_ASKS & set(scope.methods)):
        scope.problem(scope.methods[name], f"overrides {name}, by which SAC asked its nets")
    for name in sorted(SAC_METHODS & set(scope.methods)):
        for node in nodes_in(scope.methods[name]):
            value = node.value if isinstance(node, ast.Return) else None
            if isinstance(node, ast.Return) and not _is_super(value, name):
                scope.problem(node, f"builds a net of its own in {name}")


def _is_super(node: ast.expr | None, method: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == method
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super"
    )


__all__ = [
    "Q_METHODS",
    "SAC_METHODS",
    "body_without_values",
    "check_q",
    "has_q_heads",
    "is_q_model",
    "is_sac_model",
    "role_of",
]
