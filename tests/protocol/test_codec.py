from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import (
    AudioFrames,
    DecodeError,
    Frame,
    audio_frame,
    decode_base64,
    decode_client_message,
    decode_server_message,
    encode,
    parse_duration_ms,
    without_media,
)
from gemini_realtime.protocol.proto_json import UnknownField
from tests.protocol import official


@given(official.messages_of(official.ServerMessage))
@settings(max_examples=300)
def test_every_server_message_the_official_types_can_build_decodes_without_loss(frame: dict[str, Any]) -> None:
    meant = official.parse(frame, official.ServerMessage)
    message, unknown = decode_server_message(json.dumps(frame).encode())
    assert unknown == []
    assert official.parse(json.loads(encode(message)), official.ServerMessage) == meant


@given(official.messages_of(official.ClientMessage))
@settings(max_examples=300)
def test_every_client_message_the_official_types_can_build_decodes_without_loss(frame: dict[str, Any]) -> None:
    meant = official.parse(frame, official.ClientMessage)
    message, unknown = decode_client_message(json.dumps(frame).encode())
    assert unknown == []
    assert official.parse(json.loads(encode(message)), official.ClientMessage) == meant


def test_snake_case_and_camel_case_mix_in_one_object() -> None:
    frame = b'{"realtime_input":{"video":{"data":"_9g=","mime_type":"image/jpeg"},"audioStreamEnd":true}}'
    message, unknown = decode_client_message(frame)
    assert unknown == []
    assert message.realtime_input is not None
    assert message.realtime_input.audio_stream_end is True
    assert message.realtime_input.video is not None
    assert message.realtime_input.video.mime_type == "image/jpeg"


def test_names_inside_user_data_are_left_as_they_are() -> None:
    frame = {"tool_response": {"function_responses": [{"id": "1", "response": {"snake_key": {"camelKey": 1}}}]}}
    message, _ = decode_client_message(json.dumps(frame).encode())
    assert message.tool_response is not None
    assert message.tool_response.function_responses[0].response == {"snake_key": {"camelKey": 1}}


def test_unknown_fields_are_named_with_their_path_and_the_rest_is_kept() -> None:
    frame = {"setup": {"model": "models/x", "generationConfig": {"speechConfig": {"accent": "c"}}, "color": 1}}
    message, unknown = decode_client_message(json.dumps(frame).encode())
    assert set(unknown) == {
        UnknownField("setup.generation_config.speech_config", "accent"),
        UnknownField("setup", "color"),
    }
    assert message.setup is not None
    assert message.setup.model == "models/x"


