"""Small SVG charts for the HTML page; no scripts, readable in print.

ladder     bars of the error by layer, free-running and teacher-forced
scatter    error against magnitude, both logarithmic
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from rlmigrate.compat.parity.results import LayerResult


def ladder(layers: Sequence[LayerResult], limit: float) -> str:
    """Draw a row for each layer; the dashed line is the limit."""
    longest = max((len(item.old or item.new) for item in layers), default=0)
    row, left, width = 20, min(210, 14 + 6 * longest), 240
    top = max([limit * 4, *(v for item in layers for v in (item.free, item.forced) if v)])
    span = math.log10(max(top, 10.0)) + 2

    def x(value: float) -> float:
        return left + width * min(1.0, max(0.0, (math.log10(max(value, 1e-2)) + 2) / span))

    height = row * len(layers) + 26
    parts = [_open(left + width + 60, height, "error by layer, in units of float32 noise")]
    for i, layer in enumerate(layers):
        y = 8 + i * row
        name = escape(layer.old or layer.new)
        parts.append(f'<text x="{left - 6}" y="{y + 11}" text-anchor="end">{name}</text>')
        for value, css, dy in ((layer.free, "free", 2), (layer.forced, "forced", 9)):
            if value is None:
                continue
            wrong = " bad" if value > limit else ""
            parts.append(
                f'<rect class="{css}{wrong}" x="{left}" y="{y + dy}" '
                f'width="{max(1.0, x(value) - left):.1f}" height="6">'
                f"<title>{name}, {css}: {value:.3g}x</title></rect>"
            )
        if layer.free is not None:
            parts.append(f'<text x="{x(layer.free) + 4:.1f}" y="{y + 11}">{layer.free:.2g}x</text>')
    edge = x(limit)
    parts.append(
        f'<line class="limit" x1="{edge:.1f}" x2="{edge:.1f}" y1="4" y2="{height - 16}"/>'
        f'<text x="{edge:.1f}" y="{height - 4}" text-anchor="middle">limit {limit:g}x</text>'
    )
    return "".join([*parts, "</svg>"])


def scatter(points: Sequence[tuple[float, float]]) -> str:
    """Draw error against magnitude; the dashed line is one float32 spacing."""
    width, height, left, bottom = 420, 240, 56, 34
    xs = [math.log10(max(size, 1e-8)) for size, _ in points]
    ys = [math.log10(max(gap, 1e-12)) for _, gap in points]
    x0, x1 = math.floor(min(xs)), math.ceil(max([*xs, min(xs) + 1]))
    y0, y1 = math.floor(min([*ys, -9.0])), math.ceil(max(ys) + 0.01)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x0) / max(x1 - x0, 1) * (width - left - 10),
            (height - bottom) - (y - y0) / max(y1 - y0, 1) * (height - bottom - 10),
        )

    parts = [_open(width, height, "error against magnitude")]
    for tick in range(x0, x1 + 1, max(1, (x1 - x0) // 6)):
        px, py = at(tick, y0)
        parts.append(f'<text x="{px:.0f}" y="{py + 14:.0f}" text-anchor="middle">1e{tick}</text>')
    for tick in range(y0, y1 + 1, max(1, (y1 - y0) // 6)):
        px, py = at(x0, tick)
        parts.append(
            f'<text x="{px - 4:.0f}" y="{py + 4:.0f}" text-anchor="end">1e{tick}</text>'
            f'<line class="grid" x1="{px:.0f}" x2="{width - 10}" y1="{py:.0f}" y2="{py:.0f}"/>'
        )
    spacing = math.log10(1.19e-7)
    (ax, ay), (bx, by) = at(x0, x0 + spacing), at(x1, x1 + spacing)
    parts.append(
        f'<svg><line class="limit" x1="{ax:.0f}" y1="{min(ay, height - bottom):.0f}" '
        f'x2="{bx:.0f}" y2="{by:.0f}"/></svg>'
    )
    for x, y in zip(xs, ys, strict=True):
        px, py = at(x, y)
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2.5"/>')
    parts.append(f'<text x="{width - 10}" y="{height - 4}" text-anchor="end">|legacy value|</text>')
    return "".join([*parts, "</svg>"])


def _open(width: float, height: float, title: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="max-width:{width:.0f}px"><title>{escape(title)}</title>'
    )
