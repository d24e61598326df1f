"""What a policy's loss is made of, before a word of it is changed.

LossReading   its parameters, the model's outputs, distributions, masks and what it keeps
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.learners.words import LearnerWords, Place, Surroundings
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import names_bound

RAYS_LOSSES = frozenset(
    {"ppo_surrogate_loss", "ppo_loss", "actor_critic_loss", "pg_torch_loss", "build_q_losses"}
)
#: Parameters of a loss after the policy.
LOSS_ROLES = ("model", "dist_class", "batch")


class LossReading(LearnerWords):
    """The loss of a policy.

    `rows` is what it calls the train batch, `flags` are locals that hold the model's states,
    `made` locals that hold distributions; `locals` are attributes that it sets before it reads
    them, by the local that they become, and `loaded` all attributes that it reads.
    """

    place = Place.LOSS

    def __init__(self, around: Surroundings, function: ast.FunctionDef) -> None:
        arguments = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        roles = {arguments[0]: "policy"} if arguments else {}
        roles |= dict(zip(arguments[1:], LOSS_ROLES, strict=False))
        super().__init__(around, function, roles)
        self.roles |= dict.fromkeys(self._configs(), "config")
        self.rows = next((name for name, role in roles.items() if role == "batch"), "rows")
        self.flags = self._flags()
        self.made = self._distributions()
        self.loaded: set[str] = set()
        self.locals = self._kept_locals()

    def _is_base_loss(self, func: ast.expr) -> bool:
        name = (dotted(func) or "").rpartition(".")[2]
        if isinstance(func, ast.Name):
            name = (dotted(self._local_value(func.id)) or name).rpartition(".")[2]
            func = self._local_value(func.id)
        if name in RAYS_LOSSES and (self.file.imports.qualified(func) or "").startswith("ray."):
            return True
        if not isinstance(func, ast.Attribute) or func.attr != "loss":
            return False
        if isinstance(func.value, ast.Call):
            return dotted(func.value.func) == "super"
        return (self.file.imports.qualified(func.value) or "").startswith("ray.rllib.")

    def _local_value(self, name: str) -> ast.expr:
        """What a local was set to, where that is one thing."""
        found = [
            n.value
            for n in self.statements
            if isinstance(n, ast.Assign)
            and len(n.targets) == 1
            and isinstance(n.targets[0], ast.Name)
            and n.targets[0].id == name
        ]
        return found[0] if len(found) == 1 else ast.Name(name, ast.Load())

    def _is_forward(self, node: ast.expr) -> bool:
        """`model(batch)`, `model.from_batch(batch)`, `policy.model(...)`."""
        if not isinstance(node, ast.Call):
            return False
        if self.role(node.func) == "model":
            return True
        func = node.func
        called = isinstance(func, ast.Attribute) and func.attr in {"from_batch", "forward"}
        return called and isinstance(func, ast.Attribute) and self.role(func.value) == "model"

    def _is_value_function(self, node: ast.expr) -> bool:
        found = isinstance(node, ast.Attribute) and node.attr == "value_function"
        return found and isinstance(node, ast.Attribute) and self.role(node.value) == "model"

    def _masks(self, node: ast.If) -> bool:
        """`if state:` or `if policy.is_recurrent():` around a sequence mask."""
        if not any(
            isinstance(n, ast.Call) and (dotted(n.func) or "").rpartition(".")[2] == "sequence_mask"
            for each in node.body
            for n in nodes_in(each)
        ):
            return False
        test = node.test
        if isinstance(test, ast.Name):
            return test.id in self.flags
        func = test.func if isinstance(test, ast.Call) else None
        asks = isinstance(func, ast.Attribute) and func.attr == "is_recurrent"
        return asks and isinstance(func, ast.Attribute) and self.role(func.value) == "policy"

    def _configs(self) -> set[str]:
        """Locals that are the config of the policy."""
        return {
            n.targets[0].id
            for n in self.statements
            if isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Name)
            and isinstance(n.value, ast.Attribute)
            and n.value.attr == "config"
            and self.role(n.value.value) == "policy"
        }

    def _flags(self) -> set[str]:
        """Locals that hold the states which the model returned."""
        found = set()
        for node in self.statements:
            if not isinstance(node, ast.Assign) or not self._is_forward(node.value):
                continue
            target = node.targets[0]
            second = target.elts[-1] if isinstance(target, ast.Tuple) else None
            found |= {second.id} if isinstance(second, ast.Name) else set()
        return found

    def _only_flags(self, name: str) -> bool:
        """Say whether a state only tells that there are sequences to mask."""
        loads = [
            n
            for n in nodes_in(self.function)
            if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
        ]
        tests = [n.test for n in self.statements if isinstance(n, ast.If) and self._masks(n)]
        return all(any(t is n for t in tests) for n in loads)

    def _distributions(self) -> set[str]:
        """Locals that are made by the distribution class."""
        return {
            n.targets[0].id
            for n in self.statements
            if isinstance(n, ast.Assign)
            and isinstance(n.value, ast.Call)
            and self.role(n.value.func) == "dist_class"
            and isinstance(n.targets[0], ast.Name)
        }

    def _kept_locals(self) -> dict[str, str]:
        """Attributes that the loss sets before it reads them, by the local that they become."""
        stored: dict[str, int] = {}
        loaded: dict[str, int] = {}
        for node in nodes_in(self.function):
            if isinstance(node, ast.Attribute) and self.role(node.value) == "policy":
                at = stored if isinstance(node.ctx, ast.Store) else loaded
                at[node.attr] = min(at.get(node.attr, node.lineno), node.lineno)
        self.loaded = set(loaded)
        bound = names_bound(self.function)
        found = {}
        for name, line in stored.items():
            plain = name.lstrip("_") or name
            if name in self.around.states or loaded.get(name, line + 1) <= line:
                continue
            found[name] = plain if plain not in bound else f"{plain}_kept"
        return found
