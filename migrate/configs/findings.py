"""Findings about a file's config builders, made once and handed out by code.

builder_findings   the findings of one rule
"""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from rlmigrate.migrate.configs.chain_edits import ChainEdits
from rlmigrate.migrate.configs.decide import decide_chain
from rlmigrate.migrate.configs.decision import Decision
from rlmigrate.migrate.configs.keys import RENAMED_METHODS
from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.engine.suppression import Suppressions, suppressions
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.builders import Chain, builders_of
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext, Finding
from rlmigrate.migrate.source import SourceFile, Span

METHODS = "RLM404"

_CACHE: WeakKeyDictionary[SourceFile, tuple[object, object, list[Finding]]] = WeakKeyDictionary()


def builder_findings(context: FileContext, code: str) -> list[Finding]:
    """Return the findings with one rule's code, in source order."""
    known = _CACHE.get(context.source)
    if known is None or known[0] is not context.index or known[1] != context.settings:
        hidden = suppressions(context.source.text)
        made = [
            finding
            for chain in builders_of(context).chains
            for finding in _of_chain(context, chain, hidden)
        ]
        known = _CACHE[context.source] = (context.index, context.settings, made)
    return [finding for finding in known[2] if finding.item.code == code]


def _of_chain(context: FileContext, chain: Chain, hidden: Suppressions) -> list[Finding]:
    """All decisions of a chain share its edits: an argument may move into a call that another left.

    What a comment keeps away is found, but not carried out.
    """
    decisions = decide_chain(context, chain)
    acting = [d for d in decisions if not d.stays and not hidden.hide(d.code, d.node.lineno)]
    renames = [
        call
        for call in chain.calls
        if new_method(context, chain.method(call)) and context.settings.wants(METHODS)
    ]
    hushed = {id(call) for call in renames if hidden.hide(METHODS, call.lineno)}
    edits: tuple[Edit, ...] = ()
    maker = ChainEdits(
        context.source,
        nodes_of(context),
        chain,
        code=acting[0].code if acting else METHODS,
        rename_methods=not hushed and context.settings.wants(METHODS),
    )
    edits = tuple(maker.make(acting))
    findings = [_finding(context, d, edits if d in acting else ()) for d in decisions]
    return findings + [
        _renamed(context, chain, call, () if id(call) in hushed else edits) for call in renames
    ]


def new_method(context: FileContext, name: str) -> str | None:
    """Return what a builder method is called in the release that is written for."""
    if name == "build" and context.settings.ray_version != "2.40":
        return "build_algo"
    return RENAMED_METHODS.get(name)


def _renamed(
    context: FileContext, chain: Chain, call: ast.Call, edits: tuple[Edit, ...]
) -> Finding:
    old = chain.method(call)
    new = new_method(context, old)
    assert new is not None
    end = context.source.span(call.func).end
    span = Span(end - len(old), end)
    covered = any(edit.span.start <= span.start < edit.span.end for edit in edits)
    item = Item(
        path=str(context.source.path),
        line=context.source.line_of(span.start),
        name=f"{old}()",
        kind=Kind.CONFIG,
        outcome=Outcome.NATIVE,
        code=METHODS,
        message=f"{old}() is now {new}()",
        new_name=new,
    )
    return Finding(item, edits if covered else (Edit(span, new, METHODS), *edits))


def _finding(context: FileContext, decision: Decision, edits: tuple[Edit, ...]) -> Finding:
    item = Item(
        path=str(context.source.path),
        line=decision.node.lineno,
        name=decision.name,
        kind=decision.kind,
        outcome=decision.outcome,
        code=decision.code,
        message=decision.message,
        new_name=decision.new_name,
        column=decision.node.col_offset,
    )
    return Finding(item, edits, decision.imports if edits else Imports())
