"""The faults of a server that plays a recording: faults do not ask who speaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.local.faults import FAULTS
from gemini_realtime.local.responders.replay import Replay
from tests.local.faults.wire import CONTINUATION, IN_TEXT, Served, kinds, sound

READY: dict[str, Any] = {"setupComplete": {}}
AUDIO = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAEAAQABAAE="}}
TURN: list[dict[str, Any]] = [
    {"serverContent": {"modelTurn": {"parts": [AUDIO]}}},
    {"serverContent": {"outputTranscription": {"text": "Hi."}}},
    {"serverContent": {"generationComplete": True}},
    {"serverContent": {"turnComplete": True}},
]
CALL = {"toolCall": {"functionCalls": [{"id": "1", "name": "get_weather", "args": {}}]}}
HELLO = {"realtimeInput": {"text": "hello"}}
CALM = ["setupComplete", "modelTurn", "outputTranscription", "generationComplete", "turnComplete"]

Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Makes servers that answer `hello` by a turn, and what is typed next by a call."""
    path = tmp_path / "call.jsonl"
    said = [("client", {"setup": {}}), ("server", READY), ("client", HELLO), *(("server", frame) for frame in TURN)]
    entries = [*said, ("client", HELLO), ("server", CALL)]
    path.write_text("".join(json.dumps({"from": who, "frame": frame}) + "\n" for who, frame in entries), "utf-8")
    return partial(Served, recording=Replay(path))


SEEN: dict[str, list[str]] = {
    "late-setup:delay_s=0.01": CALM,
    "no-setup": CALM[1:],
    "go-away:after_frames=2": [*CALM[:2], "goAway", *CALM[2:], "close"],
    "close:after_frames=2": [*CALM[:2], "close"],
    "oversize:after_frames=2,size_bytes=9": [*CALM[:2], "", *CALM[2:]],
    "duplicate:probability=1": [kind for kind in CALM for _ in range(2)],
    "reorder:probability=1": [CALM[0], CALM[2], CALM[1], *CALM[3:]],
    "empty-turn": [CALM[0], *CALM[3:]],
    "interrupted:after_frames=2": [*CALM[:2], "interrupted", *CALM[2:]],
    "spurious-close:after_frames=2": [*CALM[:2], "close"],
    "text-turn": [CALM[0], "modelTurn", *CALM[3:]],
    "thought-turn": [CALM[0], "modelTurn", *CALM[3:]],
    "repeat-turn": [*CALM, *CALM[1:]],
    "early-transcript:delay_s=0.01": [CALM[0], CALM[2], CALM[1], *CALM[3:]],
    "tone": CALM,
    "slow-audio:rate=1000": CALM,
    "fast-audio": CALM,
}
"""What is sent to a client that says hello at once; a recording has a pace of its own already."""


@pytest.mark.parametrize("fault", SEEN)
async def test_a_recorded_turn_is_spoiled_like_any_other(serve: Serve, fault: str) -> None:
    async with serve(fault) as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO)
        seen = [frame.kind for _ in SEEN[fault] if (frame := await wire.next())]
    assert seen == SEEN[fault]


async def test_refuse_and_reject_let_nobody_in(serve: Serve) -> None:
    async with serve("refuse:times=1", "reject:status=429") as served:
        async with served.knock() as (_, answer):
            assert answer == b""
        async with served.knock() as (_, answer):
            assert answer.startswith(b"HTTP/1.1 429 ")


async def test_refuse_handle_closes_before_the_recording_begins(serve: Serve) -> None:
    async with (
        serve("refuse-handle") as served,
        served.dialled(**IN_TEXT, sessionResumption={"handle": "h"}) as wire,
    ):
        frames = await wire.until("close")
    assert [frame.closes_with for frame in frames] == [(1008, "BidiGenerateContent session not found")]


async def test_cut_ends_the_connection_without_a_close(serve: Serve) -> None:
    async with serve("cut:after_frames=2") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO)
        assert kinds(await wire.rest()) == CALM[:2]


