"""What goes to the service: messages in order, noted in the ledger until the service has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec.structs import replace

from gemini_realtime.checking import check_choice, check_type
from gemini_realtime.errors import ConfigError, UnsupportedByModel
from gemini_realtime.protocol import local_events, messages
from gemini_realtime.protocol.audio_ring import NO_AUDIO, Stretch
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import audio_frame, decode_client_message, encode
from gemini_realtime.protocol.events import AudioDropped, RealtimeEvent
from gemini_realtime.protocol.health import Health
from gemini_realtime.protocol.ledger import MAX_WAITING_BYTES, Kind, Ledger
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.parts import in_words, read_result, read_turn, refuse_result, refuse_turn
from gemini_realtime.protocol.progress import Progress

Role = Literal["user", "assistant", "system"]
"""Who speaks, in the words of AG2; the service calls the assistant `model`."""

Gate = Literal["shut", "setup", "open"]
"""What the connection is ready for: nothing, the setup alone, or all that is said."""

Scheduling = Literal["SILENT", "WHEN_IDLE", "INTERRUPT"]
"""When the model speaks of a result. Source: https://ai.google.dev/api/live#FunctionResponseScheduling."""

ASKED_ABOUT_S: Final = 10.0
"""So long after an image of the video stream a typed question may be about it. Typed turns do not see the stream, with
any model that was probed, so the question takes the image along. Source: `google_text_turns_see_video_frames` of
pydantic-ai 2.68, verified live on 2026-10-27."""

_LOST_CALL = {"error": "the connection was lost before the function had answered"}
_REJECTED = {"error": "the result of the function was not accepted"}


class _Video:
    """The video stream: the last of its images that could not be sent yet, and the last that a typed question may be
    about."""

    def __init__(self) -> None:
        self._waiting: bytes | None = None
        self._shown: messages.Blob | None = None
        self._shown_at = 0.0

    def show(self, image: messages.Blob, now: float) -> None:
        """One more image."""
        self._waiting = encode(messages.ClientMessage(realtime_input=messages.RealtimeInput(video=image)))
        self._shown, self._shown_at = image, now

    def take(self) -> bytes | None:
        """The frame of the image that waits, to be sent now."""
        frame, self._waiting = self._waiting, None
        return frame

    def just_shown(self, now: float) -> list[messages.Part]:
        """The last image, where a question may be about it."""
        if self._shown is None or now > self._shown_at + ASKED_ABOUT_S:
            return []
        return [messages.Part(inline_data=self._shown)]

    def told(self) -> None:
        """The last image went along with a question."""
        self._shown = None


