"""Builder policies that only act, written as the classes that they stand for.

Desugared   one call, and the edits that put a class in its place
desugared   those of a file
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.policies.assembly import UNIT
from rlmigrate.migrate.policies.builders import BuilderCall, builder_calls
from rlmigrate.migrate.policies.rewriting import Rewriting
from rlmigrate.migrate.source import SourceFile, Span
from rlmigrate.migrate.understanding.scope import names_bound

CODE = "RLM206"
#: Builder argument to method, for the hooks that choose actions.
ACTING = {
    "make_model": "make_model",
    "make_model_and_action_dist": "make_model_and_action_dist",
    "action_distribution_fn": "action_distribution_fn",
    "action_sampler_fn": "action_sampler_fn",
    "extra_action_out_fn": "extra_action_out",
    "extra_action_fetches_fn": "extra_action_out",
}
HARMLESS = frozenset({"name", "framework", "get_default_config"})
MAKERS = frozenset({"make_model", "make_model_and_action_dist"})
#: What a function that makes a model is given after the policy.
GIVEN = ("self.observation_space", "self.action_space", "self.config")
PLAIN = ("ray.rllib.policy.torch_policy_v2", "TorchPolicyV2")


@dataclass(frozen=True)
class Desugared:
    """One call at a line; `edits` write the class and take away functions used nowhere else."""

    call: BuilderCall
    edits: tuple[Edit, ...]
    imports: Imports


@lru_cache(maxsize=8)
def desugared(source: SourceFile, index: RepoIndex) -> tuple[Desugared, ...]:
    """Write a class for each builder call whose functions stand in the file and only act."""
    file = index.files.get(source.path)
    if file is None or b"ray" not in source.raw:
        return ()
    found = builder_calls(source, file)
    calls = [call for call in found if _only_acts(source, call)]
    others = [call for call in found if call not in calls]
    calls = [call for call in calls if not any(_goes_on(each, call) for each in others)]
    functions = {f.name: f for f in source.tree.body if isinstance(f, ast.FunctionDef)}
    uses = Counter(name.id for name in source.nodes(ast.Name) if isinstance(name.ctx, ast.Load))
    result = []
    for call in calls:
        hooks = {arg: call.all[arg] for arg in call.all if arg in ACTING}
        names = [value.id for value in hooks.values() if isinstance(value, ast.Name)]
        if len(names) < len(hooks) or not all(name in functions for name in names):
            continue
        methods = [
            _method(source, functions[name], ACTING[arg])
            for arg, name in zip(hooks, names, strict=True)
        ]
        if None in methods:
            continue
        base = call.base or PLAIN[1]
        wanted = frozenset() if call.base else frozenset({PLAIN})
        text = f"class {call.name}({base}):\n" + "\n".join(m for m in methods if m)
        lead = _blank_lines(source, call.statement)
        edits = [Edit(source.span(call.statement), lead + text.rstrip("\n"), CODE)]
        own = {value.id for value in call.own.values() if isinstance(value, ast.Name)}
        alone = sorted(name for name in own & set(names) if uses[name] == 1)
        edits += [Edit(_whole(source, functions[name]), "", CODE) for name in alone]
        result.append(Desugared(call, tuple(edits), Imports(wanted)))
    return tuple(result)


def _goes_on(call: BuilderCall, other: BuilderCall) -> bool:
    """Say whether a call is `other.with_updates(...)`, which a class does not have."""
    func = call.call.func
    owner = func.value if isinstance(func, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id == other.name


def _only_acts(source: SourceFile, call: BuilderCall) -> bool:
    """Say whether a call names a policy of torch that learns as its base does."""
    named = isinstance(call.statement, ast.Assign) and call.statement in source.tree.body
    asked = {
        arg
        for arg, value in call.all.items()
        if not (isinstance(value, ast.Constant) and value.value is None)
    }
    kinds = asked & set(ACTING)
    return named and call.framework == "torch" and bool(kinds) and asked <= {*ACTING, *HARMLESS}


class _AsMethod(Rewriting):
    """A function whose parameters have other names in a method."""

    def __init__(self, source: SourceFile, names: dict[str, str]) -> None:
        super().__init__(source)
        self.names = names

    def replacement(self, node: ast.AST) -> str | None:
        """Parameters under their new names."""
        return self.names.get(node.id) if isinstance(node, ast.Name) else None


def _method(source: SourceFile, function: ast.FunctionDef, name: str) -> str | None:
    """The function as a method; None where its parameters are not those of a hook."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    if not positional or function.decorator_list:
        return None
    names = {positional[0].arg: "self"}
    head = "self"
    if name in MAKERS:
        if len(positional) != 1 + len(GIVEN):
            return None
        names |= dict(zip([a.arg for a in positional[1:]], GIVEN, strict=True))
    else:
        head = "self, " + ast.unparse(arguments).partition(",")[2].strip()
        if name.startswith("action_"):
            known = {a.arg for a in (*positional, *arguments.kwonlyargs)}
            if "obs_batch" in known or "input_dict" not in known:
                return None  # an older form, which got the observations alone
            names["input_dict"] = "obs_batch"
            head = re.sub(r"\binput_dict\b", "obs_batch", head)
        if arguments.kwarg is None and name != "extra_action_out":
            head += ", **kwargs"
    stored = names_bound(function)
    if stored & set(names) or "self" in stored:
        return None
    if function.body[0].lineno == function.lineno:
        return None
    first = function.body[0].lineno
    body = _AsMethod(source, names).block(function.body, first=first, indent=UNIT * 2)
    return f"{UNIT}def {name}({head}):\n{body}"


def _blank_lines(source: SourceFile, node: ast.stmt) -> str:
    """Line ends that are missing before a class in the place of a statement."""
    before = source.text[: source.line_span(node.lineno, node.lineno).start]
    blank = before[len(before.rstrip()) :].count("\n") - 1
    return "\n" * max(2 - blank, 0) if before.strip() else ""


def _whole(source: SourceFile, node: ast.FunctionDef) -> Span:
    """The lines of a function and the blank ones after it."""
    start, end = source.line_span(node.lineno, node.end_lineno or node.lineno)
    rest = source.text[end:]
    blank = len(rest) - len(rest.lstrip("\r\n"))
    return Span(start, end + blank)
