"""The service's own protobuf types, as the judge of what we read and write."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from google.protobuf import descriptor, json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

service = pytest.importorskip("google.ai.generativelanguage_v1beta", reason="the official protobuf types")

ServerMessage: type[Message] = service.BidiGenerateContentServerMessage.pb()
ClientMessage: type[Message] = service.BidiGenerateContentClientMessage.pb()
Setup: type[Message] = service.BidiGenerateContentSetup.pb()

# What google-genai 3.4 and the reference pages have and these types, frozen in late 2025, do not.
NEWER_FIELDS = {
    "contextUpdate", "labels", "historyConfig", "explicitVadSignal", "transparent", "enableAffectiveDialog",
    "translationConfig", "replicatedVoiceConfig", "proactivity", "avatarConfig", "safetySettings", "thinkingLevel",
    "languageCodes", "customVocabulary", "mode", "wordTimestamp", "diarization",
}  # fmt: skip


def parse(frame: Any, kind: type[Message]) -> Message:
    """Strict: an unknown field, a wrong enum value or two members of a oneof raise."""
    return json_format.ParseDict(frame, kind())


def without_newer_fields(value: Any) -> Any:
    """The frame without what these types are too old for."""
    if isinstance(value, dict):
        return {name: without_newer_fields(v) for name, v in value.items() if name not in NEWER_FIELDS}
    if isinstance(value, list):
        return [without_newer_fields(item) for item in value]
    return value


def messages_of(kind: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    """Frames, as JSON dicts, of every shape that a message type can have."""
    return _message(kind.DESCRIPTOR, 0)  # type: ignore[arg-type]


def _message(kind: descriptor.Descriptor, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    special = _WELL_KNOWN.get(kind.full_name)
    if special is not None:
        return special
    chosen: dict[str, st.SearchStrategy[Any]] = {}
    oneofs = {o.name: [f.name for f in o.fields] for o in kind.oneofs if len(o.fields) > 1}
    for field in kind.fields:
        if depth < 4 or field.type != FieldDescriptor.TYPE_MESSAGE:
            chosen[field.json_name] = _field(field, depth)
    by_json_name = {field.json_name: field.name for field in kind.fields}

    def one_of_each(drawn: dict[str, Any]) -> dict[str, Any]:
        taken: set[str] = set()
        kept = {}
        for name, value in drawn.items():
            group = next((g for g, members in oneofs.items() if by_json_name[name] in members), None)
            if group is None or group not in taken:
                kept[name] = value
                if group:
                    taken.add(group)
        return kept

    names = st.lists(st.sampled_from(sorted(chosen)), max_size=4, unique=True) if chosen else st.just([])
    return names.flatmap(lambda some: st.fixed_dictionaries({name: chosen[name] for name in some})).map(one_of_each)


def _field(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:  # a repeated pair on the wire, an object in JSON
        keys, values = entry.fields_by_name["key"], entry.fields_by_name["value"]
        return st.dictionaries(_single(keys, depth), _single(values, depth), max_size=3)
    value = _single(field, depth)
    return st.lists(value, max_size=3) if field.is_repeated else value


def _single(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        nested = field.message_type
        assert nested is not None
        return st.deferred(lambda: _message(nested, depth + 1))
    if field.type == FieldDescriptor.TYPE_ENUM:
        assert field.enum_type is not None
        return st.sampled_from([value.name for value in field.enum_type.values])
    return _SCALARS[field.cpp_type] if field.type != FieldDescriptor.TYPE_BYTES else _BASE64


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_BASE64 = st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode())
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: _TEXT,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1).map(str),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(-1e6, 1e6, width=32).map(_float32),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(-1e9, 1e9),
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(-1e6, 1e6) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_WELL_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "google.protobuf.Struct": st.dictionaries(_TEXT, _JSON, max_size=3),
    "google.protobuf.Value": _JSON.filter(lambda value: value is not None),
    "google.protobuf.ListValue": st.lists(_JSON, max_size=3),
    "google.protobuf.Duration": st.integers(0, 10**6).map(lambda ms: f"{ms // 1000}.{ms % 1000:03d}s"),
    "google.protobuf.Timestamp": st.just("2026-11-01T00:00:00Z"),
}
