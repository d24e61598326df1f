"""The report as plain text, and as a table on a terminal."""

from __future__ import annotations

from rlmigrate.compat.parity.results import ClassResult, ParityReport, Status


def plain_text(report: ParityReport) -> str:
    """Write all results, worst first, findings under each."""
    lines = []
    for result in report.worst_first:
        lines.append(f"{result.status.value:10} {result.name}: {result.accounting}")
        lines += [f"  {line}" for line in details(result)]
    lines.append(summary(report))
    return "\n".join(lines)


def summary(report: ParityReport) -> str:
    """Count the results by status."""
    counts = dict.fromkeys(Status, 0)
    for result in report.results:
        counts[result.status] += 1
    parts = [f"{count} {status.value}" for status, count in counts.items() if count]
    return f"{len(report.results)} compared: " + (", ".join(parts) or "nothing")


def details(result: ClassResult, *, limit: int = 8) -> list[str]:
    """List findings worst first, then where and why, then notes."""
    lines: list[str] = []
    seen: set[tuple[str, str]] = set()
    for finding in result.findings:
        if (finding.kind, finding.path) in seen:
            continue
        seen.add((finding.kind, finding.path))
        also = sum((f.kind, f.path) == (finding.kind, finding.path) for f in result.findings) - 1
        where = f" [case {finding.case}" if finding.case else ""
        more = f", and {also} more]" if where and also else ("]" if where else "")
        lines.append(f"{finding.path}: {finding.message}{where}{more}")
    if len(lines) > limit:
        lines = [*lines[:limit], f"... {len(lines) - limit} more paths in the JSON report"]
    if not lines and result.message and result.status is not Status.PASS:
        lines.append(result.message)
    if result.first_divergence:
        lines.append(f"first divergent layer: {result.first_divergence}")
    if result.cause:
        lines.append(f"probable cause: {result.cause}")
    lines += [f"note: {note}" for note in result.notes]
    return lines
