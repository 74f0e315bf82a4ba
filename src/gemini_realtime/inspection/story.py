"""A recording, read as the story of a conversation.

Turns, latencies, tokens and cost are those of `ConversationLog`: an agent that runs and a recording that is read later
are measured alike. Times are milliseconds since the recording began.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from gemini_realtime.agent.log import LOUD_FROM, PRICES, ConversationLog, Turn
from gemini_realtime.errors import AudioFormatError, ConfigError
from gemini_realtime.inspection.sound import is_loud
from gemini_realtime.protocol import events as client_events
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import (
    DecodeError,
    Frame,
    decode_base64,
    decode_client_message,
    decode_server_message,
)
from gemini_realtime.protocol.events import (
    OWN_EVENTS,
    AudioDelta,
    AudioDropped,
    FunctionCallCancelled,
    FunctionResult,
    GoAway,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    RealtimeEvent,
    SessionResumed,
    TextDelta,
    TurnComplete,
    VoiceHealth,
)
from gemini_realtime.protocol.server_events import message_events
from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.recordings.lines import Closed, Line
from gemini_realtime.recordings.resent import SentBefore

_NORMAL: Final = (messages.CloseCode.NORMAL, messages.CloseCode.GOING_AWAY)
_OWN: Final[Mapping[str, type[RealtimeEvent]]] = {
    str(kind.__struct_defaults__[kind.__struct_fields__.index("type") - len(kind.__struct_fields__)]): kind
    for kind in OWN_EVENTS
}
_WORD: Final = re.compile(r"\S+\s*")


@dataclass
class Word:
    """A word, and about when it was said: within what the service tells at a time, letters take equally long."""

    begin_ms: float
    end_ms: float
    text: str
    heard: bool = True


@dataclass
class Spoken:
    """A turn on the timeline.

    Attributes:
        turn: what the log says of it.
        begin_ms: when its sound, or its first sign, began.
        end_ms: when it had been said, or was cut off.
        words: with their times.
    """

    turn: Turn
    begin_ms: float
    end_ms: float
    words: list[Word] = field(default_factory=list)


@dataclass
class Connection:
    """One connection.

    Attributes:
        number: from 1.
        opened_ms: when it was opened.
        closed_ms: when it ended; None where the recording ends first.
        closed: how.
        resumed: the handle that it began with, under the name it has in the recording; empty for none.
    """

    number: int
    opened_ms: float
    closed_ms: float | None = None
    closed: Closed | None = None
    resumed: str = ""

    @property
    def broke(self) -> bool:
        """Whether it did not end normally; what a client leaves by itself ends well, whatever becomes of its close."""
        return self.closed is not None and self.closed.by != "client" and self.closed.code not in _NORMAL


@dataclass
class Interruption:
    """An answer that was cut off.

    Attributes:
        at_ms: when the service said so.
        after_ms: how long the user had been speaking by then; None where nothing of that is recorded.
        silenced_ms: how long it took from there to silence at the loudspeaker; None where nobody told.
    """

    at_ms: float
    after_ms: float | None = None
    silenced_ms: float | None = None


@dataclass
class Mark:
    """Something that happened to the conversation.

    Attributes:
        at_ms: when.
        kind: `fault`, `recovery`, `notice`.
        name: what, in a word or two.
        detail: the rest.
    """

    at_ms: float
    kind: str
    name: str
    detail: str = ""


@dataclass
class Story:
    """A conversation.

    Attributes:
        recording: what it was read from.
        duration_ms: how long it took.
        model: as the client named it.
        spoken: the turns, in order.
        connections: in order.
        interruptions: in order.
        marks: in order.
        resumptions: what the client told of them.
        dropped_ms: how much of the microphone's audio was thrown away.
        frames: how many there are.
    """

    recording: ConversationRecording
    duration_ms: float = 0.0
    model: str = ""
    spoken: list[Spoken] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    interruptions: list[Interruption] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    resumptions: list[SessionResumed] = field(default_factory=list)
    dropped_ms: float = 0.0
    frames: int = 0


OnLine = Callable[[int, Line], None]


def read_story(recording: ConversationRecording | str | Path, on_line: OnLine | None = None) -> Story:
    """Read a recording.

    Args:
        recording: or where it is; see `ConversationRecording`.
        on_line: is told of each line on the way, with its number.

    Raises:
        ConfigError: it is none, or empty; the message names file and line.
    """
    if not isinstance(recording, ConversationRecording):
        recording = ConversationRecording(recording)
    reader = _Reader(Story(recording, model=_model_of(recording)))
    for number, line in recording.lines():
        reader.read(line)
        if on_line is not None:
            on_line(number, line)
    if not reader.story.frames:
        raise ConfigError(f"{recording.frames_path} is empty", remedy="give a recording of a session")
    return reader.told()


def _model_of(recording: ConversationRecording) -> str:
    setups = (_setup_of(line) for _, line in recording.lines() if line.sender == "client")
    return next((str(setup["model"]) for setup in setups if setup.get("model")), "")


def _setup_of(line: Line) -> dict[str, Any]:
    """The setup in a client's frame; empty where it is none."""
    setup = line.parsed().get("setup") if b'"setup"' in bytes(line.frame)[:16] else None
    return setup if isinstance(setup, dict) else {}


