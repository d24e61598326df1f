"""The report as one self-contained HTML page, readable on a phone and in print."""

from __future__ import annotations

import math
from html import escape

from rlmigrate.compat.parity.judge import NOISE_LIMIT
from rlmigrate.compat.parity.render.charts import ladder, scatter
from rlmigrate.compat.parity.render.numbers import noise, short, worst_abs, worst_kl, worst_noise
from rlmigrate.compat.parity.render.text import ADVICE, details, summary
from rlmigrate.compat.parity.results import ClassResult, ParityReport, Status

_STYLE = """
:root{--ink:#1d2430;--dim:#5d6777;--line:#d8dde5;--paper:#fff;--tint:#f5f7fa;
--pass:#1a7f4b;--fail:#c0332b;--incomplete:#a86400;--error:#8a2bb0;--bar:#3d6fb4;--soft:#a9c1e2}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--dim:#98a3b3;--line:#333b47;
--paper:#14181e;--tint:#1c222b;--pass:#4cc38a;--fail:#ff7b72;--incomplete:#e3a84a;
--error:#cf8df0;--bar:#77a5e6;--soft:#3c5a85}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;background:var(--paper);
color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2.2rem 0 .5rem;
overflow-wrap:anywhere}h3{font-size:.95rem;margin:1.2rem 0 .3rem}
.sub{color:var(--dim);margin:0 0 1.2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);
vertical-align:top}th{color:var(--dim);font-weight:600;white-space:nowrap}
th.n,td.n{text-align:right}td.name{min-width:9rem}
td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:.88em ui-monospace,monospace;overflow-wrap:anywhere}a{color:inherit}
.s{font-weight:700;font-size:.8rem;white-space:nowrap}
.PASS{color:var(--pass)}.FAIL{color:var(--fail)}.INCOMPLETE{color:var(--incomplete)}
.ERROR{color:var(--error)}
.cell{min-width:2.6rem;text-align:center;border-radius:3px}
.says{list-style:none;background:var(--tint);padding:.6rem .8rem;border-radius:6px;margin:.5rem 0;
font:.85em/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
pre{white-space:pre-wrap;background:var(--tint);padding:.7rem;border-radius:6px;margin:.5rem 0}
.says li{padding:.12rem 0 .12rem 1.2em;text-indent:-1.2em}
svg{width:100%;height:auto;display:block;font:10px system-ui,sans-serif;fill:var(--ink)}
rect.free{fill:var(--soft)}rect.forced{fill:var(--bar)}rect.bad{fill:var(--fail)}
circle{fill:var(--bar);fill-opacity:.6}line.limit{stroke:var(--fail);stroke-dasharray:4 3}
line.grid{stroke:var(--line)}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--dim)}
@media screen{details:not([open])+.fold{display:none}}
@media print{:root{--ink:#000;--dim:#444;--line:#bbb;--paper:#fff;--tint:#f3f3f3;--pass:#14633a;
--fail:#a3241d;--incomplete:#7d4d00;--error:#6a1f88;--bar:#3d6fb4;--soft:#a9c1e2}
@page{margin:14mm 12mm}body{max-width:none;padding:0;font-size:9.5pt}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
summary{list-style:none;font-weight:600}.wide{overflow:visible}
table{font-size:8pt}th,td{padding:.15rem .35rem}code{overflow-wrap:normal}
h2,h3,summary,.sub{break-after:avoid}tr,svg,li{break-inside:avoid}thead{display:table-header-group}
svg{max-width:150mm}.matrix{font-size:6.5pt}.matrix th,.matrix td{padding:.1rem .2rem;
white-space:normal;min-width:0}}
@media (max-width:40rem){body{padding:1rem .7rem 3rem}h1{font-size:1.25rem}
th,td{padding:.3rem .4rem}}
"""


#: Columns of numbers in the first table.
_NUMBERS = ("outputs", "parameters", "cases", "max abs", "noise", "KL")


def html(report: ParityReport) -> str:
    """Write the page: a row for each class, then a section for each, worst first."""
    results = report.worst_first
    rows = "".join(_row(i, result) for i, result in enumerate(results))
    sections = "".join(_section(i, result) for i, result in enumerate(results))
    skipped = "".join(
        f"<li><code>{escape(n)}</code>: {escape(r)}</li>" for n, r in report.skipped.items()
    )
    advice = (
        f"<h2>What is lacking</h2><p>{escape(ADVICE)}</p><pre>{escape(report.advice)}</pre>"
        if report.advice
        else ""
    )
    settings = ", ".join(f"{key} {value}" for key, value in report.settings.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Parity: {escape(summary(report))}</title><style>{_STYLE}</style></head><body>"
        f'<h1>Parity: <span class="{report.status.value}">{report.status.value}</span></h1>'
        f'<p class="sub">{escape(summary(report))}. Errors are in units of the old model\'s own '
        "float32 rounding noise; 0 means equal bits. KL(old||new) is the largest of any row, in "
        f"nats. {escape(settings)}</p>"
        '<div class="wide"><table><thead><tr><th>status</th><th>class</th>'
        + "".join(f"<th class=n>{name}</th>" for name in _NUMBERS)
        + "</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        + (f"<h2>Skipped</h2><ul>{skipped}</ul>" if skipped else "")
        + f"{sections}{advice}</body></html>\n"
    )


