"""The report as plain text, and as a table on a terminal."""

from __future__ import annotations

import sys

from rlmigrate.compat.parity.cases.plain import from_plain, in_words
from rlmigrate.compat.parity.render.numbers import noise, short, worst_abs, worst_kl, worst_noise
from rlmigrate.compat.parity.results import ClassResult, ParityReport, Status
from rlmigrate.compat.parity.sides.base import source_of

_COLOURS = {
    Status.PASS: "green",
    Status.FAIL: "red",
    Status.INCOMPLETE: "yellow",
    Status.ERROR: "magenta",
}


#: Stands before the lines that INCOMPLETE classes lack.
ADVICE = (
    "To verify the INCOMPLETE classes, add to pyproject.toml, with the values of your project "
    '(a name may be a pattern, as "*.models.*", and --env or the spaces given as options are '
    "for all):"
)


def plain_text(report: ParityReport, *, quiet: bool = False, verbose: bool = False) -> str:
    """Write all results, worst first, findings under each."""
    lines = []
    for result in report.worst_first:
        if quiet and result.status is Status.PASS:
            continue
        numbers = (
            f": {result.accounting}; max abs {worst_abs(result)}, noise {worst_noise(result)}, "
            f"KL {worst_kl(result)}"
        )
        compared = result.outputs or result.cases.total
        lines.append(f"{result.status.value:10} {result.name}{numbers if compared else ''}")
        lines += [f"  {line}" for line in details(result)]
        if verbose:
            lines += [
                f"  {path}: max abs {short(o.max_abs)}, max rel {short(o.max_rel)}, "
                f"{short(o.max_ulp)} ULP, noise {noise(o)}, {o.compared}/{o.total} cases"
                for path, o in result.outputs.items()
            ]
    lines += [f"skipped    {name}: {reason}" for name, reason in report.skipped.items()]
    if report.advice:
        lines += [ADVICE, *(f"  {line}".rstrip() for line in report.advice.splitlines())]
    lines.append(summary(report))
    return "\n".join(lines)


def summary(report: ParityReport) -> str:
    """Count the results by status."""
    counts = dict.fromkeys(Status, 0)
    for result in report.results:
        counts[result.status] += 1
    parts = [f"{count} {status.value}" for status, count in counts.items() if count]
    return f"{len(report.results)} verified: " + (", ".join(parts) or "nothing")


def details(result: ClassResult, *, limit: int = 8) -> list[str]:
    """List findings worst first, then where and why, then notes."""
    lines: list[str] = []
    seen: set[tuple[str, str]] = set()
    failing = {finding.path for finding in result.findings}
    for finding in result.findings:
        if (finding.kind, finding.path) in seen:
            continue
        if source_of(finding.path) in failing - {finding.path}:
            continue  # the same numbers, said once
        seen.add((finding.kind, finding.path))
        also = sum((f.kind, f.path) == (finding.kind, finding.path) for f in result.findings) - 1
        where = f" [case {finding.case}" if finding.case else ""
        more = f", and {also} more]" if where and also else ("]" if where else "")
        lines.append(f"{finding.path}: {finding.message}{where}{more}")
    if len(lines) > limit:
        lines = [*lines[:limit], f"... {len(lines) - limit} more paths in the JSON report"]
    if not lines and result.message and result.status is not Status.PASS:
        lines += result.message.splitlines()
    if result.first_divergence:
        lines.append(f"first divergent layer: {result.first_divergence}")
    if result.cause:
        lines.append(f"probable cause: {result.cause}")
    if (kl := result.divergence) and kl.undefined:
        lines.append(f"KL(old||new): not finite in {kl.undefined} of {kl.rows} rows")
    elif kl and kl.largest > 0:
        where = f"case {kl.case}, row {kl.row}"
        lines.append(f"KL(old||new): at most {short(kl.largest)} nats ({where})")
    if result.smallest:
        lines.append(f"smallest failing input: {in_words(from_plain(result.smallest))}")
    lines += [f"note: {note}" for note in result.notes]
    return lines


def show(report: ParityReport, *, style: str, quiet: bool = False, verbose: bool = False) -> None:
    """Print a report: a table on a terminal, else plain text, JSON or Markdown."""
    from rlmigrate.compat.parity.render import render

    if style != "text":
        sys.stdout.write(render(report, style))
    elif sys.stdout.isatty():
        _table(report, quiet=quiet, verbose=verbose)
    else:
        sys.stdout.write(plain_text(report, quiet=quiet, verbose=verbose) + "\n")


def _table(report: ParityReport, *, quiet: bool, verbose: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=None, pad_edge=False)
    for heading in ("", "class", "outputs", "parameters", "cases", "max abs", "noise", "KL"):
        table.add_column(heading, overflow="fold")
    console = Console()
    for result in report.worst_first:
        if quiet and result.status is Status.PASS:
            continue
        whole = sum(o.compared == o.total for o in result.outputs.values())
        table.add_row(
            f"[{_COLOURS[result.status]}]{result.status.value}[/]",
            escape(result.name),
            f"{whole}/{len(result.outputs)}",
            f"{result.parameters.matched}/{result.parameters.total}",
            f"{result.cases.compared}/{result.cases.total}",
            worst_abs(result),
            worst_noise(result),
            worst_kl(result),
        )
    console.print(table)
    for result in report.worst_first:
        if result.status is Status.PASS and not verbose:
            continue
        console.print(f"[bold]{escape(result.name)}[/]")
        for line in details(result):
            console.print(f"  {escape(line)}", highlight=False)
    if report.advice:
        console.print(escape(f"{ADVICE}\n{report.advice}"), highlight=False)
    console.print(summary(report), highlight=False)
