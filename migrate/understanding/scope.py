"""Where a class is read: names, parents, and what was found so far.

Scope             one class while it is being read
constant_key      the string constant that an expression is, SampleBatch's names included
self_attribute    the attribute name of `self.x`
asked_by_name     whether a class names an attribute in getattr and its kin
attributes_set    the attributes that a part of a class assigns
names_bound       the plain names that a part of a tree assigns
class_constants   the names that a class body assigns
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.facts import Mark, Problem

if TYPE_CHECKING:
    from rlmigrate.migrate.understanding.definitions import Definitions
    from rlmigrate.migrate.understanding.kin import Kin, Relative

#: Values of SampleBatch's names, as far as models read them.
BATCH_NAMES = {
    "OBS": "obs",
    "CUR_OBS": "obs",
    "NEXT_OBS": "new_obs",
    "ACTIONS": "actions",
    "REWARDS": "rewards",
    "PREV_ACTIONS": "prev_actions",
    "PREV_REWARDS": "prev_rewards",
    "DONES": "dones",
    "TERMINATEDS": "terminateds",
    "TRUNCATEDS": "truncateds",
    "INFOS": "infos",
    "SEQ_LENS": "seq_lens",
    "EPS_ID": "eps_id",
    "AGENT_INDEX": "agent_index",
    "T": "t",
    "VF_PREDS": "vf_preds",
    "ACTION_DIST_INPUTS": "action_dist_inputs",
}


@dataclass
class Scope:
    """One class while it is being read; `marks` and `problems` grow.

    `kin` are its relatives in the repository; None where it has none.
    """

    node: ast.ClassDef
    file: FileEntry
    kin: Kin | None = None
    framework: str | None = "torch"
    q_model: bool = False  # DQN or SAC trains it
    sac: bool = False  # SAC does
    handing: set[str] = field(default_factory=set)  # helpers that hand on what they set
    raw: bool = False  # configs switch the preprocessors off
    plain: bool = False  # observations are surely Boxes that no preprocessor changed
    marks: list[Mark] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    methods: dict[str, ast.FunctionDef] = field(default_factory=dict)
    handled: set[int] = field(default_factory=set)
    served: set[str] = field(default_factory=set)  # methods of ModelV2 that have a place
    net_base: str = ""  # the net of RLlib that it inherits from
    staying: set[str] = field(default_factory=set)  # attributes that forward goes on setting
    constants: Callable[[str], str | None] = field(default=lambda written: None)
    definitions: Definitions = field(default=lambda file, written: None)

    def __post_init__(self) -> None:
        for parent in nodes_in(self.node):
            for child in ast.iter_child_nodes(parent):
                self.parents[child] = parent
        self.methods = {m.name: m for m in self.node.body if isinstance(m, ast.FunctionDef)}

    @property
    def line(self) -> tuple[Relative, ...]:
        """The class and the models of the repository that it inherits from, nearest first."""
        return (self.kin.own, *self.kin.bases) if self.kin is not None else ()

    def problem(self, node: ast.AST, text: str) -> None:
        """Note why the class cannot become native."""
        found = Problem(getattr(node, "lineno", self.node.lineno), text)
        if found not in self.problems:
            self.problems.append(found)

    def mark(self, kind: str, node: ast.AST, detail: str = "", **data: object) -> None:
        """Note a place that must change."""
        self.marks.append(Mark(kind, node, detail, data))

    def qualified(self, node: ast.expr) -> str | None:
        """Resolve a name through the imports of the file."""
        return self.file.imports.qualified(node)

    def rllib(self, node: ast.expr) -> str | None:
        """The dotted name of something of RLlib; None for anything else."""
        found = self.qualified(node)
        return found if found and found.startswith(("ray.rllib.", "rllib.")) else None

    def parent(self, node: ast.AST) -> ast.AST:
        """The node that holds `node`."""
        return self.parents.get(node, self.node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that hold `node`, nearest first, up to the class."""
        while node is not self.node and node in self.parents:
            node = self.parents[node]
            yield node

    def handle(self, node: ast.AST) -> None:
        """Note that a whole expression is dealt with, names inside it included."""
        self.handled.update(id(child) for child in nodes_in(node))

    def key_of(self, node: ast.expr) -> str | None:
        """The key that a subscript names: a string, or one of SampleBatch's names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        written = dotted(node) or ""
        owner, _, name = written.rpartition(".")
        if owner and (self.file.imports.resolve(owner) or owner).endswith("SampleBatch"):
            return BATCH_NAMES.get(name, name)
        if owner in {"self", "cls", self.node.name}:
            return self._constant(name)
        return self.constants(written) if written else None

    def _constant(self, name: str) -> str | None:
        """The string that a class attribute is set to, once and for all."""
        found = [
            statement.value
            for statement in self.node.body
            if isinstance(statement, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == name for t in statement.targets)
        ]
        kept = found[0] if len(found) == 1 else None
        return kept.value if isinstance(kept, ast.Constant) and type(kept.value) is str else None


def asked_by_name(node: ast.AST, attribute: str) -> bool:
    """Say whether a class names an attribute in getattr, hasattr, setattr or delattr."""
    return any(
        isinstance(call, ast.Call)
        and dotted(call.func) in {"getattr", "hasattr", "setattr", "delattr"}
        and any(isinstance(a, ast.Constant) and a.value == attribute for a in call.args)
        for call in nodes_in(node)
    )


def attributes_set(part: ast.AST) -> set[str]:
    """Names of the `self.x` that a part of a class assigns."""
    return {
        name
        for node in nodes_in(part)
        if (name := self_attribute(node)) and isinstance(getattr(node, "ctx", None), ast.Store)
    }


def names_bound(part: ast.AST) -> set[str]:
    """Plain names that a part of a tree assigns."""
    return {
        node.id
        for node in nodes_in(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def class_constants(node: ast.ClassDef) -> set[str]:
    """Names that the body of a class assigns."""
    return {
        target.id
        for item in node.body
        if isinstance(item, ast.Assign)
        for target in item.targets
        if isinstance(target, ast.Name)
    }


def self_attribute(node: ast.AST) -> str | None:
    """The name `x` of `self.x`; None for anything else."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "self" else None
    return None


def body_without_docstring(node: ast.FunctionDef) -> list[ast.stmt]:
    """Statements of a function after its docstring."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.body[1:] if documented and isinstance(first.value.value, str) else node.body  # type: ignore[attr-defined]


def parameters(node: ast.FunctionDef) -> list[ast.arg]:
    """Named parameters of a function, `self` left out."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs][1:]


def names_in(node: ast.AST) -> set[str]:
    """Every plain name that occurs in a node."""
    return {n.id for n in nodes_in(node) if isinstance(n, ast.Name)} | {
        a.arg for a in nodes_in(node) if isinstance(a, ast.arg)
    }