def _row(i: int, result: ClassResult) -> str:
    whole = sum(o.compared == o.total for o in result.outputs.values())
    cells = (
        f"{whole}/{len(result.outputs)}",
        f"{result.parameters.matched}/{result.parameters.total}",
        f"{result.cases.compared}/{result.cases.total}",
        worst_abs(result),
        worst_noise(result),
        worst_kl(result),
    )
    numbers = "".join(f'<td class="n">{escape(cell)}</td>' for cell in cells)
    return (
        f'<tr><td class="s {result.status.value}">{result.status.value}</td>'
        f'<td class=name><a href="#c{i}"><code>{escape(result.name)}</code></a></td>{numbers}</tr>'
    )


def _section(i: int, result: ClassResult) -> str:
    parts = [
        f'<h2 id="c{i}"><span class="{result.status.value}">{result.status.value}</span> '
        f"<code>{escape(result.name)}</code></h2>",
        f'<p class="sub">{escape(result.accounting)} in {result.seconds:.1f} s</p>',
    ]
    lines = details(result, limit=40)
    if lines:
        said = "".join(f"<li>{escape(line)}</li>" for line in lines)
        parts.append(f"<ul class=says>{said}</ul>")
    body = []
    if result.layers:
        limit = next((o.limit for o in result.outputs.values()), NOISE_LIMIT)
        body.append(
            "<h3>Error by layer</h3><p class=sub>light: free-running; "
            f"dark: with the old layer's own input</p>{ladder(result.layers, limit)}"
        )
    if result.scatter:
        body.append(f"<h3>Error against magnitude</h3>{scatter(result.scatter)}")
    if result.outputs:
        body += [_outputs(result), _matrix(result)]
    if result.preflight:
        facts = "".join(
            f"<tr><td>{escape(n)}</td><td><code>{escape(a)}</code></td>"
            f"<td><code>{escape(b)}</code></td></tr>"
            for n, a, b in result.preflight
        )
        table = (
            "<div class=wide><table><thead><tr><th></th><th>legacy</th><th>new</th></tr></thead>"
            f"<tbody>{facts}</tbody></table></div>"
        )
        body.append(_folded("what both sides ran on", table))
    inner = "".join(body)
    if result.status is Status.PASS and inner:
        inner = _folded("outputs, cases and surroundings", inner)
    return "".join([*parts, inner])


def _folded(title: str, inner: str) -> str:
    """Hide a part on the screen until it is opened; paper shows it, whatever the browser."""
    return f"<details><summary>{title}</summary></details><div class=fold>{inner}</div>"


def _outputs(result: ClassResult) -> str:
    rows = "".join(
        f'<tr><td class="s {o.status.value}">{o.status.value}</td><td><code>{escape(path)}</code>'
        f"</td><td class=n>{short(o.max_abs)}</td><td class=n>{short(o.max_rel)}</td>"
        f"<td class=n>{short(o.max_ulp)}</td><td class=n>{noise(o)}</td>"
        f"<td class=n>{o.compared}/{o.total}</td><td>{escape(o.worst_case)}</td></tr>"
        for path, o in result.outputs.items()
    )
    return (
        "<h3>Outputs</h3><div class=wide><table><thead><tr><th></th><th>output</th>"
        "<th class=n>max abs</th><th class=n>max rel</th><th class=n>ULP</th><th class=n>noise</th>"
        "<th class=n>cases</th><th>worst case</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _matrix(result: ClassResult) -> str:
    """Lay out cases against outputs, each cell the error in units of noise."""
    cases = list(dict.fromkeys(c for row in result.errors_by_case.values() for c in row))
    limit = next((o.limit for o in result.outputs.values()), NOISE_LIMIT)
    head = "".join(f"<th>{escape(case)}</th>" for case in cases)
    rows = "".join(
        f"<tr><td><code>{escape(path)}</code></td>"
        + "".join(_cell(row.get(case), limit) for case in cases)
        + "</tr>"
        for path, row in result.errors_by_case.items()
    )
    return (
        '<h3>Error by output and case</h3><div class=wide><table class="matrix">'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _cell(value: float | None, limit: float) -> str:
    if value is None:
        return '<td class="cell">-</td>'
    if value >= 1e9:
        return '<td class="cell FAIL">✗</td>'
    share = 0 if value == 0 else min(100, 12 + 22 * max(0.0, math.log10(value / limit) + 2))
    colour = "var(--fail)" if value > limit else "var(--pass)"
    return (
        f'<td class="cell" style="background:color-mix(in srgb,{colour} {share * 0.6:.0f}%,'
        f'transparent)">{short(value)}</td>'
    )
