"""One conversation over one connection after another: what is decided in `protocol/` is carried out here.

Frames go from the transport to the session, its events into the queue of the readers, its frames to the transport; one
timer and one task that reconnects serve it. This is the only event loop code of the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from logging import Logger
from typing import Any

from gemini_realtime.errors import GeminiRealtimeError, HandshakeError, SendTimeout, blanked
from gemini_realtime.event_queue import LARGE_BYTES, EventQueue
from gemini_realtime.protocol import local_events, messages
from gemini_realtime.protocol.closing import close_error, worth_repeating_at_first
from gemini_realtime.protocol.events import ConnectionLost, RealtimeEvent, Reconnecting, SessionResumed
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.session import Session
from gemini_realtime.telemetry import telemetry
from gemini_realtime.transport.base import Receiver, Transport

Open = Callable[[Receiver], Awaitable[Transport]]
"""Opens a connection.

Raises:
    GeminiRealtimeError: it could not.
"""


HANG_UP_TIMEOUT_S = 5.0
"""How long closing a connection may take; our own transports take 2 s at most."""


def _ignore(*said: object) -> None:
    """Take note of nothing."""


class Connection:
    """One connection of a conversation, as its transport sees it.

    Attributes:
        transport: set as soon as it is open.
        present: whether the session uses it.
        lost: close code and reason, once it has ended.
    """

    transport: Transport

    def __init__(self, driver: SessionDriver) -> None:
        self.present = False
        self.lost: tuple[int, str] | None = None
        self._driver = driver
        self.frame_received: Callable[[bytes], None] = driver.frame_received
        self.pong_received: Callable[[], None] = driver.pong_received

    def ignore(self) -> None:
        """What is said between our close and the answer to it is for nobody."""
        self.frame_received = self.pong_received = _ignore

    def connection_lost(self, code: int, reason: str) -> None:
        self.lost = code, reason
        if self.present:
            self._driver.connection_lost()


class _Dialler:
    """Opens connections.

    Args:
        dial: does it, or raises anything.
        timeout_s: how long that may take, whatever it does.
    """

    def __init__(self, dial: Open, timeout_s: float) -> None:
        self._dial = dial
        self._timeout_s = timeout_s

    async def connect(self, driver: SessionDriver) -> Connection:
        """A connection that is open, and tells this driver what comes.

        Raises:
            GeminiRealtimeError: it could not be opened.
        """
        connection = Connection(driver)
        cause: Exception | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                transport: Transport | None = await self._dial(connection)
        except GeminiRealtimeError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            problem = "no connection could be made: what fetches tokens, or dials, was cancelled from within"
        except TimeoutError:
            problem = f"no connection was made within {self._timeout_s:g} s"
        except Exception as error:  # whatever fetches tokens, or dials, may raise anything
            problem = f"no connection could be made: {type(error).__name__}"
            cause = error if blanked(str(error)) == str(error) else None
        else:
            if transport is not None:
                connection.transport = transport
                return connection
            problem = "no connection could be made: `dial` returned None"
        raise HandshakeError(problem, remedy="check the network, `credentials` and `dial`") from cause


class _Senders:
    """Those who wait until text and results can be accepted, in the order in which they came.

    Args:
        has_room: whether they can; raises why the session ended, when it has.
        timeout_s: how long they wait.
    """

    def __init__(self, has_room: Callable[[], bool], timeout_s: float) -> None:
        self._has_room = has_room
        self._timeout_s = timeout_s
        self._waiting = 0
        self._first = asyncio.Lock()
        self._room: asyncio.Event | None = None  # for whoever is first

    async def room(self) -> None:
        """Wait for room, behind those who wait already.

        Raises:
            SendTimeout: there was none in time.
        """
        if not self._waiting and self._has_room():
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s) as limit, self._first:
                while not self._has_room():
                    self._room = asyncio.Event()
                    await self._room.wait()
        except TimeoutError:
            if not limit.expired():  # it is why the session ended
                raise
            raise SendTimeout(
                f"the connection has been stalled for {self._timeout_s:g} s, and the message was not accepted",
                remedy="send it again later; raise `send_timeout_s` to wait longer",
            ) from None
        finally:
            self._waiting -= 1

    def look_again(self, *, ended: bool) -> None:
        """There may be room now; or, where the session has ended, none any more."""
        if self._room is not None and self._waiting and (ended or self._has_room()):
            self._room.set()


class SessionDriver:
    """Carries a session.

    Args:
        session: what to carry.
        events: what its readers read.
        dial: opens connections.
        dial_timeout_s: how long that may take, whatever it does.
        send_timeout_s: how long text and results wait for a stalled connection.
        logger: for losses and resumptions.

    Attributes:
        connection: the present connection, or the last one.
    """

    connection: Connection

    def __init__(
        self,
        session: Session,
        events: EventQueue,
        dial: Open,
        *,
        dial_timeout_s: float,
        send_timeout_s: float,
        logger: Logger,
    ) -> None:
        self.session = session
        self.events = events
        self._dialler = _Dialler(dial, dial_timeout_s)
        self._senders = _Senders(self._has_room, send_timeout_s)
        self._logger = logger
        self._loop = asyncio.get_running_loop()
        self._audio = session.audio  # what is being sent, as long as it goes on
        self._speech = session.speech
        self._timer: asyncio.TimerHandle | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the first connection.

        Raises:
            GeminiRealtimeError: it could not be opened.
        """
        telemetry()  # makes its instruments, and imports OpenTelemetry for them: not while anybody talks
        attempts = self.session.first_dial()
        while True:
            try:
                self._use(await self._dialler.connect(self))
                break
            except GeminiRealtimeError as error:
                now = self._loop.time()
                repeated = attempts.policy.enabled and worth_repeating_at_first(error)
                if not repeated or not attempts.lost(error, now):
                    attempts.given_up(error, now)
                    raise
                self._report([local_events.reconnecting(error, attempts.attempts + 1, attempts.dial_at - now)])
            await asyncio.sleep(attempts.dial_at - now)
        self.events.on_pressure = self._pressure

    @property
    def failure(self) -> GeminiRealtimeError | None:
        """Why the session ended; None while it is open, and after a normal end."""
        return None if self.session.failure is None else self.session.why_ended()

    def begin(self, timeout_s: float) -> None:
        """Set the session up."""
        self.session.begin(self._loop.time(), timeout_s=timeout_s)
        self._pressure(False)
        self._go_on()

    def update(
        self,
        setup: dict[str, Any],
        options: SessionOptions,
        in_place: messages.ContextUpdate | None = None,
        *,
        afresh: bool = False,
    ) -> bool:
        """Change the options, or with `afresh` the session; returns False when that cannot be in this conversation."""
        happened = self.session.update(setup, options, self._loop.time(), in_place=in_place, afresh=afresh)
        self._tell(happened or ())
        return happened is not None

    async def close(self) -> None:
        """End the conversation from this side; readers end normally."""
        self.session.leave()
        self.advance()
        try:
            for task in (self._reconnecting, self._draining):
                if task is not None:
                    task.cancel()
                    await asyncio.wait([task])
        finally:
            await self._hang_up()

    # --- sending

    async def room(self) -> None:
        """Wait until text and results can be accepted, in the order in which they were given.

        Raises:
            SendTimeout: the connection has been stalled for too long.
            GeminiRealtimeError: why the session ended, when it has.
        """
        await self._senders.room()

    def go_on(self, pcm: bytes, audio_base64: bytes, rate_hz: int) -> bool:
        """Send microphone audio that follows the piece before it, at its rate; False, and nothing is done, if it does
        not."""
        audio, transport = self._audio, self.connection.transport
        follows = len(pcm) <= audio.room and rate_hz == audio.rate_hz and type(rate_hz) is int and pcm
        if not (follows and transport.writable):
            return False
        now = self._loop.time()
        try:
            transport.send(audio.send(pcm, audio_base64, now))
        except Exception as error:
            self._failed(error)
        if self.events.echoing:
            self.events.put_echo(audio_base64.decode(), now)
        return True

    def send_audio(self, pcm: bytes, audio_base64: bytes, rate_hz: int, duration_ms: float) -> bool:
        """Send microphone audio, at once when the network takes it, and echo it. Returns whether the network does.

        Raises:
            GeminiRealtimeError: why the session ended, when it has.
        """
        transport = self.connection.transport
        writable = transport.writable
        if not writable:
            self._stalled(transport)
        now = self._loop.time()
        frame = self.session.send_audio(pcm, audio_base64, rate_hz, duration_ms, now)
        if frame is not None:
            try:
                transport.send(frame)
            except Exception as error:
                self._failed(error)
            self._audio = self.session.audio
        else:
            self.flush()
            self._tell_dropped(at_once=False)
        if self.events.echoing:
            self.events.put_echo(audio_base64.decode(), now)
        return writable

    async def keep_up(self) -> None:
        """Wait for a slow network; one that has been stalled for as long as audio may wait is not waited for."""
        patience_s = self.session.audio_waits_until() - self._loop.time()
        if patience_s > 0 and self._draining is not None:
            await asyncio.wait((self._draining,), timeout=patience_s)

    def flush(self) -> None:
        """Send what may be sent, as long as the network takes it."""
        transport, now = self.connection.transport, self._loop.time()
        try:
            while transport.writable and (frame := self.session.next_frame(now)) is not None:
                transport.send(frame)
        except Exception as error:
            self._failed(error)
        else:
            if not transport.writable:
                self._stalled(transport)

    def _failed(self, error: Exception) -> None:
        """A transport raised, which it may not: its connection is as good as lost. What was given is sent again."""
        self._logger.warning("the connection failed: %s", type(error).__name__)
        self.connection.connection_lost(messages.CloseCode.NONE, f"its transport raised {type(error).__name__}")

    def _has_room(self) -> bool:
        transport = self.connection.transport
        if not transport.writable:
            self._stalled(transport)
        return self.session.has_room()

    def _stalled(self, transport: Transport) -> None:
        if self._draining is None and self.session.dial_at is None and not self.session.ended:
            self.session.network(self._loop.time(), stalled=True)
            self._draining = self._loop.create_task(self._drain(transport))

    async def _drain(self, transport: Transport) -> None:
        try:
            await transport.drain()
        except Exception as error:
            if transport is self.connection.transport:
                self._failed(error)
        self._draining = None
        if transport is self.connection.transport:
            self.session.network(self._loop.time(), stalled=False)
        self.advance()

    # --- called by the connection

    def frame_received(self, frame: bytes) -> None:
        if len(frame) < LARGE_BYTES and (event := self._speech.next(frame, self._loop.time())) is not None:
            self.events.put(event)
        else:
            self._receive(frame)

    def _receive(self, frame: bytes) -> None:
        session = self.session
        happened = session.receive(frame, self._loop.time())
        if len(frame) < LARGE_BYTES:
            for event in happened:
                self.events.put(event)
        else:
            self.events.put_large(happened, len(frame))
        if session.stirred:
            self._report(happened)
            self.advance()

    def pong_received(self) -> None:
        self.session.pong(self._loop.time())

    def connection_lost(self) -> None:
        """The present connection has ended; before the conversation has begun, that matters when it begins."""
        if self.connection.lost is not None:
            error = close_error(*self.connection.lost)
            self._tell(self.session.connection_lost(error, self._loop.time()))

    # --- after anything happened

    def _tell(self, happened: Sequence[RealtimeEvent]) -> None:
        for event in happened:
            self.events.put(event)
        self._report(happened)
        self.advance()

    def _report(self, happened: Sequence[RealtimeEvent]) -> None:
        """Measure, and say in the log, what an operator wants to know."""
        telemetry().note(happened)
        for event in happened:
            if isinstance(event, ConnectionLost):
                self._logger.info("connection lost (%d %s), reconnecting", event.code, event.reason)
            elif isinstance(event, Reconnecting):
                self._logger.info("attempt %d in %.1f s, after %s", event.attempt, event.wait_ms / 1000, event.reason)
            elif isinstance(event, SessionResumed):
                self._logger.info(
                    "%s after %d ms; sent again: %d, uncertain: %d",
                    "new session" if event.new_session else "session resumed",
                    event.gap_ms, event.replayed, event.uncertain,
                )  # fmt: skip

    def advance(self) -> None:
        """Send what is due, wake who waits, arm the timer; reconnect, or end."""
        session = self.session
        actions = session.take_actions()
        if actions.ping:
            self.connection.transport.ping()
        if actions.ended:
            self.connection.ignore()
            self.events.end()
        elif actions.dial_at is None:
            self.flush()
            if self.events.full and not session.may_read(full=True, flooded=False, now=self._loop.time()):
                self.connection.transport.pause_reading()  # perhaps full by what an earlier connection brought
        elif self._reconnecting is None:
            self._reconnecting = self._loop.create_task(self._reconnect())
        self._tell_dropped()
        self._senders.look_again(ended=actions.ended)
        self._arm()

    def _tell_dropped(self, *, at_once: bool = True) -> None:
        while (dropped := self.session.take_dropped(at_once=at_once)) is not None:
            telemetry().dropped(dropped.duration_ms)
            self.events.put_dropped(dropped)

    def _arm(self) -> None:
        deadline = self.session.deadline()
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline:
                return  # it may come early: the session looks at the time itself
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._deadline_reached)

    def _deadline_reached(self) -> None:
        now, timer, self._timer = self._loop.time(), self._timer, None
        # Loops round: a timer may come some nanoseconds early, and would be set again for the same moment.
        self._tell(self.session.deadline_reached(now if timer is None else max(now, timer.when())))

    def _pressure(self, full: bool) -> None:
        self._read_on(full=full, flooded=self.events.flooded)

    def _read_on(self, *, full: bool, flooded: bool) -> None:
        if self.session.may_read(full=full, flooded=flooded, now=self._loop.time()):
            self.connection.transport.resume_reading()
        else:
            self.connection.transport.pause_reading()

    # --- reconnecting

    async def _reconnect(self) -> None:
        try:
            # A service refuses to take a session up again while its old connection is open.
            await self._hang_up()
            while (dial_at := self.session.dial_at) is not None:
                await asyncio.sleep(dial_at - self._loop.time())
                try:
                    self._use(await self._dialler.connect(self))
                except GeminiRealtimeError as error:
                    self._tell(self.session.connection_ended(error, self._loop.time()))
                else:
                    self.session.connected(self._loop.time())
        except Exception as error:  # nobody else would be told
            self.session.end(GeminiRealtimeError(f"reconnecting failed: {type(error).__name__}"))
            self._logger.exception("reconnecting failed")
        self._reconnecting = None
        self._go_on()

    async def _hang_up(self) -> None:
        """Close the present connection; whatever a transport does, this ends."""
        try:
            async with asyncio.timeout(HANG_UP_TIMEOUT_S):
                await self.connection.transport.close()
        except Exception as error:  # nothing that happens to a connection that is over matters any more
            self._logger.info("the connection was not closed properly: %s", type(error).__name__)

    def _use(self, connection: Connection) -> None:
        self.connection = connection
        connection.present = True

    def _go_on(self) -> None:
        """Go on with a connection that is new here, and may have ended already."""
        self.connection_lost()
        self.advance()
