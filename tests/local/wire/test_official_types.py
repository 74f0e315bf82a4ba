"""The peer against the service's own protobuf types."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.local.session.conversation import Pace, State
from tests.local.line import NATIVE_2_5, Line
from tests.local.session.test_conversation import SETUPS, STEPS, play
from tests.protocol import official


@given(SETUPS, STEPS, st.sampled_from(["realtime", "instant"]))
def test_every_frame_that_is_sent_is_a_message_of_the_service(setup: Any, steps: list[Any], pace: Pace) -> None:
    for frame in play(setup, steps, pace).sent:
        if "voiceActivity" not in frame:  # is newer than the types
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
