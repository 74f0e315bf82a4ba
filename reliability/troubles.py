"""What goes wrong, by name: those that the embedded server knows too, then those of the process and the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final

from gemini_realtime.testing import VirtualTimeLoop
from gemini_realtime.transport.faults import (
    Cut,
    Damaged,
    Fault,
    Late,
    LatePongs,
    Line,
    Moment,
    Refused,
    Silence,
    Stalled,
    Unreachable,
)
from reliability.case import Stage
from reliability.service import INVALID, Connection

HAS_ANSWERED_S = 10.0
"""By then the first question has had its answer."""

FRAME_WITH_SPEECH_BYTES = 1000
"""Only such frames may be damaged beyond use: what they hold is told to be missing, and nothing waits for it."""


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong.

    Attributes:
        name: as the embedded server calls it, where it knows it.
        meaning: what happens.
        arrange: brings it about.
        undisturbed: the conversation goes on with the connection that it has.
        ends: the conversation may end with one of these errors.
    """

    name: str
    meaning: str
    arrange: Callable[[Stage], object]
    undisturbed: bool = False
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class At(Fault):
    """A fault at a time of the conversation, once, on the connection there is then or comes next.

    Attributes:
        time_s: when.
        fault: which.
    """

    time_s: float
    fault: Moment
    struck: list[bool] = field(default_factory=list)

    def connected(self, line: Line) -> None:
        if not self.struck:
            line.later(max(0.0, self.time_s - asyncio.get_running_loop().time()), partial(self._strike, line))

    def _strike(self, line: Line) -> None:
        if not self.struck:
            self.struck.append(True)
            self.fault.strike(line)


@dataclass(frozen=True, eq=False, kw_only=True)
class Outage(Unreachable):
    """No connection can be made for a while.

    Attributes:
        from_s: when it begins.
        until_s: when it ends.
    """

    from_s: float = 0.0
    until_s: float = 0.0

    at_dial: ClassVar[bool] = True

    def concerns(self, connection: int, struck: int) -> bool:
        return self.from_s <= asyncio.get_running_loop().time() < self.until_s


def _cut(stage: Stage, time_s: float | None = None) -> None:
    """The connection breaks: in half of the cases only for the client, and what it sent arrives."""
    time_s = stage.moment_s if time_s is None else time_s
    if stage.random.random() < 0.5:
        stage.faults.append(At(time_s=time_s, fault=Cut()))
    else:
        stage.at(time_s, partial(_break, stage))


def _break(stage: Stage) -> None:
    for line in stage.lines():
        line.cut()


def _cut_then(*refusals: Fault) -> Callable[[Stage], None]:
    """The connection breaks, and it takes a few dials to get another."""

    def arrange(stage: Stage) -> None:
        _cut(stage)
        fails = stage.random.randint(1, 4)
        refusal = stage.random.choice(refusals)
        stage.faults.extend(type(refusal)(**{**vars(refusal), "connection": 2 + place}) for place in range(fails))

    return arrange


def _several(stage: Stage) -> None:
    """Cuts after one another, some of them while the last one is being made good."""
    time_s = stage.moment_s
    for _ in range(stage.random.randint(2, 6)):
        _cut(stage, time_s)
        time_s += stage.random.choice((0.02, 0.2, 0.5, 1.0, 3.0, 8.0)) * stage.random.uniform(0.5, 1.5)


def _no_interruption(stage: Stage) -> None:
    """Nothing that is said or asked cuts an answer off: it is answered afterwards, in its turn."""
    stage.manner.interrupts = False
    stage.options["turn_detection"] = {"interrupt_response": False}


def _hanging_tokens(stage: Stage) -> None:
    """The connection breaks, and whoever gives the access token does not come back with it, two times."""
    _cut(stage)
    given = 0

    async def token() -> str:
        nonlocal given
        given += 1
        if given in (2, 3):
            await asyncio.get_running_loop().create_future()
        return "token-that-nobody-may-see"

    stage.config.update(vertexai=True, project="p", location="us-central1", api_key=None, credentials=token)


def _outage(duration_s: tuple[float, float]) -> Callable[[Stage], None]:
    def arrange(stage: Stage) -> None:
        _cut(stage)
        until_s = stage.moment_s + stage.random.uniform(*duration_s)
        stage.faults.append(Outage(cause="name", from_s=stage.moment_s, until_s=until_s))

    return arrange


def _close(*ends: tuple[int, str]) -> Callable[[Stage], None]:
    """The service closes."""

    def arrange(stage: Stage) -> None:
        code, reason = stage.random.choice(ends)
        stage.then(lambda: stage.connected(lambda connection: connection.hang_up(code, reason)))

    return arrange


def _close_later(*ends: tuple[int, str]) -> Callable[[Stage], None]:
    """The service closes, when it has answered before."""

    def arrange(stage: Stage) -> None:
        code, reason = stage.random.choice(ends)
        close = partial(stage.connected, lambda connection: connection.hang_up(code, reason))
        stage.at(max(stage.moment_s, HAS_ANSWERED_S), close)

    return arrange


