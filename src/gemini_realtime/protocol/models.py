"""What each Gemini model accepts: one profile per family, and the setups that the service is known to refuse.

A name that is not in the table gets the permissive profile: it refuses nothing, because nothing is known.

Sources, named in the profiles:
    guide    https://ai.google.dev/gemini-api/docs/live-guide (table "Model comparison")
    pages    https://ai.google.dev/gemini-api/docs/models/<model>
    vertex   https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/live-api
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple

import msgspec

from gemini_realtime.errors import UnsupportedByModel
from gemini_realtime.protocol.endpoint import GEMINI_API_VERSION, Config

Json = dict[str, Any]

ThinkingLevel = Literal["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"]


class ModelProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What one family of models accepts; every default is the permissive choice.

    Attributes:
        family: what people call it.
        names: how the model names of the family begin, without any resource prefix.
        known: False for names that are not in the table; nothing is refused then.
        gone: the date (ISO) Google switched the family off, None while it is on.
        response_modalities: what it can answer with, the default first; one of them per session.
        conversational: whether it is an assistant with a voice; the others get no voice, temperature or resumption
            unless asked for.
        instructions: whether it takes system instructions and tools.
        text_input: whether it takes text at all.
        text_via_realtime_input: whether text of the user must travel as `realtimeInput.text`.
        client_content: whether `clientContent` may come at any time, or only as history before the first turn.
        history_needs_config: whether seeded history needs `historyConfig.initialHistoryInClientContent`.
        thinking: which of the two ways to steer thinking it takes.
        thinking_levels: the levels it takes; empty when it takes none.
        default_thinking_level: the level to send when none was asked for and the model insists on one.
        affective_dialog: whether it takes `enableAffectiveDialog`.
        proactivity: whether it takes `proactivity`.
        tool_behavior: whether its function calls may be BLOCKING (`sync`), NON_BLOCKING (`async_only`) or either
            (`async`).
        default_tool_behavior: what a declaration without `behavior` means; None when unknown.
        gemini_api_tools: the server-side tools it has on the Gemini API; None when unknown. Vertex has its own list.
        language_code: whether `speechConfig.languageCode` is heard on the Gemini API.
        context_update: whether `contextUpdate` is documented for it (Vertex only so far); None when nobody says.
        interaction_status: whether a turn may be a filler, followed by the real one: `turnComplete` comes with
            `interactionStatus`, and only IDLE is the end.
    """

    family: str
    names: tuple[str, ...] = ()
    known: bool = True
    gone: str | None = None
    response_modalities: tuple[str, ...] = ("AUDIO", "TEXT", "VIDEO")
    conversational: bool = True
    instructions: bool = True
    text_input: bool = True
    text_via_realtime_input: bool = False
    client_content: Literal["any", "first_turn_only"] = "any"
    history_needs_config: bool = False
    thinking: Literal["any", "none", "budget", "level", "level_required"] = "any"
    thinking_levels: tuple[ThinkingLevel, ...] = ()
    default_thinking_level: ThinkingLevel = "MEDIUM"
    affective_dialog: bool = True
    proactivity: bool = True
    tool_behavior: Literal["any", "sync", "async", "async_only"] = "any"
    default_tool_behavior: Literal["BLOCKING", "NON_BLOCKING"] | None = None
    gemini_api_tools: tuple[str, ...] | None = None
    language_code: bool = True
    context_update: bool | None = None
    interaction_status: bool = False


# guide. Its proactive audio and affective dialog need `api_version` v1alpha on the Gemini API: see setup.
NATIVE_AUDIO_2_5 = ModelProfile(
    family="Gemini 2.5 native audio",
    names=(
        "gemini-2.5-flash-native-audio",
        "gemini-2.5-flash-preview-native-audio",
        "gemini-2.5-flash-exp-native-audio",
        "gemini-live-2.5-flash-native-audio",  # the name on Vertex
        "gemini-live-2.5-flash-preview-native-audio",
    ),
    response_modalities=("AUDIO",),
    thinking="budget",
    tool_behavior="async",
    default_tool_behavior="BLOCKING",
    language_code=False,
)

