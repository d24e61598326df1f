"""The bodies of action_distribution_fn, action_sampler_fn and extra_action_out, written anew.

HookWords   one of these methods, for one of the two forward methods
returned    a return of a dict
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.policies.calls import CallWords, free_name, torch_name
from rlmigrate.migrate.policies.problem import NotMovable


class HookWords(CallWords):
    """One hook, whose tuple becomes the outputs of a module."""

    def on_Return(self, node: ast.Return) -> str:
        """The outputs of a module in place of the tuple of a hook."""
        if self.kind == "extra_action_out":
            return self._extra(node)
        count = 4 if self.kind == "action_sampler_fn" else 3
        if not isinstance(node.value, ast.Tuple) or len(node.value.elts) != count:
            raise NotMovable(node, f"does not return {count} things one by one")
        parts = node.value.elts
        if self.kind == "action_sampler_fn":
            return self._sampled(node, parts)
        self.chosen.append(parts[1])
        return self._distributed(node, parts)

    def _sampled(self, node: ast.Return, parts: list[ast.expr]) -> str:
        actions, logp, inputs = parts[:3]
        rows = [("actions", self._shaped(actions))]
        first = ""
        if not _is_none(logp):
            rows.append(("action_logp", self._shaped(logp)))
        elif not _is_none(inputs):
            dist = free_name("dist", self.method)
            first = f"{dist} = {self.distribution(self.text(inputs))}\n" + " " * node.col_offset
            rows.append(("action_logp", self._over_time(f"{dist}.logp({self.text(actions)})")))
        else:
            raise NotMovable(node, "samples actions without saying how probable they are")
        if not _is_none(inputs):
            rows.append(("action_dist_inputs", self._shaped(inputs)))
        return first + self._outputs(node, rows, parts[3])

    def _distributed(self, node: ast.Return, parts: list[ast.expr]) -> str:
        found = self._resolved(parts[1])
        inputs = parts[0]
        if (self.rllib(found) or "").endswith("torch_action_dist.TorchDeterministic"):
            text = self._shaped(inputs)
            name = text.isidentifier()
            zeros = f"{torch_name(self.owner)}.zeros(len({text}))"
            if not name or self.owner.recurrent:
                raise NotMovable(node, "returns actions of a distribution that has no spread")
            rows = [("actions", text), ("action_logp", zeros), ("action_dist_inputs", text)]
            return self._outputs(node, rows, parts[2])
        rows = [("action_dist_inputs", self._shaped(inputs))]
        if not self.spread or not self.calls:
            return self._outputs(node, rows, parts[2])
        self._outputs(node, rows, parts[2])  # asks whether the states are those of the model
        lines = [f"**{self.outs}", *(f"{self.column(key)}: {text}" for key, text in rows)]
        return returned(lines, " " * node.col_offset)

    def _resolved(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.IfExp) and self.truth(node.test) is not None:
            node = node.body if self.truth(node.test) else node.orelse
        if isinstance(node, ast.Name):
            found = self.class_of(node)
            return found if found is not None else node
        return node

    def distributions(self) -> list[ast.expr]:
        """The distribution classes that the method returned, locals looked up."""
        return [self._resolved(node) for node in self.chosen]

    def _shaped(self, node: ast.expr) -> str:
        simple = isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript)
        return self._over_time(self.text(node), simple=simple)

    def _over_time(self, text: str, *, simple: bool = True) -> str:
        if not self.owner.recurrent:
            return text
        return f"{text if simple else f'({text})'}.unflatten(0, {self.time})"

    def _outputs(self, node: ast.stmt, rows: list[tuple[str, str]], states: ast.expr) -> str:
        kept = isinstance(states, ast.Name) and states.id in self.states_out
        given = self.role(states) == "states"
        nothing = _is_none(states) or (isinstance(states, ast.List) and not states.elts)
        if not (kept or given or nothing):
            raise NotMovable(states, "returns states of its own")
        if self.owner.recurrent:
            if kept:
                state_out = f"{self.outs}[{self.columns()}.STATE_OUT]"
            elif given:
                state_out = f"batch[{self.columns()}.STATE_IN]"
            else:
                raise NotMovable(states, "forgets the states of its recurrent model")
            lines = [f"{self.column(key)}: {text}" for key, text in rows]
            lines.append(f"{self.columns()}.STATE_OUT: {state_out}")
        else:
            lines = [f"{self.column(key)}: {text}" for key, text in rows]
        return returned(lines, " " * node.col_offset)

    def _extra(self, node: ast.Return) -> str:
        if isinstance(node.value, ast.Dict) and None not in node.value.keys:
            lines = []
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                name = self.key(key) if key is not None else None
                if name is None:
                    raise NotMovable(node, "returns outputs under computed keys")
                lines.append(f"{self.column(name)}: {self._shaped(value)}")
            return returned([f"**{self.outs}", *lines], " " * node.col_offset)
        raise NotMovable(node, "does not return its extra outputs as one dict")


def returned(lines: list[str], indent: str) -> str:
    """A return of a dict, on one line where it is short."""
    one = f"return {{{', '.join(lines)}}}"
    if len(lines) <= 2 and len(indent) + len(one) <= 100:
        return one
    inner = "".join(f"{indent}    {line},\n" for line in lines)
    return f"return {{\n{inner}{indent}}}"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
