"""Coming back to a session."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.local.server.session_store import SessionStore
from gemini_realtime.local.server.sessions import VALID_S, Sessions
from gemini_realtime.local.session.actions import Note
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.session.resumption import HANDLE_EVERY_S
from gemini_realtime.local.thinking import ToolResult, Turn
from tests.local.line import ALARM, NATIVE_2_5, WEATHER, Line, kinds, new_sessions

VERTEX = "projects/p/locations/l/publishers/google/models/gemini-3.8-live"
NUMBERS = itertools.count()
SOUND = {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}}}


def test_handles_are_given_after_setup_and_turns_and_taken_back_meanwhile() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", sessionResumption={})
    assert line.opening == [
        {"setupComplete": {}},
        {"sessionResumptionUpdate": {"newHandle": "handle-1", "resumable": True}},
    ]
    assert line.types("hello") == [{"sessionResumptionUpdate": {}}]
    assert line.ends()[-1] == {"sessionResumptionUpdate": {"newHandle": "handle-2", "resumable": True}}


def test_no_handles_are_given_unasked() -> None:
    line = Line(model=NATIVE_2_5)
    assert kinds(line.opening + line.types("hello") + line.ends()) == [
        "setupComplete",
        "generationComplete",
        "turnComplete",
    ]


def test_a_session_is_resumed_with_its_history_and_usage() -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_2_5, pace="instant", sessionResumption={})
    line.types("my name is Alice")
    line.speaks("Hello Alice.")
    usage = line.ends()[1]["usageMetadata"]
    line.peer.connection_ended()
    again = Line(sessions=sessions, session_id="t", model=NATIVE_2_5, sessionResumption={"handle": "handle-2"})
    assert kinds(again.opening) == ["setupComplete", "sessionResumptionUpdate"]
    again.types("and now")
    assert again.asked.request.history == (Turn("user", "my name is Alice"), Turn("model", "Hello Alice."))
    assert again.ends()[1]["usageMetadata"]["promptTokenCount"] == usage["totalTokenCount"] + 2


def test_an_older_handle_leads_to_what_was_then() -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_2_5, pace="instant", sessionResumption={})
    line.types("hello")
    line.ends()
    line.peer.connection_ended()
    again = Line(sessions=sessions, session_id="t", model=NATIVE_2_5, sessionResumption={"handle": "handle-1"})
    again.types("and now")
    assert again.asked.request.history == ()


def test_a_session_is_not_resumed_while_its_old_connection_is_open() -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_2_5, sessionResumption={})
    resume: dict[str, Any] = {"model": NATIVE_2_5, "sessionResumption": {"handle": "handle-1"}}
    refused = Line(sessions=sessions, session_id="t", **resume)
    assert refused.opening == [(1011, "Internal error encountered.")]
    assert refused.others == [Note("the session to resume is still open on another connection: close that first")]
    line.peer.connection_ended()
    second = Line(sessions=sessions, session_id="u", **resume)
    assert kinds(second.opening) == ["setupComplete", "sessionResumptionUpdate"]
    assert kinds(Line(sessions=sessions, session_id="v", **resume).opening) == ["close"]
    second.peer.connection_ended()
    assert kinds(Line(sessions=sessions, session_id="w", **resume).opening)[0] == "setupComplete"


def test_the_oldest_handles_are_forgotten_first() -> None:
    numbers = itertools.count(1)
    sessions = Sessions(lambda: f"handle-{next(numbers)}", capacity=2)
    line = Line(sessions=sessions, model=NATIVE_2_5, pace="instant", sessionResumption={})
    for _ in range(2):
        line.types("hello")
        line.ends()
    line.peer.connection_ended()
    resumed = [
        kinds(Line(sessions=sessions, session_id="t", sessionResumption={"handle": f"handle-{n}"}).opening)[0]
        for n in (1, 2)
    ]
    assert resumed == ["close", "setupComplete"]


@pytest.fixture
def wall() -> list[float]:
    """The time of day, in seconds, to be moved by the test."""
    return [1e9]


def kept_in(store: SessionStore | None, wall: list[float]) -> Sessions:
    return Sessions(lambda: f"handle-{next(NUMBERS)}", store, clock=lambda: wall[0])


def looked_up(sessions: Sessions, handle: str) -> dict[str, Any]:
    """The setup that resumes a session which only the file may know."""
    if sessions.needs_loading(handle) and (found := sessions.load(handle)) is not None:
        sessions.remember(handle, *found)
    return {"model": NATIVE_2_5, "sessionResumption": {"handle": handle}}


def handle_of(frames: list[Any]) -> str:
    return str(
        next(f for f in reversed(frames) if "sessionResumptionUpdate" in f)["sessionResumptionUpdate"]["newHandle"]
    )


def test_sessions_in_a_file_survive_the_server(tmp_path: Path, wall: list[float]) -> None:
    path = tmp_path / "sessions.db"
    store = SessionStore(path)
    before = kept_in(store, wall)
    line = Line(sessions=before, model=NATIVE_2_5, pace="instant", tools=[WEATHER], sessionResumption={})
    line.types("weather in Oslo")
    (call,) = line.calls("get_weather")[0]["toolCall"]["functionCalls"]
    line.answers((call["id"], "foggy"))
    line.speaks("It is foggy.")
    handle = handle_of(line.ends())
    store.close()  # and the server is gone without a word
    store = SessionStore(path)
    after = kept_in(store, wall)
    again = Line(sessions=after, session_id="t", **looked_up(after, handle))
    again.types("and now")
    result = ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"})
    assert again.asked.request.history == (
        Turn("user", "weather in Oslo"),
        Turn("tool", 'get_weather: {"output":"foggy"}', result),
        Turn("model", "It is foggy."),
    )
    store.close()


def test_no_audio_is_kept(tmp_path: Path, wall: list[float]) -> None:
    store = SessionStore(tmp_path / "sessions.db")
    sessions = kept_in(store, wall)
    line = Line(sessions=sessions, model=NATIVE_2_5, pace="instant", sessionResumption={})
    secret = b"\1\2\3\4" * 500
    audio = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(secret).decode()}
    line.send({"realtimeInput": {"audio": audio}})
    line.hears("hello")
    line.speaks("Hello.", secret)
    line.ends()
    store.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Hello." in kept
    assert secret[:64] not in kept
    assert base64.b64encode(secret[:66]) not in kept


def test_a_handle_is_good_for_two_hours_after_the_last_connection(wall: list[float]) -> None:
    sessions = kept_in(None, wall)
    resume: dict[str, Any] = {"model": NATIVE_2_5}
    line = Line(sessions=sessions, sessionResumption={}, **resume)
    handle = handle_of(line.opening)
    wall[0] += 10 * 60 * 60  # as long as the connection lasts, time does not count
    line.peer.connection_ended()
    for session_id in ("t", "u"):
        wall[0] += VALID_S
        line = Line(sessions=sessions, session_id=session_id, sessionResumption={"handle": handle}, **resume)
        assert kinds(line.opening)[0] == "setupComplete"
        line.peer.connection_ended()
    wall[0] += VALID_S + 1
    line = Line(sessions=sessions, session_id="v", sessionResumption={"handle": handle}, **resume)
    assert line.opening == [(1008, "Requested entity was not found.")]


def test_the_two_hours_go_on_while_the_server_is_down(tmp_path: Path, wall: list[float]) -> None:
    store = SessionStore(tmp_path / "s")
    before = kept_in(store, wall)
    line = Line(sessions=before, model=NATIVE_2_5, sessionResumption={})
    line.peer.connection_ended()
    wall[0] += VALID_S + 1
    after = kept_in(store, wall)
    again = Line(sessions=after, **looked_up(after, handle_of(line.opening)))
    assert kinds(again.opening) == ["close"]
    store.close()


def test_a_client_that_keeps_sending_gets_a_new_handle_every_few_seconds() -> None:
    line = Line(model=NATIVE_2_5, sessionResumption={})
    assert line.peer.deadline() is None
    line.send(SOUND)
    line.send(SOUND)
    assert line.peer.deadline() == line.now + HANDLE_EVERY_S
    assert line.waits(HANDLE_EVERY_S - 0.5) == []
    (update,) = line.waits(0.5)
    assert update == {"sessionResumptionUpdate": {"newHandle": "handle-2", "resumable": True}}
    assert line.peer.deadline() is None
    assert line.waits(60) == []


def test_no_handle_is_due_while_the_model_speaks() -> None:
    line = Line(model=NATIVE_2_5, sessionResumption={})
    line.send(SOUND)
    line.types("hello")
    line.speaks()
    assert line.peer.deadline() is None
    assert line.waits(HANDLE_EVERY_S) == []


def test_a_handle_waits_until_the_user_has_spoken_since_it_would_lose_what_is_being_said() -> None:
    line = Line(model=NATIVE_2_5, sessionResumption={})
    line.send(SOUND)
    line.peer.speech_started()
    assert line.waits(HANDLE_EVERY_S) == []
    line.peer.heard("")
    assert kinds(line.waits(0)) == ["sessionResumptionUpdate"]


def test_a_session_is_not_resumable_while_calls_are_open() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", tools=[ALARM], sessionResumption={})
    assert line.types("set an alarm") == [{"sessionResumptionUpdate": {}}]
    frames = line.calls("set_alarm")
    assert kinds(frames)[-1] == "turnComplete"
    (call,) = frames[0]["toolCall"]["functionCalls"]
    frames = line.answers((call["id"], "done"), scheduling="SILENT")
    assert frames == [{"sessionResumptionUpdate": {"newHandle": "handle-2", "resumable": True}}]


def test_transparent_resumption_tells_on_vertex_which_messages_a_handle_includes() -> None:
    line = Line(model=VERTEX, pace="instant", sessionResumption={"transparent": True})
    assert line.opening[1]["sessionResumptionUpdate"]["lastConsumedClientMessageIndex"] == "0"
    line.send(SOUND)
    line.types("hello")
    assert line.ends()[-1]["sessionResumptionUpdate"]["lastConsumedClientMessageIndex"] == "2"
    line = Line(model=NATIVE_2_5, sessionResumption={"transparent": True})
    assert "lastConsumedClientMessageIndex" not in line.opening[1]["sessionResumptionUpdate"]


def test_a_session_keeps_its_last_handles_only() -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_2_5, pace="instant", sessionResumption={})
    for _ in range(10):
        line.types("hello")
        line.ends()
    line.peer.connection_ended()
    found = []
    for handle in ("handle-3", "handle-4"):
        again = Line(sessions=sessions, session_id="t", model=NATIVE_2_5, sessionResumption={"handle": handle})
        found.append(kinds(again.opening)[0])
    assert found == ["close", "setupComplete"]


# --- how long a connection lasts


def lasting(lifetime_s: float, before_s: float | None, model: str = NATIVE_2_5) -> Line:
    line = Line()
    line.peer = Peer("s", new_sessions(), connection_lifetime_s=lifetime_s, go_away_before_s=before_s)
    line.send({"setup": {"model": model}})
    return line


@pytest.mark.parametrize(
    ("model", "before_s", "told_s"),
    [(NATIVE_2_5, None, 50), (f"publishers/google/{NATIVE_2_5}", None, 60), (f"publishers/google/{NATIVE_2_5}", 5, 5)],
)
def test_the_end_is_told_as_long_before_as_the_service_does_unless_said_otherwise(
    model: str, before_s: float | None, told_s: int
) -> None:
    line = lasting(600, before_s, model)
    assert line.waits(599 - told_s) == []
    assert line.waits(1) == [{"goAway": {"timeLeft": f"{told_s}s"}}]


def test_a_connection_has_a_lifetime_and_its_end_is_told_before() -> None:
    line = lasting(600, 50)
    assert line.waits(549) == []
    assert line.waits(1) == [{"goAway": {"timeLeft": "50s"}}]
    assert line.waits(49) == []
    ((code, reason),) = line.waits(1)
    assert code == 1008
    assert reason.startswith("Connection aborted because the client failed to close the connection")
    assert line.peer.deadline() is None


def test_an_alarm_that_rings_late_makes_no_odd_numbers() -> None:
    line = lasting(600, 50)
    assert line.waits(550.004) == [{"goAway": {"timeLeft": "50s"}}]
    assert line.waits(49) == []
    assert kinds(line.waits(1)) == ["close"]


def test_a_short_life_is_announced_at_once() -> None:
    line = lasting(5, 50)
    assert line.waits(0) == [{"goAway": {"timeLeft": "5s"}}]
    assert kinds(line.waits(5)) == ["close"]


def test_go_away_by_hand_replaces_the_one_that_was_due() -> None:
    line = lasting(600, 50)
    line.peer.go_away(1000, line.now)
    line.frames()
    assert line.waits(999) == []
    assert kinds(line.waits(1)) == ["close"]
