"""The peer against the service's own protobuf types, and against clients that were recorded with the service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.local.conversation import Pace, State
from tests.local.line import NATIVE_2_5, Line
from tests.local.test_conversation import SETUPS, STEPS, play
from tests.protocol import official

RECORDINGS = sorted((Path(__file__).parents[3] / "shared" / "recordings").glob("*.jsonl"))


@given(SETUPS, STEPS, st.sampled_from(["realtime", "instant"]))
def test_every_frame_that_is_sent_is_a_message_of_the_service(setup: Any, steps: list[Any], pace: Pace) -> None:
    for frame in play(setup, steps, pace).sent:
        official.parse(frame, official.ServerMessage)


@given(st.lists(official.messages_of(official.ClientMessage), max_size=8))
def test_every_message_a_client_can_write_is_taken_or_refused(messages: list[dict[str, Any]]) -> None:
    line = Line(model=NATIVE_2_5)
    for message in messages:
        line.send(message)
    assert line.peer.state in (State.LISTENING, State.GENERATING, State.CLOSED)


@given(official.messages_of(official.Setup))
def test_every_setup_a_client_can_write_is_confirmed_or_refused(setup: dict[str, Any]) -> None:
    line = Line()
    (first, *_) = line.send({"setup": setup})
    assert first == {"setupComplete": {}} or first[0] in (1007, 1008)


@pytest.mark.skipif(not RECORDINGS, reason="no recordings of real sessions beside the project")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_recorded_clients_are_accepted(path: Path) -> None:
    line = Line()
    for record in map(json.loads, path.read_text("utf-8").splitlines()):
        if record["from"] == "client":
            told = line.send(record["frame"])
            assert not any(isinstance(frame, tuple) for frame in told), told
    assert line.peer.state is not State.CLOSED
