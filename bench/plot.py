"""Bars as SVG, readable on light and dark pages, without a library."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.figures import quantity

if TYPE_CHECKING:
    from bench.figures import Bar, Plot

WIDTH = 860
_LABELS, _VALUES, _MARGIN = 290, 120, 24
_TOP, _STEP, _THICK = 74, 34, 20
_STYLE = """\
.page{fill:#ffffff;stroke:#d8dee4}.title{fill:#1f2328;font-weight:600;font-size:16px}
.hint,.value{fill:#59636e}.label{fill:#1f2328}.bar{fill:#9aa7b4}.ours{fill:#0b7a75}
.own{font-weight:600}.axis{stroke:#d8dee4}.spread{stroke:#1f2328;stroke-width:1.5}
text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:13px}
@media(prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#30363d}.title,.label{fill:#e6edf3}
.hint,.value{fill:#9198a1}.bar{fill:#57616c}.ours{fill:#2fb8ac}.axis{stroke:#30363d}.spread{stroke:#e6edf3}}
"""


def svg(plot: Plot) -> str:
    """A picture of a plot: one bar a line from the top, each with its figure and the span of its rounds."""
    height = _TOP + _STEP * len(plot.bars) + _MARGIN - 4
    # A bar that has not a single pixel's length would look like one that is missing.
    longest = max((bar.figure.high for bar in plot.bars), default=0) or 1
    scale = (WIDTH - _LABELS - _VALUES - _MARGIN) / longest
    better = "more is better" if plot.more_is_better else "less is better"
    words = "; ".join(f"{bar.label}: {quantity(bar.figure.value, bar.figure.unit)}" for bar in plot.bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(plot.title)}</title><desc id="desc">{escape(words)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="{_MARGIN}" y="32">{escape(plot.title)}</text>',
        f'<text class="hint" x="{_MARGIN}" y="52">{better}; the thin line spans the rounds</text>',
        f'<line class="axis" x1="{_LABELS}" x2="{_LABELS}" y1="{_TOP - 8}" y2="{height - 16}"/>',
    ]
    for place, bar in enumerate(plot.bars):
        lines += _bar(bar, _TOP + _STEP * place, scale)
    return "\n".join([*lines, "</svg>", ""])


def _bar(bar: Bar, top: int, scale: float) -> list[str]:
    figure = bar.figure
    length = max(1.0, figure.value * scale)
    middle = top + _THICK / 2
    mark, own = (" ours", " own") if bar.ours else ("", "")
    end = _LABELS + max(length, figure.high * scale) + 8
    lines = [
        f'<text class="label{own}" x="{_LABELS - 12}" y="{middle + 4.5:.1f}" text-anchor="end">'
        f"{escape(bar.label)}</text>",
        f'<rect class="bar{mark}" x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_THICK}" rx="2"/>',
    ]
    if (figure.high - figure.low) * scale >= 2:
        low, high = _LABELS + figure.low * scale, _LABELS + figure.high * scale
        lines.append(
            f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
        )
    value = escape(quantity(figure.value, figure.unit))
    lines.append(f'<text class="value{own}" x="{end:.1f}" y="{middle + 4.5:.1f}">{value}</text>')
    return lines
