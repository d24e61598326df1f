"""Comments in the signature of a constructor, which its own parameters take along.

Carried     what is said above, beside and below one parameter
carried     the comments of every parameter that has some
"""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, field

from rlmigrate.migrate.emit.text import describes, signature_span
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.understanding.facts import Reading

WIDTH = 100 - len("        ")  # of a line in setup()


@dataclass
class Carried:
    """Comments of one parameter, each with its `#`."""

    above: list[str] = field(default_factory=list)
    beside: str = ""
    below: list[str] = field(default_factory=list)

    @property
    def wants_a_line(self) -> bool:
        """Whether the parameter must not be read in place: what is said of it would be lost."""
        return bool(self.beside) or any(describes(each) for each in self.above)

    def around(self, line: str) -> list[str]:
        """The statement that takes the parameter's place, between what was said of it."""
        if not self.beside:
            return [*self.above, line, *self.below]
        whole = f"{line}  {self.beside}"
        if len(whole) > WIDTH:
            return [*self.above, self.beside, line, *self.below]
        return [*self.above, whole, *self.below]


def carried(source: SourceFile, reading: Reading) -> dict[str, Carried]:
    """Comments by parameter; a line of its own speaks of what follows, if that is the class's."""
    method = reading.methods.get("__init__")
    own = {parameter.name for parameter in reading.facts.parameters}
    start, end = signature_span(source, method) if method is not None and own else (0, 0)
    text = source.text[start:end]
    if method is None or "#" not in text:
        return {}
    rows = _rows(method)
    found: dict[str, Carried] = {}
    # A signature alone is no statement: "..." completes it.
    for token in tokenize.generate_tokens(io.StringIO(f"{text} ...\n", newline="").readline):
        if token.type != tokenize.COMMENT:
            continue
        line = method.lineno + token.start[0] - 1
        comment = token.string.rstrip()
        if any(first <= line < last for first, last in rows.values()):
            continue  # inside a default, whose text keeps it
        beside = [name for name, (_, last) in rows.items() if last == line]
        after = next((name for name, (first, _) in rows.items() if first > line), None)
        before = next((name for name, (_, last) in reversed(rows.items()) if last < line), None)
        if beside:
            if beside[-1] in own:
                found.setdefault(beside[-1], Carried()).beside = comment
        elif after in own:
            found.setdefault(str(after), Carried()).above.append(comment)
        elif before in own:
            found.setdefault(str(before), Carried()).below.append(comment)
    return found


def _rows(method: ast.FunctionDef) -> dict[str, tuple[int, int]]:
    """First and last line of each parameter with its default, in order."""
    args = method.args
    positional = [*args.posonlyargs, *args.args]
    defaults = dict(zip([a.arg for a in positional[::-1]], args.defaults[::-1], strict=False))
    keywords = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    defaults |= {a.arg: default for a, default in keywords if default is not None}
    extra = [each for each in (args.vararg, args.kwarg) if each is not None]
    rows = {}
    for each in [*positional, *args.kwonlyargs, *extra]:
        last = defaults.get(each.arg, each)
        rows[each.arg] = (each.lineno, last.end_lineno or each.lineno)
    return dict(sorted(rows.items(), key=lambda item: item[1]))
