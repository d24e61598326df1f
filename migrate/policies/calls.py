"""How a policy's hooks ask their model and make distributions, written anew.

CallWords          calls of the model and of distributions inside one hook
hook_roles         what the parameters of a hook are
new_distribution   the new name of a distribution class
torch_name         the file's name for torch
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.emit.names import TF_STACK
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.remarks import opening
from rlmigrate.migrate.policies.tensorflow import TF_DISTRIBUTIONS
from rlmigrate.migrate.policies.words import SAME_DISTRIBUTIONS, Owner, Words
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring, self_attribute

#: Names that hooks give their parameters, and what they hold.
NAMES: Mapping[str, str] = {
    "obs_batch": "batch",
    "input_dict": "batch",
    "obs": "batch",
    "state_batches": "states",
    "states": "states",
    "state": "states",
    "seq_lens": "lengths",
    "explore": "explore",
    "timestep": "timestep",
    "is_training": "training",
    "action_dist": "distribution",
}
INPUTS = "ACTION_DIST_INPUTS"


def hook_roles(method: ast.FunctionDef, *, first: int = 1) -> dict[str, str]:
    """Parameters of a hook by what they hold; the model is the one after `self`.

    `extra_action_out` takes its model third, under its own name.
    """
    named = [a.arg for a in (*method.args.posonlyargs, *method.args.args)][first:]
    keywords = [a.arg for a in method.args.kwonlyargs]
    roles = {name: NAMES[name] for name in (*named, *keywords) if name in NAMES}
    if "model" in (*named, *keywords):
        roles["model"] = "model"
    elif named and named[0] not in NAMES:
        roles[named[0]] = "model"
    for name in (*named, *keywords):
        roles.setdefault(name, f"unknown {name}")
    if method.args.kwarg:
        roles[method.args.kwarg.arg] = "kwargs"
    if method.args.vararg:
        roles[method.args.vararg.arg] = "rest"
    return roles


class CallWords(Words):
    """One hook; `states_out` are locals that hold the model's new states."""

    def __init__(
        self,
        owner: Owner,
        method: ast.FunctionDef,
        *,
        explore: bool | None,
        roles: Mapping[str, str] | None = None,
    ) -> None:
        found = dict(roles or hook_roles(method))
        if owner.names.framework == "tf" and found.get("obs_batch") == "batch":
            found["obs_batch"] = "obs"  # torch's policies are given the whole batch by that name
        super().__init__(owner, method, found, explore=explore)
        self.kind = method.name
        self.spread = explore is not False  # hand on all that the model returned
        self.over = self.kind == "action_distribution_fn"  # written over the method that it calls
        self.states_out: set[str] = set()
        self.outs = free_name("outs", method)
        self.time = free_name("time", method)
        self.chosen: list[ast.expr] = []
        self.calls = 0
        self.dropped = self._names_of_distributions() | self._names_of_lengths()
        self.tested = False

    def written(self, indent: str) -> str:
        """The body at an indentation, without the old docstring."""
        statements = body_without_docstring(self.method)
        first = opening(self.source, statements[0])
        return self.block(statements, first=first, indent=indent)

    def asked(self) -> str:
        """The body with questions about `explore` answered, written alike for both answers."""
        self.spread = False
        return self.written("")

    def _names_of_distributions(self) -> set[str]:
        """Locals that only carry the distribution class to the return."""
        found = set()
        for node in nodes_in(self.method):
            if not isinstance(node, ast.Return) or not isinstance(node.value, ast.Tuple):
                continue
            if self.kind == "action_distribution_fn" and len(node.value.elts) == 3:
                middle = node.value.elts[1]
                if isinstance(middle, ast.Name) and self.class_of(middle) is not None:
                    found.add(middle.id)
        loads = {
            n.id
            for n in nodes_in(self.method)
            if isinstance(n, ast.Name)
            and isinstance(n.ctx, ast.Load)
            and not _is_returned(n, self.method)
        }
        return found - loads

    def _names_of_lengths(self) -> set[str]:
        """Locals that only carry sequence lengths to the model, which a module does not take."""
        calls = [n for n in nodes_in(self.method) if self._is_model_call(n)]
        given = [n.args[2] for n in calls if isinstance(n, ast.Call) and len(n.args) > 2]
        names = {n.id for n in given if isinstance(n, ast.Name) and n.id not in self.roles}
        loads = [
            n.id
            for n in nodes_in(self.method)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n not in given
        ]
        return names - set(loads)

    def class_of(self, name: ast.Name) -> ast.expr | None:
        """The value given to a local name in the branch that is written; None if not certain."""
        values = list(self._assigned(self.method.body, name.id))
        return values[0] if len({ast.dump(v) for v in values}) == 1 else None

    def _assigned(self, body: list[ast.stmt], name: str) -> list[ast.expr]:
        found: list[ast.expr] = []
        for node in body:
            if isinstance(node, ast.If):
                chosen = self.truth(node.test)
                sides = (
                    [node.body, node.orelse]
                    if chosen is None
                    else [node.body if chosen else node.orelse]
                )
                for side in sides:
                    found += self._assigned(side, name)
            elif isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == name for t in node.targets
            ):
                value = node.value
                if isinstance(value, ast.IfExp) and self.truth(value.test) is not None:
                    value = value.body if self.truth(value.test) else value.orelse
                found.append(value)
        return found

    def on_role(self, node: ast.Name, role: str) -> str | None:
        """What a parameter becomes that is used as a whole."""
        if role == "timestep" and self.explore:
            return 'kwargs.get("t", 0)'
        if role == "training":
            return "self.training"
        if role == "obs":
            return self.obs_text(node)
        if role == "distribution":
            self.tested = True
            return None
        return super().on_role(node, role)

    def distribution(self, inputs: str) -> str:
        """The distribution of some inputs, in the phase that is written."""
        phase = "exploration" if self.owner.phased and self.explore else "inference"
        return f"self.get_{phase}_action_dist_cls().from_logits({inputs})"

    def opening(self, source: str) -> str:
        """The first lines of a method that adds to the outputs of another."""
        body = self.written("")
        inputs = f"{self.outs}[{self.column(INPUTS.lower())}]"
        lines = [f"{self.outs} = {source}"]
        if self.owner.recurrent and self.time in body:
            lines.append(f"{self.time} = {inputs}.shape[:2]")
        if self.tested:
            name = next(n for n, role in self.roles.items() if role == "distribution")
            flat = ".flatten(0, 1)" if self.owner.recurrent else ""
            lines.append(f"{name} = {self.distribution(inputs + flat)}")
        return "".join(f"        {line}\n" for line in lines)

    def on_Assign(self, node: ast.Assign) -> str | None:
        """`logits, state = model(...)`, and a distribution class on its way to the return."""
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.dropped:
            return ""
        if not self._is_model_call(node.value):
            return None
        if len(node.targets) != 1 or not isinstance(target, ast.Tuple) or len(target.elts) != 2:
            raise NotMovable(node, "keeps the model's outputs and states in one name")
        outputs, state = target.elts
        if not isinstance(outputs, ast.Name) or not isinstance(state, ast.Name):
            raise NotMovable(node, "keeps the model's outputs elsewhere than in locals")
        assert isinstance(node.value, ast.Call)
        call = self._forward(node.value)
        self.states_out.add(state.id)
        column = self.column(INPUTS.lower())
        if not self.owner.recurrent and not self.over:
            return f"{outputs.id} = {call}[{column}]"
        self.calls += 1
        if self.calls > 1:
            raise NotMovable(node, "calls its model twice")
        lines = [f"{self.outs} = {call}"]
        if self.owner.recurrent:
            lines.append(f"{self.time} = {self.outs}[{column}].shape[:2]")
        flat = ".flatten(0, 1)" if self.owner.recurrent else ""
        lines.append(f"{outputs.id} = {self.outs}[{column}]{flat}")
        return ("\n" + " " * node.col_offset).join(lines)

    def _is_model_call(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "forward":
            return self.role(func.value) == "model"
        return self.role(func) == "model"

    def _forward(self, call: ast.Call) -> str:
        """The call of the module's own forward that gives what the model gave."""
        arguments = [*call.args, *(k.value for k in call.keywords)]
        if not arguments:
            raise NotMovable(call, "calls its model without an input")
        for each in arguments[1:]:
            if isinstance(each, ast.Name) and each.id in self.dropped:
                continue
            plain = isinstance(each, ast.Constant) and each.value is None
            plain = plain or (isinstance(each, ast.List) and not each.elts)
            plain = plain or self.role(each) in {"states", "lengths"}
            if not plain and self._from_kwargs(each) not in {"seq_lens", "state_batches"}:
                raise NotMovable(call, "gives its model states of its own")
        given = self._given(arguments[0])
        if not self.over:
            return f"self._forward({given})"
        method = "_forward_train" if self.owner.embedded else "_forward"
        return f"super().{method}({given}, **kwargs)"

    def _given(self, node: ast.expr) -> str:
        if self.role(node) == "batch":
            return "batch"
        entries = {}
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                name = self.key(key) if key is not None else None
                entries[name] = value
            entries.pop("is_training", None)
        if set(entries) - {"obs"} or not entries:
            raise NotMovable(node, "gives its model an input of its own")
        value = entries["obs"]
        text = self.text(value)
        if text == self.obs_text(value):
            return "batch"
        if self.owner.recurrent or self.owner.obs != "whole":
            raise NotMovable(node, "gives its model other observations")
        return f"{{**batch, {self.column('obs')}: {text}}}"

    def on_Expr(self, node: ast.Expr) -> str | None:
        """`model.eval()` is done by forward_exploration() and forward_inference()."""
        func = node.value.func if isinstance(node.value, ast.Call) else None
        evaluates = isinstance(func, ast.Attribute) and func.attr == "eval"
        if evaluates and isinstance(func, ast.Attribute) and self.role(func.value) == "model":
            return ""
        return None

    def on_Subscript(self, node: ast.Subscript) -> str | None:
        """`model(...)[0]` besides what every method may read."""
        if self._is_model_call(node.value) and isinstance(node.slice, ast.Constant):
            if node.slice.value != 0 or self.owner.recurrent or self.over:
                raise NotMovable(node, "takes its model's outputs apart")
            assert isinstance(node.value, ast.Call)
            return f"{self._forward(node.value)}[{self.column(INPUTS.lower())}]"
        return super().on_Subscript(node)

    def on_Call(self, node: ast.Call) -> str | None:
        """Distributions, values and what every method may call."""
        if self._is_model_call(node):
            raise NotMovable(node, "uses its model's outputs and states in one expression")
        func = node.func
        if isinstance(func, ast.Attribute):
            if func.attr == "value_function" and self.role(func.value) == "model":
                if "compute_values" not in self.owner.inherited:
                    raise NotMovable(node, "asks its model for values, which it does not have")
                kept = ""
                if self.over and self.owner.embedded:
                    kept = f", {self.outs}[{self.columns()}.EMBEDDINGS]"
                flat = ".reshape(-1)" if self.owner.recurrent else ""
                return f"self.compute_values(batch{kept}){flat}"
            if func.attr == "deterministic_sample" and not node.args:
                return f"{self.text(func.value)}.to_deterministic().sample()"
            if func.attr == "sampled_action_logp" and not node.args:
                owner = self.text(func.value)
                return f"{owner}.logp({self._last_sample(node, func.value)})"
        made = self._distribution(node)
        return made if made is not None else super().on_Call(node)

    def _distribution(self, node: ast.Call) -> str | None:
        """`TorchCategorical(logits, model)` and `self.dist_class(logits, model)`."""
        own = self_attribute(node.func) == "dist_class"
        name = None if own else self.new_distribution(node.func)
        if name is None and not own:
            return None
        if not node.args or node.keywords:
            raise NotMovable(node, "makes a distribution with arguments of its own")
        for each in node.args[1:]:
            nothing = isinstance(each, ast.Constant) and each.value is None
            if not nothing and self.role(each) != "model":
                raise NotMovable(node, "makes a distribution with arguments of its own")
        inputs = self.text(node.args[0])
        return f"{name}.from_logits({inputs})" if name else self.distribution(inputs)

    def new_distribution(self, node: ast.expr) -> str | None:
        """The new name of a distribution class; None for what is none."""
        return new_distribution(self.owner, node)

    def _last_sample(self, node: ast.Call, owner: ast.expr) -> str:
        """The name under which the method keeps what a distribution sampled last."""
        wanted = ast.dump(owner)
        names = set()
        for each in nodes_in(self.method):
            if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.Call):
                continue
            func, target = each.value.func, each.targets[0]
            if (
                isinstance(func, ast.Attribute)
                and func.attr in {"sample", "deterministic_sample"}
                and ast.dump(func.value) == wanted
                and isinstance(target, ast.Name)
            ):
                names.add(target.id)
        stores = [
            n
            for n in nodes_in(self.method)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id in names
        ]
        if len(names) != 1 or len(stores) > 2:
            raise NotMovable(node, "asks for the probability of a sample that it did not name")
        return names.pop()

    def columns(self) -> str:
        """The local name of Columns."""
        return self.owner.names.core("Columns")


