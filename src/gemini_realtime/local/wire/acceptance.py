"""Whether a model takes what a client sets up."""

from __future__ import annotations

import re
from typing import Final

from gemini_realtime.checking import shown, spelling_remedy
from gemini_realtime.local.wire.declarations import check_declarations
from gemini_realtime.local.wire.profiles import ServiceProfile
from gemini_realtime.local.wire.refusals import (
    BEHAVIOR_REFUSED,
    CODE_EXECUTION_REFUSED,
    COMPRESSION_RANGE,
    INVALID_ARGUMENT,
    MODALITIES,
    MODEL_MISSING,
    MODEL_NOT_LIVE,
    MOOD_REFUSED,
    NOT_LIVE,
    OUTPUT_TOKENS,
    THINKING_LEVEL_MISSING,
    THINKING_LEVEL_REFUSED,
    THINKING_ON_VERTEX,
    THINKING_REFUSED,
    VOICE_UNKNOWN,
    VOICE_WITHOUT_AUDIO,
    Refused,
)
from gemini_realtime.protocol import families, messages
from gemini_realtime.protocol.families import HALF_CASCADE

_NOT_LIVE: Final = re.compile(r"gemini-[\d.]+-(pro|flash|flash-lite)(-(latest|preview|exp|\d{3}))?")
"""Source: the model list at https://ai.google.dev/gemini-api/docs/models: models of the Live API say `live` or
`native-audio` in their names, but for `gemini-2.0-flash-exp`."""
_LIVE_ALL_THE_SAME: Final = "gemini-2.0-flash-exp"

_VOICES: Final = (
    "Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe", "Enceladus",
    "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia", "Achernar", "Alnilam",
    "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat",
)  # fmt: skip
"""Source: https://ai.google.dev/gemini-api/docs/speech-generation#voices."""

_UNSAID: Final[tuple[object, ...]] = (None, False, "", [])
"""In proto3 an empty list is none, and most of what is false or empty is not told from what is absent."""

_VERTEX_TRIGGER_TOKENS: Final = range(5_000, 128_001)


def check_setup(setup: messages.Setup, profile: ServiceProfile, version: str = "") -> None:
    """Refuse what is known to be refused, and nothing else.

    Args:
        setup: as it came.
        profile: of the model.
        version: of the API, for the service's words.

    Raises:
        Refused: the first fault that is found.
    """
    _check_model(setup.model, version)
    generation = setup.generation_config or messages.GenerationConfig()
    _check_modalities(generation.response_modalities or [], profile)
    _check_thinking(generation.thinking_config, profile)
    _check_generation(generation, profile)
    takes_mood = profile.family.affective_dialog or profile.refuses_mood_late
    if generation.enable_affective_dialog and not takes_mood:
        raise Refused(MOOD_REFUSED)
    check_tools(setup.tools or [], profile, "setup.tools")
    _check_detection(setup.realtime_input_config)
    _check_compression(setup.context_window_compression, profile)


def check_tools(tools: list[messages.Tool], profile: ServiceProfile, where: str) -> None:
    """Refuse functions that cannot be as they are declared, and tools that the model does not have.

    Args:
        tools: as they came.
        profile: of the model.
        where: the path to them.

    Raises:
        Refused: the first fault that is found.
    """
    check_declarations(tools, where)
    refused = profile.family.tools_refused
    if "codeExecution" in refused and any(tool.code_execution is not None for tool in tools):
        raise Refused(CODE_EXECUTION_REFUSED)
    for function in (function for tool in tools for function in tool.function_declarations or []):
        if function.behavior not in (None, "UNSPECIFIED", *profile.family.behaviors):
            raise Refused(BEHAVIOR_REFUSED)


def no_such_model(model: str, version: str) -> Refused:
    """What the service says to a model that it does not have."""
    return Refused(MODEL_NOT_LIVE, model=model, version=version or "v1beta")


def _check_model(model: str, version: str) -> None:
    name = model.rpartition("/")[2]
    if not name:
        raise Refused(MODEL_MISSING)
    if _NOT_LIVE.fullmatch(name) and name != _LIVE_ALL_THE_SAME:
        raise no_such_model(model, version)


def _check_generation(generation: messages.GenerationConfig, profile: ServiceProfile) -> None:
    names = zip(generation.__struct_fields__, generation.__struct_encode_fields__, strict=True)
    given = {wire_name: value for name, wire_name in names if (value := getattr(generation, name)) not in _UNSAID}
    # livekit-plugins-google 1.8.9 sets `candidateCount` to 1 in every session, and is answered.
    if given.get("candidateCount") == 1:
        del given["candidateCount"]
    if families.NOT_LIVE & given.keys():
        raise Refused(NOT_LIVE)
    if generation.max_output_tokens is not None and generation.max_output_tokens <= 0:
        raise Refused(OUTPUT_TOKENS)
    modality = next(iter(generation.response_modalities or []), "MODALITY_UNSPECIFIED")
    speaks = modality in ("AUDIO", "VIDEO")
    unsaid = modality == "MODALITY_UNSPECIFIED" and not profile.family.voice_needs_modality
    voiced = generation.speech_config is not None and generation.speech_config.voice_config is not None
    if voiced and not speaks and not unsaid:
        raise Refused(VOICE_WITHOUT_AUDIO)
    _check_voice(generation.speech_config, profile)


def _check_voice(speech: messages.SpeechConfig | None, profile: ServiceProfile) -> None:
    prebuilt = speech.voice_config.prebuilt_voice_config if speech and speech.voice_config else None
    name = prebuilt.voice_name if prebuilt else None
    if profile.vertex and name and name.capitalize() not in _VOICES:
        raise Refused(VOICE_UNKNOWN, note=f"there is no voice {shown(name)}: {spelling_remedy(name, _VOICES)}")


def _check_modalities(modalities: list[str], profile: ServiceProfile) -> None:
    if len(modalities) > 1 or not set(modalities) <= {*profile.family.modalities, "MODALITY_UNSPECIFIED"}:
        raise Refused(MODALITIES, modalities=", ".join(modalities))


def _check_thinking(thinking: messages.ThinkingConfig | None, profile: ServiceProfile) -> None:
    level = thinking.thinking_level if thinking else None
    levels = profile.family.thinking_levels or (level,)
    if thinking is not None and profile.vertex and profile.family is HALF_CASCADE:
        raise Refused(THINKING_ON_VERTEX)
    if profile.family.thinking == "level_required" and level in (None, "THINKING_LEVEL_UNSPECIFIED"):
        raise Refused(THINKING_LEVEL_MISSING)
    if thinking is not None and profile.family.thinking == "none":
        raise Refused(THINKING_REFUSED if level is None else THINKING_LEVEL_REFUSED)
    if level is not None and (profile.family.thinking == "budget" or level not in levels):
        raise Refused(THINKING_REFUSED)


def _check_detection(realtime: messages.RealtimeInputConfig | None) -> None:
    detection = realtime.automatic_activity_detection if realtime else None
    if detection and min(detection.prefix_padding_ms or 0, detection.silence_duration_ms or 0) < 0:
        raise Refused(INVALID_ARGUMENT)


def _check_compression(compression: messages.ContextWindowCompressionConfig | None, profile: ServiceProfile) -> None:
    trigger = compression.trigger_tokens if compression else None
    if profile.vertex and trigger is not None and int(trigger) not in _VERTEX_TRIGGER_TOKENS:
        raise Refused(COMPRESSION_RANGE)
