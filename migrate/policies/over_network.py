"""compute_actions() of a policy that has a network, as the forward methods of its module.

write_over   write them; raises NotMovable where that is not certain
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.policies.assembly import UNIT, Module
from rlmigrate.migrate.policies.calls import torch_name
from rlmigrate.migrate.policies.native import FORWARDS
from rlmigrate.migrate.policies.networkless import ACTING, INPUTS, ActionWords, action_roles
from rlmigrate.migrate.policies.problem import NotMovable
from rlmigrate.migrate.policies.remarks import described
from rlmigrate.migrate.policies.words import Owner
from rlmigrate.migrate.tree import nodes_in

BODY = UNIT * 2


def write_over(owner: Owner, module: Module, methods: dict[str, ast.FunctionDef]) -> bool:
    """Write the forward methods of a policy that overrides compute_actions(); False if none."""
    acting = [methods[name] for name in ACTING if name in methods]
    if not acting:
        return False
    if len(acting) > 1:
        raise NotMovable(acting[1], "overrides compute_actions() twice")
    others = [name for name in (*FORWARDS, "extra_action_out") if name in methods]
    if others:
        raise NotMovable(acting[0], f"overrides {acting[0].name}() and {others[0]}()")
    if owner.recurrent:
        raise NotMovable(acting[0], f"overrides {acting[0].name}() around a recurrent model")
    texts = {}
    for way in (True, False):
        words = OverWords(owner, acting[0], action_roles(acting[0]), way)
        body = words.written(BODY)
        texts[way] = words.heading(BODY) + body
        owner.inputs |= {INPUTS[words.roles[name]] for name in words.inputs}
    grad = f"{torch_name(owner)}.no_grad()"
    told = described(owner.source, acting[0], BODY)
    for way, phase in ((True, "exploration"), (False, "inference")):
        text = (told if way else "") + texts[way]
        module.method(f"_forward_{phase}(self, batch, **kwargs)", text, grad)
    return True


class OverWords(ActionWords):
    """The body of compute_actions(), which may ask its base for actions.

    `wholes` are locals that hold all that the base returned, `states` those with its states.
    """

    def __init__(
        self, owner: Owner, method: ast.FunctionDef, roles: dict[str, str], explore: bool
    ) -> None:
        super().__init__(owner, method, roles, explore)
        self.wholes: set[str] = set()
        self.states: set[str] = set()
        for node in nodes_in(method):
            if isinstance(node, ast.Assign) and self._asks_base(node.value):
                self._bind(node)

    def _bind(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            self.wholes.add(target.id)
        elif isinstance(target, ast.Tuple) and len(target.elts) == 3:
            middle = target.elts[1]
            self.states |= {middle.id} if isinstance(middle, ast.Name) else set()

    def _asks_base(self, node: ast.AST) -> bool:
        """`super().compute_actions(...)`, and the same by the name of the base."""
        func = node.func if isinstance(node, ast.Call) else None
        if not isinstance(func, ast.Attribute) or func.attr not in ACTING:
            return False
        by_super = isinstance(func.value, ast.Call) and dotted(func.value.func) == "super"
        return by_super or self.rllib(func.value) is not None

    def _base(self, call: ast.Call) -> str:
        """What the base computed for the same observations."""
        assert isinstance(call.func, ast.Attribute)
        by_super = isinstance(call.func.value, ast.Call)
        given = list(call.args if by_super else call.args[1:])
        given = [a.value if isinstance(a, ast.Starred) else a for a in given]
        named = {k.arg: k.value for k in call.keywords}
        first = given[:1] or [named[n] for n in ("obs_batch", "input_dict") if n in named]
        whole = len(given) == 1 and self.role(given[0]) == "rest"
        if not whole and (not first or self.role(first[0]) not in {"rows", "batch"}):
            raise NotMovable(call, "gives its base other observations")
        explore = self.explore
        for name, value in (*((None, each) for each in given[1:]), *named.items()):
            found = self.truth(value)
            if name == "explore" and isinstance(value, ast.Constant) and value.value is not None:
                explore = bool(value.value)
            elif found is not None:
                explore = found
            elif not _is_nothing(value) and self.role(value) is None:
                raise NotMovable(call, "gives its base inputs of its own")
        return f"{self.owner.names.layer('policy_actions')}(self, batch, explore={explore})"

    def on_Call(self, node: ast.Call) -> str | None:
        """Actions of the base."""
        return self._base(node) if self._asks_base(node) else super().on_Call(node)

    def on_Constant(self, node: ast.Constant) -> str | None:
        """Values are not among what the base says any more."""
        if node.value == "vf_preds":
            raise NotMovable(node, "reads values, which Learners compute themselves")
        return None

    def column(self, key: str) -> str:
        """A key of what the base said."""
        if key == "vf_preds":
            raise NotMovable(self.method, "reads values, which Learners compute themselves")
        return super().column(key)

    def on_Return(self, node: ast.Return) -> str:
        """Actions and what was said of them; a network without states hands none on."""
        value = node.value
        acted = self.owner.names.layer("acted")
        if isinstance(value, ast.Name) and value.id in self.wholes:
            return f"return {{**{acted}({value.id}[0]), **{value.id}[2]}}"
        if isinstance(value, ast.Call) and self._asks_base(value):
            indent = " " * node.col_offset
            line = f"actions, _, infos = {self._base(value)}"
            return f"{line}\n{indent}return {{**{acted}(actions), **infos}}"
        if not isinstance(value, ast.Tuple) or len(value.elts) != 3:
            raise NotMovable(node, "does not return actions, states and infos one by one")
        actions, states, infos = value.elts
        literal = self.empty.get(infos.id, infos) if isinstance(infos, ast.Name) else infos
        if self._no_states(states) and isinstance(literal, ast.Dict) and None in literal.keys:
            raise NotMovable(infos, "returns infos that are made elsewhere")
        if not self._no_states(states):
            raise NotMovable(states, "keeps states of its own")
        if not isinstance(literal, ast.Dict):
            return f"return {{**{acted}({self.text(actions)}), **{self.text(infos)}}}"
        nothing = ast.List(elts=[], ctx=ast.Load())
        plain = ast.Return(ast.Tuple([actions, nothing, infos], ast.Load()))
        return super().on_Return(ast.copy_location(plain, node))

    def _no_states(self, node: ast.expr) -> bool:
        """Say whether what is returned as states are none, or those of the base."""
        if isinstance(node, ast.Name):
            empty = self.empty.get(node.id)
            return node.id in self.states or isinstance(empty, ast.List)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            at = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return node.value.id in self.wholes and at == 1
        return _is_nothing(node)


def _is_nothing(node: ast.expr) -> bool:
    """Say whether an expression is None or empty."""
    hollow = isinstance(node, ast.List | ast.Tuple) and not node.elts
    return hollow or (isinstance(node, ast.Constant) and node.value is None)
