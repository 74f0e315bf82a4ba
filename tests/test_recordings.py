"""Sessions that were recorded with the real service, by Google and by pydantic-ai, replayed through client and codec.

They are not part of this project: the tests read them where they lie beside it, or say that they are not there.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime import AudioDelta, FunctionCall, GeminiRealtimeClient, RealtimeEvent, Role
from gemini_realtime.protocol.codec import decode_server_message, encode
from gemini_realtime.transport.replay import Replay, read_recording
from tests.protocol import frames, official

FOLDER = Path(__file__).parents[2] / "shared" / "recordings"
RECORDINGS = sorted(FOLDER.glob("*.jsonl"))
WAIT_S = 10.0

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="no recordings of real sessions beside the project")


@pytest.fixture(params=RECORDINGS, ids=lambda path: path.stem)
def service(request: pytest.FixtureRequest) -> Replay:
    return Replay(read_recording(request.param))


def camel(value: Any) -> Any:
    """The frame in the wire's spelling, for comparison; recorded clients mix both. Names of the user's stay."""
    if isinstance(value, dict):
        return {_camel_name(name): _inside(name, item) for name, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def _inside(name: str, value: Any) -> Any:
    if name in ("args", "response"):
        return value
    return {given: camel(item) for given, item in value.items()} if name == "properties" else camel(value)


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


async def replay(service: Replay) -> list[RealtimeEvent]:
    """Do with our client what the recorded client did; returns all events until the service is done."""
    setup, *frames = [camel(frame) for frame in service.expected]
    vertex = "projects/" in setup["setup"]["model"]
    entry: dict[str, Any] = {"model": setup["setup"]["model"], "api_key": "key", "api_type": "google",
                             "reconnect": {"after_normal_close": False}}  # fmt: skip
    if vertex:
        entry |= {"vertexai": True, "base_url": "wss://example.com/live"}
    client = GeminiRealtimeClient(llm_config={"config_list": [entry]}, dial=service.dial)
    await client.session_update(_options(setup["setup"]))
    happened: list[RealtimeEvent] = []
    async with asyncio.timeout(WAIT_S), client.connect():
        reader = client.read_events()
        happened.append(await anext(reader))
        for frame in frames:
            while "toolResponse" in frame and not any(isinstance(event, FunctionCall) for event in happened):
                happened.append(await anext(reader))
            await _send(client, frame)
        happened += [event async for event in reader]
    return [event for event in happened if event.type != "input_audio_buffer.delta"]


def _options(setup: dict[str, Any]) -> dict[str, Any]:
    """Only what was recorded: what this client asks for by default is switched off."""
    names = {"generationConfig": "generation_config", "systemInstruction": "system_instruction", "tools": "tools",
             "realtimeInputConfig": "realtime_input_config", "inputAudioTranscription": "input_audio_transcription",
             "outputAudioTranscription": "output_audio_transcription"}  # fmt: skip
    off = dict.fromkeys(("input_audio_transcription", "output_audio_transcription", "session_resumption"))
    return off | {names[name]: value for name, value in setup.items() if name != "model"}


async def _send(client: GeminiRealtimeClient, frame: dict[str, Any]) -> None:
    match frame:
        case {"clientContent": {"turns": turns, "turnComplete": bool(complete)}}:
            *before, last = turns
            roles: dict[str, Role] = {"user": "user", "model": "assistant"}
            for turn in before:
                await client.send_text(role=roles[turn["role"]], text=turn["parts"][0]["text"], turn_complete=False)
            await client.send_text(role=roles[last["role"]], text=last["parts"][0]["text"], turn_complete=complete)
        case {"realtimeInput": {"audio": {"data": data}}}:
            await client.send_audio(data)
        case {"realtimeInput": {"text": text}}:
            await client.send_text(role="user", text=text)
        case {"realtimeInput": {"activityStart": _}}:
            await client.activity_start()
        case {"realtimeInput": {"activityEnd": _}}:
            await client.activity_end()
        case {"realtimeInput": {"audioStreamEnd": True}}:
            await client.audio_stream_end()
        case {"toolResponse": {"functionResponses": responses}}:
            for response in responses:
                await client.send_function_result(response["id"], response["response"])
        case _:
            raise AssertionError(f"no way to send {next(iter(frame))}")


def meaning(frame: dict[str, Any]) -> Any:
    return official.parse(official.without_newer_fields(frame), official.ClientMessage)


async def test_the_client_says_what_the_recorded_client_said(service: Replay) -> None:
    await replay(service)
    setup, *sent = service.sent
    recorded_setup, *recorded = service.expected
    assert _without_our_defaults(setup, recorded_setup) == official.without_newer_fields(camel(recorded_setup))
    assert [meaning(frame) for frame in _joined(sent)] == [meaning(frame) for frame in _joined(recorded)]


def _without_our_defaults(ours: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Voice, temperature and modality are always sent by this client; everything else must be as recorded."""
    setup = json.loads(json.dumps(ours["setup"]))
    for name in ("temperature", "speechConfig", "responseModalities"):
        if name not in recorded["setup"].get("generationConfig", {}):
            setup["generationConfig"].pop(name, None)
    if "generationConfig" not in recorded["setup"] and not setup["generationConfig"]:
        del setup["generationConfig"]
    return {"setup": setup}