def _connection(action: Callable[[Stage, Connection], object]) -> Callable[[Stage], None]:
    """Something happens on the connection that there is."""
    return lambda stage: stage.then(lambda: stage.connected(lambda connection: action(stage, connection)))


def _manner(**changes: object) -> Callable[[Stage], None]:
    """The service changes its manner."""

    def change(stage: Stage) -> None:
        for name, value in changes.items():
            setattr(stage.manner, name, value)

    # A moment before whatever else is due, for which it is meant.
    return lambda stage: stage.at(stage.moment_s - 0.01, partial(change, stage))


def _both(*arrangements: Callable[[Stage], object]) -> Callable[[Stage], None]:
    def arrange(stage: Stage) -> None:
        for one in arrangements:
            one(stage)

    return arrange


def _moment(fault: Moment) -> Callable[[Stage], None]:
    return lambda stage: stage.faults.append(At(time_s=stage.moment_s, fault=fault))


def _always(fault: Fault) -> Callable[[Stage], None]:
    return lambda stage: stage.faults.append(fault)


def _leap(duration_s: float) -> Callable[[Stage], None]:
    """Nothing runs for a while, and then all that was due meanwhile does."""

    def arrange(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        stage.then(lambda: loop.leap(duration_s))

    return arrange


def _lifetimes(stage: Stage) -> None:
    stage.manner.lifetime_s = stage.random.uniform(8.0, 25.0)
    stage.manner.notice_s = stage.random.choice((5.0, 10.0, 50.0))


def _no_handles(stage: Stage) -> None:
    stage.manner.handles = False


def _oversize(stage: Stage, connection: Connection) -> None:
    connection.say({"unheardOf": " " * (16 * 1024 * 1024)})


def _go_away(stage: Stage, connection: Connection) -> None:
    connection.go_away(stage.random.choice((0.0, 0.2, 1.0, 5.0, 50.0)))


_REFUSALS = (
    (1000, "The operation was cancelled."),
    INVALID,
    (1007, "The audio content type (CONTENT_TYPE_AUDIO) is not supported for this model configuration."),
    (1008, "Operation is not implemented, or supported, or enabled."),
    (1008, "Requested entity was not found."),
    (1008, ""),
)
_AGAIN = ((1011, "Internal error encountered."), (1011, "Deadline expired before operation could complete."),
          (1001, ""), (1012, ""), (1013, "The service is currently unavailable."), (1014, ""))  # fmt: skip

TROUBLES: Final = {
    trouble.name: trouble
    for trouble in (
        Trouble("none", "nothing", lambda stage: None, undisturbed=True),
        # --- before there is a session
        Trouble("refuse", "the connection breaks, and dials fail", _cut_then(Unreachable(cause="route"))),
        Trouble(
            "reject",
            "the connection breaks, and dials are answered with 429, 500, 503",
            _cut_then(Refused(status=429, retry_after_s=3), Refused(status=500), Refused(status=503, after_s=1)),
        ),
        Trouble(
            "reject-key",
            "the connection breaks, and dials are answered with 401, 403",
            _cut_then(Refused(status=401), Refused(status=403)),
            ends=("HandshakeError",),
        ),
        Trouble(
            "late-setup", "a new session is confirmed late", _both(_cut, _manner(late_setups=1, setup_delay_s=5.0))
        ),
        Trouble("no-setup", "a new session is not confirmed", _both(_cut, _manner(missing_setups=2))),
        Trouble("refuse-handle", "the service has forgotten the session", _both(_cut, _manner(refused_handles=1))),
        # --- the connection
        Trouble("cut", "the connection breaks", _cut),
        Trouble("cuts", "it breaks several times, also while it is made anew", _several),
        Trouble("silence", "nothing passes any more, and nothing says so", _moment(Silence())),
        Trouble("stop-reading", "what is sent is not taken any more", _moment(Stalled())),
        Trouble("congestion", "what is sent is not taken for a while", _moment(Stalled(for_s=6.0)), undisturbed=True),
        Trouble("close", "the service closes with 1001, 1011..1014", _close(*_AGAIN)),
        Trouble("close-invalid", "the service closes with 1007", _close(INVALID), ends=("ConnectionClosed",)),
        Trouble("close-refusal", "it closes a call that went well with 1000, 1007, 1008", _close_later(*_REFUSALS)),
        Trouble(
            "poisoned-handle",
            "the connection breaks, and the session is closed whenever it is resumed",
            _both(_cut, _manner(poisoned=True)),
        ),
        Trouble("poisoned-message", "it is closed whenever one question comes", _manner(chokes=True)),
        Trouble(
            "session-limit",
            "it breaks, and the session is sent away whenever it is resumed",
            _both(_cut, _manner(exhausted=True)),
        ),
        Trouble(
            "silent-resume",
            "it breaks, and the session answers nothing when it is resumed",
            _both(_cut, _manner(mute=True)),
        ),
        Trouble("sent-away", "three connections in a row are sent away at once", _both(_cut, _manner(sent_away=3))),
        Trouble("go-away", "the service leaves 0 to 50 s", _connection(_go_away)),
        Trouble("lifetimes", "connections are announced to end, all the time", _lifetimes),
        Trouble("slow-pong", "pongs come after 10 s", _always(LatePongs(delay_s=10.0)), undisturbed=True),
        Trouble("no-pong", "pongs never come", _always(LatePongs())),
        # --- frames
        Trouble("garbage", "bytes that are no message", _always(Damaged(how="garbage", probability=0.02))),
        Trouble(
            "truncate",
            "a frame without its end",
            _always(Damaged(how="truncated", probability=0.05, least_bytes=FRAME_WITH_SPEECH_BYTES)),
        ),
        Trouble("oversize", "a frame of 16 MB that means nothing", _connection(_oversize), undisturbed=True),
        Trouble("duplicate", "frames come twice", _always(Damaged(how="duplicated", probability=0.1))),
        Trouble(
            "reorder",
            "speech comes after the frame that follows it",
            _always(Damaged(how="swapped", least_bytes=FRAME_WITH_SPEECH_BYTES)),
            undisturbed=True,
        ),
        Trouble("delay", "frames take 0.5 to 2 s longer", _always(Late(delay_s=0.5, jitter_s=1.5)), undisturbed=True),
        Trouble(
            "delay-cuts",
            "frames take 0.6 s longer, and the connection breaks",
            _both(_always(Late(delay_s=0.6, jitter_s=0.1)), _several),
        ),
        # --- the model's turn
        Trouble("empty-turn", "turns in which nothing is said", _manner(empty_turns=2), undisturbed=True),
        Trouble(
            "interrupted",
            "`interrupted` though nobody spoke",
            _connection(lambda stage, connection: connection.phantom_interruption()),
            undisturbed=True,
        ),
        Trouble("no-turn-complete", "turns are not completed", _manner(turn_complete=False), undisturbed=True),
        Trouble("no-turn-complete-cut", "nor are they, and it breaks", _both(_manner(turn_complete=False), _several)),
        Trouble(
            "cancel-calls", "calls are cancelled as soon as they are made", _manner(cancelled_calls=3), undisturbed=True
        ),
        Trouble(
            "written-first-cut",
            "all words of an answer come before its sound, and the connection breaks",
            _both(_manner(writes_first=True), _several),
        ),
        Trouble(
            "written-first-go-away",
            "so they do, and the service leaves",
            _both(_manner(writes_first=True), _connection(_go_away)),
        ),
        Trouble(
            "eager-handles-cut",
            "handles come between question and answer, and the connection breaks",
            _both(_manner(eager_handles=True), _several),
        ),
        Trouble("no-interruption", "one question after the other is answered", _no_interruption, undisturbed=True),
        Trouble("no-interruption-cut", "so it is, and the connection breaks", _both(_no_interruption, _several)),
        Trouble("near-silence", "noise instead of speech", _manner(faint=True), undisturbed=True),
        Trouble("slow-audio", "speech comes at half its pace", _manner(rate=0.5), undisturbed=True),
        Trouble("slow-audio-cut", "so it does, and the connection breaks", _both(_manner(rate=0.5), _several)),
        Trouble("fast-audio", "speech comes at once", _manner(rate=1e6, waits_to_be_heard=False), undisturbed=True),
        Trouble(
            "fast-audio-cut",
            "so it does, and the connection breaks",
            _both(_manner(rate=1e6, waits_to_be_heard=False), _several),
        ),
        # --- sessions
        Trouble("no-handles", "the service sends no handles, and the connection breaks", _both(_no_handles, _several)),
        Trouble(
            "in-use", "the service believes that the client is still connected", _both(_cut, _manner(lingering_s=2.0))
        ),
        # --- the network, and this process
        Trouble(
            "name-resolution", "the connection breaks, and names are not resolved", _cut_then(Unreachable(cause="name"))
        ),
        Trouble(
            "tls", "the connection breaks, and certificates are wrong for a while", _cut_then(Unreachable(cause="tls"))
        ),
        Trouble("proxy", "the connection breaks, and the proxy refuses", _cut_then(Unreachable(cause="proxy"))),
        Trouble(
            "connect-timeout",
            "the connection breaks, and dials time out",
            _cut_then(Unreachable(cause="timeout", after_s=3.0)),
        ),
        Trouble("hanging-token", "the connection breaks, and the next access tokens never come", _hanging_tokens),
        Trouble("outage", "no network for 5 to 25 s", _outage((5.0, 25.0))),
        Trouble(
            "long-outage",
            "no network for 10 minutes",
            _outage((600.0, 600.0)),
            ends=("HandshakeError", "ConnectionClosed"),
        ),
        Trouble("blocked", "the event loop is blocked for 5 s", _leap(5.0), undisturbed=True),
        Trouble("clock-leap", "the clock leaps ahead by a minute", _leap(60.0)),
    )
}
