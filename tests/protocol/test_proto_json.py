from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.protocol.codec import DecodeError, Frame, decode_server_message, encode
from gemini_realtime.protocol.messages import (
    Blob,
    FunctionCall,
    GenerationConfig,
    GoAway,
    ModalityTokenCount,
    ServerMessage,
    SetupComplete,
)
from gemini_realtime.protocol.proto_json import MAX_NESTING, UnknownField, read_message
from tests.protocol import official
from tests.protocol.frames import FULL, WRONG, Path, places, with_value


def beside(message: ServerMessage, path: Path) -> Any:
    """All of a message but what is in one place."""
    plain = msgspec.to_builtins(message)
    inner: Any = plain
    for step in path[:-1]:
        inner = inner[step]
    if isinstance(inner, dict):
        inner.pop(path[-1], None)
    else:  # an item that makes no sense is left out, so the places of the others are not what they were
        inner[:] = inner[-1:]
    return plain


FIRST_OF_EACH = [path for path in places(FULL) if not {"key", 1} & {*path}]


@pytest.mark.parametrize("path", FIRST_OF_EACH, ids=lambda path: ".".join(map(str, path)))
def test_a_value_of_a_wrong_type_costs_that_value_alone(path: Path) -> None:
    meant, _ = decode_server_message(json.dumps(FULL).encode())
    for wrong in WRONG:
        read, unread = decode_server_message(json.dumps(with_value(FULL, path, wrong)).encode())
        assert beside(read, path) == beside(meant, path), wrong
        msgspec.convert(msgspec.to_builtins(read), ServerMessage)  # every value is of its field's type
        assert decode_server_message(encode(read))[0] == read
        assert all(isinstance(field, UnknownField) for field in unread)


def test_a_value_that_makes_no_sense_is_named_with_its_place() -> None:
    frame = {"serverContent": {"modelTurn": {"parts": [{"text": "hi", "inlineData": 7}, 3]}, "turnComplete": {}}}
    message, unread = decode_server_message(json.dumps(frame).encode())
    assert message.server_content is not None
    assert message.server_content.model_turn is not None
    assert [part.text for part in message.server_content.model_turn.parts] == ["hi"]
    assert set(unread) == {
        UnknownField("server_content.model_turn.parts[0]", "inlineData"),
        UnknownField("server_content.model_turn.parts", "[1]"),
        UnknownField("server_content", "turnComplete"),
    }


@pytest.mark.parametrize(
    ("value", "meant"),
    [("12", 12), (12.0, 12), ("12.0", 12), ("1e2", 100), ("-3", -3), ("9223372036854775807", 2**63 - 1)],
)
def test_a_whole_number_is_read_in_every_form_that_json_gives_it(value: Any, meant: int) -> None:
    read = read_message({"tokenCount": value}, ModalityTokenCount, "", [])
    assert read.token_count == meant


@pytest.mark.parametrize(
    "value", [12.5, "12.5", 1e300, 2**63, True, "", " 1", "0x1", "1_000", "\u0661", "NaN", "9" * 5000]
)
def test_what_is_no_whole_number_is_left_out(value: Any) -> None:
    unread: list[UnknownField] = []
    assert read_message({"tokenCount": value}, ModalityTokenCount, "", unread).token_count == 0
    assert unread == [UnknownField("", "tokenCount")]


@pytest.mark.parametrize(
    ("value", "meant"), [("1.5", 1.5), (1, 1.0), ("Infinity", float("inf")), ("-Infinity", -float("inf")), ("x", None)]
)
def test_a_real_number_is_read_in_every_form_that_json_gives_it(value: Any, meant: float | None) -> None:
    assert read_message({"temperature": value}, GenerationConfig, "", []).temperature == meant


@pytest.mark.parametrize(
    ("value", "meant"), [(4, "AUDIO"), ("4", "AUDIO"), (99, "99"), ("SMELL", "SMELL"), ([], "MODALITY_UNSPECIFIED")]
)
def test_an_enum_is_read_by_name_and_by_number(value: Any, meant: str) -> None:
    assert read_message({"modality": value}, ModalityTokenCount, "", []).modality == meant


def test_the_numbers_of_enums_are_the_official_ones() -> None:
    for number in range(6):
        count = read_message({"modality": number}, ModalityTokenCount, "", [])
        frame = {"usageMetadata": {"promptTokensDetails": [{"modality": number}]}}
        meant: Any = official.parse(frame, official.ServerMessage)
        (detail,) = meant.usage_metadata.prompt_tokens_details
        assert count.modality == detail.DESCRIPTOR.fields_by_name["modality"].enum_type.values_by_number[number].name