# guide; pages/gemini-3.1-flash-live-preview. clientContent outside the seeding is closed with 1007.
LIVE_3_1 = ModelProfile(
    family="Gemini 3.1 Flash Live",
    names=("gemini-3.1-flash-live",),
    response_modalities=("AUDIO",),
    text_via_realtime_input=True,
    client_content="first_turn_only",
    history_needs_config=True,
    thinking="level",
    thinking_levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    affective_dialog=False,
    proactivity=False,
    tool_behavior="sync",
    default_tool_behavior="BLOCKING",
    gemini_api_tools=("googleSearch",),
    language_code=False,
)

# guide ("thinkingLevel is not supported (omit from setup)"); pages/gemini-3.8-live. VIDEO is the avatar, on Vertex.
# It is proactive by itself and refuses the field.
LIVE_3_8 = ModelProfile(
    family="Gemini 3.8 Live",
    names=("gemini-3.8-live",),
    response_modalities=("AUDIO", "VIDEO"),
    thinking="none",
    affective_dialog=False,
    proactivity=False,
    tool_behavior="async",
    default_tool_behavior="NON_BLOCKING",
    gemini_api_tools=("googleSearch",),
    language_code=False,
    context_update=True,
)

# guide ("low, medium, high; minimal is not supported"); pages/gemini-3.8-live-extended-thinking ("Async only").
# Without a level the service closes with 1007 "Thinking level must be specified for this model".
EXTENDED_THINKING_3_8 = ModelProfile(
    family="Gemini 3.8 Live Extended Thinking",
    names=("gemini-3.8-live-extended-thinking",),
    response_modalities=("AUDIO",),
    thinking="level_required",
    thinking_levels=("LOW", "MEDIUM", "HIGH"),
    affective_dialog=False,
    proactivity=False,
    tool_behavior="async_only",
    default_tool_behavior="NON_BLOCKING",
    gemini_api_tools=("googleSearch",),
    language_code=False,
    context_update=True,
    interaction_status=True,
)

# https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-5-transcribe
TRANSCRIBE_3_5 = ModelProfile(
    family="Gemini 3.5 Transcribe",
    names=("gemini-3.5-transcribe-live",),
    response_modalities=("TEXT",),
    conversational=False,
    text_input=False,
)

# https://ai.google.dev/gemini-api/docs/live-api/live-translate ("no support for tools or instructions", audio only)
TRANSLATE_3_5 = ModelProfile(
    family="Gemini 3.5 Live Translate",
    names=("gemini-3.5-live-translate",),
    response_modalities=("AUDIO",),
    conversational=False,
    instructions=False,
    text_input=False,
)

# Switched off by Google; other servers and recordings still have them, so nothing is refused.
HALF_CASCADE = ModelProfile(
    family="Gemini 2.0 Live and half-cascade 2.5",
    names=("gemini-2.0-flash-live", "gemini-live-2.5-flash-preview"),
    known=False,
    gone="2025-12-09",
)

PERMISSIVE = ModelProfile(family="unknown", known=False)

PROFILES = (
    NATIVE_AUDIO_2_5,
    LIVE_3_1,
    EXTENDED_THINKING_3_8,
    LIVE_3_8,
    TRANSCRIBE_3_5,
    TRANSLATE_3_5,
    HALF_CASCADE,
)


def profile_for(model: str) -> ModelProfile:
    """The profile of a model, by its name or any resource name that ends in it; the longest matching name decides."""
    name = model.rpartition("/")[2].lower()
    matches = [(len(start), profile) for profile in PROFILES for start in profile.names if name.startswith(start)]
    return max(matches, key=lambda match: match[0])[1] if matches else PERMISSIVE


# --- what the service is known to refuse


class _Refusal(NamedTuple):
    problem: str
    remedy: str


