"""Client and embedded server stand on the same facts about models: what the one refuses, the other closes on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError, UnsupportedByModel
from gemini_realtime.local.wire.acceptance import check_setup
from gemini_realtime.local.wire.api import Api
from gemini_realtime.local.wire.profiles import profile_of
from gemini_realtime.local.wire.refusals import Refused
from gemini_realtime.protocol.codec import encode
from gemini_realtime.protocol.endpoint import Service, Vertex
from gemini_realtime.protocol.families import FAMILIES, NOT_LIVE
from gemini_realtime.protocol.messages import Setup
from gemini_realtime.protocol.models import profile_for, refuse
from gemini_realtime.protocol.options import check_options
from tests.protocol.test_schema import ANY_SCHEMA, NAMES, schemas

MODELS = [family.names[0] for family in FAMILIES if family.gone is None]
FUNCTION = {"name": "f", "description": "d"}
VOICE = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")

GENERATION: list[dict[str, Any]] = [
    {},
    {"responseModalities": ["AUDIO"]},
    {"responseModalities": ["TEXT"]},
    {"responseModalities": ["AUDIO", "TEXT"]},
    {"responseModalities": ["AUDIO"], "speechConfig": VOICE},
    {"responseModalities": ["TEXT"], "speechConfig": VOICE},
    {"speechConfig": VOICE},
    {"speechConfig": {"languageCode": "en-US"}},
    {"thinkingConfig": {"includeThoughts": True}},
    {"thinkingConfig": {"thinkingBudget": 0}},
    *({"thinkingConfig": {"thinkingLevel": level}} for level in LEVELS),
    *({name: 1} for name in sorted(NOT_LIVE & {"candidateCount", "logprobs"})),
    {"stopSequences": ["x"]},
    {"responseSchema": {"type": "STRING"}},
    {"responseJsonSchema": {}},
]
SETUPS: list[dict[str, Any]] = [
    *({"generationConfig": generation} for generation in GENERATION),
    {"proactivity": {"proactiveAudio": True}},
    *({"tools": [{name: {}}]} for name in ("googleSearch", "codeExecution", "urlContext")),
    {"tools": [{"functionDeclarations": [FUNCTION]}]},
    {"tools": [{"functionDeclarations": [{**FUNCTION, "behavior": "BLOCKING"}]}]},
    {"tools": [{"functionDeclarations": [{**FUNCTION, "behavior": "NON_BLOCKING"}]}]},
]


CAUTION = {
    "thinkingBudget": {"3.1-flash-live", "3.8-live-extended-thinking"},
    "tools": {"3.5-translate"},
}
"""Where the client goes by documentation alone: the service may take these, but not as the application means them. What
it does is not known, so the server lets them pass. Sources: https://ai.google.dev/gemini-api/docs/live-guide and
https://ai.google.dev/gemini-api/docs/live-api/live-translate."""


def is_caution(setup: dict[str, Any]) -> bool:
    family = profile_for(setup["model"]).name
    if setup.get("generationConfig", {}).get("candidateCount") == 1:
        return True  # what every session has anyway: an application that asks for it means something else
    thinking = setup.get("generationConfig", {}).get("thinkingConfig", {})
    return any(family in CAUTION[name] for name in ("thinkingBudget", "tools") if name in thinking or name in setup)


def client_refuses(setup: dict[str, Any], service: Service) -> bool:
    try:
        refuse({"generationConfig": {}, **setup}, profile_for(service.model), service)
    except UnsupportedByModel:
        return True
    return False


def server_refuses(setup: dict[str, Any], service: Service) -> bool:
    api = Api(service.api_version, vertex=service.vertex is not None)
    try:
        api.check_fields(encode({"setup": setup}))
        check_setup(msgspec.convert(setup, Setup), profile_of(service.model), service.api_version)
    except Refused:
        return True
    return False


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("api_version", ["v1beta", "v1alpha"])
def test_client_and_server_refuse_the_same_of_the_gemini_api(
    model: str, setup: dict[str, Any], api_version: str
) -> None:
    service = Service(model=f"models/{model}", api_version=api_version)
    setup = with_level({"model": service.model, **setup})
    assert client_refuses(setup, service) == (server_refuses(setup, service) or is_caution(setup))


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-live-2.5-flash-native-audio"])
def test_client_and_server_refuse_the_same_of_vertex(model: str, setup: dict[str, Any]) -> None:
    name = f"projects/p/locations/l/publishers/google/models/{model}"
    service = Service(model=name, api_version="v1beta1", vertex=Vertex(project="p", location="l"))
    setup = with_level({"model": name, **setup})
    assert client_refuses(setup, service) == (server_refuses(setup, service) or is_caution(setup))


@settings(deadline=None, max_examples=50)
@given(schemas(ANY_SCHEMA), st.dictionaries(NAMES, ANY_SCHEMA, min_size=1, max_size=3))
def test_any_function_that_the_client_declares_is_one_the_server_takes(
    document: dict[str, Any], properties: dict[str, Any]
) -> None:
    document |= {
        "type": "object",
        "properties": properties,
        "$defs": {"A": {"type": "integer"}, "B": {"type": "array"}},
    }
    for keyword in ("$ref", "anyOf", "oneOf", "allOf", "enum", "const"):
        document.pop(keyword, None)
    try:
        tools = check_options({"tools": [{"name": "f", "parameters": document}]})["tools"]
    except ConfigError as error:
        if "a finite number of 64 bits" in str(error):
            return
        raise
    check_setup(msgspec.convert({"model": "models/gemini-3.8-live", "tools": tools}, Setup), SERVER_3_8, "v1beta")


SERVER_3_8 = profile_of("models/gemini-3.8-live")


def with_level(setup: dict[str, Any]) -> dict[str, Any]:
    """With the level of thinking that a model insists on, which the client adds where none was asked for."""
    profile = profile_for(setup["model"])
    generation = setup.get("generationConfig", {})
    if profile.thinking != "level_required":
        return setup
    thinking = {"thinkingLevel": profile.default_thinking_level, **generation.get("thinkingConfig", {})}
    return {**setup, "generationConfig": {**generation, "thinkingConfig": thinking}}
