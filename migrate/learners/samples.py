"""What a policy's function did to its samples, and whether episodes' columns can say it.

Samples        the columns that it writes, and what of it has no counterpart
read_samples   read one
asks_base      a statement that leaves the advantages to RLlib, last of all
LastValue      `policy._value(**input_dict)` of the step after the last
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


#: Policies that gave values when they acted.
VALUED = frozenset({"PPOTorchPolicy", "A3CTorchPolicy"})
INPUTS = frozenset({"get_single_step_input_dict", "get_input_dict"})


@dataclass(frozen=True)
class Samples:
    """`written` are keys of columns; `advantages` tells that it computes them, and `values` that
    it needs those of its rows; `problem` is what keeps it from being the same over an episode's
    columns."""

    written: frozenset[str] = frozenset()
    advantages: bool = False
    values: bool = False
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


@dataclass(frozen=True)
class LastValue:
    """The statement that makes the inputs, the call that asks for their value, and the samples."""

    inputs: ast.Assign
    call: ast.Call
    batch: str

    @classmethod
    def of(cls, function: ast.FunctionDef) -> LastValue | None:
        """Find both; None where the inputs are looked at otherwise."""
        policy = function.args.args[0].arg if function.args.args else ""
        nodes = list(nodes_in(function))
        calls = [
            n
            for n in nodes
            if isinstance(n, ast.Call) and dotted(n.func) == f"{policy}._value" and not n.args
        ]
        if len(calls) != 1:
            return None
        names = {n.id for k in calls[0].keywords for n in nodes_in(k) if isinstance(n, ast.Name)}
        inside = set(nodes_in(calls[0]))
        for node in nodes:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(target, ast.Name) or names != {target.id}:
                continue
            value = node.value if isinstance(node, ast.Assign) else None
            func = value.func if isinstance(value, ast.Call) else None
            if not isinstance(func, ast.Attribute) or func.attr not in INPUTS:
                return None
            assert isinstance(value, ast.Call)
            last = [k for k in value.keywords if k.arg == "index"]
            owner = value.args[0] if func.attr == "get_input_dict" else func.value
            others = [n for n in nodes if isinstance(n, ast.Name) and n.id == target.id]
            known = all(n is target or n in inside for n in others)
            asks = bool(last) and getattr(last[0].value, "value", None) == "last"
            if known and asks and isinstance(owner, ast.Name) and isinstance(node, ast.Assign):
                return cls(node, calls[0], owner.id)
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
        self.last = LastValue.of(function)
        if self.last is not None:
            self.asked |= {*nodes_in(self.last.inputs), *nodes_in(self.last.call)}
        self.valued = base in VALUED
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
        values = self.valued and self._unwritten("vf_preds")
        if values:
            self.written["vf_preds"] = 0
        for key in self.read:
            if self._unwritten(key):
                line = self.read[key]
                problems.append(f"reads {key}, which episodes do not have (line {line})")
        if self.last is not None and self.last.batch not in self.holders:
            problems.append(f"asks for the value of {self.last.batch}")
        first = problems[0] if problems else ""
        return Samples(frozenset(self.written), self.advantages, values, first)

    def _unwritten(self, key: str) -> bool:
        """Say whether a column is read before it is there."""
        line = self.read.get(key)
        return line is not None and key not in KNOWN and self.written.get(key, line + 1) > line

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
            outer = self.parents[parent]
            inside = isinstance(outer, ast.Subscript) and isinstance(outer.ctx, ast.Store)
            if key == "dones" and (inside or isinstance(parent.ctx, ast.Store)):
                return f"sets dones, which losses read as terminateds (line {line})"
            if isinstance(parent.ctx, ast.Load) or isinstance(outer, ast.AugAssign):
                self.read.setdefault(key, line)
            elif isinstance(parent.ctx, ast.Del):
                return f"takes {key} out of its samples (line {line})"
            else:
                self.written.setdefault(key, line)
            return ""
        if isinstance(parent, ast.Attribute):
            known = parent.attr in {*VIEWS, "copy"}
            return "" if known else f"asks its samples for {parent.attr} (line {line})"
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