class _Reader:
    """Reads a recording line by line."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._now_ms = 0.0
        model = story.model.rpartition("/")[2]
        prices = next((prices for name, prices in PRICES.items() if model.startswith(name)), {})
        self._log = ConversationLog(prices=prices, clock=lambda: self._now_ms / 1000)
        self._timings: dict[int, _Timing] = {}
        self._connections: dict[int, Connection] = {}
        self._calls: set[str] = set()
        self._unnamed_calls = 0
        self._sent_before = SentBefore()
        self._unanswered: dict[str, int] = {}  # written questions, and on which connection each was asked
        self._interrupted = False
        self._user_began_ms: float | None = None

    def read(self, line: Line) -> None:
        self._now_ms = max(self._now_ms, line.ms)
        if line.opened:
            self._connections[line.connection] = Connection(line.connection, line.ms)
        elif line.closed is not None:
            self._closed(line.connection, line.closed)
        elif line.event is not None:
            self._own_event(line.event)
        elif line.sender is not None:
            self.story.frames += 1
            self._connections.setdefault(line.connection, Connection(line.connection, line.ms))
            if line.sender == "client":
                self._client_frame(line)
            elif line.unreadable:
                self._mark("fault", "unreadable", f"{len(line.unreadable) * 3 // 4} bytes that are no JSON")
            else:
                self._server_frame(bytes(line.frame))

    def told(self) -> Story:
        """The story, when all has been read."""
        story = self.story
        story.connections = list(self._connections.values())
        story.spoken = [self._timings.get(id(turn), _Timing()).spoken(turn) for turn in self._log.turns]
        last_ms = max((spoken.end_ms for spoken in story.spoken), default=0.0)
        story.duration_ms = max(self._now_ms, last_ms, 1.0)
        return story

    # --- what the client said

    def _client_frame(self, line: Line) -> None:
        try:
            message, _ = decode_client_message(bytes(line.frame))
        except (DecodeError, UnicodeError):
            return
        if message.setup is not None:
            self._set_up(line)
        item = message.realtime_input
        if item is not None:
            for blob in (item.audio, *(item.media_chunks or ())):
                sound = blob is not None and blob.data and blob.mime_type.startswith("audio/")
                if blob is not None and sound and not self._sent_before(line.connection, blob.data):
                    self._spoke(blob.data)
            if item.text:
                self._typed(line.connection, item.text)
        if message.client_content is not None:
            words = [part.text for turn in message.client_content.turns for part in turn.parts
                     if part.text and turn.role != "model"]  # fmt: skip
            if words and message.client_content.turn_complete:
                self._typed(line.connection, words[-1])
        if message.tool_response is not None:
            for response in message.tool_response.function_responses:
                result = response.response if isinstance(response.response, dict) else {}
                self._note(FunctionResult(name=response.name or "", call_id=response.id or "", result=result))

    def _set_up(self, line: Line) -> None:
        setup = _setup_of(line)
        resumption = setup.get("sessionResumption", setup.get("session_resumption"))
        handle = resumption.get("handle") if isinstance(resumption, dict) else None
        connection = self._connections[line.connection]
        connection.resumed = handle if isinstance(handle, str) else ""
        if connection.resumed and not self._by_client:
            self._mark("recovery", "resumes", f"connection {connection.number} asks for {connection.resumed}")

    def _spoke(self, audio_base64: str) -> None:
        try:
            if not is_loud(decode_base64(audio_base64), LOUD_FROM):
                return  # as the log would find out, in five times the time
        except AudioFormatError:
            return
        before = self._last("user")
        ended_ms = before.end_ms if before is not None else None
        self._note(InputAudioBufferDelta(delta=audio_base64))
        turn = self._last("user")
        if turn is not None and (turn is not before or turn.end_ms != ended_ms):
            timing = self._timings.setdefault(id(turn), _Timing(self._now_ms))
            if timing.loud_until_ms < self._now_ms - PAUSE_MS:
                timing.loud_from_ms = self._user_began_ms = self._now_ms
            timing.loud_until_ms = self._now_ms

    def _typed(self, connection: int, words: str) -> None:
        if self._unanswered.setdefault(words, connection) < connection:
            return  # sent again after a loss, and asked once
        self._log.note_typed(words)
        self._user_began_ms = self._now_ms

    # --- what the service said

    def _server_frame(self, data: bytes) -> None:
        message, _ = decode_server_message(data)
        if message.error is not None:
            self._mark("fault", "error", f"{message.error.code} {message.error.message}".strip())
        for event in message_events(message, Frame(data), interrupted=self._interrupted, opened=self._opened):
            self._server_event(event)

    def _opened(self, call: messages.FunctionCall) -> str | None:
        if not call.id:
            self._unnamed_calls += 1
            return f"call-{self._unnamed_calls}"
        if call.id in self._calls:
            return None
        self._calls.add(call.id)
        return call.id

    def _server_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, AudioDelta | OutputTranscript) and self._interrupted:
            return  # of the answer that was cut off
        self._note(event)
        match event:
            case AudioDelta():
                self._answer_timing().sounds(self._now_ms, len(event.delta) * 3 / 8 / event.rate_hz * 1000)
            case OutputTranscript() | TextDelta() if event.text:
                self._answer_timing().says(self._now_ms, event.text)
            case InputTranscript() if event.text and (turn := self._last("user")) is not None:
                self._timings.setdefault(id(turn), _Timing(turn.begin_ms))
                self._interrupted = False
            case Interrupted():
                self._cut_off()
            case TurnComplete():
                self._interrupted = False
                self._unanswered.clear()
            case FunctionCallCancelled():
                self._mark("notice", "calls cancelled", ", ".join(event.call_ids))
            case GoAway():
                left = "" if event.time_left_ms is None else f"{event.time_left_ms / 1000:g} s left"
                self._mark("notice", "goAway", left)

    def _cut_off(self) -> None:
        self._interrupted = True
        if (turn := self._last("assistant")) is not None:
            self._timings.setdefault(id(turn), _Timing(turn.begin_ms)).cut_ms = self._now_ms
        began_ms = self._user_began_ms
        recent = began_ms is not None and turn is not None and began_ms >= turn.begin_ms
        after_ms = self._now_ms - began_ms if began_ms is not None and recent else None
        self.story.interruptions.append(Interruption(self._now_ms, after_ms))

    def _answer_timing(self) -> _Timing:
        turn = self._last("assistant")
        assert turn is not None, "the log has just noted it"
        return self._timings.setdefault(id(turn), _Timing(self._now_ms))

    def _last(self, role: str) -> Turn | None:
        return next((turn for turn in reversed(self._log.turns[-4:]) if turn.role == role), None)

    # --- what happened to the conversation

    def _own_event(self, told: Mapping[str, Any]) -> None:
        kind = _OWN.get(str(told.get("type")))
        if kind is None:
            return
        with suppress(msgspec.ValidationError):
            event = msgspec.convert(dict(told), kind, strict=False)
            if not isinstance(event, FunctionResult):  # the frame that carries it counts
                self._note(event)
            self._told_by_client(event)

    def _told_by_client(self, event: RealtimeEvent) -> None:
        match event:
            case PlaybackStopped():
                cut = self.story.interruptions[-1] if self.story.interruptions else None
                if cut is not None and cut.silenced_ms is None:
                    cut.silenced_ms = self._now_ms - cut.at_ms
            case SessionResumed():
                self.story.resumptions.append(event)
                how = "a new session" if event.new_session else "resumed"
                again = f", {event.replayed} sent again" if event.replayed else ""
                doubt = f", {event.uncertain} uncertain" if event.uncertain else ""
                self._mark("recovery", how, f"after {event.gap_ms} ms{again}{doubt}")
            case VoiceHealth():
                self._mark("fault", event.finding, "; ".join(filter(None, (event.detail, event.action))))
            case AudioDropped():
                self.story.dropped_ms += event.duration_ms
                self._mark("fault", "audio dropped", f"{event.duration_ms} ms: {event.reason}")
            case client_events.ConnectionLost():
                self._mark("fault", "connection lost", f"{event.code} {event.reason}".strip())
            case client_events.Reconnecting():
                detail = f"attempt {event.attempt} in {event.wait_ms} ms, after {event.reason}"
                self._mark("notice", "reconnecting", detail)
            case client_events.DigitPressed():
                self._mark("notice", f"key {event.digit}")
            case client_events.SessionUpdated():
                self._mark("notice", "options changed")

    def _closed(self, number: int, closed: Closed) -> None:
        connection = self._connections.setdefault(number, Connection(number, self._now_ms))
        connection.closed_ms, connection.closed = self._now_ms, closed
        if connection.broke and not self._by_client:
            self._mark("fault", "connection lost", f"{closed.code} {closed.reason}".strip())

    @property
    def _by_client(self) -> bool:
        """Whether a client recorded it, which tells of losses and what came of them itself."""
        return self.story.recording.manifest.get("side") == "client"

    def _mark(self, kind: str, name: str, detail: str = "") -> None:
        self.story.marks.append(Mark(self._now_ms, kind, name, detail))

    def _note(self, event: RealtimeEvent) -> None:
        self._log.note(event)


PAUSE_MS: Final = 1000.0
"""After so much silence the user begins anew, for how long it takes to interrupt."""


class _Timing:
    """When a turn was heard.

    Attributes:
        loud_from_ms: when the user's last stretch of speech in it began.
        loud_until_ms: when it ended, so far.
        cut_ms: when the answer was cut off.
    """

    def __init__(self, began_ms: float = 0.0) -> None:
        self.loud_from_ms = began_ms
        self.loud_until_ms = float("-inf")
        self.cut_ms: float | None = None
        self._sound_from_ms: float | None = None
        self._sound_ms = 0.0
        self._pieces: list[tuple[float, str]] = []

    def sounds(self, now_ms: float, duration_ms: float) -> None:
        """A piece of the answer's sound came."""
        if self._sound_from_ms is None:
            self._sound_from_ms = now_ms
        # Heard when it comes, or after what still sounds: a pause of the service is one of the answer.
        self._sound_ms = max(self._sound_ms, now_ms - self._sound_from_ms) + duration_ms

    def says(self, now_ms: float, text: str) -> None:
        """A piece of its transcript came, or of its text."""
        at_ms = now_ms if self._sound_from_ms is None else self._sound_from_ms + self._sound_ms
        self._pieces.append((at_ms, text))

    def spoken(self, turn: Turn) -> Spoken:
        """The turn on the timeline."""
        if turn.role == "user":
            return Spoken(turn, turn.begin_ms, turn.end_ms, list(_words(turn.said, turn.begin_ms, turn.end_ms)))
        begin_ms = turn.begin_ms if self._sound_from_ms is None else self._sound_from_ms
        said_ms = begin_ms + self._sound_ms if self._sound_ms else turn.end_ms
        end_ms = said_ms if self.cut_ms is None else min(said_ms, self.cut_ms)
        if turn.heard_ms is not None:
            end_ms = min(said_ms, max(end_ms, begin_ms + turn.heard_ms))
        words = list(self._spread(said_ms))
        for word in words:
            word.heard = not turn.interrupted or (word.begin_ms + word.end_ms) / 2 <= end_ms
        return Spoken(turn, begin_ms, max(begin_ms, end_ms), words)

    def _spread(self, said_ms: float) -> Iterator[Word]:
        for index, (begin_ms, text) in enumerate(self._pieces):
            end_ms = self._pieces[index + 1][0] if index + 1 < len(self._pieces) else max(said_ms, begin_ms)
            yield from _words(text, begin_ms, end_ms)


def _words(text: str, begin_ms: float, end_ms: float) -> Iterator[Word]:
    """The words of a text that was said in this time."""
    per_letter_ms = max(0.0, end_ms - begin_ms) / max(1, len(text))
    for found in _WORD.finditer(text):
        begin, end = (begin_ms + per_letter_ms * place for place in found.span())
        yield Word(begin, end, found[0].strip())
