"""Draw a stereo recording for the documentation: the caller above, the agent below.

python docs/waveform.py call.wav docs/images/call.svg
"""

from __future__ import annotations

import array
import sys
import wave
from pathlib import Path

COLUMNS, WIDTH, HALF = 240, 720, 44
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #444 }
.caller { stroke: #b8541a } .agent { stroke: #1a6296 } .axis { stroke: #bbb }
@media (prefers-color-scheme: dark) {
  text { fill: #bbb } .caller { stroke: #f0975c } .agent { stroke: #7ab8e8 } .axis { stroke: #555 }
}
"""


def peaks(samples: array.array[int]) -> list[float]:
    """The loudest sample of each column, 0 to 1."""
    size = -(-len(samples) // COLUMNS)
    columns = [samples[at : at + size] for at in range(0, len(samples), size)]
    loudest = max(map(abs, samples), default=0) or 1
    return [max(map(abs, column)) / loudest for column in columns]


def track(name: str, samples: array.array[int], middle: int) -> str:
    """One side of the conversation."""
    step = WIDTH / COLUMNS
    bars = "".join(
        f"M{column * step + step / 2:.1f} {middle - height:.1f}v{2 * height:.1f}"
        for column, peak in enumerate(peaks(samples))
        if (height := max(peak * HALF, 0.5))
    )
    return f'<text x="0" y="{middle - HALF - 6}">{name}</text><path class="{name}" stroke-width="2" d="{bars}"/>'


def drawing(path: Path) -> str:
    """The recording as SVG."""
    with wave.open(str(path)) as recording:
        both = array.array("h", recording.readframes(recording.getnframes()))
        seconds = recording.getnframes() / recording.getframerate()
    ticks = "".join(
        f'<path class="axis" d="M{second / seconds * WIDTH:.1f} 232v6"/>'
        f'<text x="{second / seconds * WIDTH:.1f}" y="254">{second} s</text>'
        for second in range(0, int(seconds), 2)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 260" width="{WIDTH}" height="260" '
        f'role="img"><style>{STYLE}</style>'
        f"{track('caller', both[::2], 68)}{track('agent', both[1::2], 182)}"
        f'<path class="axis" d="M0 232h{WIDTH}"/>{ticks}</svg>\n'
    )


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    target.write_text(drawing(source), "utf-8")