class Outbox:
    """Messages on their way to the service.

    Args:
        profile: what the model accepts.
        ledger: of what is sent.
        calls: the functions that the service waits for.
        progress: is told what is asked.
        health: is told when the connection is stalled.
        max_audio_age_s: how long microphone audio may wait on a stalled connection.
    """

    def __init__(
        self,
        profile: ModelProfile,
        ledger: Ledger,
        calls: Calls,
        progress: Progress,
        health: Health,
        max_audio_age_s: float,
    ) -> None:
        self._profile = profile
        self._ledger = ledger
        self._calls = calls
        self._progress = progress
        self._health = health
        self._max_audio_age_s = max_audio_age_s
        self._gate: Gate = "shut"
        self._flows = False  # whether nothing waits, so that audio may go out at once
        self._stalled_since: float | None = None
        self._urgent: list[bytes] = []  # setup and history: they precede whatever was sent early
        self._video = _Video()
        self._why_ended: Callable[[], Exception] | None = None
        self._detects: bool | None = None  # whether the service finds out itself when somebody speaks
        self.seed_is_open = False

    # --- the way

    def open(self, gate: Gate) -> None:
        """The connection is ready for this much."""
        if gate != "open" and self._gate == "open":
            self._ledger.connection_lost()
        self._gate = gate
        self._hold_audio()

    def end(self, why: Callable[[], Exception]) -> None:
        """The conversation is over: whoever sends is told why."""
        self._why_ended = why

    def _check_open(self) -> None:
        if self._why_ended is not None:
            raise self._why_ended()

    def network(self, now: float, *, stalled: bool) -> None:
        """The connection is stalled, or no longer: audio that has waited for too long is dropped then."""
        self._health.sending(now, stalled=stalled)
        since, self._stalled_since = self._stalled_since, now if stalled else None
        self._hold_audio()
        # The microphone may have been off since.
        if since is not None and now > since + self._max_audio_age_s:
            self._drop_late_audio(now)

    def audio_waits_until(self) -> float:
        """Until when a stalled connection is waited for with the next piece of audio; -inf when it is not stalled."""
        return -math.inf if self._stalled_since is None else self._stalled_since + self._max_audio_age_s

    @property
    def waits(self) -> bool:
        """Whether anything has not gone out."""
        return self._ledger.waits

    @property
    def unsent(self) -> int:
        """How many messages, audio aside, have not gone out."""
        return self._ledger.unsent

    def has_room(self) -> bool:
        """Whether text and results can be accepted.

        Raises:
            GeminiRealtimeError: why the conversation ended, when it has.
        """
        self._check_open()
        stalled = self._stalled_since is not None and self._gate != "shut"
        return not stalled and self._ledger.waiting_bytes <= MAX_WAITING_BYTES

    def take_dropped(self, at_least_ms: float) -> AudioDropped | None:
        """Microphone audio that was dropped and not told yet; None when there is less than this."""
        dropped = self._ledger.audio.take_dropped(at_least_ms)
        return None if dropped is None else local_events.audio_dropped(*dropped)

    def _drop_late_audio(self, now: float) -> None:
        if self._gate == "open":
            self._ledger.audio.drop_older(now - self._max_audio_age_s)

    def next(self, now: float) -> bytes | None:
        """The frame to send now; None when there is none, or none may be sent yet."""
        if self._urgent and self._gate != "shut":
            return self._urgent.pop(0)
        if self._gate != "open":
            return None
        frame = self._ledger.next(now)
        if frame is None:
            frame = self._video.take()
            if frame is not None:
                self._ledger.count_sent()
            self._flows = frame is None and self._stalled_since is None
        return frame

    def _hold_audio(self) -> None:
        """Something may have to go out before the next piece of audio."""
        if self._flows:
            self._flows = False
            self._ledger.audio.interrupt()

    @property
    def audio(self) -> Stretch:
        """What `send_audio` sent last: while it has room, more of its kind goes out by its own `send`."""
        return self._ledger.audio.open if self._flows else NO_AUDIO

    # --- what does not come from the application

    def setup(self, body: dict[str, Any]) -> None:
        """The first message of a connection; what was to be sent first on the one before it is void."""
        self.expect(body)
        self._urgent.clear()
        self._urgent.append(encode({"setup": body}))

    def expect(self, body: Mapping[str, Any]) -> None:
        """The setup that will be sent, or is: by it marks of activity are refused."""
        detection = (body.get("realtimeInputConfig") or {}).get("automaticActivityDetection") or {}
        self._detects = not detection.get("disabled", False)

    def history(self, turns: Sequence[messages.Content], *, announced: bool) -> None:
        """What a new session is told of the conversation before it, if anything; `announced` by its setup, or not.

        Not where all there is is a question of which it was not known then whether it would be heard again.
        """
        # Where the setup announced a history, completing it asks for no answer; elsewhere it does.
        completed = announced and self._profile.history_needs_config
        self.seed_is_open = bool(turns) and not completed and self._profile.seeds_wait
        if turns:
            self._first(messages.ClientContent(turns=list(turns), turn_complete=completed))

    def complete_seed(self) -> None:
        """Somebody has spoken to a session that was told of the conversation before it: what it was told counts from
        now on."""
        self.seed_is_open = False
        self._first(messages.ClientContent(turn_complete=True))

    def lost_calls(self, call_ids: Sequence[str]) -> None:
        """Tell a resumed session that calls which it may still wait for were lost, before it is told anything else."""
        responses = [messages.FunctionResponse(id=call_id, response=_LOST_CALL) for call_id in call_ids]
        if responses:
            answer = messages.ToolResponse(function_responses=responses)
            self._send_first(messages.ClientMessage(tool_response=answer))

    def nudge(self) -> bool:
        """Ask the model to go on; returns whether there is a message for it."""
        if self._gate != "open" or not self._profile.text_input:
            return False
        self._first(messages.ClientContent(turn_complete=True))
        return True

    def _first(self, content: messages.ClientContent) -> None:
        self._send_first(messages.ClientMessage(client_content=content))

    def _send_first(self, message: messages.ClientMessage) -> None:
        self._hold_audio()
        self._urgent.append(encode(message))
        self._ledger.count_sent()

    # --- what the application says

    def send_audio(self, pcm: bytes, audio_base64: bytes, rate_hz: int, duration_ms: float, now: float) -> bytes | None:
        """Microphone audio.

        Args:
            pcm: mono signed 16-bit little-endian samples.
            audio_base64: the same in base64.
            rate_hz: their rate.
            duration_ms: how long it is.
            now: seconds.

        Returns:
            The frame to send at once; None when it waits for others, or for a connection.

        Raises:
            GeminiRealtimeError: why the conversation ended, when it has.
        """
        if self._flows:
            self._ledger.audio_sent(pcm, rate_hz, duration_ms, now)
            return audio_frame(audio_base64, rate_hz)
        self._check_open()
        self._drop_late_audio(now)
        self._ledger.add_audio(pcm, rate_hz, duration_ms, now)
        return None

    def send_video(self, image_base64: str, mime_type: str, now: float) -> None:
        """One image of the video stream. Of those that cannot be sent yet only the last is kept."""
        self._check_open()
        self._video.show(messages.Blob(mime_type=mime_type, data=image_base64), now)
        self._hold_audio()

    def send_text(self, role: Role, text: str, turn_complete: bool, now: float) -> None:
        """Text in the conversation.

        Raises:
            ConfigError: an unknown role, or what is no text.
            UnsupportedByModel: the model takes no text, or no such turn at this point.
        """
        self._check_turn(role, turn_complete)
        check_type("text", text, str, "a string")
        asks = role == "user" and turn_complete
        image = self._video.just_shown(now) if asks and self._profile.known else []
        if asks and not image and self._profile.text_in_realtime_input:
            message = messages.ClientMessage(realtime_input=messages.RealtimeInput(text=text))
            self._say(message, role, text, turn_complete, now)
        else:
            self._say_turn(role, [*image, messages.Part(text=text)], turn_complete, now)
        if image:
            self._video.told()

    def send_turn(self, role: Role, parts: object, turn_complete: bool, now: float) -> None:
        """A turn of several parts, as `parts.read_turn` takes them.

        Raises:
            ConfigError: an unknown role, or parts that cannot be what they are.
            UnsupportedByModel: the model takes no turns, or none of these parts.
        """
        self._check_turn(role, turn_complete)
        read = read_turn(parts)
        refuse_turn(read, self._profile)
        self._say_turn(role, read, turn_complete, now)

    def _check_turn(self, role: Role, turn_complete: bool) -> None:
        self._check_open()
        check_choice("role", role, _ROLES)
        check_type("turn_complete", turn_complete, bool, "True or False")
        if not self._profile.text_input:
            raise UnsupportedByModel(f"{self._profile.title} takes no text", remedy="send audio")

    def _say_turn(self, role: Role, parts: Sequence[messages.Part], turn_complete: bool, now: float) -> None:
        turn = messages.Content(role=_ROLES[role], parts=list(parts))
        content = messages.ClientContent(turns=[turn], turn_complete=turn_complete)
        self._say(messages.ClientMessage(client_content=content), role, in_words(parts), turn_complete, now)

    def _say(self, message: messages.ClientMessage, role: Role, words: str, turn_complete: bool, now: float) -> None:
        number = self._queue("text", message, label=words, role=_ROLES[role], asks=turn_complete)
        self._progress.typed(number, _ROLES[role], words)
        if turn_complete:
            self.seed_is_open = False
            self._progress.asked(now)

    def send_function_result(
        self,
        call_id: str,
        result: Any,
        now: float,
        *,
        scheduling: str | None = None,
        will_continue: bool | None = None,
        parts: object = None,
    ) -> RealtimeEvent | None:
        """The answer to a function call.

        Args:
            call_id: as in `FunctionCall.call_id`.
            result: an object, whose keys `output` and `error` have a meaning to the service; anything else is sent as
                its `output`.
            now: seconds.
            scheduling: when the model speaks of it.
            will_continue: more results for the same call will follow.
            parts: images and text that belong to it, as `parts.read_result` takes them.

        Returns:
            None; or, when nobody waits for the result, the event that says so: then nothing is sent.

        Raises:
            ConfigError: an argument of the wrong kind, or a result that JSON has no form for.
        """
        self._check_open()
        check_type("call_id", call_id, str, "the `call_id` of a FunctionCall")
        if scheduling is not None:
            check_choice("scheduling", scheduling, get_args(Scheduling))
        if will_continue is not None:
            check_type("will_continue", will_continue, bool, "True or False")
        response = _response(result)
        call = self._calls.open(call_id)
        if call is None:
            return local_events.orphaned(call_id, known=call_id in self._calls.orphans)
        answer = messages.FunctionResponse(
            id=call.given_id,
            name=call.name,
            response=response,
            parts=None if parts is None else self._result_parts(parts),
            scheduling=scheduling,
            will_continue=will_continue,
        )
        message = messages.ClientMessage(tool_response=messages.ToolResponse(function_responses=[answer]))
        silent = scheduling == "SILENT"
        number = self._queue(
            "function_result", message, label=call_id, since=call.at, answers=not (silent or will_continue)
        )
        if not will_continue:
            self._progress.result_given(call_id, number, now, silent=silent)
        return None

    def _result_parts(self, parts: object) -> list[dict[str, Any]]:
        read = read_result(parts)
        refuse_result(read, self._profile)
        return read

    def send_activity(self, now: float, *, start: bool) -> None:
        """The user began, or stopped, to speak.

        Raises:
            ConfigError: the service finds that out itself in this session.
        """
        if self._detects:
            raise ConfigError(
                "activity_start() and activity_end() need automatic detection off",
                remedy="session_update({'turn_detection': None})",
            )
        if start:
            self._progress.speech_announced()
            self._realtime(messages.RealtimeInput(activity_start={}))
            return
        self._realtime(messages.RealtimeInput(activity_end={}), asks=True)
        self._progress.asked(now)
        if self.seed_is_open:
            self.seed_is_open = False
            completion = messages.ClientContent(turn_complete=True)
            self._queue("activity", messages.ClientMessage(client_content=completion))

    def send_audio_stream_end(self) -> None:
        """The microphone was switched off.

        Raises:
            ConfigError: the application says itself in this session when somebody speaks.
        """
        if self._detects is False:
            raise ConfigError(
                "audio_stream_end() needs automatic detection on",
                remedy="call activity_end() when the user has finished",
            )
        self._realtime(messages.RealtimeInput(audio_stream_end=True))

    def send_context_update(self, update: messages.ContextUpdate) -> None:
        """New instructions or tools.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        if self._profile.context_update is False:
            raise UnsupportedByModel(
                f"{self._profile.title} cannot change instructions or tools in mid-session",
                remedy="call session_update(), which resumes the session with them",
            )
        self._queue("context", messages.ClientMessage(context_update=update))

    def _realtime(self, item: messages.RealtimeInput, *, asks: bool = False) -> None:
        self._queue("activity", messages.ClientMessage(realtime_input=item), asks=asks)

    def _queue(self, kind: Kind, message: messages.ClientMessage, **details: Any) -> int:
        self._check_open()
        frame = encode(message)
        self._hold_audio()
        return self._ledger.add(kind, frame, **details)


def rejected_result(frame: bytes) -> bytes | None:
    """What closes a call whose result the service does not take: the same, with an error in place of what it held.

    None for a result that others follow, and for such an error.
    """
    message, _ = decode_client_message(frame)
    (given,) = message.tool_response.function_responses if message.tool_response is not None else (None,)
    if given is None or given.will_continue or given.response == _REJECTED:
        return None
    error = replace(given, response=_REJECTED, parts=None)
    return encode(messages.ClientMessage(tool_response=messages.ToolResponse(function_responses=[error])))


_ROLES = {"user": "user", "assistant": "model", "model": "model", "system": "user"}
"""The Gemini API closes with 1007 on a turn of role `system`, so instructions given in a turn travel as the user's."""