def new_distribution(owner: Owner, node: ast.expr) -> str | None:
    """The new name of a distribution class; None for what is none; raises where there is none."""
    found = owner.file.imports.qualified(node) or dotted(node) or ""
    name = found.rpartition(".")[2]
    if name in owner.distributions and not found.startswith("ray."):
        return owner.distributions[name]
    if not found.startswith("ray.rllib.models.") or "action_dist" not in found:
        return None
    if owner.names.framework == "tf" and name in TF_DISTRIBUTIONS:
        return owner.names.want(TF_STACK, TF_DISTRIBUTIONS[name])
    if owner.names.framework == "tf" or name not in SAME_DISTRIBUTIONS:
        raise NotMovable(node, f"uses {name}, whose numbers the new stack does not have")
    return owner.names.distribution(name)


def torch_name(owner: Owner) -> str:
    """The name under which the file knows torch."""
    found = owner.file.imports.local_names("torch")
    return found[0] if found else owner.names.want("torch", "") or "torch"


def _is_returned(name: ast.Name, method: ast.FunctionDef) -> bool:
    """Say whether a name stands as the class in a returned triple."""
    return any(
        isinstance(node, ast.Return)
        and isinstance(node.value, ast.Tuple)
        and len(node.value.elts) == 3
        and node.value.elts[1] is name
        for node in nodes_in(method)
    )


def free_name(name: str, method: ast.FunctionDef) -> str:
    """A name that a method does not use."""
    taken = {n.id for n in nodes_in(method) if isinstance(n, ast.Name)}
    taken |= {a.arg for a in nodes_in(method) if isinstance(a, ast.arg)}
    return name if name not in taken else f"{name}_of_module"
