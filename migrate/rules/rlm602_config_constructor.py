"""Turn `__init__(self, config)` of an RLModule into `setup(self)`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.rules.base import FileContext, Finding, Rule
from rlmigrate.migrate.rules.cases.rlm602 import CASES, UNCHANGED
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    classes,
    imports_of,
    item,
    methods,
    module_kind,
    name_span,
    whole_lines,
)
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM602"

#: Fields of RLModuleConfig, and the attribute of the module that holds the same today.
FIELDS = {
    "observation_space": "observation_space",
    "action_space": "action_space",
    "inference_only": "inference_only",
    "learner_only": "learner_only",
    "model_config_dict": "model_config",
    "model_config": "model_config",
}
MULTI_FIELDS = {**FIELDS, "modules": "rl_module_specs"}

#: Bases whose own setup does nothing, so that it need not be called.
PLAIN_BASES = ("RLModule", "TorchRLModule", "TfRLModule")


def check(context: FileContext) -> Iterable[Finding]:
    """Find constructors that take a config, and modules built from one."""
    for node in classes(context.source):
        kind = module_kind(context, node)
        if kind is not None:
            yield from _class(context, node, FIELDS if kind == "single" else MULTI_FIELDS)
    for call in _calls(context):
        yield from _built_from_config(context, call)


def handled(context: FileContext) -> set[int]:
    """Ids of the nodes that go with the edits of this rule."""
    gone: set[int] = set()
    for node in classes(context.source):
        kind = module_kind(context, node)
        constructor = methods(node).get("__init__")
        if kind is None or constructor is None:
            continue
        parameter = _config_parameter(constructor)
        fields = FIELDS if kind == "single" else MULTI_FIELDS
        if parameter and _obstacle(node, constructor, parameter, fields) is None:
            gone |= {id(part) for part in nodes_in(constructor.args)}
    for call in _calls(context):
        if any(True for _ in _built_from_config(context, call)):
            gone |= {id(part) for part in nodes_in(call)}
    return gone


def _class(context: FileContext, node: ast.ClassDef, fields: dict[str, str]) -> Iterator[Finding]:
    source = context.source
    uses = [
        Edit(source.span(use), f"self.{fields[use.attr]}", CODE)
        for use in _fields_of(node, "self.config", fields)
        if isinstance(use.ctx, ast.Load)
    ]
    uses += _catalog(context, node, "self.config")
    constructor = methods(node).get("__init__")
    parameter = _config_parameter(constructor) if constructor else None
    if constructor is None or parameter is None:
        edits = [*uses, *(_dropped_none(context, constructor) if constructor else [])]
        if edits:
            yield _native(context, node, edits, f"{node.name} reads its fields from itself")
        return
    reason = _obstacle(node, constructor, parameter, fields)
    if reason is not None:
        yield Finding(
            item(
                context,
                constructor,
                code=CODE,
                name=f"{node.name}.__init__",
                kind=Kind.MODULE,
                outcome=Outcome.MANUAL,
                message=f"move the constructor into setup(self): {reason}",
            )
        )
        return
    edits = uses + _moved(context, node, constructor, parameter, fields)
    yield _native(context, constructor, edits, f"the constructor of {node.name} becomes setup()")


def _native(context: FileContext, node: ast.stmt, edits: Iterable[Edit], message: str) -> Finding:
    name = getattr(node, "name", "")
    found = item(
        context,
        node,
        code=CODE,
        name=name,
        kind=Kind.MODULE,
        outcome=Outcome.NATIVE,
        message=message,
    )
    return Finding(found, tuple(edits))


def _config_parameter(node: ast.FunctionDef) -> str | None:
    """Name the one parameter beside self, if it is handed to the base's constructor."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if len(arguments) != 2 or node.args.vararg or node.args.kwarg:
        return None
    name = arguments[1].arg
    return name if _base_call(node, name) is not None else None


def _base_call(node: ast.FunctionDef, parameter: str) -> ast.Expr | None:
    """Find the statement `super().__init__(config)` or `Base.__init__(self, config)`."""
    for statement in node.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr != "__init__" or not isinstance(statement, ast.Expr):
            continue
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if given and isinstance(given[-1], ast.Name) and given[-1].id == parameter:
            return statement
    return None


