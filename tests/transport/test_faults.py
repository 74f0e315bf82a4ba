"""Every fault, seen from the receiver and the transport, over a service in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from gemini_realtime import HandshakeError
from gemini_realtime.testing import run_in_virtual_time as run
from gemini_realtime.transport.base import Transport
from gemini_realtime.transport.faults import (
    Cut,
    Damaged,
    Fault,
    Late,
    LatePongs,
    Refused,
    Silence,
    Stalled,
    Unreachable,
    faulty,
)
from gemini_realtime.transport.memory import MemoryService

URL = "wss://user:secret@host.example:8443/path?key=secret"


class Witness:
    """A receiver that keeps what it gets, with the time."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, bytes]] = []
        self.ends: list[tuple[float, int, str]] = []
        self.pongs: list[float] = []

    def frame_received(self, frame: bytes) -> None:
        assert not self.ends
        self.frames.append((self._now(), frame))

    def connection_lost(self, code: int, reason: str) -> None:
        self.ends.append((self._now(), code, reason))

    def pong_received(self) -> None:
        assert not self.ends
        self.pongs.append(self._now())

    @property
    def said(self) -> list[bytes]:
        return [frame for _, frame in self.frames]

    def _now(self) -> float:
        return round(asyncio.get_running_loop().time(), 6)


def nothing(service: MemoryService, message: dict[str, Any]) -> None:
    """A service that does not answer."""


class Scene:
    """One client and one service, with faults between them."""

    def __init__(self, faults: Iterable[Fault], random: Callable[[], float] = lambda: 0.0) -> None:
        self.service = MemoryService(on_frame=nothing)
        self.witness = Witness()
        self._dial = faulty(self.service.dial, faults, random=random)

    async def connect(self) -> Transport:
        return await self._dial(URL, {}, self.witness)

    def say(self, *numbers: int) -> None:
        for number in numbers:
            self.service.say({"n": number})


def frames(*numbers: int) -> list[bytes]:
    return [b'{"n":%d}' % number for number in numbers]


def play(scene: Scene, script: Callable[[Scene, Transport], Coroutine[Any, Any, None]]) -> Scene:
    async def main() -> None:
        await script(scene, await scene.connect())

    run(main())
    return scene


def test_what_no_fault_touches_passes_as_it_is() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        assert transport.writable
        transport.send(b'{"up":1}')
        scene.say(1, 2)
        transport.ping()
        await transport.drain()
        transport.pause_reading()
        scene.say(3)
        await asyncio.sleep(1)
        assert scene.witness.said == frames(1, 2)
        transport.resume_reading()
        await transport.close()

    scene = play(Scene([]), script)
    assert scene.witness.said == frames(1, 2, 3)
    assert scene.service.sent == [{"up": 1}]
    assert len(scene.witness.pongs) == 1
    assert scene.witness.ends == [(1.0, 1000, "")]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_refused_dial_says_with_which_status_and_when_to_come_again(status: int) -> None:
    scene = Scene([Refused(status=status, retry_after_s=7.0, after_s=2.0, times=1)])

    async def main() -> None:
        with pytest.raises(HandshakeError, match=f"host.example:8443 refused .* HTTP {status}") as refusal:
            await scene.connect()
        assert (refusal.value.status, refusal.value.retry_after_s) == (status, 7.0)
        assert refusal.value.retryable == (status >= 429)
        assert "secret" not in str(refusal.value)
        assert asyncio.get_running_loop().time() == pytest.approx(2.0)
        assert scene.service.connections == 0
        await scene.connect()

    run(main())
    assert scene.service.connections == 1


@pytest.mark.parametrize("cause", ["name", "route", "tls", "proxy", "timeout"])
def test_an_unreachable_host_has_no_status(cause: Any) -> None:
    scene = Scene([Unreachable(cause=cause)])

    async def main() -> None:
        with pytest.raises(HandshakeError, match=r"host\.example:8443") as failure:
            await scene.connect()
        assert failure.value.status is None
        assert failure.value.retryable == (cause != "tls")
        assert "secret" not in str(failure.value)

    run(main())


def test_a_fault_strikes_as_often_and_where_it_is_told_to() -> None:
    faults: list[Fault] = [Unreachable(connection=2), Refused(status=503, times=2, connection=None)]
    scene = Scene(faults)

    async def main() -> list[str]:
        outcomes = []
        for _ in range(5):
            try:
                await scene.connect()
                outcomes.append("open")
            except HandshakeError as error:
                outcomes.append(str(error.status))
        faults.append(Refused(status=500))
        with pytest.raises(HandshakeError):
            await scene.connect()
        return outcomes

    assert run(main()) == ["503", "None", "503", "open", "open"]


@pytest.mark.parametrize("cut", [Cut(after_frames=2), Cut(after_s=3.0, code=1011, reason="Internal error")])
def test_a_cut_ends_the_connection_once_and_for_both_sides(cut: Cut) -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1)
        await asyncio.sleep(3)
        scene.say(2, 3)
        assert not scene.witness.ends or scene.witness.ends == [(3.0, cut.code, cut.reason)]
        await asyncio.sleep(1)
        transport.send(b'{"late":1}')
        transport.ping()
        await transport.drain()
        await transport.close()
        await asyncio.sleep(1)

    scene = play(Scene([cut]), script)
    assert scene.witness.ends == [(3.0, cut.code, cut.reason)]
    assert scene.witness.said == (frames(1, 2) if cut.after_s is None else frames(1))
    assert scene.service.sent == []
    assert scene.witness.pongs == []


