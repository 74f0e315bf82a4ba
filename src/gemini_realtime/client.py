"""`GeminiRealtimeClient`: the documented client."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from logging import Logger, getLogger
from typing import TYPE_CHECKING, Any

import msgspec

from gemini_realtime.audio.format import MAX_RATE_HZ, MIN_RATE_HZ, samples_to_bytes
from gemini_realtime.checking import check_choice, check_number, check_type, shown
from gemini_realtime.config import api_type, read_config
from gemini_realtime.credentials import access_token
from gemini_realtime.driver import SessionDriver
from gemini_realtime.errors import AudioFormatError, ConfigError, NotConnectedError, Secret
from gemini_realtime.event_queue import EventQueue, EventQueueEnded, ObservedEventQueue, OnEvent
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.endpoint import endpoint
from gemini_realtime.protocol.events import OWN_EVENTS, AudioTruncated, RealtimeEvent
from gemini_realtime.protocol.messages import ContextUpdate
from gemini_realtime.protocol.models import ignored_tools, profile_for
from gemini_realtime.protocol.options import SessionOptions, check_options, doubtful_voice
from gemini_realtime.protocol.outbox import Role
from gemini_realtime.protocol.parts import PartInput
from gemini_realtime.protocol.saved_state import STATE_VERSION, read_state
from gemini_realtime.protocol.session import Session
from gemini_realtime.protocol.setup import build_setup, context_update
from gemini_realtime.realtime_client import RealtimeClientBase, RealtimeClientProtocol, register_realtime_client
from gemini_realtime.transport.base import Dial, Receiver, Transport
from gemini_realtime.version import __version__

if TYPE_CHECKING:
    from gemini_realtime.recordings.recorder import Recorder, RecordingOptions

__all__ = ["GeminiRealtimeClient"]

_global_logger = getLogger("gemini_realtime")

SAMPLE_BYTES = 2
"""Signed 16-bit samples, the only audio the Live API takes."""


@register_realtime_client()
class GeminiRealtimeClient(RealtimeClientBase):
    """A live conversation with a Gemini model.

        client = GeminiRealtimeClient(llm_config={"config_list": [{"model": "gemini-3.8-live", "api_key": "..."}]})
        async with client.connect():
            await client.send_text(role="user", text="Hello!")
            async for event in client.read_events():
                ...

    Whatever is sent before the session is ready, even before `connect()`, is kept in order and sent when it is.
    """

    def __init__(self, *, llm_config: Any, logger: Logger | None = None, dial: Dial | None = None) -> None:
        """Prepare a client; nothing is opened yet.

        Args:
            llm_config: a dict, or anything that answers `["config_list"]`; its first entry holds `model`, `api_key`,
                `voice`, `temperature`, `base_url` and more (see docs/configuration.md).
            logger: for this client; `logging.getLogger("gemini_realtime")` by default.
            dial: opens connections in place of a WebSocket, see `gemini_realtime.transport`; for an agent that
                makes its own client it is also a key of `llm_config`.

        Raises:
            ConfigError: the configuration cannot work.
        """
        super().__init__()
        self._logger = logger
        try:
            self._config = read_config(llm_config, os.environ)
        except ConfigError:
            del llm_config  # a traceback that shows local variables would show the key
            raise
        self._profile = profile_for(self._config.service.model, vertex=self._config.service.vertex is not None)
        self._dial = dial or self._config.dial or self._websockets()
        self._session = self._new_session(self._config.options)
        self._left: Session | None = None
        self._driver: SessionDriver | None = None
        self._connecting = False
        self._token: Secret | None = None
        self._recording: RecordingOptions | None = None
        self._recorder: Recorder | None = None
        for warning in self._config.warnings:
            self.logger.warning(warning)

    def _websockets(self) -> Dial:
        # With the first client that needs it: it takes a third of the time that importing this module does.
        from gemini_realtime.transport import websocket

        config = self._config
        return functools.partial(websocket.dial, ssl=config.ssl, proxy=config.proxy, timeout_s=config.connect_timeout_s)

    @property
    def logger(self) -> Logger:
        """The logger of this client."""
        return self._logger or _global_logger

    @property
    def connection(self) -> Transport:
        """The present connection; after a loss, until there is another, the one that was lost.

        Raises:
            RuntimeError: there is none.
        """
        if self._driver is None:
            raise NotConnectedError("Client is not connected, call connect() first.")
        return self._driver.connection.transport

    @property
    def resumption_handle(self) -> str | None:
        """The last handle the service sent in this session, to resume it later with `session_resumption`."""
        return self._session.handle

    def record(self, to: RecordingOptions | str | os.PathLike[str] | None) -> None:
        """Record each conversation from the next `connect()` on; docs/recordings.md.

        Args:
            to: the folder in which each gets a folder of its own; `RecordingOptions` leaves audio or text out, or keeps
                the last minutes only. None ends it.

        Raises:
            ConfigError: the folder cannot be made; or a conversation has begun, or is waited for, already.
        """
        from gemini_realtime.recordings.recorder import RecordingOptions

        options = None if to is None else RecordingOptions.of(to)
        if self._driver is not None or self._connecting or not self._events.idle:
            raise ConfigError("the conversation has begun already", remedy="call record() before anything else")
        self._recording, self._events = options, self._new_events(recorded=options is not None)

    @property
    def recorder(self) -> Recorder | None:
        """What records the conversation that is open; None where there is none, or it is not recorded."""
        return self._recorder

    def _new_events(self, *, recorded: bool) -> EventQueue:
        return ObservedEventQueue(OWN_EVENTS, self._note) if recorded else EventQueue()

    def _note(self, event: RealtimeEvent) -> None:
        if self._recorder is not None:
            self._recorder.event(event)

    @asynccontextmanager
    async def _recorded(self) -> AsyncIterator[None]:
        """Record what happens inside, where that is wanted."""
        if self._recording is None:
            yield
            return
        from gemini_realtime.recordings.recorder import Recorder, written

        self._recorder = recorder = Recorder(self._recording)
        try:
            yield
        finally:
            self._recorder = None
            await written(recorder.end())

    def session_state(self) -> dict[str, Any]:
        """What another process needs to continue this conversation: `connect(state=...)`.

        It is plain JSON: the resumption handle, what was sent that it may not hold, and the last of what was said, as
        text. It holds no key and nothing of the microphone's; a turn with pictures that was sent lately is in it whole.
        Take it from the conversation that is open, or that was left last; the service resumes a session only after its
        connection has been left.

        Raises:
            RuntimeError: there has been no conversation.
        """
        session = self._session if self._driver is not None else self._left
        if session is None:
            raise NotConnectedError("there is no conversation yet", remedy="call connect() first")
        return {
            "version": STATE_VERSION,
            "model": self._config.service.model,
            "saved_at": time.time(),
            **session.saved_state(self._now()),
        }

    def _restored(self, state: Mapping[str, Any]) -> Session:
        """The session of a state, to be carried on."""
        saved = read_state(state, self._config.service.model)
        if self._session.waits:
            raise ConfigError(
                "something was sent before the conversation was continued", remedy="send after connect(state=...)"
            )
        session = self._new_session(self._session.options)
        moving_s = max(0.0, time.time() - saved.saved_at)
        session.restore(msgspec.to_builtins(saved), self._now() - moving_s)
        return session

    # --- the connection

    def connect(self, *, state: Mapping[str, Any] | None = None) -> AbstractAsyncContextManager[None]:
        """Connect for the duration of the context; each time it is a new conversation.

        Args:
            state: of a conversation to continue, as `session_state()` gave it, perhaps in another process. Session
                options are not part of it: pass the same to `session_update()`, or others.

        Raises:
            ConfigError: session options that the service is known to refuse, or a state that cannot be used; nothing
                was dialled.
            HandshakeError: no connection could be made.
        """
        return _Connecting(self._conversation(state))

    @asynccontextmanager
    async def _conversation(self, state: Mapping[str, Any] | None) -> AsyncIterator[None]:
        if self._driver is not None or self._connecting:
            raise ConfigError("the client is connected already", remedy="leave the first `connect()` before the second")
        async with self._recorded(), self._connected(state):
            yield

    @asynccontextmanager
    async def _connected(self, state: Mapping[str, Any] | None) -> AsyncIterator[None]:
        setup = build_setup(self._config.service, self._session.options, self._profile)
        for warning in ignored_tools(setup, self._profile):
            self.logger.warning(warning)
        session = self._session
        if state is not None:
            self._session = self._restored(state)
        self._session.prepare(setup)
        driver = SessionDriver(
            self._session,
            self._events,
            self._dial_out,
            dial_timeout_s=2 * self._config.connect_timeout_s + 1,  # for the token, and for the connection
            send_timeout_s=self._config.send_timeout_s,
            logger=self.logger,
        )
        self._connecting = True
        try:
            await driver.open()
        except BaseException:
            if state is not None:  # whoever tries again brings it again
                self._session = session
            raise
        finally:
            self._connecting = False
        self._driver = driver
        self.logger.info("connected for %s", self._config.service.model)
        try:
            yield
        finally:
            if (unsent := self._session.unsent) and not self._session.ended:
                self.logger.warning("the conversation was left with %d messages that had not been sent", unsent)
            self._driver, self._left = None, self._session
            self._session = self._new_session(self._left.options)
            self._events = self._new_events(recorded=self._recording is not None)
            await driver.close()
            self.logger.info("disconnected")

    async def read_events(self, *, echoes: bool = True) -> AsyncGenerator[RealtimeEvent, None]:
        """Set the session up, the first time, then yield events as they come.

        May be left at any point and entered again, by any number of readers: each event goes to exactly one. Ends
        when the connection does, if that was a normal end.

        Args:
            echoes: False leaves `InputAudioBufferDelta` out, from now on and for every reader of this conversation.

        Raises:
            RuntimeError: `Client is not connected, call connect() first.`
            ConnectionClosed: the connection ended otherwise.
            SetupTimeout: the service did not confirm the session.
        """
        driver = self._begun(echoes)
        events = driver.events
        try:
            while True:
                if events.unread:
                    if (event := events.take()) is None:
                        return
                    yield event
                    continue
                arrival = events.arrival()
                try:
                    await arrival
                except asyncio.CancelledError:
                    events.leave(arrival)
                    raise
        except EventQueueEnded:
            pass
        if (failure := driver.failure) is not None:
            raise failure

    async def dispatch_events(self, on_event: OnEvent, *, echoes: bool = True) -> None:
        """Set the session up, the first time, then call `on_event` with each event, in the order of `read_events`.

            await client.dispatch_events(handle, echoes=False)

        The shortest way from the socket into an application: no task is woken for an event. Whatever else the event
        loop has to do waits meanwhile, so `on_event` is a plain function that returns soon. Returns when the connection
        has ended normally, or after `add_event(None)`.

        Args:
            on_event: what it raises ends this call and is raised by it; later events are left to the next reader.
            echoes: as for `read_events`.

        Raises:
            ConfigError: `on_event` cannot be called, or is a coroutine function.
            RuntimeError: `Client is not connected, call connect() first.`
            ConnectionClosed: the connection ended otherwise.
            SetupTimeout: the service did not confirm the session.
        """
        if not callable(on_event) or asyncio.iscoroutinefunction(on_event):
            raise ConfigError(
                "`on_event` is not a plain function", remedy="pass one that takes an event, or use read_events()"
            )
        driver = self._begun(echoes)
        try:
            await driver.events.dispatch(on_event)
            return
        except EventQueueEnded:
            pass
        if (failure := driver.failure) is not None:
            raise failure

    def _begun(self, echoes: bool) -> SessionDriver:
        """The conversation, set up now if it is not yet."""
        driver = self._driver
        if driver is None:
            raise NotConnectedError("Client is not connected, call connect() first.")
        if not echoes:
            driver.events.drop_echoes()
        if not driver.session.begun:
            driver.begin(self._config.setup_timeout_s)
        return driver

    async def session_update(self, session_options: dict[str, Any]) -> None:
        """Record options of the session, applied when it is set up; later on, between two turns.

        A session that is set up is told of them where the service has a message for it, and otherwise resumed
        with a new setup; `SessionUpdated` says when they are in force.

        Args:
            session_options: `instructions`, `tools`, and every field of the Live setup by its snake_case name, see
                docs/configuration.md. Later calls add to earlier ones.

        Raises:
            ConfigError: an option that does not exist, or a value it cannot have; nothing is recorded.
            UnsupportedByModel: the service is known to refuse it; before `connect()`, that is what tells.
        """
        changed = check_options(session_options)
        for doubt in doubtful_voice(changed.get("voice")):
            self.logger.warning(doubt)
        options = self._session.options.changed(changed)
        if self._driver is None and not self._connecting:
            self._session.ask(options)
            return
        setup = build_setup(self._config.service, options, self._profile)
        if self._driver is None:
            self._session.prepare(setup, options)
        elif not self._driver.update(setup, options, self._in_place(changed)):
            self.logger.warning(
                "The session is set up already, and cannot be resumed: the update takes effect at the next connect()."
            )

    async def new_session(self, session_options: dict[str, Any] | None = None) -> None:
        """Go on in a new session, which knows nothing of what was said so far; between two turns.

        What was said and not answered yet is said again there. `SessionUpdated` says when it is in force.

        Args:
            session_options: changed with it, as by `session_update`.

        Raises:
            ConfigError: as `session_update`; or sessions end with their connection (`"reconnect": "off"`).
            NotConnectedError: there is no conversation.
            UnsupportedByModel: as `session_update`.
        """
        options = self._session.options.changed(check_options(session_options or {}))
        if self._driver is None:
            raise NotConnectedError("there is no session to replace", remedy="call connect(), which opens a new one")
        if not self._driver.update(build_setup(self._config.service, options, self._profile), options, afresh=True):
            raise ConfigError(
                "the conversation cannot change its session",
                remedy='leave out `"reconnect": "off"`, or connect() again',
            )

    def _in_place(self, changed: dict[str, Any]) -> ContextUpdate | None:
        """The message that makes a change without a new setup, where the service has one (Vertex AI, some models)."""
        has_message = self._config.service.vertex is not None and self._profile.context_update
        if not has_message or not changed.keys() <= {"system_instruction", "tools"} or None in changed.values():
            return None
        return context_update(changed, self._profile)

    def _new_session(self, options: SessionOptions) -> Session:
        reconnect = self._config.reconnect
        if reconnect.jitter is None:
            import random  # not before there is a session

            reconnect = msgspec.structs.replace(reconnect, jitter=random.random)
        return Session(
            self._profile,
            options,
            reconnect=reconnect,
            health=self._config.health,
            max_audio_age_s=self._config.max_audio_age_ms / 1000,
        )

    async def _dial_out(self, receiver: Receiver) -> Transport:
        # Kept, so that no error repeats it for as long as it is in use.
        self._token = await access_token(self._config.credentials, timeout_s=self._config.connect_timeout_s)
        target = endpoint(self._config.service, self._token, user_agent=f"gemini-realtime/{__version__}")
        dial = self._dial
        if self._recorder is not None:
            from gemini_realtime.transport.recording import recorded

            dial = recorded(dial, self._recorder)
        return await dial(target.url, target.headers, receiver)

    # --- what the user says and shows

    async def send_text(self, *, role: Role, text: str, turn_complete: bool = True) -> None:
        """Send text into the conversation; it interrupts the model.

        Args:
            role: who says it. `system` travels as the user's words: the service refuses turns of that role.
            text: the words.
            turn_complete: ask for an answer now; False only adds to the history.

        Raises:
            UnsupportedByModel: the model takes no such turn at this point of the conversation.
        """
        await self._room()
        self._session.send_text(role, text, turn_complete, self._now())
        self._flush()

    async def send_turn(
        self, parts: PartInput | Sequence[PartInput], *, role: Role = "user", turn_complete: bool = True
    ) -> None:
        """Send a turn of several parts into the conversation; it interrupts the model.

            await client.send_turn(["What is this?", Path("photo.jpg").read_bytes()])

        Args:
            parts: text; the bytes of a JPEG, PNG or WebP; `Media`, which also takes audio (16 kHz); parts of
                google-genai, and dicts in its spelling.
            role: who says it, as in `send_text`.
            turn_complete: ask for an answer now; False only adds to the history.

        Raises:
            ConfigError: parts that cannot be what they are; nothing was sent.
            UnsupportedByModel: the model is known to refuse them.
        """
        await self._room()
        self._session.send_turn(role, parts, turn_complete, self._now())
        self._flush()

    async def send_audio(self, audio: str | bytes | bytearray | memoryview, *, rate_hz: int = 16000) -> None:
        """Send microphone audio; pieces of 20-40 ms work best.

        Args:
            audio: mono signed 16-bit little-endian PCM: whole samples as raw bytes, or an array of 16-bit integers;
                or base64 text, sent as it is.
            rate_hz: its sample rate; the service takes any and works at 16000.

        Raises:
            AudioFormatError: text that is not base64, bytes that end inside a sample, other samples, or a rate that no
                sound has.
        """
        if type(audio) is bytes and len(audio) % SAMPLE_BYTES == 0:
            pcm, encoded = audio, encode_base64(audio)
        else:
            pcm, encoded = _both_forms(audio)
        driver = self._driver
        if driver is not None and driver.go_on(pcm, encoded, rate_hz):
            return
        if type(rate_hz) is not int or not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise _no_rate(rate_hz)
        if not pcm:
            return
        duration_ms = len(pcm) * 1000 / (SAMPLE_BYTES * rate_hz)
        if driver is None:
            self._check_not_left()
            now = self._now()
            self._session.send_audio(pcm, encoded, rate_hz, duration_ms, now)
            self._events.put_echo(encoded.decode("ascii"), now)
        elif not driver.send_audio(pcm, encoded, rate_hz, duration_ms):
            await driver.keep_up()

    async def send_video(self, image: bytes, *, mime_type: str = "image/jpeg") -> None:
        """Send one image of a video stream, JPEG or PNG; the service looks at one per second at most.

        Only spoken questions see the stream. A question of `send_text` within ten seconds takes the last image along.

        Raises:
            ConfigError: another `mime_type`, or no image.
        """
        wanted = "the bytes of a JPEG or PNG file"
        check_type("image", image, (bytes, bytearray, memoryview), wanted)
        if not len(image):
            raise ConfigError("the image is empty", remedy=f"pass {wanted}")
        check_choice("mime_type", mime_type, ("image/jpeg", "image/png"))
        self._check_not_left()
        self._session.send_video(encode_base64(bytes(image)).decode("ascii"), mime_type, self._now())
        self._flush()

    async def audio_stream_end(self) -> None:
        """Tell that the microphone is off for more than a second; only with automatic activity detection."""
        await self._room_for_mark()
        self._session.send_audio_stream_end()
        self._flush()

    async def activity_start(self) -> None:
        """Tell that the user begins to speak; only with automatic activity detection off."""
        await self._room_for_mark()
        self._session.send_activity(self._now(), start=True)
        self._flush()

    async def activity_end(self) -> None:
        """Tell that the user has finished; only with automatic activity detection off."""
        await self._room_for_mark()
        self._session.send_activity(self._now(), start=False)
        self._flush()

    async def send_context_update(self, *, instructions: str | None = None, tools: Sequence[Any] | None = None) -> None:
        """Change instructions or tools in mid-conversation (Vertex AI, 3.8 models).

        Args:
            instructions: new system instruction; None keeps the old one.
            tools: new tools; None keeps the old ones, an empty list removes them.

        Raises:
            UnsupportedByModel: the model is known not to take it.
        """
        given = {"instructions": instructions, "tools": tools}
        changed = check_options({name: value for name, value in given.items() if value is not None})
        update = context_update(changed, self._profile)
        await self._room()
        self._session.send_context_update(update, changed)
        self._flush()

    async def send_function_result(
        self,
        call_id: str,
        result: Any,
        *,
        scheduling: str | None = None,
        will_continue: bool | None = None,
        parts: PartInput | Sequence[PartInput] | None = None,
    ) -> None:
        """Answer a function call.

        Args:
            call_id: `FunctionCall.call_id`.
            result: an object of your own, where `{"error": ...}` means failure; or anything else that JSON has a form
                for, sent as `{"output": result}`.
            scheduling: for non-blocking functions: `SILENT`, `WHEN_IDLE` or `INTERRUPT`.
            will_continue: more results for the same call will follow.
            parts: images and text that belong to the result, as in `send_turn` (3.x models: JPEG, PNG, WebP, text).

        A result that nobody waits for (the call was cancelled, answered before, or made in another conversation) is
        not sent: the event `VoiceHealth("orphaned_result")` says so.

        Raises:
            ConfigError: an argument of the wrong kind, or a result that JSON has no form for.
        """
        await self._room()
        orphaned = self._session.send_function_result(
            call_id, result, self._now(), scheduling=scheduling, will_continue=will_continue, parts=parts
        )
        if orphaned is not None:
            self._events.put(orphaned)
        self._flush()

    async def truncate_audio(self, audio_end_ms: int, content_index: int, item_id: str) -> None:
        """Cut the answer off: audio adapters throw away what they have not played, as when it is interrupted.

        They are told by the event `AudioTruncated`. The service is not: Gemini has no such message, and works out for
        itself what was heard.

        Args:
            audio_end_ms: how much of the answer's audio was heard, as far as you know; adapters tell what they played
                in `PlaybackStopped`.
            content_index: for observers; Gemini has none.
            item_id: likewise.

        Raises:
            ConfigError: `audio_end_ms` is no length of time.
        """
        check_number("audio_end_ms", audio_end_ms, 0)
        self.logger.info("This is not natively supported by Gemini Realtime API.")
        self._events.put(AudioTruncated(audio_end_ms=int(audio_end_ms), content_index=content_index, item_id=item_id))

    async def _room(self) -> None:
        """Wait until a message can be accepted.

        Raises:
            SendTimeout: it cannot for too long.
            NotConnectedError: too much waits already, and nobody has connected; or the conversation was left.
            GeminiRealtimeError: why the session ended, when it has.
        """
        if self._driver is not None:
            await self._driver.room()
            return
        self._check_not_left()
        if not self._session.has_room():
            raise NotConnectedError("too much waits to be sent already", remedy="call connect() first")

    async def _room_for_mark(self) -> None:
        """The same for a mark of activity, which not every setup allows: before there is one, the options say so."""
        await self._room()
        if self._driver is None and not self._connecting:
            self._session.prepare(build_setup(self._config.service, self._session.options, self._profile))

    def _check_not_left(self) -> None:
        """What is said before the first conversation waits for it; what comes late for one is not for the next.

        Raises:
            NotConnectedError: the last conversation was left, and there is no other yet.
        """
        if self._driver is None and self._left is not None and not self._connecting:
            raise NotConnectedError("the conversation was left", remedy="call connect() first")

    def _flush(self) -> None:
        if self._driver is not None:
            self._driver.advance()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    @classmethod
    def get_factory(cls, llm_config: Any, logger: Logger, **kwargs: Any) -> Callable[[], RealtimeClientProtocol] | None:
        """A factory when the configuration says `api_type` `google` and no further arguments are given, else None."""
        if kwargs or api_type(llm_config) != "google":
            return None
        client_class: Any = cls
        if sys._getframe(1).f_globals.get("__name__", "").startswith("autogen."):
            # It is AG2's register that asks, for AG2's agent: its observers ask `isinstance` of AG2's events.
            from gemini_realtime.integrations.ag2_events import with_events_of_ag2

            client_class = with_events_of_ag2(cls)
        return lambda: client_class(llm_config=llm_config, logger=logger)


def _both_forms(audio: str | bytes | bytearray | memoryview) -> tuple[bytes, bytes]:
    """Audio that is no piece of PCM as most are: its samples, and their base64.

    Raises:
        AudioFormatError: it is no audio.
    """
    if isinstance(audio, str):
        return decode_base64(audio), audio.encode("ascii")
    pcm = audio if type(audio) is bytes else samples_to_bytes(audio)
    if len(pcm) % SAMPLE_BYTES:
        raise AudioFormatError(
            f"{len(pcm)} bytes of audio end inside a 16-bit sample",
            remedy="send whole samples, see gemini_realtime.audio.chunks",
        )
    return pcm, encode_base64(pcm)


def _no_rate(rate_hz: object) -> AudioFormatError:
    if type(rate_hz) is not int:
        return AudioFormatError(f"the rate is a {type(rate_hz).__name__}", remedy="pass samples per second as an int")
    return AudioFormatError(
        f"no sound has {shown(rate_hz)} samples per second", remedy=f"pass {MIN_RATE_HZ} to {MAX_RATE_HZ}"
    )


class _Connecting(AbstractAsyncContextManager[None]):
    """What `connect()` gives: to be entered with `async with`."""

    def __init__(self, connected: AbstractAsyncContextManager[None]) -> None:
        self._connected = connected

    async def __aenter__(self) -> None:
        await self._connected.__aenter__()

    async def __aexit__(self, *raised: Any) -> bool | None:
        return await self._connected.__aexit__(*raised)

    if not TYPE_CHECKING:  # which finds these mistakes itself

        def __await__(self):
            raise ConfigError("connect() cannot be awaited", remedy=_ENTER)

        def __enter__(self):
            raise ConfigError("connect() is asynchronous", remedy=_ENTER)

        def __exit__(self, *raised):
            """Nothing was entered."""


_ENTER = "write `async with client.connect():`, and talk inside that block"


if TYPE_CHECKING:
    _client: RealtimeClientProtocol = GeminiRealtimeClient(llm_config={})