def _obstacle(
    node: ast.ClassDef, constructor: ast.FunctionDef, parameter: str, fields: dict[str, str]
) -> str | None:
    """Say why a constructor cannot move; None where it can."""
    base_call = _base_call(constructor, parameter)
    rest = [s for s in constructor.body if s is not base_call and not _docstring(s)]
    if "setup" in methods(node) and rest:
        return "the class has a setup() of its own, which ran before these lines"
    if any(not isinstance(u.ctx, ast.Load) for u in _fields_of(constructor, parameter, fields)):
        return f"it changes `{parameter}` before or after the base reads it"
    if any(not isinstance(u.ctx, ast.Load) for u in _fields_of(node, "self.config", fields)):
        return "it changes self.config"
    known = {id(use.value) for use in _fields_of(constructor, parameter, fields)}
    known |= {id(use) for use in nodes_in(base_call or constructor) if base_call}
    known |= {
        id(call.func.value)
        for call in nodes_in(constructor)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if _text(call.func) == f"{parameter}.get_catalog"
    }
    for use in nodes_in(constructor):
        if isinstance(use, ast.Name) and use.id == parameter and id(use) not in known:
            return f"`{parameter}` is used otherwise than by the fields that setup() has"
    return None


def _moved(
    context: FileContext,
    node: ast.ClassDef,
    constructor: ast.FunctionDef,
    parameter: str,
    fields: dict[str, str],
) -> list[Edit]:
    source = context.source
    base_call = _base_call(constructor, parameter)
    rest = [s for s in constructor.body if s is not base_call and not _docstring(s)]
    if base_call is None:
        return []
    if not rest:
        if len(node.body) == 1:
            return [Edit(source.span(constructor), "pass", CODE)]
        return [Edit(whole_lines(source, constructor, node.body), "", CODE)]
    arguments = [
        *constructor.args.posonlyargs,
        *constructor.args.args,
        *constructor.args.kwonlyargs,
    ]
    defaults = [*constructor.args.defaults, *filter(None, constructor.args.kw_defaults)]
    spans = [source.span(arguments[1]), *(source.span(default) for default in defaults)]
    end = max(span.end for span in spans)
    edits = [
        Edit(name_span(source, constructor), "setup", CODE),
        Edit(Span(source.span(arguments[0]).end, end), "", CODE),
    ]
    if _needs_super(node, context):
        edits.append(Edit(source.span(base_call), "super().setup()", CODE))
    else:
        edits.append(Edit(_without_comments(context, base_call, constructor.body), "", CODE))
    edits += [
        Edit(source.span(use), f"self.{fields[use.attr]}", CODE)
        for use in _fields_of(constructor, parameter, fields)
    ]
    return edits + _catalog(context, constructor, parameter)


def _catalog(context: FileContext, node: ast.AST, owner: str) -> list[Edit]:
    """`self.config.get_catalog()` is `self.catalog`, which the base has set."""
    edits = []
    own = set()
    for part in nodes_in(node):
        for name in ("body", "orelse"):
            found = getattr(part, name, None)
            block = found if isinstance(found, list) else []
            for statement in block:
                value = getattr(statement, "value", None)
                targets = getattr(statement, "targets", [getattr(statement, "target", None)])
                if not isinstance(value, ast.Call) or _text(value.func) != f"{owner}.get_catalog":
                    continue
                if [_text(t) for t in targets if isinstance(t, ast.expr)] == ["self.catalog"]:
                    own.add(id(value))
                    alone = len(block) == 1
                    span = context.source.span(statement)
                    lines = context.source.line_span(statement.lineno, statement.end_lineno or 0)
                    edits.append(Edit(span if alone else lines, "pass" if alone else "", CODE))
    return edits + [
        Edit(context.source.span(use), "self.catalog", CODE)
        for use in nodes_in(node)
        if isinstance(use, ast.Call) and id(use) not in own
        if _text(use.func) == f"{owner}.get_catalog"
    ]


