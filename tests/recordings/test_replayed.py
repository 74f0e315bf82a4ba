"""A conversation under faults is recorded, inspected and played again: the same events come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gemini_realtime import GeminiRealtimeClient, LiveServer, TurnComplete
from gemini_realtime.inspection.story import read_story
from gemini_realtime.inspection.summary import summary
from gemini_realtime.local import Replay
from gemini_realtime.recordings import ConversationRecording
from tests.local.server.test_observing import served

QUESTIONS = ("one", "two", "three")
TIMES = ("gap_ms", "wait_ms", "t_ms")


async def conversation(server: LiveServer, record: Path | None = None) -> list[dict[str, Any]]:
    """Ask one question after the other; returns what happened, without how long it took."""
    config = server.llm_config(model="gemini-live-2.5-flash-preview", reconnect={"backoff_s": 0.01})
    client = GeminiRealtimeClient(llm_config=config)
    client.record(record)
    await client.session_update({"response_modalities": ["TEXT"]})
    happened = []
    async with client.connect():
        asked = iter(QUESTIONS)
        await client.send_text(role="user", text=next(asked))
        async for event in client.read_events():
            told = event.to_dict()
            happened.append({name: value for name, value in told.items() if name not in TIMES})
            if isinstance(event, TurnComplete):
                if (question := next(asked, None)) is None:
                    break
                await client.send_text(role="user", text=question)
    return happened


def comparable(happened: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Handles are new names in a recording; all else is as it was."""
    return [{**event, "raw_message": None} for event in happened]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("cut:after_frames=6,times=1", "connection lost"),
        ("close:code=1011,after_frames=6,times=1", "connection lost"),
        ("garbage:after_frames=3,times=1", "connection lost"),
        ("truncate:times=1,after_frames=3", "unreadable"),
        ("duplicate:probability=0.5", None),
        ("interrupted:times=1", None),
    ],
)
async def test_a_recording_made_under_faults_replays_to_the_same_events_and_tells_of_them(
    fault: str, told: str | None, tmp_path: Path
) -> None:
    async with served(faults=[fault]) as server:
        happened = await conversation(server, tmp_path / "calls")
    async with LiveServer(responder=Replay(tmp_path / "calls")) as player:
        again = await conversation(player)
    assert comparable(again) == comparable(happened)
    story = read_story(tmp_path / "calls")
    assert [mark.name for mark in story.marks if mark.kind == "fault"][:1] == ([] if told is None else [told])
    numbers = summary(story)
    assert numbers["turns"]["user"] == len(QUESTIONS)
    lost = [event for event in happened if event["type"] == "session.connection_lost"]
    assert len(lost) == (told == "connection lost")
    assert numbers["connections"]["broken"] == numbers["connections"]["resumed"] == len(lost)
    assert ConversationRecording(tmp_path / "calls").manifest["side"] == "client"
