"""Recorded clients speak to the peer; a mind and a voice give the recorded words; the recorded messages come back.

Frame by frame and value by value, but for what `differences` names with the reason; docs/server-rules.md shows it.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.local.session.actions import EndUtterance
from gemini_realtime.local.session.conversation import State
from tests.local.differences import DIFFERENCES, EXCEPTIONS
from tests.local.line import Line, kinds

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"
RECORDINGS = sorted(FOLDER.glob("*.jsonl"))
LONG_S = 60.0


def parts_of(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return frame.get("serverContent", {}).get("modelTurn", {}).get("parts", [])  # type: ignore[no-any-return]


class Stage:
    """A recording, played to the peer."""

    def __init__(self, path: Path) -> None:
        self.records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        self.line = Line()
        self.sent: list[Any] = []
        self._marked = 0

    def play(self) -> None:
        """Send what the client sent, and let the peer send what the service did."""
        for who, records in itertools.groupby(self.records, key=lambda record: record["from"]):
            frames = [record["frame"] for record in records]
            if who == "client":
                for frame in frames:
                    self.sent += self.line.send(self._with_our_ids(frame))
                self._understand()
            else:
                self._hear(frames)
                self._answer(frames)

    def _with_our_ids(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The ids of calls are new in each session."""
        text = json.dumps(frame)
        for theirs, ours in zip(_call_ids(self.recorded), _call_ids(self.sent), strict=False):
            text = text.replace(theirs, ours)
        return json.loads(text)  # type: ignore[no-any-return]

    def _understand(self) -> None:
        """An utterance that the client has marked, of which nobody wrote down the words."""
        marked = sum(isinstance(action, EndUtterance) for action in self.line.others)
        if marked > self._marked:
            self._marked = marked
            self.line.peer.heard("")
            self.sent += self.line.frames()

    def _hear(self, frames: list[Any]) -> None:
        words = "".join(
            frame.get("serverContent", {}).get("inputTranscription", {}).get("text", "") for frame in frames
        )
        if words:
            self.line.peer.speech_started()
            self.line.peer.heard(words.strip(), audio_s=1.0)
            self.sent += self.line.frames()

    def _answer(self, frames: list[Any]) -> None:
        written = ""
        for frame in frames:
            texts = [part["text"] for part in parts_of(frame) if "text" in part and not part.get("thought")]
            written += "".join(texts)
            if not texts and written:
                self.sent += self.line.writes(written)
                written = ""
            self._say(frame)
        if written:
            self.sent += self.line.writes(written)

    def _say(self, frame: dict[str, Any]) -> None:
        peer, content = self.line.peer, frame.get("serverContent", {})
        for part in parts_of(frame):
            if part.get("thought"):
                peer.thought(self.line.asked.reply_id, part["text"])
        audio = b"".join(_decoded(part["inlineData"]["data"]) for part in parts_of(frame) if "inlineData" in part)
        words = content.get("outputTranscription", {}).get("text", "")
        if audio or words:
            peer.spoke(self.line.asked.reply_id, audio, words, self.line.now)
        for call in frame.get("toolCall", {}).get("functionCalls", []):
            peer.wants_call(self.line.asked.reply_id, call["name"], call["args"])
        if "toolCall" in frame or content.get("generationComplete"):
            peer.reply_ended(self.line.asked.reply_id, self.line.now)
        self.sent += self.line.frames()
        if content.get("turnComplete"):
            self.sent += self.line.waits(LONG_S)

    @property
    def recorded(self) -> list[Any]:
        return [record["frame"] for record in self.records if record["from"] == "server"]


def _call_ids(frames: Sequence[Any]) -> list[str]:
    return [call["id"] for frame in frames for call in frame.get("toolCall", {}).get("functionCalls", [])]


def _decoded(shortened: str) -> bytes:
    """Payloads were shortened by who recorded them, not always at a whole sample."""
    audio = base64.b64decode(shortened + "=" * (-len(shortened) % 4))
    return audio[: len(audio) & ~1]


def values(frame: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a frame, with the names that lead to it."""
    if isinstance(frame, dict) and frame:
        for name, member in frame.items():
            yield from values(member, f"{path}.{name}" if path else name)
    elif isinstance(frame, list):
        for item in frame:
            yield from values(item, path)
    else:
        yield path, "(differs)" if path in DIFFERENCES else json.dumps(frame)


@pytest.mark.skipif(not RECORDINGS, reason="no recordings of real sessions beside the project")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_comes_back_is_what_was_recorded(path: Path) -> None:
    stage = Stage(path)
    stage.play()
    assert stage.line.peer.state is not State.CLOSED
    assert kinds(stage.sent) == kinds(stage.recorded)
    for sent, recorded in zip(stage.sent, stage.recorded, strict=True):
        different = set(values(recorded)) ^ set(values(sent))
        assert [name for name, _ in sorted(different) if (path.stem, name) not in EXCEPTIONS] == []
    assert texts(stage.sent) == texts(stage.recorded)


def texts(frames: Sequence[Any]) -> dict[str, str]:
    """What is said, written and heard in these frames, in one piece each."""
    joined: dict[str, str] = {}
    for name, value in (pair for frame in frames for pair in values(frame) if pair[0].endswith(".text")):
        joined[name] = joined.get(name, "") + str(json.loads(value))
    return joined


def test_differences_are_of_recordings_that_there_are() -> None:
    assert not RECORDINGS or {stem for stem, _ in EXCEPTIONS} <= {path.stem for path in RECORDINGS}