def _without_comments(context: FileContext, node: ast.stmt, block: list[ast.stmt]) -> Span:
    """Lines of the base's call, but not the comments above it, which may speak of more."""
    start = context.source.line_span(node.lineno, node.lineno).start
    return Span(start, whole_lines(context.source, node, block).end)


def _needs_super(node: ast.ClassDef, context: FileContext) -> bool:
    table = imports_of(context)
    names = [(table.qualified(base) or "").rpartition(".")[2] for base in node.bases]
    return not all(name in PLAIN_BASES or not name.endswith("RLModule") for name in names)


def _dropped_none(context: FileContext, constructor: ast.FunctionDef) -> list[Edit]:
    """Drop the argument of `super().__init__(config=None)`, which a later base refuses."""
    edits = []
    for statement in constructor.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or _text(call.func) != "super.__init__":
            continue
        if call.args or [keyword.arg for keyword in call.keywords] != ["config"]:
            continue
        value = call.keywords[0].value
        if isinstance(value, ast.Constant) and value.value is None:
            edits.append(Edit(context.source.span(call), "super().__init__()", CODE))
    return edits


def _calls(context: FileContext) -> list[ast.Call]:
    return context.source.nodes(ast.Call) if b"ModuleConfig" in context.source.raw else []


def _built_from_config(context: FileContext, call: ast.Call) -> Iterator[Finding]:
    """`Module(RLModuleConfig(a=1))` becomes `Module(a=1)`."""
    source, table = context.source, imports_of(context)
    given = [*call.args, *(k.value for k in call.keywords if k.arg == "config")]
    if len(given) != 1 or len(call.args) + len(call.keywords) != 1:
        return
    config = given[0]
    name = table.qualified(config.func) if isinstance(config, ast.Call) else None
    if name is None or not isinstance(config, ast.Call) or not name.startswith("ray.rllib."):
        return
    last = name.rpartition(".")[2]
    if last not in ("RLModuleConfig", "MultiAgentRLModuleConfig", "MultiRLModuleConfig"):
        return
    if config.args or any(keyword.arg is None for keyword in config.keywords):
        return
    outer = call.keywords[0] if call.keywords else config
    start, end = source.span(outer).start, source.span(config).end
    inner = source.text.index("(", source.span(config.func).end) + 1
    renames = {"model_config_dict": "model_config", "modules": "rl_module_specs"}
    edits = [
        Edit(Span(start, inner), "", CODE),
        Edit(Span(end - 1, end), "", CODE),
        *(
            Edit(
                Span(source.span(k).start, source.span(k).start + len(k.arg)), renames[k.arg], CODE
            )
            for k in config.keywords
            if k.arg in renames
        ),
    ]
    found = item(
        context,
        call,
        code=CODE,
        name=last,
        kind=Kind.MODULE,
        outcome=Outcome.NATIVE,
        message=f"the module takes the fields of {last} as arguments",
    )
    yield Finding(found, tuple(edits))


def _fields_of(node: ast.AST, owner: str, fields: dict[str, str]) -> Iterator[ast.Attribute]:
    for use in nodes_in(node):
        if isinstance(use, ast.Attribute) and use.attr in fields and _text(use.value) == owner:
            yield use


def _text(node: ast.expr) -> str:
    """Write names and attributes as they stand; `super()` counts as a name."""
    if isinstance(node, ast.Attribute):
        return f"{_text(node.value)}.{node.attr}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
        return "super"
    return node.id if isinstance(node, ast.Name) else "?"


def _docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


RULE = Rule(
    code=CODE,
    name="config-constructor",
    kind=Kind.MODULE,
    summary="Turn `__init__(self, config)` of an RLModule into `setup(self)`.",
    explanation=(
        "Up to Ray 2.37 an RLModule was constructed from one RLModuleConfig; since 2.39 that "
        "raises, and the fields are attributes of the module when setup() runs. The lines of the "
        "constructor move into setup(), its fields are read from self, and the call of the base's "
        "constructor goes, or becomes super().setup() where the base builds networks. A class "
        "that has both a setup() and further lines in its constructor is left to you: the order "
        "of the two cannot be kept."
    ),
    check=check,
    since="2.38",
    link=RELEASE_NOTES,
    unchanged=UNCHANGED,
    cases=CASES,
)
