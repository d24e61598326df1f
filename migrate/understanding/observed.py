"""Which part of the observation forward reads, and in what form.

Observed   "unread", "whole", "raw", "preprocessed", "flat", "keyed" or "mixed", with the marks
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.columns import Views, is_batch_name
from rlmigrate.migrate.understanding.forks import TRAINING, read_forks
from rlmigrate.migrate.understanding.net_base import net_name
from rlmigrate.migrate.understanding.scope import Scope, names_in
from rlmigrate.migrate.understanding.telling import is_told

#: Forms in which the observation passes preprocess() first.
PREPARED = frozenset({"mixed", "preprocessed"})

#: What a line may hold, and what preparing an observation adds to it.
WIDTH = 88
PREPARING = len("preprocess(batch[Columns.OBS], self.observation_space)") - len('input_dict["obs"]')

#: Words in the names of parts that are numbers as they come: no preprocessor one-hots a mask.
MASKS = ("mask", "avail", "legal", "valid")


@dataclass
class Observed:
    """Reads of the observation in one forward; `whole` and `flat` say that it is read so."""

    scope: Scope
    function: ast.FunctionDef
    batch: str
    views: Views = field(default_factory=Views)
    whole: bool = False
    flat: bool = False
    roots: list[ast.expr] = field(default_factory=list)
    flats: list[ast.expr] = field(default_factory=list)
    leaves: list[ast.expr] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    aliases: dict[str, ast.expr] = field(default_factory=dict)
    replaced: ast.Assign | None = None  # input_dict["obs"] = ...
    after: list[ast.expr] = field(default_factory=list)  # reads after that
    columns: list[ast.Subscript] = field(default_factory=list)  # reads of other columns
    copied: list[ast.expr] = field(default_factory=list)  # reads that forward changes in place
    copied_first: bool = False  # it is copied before all reads

    def read(self) -> None:
        """Find every read of the input, then what happens to the observation."""
        read_forks(self.scope, self.function, self.batch)
        for node in nodes_in(self.function):
            named = isinstance(node, ast.Name) and node.id == self.batch
            if named and isinstance(node, ast.Name) and id(node) not in self.scope.handled:
                self._read_batch(node)
        self._find_aliases()
        for root in self._uses():
            self._read_use(root)

    @property
    def mode(self) -> str:
        """How the observation is read."""
        if self.scope.raw and not self.flat and (self.keys or self.whole):
            return "raw"
        if self.keys:
            plain = not self.whole and not self.flat and all(map(self._vouched, self.leaves))
            plain = plain and self.scope.framework != "tf"  # where dtypes must be told
            return "keyed" if plain else "mixed"
        if self.flat:
            return "mixed" if self.whole else "flat"
        if not self.whole:
            return "unread"
        if self._is_structured():
            return "mixed"
        return "whole" if self.scope.plain else "preprocessed"

    def _is_structured(self) -> bool:
        """Say whether the class knows of parts of the observation that forward hands on whole."""
        for node in nodes_in(self.scope.node):
            if isinstance(node, ast.Attribute) and node.attr in {"original_space", "spaces"}:
                return True
            if isinstance(node, ast.Constant) and node.value == "original_space":
                return True
        helpers = [
            method
            for name, method in self.scope.methods.items()
            if name not in {"__init__", "forward", "value_function", "custom_loss", "metrics"}
        ]
        return any(
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and self.scope.key_of(node.slice) is not None
            for method in helpers
            for node in nodes_in(method)
        )

    def finish(self) -> None:
        """Mark the reads, now that the form is known."""
        mode = self.mode
        for node in self.flats:
            self.scope.mark("obs_flat", node)
        prepared = mode in PREPARED
        hoisted = self._hoisted() if self.copied_first or (prepared and self._crowds()) else ""
        if self.copied_first and not hoisted:
            self.scope.problem(self.function, "changes its observation in place")
        for root in self.roots:
            self.scope.mark("obs_mixed" if prepared else "obs", root, hoisted)
            holder = self.scope.parent(root)
            if hoisted and self.aliases.get(hoisted) is root and holder in self.function.body:
                self.scope.mark("drop", holder)
        if self.replaced is not None:
            self.scope.mark("obs_replaced", self.replaced.targets[0], self.replacement)
            for node in self.after:
                self.scope.mark("obs_after", node, self.replacement)
        if mode == "keyed":
            for leaf in self.leaves:
                self.scope.mark("obs_leaf", leaf)
        if self.copied_first:
            self.scope.mark("obs_copied", self.function, "parts" if self.keys else "")
        for node in self.copied:
            self.scope.mark("obs_copy", node)

    def copy_first(self) -> None:
        """Let the observation be copied once, before all that reads or changes it."""
        self.copied_first = True
        if self.keys or self.scope.raw:
            self.keys.append("?")  # its parts are prepared where it is copied

    def _read_batch(self, node: ast.Name) -> None:
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Attribute) and parent.attr in TRAINING:
            self.scope.mark("training", parent)
            return
        if self._asks_training(parent):
            self.scope.mark("training", self.scope.parent(parent))
            return
        if got := self._got(parent):
            self.scope.handle(got.args[0])
            (self.after if self.is_after(got) else self.roots).append(got)
            return
        if not isinstance(parent, ast.Subscript) or parent.value is not node:
            if is_told(self.scope, node):
                self.scope.mark("column", node)
                return
            self.scope.problem(node, f"hands its whole input ({node.id}) on")
            return
        key = self.scope.key_of(parent.slice)
        if not isinstance(parent.ctx, ast.Load):
            if parent is not (self.replaced.targets[0] if self.replaced else None):
                self.scope.problem(node, f"changes its input {key or ''}".rstrip())
        elif key == "obs" and self.is_after(parent):
            self.after.append(parent)
        elif key == "obs":
            self.roots.append(parent)
        elif key == "obs_flat":
            self.flat = True
            self.flats.append(parent)
        elif key in TRAINING:
            self.scope.mark("training", parent)
        elif self.views.serves(key):
            self.columns.append(parent)
            self.scope.mark("column", node)
            if is_batch_name(self.scope, parent.slice):
                self.scope.mark("column_key", parent.slice, key or "")
        else:
            self.scope.problem(node, f"reads {ast.unparse(parent)} beside the observation")

    def _asks_training(self, member: ast.AST) -> bool:
        """Say whether an attribute of the input begins `input_dict.get("is_training", ...)`."""
        call = self.scope.parent(member)
        return (
            isinstance(member, ast.Attribute)
            and member.attr == "get"
            and isinstance(call, ast.Call)
            and call.func is member
            and bool(call.args)
            and self.scope.key_of(call.args[0]) in TRAINING
        )

    def _got(self, member: ast.AST) -> ast.Call | None:
        """The call in `input_dict.get("obs")`, which says what `input_dict["obs"]` says."""
        call = self.scope.parent(member)
        if not (isinstance(member, ast.Attribute) and member.attr == "get"):
            return None
        if not isinstance(call, ast.Call) or call.func is not member or call.keywords:
            return None
        key, *default = call.args or [member]
        plain = not default or (len(default) == 1 and ast.unparse(default[0]) == "None")
        return call if plain and self.scope.key_of(key) == "obs" else None

    def find_replacement(self) -> None:
        """Find the one `input_dict["obs"] = ...`, if it stands straight in forward."""
        found = [
            statement
            for statement in self.function.body
            if isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(target := statement.targets[0], ast.Subscript)
            and isinstance(target.value, ast.Name)
            and target.value.id == self.batch
            and self.scope.key_of(target.slice) == "obs"
        ]
        if len(found) == 1:
            self.replaced = found[0]

    @property
    def replacement(self) -> str:
        """The local that stands for the observation after it was replaced."""
        taken = names_in(self.function)
        return next(n for n in ("obs", "observation", "observed", "obs_") if n not in taken)

    def is_after(self, node: ast.expr) -> bool:
        """Say whether a place comes after the observation was replaced."""
        if self.replaced is None:
            return False
        return node.lineno > (self.replaced.end_lineno or self.replaced.lineno)

    def _crowds(self) -> bool:
        """Say whether preparing the observation where it is read would repeat or crowd lines."""
        ends = (self._end_of_line(root) for root in self.roots)
        return len(self.roots) > 1 or any(end + PREPARING > WIDTH for end in ends)

    def _end_of_line(self, node: ast.expr) -> int:
        """The column after the last expression on the line of `node`."""
        return max(
            each.end_col_offset or 0
            for each in nodes_in(self.function)
            if isinstance(each, ast.expr) and each.end_lineno == node.lineno
        )

    def _hoisted(self) -> str:
        taken = names_in(self.function) - set(self.aliases)
        return next((n for n in ("obs", "observation", "observed") if n not in taken), "")

    def _vouched(self, leaf: ast.expr) -> bool:
        """Say whether a part of the observation is surely no Discrete, which was one-hot."""
        assert isinstance(leaf, ast.Subscript)
        key = self.scope.key_of(leaf.slice) or ""
        if any(word in key.lower() for word in MASKS):
            return True
        return key in self._shaped_keys() or key in self._keys_of_nets()

    def _keys_of_nets(self) -> set[str]:
        """Parts of the observation space that a net of RLlib is built with, as Boxes only are."""
        return {
            self.scope.key_of(node.slice) or ""
            for call in nodes_in(self.scope.node)
            if isinstance(call, ast.Call) and net_name(self.scope, call.func)
            for argument in (*call.args, *(k.value for k in call.keywords))
            for node in nodes_in(argument)
            if isinstance(node, ast.Subscript)
        }

    def _shaped_keys(self) -> set[str]:
        """Parts of the observation space whose shape the class reads."""
        found = set()
        for node in nodes_in(self.scope.node):
            if isinstance(node, ast.Attribute) and node.attr == "shape":
                inner = node.value
                if isinstance(inner, ast.Subscript):
                    found.add(self.scope.key_of(inner.slice) or "")
        return found

    def _find_aliases(self) -> None:
        """Names bound once, to the observation or a part of it."""
        bound: dict[str, int] = {}
        for node in nodes_in(self.function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] = bound.get(node.id, 0) + 1
        for root in self.roots:
            parent = self.scope.parent(root)
            if isinstance(parent, ast.Assign) and parent.value is root:
                target = parent.targets[0]
                if isinstance(target, ast.Name) and len(parent.targets) == 1:
                    if bound[target.id] == 1:
                        self.aliases[target.id] = root
                    elif self._subscripted(target.id):
                        self.whole = True
                        self.keys.append("?")

    def _subscripted(self, name: str) -> bool:
        return any(
            isinstance(n, ast.Subscript)
            and isinstance(n.value, ast.Name)
            and n.value.id == name
            and self.scope.key_of(n.slice) is not None
            for n in nodes_in(self.function)
        )

    def _uses(self) -> list[ast.expr]:
        """Every place where the whole observation stands, under its own name or an alias."""
        roots = [r for r in self.roots if r not in self.aliases.values()]
        names = [
            n
            for n in nodes_in(self.function)
            if isinstance(n, ast.Name) and n.id in self.aliases and isinstance(n.ctx, ast.Load)
        ]
        return [*roots, *names]

    def _read_use(self, node: ast.expr) -> None:
        path: list[str] = []
        leaf = node
        self._read_repeated(node)
        while True:
            parent = self.scope.parent(leaf)
            if not isinstance(parent, ast.Subscript) or parent.value is not leaf:
                break
            key = self.scope.key_of(parent.slice)
            if key is None:
                break
            path.append(key)
            leaf = parent
        if path:
            key = ".".join(path)
            if key not in self.keys:
                self.keys.append(key)
            self.leaves.append(leaf)
            self._read_repeated(leaf)
            self.whole = self.whole or self._has_parts(leaf)
            return
        parent = self.scope.parent(node)
        if isinstance(parent, ast.Attribute) and parent.attr in {"keys", "items", "values"}:
            self.keys.append("?")  # a dict whose parts are not named
        if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
            self.keys.append("?")  # part of a tuple, or a row
        if isinstance(parent, ast.For | ast.comprehension | ast.Starred):
            self.keys.append("?")
        self.whole = True

    def _read_repeated(self, node: ast.expr) -> None:
        parent = self.scope.parent(node)
        words = {"unbatch_all", "unbatch_repeat_dim", "lengths", "max_len", "values"}
        if isinstance(parent, ast.Attribute) and parent.attr in words:
            call = self.scope.parent(parent)
            if parent.attr != "values" or not isinstance(call, ast.Call):
                self.scope.problem(node, "reads a Repeated observation")

    def _has_parts(self, leaf: ast.expr) -> bool:
        """Say whether what is read by key may be a tuple or dict itself."""
        parent = self.scope.parent(leaf)
        if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Constant):
            return True
        if isinstance(parent, ast.Attribute) and parent.attr in {"keys", "items", "values"}:
            return True
        if isinstance(parent, ast.Call) and parent.args[:1] == [leaf]:
            return (dotted(parent.func) or "").rpartition(".")[2] in {"cat", "stack", "len"}
        return isinstance(parent, ast.For | ast.comprehension | ast.Starred)

    def pure(self, node: ast.expr) -> ast.expr | None:
        """The expression on the batch alone that `node` stands for, if it is one."""
        if self.copied_first or any(each not in self.columns for each in self.copied):
            return None
        if self.replaced is not None and node in self.after:
            return self._pure_replacement(node)
        inner = node
        bare = [*self.roots, *self.flats]
        while isinstance(inner, ast.Subscript) and inner not in bare:
            if self.scope.key_of(inner.slice) is None:
                return None
            inner = inner.value
        known = inner in bare or (isinstance(inner, ast.Name) and inner.id in self.aliases)
        return node if known else None

    def _pure_replacement(self, node: ast.expr) -> ast.expr | None:
        """The replaced observation, if it is only a cast of what came in."""
        assert self.replaced is not None
        value = self.replaced.value
        cast = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
        if cast and isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            plain = value.func.attr == "float" and not value.args and value.func.value in self.roots
            return node if plain else None
        return None
