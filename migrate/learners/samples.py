"""What a policy's function did to its samples, and whether episodes' columns can say it.

Samples        the columns that it writes, and what of it has no counterpart
read_samples   read one
asks_base      a statement that leaves the advantages to RLlib, last of all
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring

#: Columns that the connector makes of an episode.
KNOWN = frozenset(
    {"obs", "new_obs", "actions", "rewards", "terminateds", "truncateds", "dones", "infos"}
    | {"action_dist_inputs", "action_logp"}
)
ADVANTAGES = "compute_advantages"
PARAMETERS = ("rollout", "last_r", "gamma", "lambda_", "use_gae", "use_critic")
#: Functions of RLlib that add advantages as the connectors of a Learner do, by old base.
SAME = {
    "PPOTorchPolicy": frozenset({"compute_gae_for_sample_batch", "postprocess_ppo_gae"}),
    "A3CTorchPolicy": frozenset({"compute_gae_for_sample_batch", "postprocess_advantages"}),
    "PGTorchPolicy": frozenset({"post_process_advantages", "postprocess_advantages"}),
}
#: What may be asked of the batches of other agents without looking into one.
WHOLE = frozenset({"list", "dict", "tuple", "len", "sorted", "enumerate", "zip", "isinstance"})
VIEWS = frozenset({"keys", "items", "values"})
Comprehension = ast.ListComp | ast.GeneratorExp | ast.SetComp


@dataclass(frozen=True)
class Samples:
    """`written` are keys of columns; `advantages` tells that it computes them; `problem` is what
    keeps it from being the same over an episode's columns."""

    written: frozenset[str] = frozenset()
    advantages: bool = False
    problem: str = ""


def adds_advantages(file: FileEntry, node: ast.stmt, base: str) -> bool:
    """Say whether a statement only calls what the Learner of the base does itself."""
    value = node.value if isinstance(node, ast.Return | ast.Assign) else None
    if not isinstance(value, ast.Call) or base not in SAME:
        return False
    if isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Call):
        return value.func.attr == "postprocess_trajectory"
    name = (dotted(value.func) or "").rpartition(".")[2]
    return name in SAME[base] and of_ray(file, value.func)


def asks_base(file: FileEntry, function: ast.FunctionDef, base: str) -> ast.stmt | None:
    """The statement that asks RLlib for advantages, where nothing but a return follows it."""
    body = body_without_docstring(function)
    while len(body) == 1 and isinstance(body[0], ast.With):
        body = body[0].body
    for node in body[-2:]:
        if adds_advantages(file, node, base):
            after = body[body.index(node) + 1 :]
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            known = all(
                isinstance(each, ast.Return)
                and isinstance(each.value, ast.Name)
                and isinstance(target, ast.Name)
                and each.value.id == target.id
                for each in after
            )
            return node if known and (after or isinstance(node, ast.Return)) else None
    return None


def of_ray(file: FileEntry, node: ast.expr) -> bool:
    """Say whether a name is one of RLlib's."""
    return (file.imports.qualified(node) or "").startswith("ray.rllib.")


def read_samples(
    file: FileEntry,
    function: ast.FunctionDef,
    base: str,
    key: Callable[[ast.expr], str | None],
) -> Samples:
    """Read what a postprocessing does; `key` tells the string behind an expression."""
    return _Reading(file, function, base, key).samples()