def refuse(setup: Json, profile: ModelProfile, config: Config) -> None:
    """Refuse a setup that the service is known to refuse.

    Args:
        setup: the body of the `setup` message, in the service's spelling.
        profile: of its model.
        config: which of the services it goes to.

    Raises:
        UnsupportedByModel: with what to do instead.
    """
    generation = setup["generationConfig"]
    vertex = config.vertex is not None
    _first(
        profile,
        _refused_modalities(generation, profile),
        _refused_thinking(generation, profile),
        _refused_moods(setup, profile, config),
        _refused_speech(generation.get("speechConfig", {}), profile, vertex),
        _refused_generation(generation),
        _refused_agency(setup, profile, vertex),
        _refused_behavior(setup.get("tools", []), profile),
        _refused_by_service(setup, vertex),
    )


def refuse_tools(tools: Sequence[Json], profile: ModelProfile) -> None:
    """Refuse tools, in the service's spelling, that the model is known to refuse.

    Raises:
        UnsupportedByModel: with what to do instead.
    """
    _first(profile, _refused_behavior(tools, profile))


def _first(profile: ModelProfile, *rules: Iterator[_Refusal]) -> None:
    for refusal in chain(*rules) if profile.known else ():
        raise UnsupportedByModel(refusal.problem, remedy=refusal.remedy)


def _refused_modalities(generation: Json, profile: ModelProfile) -> Iterator[_Refusal]:
    # 1007 "The requested combination of response modalities (...) is not supported by the model."
    modalities = generation.get("responseModalities", [])
    if len(modalities) > 1:
        yield _Refusal(
            f"a session answers in one modality, not in {' and '.join(modalities)}",
            "choose AUDIO; its words come along as OutputTranscript events",
        )
    for modality in modalities:
        if modality not in profile.response_modalities:
            yield _Refusal(
                f"{profile.family} does not answer in {modality}",
                "choose AUDIO and read the words from OutputTranscript events"
                if modality == "TEXT"
                else f"choose {profile.response_modalities[0]}",
            )


def _refused_thinking(generation: Json, profile: ModelProfile) -> Iterator[_Refusal]:
    # guide: the row "Thinking".
    thinking = generation.get("thinkingConfig", {})
    level = thinking.get("thinkingLevel")
    if profile.thinking == "none" and "thinkingConfig" in generation:
        yield _Refusal(
            f"{profile.family} decides itself how to think and takes no thinking_config",
            "leave it out, or use gemini-3.8-live-extended-thinking",
        )
    if profile.thinking == "budget" and level is not None:
        yield _Refusal(f"{profile.family} takes no thinking_level", 'use {"thinking_budget": tokens}; 0 is off')
    if profile.thinking in ("level", "level_required"):
        if "thinkingBudget" in thinking:
            yield _Refusal(f"{profile.family} takes no thinking_budget", 'use {"thinking_level": "LOW"} or higher')
        if level is not None and level not in profile.thinking_levels:
            yield _Refusal(f"{profile.family} has no thinking_level {level}", f"use {_or(profile.thinking_levels)}")


def _refused_moods(setup: Json, profile: ModelProfile, config: Config) -> Iterator[_Refusal]:
    # guide: v1alpha on the Gemini API. Other servers decide for themselves.
    moods = {
        "proactivity": ("proactivity" in setup, profile.proactivity),
        "enable_affective_dialog": ("enableAffectiveDialog" in setup["generationConfig"], profile.affective_dialog),
    }
    for name, (wanted, possible) in moods.items():
        if wanted and not possible:
            yield _Refusal(f"{profile.family} does not take `{name}`", "leave it out")
        elif wanted and config.base_url is None and config.vertex is None and config.api_version == GEMINI_API_VERSION:
            yield _Refusal(f"`{name}` is not in {config.api_version}", 'set "api_version": "v1alpha" in llm_config')