def _joined(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two liberties a client has: turns travel in one message or in several, and a user's text by either way."""
    joined: list[dict[str, Any]] = []
    for frame in (_text_as_content(camel(frame)) for frame in frames):
        content = frame.get("clientContent")
        last = joined[-1].get("clientContent") if joined else None
        if content and last and not last.get("turnComplete"):
            last |= {"turns": last["turns"] + content["turns"], "turnComplete": content.get("turnComplete", False)}
        else:
            joined.append(json.loads(json.dumps(frame)))
    return joined


def _text_as_content(frame: dict[str, Any]) -> dict[str, Any]:
    text = frame.get("realtimeInput", {}).get("text")
    if text is None:
        return frame
    return {"clientContent": {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}}


async def test_every_word_and_every_sample_of_the_service_becomes_an_event_in_order(service: Replay) -> None:
    frames = [frame for who, frame in service.entries if who == "server"]
    happened = await replay(service)
    assert [fact for event in happened for fact in _told(event)] == [fact for frame in frames for fact in _said(frame)]


Fact = tuple[str, Any]


def _said(frame: dict[str, Any]) -> list[Fact]:
    """What a frame says, read independently of the client."""
    content = frame.get("serverContent", {})
    facts: list[Fact] = []
    if "inputTranscription" in content:
        facts.append(("heard", content["inputTranscription"].get("text", "")))
    for part in content.get("modelTurn", {}).get("parts", []):
        if "inlineData" in part:
            facts.append(("audio", part["inlineData"]["data"]))
        elif "text" in part:
            facts.append(("thought" if part.get("thought") else "text", part["text"]))
    if "outputTranscription" in content:
        facts.append(("said", content["outputTranscription"].get("text", "")))
    facts += [(name, True) for name in ("interrupted", "generationComplete") if content.get(name)]
    if "usageMetadata" in frame:
        facts.append(("tokens", frame["usageMetadata"].get("totalTokenCount", 0)))
    if content.get("turnComplete"):
        facts.append(("turnComplete", True))
    facts += [("call", (c["id"], c["name"], c["args"])) for c in frame.get("toolCall", {}).get("functionCalls", [])]
    return facts + [(name, True) for name in ("setupComplete",) if name in frame]


def _told(event: RealtimeEvent) -> list[Fact]:
    """What an event tells, in the same words."""
    fields = event.to_dict(audio=True)
    match event.type:
        case "response.audio.delta":
            return [("audio", fields["delta"])]
        case "response.text.delta" | "response.thought.delta":
            return [(event.type.split(".")[1], fields["text"])]
        case "input_audio_transcription.delta":
            return [("heard", fields["text"])]
        case "response.audio_transcript.delta":
            return [("said", fields["text"])]
        case "response.function_call_arguments.done":
            return [("call", (fields["call_id"], fields["name"], fields["arguments"]))]
        case "usage":
            return [("tokens", fields["total_tokens"])]
    names = {"session.created": "setupComplete", "response.interrupted": "interrupted",
             "response.generation_complete": "generationComplete", "response.done": "turnComplete"}  # fmt: skip
    return [(names[event.type], True)] if event.type in names else []


async def test_raw_message_is_the_services_dict(service: Replay) -> None:
    frames = [frame for who, frame in service.entries if who == "server"]
    raw: list[dict[str, Any]] = []
    for event in await replay(service):
        if not raw or event.raw_message is not raw[-1]:
            raw.append(event.raw_message)
        if isinstance(event, AudioDelta):
            assert event.audio
    assert raw == frames


def test_an_odd_value_in_a_recorded_frame_costs_no_event_beside_it(service: Replay) -> None:
    of_each_shape = {
        str(sorted(map(str, frames.places(frame)))): frame for who, frame in service.entries if who == "server"
    }
    for frame in of_each_shape.values():
        for path in frames.places(frame):
            frames.check_neighbours(frame, path)


def test_recorded_frames_are_decoded_and_encoded_without_loss(service: Replay) -> None:
    for frame in (frame for who, frame in service.entries if who == "server"):
        message, unknown = decode_server_message(json.dumps(frame).encode())
        assert unknown == []
        assert json.loads(encode(message)) == _without_empty(frame)


def _without_empty(value: Any) -> Any:
    """Recorded frames hold nothing that the codec leaves out, but for empty lists."""
    if isinstance(value, dict):
        return {name: _without_empty(item) for name, item in value.items() if item != []}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
