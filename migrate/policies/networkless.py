"""A policy that computes its actions itself, without a network, written as an RLModule.

networkless_policy   write it; raises NotMovable where that is not certain
ActionWords          the body of compute_actions()
action_roles         what its parameters hold
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.acting import HookWords, returned
from rlmigrate.migrate.policies.assembly import UNIT, Module
from rlmigrate.migrate.policies.calls import torch_name
from rlmigrate.migrate.policies.construction import SetupWords, init_roles, is_base_call
from rlmigrate.migrate.policies.hooks import HOOKS, NO_MEANING
from rlmigrate.migrate.policies.native import Native, own_names, used_names
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.reading import does_nothing
from rlmigrate.migrate.policies.remarks import described, opening
from rlmigrate.migrate.policies.words import Owner, Words
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.scope import body_without_docstring, self_attribute

BODY = UNIT * 2
#: What compute_actions() is given besides observations, by position.
ROLES = ("rows", "states", "prev_action_batch", "prev_reward_batch", "info_batch", "episodes")
#: Those that a connector supplies, and the column in which it does.
INPUTS = {
    "prev_action_batch": "prev_actions",
    "prev_reward_batch": "prev_rewards",
    "info_batch": "infos",
}
#: Methods that only the old sampler called.
PLUMBING = frozenset({"init_view_requirements", "_get_dummy_batch_from_view_requirements"})
ACTING = ("compute_actions", "compute_actions_from_input_dict")


def networkless_policy(
    source: SourceFile, file: FileEntry, node: ast.ClassDef, names: Names
) -> Native:
    """Write a policy without a network as a module that returns actions."""
    if len([b for b in node.bases if (dotted(b) or "").rpartition(".")[2] != "ABC"]) != 1:
        raise NotMovable(node, "inherits from more than RLlib's policy")
    methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
    acting = [methods[name] for name in ACTING if name in methods]
    if len(acting) > 1:
        raise NotMovable(acting[1], "overrides compute_actions() twice")
    owner = Owner(source, file, names)
    owner.known = own_names(node, methods)
    owner.used = used_names(methods) - {"dist_class"}
    module = Module(source, node, names.core("RLModule"))
    late = _sort_methods(owner, module)
    _setup(owner, module, methods.get("__init__"), late)
    _forwards(owner, module, acting[0])
    if "to" not in methods and names.target == "ray":
        module.method("to(self, device)", f"{BODY}return self  # Ray asks; nothing is to move")
        module.written.insert(0, f'{UNIT}framework = "torch"  # in which it is handed batches\n')
    return Native.of(module, owner)


class ActionWords(HookWords):
    """The body of compute_actions(); `reads` tells that it looks at the observations."""

    def __init__(
        self, owner: Owner, method: ast.FunctionDef, roles: Mapping[str, str], explore: bool
    ) -> None:
        super().__init__(owner, method, explore=explore, roles=roles)
        self.rows = next((name for name, role in roles.items() if role == "rows"), "")
        self.reads = False
        self.inputs: set[str] = set()
        self.restored = self._restored()
        self.empty = self._empty_locals()
        self.dropped |= set(self.empty)

    def _empty_locals(self) -> dict[str, ast.expr]:
        """Locals that are an empty list or dict until they are returned."""
        found: dict[str, ast.expr] = {}
        returned_names = {
            id(each)
            for node in nodes_in(self.method)
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)
            for each in node.value.elts[1:]
        }
        uses = [n for n in nodes_in(self.method) if isinstance(n, ast.Name)]
        for node in nodes_in(self.method):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
                continue
            hollow = (
                isinstance(node.value, ast.List | ast.Dict)
                and not list(ast.iter_child_nodes(node.value))[isinstance(node.value, ast.List) :]
            )
            others = [n for n in uses if n.id == target.id and n is not target]
            if hollow and all(id(n) in returned_names for n in others):
                found[target.id] = node.value
        return found

    def on_role(self, node: ast.Name, role: str) -> str | None:
        """Observations come under their old name; other inputs do not come at all."""
        if role == "rows":
            if self.restored is None or node.lineno <= (self.restored.end_lineno or 0):
                self.reads = True
            return None
        if role in INPUTS and self.owner.names.target == "ray":
            self.inputs.add(node.id)
            return None
        if role in {"states", *ROLES[2:]}:
            raise NotMovable(node, f"reads {node.id}, which the new stack does not have")
        return super().on_role(node, role)

    def obs_text(self, node: ast.AST) -> str:
        """What compute_actions_from_input_dict() reads under "obs"."""
        return self.observations()

    def observations(self) -> str:
        """The batch as the old policy got it."""
        return _observations(self)

    def heading(self, indent: str) -> str:
        """The inputs under their old names."""
        lines = [f"{self.rows} = {self.observations()}"] if self.reads else []
        for name in sorted(self.inputs):
            key = INPUTS[self.roles[name]]
            text = f"batch[{self.column(key)}]"
            if key != "infos":
                text = f"{_numpy(self.owner)}.asarray({text})"
            lines.append(f"{name} = {text}")
        return "".join(f"{indent}{line}\n" for line in lines)

    def _restored(self) -> ast.Assign | None:
        """The statement that gives the observations their nested form, at the method's top."""
        for node in self.method.body:
            if isinstance(node, ast.Assign) and self._restores(node.value):
                target = node.targets[0]
                if isinstance(target, ast.Name) and self.roles.get(target.id) == "rows":
                    return node
        return None

    def _restores(self, node: ast.AST) -> bool:
        """`restore_original_dimensions(np.array(obs_batch), self.observation_space, ...)`."""
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            return False
        if not (self.rllib(node.func) or "").endswith(".restore_original_dimensions"):
            return False
        given: ast.expr = node.args[0]
        made = (isinstance(given, ast.Call) and dotted(given.func)) or ""
        if made.rpartition(".")[2] in {"array", "asarray"} and isinstance(given, ast.Call):
            given = given.args[0]
        lib = next((k.value for k in node.keywords if k.arg == "tensorlib"), node.args[-1])
        numpy = (self.owner.file.imports.qualified(lib) or "") == "numpy" or (
            isinstance(lib, ast.Constant) and lib.value == "numpy"
        )
        asked = self_attribute(node.args[1]) == "observation_space"
        return numpy and asked and self.role(given) == "rows"

    def on_Call(self, node: ast.Call) -> str | None:
        """`np.array(obs_batch, dtype=int)` can only mean numbers that are not one-hot."""
        if self._restores(node):
            layer = self.owner.names.layer("restored_observations")
            return f"{layer}(batch[{self.column('obs')}], self.observation_space)"
        raw = _as_integers(self, node)
        return raw if raw is not None else super().on_Call(node)

    def on_Return(self, node: ast.Return) -> str:
        """Actions and what was said about them."""
        if not isinstance(node.value, ast.Tuple) or len(node.value.elts) != 3:
            raise NotMovable(node, "does not return actions, states and infos one by one")
        actions = node.value.elts[0]
        states, infos = (
            self.empty.get(each.id, each) if isinstance(each, ast.Name) else each
            for each in node.value.elts[1:]
        )
        nothing = isinstance(states, ast.List | ast.Tuple) and not states.elts
        # Without a get_initial_state() of its own, a policy is given no states to hand on.
        nothing = nothing or self.role(states) == "states"
        if not nothing and not (isinstance(states, ast.Constant) and states.value is None):
            raise NotMovable(states, "keeps states of its own")
        if not isinstance(infos, ast.Dict) or None in infos.keys:
            raise NotMovable(infos, "returns infos that are made elsewhere")
        acted = f"{self.owner.names.layer('acted')}({self.text(actions)})"
        rows = {}
        for key, value in zip(infos.keys, infos.values, strict=True):
            name = self.key(key) if key is not None else None
            if name is None:
                raise NotMovable(infos, "returns infos under computed keys")
            rows[name] = self.text(value)
        if "action_prob" in rows and "action_logp" not in rows:
            rows["action_logp"] = f"{_numpy(self.owner)}.log({rows['action_prob']})"
        if not rows:
            return f"return {acted}"
        lines = [f"{self.column(name)}: {text}" for name, text in rows.items()]
        return returned([f"**{acted}", *lines], " " * node.col_offset)


