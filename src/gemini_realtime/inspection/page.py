"""A recording, or two, as one HTML file that needs nothing else: a timeline to zoom, to hear and to search, what was
said, and every frame.

Waveforms and zoom are wavesurfer.js's (page_files/NOTICE); all else lies on its timeline as plain elements.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

from gemini_realtime.agent.log import ToolUse
from gemini_realtime.inspection.sound import Sound
from gemini_realtime.inspection.story import Connection, Mark, Spoken, Story, read_story
from gemini_realtime.inspection.summary import Summary, clock, failed, summary
from gemini_realtime.protocol.codec import encode
from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.recordings.lines import Line

_LIBRARY: Final = tuple(f"{name}.min.js" for name in ("wavesurfer", "timeline", "zoom", "hover", "minimap"))
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")
_DATA: Final = (b'"data"', b'"imageData"')
_LONG: Final = 64
_SOUND_OF_USER: Final = (b'{"realtimeInput":{"audio":', b'{"realtimeInput":{"mediaChunks":')
_MORE_THAN_SOUND: Final = (b"ranscription", b"omplete", b"interrupted", b"usageMetadata", b'"text"')
MARK_ROWS: Final = 3
_MARK_SHARE: Final = 0.13
"""Of the width of the timeline: what the name of a mark takes."""

_BASE64_BLOCK: Final = 3 * 256 * 1024


def write_page(stories: Sequence[Inspected], path: Path) -> None:
    """Write the page.

    Raises:
        OSError: the file cannot be written.
    """
    here = files("gemini_realtime.inspection") / "page_files"

    def text(name: str) -> str:
        return (here / name).read_text("utf-8")

    title = " · ".join(one.story.recording.path.stem for one in stories)
    with path.open("w", encoding="utf-8") as page:
        places = iter(_PLACE.split(text("page.html")))
        page.write(next(places))
        for name in places:
            match name:
                case "title":
                    page.write(html.escape(title))
                case "style":
                    page.write(text("page.css"))
                case "library":
                    page.write("\n".join(text(file) for file in _LIBRARY))
                case "script":
                    page.write(text("page.js"))
                case "data":
                    _write_data(page, stories, text("lanes.css"))
            page.write(next(places))


def _write_data(page: IO[str], stories: Sequence[Inspected], lanes_style: str) -> None:
    page.write(f'<script type="text/plain" id="lanes-style">{lanes_style}</script>\n')
    page.write('<script type="application/json" id="data">')
    page.write(_in_script(json.dumps([one.data() for one in stories], ensure_ascii=False, separators=(",", ":"))))
    page.write("</script>\n")
    for number, one in enumerate(stories):
        parts = {f"sound-{number}": one.sound.flac}
        for side, peaks in zip(("user", "model"), one.sound.peaks, strict=True):
            parts[f"peaks-{number}-{side}"] = peaks
        for name, content in parts.items():
            page.write(f'<script type="text/plain" id="{name}">')
            for at in range(0, len(content), _BASE64_BLOCK):
                page.write(b64encode(content[at : at + _BASE64_BLOCK]).decode("ascii"))
            page.write("</script>\n")


def _in_script(text: str) -> str:
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


class Inspected:
    """A recording with all that the page shows of it.

    Args:
        path: see `ConversationRecording`.

    Attributes:
        story: of the conversation.
        summary: in numbers.
        sound: how loud it was, and to be heard.

    Raises:
        ConfigError: it is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        recording = ConversationRecording(path)
        self._frames = _Frames()
        self.story = read_story(recording, self._frames.add)
        self.summary = summary(self.story)
        self.sound = Sound(recording, self.story.duration_ms / 1000)
        heard_ms = len(self.sound.peaks[0]) * 10.0
        self.story.duration_ms = max(self.story.duration_ms, heard_ms)

    def data(self) -> dict[str, Any]:
        """What the page's script is given."""
        story = self.story
        tools = [use for spoken in story.spoken for use in spoken.turn.tools]
        return {
            "title": story.recording.path.stem,
            "about": " · ".join(_about(self.summary)),
            "duration_ms": story.duration_ms,
            "numbers": list(numbers(self.summary)),
            "turns": [_turn(spoken) for spoken in story.spoken],
            "tools": [_tool(use) for use in tools],
            "connections": [_connection(connection) for connection in story.connections],
            "gaps": [{"begin_ms": begin, "end_ms": end} for begin, end in gaps(story)],
            "marks": [{**asdict(mark), "row": row} for mark, row in placed_marks(story)],
            "frames": self._frames.end(),
        }


