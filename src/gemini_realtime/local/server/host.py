"""What serves one client: carries out what its `Peer` asks, with what hears, answers and speaks.

Nothing about the protocol is decided here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from logging import getLogger
from typing import Final, Protocol, assert_never

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.server.answering import Answerer, Backends
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.actions import (
    Action,
    Close,
    EndAudio,
    EndUtterance,
    Hear,
    Note,
    Recall,
    Respond,
    Send,
    Spoken,
    StartUtterance,
    Stop,
)
from gemini_realtime.local.session.content import SpokenTurn
from gemini_realtime.local.session.conversation import State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.speech.dictation import Dictation
from gemini_realtime.local.speech.hearing import (
    MAX_UTTERANCE_MS,
    SessionHearing,
    SpeechEnded,
    SpeechPaused,
    SpeechStarted,
)
from gemini_realtime.local.speech.utterances import UtteranceFinder
from gemini_realtime.local.speech.vocabulary import likely_words
from gemini_realtime.local.wire.frames import read_client_frame, takes_long
from gemini_realtime.local.wire.media import decode_media
from gemini_realtime.local.wire.refusals import INVALID_ARGUMENT, Refused
from gemini_realtime.protocol.messages import ClientMessage, CloseCode, Setup

_Listening = Hear | StartUtterance | EndUtterance | EndAudio

_PIECE_BYTES: Final = 8 * 1024  # of audio at a time: a quarter of a second of 16 kHz
_UTTERANCES_AHEAD: Final = 4  # utterances that wait to be understood before the client has to wait

_log = getLogger(__name__)


class Served(Protocol):
    """A client that is being served."""

    def go_away(self, time_left_s: float) -> None:
        """Announce the end of the connection."""
        ...

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen."""
        ...

    def hear(self, speech: str | bytes, lasting_s: float) -> bool:
        """Act as if the user had been heard; returns whether there is a session that can hear."""
        ...

    async def end(self, code: int, reason: str) -> None:
        """Close the connection, and return when nothing of it is left."""
        ...