@pytest.mark.parametrize(
    ("value", "meant"), [("true", True), ("False", False), (1, True), (0, False), (2, False), ("yes", False)]
)
def test_a_truth_is_read_as_text_and_as_a_number(value: Any, meant: bool) -> None:
    message, _ = decode_server_message(json.dumps({"serverContent": {"turnComplete": value}}).encode())
    assert message.server_content is not None
    assert message.server_content.turn_complete is meant


@pytest.mark.parametrize("value", [True, [], "yes", 1, 0, ""])
def test_what_tells_by_its_presence_is_there_whatever_it_holds(value: Any) -> None:
    message, _ = decode_server_message(
        json.dumps({"setupComplete": value, "goAway": value, "toolCall": value}).encode()
    )
    assert (message.setup_complete, message.go_away) == (SetupComplete(), GoAway())
    assert message.tool_call is None


@pytest.mark.parametrize("value", [None, False])
def test_what_is_denied_is_not_there(value: Any) -> None:
    message, _ = decode_server_message(json.dumps({"setupComplete": value, "goAway": value}).encode())
    assert (message.setup_complete, message.go_away) == (None, None)


def test_a_number_where_text_is_expected_is_its_text() -> None:
    assert read_message({"id": 7, "name": "f"}, FunctionCall, "", []) == FunctionCall(id="7", name="f")


def test_a_sensible_value_is_not_undone_by_its_other_spelling() -> None:
    unread: list[UnknownField] = []
    value = {"mimeType": "audio/pcm", "mime_type": {}, "data": "AAAA"}
    assert read_message(value, Blob, "", unread) == Blob(mime_type="audio/pcm", data="AAAA")
    assert unread == [UnknownField("", "mime_type")]


def frame_with(value: bytes) -> bytes:
    """Content, and a value beside it."""
    return (
        b'{"serverContent":{"turnComplete":true,"groundingMetadata":{"x":%b},"outputTranscription":{"text":"hi"}}}'
        % value
    )


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        (b'"\\ud800"', "\ufffd"),
        (b'"a\\uDC00b"', "a\ufffdb"),
        (b'"\\ud83c\\udfa4"', "\U0001f3a4"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\xff"', "\ufffd"),
        (b'"\n"', "\n"),
        (b"9" * 5000, "9" * 5000),
        (b"1e999", "1e999"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
    ],
)
def test_a_value_that_is_no_json_costs_that_value_alone(value: bytes, parsed: Any) -> None:
    data = frame_with(value)
    message, unread = decode_server_message(data)
    assert unread == []
    assert message.server_content is not None
    assert message.server_content.turn_complete
    assert message.server_content.output_transcription is not None
    assert message.server_content.output_transcription.text == "hi"
    assert message.server_content.grounding_metadata == {"x": parsed}
    assert Frame(data).parsed()["serverContent"]["groundingMetadata"] == {"x": parsed}
    encode(message)


@pytest.mark.parametrize("depth", [10, 500, 900, 1000, 5000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"\\"[":', b"}")])
def test_nesting_of_any_depth_costs_no_neighbour(depth: int, opening: bytes, closing: bytes) -> None:
    message, _ = decode_server_message(frame_with(opening * depth + b"1" + closing * depth))
    assert message.server_content is not None
    assert message.server_content.turn_complete
    assert message.server_content.output_transcription is not None
    nested: Any = message.server_content.grounding_metadata
    levels = 0
    while isinstance(nested, list | dict):
        nested = nested[0] if isinstance(nested, list) else next(iter(nested.values()))
        levels += 1
    assert levels == depth + 1 if nested == 1 else nested is None and levels > MAX_NESTING - 5


json_text = st.recursive(
    st.sampled_from([b"1", b'"x"', b"null", b'"\\ud800"', b"9" * 5000, b"NaN", b'"\xff"', b'"\\\\"', b"true"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: b"[%b]" % b",".join(items))
        | st.lists(inner, max_size=3).map(lambda items: b"{%b}" % b",".join(b'"k":' + item for item in items))
    ),
    max_leaves=5,
)


@settings(derandomize=True, deadline=None)
@given(json_text)
def test_any_odd_value_leaves_its_neighbours_alone(value: bytes) -> None:
    message, _ = decode_server_message(frame_with(value))
    assert message.server_content is not None
    assert message.server_content.turn_complete


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:\\u0d8', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        message, _ = decode_server_message(data)
    except DecodeError:
        assert Frame(data).parsed() == {}
    else:
        encode(message)
