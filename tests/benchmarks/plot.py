"""The medians of a run as bars, one small chart for each metric: SVG written by hand, for light pages and dark."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from tests.benchmarks.report import BRIDGE, COLUMNS, PIPES, PULLCORD, SDK, Column

_SHOWN = ("initialize", "peak", "p50", "rate50")
_TITLES = {
    "initialize": "Start to initialize, ms",
    "peak": "Peak memory, MB",
    "p50": "One call, p50 ms",
    "rate50": "64 in flight, API 50 ms: calls per second",
}
_BETTER = {"rate50": "more is better"}
_WIDTH, _BAR, _GAP, _LABEL = 420, 16, 6, 150
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.note { fill: #6e7781 }
.ours { fill: #c2410c }
.other { fill: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 } .ours { fill: #fb923c } }
"""


def draw(found: Mapping[str, Any]) -> str:
    """The plot."""
    medians = found["medians"]["stdio"]
    names = [name for name in (PULLCORD, SDK, PIPES, BRIDGE) if name in medians]
    height = 34 + len(names) * (_BAR + _GAP) + 20
    columns = {column.metric: column for column in COLUMNS}
    charts = [
        f'<g transform="translate({index % 2 * _WIDTH} {index // 2 * height})">'
        f"{_chart(columns[metric], {name: medians[name][metric] for name in names})}</g>"
        for index, metric in enumerate(_SHOWN)
    ]
    width, whole = 2 * _WIDTH, 2 * height
    label = "Start, memory, latency and throughput of each contender"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width}" height="{whole}"'
        f' role="img" aria-label="{label}"><style>{_STYLE}</style>{"".join(charts)}</svg>\n'
    )


def _chart(column: Column, values: Mapping[str, float]) -> str:
    most = max(values.values())
    note = _BETTER.get(column.metric, "less is better")
    note = f'<tspan class="note" font-weight="400" dx="8">{note}</tspan>'
    parts = [f'<text class="title" x="10" y="20">{_TITLES[column.metric]}{note}</text>']
    for row, (name, value) in enumerate(values.items()):
        top = 34 + row * (_BAR + _GAP)
        width = (_WIDTH - _LABEL - 70) * value / most
        shown = f"{value * column.scale:,.{column.digits}f}"
        parts.append(
            f'<text x="10" y="{top + 12}">{escape(name)}</text>'
            f'<rect class="{"ours" if name == PULLCORD else "other"}" x="{_LABEL}" y="{top}" width="{width:.1f}"'
            f' height="{_BAR}" rx="2"/><text x="{_LABEL + width + 6:.1f}" y="{top + 12}">{shown}</text>'
        )
    return "".join(parts)
