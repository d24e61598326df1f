"""What callbacks log through an episode: custom metrics, histograms and media.

LOGGED   the members of an episode that hold what is logged
Log      what one use of them becomes: edits, or what stands in their way
logged   read one use

The old stack read these dicts once, when an episode had ended. A logger counts every value that it
is given, so only what is set once for each episode is the same there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.reading.nodes import Nodes
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM701"
#: Members with the folder of the results that theirs went to; metrics stand beside the others.
LOGGED = {"custom_metrics": "", "hist_data": "hist_stats", "media": "episode_media"}
#: Closing parentheses around an expression, and the comments that may stand between them.
CLOSING = re.compile(r"(?:(?:\s|#[^\n]*\n|\\\n)*\))*")
STARTS = frozenset({"on_episode_created", "on_episode_start"})
READ = (
    "{member} is not only set: log with metrics_logger.log_value(key, value), read with "
    "metrics_logger.peek(key)"
)
KEPT = (
    "{member} kept the last value of an episode, and metrics_logger counts every one: keep it in "
    "episode.custom_data and log it in on_episode_end"
)


@dataclass
class Log:
    """What one use becomes; `logs` where the logger is asked for."""

    edits: list[Edit] = field(default_factory=list)
    problem: str = ""
    logs: bool = True


def logged(
    context: FileContext, nodes: Nodes, method: ast.FunctionDef, member: ast.Attribute
) -> Log:
    """Read `episode.custom_metrics[key] = value` and its like."""
    outer = nodes.parents[member]
    statement = nodes.statement(member)
    assert statement is not None
    line = _Line(context, method, statement, member.attr)
    unclear = Log(problem=READ.format(member=member.attr))
    appended = _appended(nodes, member, outer)
    if appended is not None and member.attr == "hist_data":
        return _log(line.appended(*appended)) or unclear
    pairs = _set(nodes, member, outer)
    if pairs is None:
        return unclear
    if method.name in STARTS and pairs and all(_is_nothing(value) for _, value in pairs):
        return Log(_without(context, nodes, statement), logs=False)
    if method.name != "on_episode_end" or not _once(nodes, method, statement, pairs):
        return Log(problem=KEPT.format(member=member.attr))
    if isinstance(statement, ast.Assign):
        return _log(line.assigned(*pairs[0])) or unclear
    if pairs:
        return _log(line.paired(pairs)) or unclear
    call = nodes.parents[outer]
    assert isinstance(call, ast.Call)
    return _log(line.handed_over(call)) or unclear


def _log(edits: list[Edit] | None) -> Log | None:
    return Log(edits) if edits else None


Pairs = list[tuple[ast.expr, ast.expr]]


def _set(nodes: Nodes, member: ast.Attribute, outer: ast.AST) -> Pairs | None:
    """Keys and values that a statement sets; none where a whole dict is handed over."""
    above = nodes.parents.get(outer)
    if isinstance(outer, ast.Subscript) and isinstance(outer.ctx, ast.Store):
        if isinstance(above, ast.Assign) and len(above.targets) == 1:
            return [(outer.slice, above.value)]
        return None
    if not (isinstance(outer, ast.Attribute) and outer.attr == "update"):
        return None
    if not isinstance(above, ast.Call) or not isinstance(nodes.parents.get(above), ast.Expr):
        return None
    if len(above.args) != 1 or above.keywords or isinstance(above.args[0], ast.Starred):
        return None
    given = above.args[0]
    if isinstance(given, ast.Dict) and given.keys:
        keys = [key for key in given.keys if key is not None]
        return list(zip(keys, given.values, strict=True)) if len(keys) == len(given.keys) else []
    return []


def _appended(
    nodes: Nodes, member: ast.Attribute, outer: ast.AST
) -> tuple[ast.expr, ast.expr] | None:
    """`episode.hist_data[key].append(value)`."""
    method = nodes.parents.get(outer)
    call = nodes.parents.get(method) if method is not None else None
    if not (isinstance(outer, ast.Subscript) and outer.value is member):
        return None
    if not (isinstance(method, ast.Attribute) and method.attr == "append"):
        return None
    if not (isinstance(call, ast.Call) and isinstance(nodes.parents.get(call), ast.Expr)):
        return None
    return (outer.slice, call.args[0]) if len(call.args) == 1 and not call.keywords else None


def _is_nothing(value: ast.expr) -> bool:
    """`[]` or None, which say only that nothing is known yet."""
    if isinstance(value, ast.Constant):
        return value.value is None
    return isinstance(value, ast.List) and not value.elts


def _once(nodes: Nodes, method: ast.FunctionDef, statement: ast.stmt, pairs: Pairs) -> bool:
    """Whether a statement sets each key once: in a loop, the key must change with it."""
    read = [{n.id for n in ast.walk(key) if isinstance(n, ast.Name)} for key, _ in pairs]
    for up in nodes.up(statement):
        if up is method:
            return True
        if not isinstance(up, ast.For | ast.While):
            continue
        bound = {
            n.id for n in ast.walk(up) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if not pairs or not all(names & bound for names in read):
            return False
    return False  # in a function of its own


@dataclass(frozen=True)
class _Line:
    """One statement that sets `member`; keys and values stay as they are written."""

    context: FileContext
    method: ast.FunctionDef
    statement: ast.stmt
    member: str

    def assigned(self, key: ast.expr, value: ast.expr) -> list[Edit] | None:
        """`episode.x[key] = value`."""
        if isinstance(value, ast.Tuple):
            return None
        span = self._span(self.statement)
        assert isinstance(self.statement, ast.Assign)
        target = self._span(self.statement.targets[0]).end
        start = self._text.index("=", target) + 1
        start += len(self._text[start:]) - len(self._text[start:].lstrip(" "))
        opening, closing = self._around(key)
        return self._edits([(span.start, start, opening), (span.end, span.end, closing)])

    def paired(self, pairs: Pairs) -> list[Edit] | None:
        """`episode.x.update({key: value, ...})`: one line for each."""
        at, indent = self._span(self.statement).start, "\n" + " " * self.statement.col_offset
        places: list[tuple[int, int, str]] = []
        closing = ""
        for key, value in pairs:
            end = self._span(key).end
            if self._closed(end) != end:
                return None
            start = self._text.index(":", end) + 1
            start += len(self._text[start:]) - len(self._text[start:].lstrip(" "))
            comments = re.findall(r"#[^\n]*", self._text[at : self._span(key).start])
            opening, after = self._around(key)
            closing += "".join(f"  {comment}" for comment in comments)
            places.append((at, start, closing + (indent if closing else "") + opening))
            at, closing = self._closed(self._span(value).end), after
        end = self._span(self.statement).end
        comments = re.findall(r"#[^\n]*", self._text[at:end])
        closing += "".join(f"  {comment}" for comment in comments)
        return self._edits([*places, (at, end, closing)])

    def handed_over(self, call: ast.Call) -> list[Edit] | None:
        """`episode.x.update(values)`: a loop over what `values` holds."""
        given, span = self._span(call.args[0]), self._span(self.statement)
        before = self._text[self._span(call.func).end : given.start].strip()
        if (before, self._text[given.end : span.end].strip()) != ("(", ")"):
            return None
        simple = isinstance(call.args[0], ast.Name | ast.Attribute | ast.Call | ast.Subscript)
        simple = simple or isinstance(call.args[0], ast.Dict | ast.DictComp)
        key, value = self._fresh("key"), self._fresh("value")
        indent = "\n" + " " * (self.statement.col_offset + 4)
        head = f"for {key}, {value} in {'' if simple else '('}"
        tail = f"{'' if simple else ')'}.items():{indent}"
        if self.member == "hist_data":
            item = self._fresh("item")
            tail += f"for {item} in {value}:{indent}    {self._call(key, item)}"
        else:
            tail += self._call(key, value)
        return self._edits([(span.start, given.start, head), (given.end, span.end, tail)])

    def appended(self, key: ast.expr, value: ast.expr) -> list[Edit] | None:
        """`episode.hist_data[key].append(value)`."""
        span, given = self._span(self.statement), self._span(value)
        between = self._text[self._span(key).end : given.start]
        if between != "].append(" or self._text[given.end : span.end] != ")":
            return None
        head, _, tail = self._call(self._text_of(key), "\0").partition("\0")
        return self._edits([(span.start, given.start, head), (given.end, span.end, tail)])

    def _around(self, key: ast.expr) -> tuple[str, str]:
        """What stands before and after a value; a histogram takes each item of it."""
        name = self._text_of(key)
        if self.member != "hist_data":
            opening, _, closing = self._call(name, "\0").partition("\0")
            return opening, closing
        value = self._fresh("value")
        indent = "\n" + " " * (self.statement.col_offset + 4)
        return f"for {value} in ", f":{indent}{self._call(name, value)}"

    def _call(self, key: str, value: str) -> str:
        folder = LOGGED[self.member]
        key = f'("{folder}", {key})' if folder else key
        return f"metrics_logger.log_value({key}, {value}, reduce={self._reduced()})"

    def _reduced(self) -> str:
        """What keeps single values was `reduce=None` until it got a name of its own."""
        if self.member == "custom_metrics":
            return '"mean"'
        release = self.context.settings.ray_version.split(".")[:2]
        return '"item_series"' if tuple(map(int, release)) >= (2, 54) else "None"

    def _fresh(self, name: str) -> str:
        """A name that nothing uses in the method."""
        used = {node.id for node in nodes_in(self.method) if isinstance(node, ast.Name)}
        return next(
            found for found in (name, f"each_{name}", f"logged_{name}") if found not in used
        )

    def _edits(self, places: list[tuple[int, int, str]]) -> list[Edit]:
        return [Edit(Span(start, end), text, CODE) for start, end, text in places]

    def _closed(self, end: int) -> int:
        """Where an expression ends with the parentheses around it."""
        found = CLOSING.match(self._text, end)
        return found.end() if found is not None else end

    def _span(self, node: ast.expr | ast.stmt) -> Span:
        return self.context.source.span(node)

    def _text_of(self, node: ast.expr) -> str:
        return self.context.source.segment(node)

    @property
    def _text(self) -> str:
        return self.context.source.text


def _without(context: FileContext, nodes: Nodes, statement: ast.stmt) -> list[Edit]:
    """Take a statement away; an empty block gets a `pass`."""
    source = context.source
    span = source.span(statement)
    block = next(_blocks(nodes.parents[statement], statement), [statement])
    rest = [each for each in block if not _is_text(each)]
    if len(rest) < 2:
        return [Edit(span, "pass", CODE)]
    start = source.text.rfind("\n", 0, span.start) + 1
    end = source.text.find("\n", span.end)
    line = source.text[start : end if end >= 0 else len(source.text)]
    if end < 0 or line.strip() != source.text[span.start : span.end]:
        return [Edit(span, "pass", CODE)]  # something else stands on its lines
    return [Edit(Span(start, end + 1), "", CODE)]


def _blocks(parent: ast.AST, statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block:
            yield block


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
