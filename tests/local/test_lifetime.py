"""How long sessions last, by hand in virtual time."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.peer import Peer
from tests.local.line import NATIVE_2_5, Line, kinds, new_sessions

AS_THE_SERVICE = SessionLimits(audio_s=900, video_s=120)
PICTURE = {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": base64.b64encode(b"jpeg").decode()}}}


def limited(
    limits: SessionLimits = AS_THE_SERVICE,
    *,
    sessions: Sessions | None = None,
    connection_s: float | None = None,
    at: float = 100.0,
    **setup: Any,
) -> Line:
    line = Line()
    line.now = at
    line.peer = Peer(
        "s", sessions or new_sessions(), pace="instant", connection_lifetime_s=connection_s, session_limits=limits
    )
    line.opening = line.send({"setup": {"model": NATIVE_2_5, **setup}})
    return line


def test_a_session_ends_though_its_connection_need_not_and_that_is_told_before() -> None:
    line = limited()
    assert line.waits(849) == []
    assert line.waits(1) == [{"goAway": {"timeLeft": "50s"}}]
    assert line.waits(49) == []
    assert line.waits(1)[0][0] == 1008


def test_with_pictures_it_is_shorter_from_the_first_one_on() -> None:
    line = limited()
    line.waits(300)
    for _ in range(70):
        line.send(PICTURE)
        assert line.waits(1) == ([] if line.now < 470 else [{"goAway": {"timeLeft": "50s"}}])
    assert kinds(line.waits(50)) == ["close"]


def test_pictures_near_the_end_make_it_no_longer() -> None:
    line = limited()
    line.waits(840)
    line.send(PICTURE)
    assert line.waits(10) == [{"goAway": {"timeLeft": "50s"}}]


def test_who_compresses_the_context_may_stay() -> None:
    line = limited(contextWindowCompression={"slidingWindow": {}})
    line.send(PICTURE)
    assert line.waits(10_000) == []
    assert line.peer.deadline() is None


def test_without_limits_nothing_ends() -> None:
    line = limited(SessionLimits())
    line.send(PICTURE)
    assert line.waits(10_000) == []


def resumed(sessions: Sessions, frames: list[Any], **setup: Any) -> Line:
    handles = [frame["sessionResumptionUpdate"].get("newHandle") for frame in frames if "sessionRes" in str(frame)]
    return limited(sessions=sessions, at=0.0, sessionResumption={"handle": handles[-1]}, **setup)


def test_the_time_of_a_session_goes_on_in_its_next_connection() -> None:
    sessions = new_sessions()
    first = limited(sessions=sessions, connection_s=600, sessionResumption={})
    first.waits(540)
    first.types("hello")
    frames = first.ends()
    first.peer.connection_ended()
    second = resumed(sessions, frames)
    assert second.waits(309) == []
    assert second.waits(1) == [{"goAway": {"timeLeft": "50s"}}]


def test_the_next_connection_may_compress_and_have_no_end() -> None:
    sessions = new_sessions()
    first = limited(sessions=sessions, sessionResumption={})
    first.peer.connection_ended()
    assert resumed(sessions, first.opening, contextWindowCompression={}).waits(10_000) == []


@pytest.mark.parametrize("limits", [{"audio_s": 0}, {"video_s": -1}, {"audio_s": float("nan")}])
def test_no_time_at_all_is_no_limit(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"session limit `{next(iter(limits))}`"):
        SessionLimits(**limits)
