"""Coming back to a session."""

from __future__ import annotations

import itertools
from typing import Any

from gemini_realtime.local.actions import Note
from gemini_realtime.local.session_store import SessionStore
from gemini_realtime.local.sessions import Sessions
from gemini_realtime.local.thinking import Turn
from tests.local.line import NATIVE_2_5, Line, kinds, new_sessions


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
    sessions = Sessions(lambda: f"handle-{next(numbers)}", SessionStore(capacity=2))
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