class Host:
    """Serves one client.

    Args:
        peer: knows the protocol.
        connection: leads to the client.
        backends: shared with other clients.
        clock: seconds, monotonic.
        sessions: where the session to resume may have to be looked up first.
        aside: a thread for what takes long to read.
        hosts: it is among these from when the client is there until nothing of it is left.
    """

    def __init__(
        self,
        peer: Peer,
        connection: FaultyConnection,
        backends: Backends,
        clock: Callable[[], float],
        sessions: Sessions,
        aside: Executor,
        hosts: dict[Served, None],
    ) -> None:
        self.peer = peer
        self._connection = connection
        self._backends = backends
        self._clock = clock
        self._sessions = sessions
        self._aside = aside
        self._hosts = hosts
        self._unheard: deque[Iterator[_Listening]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answerer = Answerer(peer, self.act, connection.writable, connection.misbehave, backends, clock)
        self._reply: asyncio.Task[None] | None = None
        self._utterances: UtteranceFinder | None = None
        self._dictation = Dictation(self._transcribe, hears=self._hears, unfinished_wait_s=backends.unfinished_wait_s)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        connection.receiver = self

    def connection_made(self) -> None:
        """Begin to serve."""
        self._hosts[self] = None

    def message_received(self, message: bytes) -> None:
        """Take a message of the client."""
        resumes = self._sessions.stored and self.peer.state is State.NEW and b"handle" in message
        if resumes or takes_long(message):
            self._connection.hold()
            self._spawn(partial(self._take_aside, message))
        else:
            self.peer.receive(message, self._clock())
            self.act()

    def connection_ended(self) -> None:
        """Stop everything: nobody listens any more."""
        try:
            self.peer.connection_ended()
            self._set_alarm()
        finally:
            self._unheard.clear()
            for task in self._tasks:
                task.cancel()
            self._leave()

    def go_away(self, time_left_s: float) -> None:
        """Announce the end of the connection."""
        self.peer.go_away(time_left_s, self._clock())
        self.act()

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen."""
        self._connection.misbehave(fault)

    def hear(self, speech: str | bytes, lasting_s: float) -> bool:
        """Act as if the user had spoken: words, or 16 kHz PCM whose words are then recognised."""
        if self.peer.state in (State.NEW, State.CLOSED):
            return False
        self.peer.speech_started()
        self.act()
        self._spawn(partial(self._hear, speech, lasting_s))
        return True

    async def _hear(self, speech: str | bytes, lasting_s: float) -> None:
        await asyncio.sleep(lasting_s)
        words = speech if isinstance(speech, str) else await self._transcribe(speech)
        audio_s = lasting_s if isinstance(speech, str) else INPUT_FORMAT.duration_ms(len(speech)) / 1000
        self.peer.heard(words, audio_s=audio_s)
        self.act()

    async def end(self, code: int, reason: str) -> None:
        """Close the connection, and return when nothing of it is left."""
        self.peer.close(code, reason)
        self.act()
        await self._connection.ended.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def act(self) -> None:
        """Carry out what the peer asks for."""
        while actions := self.peer.actions():
            for action in actions:
                self._do(action)
        self._set_alarm()

    async def _take_aside(self, message: bytes) -> None:
        """Take a message whose reading would hold up the other clients, or whose session may be in the file only."""
        read = await asyncio.get_running_loop().run_in_executor(self._aside, _read, message)
        if isinstance(read, ClientMessage):
            await self._look_up(read.setup)
        self.peer.receive(message, self._clock(), read=partial(_as_read, read))
        self.act()
        self._connection.release()

    async def _look_up(self, setup: Setup | None) -> None:
        handle = setup.session_resumption.handle if setup is not None and setup.session_resumption else None
        if not handle or not self._sessions.needs_loading(handle):
            return
        try:
            found = await asyncio.to_thread(self._sessions.load, handle)
        except sqlite3.Error as error:
            _log.warning("a session cannot be looked up: %s", error)
            return
        if found is not None:
            self._sessions.remember(handle, *found)

    def _do(self, action: Action) -> None:
        match action:
            case Send(frame):
                self._connection.send(frame)
            case Spoken(words):
                self._connection.spoke(words)
            case Close(code, reason):
                _log.info("closing a connection with %d: %s", code, reason)
                self._connection.close(code, reason)
            case Note(text):
                _log.warning("%s", text)
            case Hear() | StartUtterance() | EndUtterance() | EndAudio():
                self._listen(action)
            case Recall(turn):
                self._spawn(partial(self._recall, turn))
            case Respond(reply_id, request):
                self._reply = self._spawn(partial(self._answerer.answer, reply_id, request))
            case Stop():
                self._answerer.forget()
                if self._reply is not None:
                    self._reply.cancel()
            case _:
                assert_never(action)

    # --- hearing

    def _listen(self, action: _Listening) -> None:
        """Listen at once, and to what is long piece by piece, so that the other clients have their turn in between."""
        long = isinstance(action, Hear) and len(action.pcm) > _PIECE_BYTES
        if not long and not self._unheard:
            self._listen_to(action)
            return
        if not self._unheard:
            self._connection.hold()
            asyncio.get_running_loop().call_soon(self._listen_on)
        self._unheard.append(_pieces(action))

    def _listen_on(self) -> None:
        if not self._unheard:
            return
        piece = next(self._unheard[0], None)
        if piece is None:
            self._unheard.popleft()
        else:
            self._listen_to(piece)
            self.act()
        if self._unheard:
            asyncio.get_running_loop().call_soon(self._listen_on)
        else:
            self._connection.release()

    def _listen_to(self, action: _Listening) -> None:
        if self._utterances is None:
            detector = partial(self._backends.hearing.detector, self.peer.options.detection)
            self._utterances = UtteranceFinder(None if self.peer.options.manual_activity else detector)
            self._spawn(self._understand)
        try:
            events = self._utterances.take(action)
        except MissingDependencyError as error:
            self._fail(error)
            return
        except (AudioFormatError, ConfigError) as error:
            _log.warning("%s", error)
            self.peer.close(INVALID_ARGUMENT.code, INVALID_ARGUMENT.reason)
            return
        for event in events:
            match event:
                case SpeechStarted():
                    self._dictation.begin()
                    self.peer.speech_started()
                case SpeechPaused(_, audio):
                    self._dictation.expect(audio)
                case SpeechEnded(_, audio):
                    self._dictation.add(audio)
        transcribes = self.peer.options.family.task == "transcribe"
        if transcribes and self._dictation.wants(self._utterances.under_way_bytes):
            self._dictation.sketch(self._utterances.under_way)
        if self._dictation.waiting > _UTTERANCES_AHEAD:
            self._connection.pause_reading("hearing")

    async def _understand(self) -> None:
        """Tell the peer the words of each utterance."""
        try:
            while True:
                pcm16k, words = await self._dictation.next()
                self._connection.resume_reading("hearing")
                self.peer.heard(words, audio_s=INPUT_FORMAT.duration_ms(len(pcm16k)) / 1000)
                self.act()
        finally:
            await self._dictation.close()

    async def _recall(self, turn: SpokenTurn) -> None:
        """Find out what was said earlier, in pieces that can be heard at once."""
        pcm, size = turn.pcm16k, INPUT_FORMAT.bytes_for_ms(MAX_UTTERANCE_MS)
        whole = len(pcm) - len(pcm) % INPUT_FORMAT.frame_bytes
        words = [await self._transcribe(pcm[at : min(at + size, whole)]) for at in range(0, whole, size)]
        self.peer.recalled(turn, " ".join(filter(None, words)))
        self.act()

    async def _transcribe(self, pcm16k: bytes) -> str:
        options = self.peer.options
        phrases = self._backends.responder.grammar(options.tools) if options.family.task == "converse" else None
        hearing = self._backends.hearing
        if not isinstance(hearing, SessionHearing):
            return await hearing.transcribe(pcm16k, phrases=phrases)
        vocabulary = likely_words(options.vocabulary, options.tools, options.instructions)
        return await hearing.transcribe_for(self, pcm16k, phrases=phrases, vocabulary=vocabulary)

    def _hears(self, words: str) -> None:
        self.peer.hears(words)
        self.act()

    # --- tasks and time

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._leave()

    def _leave(self) -> None:
        if self._connection.ended.is_set() and not self._tasks:
            self._hosts.pop(self, None)

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self._fail(error)
            self.act()

    def _fail(self, error: Exception) -> None:
        """End the session, telling the client what is its concern."""
        if isinstance(error, MissingDependencyError):
            _log.error("%s", error)
            self.peer.close(CloseCode.INTERNAL_ERROR, f"The server cannot hear or speak: {error.remedy}")
        else:
            _log.error("a session failed", exc_info=error)
            self.peer.close(CloseCode.INTERNAL_ERROR, "Internal error encountered.")

    def _set_alarm(self) -> None:
        deadline = self.peer.deadline()
        if deadline == self._alarm_at:
            return
        self._alarm_at = deadline
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if deadline is not None:
            delay_s = max(0.0, deadline - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._wake)

    def _wake(self) -> None:
        self._alarm = self._alarm_at = None
        self.peer.deadline_reached(self._clock())
        self.act()


def _read(message: bytes) -> ClientMessage | Refused:
    """Read a message on another thread, where nothing may be raised that nobody waits for."""
    try:
        read = read_client_frame(message)
        decode_media(read)
    except Refused as refused:
        return refused
    return read


def _as_read(read: ClientMessage | Refused, message: bytes | str) -> ClientMessage:
    if isinstance(read, Refused):
        raise read
    return read


def _pieces(action: _Listening) -> Iterator[_Listening]:
    if not isinstance(action, Hear):
        yield action
        return
    for at in range(0, len(action.pcm), _PIECE_BYTES):
        yield Hear(action.pcm[at : at + _PIECE_BYTES], action.rate_hz)