def gaps(story: Story) -> Iterator[tuple[float, float]]:
    """When there was no connection, between two."""
    for before, after in pairwise(sorted(story.connections, key=lambda connection: connection.opened_ms)):
        if before.closed_ms is not None and after.opened_ms > before.closed_ms:
            yield before.closed_ms, after.opened_ms


def placed_marks(story: Story) -> Iterator[tuple[Mark, int]]:
    """All marks, interruptions among them, in order, and in which row each has room for its name."""
    rows = [float("-inf")] * MARK_ROWS
    for mark in sorted([*story.marks, *_cuts(story)], key=lambda mark: mark.at_ms):
        free = [row for row in range(MARK_ROWS) if mark.at_ms - rows[row] > story.duration_ms * _MARK_SHARE]
        row = free[0] if free else rows.index(min(rows))
        rows[row] = mark.at_ms
        yield mark, row


def _cuts(story: Story) -> Iterator[Mark]:
    for cut in story.interruptions:
        known = (("noticed after", cut.after_ms), ("silent after", cut.silenced_ms))
        detail = ", ".join(f"{name} {ms:.0f} ms" for name, ms in known if ms is not None)
        yield Mark(cut.at_ms, "cut", "interrupted", detail)


def numbers(of: Summary) -> Iterator[tuple[str, str, str, bool]]:
    """What is worth a glance: label, value, what goes with it, and whether it is bad."""
    turns, connections, tools, cuts = of["turns"], of["connections"], of["tools"], of["interruptions"]
    yield "Duration", clock(of["duration_ms"]), f"{turns['user']} + {turns['model']} turns", False
    latency = of["latency_ms"]["first_audio"]
    if latency:
        yield "First audio, p50", f"{latency['p50']:.0f} ms", f"p95 {latency['p95']:.0f} ms", False
    silent = cuts["silenced_ms"]
    yield "Interruptions", str(cuts["count"]), f"silent in {silent['p50']:.0f} ms" if silent else "", False
    if tools["count"]:
        bad = tools["failed"] + tools["unanswered"]
        took = f"p50 {tools['took_ms']['p50']:.0f} ms" if tools["took_ms"] else ""
        yield "Tool calls", str(tools["count"]), f"{bad} failed" if bad else took, bool(bad)
    broken = connections["broken"]
    gap = f"gap {connections['gap_ms']['p50']:.0f} ms" if connections["gap_ms"] else ""
    yield "Connections", str(connections["count"]), f"{broken} lost, {gap}" if broken else gap, bool(broken)
    if connections["sent_again"]:
        yield "Sent again", str(connections["sent_again"]), f"{connections['uncertain']} uncertain", False
    tokens = of["tokens"]
    if tokens["input"] or tokens["output"]:
        cost = "" if of["cost_usd"] is None else f"${of['cost_usd']:.4f}"
        yield "Tokens", f"{tokens['input'] + tokens['output']:,}".replace(",", "\u202f"), cost, False
    yield "Faults", str(len(of["faults"])), "", bool(of["faults"])


def _about(of: Summary) -> Iterator[str]:
    yield of["model"] or "model not said"
    if of["began_at"]:
        yield of["began_at"].replace("T", " ").partition(".")[0]
    if of["side"]:
        yield f"recorded by the {of['side']}"
    if of["cause"]:
        yield f"written because of: {of['cause']}"


def _turn(spoken: Spoken) -> dict[str, Any]:
    turn = spoken.turn
    words = [(round(word.begin_ms), round(word.end_ms), word.text, word.heard) for word in spoken.words]
    heard = " ".join(word.text for word in spoken.words if word.heard)
    unheard = " ".join(word.text for word in spoken.words if not word.heard)
    return {
        "role": turn.role,
        "begin_ms": spoken.begin_ms,
        "end_ms": spoken.end_ms,
        "said_ms": max((word.end_ms for word in spoken.words), default=spoken.end_ms),
        "said": turn.said,
        "heard": heard if unheard else None,
        "unheard": unheard,
        "interrupted": turn.interrupted,
        "first_audio_ms": turn.first_audio_ms,
        "answered_ms": spoken.begin_ms,
        "tools": [f"{use.name} {_took(use)}" for use in turn.tools],
        "tokens": f"{turn.input_tokens} in, {turn.output_tokens} out" if turn.input_tokens else "",
        "words": words,
        "told": {name: value for name, value in asdict(turn).items() if value not in (None, "", [], False)},
    }