def _observations(words: HookWords) -> str:
    obs = f"batch[{words.column('obs')}]"
    return f"{words.owner.names.layer('old_observations')}({obs}, self.observation_space)"


def _as_integers(words: HookWords, node: ast.Call) -> str | None:
    """Write `np.array(observations, dtype=int)` on observations as the environment gives them."""
    first = node.args[0] if node.args else None
    if first is None or not any(k.arg == "dtype" and _is_integer(k.value) for k in node.keywords):
        return None
    key = first.slice if isinstance(first, ast.Subscript) else None
    of_batch = isinstance(first, ast.Subscript) and words.role(first.value) == "batch"
    asked = of_batch and key is not None and words.key(key) == "obs"
    if not asked and words.role(first) != "rows":
        return None
    start, end = words.source.span(first)
    whole = words.source.span(node)
    before, after = words.source.text[whole.start : start], words.source.text[end : whole.end]
    return f"{before}batch[{words.column('obs')}]{after}"


def _is_integer(node: ast.expr) -> bool:
    return (dotted(node) or "").rpartition(".")[2] in {"int", "int32", "int64", "int_"}


def _numpy(owner: Owner) -> str:
    found = owner.file.imports.local_names("numpy")
    if found:
        return found[0]
    owner.names.want("numpy", "")
    return "numpy"


def action_roles(method: ast.FunctionDef) -> dict[str, str]:
    """Parameters of compute_actions() and its kin by what they hold."""
    named = [a.arg for a in (*method.args.posonlyargs, *method.args.args)][1:]
    roles: dict[str, str] = {}
    if method.name == "compute_actions":
        roles.update(zip(named, ROLES, strict=False))
    elif named:
        roles[named[0]] = "batch"
    for name in (*named, *(a.arg for a in method.args.kwonlyargs)):
        if name in {"explore", "timestep"}:
            roles[name] = name
        roles.setdefault(name, name)
    if method.args.kwarg:
        roles[method.args.kwarg.arg] = "kwargs"
    if method.args.vararg:
        roles[method.args.vararg.arg] = "rest"
    return roles