class _Reading:
    """One function; every use of its parameters has to be known."""

    def __init__(
        self,
        file: FileEntry,
        function: ast.FunctionDef,
        base: str,
        key: Callable[[ast.expr], str | None],
    ) -> None:
        self.file = file
        self.key = key
        self.nodes = list(nodes_in(function))
        self.parents = {c: n for n in self.nodes for c in ast.iter_child_nodes(n)}
        arguments = [a.arg for a in function.args.args]
        self.policy, self.batch, self.others, self.episode = (*arguments, "", "", "", "")[:4]
        self.base = asks_base(file, function, base)
        self.asked = set(nodes_in(self.base)) if self.base is not None else set()
        self.holders = self._holders()
        self.written: dict[str, int] = {}
        self.read: dict[str, int] = {}
        self.advantages = False
        self.theirs = self._theirs()

    def samples(self) -> Samples:
        """The whole reading, with the first problem."""
        if not self.batch:
            return Samples(problem="takes no samples")
        problems = [text for node in self.nodes if (text := self._problem(node))]
        for key, line in self.read.items():
            if key not in KNOWN and self.written.get(key, line + 1) > line:
                problems.append(f"reads {key}, which episodes do not have (line {line})")
        first = problems[0] if problems else ""
        return Samples(frozenset(self.written), self.advantages, first)

    def _holders(self) -> set[str]:
        """Names that stand for the samples."""
        found = {self.batch}
        for node in self.nodes:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = node.value
                if isinstance(value, ast.Call):
                    func = value.func
                    copies = isinstance(func, ast.Attribute) and func.attr == "copy"
                    held = copies and isinstance(func, ast.Attribute) and dotted(func.value)
                    if held in found or self._computes(value) or node is self.base:
                        found.add(node.targets[0].id)
                elif isinstance(value, ast.Name) and value.id in found:
                    found.add(node.targets[0].id)
        return found

    def _computes(self, node: ast.AST) -> bool:
        """`compute_advantages(...)` of RLlib."""
        return (
            isinstance(node, ast.Call)
            and (dotted(node.func) or "").rpartition(".")[2] == ADVANTAGES
            and of_ray(self.file, node.func)
        )

    def _problem(self, node: ast.AST) -> str:
        if node in self.asked:
            return ""
        if isinstance(node, ast.Return):
            known = isinstance(node.value, ast.Name) and node.value.id in self.holders
            if not known and not (node.value is not None and self._computes(node.value)):
                return f"returns something else than its samples (line {node.lineno})"
        if isinstance(node, ast.Call) and self._computes(node):
            return self._computed(node)
        if isinstance(node, ast.Attribute):
            owner = dotted(node.value) or ""
            kept = not isinstance(node.ctx, ast.Load) and owner.partition(".")[0] == self.policy
            return f"sets {node.attr} of the policy (line {node.lineno})" if kept else ""
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            return ""
        if node.id in self.holders:
            return self._held(node)
        if node.id == self.episode and not self._is_none(node):
            return f"uses the episode (line {node.lineno})"
        return self._of_others(node) if node.id in self.theirs else ""

    def _computed(self, node: ast.Call) -> str:
        """A call of compute_advantages, which needs values."""
        self.advantages = True
        given = {k.arg: k.value for k in node.keywords}
        given |= dict(zip(PARAMETERS, node.args, strict=False))
        off = [
            isinstance(each, ast.Constant) and each.value is False
            for each in (given.get("use_gae"), given.get("use_critic"))
        ]
        if "vf_preds" not in given and not all(off):
            self.read.setdefault("vf_preds", node.lineno)
        rollout = given.get("rollout")
        if not isinstance(rollout, ast.Name) or rollout.id not in self.holders:
            return f"computes advantages of something else than its samples (line {node.lineno})"
        return ""

    def _held(self, node: ast.Name) -> str:
        """One use of the samples."""
        parent = self.parents[node]
        line = node.lineno
        if isinstance(parent, ast.Subscript) and parent.value is node:
            key = self.key(parent.slice)
            if key is None:
                return f"reads a column under a computed name (line {line})"
            if isinstance(parent.ctx, ast.Load) or isinstance(self.parents[parent], ast.AugAssign):
                self.read.setdefault(key, line)
            elif isinstance(parent.ctx, ast.Del):
                return f"takes {key} out of its samples (line {line})"
            else:
                self.written.setdefault(key, line)
            return ""
        if isinstance(parent, ast.Attribute) and parent.attr in {*VIEWS, "copy"}:
            return ""
        if isinstance(parent, ast.Compare) and node in parent.comparators:
            return ""
        if isinstance(parent, ast.Return | ast.Assign) or self._computes(parent):
            return ""
        if isinstance(parent, ast.keyword) and self._computes(self.parents[parent]):
            return ""
        called = ast.unparse(parent.func) if isinstance(parent, ast.Call) else "something"
        return f"hands its samples to {called} (line {line})"

    def _is_none(self, node: ast.Name) -> bool:
        parent = self.parents[node]
        return isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.Is | ast.IsNot)

    def _theirs(self) -> set[str]:
        """Names that stand for batches of other agents, or for things that hold these."""
        found = {self.others} if self.others else set()
        for _ in range(4):
            for node in self.nodes:
                target: ast.expr | None = None
                value: ast.expr | None = None
                if isinstance(node, ast.Assign):
                    target, value = node.targets[0], node.value
                elif isinstance(node, ast.For | ast.comprehension):
                    target, value = node.target, node.iter
                if target is not None and value is not None and self._holds(value, found):
                    found |= {n.id for n in nodes_in(target) if isinstance(n, ast.Name)}
        return found - self.holders

    def _holds(self, node: ast.expr, names: set[str]) -> bool:
        """Say whether an expression is a batch of another agent, or holds some."""
        if isinstance(node, ast.Name):
            return node.id in names
        if isinstance(node, ast.Subscript):
            return self.key(node.slice) is None and self._holds(node.value, names)
        if isinstance(node, ast.Call):
            func = node.func
            if isinstance(func, ast.Attribute) and func.attr in VIEWS:
                return self._holds(func.value, names)
            return any(self._holds(each, names) for each in node.args)
        if isinstance(node, Comprehension):
            return self._holds(node.elt, names | self._bound(node, names))
        return False

    def _bound(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, names: set[str]
    ) -> set[str]:
        return {
            n.id
            for each in node.generators
            if self._holds(each.iter, names)
            for n in nodes_in(each.target)
            if isinstance(n, ast.Name)
        }

    def _of_others(self, node: ast.Name) -> str:
        """One use of other agents' samples."""
        parent = self.parents[node]
        while isinstance(parent, ast.Subscript) and self.key(parent.slice) is None:
            parent = self.parents[parent]
        if isinstance(parent, ast.Attribute) and parent.attr not in VIEWS:
            return f"asks another agent for {parent.attr} (line {node.lineno})"
        if isinstance(parent, ast.Call):
            name = dotted(parent.func) or ""
            if name not in WHOLE:
                return f"hands another agent's samples to {name} (line {node.lineno})"
        if isinstance(parent, ast.Subscript):
            key = self.key(parent.slice)
            if key is not None and key not in KNOWN:
                return f"reads {key} of another agent, which its episode lacks (line {node.lineno})"
        return ""