def _response(result: Any) -> dict[str, Any]:
    """What a function gave, as the object that the service wants.

    Raises:
        ConfigError: JSON has no form for it.
    """
    try:
        plain = _plain(result, "result")
    except RecursionError:
        raise ConfigError("`result` is nested too deeply", remedy="return less, or text") from None
    response = plain if isinstance(plain, dict) else {"output": plain}
    encode(response)  # half a character is refused here
    return response


def _plain(value: Any, path: str) -> Any:
    """A value of JSON; anything that has one form there becomes that."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError(f"`{path}` is {value}, which JSON has no form for", remedy="return None, or text")
        return value
    if isinstance(value, Mapping):
        return {_key(key, path): _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, f"{path}[{place}]") for place, item in enumerate(value)]
    try:
        simpler = msgspec.to_builtins(value, builtin_types=(bytes, bytearray, memoryview))
    except (TypeError, ValueError):
        simpler = value
    if simpler is value or isinstance(simpler, bytes | bytearray | memoryview):
        raise ConfigError(
            f"`{path}` is {type(value).__name__}, which JSON has no form for",
            remedy="return text, numbers, booleans, None, and lists and dicts of them",
        )
    return _plain(simpler, path)


def _key(key: Any, path: str) -> str:
    if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool)):
        return str(key)
    raise ConfigError(f"`{path}` has a key of type {type(key).__name__}", remedy="use strings as keys")