def test_null_means_unset() -> None:
    message, unknown = decode_server_message(
        b'{"serverContent":{"turnComplete":true,"interrupted":null},"goAway":null}'
    )
    assert unknown == []
    assert message.server_content is not None
    assert (message.server_content.turn_complete, message.server_content.interrupted) == (True, False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"3",
        b'{"serverContent":',
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"serverContent":' * 10_000,
        b'"' + b'\\"' * 10_000,
    ],
)
def test_what_is_not_a_message_raises_and_keeps_its_content_to_itself(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_server_message(data)
    assert "serverContent" not in str(caught.value)


@pytest.mark.parametrize("frame", [b'{"toolResponse":7}', b'{"clientContent":{"turnComplete":"private words"}}'])
def test_a_client_hears_of_a_wrong_type_without_its_value(frame: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_client_message(frame)
    assert "private words" not in str(caught.value)


def test_indented_frames_in_other_scripts_are_read() -> None:
    frame = json.dumps(
        {"serverContent": {"outputTranscription": {"text": "Grüße 你好 🎤"}}}, indent=2, ensure_ascii=False
    )
    message, _ = decode_server_message(frame.encode() + b"\n")
    assert message.server_content is not None
    assert message.server_content.output_transcription is not None
    assert message.server_content.output_transcription.text == "Grüße 你好 🎤"


@given(st.binary(max_size=64), st.sampled_from([8000, 16000, 24000, 48000]))
def test_an_audio_frame_is_what_the_official_types_understand_by_it(pcm: bytes, rate_hz: int) -> None:
    frame = json.loads(audio_frame(base64.b64encode(pcm), rate_hz))
    meant: Any = official.parse(frame, official.ClientMessage)
    assert meant.realtime_input.audio.data == pcm
    assert meant.realtime_input.audio.mime_type == f"audio/pcm;rate={rate_hz}"


@given(st.binary(max_size=64), st.booleans(), st.booleans())
def test_base64_is_read_standard_or_url_safe_padded_or_not(data: bytes, url_safe: bool, padded: bool) -> None:
    encoded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()
    assert decode_base64(encoded if padded else encoded.rstrip("=")) == data


@pytest.mark.parametrize("text", ["ab!d", "a b c", 'AA"}', "A", "AA\n=="])
def test_other_text_is_not_base64_and_is_not_repeated_in_the_error(text: str) -> None:
    with pytest.raises(AudioFormatError) as caught:
        decode_base64(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        ("9.500s", 9500),
        ("9.500000001s", 9500),
        ("50s", 50000),
        ("0s", 0),
        ("-1.5s", -1500),
        *[(odd, None) for odd in (None, "", "1m", "xs", "infs", "nans", "1_0s", "\u00b2s", "1e9s", "9" * 5000 + "s")],
    ],
)
def test_durations_are_read_in_milliseconds(duration: str | None, milliseconds: int | None) -> None:
    assert parse_duration_ms(duration) == milliseconds


@given(st.none() | st.text() | st.from_regex(r"[0-9_.eE+-]{0,30}s"))
def test_any_duration_is_read_or_not(duration: str | None) -> None:
    parse_duration_ms(duration)


@pytest.mark.parametrize(
    "blob",
    [
        {"inlineData": {"data": "AAAA", "mimeType": "audio/pcm"}},
        {"inlineData": {"data": "AAAA"}},
        {"inline_data": {"data": "AAAA"}},
        {"realtimeInput": {"audio": {"data": "AAAA"}}},
        {"realtime_input": {"media_chunks": [{"data": "AAAA"}]}},
        {"functionResponses": [{"parts": [{"inlineData": {"data": "AAAA", "mime_type": "image/png"}}]}]},
        {"replicatedVoiceConfig": {"voiceSampleAudio": "AAAA", "consentAudio": "AAAA"}},
        {"avatar_config": {"customized_avatar": {"image_data": "AAAA"}}},
    ],
)
def test_media_is_left_out_wherever_a_message_has_it(blob: dict[str, Any]) -> None:
    before = json.dumps(blob)
    assert json.dumps(without_media({"a": [blob]})) == json.dumps({"a": [blob]}).replace("AAAA", "")
    assert json.dumps(blob) == before


def test_data_that_is_no_media_stays() -> None:
    message = {"toolCall": {"functionCalls": [{"args": {"data": "text", "audio": "loud", "x": [None, 1]}}]}}
    assert without_media(message) == message


def test_media_is_left_out_however_deep_a_message_is() -> None:
    message: dict[str, Any] = {"inlineData": {"data": "AAAA"}}
    for _ in range(50_000):
        message = {"a": [message]}
    bare = without_media(message)
    for _ in range(50_000):
        bare = bare["a"][0]
    assert bare == {"inlineData": {"data": ""}}


def test_a_frame_is_parsed_once_and_only_when_asked() -> None:
    frame = Frame(b'{"a": 1}')
    assert frame.parsed() is frame.parsed()
    assert frame.parsed() == {"a": 1}


def audio_frame_of(text: str, role: str = "") -> bytes:
    parts = [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": text}}]
    return json.dumps({"serverContent": {"modelTurn": {"parts": parts, **({"role": role} if role else {})}}}).encode()


def test_audio_is_found_in_frames_that_differ_in_nothing_but_the_audio() -> None:
    frames = AudioFrames()
    assert frames.find(audio_frame_of("AAAA")) is None
    frames.learn(audio_frame_of("AAAA"), "AAAA", 24000)
    assert frames.find(audio_frame_of("BBBBCCCC")) == "BBBBCCCC"
    assert frames.find(audio_frame_of("")) == ""
    assert frames.rate_hz == 24000


@pytest.mark.parametrize(
    "other",
    [
        b"",
        audio_frame_of("AAAA", role="model"),
        audio_frame_of("AAAA")[:-1],
        audio_frame_of("AAAA").replace(b"AAAA", b'A","displayName":"A'),
        audio_frame_of("AAAA").replace(b"AAAA", b"\\u0041AAA"),
        audio_frame_of("AAAA").replace(b"AAAA", b"\xffAAA"),
    ],
)
def test_any_other_frame_is_left_to_be_parsed(other: bytes) -> None:
    frames = AudioFrames()
    frames.learn(audio_frame_of("AAAA"), "AAAA", 24000)
    assert frames.find(other) is None


def test_nothing_is_learnt_from_a_frame_that_says_the_same_elsewhere() -> None:
    frames = AudioFrames()
    frames.learn(audio_frame_of("model", role="model"), "model", 24000)
    assert frames.find(audio_frame_of("AAAA", role="model")) is None
    assert frames.find(audio_frame_of("model", role="AAAA")) is None