def test_a_connection_may_be_cut_as_soon_as_it_is_there() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1)
        await transport.close()

    scene = play(Scene([Cut()]), script)
    assert scene.witness.said == []
    assert [code for _, code, _ in scene.witness.ends] == [1006]


def test_a_silent_connection_says_nothing_not_even_that_it_has_ended() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1, 2)
        transport.send(b'{"up":1}')
        transport.ping()
        await transport.drain()
        scene.service.end(1011, "Internal error")
        await asyncio.sleep(100)
        assert scene.witness.ends == []
        await transport.close()

    scene = play(Scene([Silence(after_frames=1)]), script)
    assert scene.witness.said == frames(1)
    assert scene.service.sent == []
    assert scene.witness.pongs == []
    assert [code for _, code, _ in scene.witness.ends] == [1006]


def test_a_stalled_connection_takes_nothing_until_it_ends() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        assert not transport.writable
        transport.send(b'{"up":1}')
        transport.ping()
        draining = asyncio.get_running_loop().create_task(transport.drain())
        scene.say(1)
        await asyncio.sleep(1000)
        assert not draining.done()
        await transport.close()
        await draining

    scene = play(Scene([Stalled()]), script)
    assert scene.witness.said == frames(1)
    assert scene.service.sent == []
    assert scene.witness.pongs == []


def test_congestion_passes_and_what_was_sent_meanwhile_arrives_in_order() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        transport.send(b'{"up":1}')
        transport.send(b'{"up":2}')
        await transport.drain()
        assert asyncio.get_running_loop().time() == pytest.approx(5.0)
        assert transport.writable
        transport.send(b'{"up":3}')
        await asyncio.sleep(1)
        assert scene.service.sent == [{"up": 1}, {"up": 2}, {"up": 3}]

    play(Scene([Stalled(for_s=5.0)]), script)


def test_late_frames_keep_their_order_and_come_before_the_end() -> None:
    delays = iter([0.9, 0.1, 0.5, 0.0])

    async def script(scene: Scene, transport: Transport) -> None:
        transport.send(b'{"up":1}')
        scene.say(1, 2)
        scene.service.end(1011, "Internal error")
        await asyncio.sleep(0.5)
        assert scene.witness.frames == []
        assert scene.service.sent == []
        await asyncio.sleep(10)

    scene = play(Scene([Late(delay_s=1.0, jitter_s=1.0)], random=lambda: next(delays)), script)
    # The first delay is that of the frame that was sent.
    assert scene.witness.frames == [(1.1, frames(1)[0]), (1.5, frames(2)[0])]
    assert scene.witness.ends == [(1.5, 1011, "Internal error")]


def test_pings_and_pongs_are_late_with_everything_else() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        transport.ping()
        await asyncio.sleep(10)

    assert play(Scene([Late(delay_s=1.0)]), script).witness.pongs == [2.0]


def test_closing_sends_what_is_late_and_does_not_wait_for_what_is_to_come() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        transport.send(b'{"up":1}')
        scene.say(1)
        await transport.close()
        await asyncio.sleep(10)

    scene = play(Scene([Late(delay_s=5.0)]), script)
    assert scene.service.sent == [{"up": 1}]
    assert scene.witness.frames == []
    assert scene.witness.ends == [(0.0, 1000, "")]


@pytest.mark.parametrize(("delay_s", "pongs"), [(10.0, [10.0]), (None, [])])
def test_pongs_come_late_or_never(delay_s: float | None, pongs: list[float]) -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        transport.ping()
        await asyncio.sleep(100)
        transport.ping()
        await asyncio.sleep(1)
        await transport.close()
        await asyncio.sleep(100)

    assert play(Scene([LatePongs(delay_s=delay_s)]), script).witness.pongs == pongs


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("duplicated", frames(1, 1, 2, 2, 3, 3)),
        ("swapped", frames(2, 1, 3)),
        ("truncated", [b'{"n"', b'{"n"', b'{"n"']),
    ],
)
def test_damaged_frames(how: Any, expected: list[bytes]) -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1, 2, 3)

    scene = play(Scene([Damaged(how=how, probability=0.7)], random=lambda: 0.6), script)
    # The third frame of three has none to change places with.
    assert scene.witness.said == expected[: 2 if how == "swapped" else None]


def test_garbage_follows_a_frame_and_is_no_message() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1)

    scene = play(Scene([Damaged(how="garbage", probability=1.0, size_bytes=3)], random=lambda: 0.5), script)
    assert scene.witness.said == [*frames(1), b"\x80\x80\x80"]


def test_damage_spares_short_frames_if_told_to() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1, 1_000_000)

    scene = play(Scene([Damaged(how="duplicated", probability=1.0, least_bytes=10)]), script)
    assert scene.witness.said == frames(1, 1_000_000, 1_000_000)


def test_faults_are_combined_in_their_order() -> None:
    async def script(scene: Scene, transport: Transport) -> None:
        scene.say(1, 2)
        await asyncio.sleep(5)

    faults = [Late(delay_s=1.0), Damaged(how="duplicated", probability=1.0), Cut(after_frames=3)]
    scene = play(Scene(faults), script)
    assert scene.witness.said == frames(1, 1, 2)
    assert scene.witness.ends == [(1.0, 1006, "")]