@pytest.mark.parametrize("fault", ["silence", "stop-reading"])
async def test_what_hangs_hangs_while_others_are_served(serve: Serve, fault: str) -> None:
    async with serve(f"{fault}:connection=1") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        wire.send(HELLO, b"still there?")
        reading = asyncio.create_task(wire.next())
        async with served.dialled(**IN_TEXT) as other:
            other.send(HELLO)
            assert kinds(await other.until("turnComplete")) == CALM
        assert not reading.done()
        reading.cancel()


async def test_slow_pong_comes_after_the_turn(serve: Serve) -> None:
    async with serve("slow-pong:delay_s=0.01") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(b"still there?", HELLO)
        assert kinds(await wire.until("pong")) == [*CALM, "pong"]


async def test_garbage_is_no_frame(serve: Serve) -> None:
    async with serve("garbage:size_bytes=40") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        assert (await wire.reader.readexactly(40))[0] & 0x70  # reserved bits: RFC 6455 5.2


async def test_truncate_sends_one_frame_without_its_end(serve: Serve) -> None:
    async with serve("truncate") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO)
        frames = [frame for _ in CALM if (frame := await wire.next())]
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[1].payload)
    assert kinds(frames[2:]) == CALM[2:]


async def test_fragment_sends_a_message_in_pieces(serve: Serve) -> None:
    async with serve("fragment:size_bytes=10") as served, served.dialled(**IN_TEXT) as wire:
        pieces = [frame for _ in range(3) if (frame := await wire.next())]
    assert [piece.opcode for piece in pieces[1:]] == [CONTINUATION] * 2
    assert json.loads(b"".join(piece.payload for piece in pieces)) == READY


async def test_near_silence_replaces_the_recorded_samples(serve: Serve) -> None:
    async with serve("near-silence:peak=1") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO)
        noise = sound(await wire.until("turnComplete"))
    assert len(noise) == 8
    assert {int.from_bytes(noise[at : at + 2], "little", signed=True) for at in range(0, 8, 2)} <= {-1, 0, 1}


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("silent-resume", [CALM[0], "pong"]),
        ("close-after-resume", [CALM[0], "close"]),
        ("go-away-after-resume", [CALM[0], "goAway"]),
    ],
)
async def test_what_is_wrong_after_a_resume_is_wrong_in_a_recording_too(
    serve: Serve, fault: str, seen: list[str]
) -> None:
    resumes = {"sessionResumption": {"handle": "h"}}
    async with serve(fault) as served, served.dialled(**IN_TEXT, **resumes) as wire:
        wire.send(HELLO, b"still there?")
        assert kinds(await wire.until(seen[-1])) == seen


async def test_repeat_calls_repeats_the_recorded_call(serve: Serve) -> None:
    async with serve("repeat-calls") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO, HELLO)
        frames = [frame for _ in range(len(CALM) + 2) if (frame := await wire.next())]
    assert [frame.message for frame in frames[-2:]] == [CALL, CALL]


async def test_no_turn_complete_and_cancel_calls_see_what_is_recorded(serve: Serve) -> None:
    async with serve("no-turn-complete", "cancel-calls") as served, served.dialled(**IN_TEXT) as wire:
        wire.send(HELLO, HELLO)
        frames = await wire.until("toolCallCancellation")
    assert kinds(frames) == [*CALM[:-1], "toolCall", "toolCallCancellation"]
    assert frames[-1].message == {"toolCallCancellation": {"ids": ["1"]}}


def test_every_fault_is_tried_on_a_recording() -> None:
    by_hand = {"refuse", "reject", "refuse-handle", "cut", "silence", "stop-reading", "slow-pong", "garbage"}
    by_hand |= {"truncate", "fragment", "near-silence", "no-turn-complete", "cancel-calls", "repeat-calls"}
    by_hand |= {"silent-resume", "close-after-resume", "go-away-after-resume"}
    assert {fault.partition(":")[0] for fault in SEEN} | by_hand == set(FAULTS)
