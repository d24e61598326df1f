"""Tune's `local_dir` is `storage_path`, which takes no relative path."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import item
from rlmigrate.migrate.source import Span

CODE = "RLM417"
#: Last names of Tune's calls, wherever a release kept them.
CALLS = frozenset({"run", "RunConfig"})
HOMES = ("ray.tune", "ray.air", "ray.train")
#: Arguments that are gone, with what to do; those without a word did nothing but schedule.
GONE = {
    "loggers": "pass callbacks=[TBXLoggerCallback(), ...] of ray.tune.logger; JSON, CSV and "
    "TensorBoard are written anyway",
    "queue_trials": "",
    "ray_auto_init": "",
}


def check(context: FileContext) -> Iterable[Finding]:
    """Find Tune's calls with arguments of old releases."""
    entry = context.index.files.get(context.source.path)
    if entry is None:
        return
    for call, name in nodes_of(context).ray_calls(entry.imports):
        if not name.startswith(HOMES) or name.rpartition(".")[2] not in CALLS:
            continue
        given = {keyword.arg for keyword in call.keywords}
        for keyword in call.keywords:
            if keyword.arg == "local_dir" and "storage_path" not in given:
                yield _moved(context, keyword)
            elif keyword.arg in GONE and name.endswith(".run"):
                yield _gone(context, call, keyword)


def _moved(context: FileContext, keyword: ast.keyword) -> Finding:
    source, value = context.source, keyword.value
    start = source.span(keyword).start
    edits = [Edit(Span(start, start + len("local_dir")), "storage_path", CODE)]
    head = _head(value)
    if isinstance(value, ast.Name | ast.Attribute):  # which may be None
        head = f"{source.segment(value)} and {head}"
    if head:
        span = source.span(value)
        edits.append(Edit(Span(span.start, span.start), head, CODE))
        edits.append(Edit(Span(span.end, span.end), ")" * head.count("("), CODE))
    text = "local_dir is now storage_path, which takes no relative path"
    wanted = frozenset({("os", "")}) if head else frozenset[tuple[str, str]]()
    told = _item(context, keyword, Outcome.NATIVE, text, "storage_path")
    return Finding(told, tuple(edits), Imports(wanted))


def _head(value: ast.expr) -> str:
    """What makes a path absolute, if it may be relative."""
    if isinstance(value, ast.Constant):
        text = value.value
        if not isinstance(text, str) or text.startswith("/") or "://" in text:
            return ""
        return "os.path.expanduser(" if text.startswith("~") else "os.path.abspath("
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else ""
        if name in ("abspath", "expanduser", "realpath", "getcwd", "mkdtemp"):
            return ""
    return "os.path.abspath("


def _gone(context: FileContext, call: ast.Call, keyword: ast.keyword) -> Finding:
    advice = GONE[keyword.arg or ""]
    none = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
    text = f"tune.run({keyword.arg}=) is gone" + (f": {advice}" if advice else "")
    if advice and not none:
        return Finding(_item(context, keyword, Outcome.MANUAL, text))
    edit = Edit(_place(context, call, keyword), "", CODE)
    return Finding(_item(context, keyword, Outcome.NATIVE, text), (edit,))


def _place(context: FileContext, call: ast.Call, keyword: ast.keyword) -> Span:
    """Where an argument stands, with a comma: its line where it has one of its own."""
    source = context.source
    span = source.span(keyword)
    lines = source.line_span(keyword.lineno, keyword.end_lineno or keyword.lineno)
    before, after = source.text[lines.start : span.start], source.text[span.end : lines.end]
    if not before.strip() and after.strip() in (",", ""):
        return lines
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    ends = [source.span(item).end for item in arguments if source.span(item).end <= span.start]
    if ends:
        return Span(max(ends), span.end)
    starts = [source.span(item).start for item in arguments if source.span(item).start > span.end]
    return Span(span.start, min(starts, default=span.end))


def _item(
    context: FileContext,
    keyword: ast.keyword,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    return item(
        context,
        keyword,
        code=CODE,
        name=keyword.arg or "",
        kind=Kind.CONFIG,
        outcome=outcome,
        message=message,
        new_name=new_name,
    )


RULE = Rule(
    code=CODE,
    name="tune-arguments",
    kind=Kind.CONFIG,
    summary="Tune's `local_dir` is `storage_path`, which takes no relative path.",
    explanation="""
`tune.run(local_dir=)` and `RunConfig(local_dir=)` raise since Ray 2.7, and `storage_path` takes a
path without `/` in front for a URI without a scheme. `queue_trials` and `ray_auto_init` are gone
without a trace, `loggers` became callbacks.
""",
    check=check,
    since="2.7",
    link="https://docs.ray.io/en/latest/tune/api/execution.html",
    words=frozenset({"local_dir", *GONE}),
    unchanged=(
        Case(
            "run_of_another_module",
            """
import ray.rllib
from mine import tune

tune.run("PPO", local_dir="results")
""",
        ),
        Case(
            "storage_path",
            """
import ray.rllib
from ray import tune

tune.run("PPO", storage_path="/results")
""",
        ),
    ),
    cases=(
        Case(
            "paths",
            """
import ray.rllib
from ray import air, tune
from mine import arguments

tune.run("PPO", local_dir="/results", queue_trials=True)
tune.run(
    "PPO",
    local_dir="~/results",  # at home
    queue_trials=True,
)
air.RunConfig(local_dir=arguments.folder)
tune.run("PPO", local_dir=f"results/{arguments.name}", loggers=[print])
""",
            """
import os

import ray.rllib
from ray import air, tune
from mine import arguments

tune.run("PPO", storage_path="/results")
tune.run(
    "PPO",
    storage_path=os.path.expanduser("~/results"),  # at home
)
air.RunConfig(storage_path=arguments.folder and os.path.abspath(arguments.folder))
# TODO(rlmigrate RLM417): tune.run(loggers=) is gone: pass callbacks=[TBXLoggerCallback(), ...]
#     of ray.tune.logger; JSON, CSV and TensorBoard are written anyway
tune.run("PPO", storage_path=os.path.abspath(f"results/{arguments.name}"), loggers=[print])
""",
        ),
    ),
)
