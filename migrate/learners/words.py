"""Old names inside the functions that a policy learned by, and what the new stack calls them.

LearnerWords   one function; what it cannot say gets a marker, and nothing is refused
Place          which of them is written
Surroundings   what is known of the policy around a function
constants      strings that a file gives a name to
whole_method   the text of a method, or of one that says where its code was left
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from rlmigrate.migrate.configs.keys import HOME
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.engine.todo import render
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.rewriting import KeyRead, Piece, Rewriting, reindent
from rlmigrate.migrate.policies.words import COLUMNS, VALUES
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring
from rlmigrate.migrate.understanding.vocabulary import CUSTOM_CONFIG

CODE = "RLM205"
#: Attributes of policies, and where PPO's Learner has them.
PPO = {
    "kl_coeff": "self.curr_kl_coeffs_per_module[module_id]",
    "entropy_coeff": "self.entropy_coeff_schedulers_per_module[module_id].get_current_value()",
}
#: Old config keys whose attribute has another name.
RENAMED = {
    "lambda": "lambda_",
    "num_sgd_iter": "num_epochs",
    "sgd_minibatch_size": "minibatch_size",
}
SHARED = ("ray.rllib.utils.", "ray.rllib.core.", "ray.rllib.env.")


class Place(StrEnum):
    """Where a function's code goes."""

    LOSS = "loss"
    OPTIMIZER = "optimizer"
    EPISODES = "postprocess"
    HELPER = "helper"


@dataclass
class Surroundings:
    """The policy around a function.

    ppo: its Learner is PPO's.
    methods: helpers that move along.
    of_modules: methods that every module for it has.
    mixins: classes whose constructors set only `aliases`.
    columns: what batches hold besides the columns that all have.
    settings: attributes of the algorithm's config.
    states: attributes that the Learner keeps for each module.
    given: attributes that the constructor set for good, and to what.
    aliases: attributes that are something of the model.
    stats: under which names the values that the loss kept are logged.
    joined: connectors that the Learner puts among its own.
    asked, wanted: collect keys that no config has, and columns that no batch has.
    """

    source: SourceFile
    file: FileEntry
    names: Names
    ppo: bool = False
    methods: frozenset[str] = frozenset()
    of_modules: frozenset[str] = frozenset()
    mixins: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset(HOME)
    states: frozenset[str] = frozenset()
    given: Mapping[str, ast.expr] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    stats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)


