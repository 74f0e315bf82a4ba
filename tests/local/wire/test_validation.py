"""What is read strictly, against the service's own protobuf types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.local.wire import fields
from gemini_realtime.local.wire.frames import read_client_frame
from gemini_realtime.local.wire.refusals import Refused
from gemini_realtime.local.wire.validation import conform
from tests.protocol import official

MISFITS: list[Any] = ["misfit", "1", 1, None, {}, ["misfit"], {"misfit": 1}, [None], -(2**70), 2**40]
"""Without what only the Python reader of JSON takes: an empty list for a message, 1.5 for an enum."""


def short(name: str) -> str:
    """The name of a protobuf type or enum as `fields` has it."""
    for prefix in ("google.ai.generativelanguage.v1beta.", "google.type.", "google.protobuf.", "BidiGenerateContent"):
        name = name.removeprefix(prefix)
    return name


def types_within(kind: Any) -> dict[str, Descriptor]:
    """Every message type that a message can hold, by its name here."""
    found: dict[str, Descriptor] = {}
    waiting = [kind]
    while waiting:
        at = waiting.pop()
        if short(at.full_name) not in found and not at.GetOptions().map_entry:
            found[short(at.full_name)] = at
        waiting += [
            field.message_type
            for field in at.fields
            if field.message_type and not field.message_type.full_name.startswith("google.protobuf")
            and short(field.message_type.full_name) not in found
        ]  # fmt: skip
    return found


TYPES = types_within(official.ClientMessage.DESCRIPTOR)


def official_line(kind: Descriptor) -> set[str]:
    """The fields of an official type as a line of `OFFICIAL` writes them."""
    line = set()
    for field in kind.fields:
        nested = field.message_type
        if nested is not None and nested.GetOptions().map_entry:
            value = nested.fields_by_name["value"]
            name = "{" + (short(value.message_type.full_name) if value.message_type else _scalar(value)) + "}"
        else:
            inner = nested or field.enum_type
            name = short(inner.full_name) if inner is not None else _scalar(field)
            name = f"[{name}]" if field.is_repeated else name
        oneof = field.containing_oneof
        group = f"/{oneof.name}" if oneof is not None and not oneof.name.startswith("_") else ""
        line.add(f"{field.json_name}:{name}{group}")
    return line


def _scalar(field: FieldDescriptor) -> str:
    names = {value: name[5:].lower() for name, value in vars(FieldDescriptor).items() if name.startswith("TYPE_")}
    return names[field.type]


def test_the_tables_are_those_of_the_official_types() -> None:
    assert {name: set(line.split()) for name, line in fields.OFFICIAL.items()} == {
        name: official_line(kind) for name, kind in TYPES.items()
    }
    enums = {
        short(field.enum_type.full_name): [value.name for value in field.enum_type.values]
        for kind in TYPES.values()
        for field in kind.fields
        if field.enum_type is not None
    }
    assert {name: line.split() for name, line in fields.ENUMS.items()} == enums


def test_no_newer_field_is_an_official_one_and_all_types_exist() -> None:
    for name, line in fields.NEWER.items():
        names = {entry.partition(":")[0] for entry in line.split()}
        assert not names & {entry.partition(":")[0] for entry in fields.OFFICIAL.get(name, "").split()}
        for field in fields.fields_of(name).values():
            scalar = {
                "string",
                "bytes",
                "bool",
                "int32",
                "int64",
                "float",
                "double",
                "Json",
                "Value",
                "Struct",
                "Duration",
                "Timestamp",
            }
            assert field.type in fields.MESSAGES | scalar or fields.values_of(field.type)


@settings(max_examples=100)
@given(official.messages_of(official.ClientMessage))
def test_what_the_official_types_take_is_taken(message: dict[str, Any]) -> None:
    read_client_frame(json.dumps(message))


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A message in which one value is replaced by something else."""
    message = json.loads(json.dumps(draw(official.messages_of(official.ClientMessage).filter(bool))))
    places: list[tuple[Any, Any]] = []
    waiting = [message]
    while waiting:
        at = waiting.pop()
        for key, value in at.items() if isinstance(at, dict) else enumerate(at):
            places.append((at, key))
            if isinstance(value, (dict, list)):
                waiting.append(value)
    holder, key = draw(st.sampled_from(places))
    holder[key] = draw(st.sampled_from(MISFITS))
    return message


@settings(max_examples=150)
@given(spoiled())
def test_what_the_official_types_refuse_is_refused(message: Any) -> None:
    try:
        official.parse(message, official.ClientMessage)
    except json_format.ParseError as error:
        if any(lenient in str(error) for lenient in NEWER_OR_SAME):
            return
        with pytest.raises(Refused):
            read_client_frame(json.dumps(message))
    else:
        read_client_frame(json.dumps(message))


NEWER_OR_SAME = ("Message type",)
"""An unknown field of an official type may be a newer one; those have a test of their own."""


@pytest.mark.parametrize("kind", TYPES)
def test_an_unknown_field_is_found_in_every_type(kind: str) -> None:
    with pytest.raises(Refused, match="Unknown name"):
        conform({"misfit": 1}, kind)


@pytest.mark.parametrize("enum", fields.ENUMS)
def test_an_unknown_value_is_found_in_every_enum(enum: str) -> None:
    message, field = next(
        (message, field)
        for message in fields.OFFICIAL
        for field in fields.fields_of(message).values()
        if field.type == enum
    )
    good, bad = fields.ENUMS[enum].split()[-1], "MISFIT"
    for value, taken in ((good, True), (good.lower(), True), (1, True), (bad, False), (None, True), (1.5, False)):
        member = [value] if field.repeated and value is not None else value
        if taken:
            conform({field.wire_name: member}, message)
        else:
            with pytest.raises(Refused):
                conform({field.wire_name: member}, message)


@pytest.mark.parametrize(
    ("message", "wire", "read"),
    [
        ("GenerationConfig", {"max_output_tokens": "5"}, {"maxOutputTokens": 5}),
        ("GenerationConfig", {"topK": 3.0, "temperature": "0.5"}, {"topK": 3, "temperature": 0.5}),
        ("GenerationConfig", {"responseModalities": ["audio"]}, {"responseModalities": ["AUDIO"]}),
        ("GenerationConfig", {"mediaResolution": 3}, {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}),
        ("GenerationConfig", {"mediaResolution": 99}, {"mediaResolution": "MEDIA_RESOLUTION_UNSPECIFIED"}),
        ("GenerationConfig", {"seed": None, "responseJsonSchema": None}, {"responseJsonSchema": None}),
        ("Schema", {"properties": {"any_name": {"type": "STRING"}}}, {"properties": {"any_name": {"type": "STRING"}}}),
        ("Setup", {"labels": {"snake_case": "x"}}, {"labels": {"snake_case": "x"}}),
        ("FunctionCall", {"args": {"snake_case": None}}, {"args": {"snake_case": None}}),
    ],
)
def test_json_is_read_as_proto3_json(message: str, wire: dict[str, Any], read: dict[str, Any]) -> None:
    assert conform(wire, message) == read
