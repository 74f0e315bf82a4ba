"""What goes to the service: messages in order, noted in the ledger until the service has them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

from gemini_realtime.errors import ConfigError, UnsupportedByModel
from gemini_realtime.protocol import local_events, messages
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import audio_frame, encode
from gemini_realtime.protocol.events import RealtimeEvent
from gemini_realtime.protocol.health import Health
from gemini_realtime.protocol.ledger import Kind, Ledger
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.parts import in_words, read_result, read_turn, refuse_result, refuse_turn

Role = Literal["user", "assistant", "system"]
"""Who speaks, in the words of AG2; the service calls the assistant `model`."""

Gate = Literal["shut", "setup", "open"]
"""What the connection is ready for: nothing, the setup alone, or all that is said."""


class Outbox:
    """Messages on their way to the service.

    Args:
        profile: what the model accepts.
        ledger: of what is sent.
        calls: the functions that the service waits for.
        health: is told what is owed.
        max_audio_age_s: how long microphone audio may wait for a stalled connection.
    """

    def __init__(
        self, profile: ModelProfile, ledger: Ledger, calls: Calls, health: Health, max_audio_age_s: float
    ) -> None:
        self._profile = profile
        self._ledger = ledger
        self._calls = calls
        self._health = health
        self._max_audio_age_s = max_audio_age_s
        self._gate: Gate = "shut"
        self._flows = False  # whether nothing waits, so that audio may go out at once
        self._urgent: deque[bytes] = deque()  # setup and history: they precede whatever was sent early
        self._video: bytes | None = None

    # --- the way

    def open(self, gate: Gate) -> None:
        """The connection is ready for this much."""
        self._gate, self._flows = gate, False

    def next(self, now: float) -> bytes | None:
        """The frame to send now; None when there is none, or none may be sent yet."""
        if self._urgent and self._gate != "shut":
            return self._urgent.popleft()
        if self._gate != "open":
            return None
        frame = self._ledger.next(now)
        if frame is None:
            frame, self._video = self._video, None
            if frame is not None:
                self._ledger.count_sent()
            self._flows = frame is None
        return frame

    # --- what does not come from the application

    def setup(self, body: dict[str, Any]) -> None:
        """The first message of a connection; what was to be sent first on the one before it is void."""
        self._urgent.clear()
        self._urgent.append(encode({"setup": body}))

    def history(self, turns: Sequence[messages.Content]) -> None:
        """What a new session is told of the conversation before it, if anything."""
        if turns:
            # Where the setup announced a history, completing it asks for no answer; elsewhere it does.
            self._first(messages.ClientContent(turns=list(turns), turn_complete=self._profile.history_needs_config))

    def nudge(self) -> bool:
        """Ask the model to go on; returns whether there is a message for it."""
        if self._gate != "open" or not self._profile.text_input:
            return False
        self._first(messages.ClientContent(turn_complete=True))
        return True

    def _first(self, content: messages.ClientContent) -> None:
        self._flows = False
        self._urgent.append(encode(messages.ClientMessage(client_content=content)))
        self._ledger.count_sent()

    # --- what the application says

    def send_audio(
        self, audio_base64: bytes, rate_hz: int, duration_ms: float, now: float, *, stalled: bool
    ) -> bytes | None:
        """Microphone audio: base64 of mono signed 16-bit little-endian PCM.

        Args:
            audio_base64: the audio.
            rate_hz: its sample rate.
            duration_ms: how long it is.
            now: seconds.
            stalled: whether the connection is stalled.

        Returns:
            The frame to send at once; None when it waits for others, or for a connection.
        """
        frame = audio_frame(audio_base64, rate_hz)
        if self._flows and not stalled:
            self._ledger.audio_sent(frame, duration_ms, now)
            return frame
        self._flows = False
        if self._gate == "open":
            self._ledger.drop_older(now - self._max_audio_age_s)
        self._ledger.add_audio(frame, duration_ms, now)
        return None

    def send_video(self, image_base64: str, mime_type: str) -> None:
        """One image of the video stream. Of those that cannot be sent yet only the last is kept."""
        item = messages.RealtimeInput(video=messages.Blob(mime_type=mime_type, data=image_base64))
        self._video = encode(messages.ClientMessage(realtime_input=item))

    def send_text(self, role: Role, text: str, turn_complete: bool, now: float) -> None:
        """Text in the conversation.

        Raises:
            ConfigError: an unknown role.
            UnsupportedByModel: the model takes no text, or no such turn at this point.
        """
        self._check_turn(role)
        if role == "user" and turn_complete and self._profile.text_in_realtime_input:
            message = messages.ClientMessage(realtime_input=messages.RealtimeInput(text=text))
            self._say(message, role, text, turn_complete, now)
        else:
            self._say_turn(role, [messages.Part(text=text)], turn_complete, now)

    def send_turn(self, role: Role, parts: object, turn_complete: bool, now: float) -> None:
        """A turn of several parts, as `parts.read_turn` takes them.

        Raises:
            ConfigError: an unknown role, or parts that cannot be what they are.
            UnsupportedByModel: the model takes no turns, or none of these parts.
        """
        self._check_turn(role)
        read = read_turn(parts)
        refuse_turn(read, self._profile)
        self._say_turn(role, read, turn_complete, now)

    def _check_turn(self, role: Role) -> None:
        if role not in _ROLES:
            raise ConfigError(f"unknown role {role!r}", remedy=f"use one of {', '.join(_ROLES)}")
        if not self._profile.text_input:
            raise UnsupportedByModel(f"{self._profile.title} takes no text", remedy="send audio")

    def _say_turn(self, role: Role, parts: Sequence[messages.Part], turn_complete: bool, now: float) -> None:
        turn = messages.Content(role=_ROLES[role], parts=list(parts))
        content = messages.ClientContent(turns=[turn], turn_complete=turn_complete)
        self._say(messages.ClientMessage(client_content=content), role, in_words(parts), turn_complete, now)

    def _say(self, message: messages.ClientMessage, role: Role, words: str, turn_complete: bool, now: float) -> None:
        self._queue("text", message, now, label=words, role=_ROLES[role], asks=turn_complete)
        if turn_complete:
            self._health.asked(now)

    def send_function_result(
        self, call_id: str, response: dict[str, Any], now: float, *, parts: object = None, **options: Any
    ) -> RealtimeEvent | None:
        """The answer to a function call.

        Args:
            call_id: as in `FunctionCall.call_id`.
            response: an object; its keys `output` and `error` have a meaning to the service.
            now: seconds.
            parts: images and text that belong to it, as `parts.read_result` takes them.
            options: `scheduling`, `will_continue`.

        Returns:
            None; or, when the service has forgotten the call, the event that says so: then nothing is sent.
        """
        if call_id in self._calls.orphans:
            return local_events.orphaned(call_id)
        call, since = self._calls.known(call_id)
        since = now if call is None else since  # of a call that nobody knows, a resumed session knows nothing
        answer = messages.FunctionResponse(
            id=call_id if call is None else call.id,
            name=None if call is None else call.name,
            response=response,
            parts=None if parts is None else self._result_parts(parts),
            **options,
        )
        message = messages.ClientMessage(tool_response=messages.ToolResponse(function_responses=[answer]))
        self._queue("function_result", message, now, label=call_id, since=since)
        if not options.get("will_continue"):
            self._calls.answered(call_id)
        self._health.calls(len(self._calls), now)
        if not self._calls and options.get("scheduling") != "SILENT":
            self._health.asked(now)
        return None

    def _result_parts(self, parts: object) -> list[dict[str, Any]]:
        read = read_result(parts)
        refuse_result(read, self._profile)
        return read

    def send_activity(self, now: float, *, start: bool) -> None:
        """The user began, or stopped, to speak; only with automatic detection off."""
        if start:
            self._ledger.hold_next()
        edge = messages.RealtimeInput(activity_start={}) if start else messages.RealtimeInput(activity_end={})
        self._realtime(edge, now, asks=not start)

    def send_audio_stream_end(self, now: float) -> None:
        """The microphone was switched off; only with automatic detection on."""
        self._realtime(messages.RealtimeInput(audio_stream_end=True), now)

    def send_context_update(self, update: messages.ContextUpdate, now: float) -> None:
        """New instructions or tools.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        if self._profile.context_update is False:
            raise UnsupportedByModel(
                f"{self._profile.title} cannot change instructions or tools in mid-session",
                remedy="call session_update(), which resumes the session with them",
            )
        self._queue("context", messages.ClientMessage(context_update=update), now)

    def _realtime(self, item: messages.RealtimeInput, now: float, *, asks: bool = False) -> None:
        self._queue("activity", messages.ClientMessage(realtime_input=item), now, asks=asks)
        if asks:
            self._health.asked(now)

    def _queue(self, kind: Kind, message: messages.ClientMessage, now: float, **details: Any) -> None:
        self._flows = False
        self._ledger.add(kind, encode(message), now, **details)


_ROLES = {"user": "user", "assistant": "model", "model": "model", "system": "user"}
"""The Gemini API closes with 1007 on a turn of role `system`, so instructions given in a turn travel as the user's."""