class LearnerWords(Rewriting):
    """One function; `notes` are what a person has to settle, by line."""

    place = Place.HELPER

    def __init__(
        self, around: Surroundings, function: ast.FunctionDef, roles: Mapping[str, str]
    ) -> None:
        super().__init__(around.source)
        self.around = around
        self.file = around.file
        self.names = around.names
        self.function = function
        self.roles = dict(roles)
        self.notes: dict[int, list[str]] = {}
        self.statements = [n for n in nodes_in(function) if isinstance(n, ast.stmt)]
        self.constants = constants(around.source)

    def written(self, indent: str) -> str:
        """The body at an indentation, with a marker above each statement that needs a person."""
        statements = body_without_docstring(self.function)
        self.notes = {}
        pieces = [piece for each in statements for piece in self.pieces(each)]
        last = statements[-1].end_lineno or statements[-1].lineno
        span = self.source.line_span(self._first(statements[0]), last)
        text = self.within(span, [*pieces, *self._markers(pieces)]).replace("\r\n", "\n")
        text = text if not text or text.endswith("\n") else text + "\n"
        return reindent(text, self._column(statements[0]), indent)

    def _first(self, statement: ast.stmt) -> int:
        """The line of a statement, or of the comments above it."""
        line = statement.lineno
        while line > 1:
            span = self.source.line_span(line - 1, line - 1)
            if not self.source.text[span.start : span.end].lstrip().startswith("#"):
                break
            line -= 1
        return line

    def _markers(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The notes as comments above their statements, or above what replaces those."""
        texts: dict[int, list[str]] = {}
        for line, notes in self.notes.items():
            at = self.source.line_span(line, line).start
            for span, _ in pieces:
                if span.start < at < span.end:
                    within = self.source.line_of(span.start)
                    at = self.source.line_span(within, within).start
            texts.setdefault(at, []).extend(notes)
        marks: list[Piece] = []
        for at, notes in texts.items():
            rest = self.source.text[at:]
            indent = rest[: len(rest) - len(rest.lstrip(" \t"))]
            lines = "".join(render(CODE, each, indent) for each in dict.fromkeys(notes))
            marks.append((Span(at, at), lines))
        return marks

    def note(self, node: ast.AST, text: str) -> None:
        """Mark the statement around a node."""
        line = getattr(node, "lineno", self.function.lineno)
        around = [s for s in self.statements if s.lineno <= line <= (s.end_lineno or s.lineno)]
        start = max((s.lineno for s in around), default=line)
        if text not in self.notes.setdefault(start, []):
            self.notes[start].append(text)

    def role(self, node: ast.AST | None) -> str | None:
        """What a name is: "policy", "model", "dist_class", "batch", or nothing of these."""
        if isinstance(node, ast.Name):
            return self.roles.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "model":
            return "model" if self.role(node.value) == "policy" else None
        return None

    def replacement(self, node: ast.AST) -> str | None:
        """Ask `on_...` for the node's type."""
        handler = getattr(self, f"on_{type(node).__name__}", None)
        return handler(node) if handler is not None else None

    @property
    def config(self) -> str:
        """Where the config of the algorithm is."""
        return "self.config"

    @property
    def owner(self) -> str:
        """What the attributes of the policy belong to now."""
        return "self"

    def on_Name(self, node: ast.Name) -> str | None:
        """Parameters under their new names, and names of RLlib that are gone."""
        role = self.roles.get(node.id)
        if role == "model":
            self.note(node, "this is given the module now; see what it asks of it")
            return "module"
        if role == "policy":
            self.note(node, "this took the policy; move it here, and give it what it asks for")
            return "self"
        return self.of_ray(node)

    def of_ray(self, node: ast.Name | ast.Attribute) -> str | None:
        """Mark what belongs to the old stack."""
        found = self.file.imports.qualified(node) or ""
        if found.startswith("ray.rllib.") and not found.startswith(SHARED):
            self.note(node, f"{found.rpartition('.')[2]} belongs to the old stack")
        return None

    def key(self, node: ast.expr) -> str | None:
        """The string behind a key, names of SampleBatch and Postprocessing included."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.constants[node.id]
        whole = self.file.imports.qualified(node) or ""
        if whole.startswith("ray.rllib.") and whole.endswith(".PRIO_WEIGHTS"):
            return "weights"
        owner, _, name = (dotted(node) or "").rpartition(".")
        found = self.file.imports.resolve(owner) or owner if owner else ""
        if name.isupper() and found.endswith(("SampleBatch", "Postprocessing")):
            return VALUES.get(name, name.lower())
        return None

    def column(self, key: str) -> str:
        """A key as the new stack writes it."""
        key = {"dones": "terminateds"}.get(key, key)
        known = COLUMNS.get(key)
        return f"{self.names.core('Columns')}.{known}" if known else f'"{key}"'

    def column_read(self, node: ast.AST, key: str) -> None:
        """Say what a column needs that no batch of the new stack has."""
        if key.startswith("prev_"):
            self.note(node, f"{key} is in the batch only if a connector puts it there")

    def on_Attribute(self, node: ast.Attribute) -> str | None:
        """Columns, and what the policy and its model have."""
        key = self.key(node)
        if key is not None:
            self.column_read(node, key)
            return self.column(key)
        role = self.role(node.value)
        if self.role(node) == "model":
            self.note(node, "this is given the module now; see what it asks of it")
            return "module"
        if role == "policy":
            return self.of_policy(node)
        if role == "model":
            return self.of_model(node)
        return self.of_ray(node) if dotted(node) else None

    def of_model(self, node: ast.Attribute) -> str:
        """An attribute of the model is one of the module."""
        if node.attr in {"tower_stats", "is_time_major"}:
            self.note(node, f"modules have no {node.attr}")
        elif node.attr not in self.around.of_modules:
            self.note(node, f"see that the module has {node.attr}, and that it needs no forward")
        return f"module.{node.attr}"

    def of_policy(self, node: ast.Attribute) -> str | None:
        """An attribute of the policy is one of the Learner, or of its module."""
        name = node.attr
        if name in {"action_space", "observation_space"}:
            return f"module.{name}"
        if name == "device":
            of_module = self.owner == "module"
            return "next(module.parameters()).device" if of_module else "self._device"
        if name == "cur_lr":
            return f"{self.config}.lr"
        if name == "config":
            self.note(node, "this takes the config as a whole, which is an AlgorithmConfig now")
            return self.config
        if name in self.around.aliases:
            return f"module.{self.around.aliases[name]}"
        if name in self.around.given and isinstance(node.ctx, ast.Load):
            value = self.around.given[name]
            return f"self.{name}" if isinstance(value, ast.Constant) else self.config_text(value)
        if name in self.around.states and self.place is Place.LOSS:
            return f"self.{name}[module_id]"
        if name not in self.around.methods and not isinstance(node.ctx, ast.Store):
            self.note(node, f"the policy had {name}, find it a place")
        return f"{self.owner}.{name}"

    def on_Compare(self, node: ast.Compare) -> str | None:
        """`"key" in policy.config`."""
        asks = isinstance(node.ops[0], ast.In | ast.NotIn) and len(node.ops) == 1
        key = self.key(node.left)
        if not asks or key is None or not self._is_config(node.comparators[0]):
            return None
        there = isinstance(node.ops[0], ast.In)
        if RENAMED.get(key, key) in self.around.settings:
            return str(there)
        return f'"{key}" {"in" if there else "not in"} {self.config}.learner_config_dict'

    def _is_config(self, node: ast.expr) -> bool:
        """`policy.config`, or a name for it."""
        owned = isinstance(node, ast.Attribute) and node.attr == "config"
        whole = isinstance(node, ast.Attribute) and owned and self.role(node.value) == "policy"
        return whole or self.role(node) == "config"

    def on_Subscript(self, node: ast.Subscript) -> str | None:
        """Keys of the config."""
        return self.config_text(node)

    def on_Call(self, node: ast.Call) -> str | None:
        """Keys of the config, with a default."""
        return self.config_text(node)

    def config_text(self, node: ast.expr) -> str | None:
        """Where a key of the old config is read now."""
        steps = self._steps(node)
        if not steps:
            return None
        (key, default), rest = steps[0], steps[1:]
        if key == "model" and rest and rest[0][0] in CUSTOM_CONFIG:
            rest = rest[1:]
        if key == "model":
            return "module.model_config" + _written(rest)
        key = RENAMED.get(key, key)
        if key in self.around.settings:
            return f"{self.config}.{key}" + _written(rest)
        self.around.asked.add(key)
        return f"{self.config}.learner_config_dict" + _written([(key, default), *rest])

    def _steps(self, node: ast.expr) -> list[tuple[str, str | None]]:
        read = KeyRead.of(node)
        if read is None:
            return []
        owner, index, call = read
        default = None
        if call is not None:
            default = self.text(call.args[1]) if len(call.args) > 1 else "None"
        whole = self._is_config(owner)
        if isinstance(owner, ast.Name) and owner.id == "config" and self.around.given:
            whole = True  # in what the constructor set
        before = [] if whole else self._steps(owner)
        key = self.key(index)
        if key is None or (not whole and not before):
            return []
        return [*before, (key, default)]


@lru_cache(maxsize=8)
def constants(source: SourceFile) -> Mapping[str, str]:
    """Strings that a file gives a name to, once."""
    found: dict[str, list[str | None]] = {}
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            told = value if isinstance(value, str) else None
            found.setdefault(node.targets[0].id, []).append(told)
    return {name: told[0] for name, told in found.items() if len(told) == 1 and told[0] is not None}


def _written(steps: Sequence[tuple[str, str | None]]) -> str:
    return "".join(
        f'["{key}"]' if default is None else f'.get("{key}", {default})' for key, default in steps
    )


def whole_method(method: str, function: ast.FunctionDef) -> str:
    """Return a method that can be parsed; one that cannot is left where it was."""
    try:
        ast.parse(f"class _:\n{method}")
    except SyntaxError:
        head = method[: method.index(":\n") + 2]
        return (
            f"{head}        # TODO(rlmigrate {CODE}): move {function.name}() of the policy here.\n"
            "        raise NotImplementedError\n"
        )
    return method
