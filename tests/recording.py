"""python -m tests.recording: record `pullcord demo`, as it is told in a terminal, as an animated picture (SVG)."""

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import anyio

from pullcord.commands.demo import tell

PICTURE = Path(__file__).parent / "recordings" / "demo.svg"
COLUMNS, ROWS = 80, 30
WIDTH, HEIGHT, MARGIN = 8.4, 18, 14
"""Of a character of 14 px, of a line, and around all; in px."""
REST = 4.0
"""Seconds that the end is shown before it starts again."""

_STYLES = {"1": "bold", "31": "red", "32": "green", "33": "yellow"}
_SEQUENCE = re.compile("\x1b\\[([0-9]*)m")


class Line(NamedTuple):
    """What was told, and when."""

    seconds: float
    text: str


async def record() -> tuple[int, list[Line]]:
    """Tell the story; the exit status, and every line."""
    started = time.monotonic()
    lines: list[Line] = []

    def say(text: str) -> None:
        lines.extend(Line(time.monotonic() - started, part) for part in text.split("\n"))

    return await tell(say, colour=True), lines


def picture(lines: Sequence[Line]) -> str:
    """A terminal in which the lines come up from below, each at its time. Where nothing moves, the end is shown.

    It begins with the first line: the time that the server takes to start would be an empty terminal.
    """
    start = lines[0].seconds
    total = lines[-1].seconds - start + REST
    frames = [f"0%{{transform:translateY({HEIGHT * ROWS}px)}}"]
    for told, line in enumerate(lines, start=1):
        frames.append(f"{(line.seconds - start) / total:.3%}{{transform:translateY({HEIGHT * (ROWS - told)}px)}}")
    end = HEIGHT * (ROWS - len(lines))
    texts = "\n".join(
        f'<text x="0" y="{HEIGHT * number + HEIGHT - 4}">{_spans(line.text)}</text>'
        for number, line in enumerate(lines)
        if line.text
    )
    width, height = COLUMNS * WIDTH + 2 * MARGIN, ROWS * HEIGHT + 2 * MARGIN
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img">
<title>pullcord demo, as a terminal shows it</title>
<style>
text{{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#d7dae0;white-space:pre}}
.bold{{font-weight:bold;fill:#fff}}.green{{fill:#7fd88f}}.yellow{{fill:#e5c07b}}.red{{fill:#e06c75}}
#told{{transform:translateY({end}px);animation:tell {total:.1f}s step-end infinite}}
@keyframes tell{{{"".join(frames)}}}
@media (prefers-reduced-motion){{#told{{animation:none}}}}
</style>
<rect width="100%" height="100%" rx="8" fill="#1e2127"/>
<svg x="{MARGIN}" y="{MARGIN}" width="{COLUMNS * WIDTH:.0f}" height="{ROWS * HEIGHT}"><g id="told" xml:space="preserve">
{texts}
</g></svg>
</svg>
"""


def _spans(text: str) -> str:
    """A line with its colours: text and the numbers of its escape sequences alternate."""
    first, *rest = _SEQUENCE.split(text)
    spans = [escape(first)]
    for code, part in zip(rest[::2], rest[1::2], strict=True):
        style = _STYLES.get(code)
        spans.append(f'<tspan class="{style}">{escape(part)}</tspan>' if style else escape(part))
    return "".join(spans)


def main() -> int:
    """Record.

    Returns:
        The demo's exit status; a story that failed is not kept.
    """
    status, lines = anyio.run(record)
    if status == 0:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(picture(lines), encoding="utf-8")
    else:
        sys.stderr.writelines(f"{line.text}\n" for line in lines)
    return status


if __name__ == "__main__":
    sys.exit(main())