def _refused_speech(speech: Json, profile: ModelProfile, vertex: bool) -> Iterator[_Refusal]:
    # google-genai, `t_live_speech_config`: not supported in the live API.
    if "multiSpeakerVoiceConfig" in speech:
        yield _Refusal("a live session has one voice", "use `voice`")
    # guide: native audio models "don't support explicitly setting the language code". Vertex's pages set it.
    if "languageCode" in speech and not profile.language_code and not vertex:
        yield _Refusal(
            f"{profile.family} chooses the language itself and takes no language_code",
            "say in the instructions which language to speak",
        )


def _refused_generation(generation: Json) -> Iterator[_Refusal]:
    # https://ai.google.dev/api/live#BidiGenerateContentSetup: "The following fields are not supported".
    for name in _NOT_LIVE & generation.keys():
        yield _Refusal(f"the Live API does not take generationConfig.{name}", "leave it out")


_NOT_LIVE = {
    "responseLogprobs", "responseMimeType", "logprobs", "responseSchema", "responseJsonSchema", "stopSequences",
    "routingConfig", "audioTimestamp",
}  # fmt: skip


def _refused_agency(setup: Json, profile: ModelProfile, vertex: bool) -> Iterator[_Refusal]:
    # live-translate: "no support for tools or instructions".
    for name, wire_name in (("instructions", "systemInstruction"), ("tools", "tools")):
        if wire_name in setup and not profile.instructions:
            yield _Refusal(f"{profile.family} takes no {name}", "leave them out, or use a conversational model")
    # The model's page on ai.google.dev, "Capabilities".
    if profile.gemini_api_tools is not None and not vertex:
        for name in _service_tools(setup):
            if name not in profile.gemini_api_tools and name not in _VERTEX_TOOLS:
                yield _Refusal(
                    f"{profile.family} does not support {name}",
                    f"use functions, and of the service's own tools {_or(profile.gemini_api_tools)}",
                )


def _refused_behavior(tools: Sequence[Json], profile: ModelProfile) -> Iterator[_Refusal]:
    # guide: asynchronous function calling; pages/gemini-3.8-live-extended-thinking: "Async only".
    declarations = [declaration for tool in tools for declaration in tool.get("functionDeclarations", [])]
    impossible = {"sync": "NON_BLOCKING", "async_only": "BLOCKING"}.get(profile.tool_behavior)
    for declaration in declarations:
        if declaration.get("behavior") == impossible and impossible is not None:
            yield _Refusal(
                f"{profile.family} has no {impossible} functions, and {declaration['name']!r} is one",
                "leave `behavior` out",
            )


def _refused_by_service(setup: Json, vertex: bool) -> Iterator[_Refusal]:
    # google-genai, `_live_converters`: it raises for what only the other of the two services takes.
    tools = set(_service_tools(setup))
    voice = setup["generationConfig"].get("speechConfig", {}).get("voiceConfig", {}).get("replicatedVoiceConfig", {})
    only_vertex = {
        "explicit_vad_signal": "explicitVadSignal" in setup,
        "session_resumption.transparent": "transparent" in setup.get("sessionResumption", {}),
        "safety_settings.method": any("method" in setting for setting in setup.get("safetySettings", [])),
        **{f"tools.{name}": name in tools for name in _VERTEX_TOOLS},
    }
    only_gemini = {
        "enable_enhanced_civic_answers": "enableEnhancedCivicAnswers" in setup["generationConfig"],
        "tools.fileSearch": "fileSearch" in tools,
        "replicated_voice_config.consent_audio": bool(voice.keys() & {"consentAudio", "consent_audio"}),
    }
    here, there = ("Vertex AI", "the Gemini API") if vertex else ("The Gemini API", "Vertex AI")
    for name, present in (only_gemini if vertex else only_vertex).items():
        if present:
            yield _Refusal(f"{here} does not take `{name}`, only {there} does", "leave it out")


_VERTEX_TOOLS = ("retrieval", "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch")


def _service_tools(setup: Json) -> list[str]:
    return [name for tool in setup.get("tools", []) for name in tool if name != "functionDeclarations"]


def _or(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
