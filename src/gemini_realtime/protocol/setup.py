"""Session options to the setup message; refuses what the service is known to refuse.

Of two options for the same thing the narrower wins: `voice` over `speech_config` over `generation_config`.

Source: https://ai.google.dev/api/live#BidiGenerateContentSetup, google-genai 3.4.0 and `models.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.endpoint import Service, model_resource
from gemini_realtime.protocol.fields import wire_name
from gemini_realtime.protocol.messages import (
    Content,
    ContextUpdate,
    ContextUpdateTools,
    GenerationConfig,
    Message,
    Setup,
    Tool,
)
from gemini_realtime.protocol.models import ModelProfile, refuse, refuse_tools
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.parts import refuse_turn
from gemini_realtime.protocol.proto_json import fields_of

Json = dict[str, Any]


def build_setup(service: Service, options: SessionOptions, profile: ModelProfile) -> Json:
    """The body of the `setup` message.

    Args:
        service: where it goes.
        options: of the session.
        profile: what the model accepts.

    Raises:
        ConfigError, UnsupportedByModel: the service is known to refuse it.
    """
    given = options.given
    setup: Json = {"model": model_resource(service), "generationConfig": _generation(options, profile)}
    setup |= _defaults(given, profile, setup["generationConfig"].get("responseModalities"))
    for name in Setup.__struct_fields__:
        if name in given and name != "generation_config":
            setup[wire_name(Setup, name)] = given[name]
    if "turn_detection" in given:
        setup["realtimeInputConfig"] = {**(setup.get("realtimeInputConfig") or {}), **given["turn_detection"]}
    if given.get("tool_choice") == "none":
        setup.pop("tools", None)
    setup = {name: value for name, value in setup.items() if value is not None and value != []}
    refuse(setup, profile, service)
    for index, turn in enumerate(options.history):
        refuse_turn(turn.parts, profile, f"history[{index}].parts")
    return _overlaid(setup, given.get("setup") or {})


def context_update(changed: Mapping[str, Any], profile: ModelProfile) -> ContextUpdate:
    """New instructions or tools in mid-session; no tools removes them.

    Args:
        changed: `system_instruction`, `tools` or both, as `check_options` returns them; None keeps what is there.
        profile: what the model accepts.

    Raises:
        ConfigError: neither is given.
        UnsupportedByModel: tools that the model is known to refuse.
    """
    instructions, tools = changed.get("system_instruction"), changed.get("tools")
    if instructions is None and tools is None:
        raise ConfigError("there is nothing to update", remedy="give `instructions`, `tools` or both")
    update = ContextUpdate()
    if instructions is not None:
        update.system_instruction = msgspec.convert(instructions, Content)
    if tools is not None:
        refuse_tools(tools, profile)
        update.tools = ContextUpdateTools(tools=msgspec.convert(tools, list[Tool]))
    return update


def _defaults(given: Json, profile: ModelProfile, modalities: Any) -> Json:
    """What is on unless switched off: both transcripts, which a transcript of the conversation needs, and handles to
    resume the session with."""
    defaults: Json = {"inputAudioTranscription": {}}
    if modalities != ["TEXT"]:
        defaults["outputAudioTranscription"] = {}
    if profile.conversational:
        defaults["sessionResumption"] = {}
    if given.get("history") and profile.history_needs_config:
        defaults["historyConfig"] = {"initialHistoryInClientContent": True}
    return defaults


def _generation(options: SessionOptions, profile: ModelProfile) -> Json:
    given = options.given
    generation: Json = {"responseModalities": [profile.modalities[0]]}
    if profile.conversational:
        generation["temperature"] = options.temperature
    generation |= given.get("generation_config") or {}
    for name in GenerationConfig.__struct_fields__:
        if name in given:
            generation[wire_name(GenerationConfig, name)] = given[name]
    generation["speechConfig"] = _speech(options, profile, generation) or None
    thinking = generation.get("thinkingConfig") or {}
    if profile.thinking == "level_required" and "thinkingLevel" not in thinking:
        generation["thinkingConfig"] = {**thinking, "thinkingLevel": profile.default_thinking_level}
    return {name: value for name, value in generation.items() if value is not None and value != []}


def _speech(options: SessionOptions, profile: ModelProfile, generation: Json) -> Json:
    given, speech = options.given, dict(generation.get("speechConfig") or {})
    modalities = generation.get("responseModalities")
    speaks = profile.conversational and ("TEXT" not in modalities if modalities else not profile.voice_needs_modality)
    voice = given.get("voice", options.voice if speaks and not speech.keys() & _VOICES else None)
    if voice is not None:
        speech["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": voice}}
    elif "voice" in given:
        speech.pop("voiceConfig", None)
    if "language_code" in given:
        speech["languageCode"] = given["language_code"]
    return {name: value for name, value in speech.items() if value is not None}


_VOICES = {"voiceConfig", "multiSpeakerVoiceConfig"}


def _overlaid(base: Json, overlay: Json, struct: type[Message] | None = Setup) -> Json:
    """`overlay` merged into `base`, object by object; None removes. Known names are respelled, others stay."""
    merged = dict(base)
    for name, value in overlay.items():
        field = fields_of(struct).get(name) if struct is not None else None
        spelled, nested = (field.wire_name, field.nested) if field is not None else (name, None)
        if value is None:
            merged.pop(spelled, None)
        elif isinstance(value, dict):
            below = merged.get(spelled)
            merged[spelled] = _overlaid(below if isinstance(below, dict) else {}, value, nested)
        else:
            merged[spelled] = value
    return merged
