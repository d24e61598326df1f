"""The report as Markdown, for a pull request."""

from __future__ import annotations

from rlmigrate.compat.parity.render.numbers import noise, short, worst_abs, worst_kl, worst_noise
from rlmigrate.compat.parity.render.text import ADVICE, details, summary
from rlmigrate.compat.parity.results import ParityReport, Status

_MARKS = {Status.PASS: "✅", Status.FAIL: "❌", Status.INCOMPLETE: "⚠️", Status.ERROR: "💥"}


def markdown(report: ParityReport) -> str:
    """Write a table, worst first, and a section for each class that did not pass."""
    lines = [
        f"## Parity: {summary(report)}",
        "",
        "| | class | outputs | parameters | cases | max abs | noise | KL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in report.worst_first:
        whole = sum(o.compared == o.total for o in result.outputs.values())
        lines.append(
            f"| {_MARKS[result.status]} {result.status.value} | `{result.name}` "
            f"| {whole}/{len(result.outputs)} "
            f"| {result.parameters.matched}/{result.parameters.total} "
            f"| {result.cases.compared}/{result.cases.total} "
            f"| {worst_abs(result)} | {worst_noise(result)} | {worst_kl(result)} |"
        )
    for result in report.worst_first:
        if result.status is Status.PASS:
            continue
        lines += ["", f"### {result.name}: {result.status.value}", ""]
        lines += [f"- {_escaped(line)}" for line in details(result)]
        if result.outputs:
            lines += ["", "| output | max abs | noise | worst case |", "|---|---|---|---|"]
            lines += [
                f"| `{path}` | {short(o.max_abs)} | {noise(o)} | {o.worst_case} |"
                for path, o in result.outputs.items()
            ]
    if report.advice:
        lines += ["", ADVICE, "", "```toml", report.advice, "```"]
    if report.skipped:
        lines += ["", "Skipped:"]
        lines += [f"- `{name}`: {reason}" for name, reason in report.skipped.items()]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_").replace("*", "\\*")
