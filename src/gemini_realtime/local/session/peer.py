"""The service's side of the Live protocol for one connection, without any I/O: frames, facts and `now` in; actions out.

Usage, by whoever owns the connection:

- every received frame goes through `receive(frame, now)`, or through `microphone(frame, now)` first, which knows most
  frames by their bytes and says what is heard in them;
- what is heard is told to `speech_started` and `heard`: exactly one `heard` for each `speech_started` and each
  `EndUtterance`;
- what responder and speech produce for a `Respond` is told to `thought`, `spoke`, `wrote`, `sends`, `wants_call` and
  `reply_ended`;
- after each of these carry out `actions()` in order, and when `deadline()` passes call `deadline_reached(now)`;
- when the connection is gone call `connection_ended()`.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.lifetime import Lifetime, SessionLimits
from gemini_realtime.local.session.actions import (
    Action,
    Close,
    EndAudio,
    EndUtterance,
    Hear,
    Note,
    Outbox,
    Recall,
    StartUtterance,
)
from gemini_realtime.local.session.activity import Activity
from gemini_realtime.local.session.content import SpokenTurn, is_blank, piece_of, read_content, read_result
from gemini_realtime.local.session.conversation import Conversation, Pace, State
from gemini_realtime.local.session.history import CONTEXT_CHARACTERS, Saved
from gemini_realtime.local.session.options import Options
from gemini_realtime.local.session.resumption import UNASKED_AFTER_S, Resumption, Sessions
from gemini_realtime.local.wire.api import ANY_API, Api
from gemini_realtime.local.wire.frames import read_client_frame, refuse_null_handle
from gemini_realtime.local.wire.media import content_of, sound_of
from gemini_realtime.local.wire.profiles import ServiceProfile, unknown_model
from gemini_realtime.local.wire.refusals import (
    AUDIO_STREAM_END,
    CONTENT_TOO_LATE,
    GO_AWAY_IGNORED,
    MANUAL_ACTIVITY,
    MEDIA_CHUNKS,
    MOOD_REFUSED,
    SETUP_FIRST,
    SETUP_ONCE,
    TOO_LONG,
    Refused,
)
from gemini_realtime.protocol import families, messages
from gemini_realtime.protocol.codec import AudioFrames, decode_base64
from gemini_realtime.protocol.messages import ServerMessage

_SAMPLE_BYTES: Final = INPUT_FORMAT.frame_bytes
_LONGEST_PIECE: Final = 64 * 1024
"""Of a message that is known by its bytes, and decoded at once: what is longer may be better read aside."""


class Peer:
    """One connection as the service sees it; the module says how to use it.

    Args:
        session_id: unique on this server; the ids of function calls follow from it.
        sessions: where sessions are kept to be resumed.
        pace: when a turn is complete, and how fast its audio is sent.
        profile: how the model behaves; by default what is known of the model that the client names.
        api: which the client has called.
        strict_models: whether models are refused that nothing is known of.
        connection_lifetime_s: how long after its setup the connection is closed, with a `goAway` before; None for ever.
        go_away_before_s: how long before; as long as the service does by default.
        session_limits: how long its session lasts.
    """

    def __init__(
        self,
        session_id: str,
        sessions: Sessions,
        *,
        pace: Pace = "realtime",
        profile: ServiceProfile | None = None,
        api: Api = ANY_API,
        strict_models: bool = False,
        connection_lifetime_s: float | None = None,
        go_away_before_s: float | None = None,
        session_limits: SessionLimits | None = None,
    ) -> None:
        self._resumption = Resumption(session_id, sessions)
        self._outbox = Outbox()
        self._conversation = Conversation(session_id, self._outbox, pace)
        self._activity = Activity()
        self._profile = profile
        self._api = api
        self._strict_models = strict_models
        self._lifetime = Lifetime(connection_lifetime_s, go_away_before_s, session_limits or SessionLimits())
        self._now = float("-inf")  # the latest time that was told
        self._pieces = AudioFrames()
        # Microphone audio comes fifty times a second and changes nothing of what is to be done, nor when.
        self._settled = self._deadline_known = False
        self._deadline: float | None = None

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._conversation.state

    @property
    def options(self) -> Options:
        """What the client set up; the defaults before that."""
        return self._conversation.options

    @property
    def settled(self) -> bool:
        """Whether nothing has happened since `actions` and `deadline` were called that changes what they say."""
        return self._settled and self._deadline_known

    def actions(self) -> list[Action]:
        """What is to be done now, in order; each action is given once."""
        if self._settled:
            return self._outbox.take()
        self._settled = True
        if not self._activity.speaking:
            self._conversation.next_question()
        # What is being said is not in the session yet, so that a handle given now would lose it.
        waits = self._activity.speaking and self._conversation.resumable
        if self.state not in (State.NEW, State.CLOSED) and not waits:
            update = self._resumption.update(self._saved, resumable=self._conversation.resumable)
            if update is not None:
                self._outbox.send(ServerMessage(session_resumption_update=update))
        return self._outbox.take()

    # --- what the client sends

    def microphone(self, frame: bytes, now: float) -> Hear | None:
        """What is heard in a frame that differs from one before in its sound only, which is all that is in it.

        Nothing is read for that: fifty such frames a second come from each client. None for any other frame, and where
        there is something to act upon: `receive` it. After this, too, see to `actions` unless all is `settled`.
        """
        if len(frame) > _LONGEST_PIECE or not self._settled or self._conversation.state is State.CLOSED:
            return None
        data = self._pieces.find(frame)
        if data is None:
            return None
        try:
            pcm = decode_base64(data)
        except AudioFormatError:
            return None
        self._now = now
        if self._resumption.consume(now):
            self._change()
        return self._hear(pcm, self._pieces.rate_hz)

    def receive(
        self,
        frame: bytes | str,
        now: float,
        *,
        read: Callable[[bytes | str], messages.ClientMessage] = read_client_frame,
    ) -> None:
        """Take a frame, text or binary; `read` says what it is, or raises `Refused`."""
        if self.state is State.CLOSED:
            return
        self._now = now
        try:
            message = read(frame)
            if message.setup is not None or self.state is State.NEW:
                self._change()
                self._set_up(message.setup, frame, now)
            else:
                self._take(message, now)
                piece = piece_of(message, media_chunks=self.options.profile.media_chunks == "heard")
                if piece is None:
                    self._conversation.check_backlog()
                else:
                    self._learn(piece, frame)
                if self._resumption.consume(now) or piece is None:
                    self._change()
        except Refused as refused:
            if refused.note:
                self._outbox.put(Note(refused.note))
            self.close(refused.code, refused.reason)

    def _learn(self, piece: messages.Blob, frame: bytes | str) -> None:
        # What was decoded aside has no base64 left.
        if isinstance(frame, bytes) and len(frame) <= _LONGEST_PIECE and piece.data:
            self._pieces.learn(frame, piece.data, sound_of(piece.mime_type).rate_hz)

    def _set_up(self, setup: messages.Setup | None, frame: bytes | str, now: float) -> None:
        if setup is None:
            raise Refused(SETUP_FIRST)
        if self.state is not State.NEW:
            raise Refused(SETUP_ONCE)
        self._api.check_fields(frame)
        options = Options.of(setup, self._profile, version=self._api.version, strict=self._strict_models)
        if options.family is families.UNKNOWN and self._profile is None:
            self._outbox.put(Note(unknown_model(setup.model)))
        if len(options.instructions) > CONTEXT_CHARACTERS:
            raise Refused(TOO_LONG)
        if not options.profile.null_handle:
            refuse_null_handle(frame)
        saved = self._resumption.take(
            setup.session_resumption,
            setup.model,
            transparent=options.transparent,
            withholds=options.profile.withholds_handles,
        )
        self._conversation.begin(options, saved)
        if options.profile.unasked_handle == "after setup":
            self._resumption.offer(now + UNASKED_AFTER_S)
        self._lifetime.begin(
            now,
            usual_before_s=options.profile.go_away_before_s,
            compressed=setup.context_window_compression is not None,
            left_s=saved.left_s if saved else None,
        )

    def _take(self, message: messages.ClientMessage, now: float) -> None:
        if self.options.refused_late:
            raise Refused(MOOD_REFUSED)
        if message.client_content is not None:
            self._take_content(message.client_content)
        elif message.realtime_input is not None:
            self._take_realtime(message.realtime_input, now)
        elif message.tool_response is not None:
            for response in message.tool_response.function_responses:
                result = read_result(response, self.options.profile)
                self._conversation.result(result, user_speaks=self._activity.speaking)
            if self.options.profile.unasked_handle == "after results":
                self._resumption.offer()
        elif message.context_update is not None:
            self.options.update(message.context_update)

    def _take_content(self, content: messages.ClientContent) -> None:
        profile = self.options.profile
        if self._conversation.begun and not profile.content_any_time:
            raise Refused(CONTENT_TOO_LATE)
        if sum(len(part.text or "") for turn in content.turns for part in turn.parts) > CONTEXT_CHARACTERS:
            raise Refused(TOO_LONG)
        read = read_content(content.turns, profile, begun=self._conversation.begun)
        if read.instructions is not None:
            self.options.instructions = read.instructions
        for turn in read.told:
            if isinstance(turn, SpokenTurn):
                self._outbox.put(Recall(turn))
        answer = content.turn_complete and not self.options.seeding and profile.family.task == "converse"
        if not (self._utterance_ended and all(item == ("user", "") for item in read.told)):
            self._conversation.tell(read.told, answer=answer)
        self.options.seeding = self.options.seeding and not content.turn_complete

    def _take_realtime(self, item: messages.RealtimeInput, now: float) -> None:
        if item.activity_start is not None:
            self._take_activity(started=True)
        # "Only the first element will be used": the protobuf's note at the deprecated field.
        chunks = (item.media_chunks or [])[:1]
        if chunks and self.options.profile.media_chunks != "heard":
            if self.options.profile.media_chunks == "refused":
                raise Refused(MEDIA_CHUNKS)
            chunks = []
        if item.audio is not None:
            self._take_media(item.audio, "realtime_input.audio", now)
        for chunk in chunks:
            self._take_media(chunk, "realtime_input.media_chunks[0]", now)
        if item.video is not None:
            self._take_picture(item.video, "realtime_input.video", now)
        if item.text is not None:
            self._take_text(item.text)
        if item.activity_end is not None:
            self._take_activity(started=False)
        if item.audio_stream_end:
            if self.options.manual_activity:
                raise Refused(AUDIO_STREAM_END)
            self._outbox.put(EndAudio())

    def _take_activity(self, *, started: bool) -> None:
        if not self.options.manual_activity:
            raise Refused(MANUAL_ACTIVITY)
        if started == self._activity.marked:
            return
        self._activity.marked = started
        if started:
            self.speech_started()
        self._outbox.put(StartUtterance() if started else EndUtterance())

    def _take_media(self, blob: messages.Blob, where: str, now: float) -> None:
        if blob.mime_type.startswith("image/"):
            self._take_picture(blob, where, now)
        else:
            self._take_sound(blob, where)

    def _take_picture(self, blob: messages.Blob, where: str, now: float) -> None:
        content_of(blob, where)
        self._lifetime.saw(now)
        if self._activity.speaking or self.options.coverage != "TURN_INCLUDES_ONLY_ACTIVITY":
            self._conversation.usage.saw(now)

    def _take_sound(self, blob: messages.Blob, where: str) -> None:
        rate_hz = sound_of(blob.mime_type).rate_hz
        self._outbox.put(self._hear(content_of(blob, where), rate_hz))

    def _hear(self, pcm: bytes, rate_hz: int) -> Hear:
        audio_s = len(pcm) / (_SAMPLE_BYTES * rate_hz)
        self._activity.audio_s += audio_s
        if self._conversation.options.coverage == "TURN_INCLUDES_ALL_INPUT":
            self._conversation.usage.heard(audio_s)
        return Hear(pcm, rate_hz)

    def _take_text(self, text: str) -> None:
        if len(text) > CONTEXT_CHARACTERS:
            raise Refused(TOO_LONG)
        self._conversation.usage.read(text)
        blank = is_blank(text)
        if self._activity.marked:
            self._activity.type("" if blank else text)
        elif self.options.family.task != "converse":
            return
        elif blank:
            if not self._utterance_ended:
                self._conversation.nudge()
        else:
            interrupts = self._input_interrupts and not self._conversation.keeps_text_waiting
            self._conversation.ask(text, interrupts=interrupts)

    @property
    def _utterance_ended(self) -> bool:
        """Whether the client has ended an utterance whose words are not known yet: it is what is answered next.

        A wordless request for a reply that comes with its end asks for that answer, not for another: `generate_reply`
        of livekit-plugins-google 1.8.9 sends both.
        """
        return self.options.manual_activity and self._activity.speaking and not self._activity.marked

    # --- what is heard

    def speech_started(self) -> None:
        """The user begins to speak."""
        self._change()
        if self.state in (State.NEW, State.CLOSED):
            return
        self._activity.start()
        self._tell_activity("ACTIVITY_START")
        if self._input_interrupts:
            self._conversation.interrupt()

    def heard(self, text: str, *, audio_s: float = 0.0) -> None:
        """The user has spoken.

        Args:
            text: the words, empty when none were recognised: then there is nothing to answer, except when the client
                itself said that this was an utterance.
            audio_s: how long the utterance was.
        """
        self._change()
        if self.state in (State.NEW, State.CLOSED):
            return
        if self.options.coverage != "TURN_INCLUDES_ALL_INPUT":
            self._conversation.usage.heard(audio_s)
        self._tell_activity("ACTIVITY_END")
        if self.options.transcribes_input:
            self._conversation.heard(text)
        words = self._activity.end(text)
        if self.options.family.task == "transcribe":
            self._conversation.transcribed()
        elif words or (words is not None and self.options.manual_activity):
            self._conversation.ask(words, interrupts=self._input_interrupts, spoken=True)

    def hears(self, text: str) -> None:
        """The user is speaking: the words so far, for a model that only transcribes."""
        self._change()
        if self.options.family.task == "transcribe" and text and self.state not in (State.NEW, State.CLOSED):
            self._conversation.hears(text)

    def recalled(self, turn: SpokenTurn, text: str) -> None:
        """The words of a turn that `Recall` asked for."""
        self._change()
        turn.text = text
        self._conversation.next_question()

    @property
    def _input_interrupts(self) -> bool:
        cancels = self.options.profile.input_cancels_calls and self.state is State.WAITING
        return cancels or self.options.speech_interrupts

    def _tell_activity(self, kind: str) -> None:
        """Tell the client when the user speaks; a model that only transcribes confirms the ends that the client marks.

        Source of the latter: google-adk 2.13 `_gemini_stt.py`.
        """
        confirms = self.options.family.task == "transcribe" and self.options.manual_activity
        if self.options.tells_activity or (confirms and kind == "ACTIVITY_END"):
            activity = messages.VoiceActivity(type=kind, audio_offset=_duration(self._activity.audio_s))
            self._outbox.send(ServerMessage(voice_activity=activity))

    # --- what responder and speech produce

    def thought(self, reply_id: int, text: str) -> None:
        """The reply is thought about, aloud."""
        self._change()
        self._conversation.thought(reply_id, text)

    def spoke(self, reply_id: int, audio: bytes, text: str, now: float) -> None:
        """A piece of the reply's speech exists: 24 kHz 16-bit PCM, and the words in it."""
        self._change()
        self._conversation.spoke(reply_id, audio, text, now)

    def wrote(self, reply_id: int, text: str, now: float) -> None:
        """A piece of the reply's text exists, in a session that answers in text."""
        self._change()
        self._conversation.wrote(reply_id, text, now)

    def sends(self, reply_id: int, message: dict[str, Any]) -> None:
        """The reply has this message in it, to be sent as it is; what it says changes nothing here."""
        self._change()
        self._conversation.sends(reply_id, message)

    def wants_call(self, reply_id: int, name: str, args: dict[str, Any]) -> None:
        """The reply asks for a function call. What it says between a call that blocks and its result is dropped."""
        self._change()
        self._conversation.wants_call(reply_id, name, args)

    def reply_ended(self, reply_id: int, now: float) -> None:
        """The reply is complete, or goes on when its calls are answered."""
        self._change()
        self._conversation.reply_ended(reply_id, now)

    def hold_s(self, now: float) -> float:
        """How long to keep the next piece of speech back; see `Reply.hold_s`."""
        return self._conversation.hold_s(now)

    # --- time, and the end

    def go_away(self, time_left_s: float, now: float) -> None:
        """Announce the end of the connection; a client that stays longer is closed."""
        self._change()
        if self.state in (State.NEW, State.CLOSED):
            return
        self._lifetime.announce(now + time_left_s)
        self._outbox.send(ServerMessage(go_away=messages.GoAway(time_left=_duration(time_left_s))))

    def deadline(self) -> float | None:
        """When to call `deadline_reached`; None when nothing is due."""
        if not self._deadline_known:
            self._deadline_known = True
            times = (self._conversation.due(), self._resumption.due(), self._lifetime.due())
            due = min((at for at in times if at is not None), default=None)
            self._deadline = None if self.state is State.CLOSED else due
        return self._deadline

    def deadline_reached(self, now: float) -> None:
        """Do what is due, and nothing before its time."""
        self._change()
        self._now = now
        self._conversation.play(now)
        self._resumption.wake(now)
        time_left_s = self._lifetime.announcement(now)
        if time_left_s is not None:
            self.go_away(time_left_s, now)
        if self._lifetime.over(now):
            self.close(GO_AWAY_IGNORED.code, GO_AWAY_IGNORED.reason)

    def close(self, code: int, reason: str) -> None:
        """End the connection from this side."""
        self._change()
        if self.state is State.CLOSED:
            return
        self._conversation.close()
        self._outbox.put(Close(code, reason))

    def connection_ended(self) -> None:
        """The connection is gone: its session may be resumed from now on."""
        self._change()
        lost_calls = self._conversation.lost_calls
        self._conversation.close()
        self._resumption.leave(lost_calls)

    def _change(self) -> None:
        """Note that something may be to be done, and at another time."""
        self._settled = self._deadline_known = False

    def _saved(self, session_id: str) -> Saved:
        """The session as a handle is to find it again."""
        return self._conversation.saved(session_id)._replace(left_s=self._lifetime.left_s(self._now))


def _duration(seconds: float) -> str:
    """A protobuf Duration, such as `50s` or `9.500s`."""
    return f"{seconds:.3f}s".replace(".000s", "s")