def _sort_methods(owner: Owner, module: Module) -> list[str]:
    """Note which methods go, and write those that stay; returns statements for setup()."""
    late: list[str] = []
    gone = {"__init__", *ACTING, *PLUMBING}
    for item in module.node.body:
        if not isinstance(item, ast.FunctionDef):
            if isinstance(item, ast.Expr | ast.Assign | ast.AnnAssign | ast.Pass):
                continue
            raise NotMovable(item, "has a body that is not only methods")
        if item.name in gone:
            module.replaced.append(item)
        elif item.name in NO_MEANING:
            module.replaced.append(item)
            if not does_nothing(item):
                _state(owner, module, item)
        elif item.name in {"compute_log_likelihoods", "compute_single_action"}:
            _keep(owner, module, item)
        elif item.name == "action_distribution_fn":
            module.replaced.append(item)
            late.append(_train(owner, module, item))
        elif item.name in HOOKS:
            raise NotMovable(item, f"overrides {item.name}()")
        else:
            _keep(owner, module, item)
    return late


def _state(owner: Owner, module: Module, method: ast.FunctionDef) -> None:
    """What a policy called its weights is the state of the module."""
    heads = {
        "get_weights": "get_state(self, *args, **kwargs)",
        "set_weights": "set_state(self, {})",
    }
    if method.name not in heads:
        raise NotMovable(method, f"overrides {method.name}()")
    named = method.args.args[1].arg if len(method.args.args) > 1 else "state"
    statements = body_without_docstring(method)
    words = Words(owner, method, {})
    body = words.block(statements, first=opening(owner.source, statements[0]), indent=BODY)
    module.method(heads[method.name].format(named), body)


def _keep(owner: Owner, module: Module, method: ast.FunctionDef) -> None:
    """Let a method stay as it is, without the decorator that names the old class."""
    for decorator in method.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        found = owner.file.imports.qualified(call) or ""
        if found.startswith("ray.rllib."):
            if method.name not in {"compute_log_likelihoods", "compute_single_action"}:
                raise NotMovable(method, f"overrides {method.name}() of the old policy")
            last = decorator.end_lineno or decorator.lineno
            module.kept.append((owner.source.line_span(decorator.lineno, last), ""))
    for each in method.body:
        module.kept += Words(owner, method, {}).pieces(each)


def _setup(owner: Owner, module: Module, init: ast.FunctionDef | None, late: list[str]) -> None:
    body = ""
    if init is not None:
        words = SetupWords(owner, init, init_roles(init))
        statements = body_without_docstring(init)
        if not all(is_base_call(each) for each in statements):
            first = opening(owner.source, statements[0], goes=is_base_call(statements[0]))
            written = words.block(statements, first=first, indent=BODY)
            body = described(owner.source, init, BODY) + written.lstrip("\n")
    body += "".join(f"{BODY}{line}\n" for line in late)
    if body.strip():
        module.method("setup(self)", body)
        module.written.insert(0, module.written.pop())


def _forwards(owner: Owner, module: Module, method: ast.FunctionDef) -> None:
    texts = {}
    for way in (True, False):
        words = ActionWords(owner, method, action_roles(method), way)
        body = words.written(BODY)
        texts[way] = words.heading(BODY) + body
        owner.inputs |= {INPUTS[words.roles[name]] for name in words.inputs}
    arguments = "self, batch, **kwargs"
    text = described(owner.source, method, BODY) + texts[True]
    if texts[True] == texts[False]:
        module.method(f"_forward({arguments})", text)
        return
    module.method(f"_forward_exploration({arguments})", text)
    module.method(f"_forward_inference({arguments})", texts[False])


class _TrainWords(HookWords):
    """action_distribution_fn() of a policy in numpy."""

    def on_role(self, node: ast.Name, role: str) -> str | None:
        if role.startswith("unknown") or role == "model":
            raise NotMovable(node, f"reads {node.id} without a network")
        return super().on_role(node, role)

    def obs_text(self, node: ast.AST) -> str:
        return _observations(self)

    def on_Call(self, node: ast.Call) -> str | None:
        raw = _as_integers(self, node)
        return raw if raw is not None else super().on_Call(node)

    def _shaped(self, node: ast.expr) -> str:
        return f"{torch_name(self.owner)}.as_tensor({self.text(node)})"


def _train(owner: Owner, module: Module, method: ast.FunctionDef) -> str:
    words = _TrainWords(owner, method, explore=False)
    module.method("_forward_train(self, batch, **kwargs)", words.written(BODY))
    names = {words.new_distribution(node) for node in words.distributions()}
    if len(names) != 1 or None in names:
        raise NotMovable(method, "chooses its distribution class by the call")
    return f"self.action_dist_cls = {names.pop()}"