def _tool(use: ToolUse) -> dict[str, Any]:
    return {
        "name": use.name,
        "arguments": use.arguments,
        "result": use.result,
        "begin_ms": use.begin_ms,
        "took_ms": use.duration_ms,
        "bad": failed(use) or use.cancelled or use.duration_ms is None,
        "cancelled": use.cancelled,
    }


def _took(use: ToolUse) -> str:
    if use.cancelled:
        return "cancelled"
    return "without a result" if use.duration_ms is None else f"{use.duration_ms:.0f} ms"


def _connection(connection: Connection) -> dict[str, Any]:
    closed = connection.closed
    told = {"number": connection.number, "opened_ms": connection.opened_ms, "closed_ms": connection.closed_ms}
    ended = {} if closed is None else {"code": closed.code, "reason": closed.reason, "by": closed.by}
    return {**told, **ended, "resumed": connection.resumed}


class _Frames:
    """What the page shows of frames: all that is in them but sound and pictures; of sound alone, how much it was.

    Attributes:
        told: so far: time in ms, connection, sender, what it is, and the JSON of the frame, empty where it is none.
    """

    def __init__(self) -> None:
        self.told: list[list[Any]] = []
        self._run: list[Any] | None = None
        self._pieces = 0
        self._until_ms = 0.0

    def add(self, number: int, line: Line) -> None:
        """Take a line of the recording."""
        if line.sender is None:
            self._other(line)
            return
        frame = bytes(line.frame)
        if frame[:64].replace(b" ", b"").startswith(_SOUND_OF_USER):
            self._sound(line)
            return
        light = _without_media(frame)
        if len(light) < len(frame) and b'"inlineData"' in light and not any(name in light for name in _MORE_THAN_SOUND):
            self._sound(line)
            return
        self._end_run()
        self.told.append([round(line.ms, 1), line.connection, line.sender, _kind(light), light.decode()])

    def end(self) -> list[list[Any]]:
        """All that was told."""
        self._end_run()
        return self.told

    def _sound(self, line: Line) -> None:
        if self._run is None or self._run[1:3] != [line.connection, line.sender]:
            self._end_run()
            self._run, self._pieces = [round(line.ms, 1), line.connection, line.sender, "", ""], 0
            self.told.append(self._run)
        self._pieces += 1
        self._until_ms = line.ms

    def _end_run(self) -> None:
        if self._run is not None:
            self._run[3] = f"audio, {self._pieces} pieces until {clock(self._until_ms)}"
        self._run = None

    def _other(self, line: Line) -> None:
        self._end_run()
        if line.event is not None:
            kind, content = str(line.event.get("type", "event")), encode(line.event).decode()
        elif line.closed is not None:
            kind, content = f"connection closed: {line.closed.code} {line.closed.reason}".strip(), ""
        else:
            kind, content = "connection opened", ""
        self.told.append([round(line.ms, 1), line.connection, "", kind, content])


def _without_media(frame: bytes) -> bytes:
    """A frame that says of sound and pictures how long they are."""
    for name in _DATA:
        at = frame.find(name)
        while at >= 0:
            begin = frame.find(b'"', at + len(name)) + 1
            end = frame.find(b'"', begin)
            if end - begin > _LONG and not frame[at + len(name) : begin - 1].strip(b" :"):
                frame = b"%b%d bytes%b" % (frame[:begin], (end - begin) * 3 // 4, frame[end:])
            at = frame.find(name, at + len(name))
    return frame


def _kind(light: bytes) -> str:
    """The names of a frame's members, and of those inside that say what it is, with the first of its words."""
    kinds, words = [], ""
    for name, member in json.loads(light).items():
        if name in ("serverContent", "realtimeInput") and isinstance(member, dict) and member:
            kinds += list(member)
        else:
            kinds.append(name)
    if (found := re.search(rb'"text": ?("(?:[^"\\]|\\.)*")', light)) is not None:
        words = f" “{json.loads(found[1])[:60]}”"
    elif (named := re.search(rb'"name": ?("(?:[^"\\]|\\.)*")', light)) is not None and b'"setup"' not in light[:12]:
        words = f" {json.loads(named[1])}"
    return ", ".join(kinds) + words
