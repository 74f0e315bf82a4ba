"""What the client does and refuses for each family of models, on top of `families`.

Of a model that is not known, and of one that only other servers and recordings still have, only that is refused which
no model takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from gemini_realtime.errors import UnsupportedByModel
from gemini_realtime.protocol.endpoint import Service
from gemini_realtime.protocol.families import FAMILIES, NOT_LIVE, UNKNOWN, Family, family_of, on_vertex

Json = dict[str, Any]


class ModelProfile(Family, frozen=True, kw_only=True):
    """A family as the client treats it.

    Attributes:
        known: whether enough is known of it to refuse anything.
        default_thinking_level: the level to send when none was asked for and the model insists on one.
    """

    known: bool = True
    default_thinking_level: str = "MEDIUM"

    @property
    def conversational(self) -> bool:
        """Whether it is an assistant with a voice; the others get no voice, temperature or resumption unless asked."""
        return self.task == "converse"


def _profile(family: Family) -> ModelProfile:
    facts = {name: getattr(family, name) for name in Family.__struct_fields__}
    return ModelProfile(**facts, known=family is not UNKNOWN and family.gone is None)


PROFILES: Final = {family.name: _profile(family) for family in (*FAMILIES, UNKNOWN)}


def profile_for(model: str, *, vertex: bool = False) -> ModelProfile:
    """The profile of a model.

    Args:
        model: its name, or any resource name that ends in it.
        vertex: whether Vertex AI serves it.
    """
    family = family_of(model)
    return _profile(on_vertex(family)) if vertex else PROFILES[family.name]


# --- what the service is known to refuse


class _Refusal(msgspec.Struct, frozen=True):
    problem: str
    remedy: str


def refuse(setup: Json, profile: ModelProfile, service: Service) -> None:
    """Refuse a setup that the service is known to refuse.

    Args:
        setup: the body of the `setup` message, in the service's spelling.
        profile: of its model.
        service: where it goes.

    Raises:
        UnsupportedByModel: with what to do instead.
    """
    generation = setup["generationConfig"]
    vertex = service.vertex is not None
    of_any_model = chain(_refused_speech(generation), _refused_generation(generation))
    of_this_model = chain(
        _refused_modalities(generation, profile),
        _refused_voice(generation, profile),
        _refused_thinking(generation, profile),
        _refused_moods(setup, profile, service),
        _refused_agency(setup, profile),
        _refused_behavior(setup.get("tools", []), profile),
        _refused_by_service(setup, vertex),
    )
    _first(chain(of_any_model, of_this_model if profile.known else ()))


def ignored_tools(setup: Json, profile: ModelProfile) -> list[str]:
    """A sentence for the log about each tool that the service takes and does nothing with."""
    ignored = [name for name in _service_tools(setup) if name in profile.tools_ignored]
    return [f"{profile.title} takes the tool {name}, and does nothing with it" for name in ignored]


def refuse_tools(tools: Sequence[Json], profile: ModelProfile) -> None:
    """Refuse tools, in the service's spelling, that the model is known to refuse.

    Raises:
        UnsupportedByModel: with what to do instead.
    """
    _first(_refused_behavior(tools, profile))


def _first(refusals: Iterable[_Refusal]) -> None:
    for refusal in refusals:
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
        if modality not in profile.modalities:
            yield _Refusal(
                f"{profile.title} does not answer in {modality}",
                "choose AUDIO and read the words from OutputTranscript events"
                if modality == "TEXT"
                else f"choose {profile.modalities[0]}",
            )


def _refused_thinking(generation: Json, profile: ModelProfile) -> Iterator[_Refusal]:
    # guide: the row "Thinking".
    thinking = generation.get("thinkingConfig", {})
    level = thinking.get("thinkingLevel")
    if profile.thinking == "none" and "thinkingConfig" in generation:
        yield _Refusal(
            f"{profile.title} decides itself how to think and takes no thinking_config",
            "leave it out, or use gemini-3.8-live-extended-thinking",
        )
    if profile.thinking == "budget" and level is not None:
        yield _Refusal(f"{profile.title} takes no thinking_level", 'use {"thinking_budget": tokens}; 0 is off')
    if profile.thinking in ("level", "level_required"):
        if "thinkingBudget" in thinking:
            yield _Refusal(f"{profile.title} takes no thinking_budget", 'use {"thinking_level": "LOW"} or higher')
        if level is not None and level not in profile.thinking_levels:
            yield _Refusal(f"{profile.title} has no thinking_level {level}", f"use {_or(profile.thinking_levels)}")


def _refused_moods(setup: Json, profile: ModelProfile, service: Service) -> Iterator[_Refusal]:
    # Confirmed at setup, and closed with 1007 at the first message.
    if "enableAffectiveDialog" in setup["generationConfig"] and not profile.affective_dialog:
        yield _Refusal(f"{profile.title} does not take `enable_affective_dialog`", "leave it out")
    # guide: v1alpha on the Gemini API. Other servers decide for themselves.
    needs_alpha = service.base_url is None and service.vertex is None and not service.api_version.endswith("alpha")
    moods = {
        "proactivity": "proactivity" in setup,
        "enable_affective_dialog": "enableAffectiveDialog" in setup["generationConfig"],
    }
    for name in [name for name, wanted in moods.items() if wanted and needs_alpha]:
        yield _Refusal(f"`{name}` is not in {service.api_version}", 'set "api_version": "v1alpha" in llm_config')


def _refused_speech(generation: Json) -> Iterator[_Refusal]:
    speech = generation.get("speechConfig", {})
    # google-genai, `t_live_speech_config`: not supported in the live API.
    if "multiSpeakerVoiceConfig" in speech:
        yield _Refusal("a live session has one voice", "use `voice`")
    # 1007 "Cannot extract voices from a non-audio request."
    if "voiceConfig" in speech and generation.get("responseModalities") == ["TEXT"]:
        yield _Refusal("a session that answers in TEXT has no voice", "leave out `voice`, or choose AUDIO")


def _refused_voice(generation: Json, profile: ModelProfile) -> Iterator[_Refusal]:
    speech = generation.get("speechConfig", {})
    if "voiceConfig" in speech and "responseModalities" not in generation and profile.voice_needs_modality:
        yield _Refusal(f"{profile.title} has no voice where no modality is asked for", "choose AUDIO")


def _refused_generation(generation: Json) -> Iterator[_Refusal]:
    for name in sorted(NOT_LIVE & generation.keys()):
        yield _Refusal(f"the Live API does not take generationConfig.{name}", "leave it out")


def _refused_agency(setup: Json, profile: ModelProfile) -> Iterator[_Refusal]:
    # live-translate: "no support for tools or instructions".
    for name, wire_name in (("instructions", "systemInstruction"), ("tools", "tools")):
        if wire_name in setup and not profile.instructions:
            yield _Refusal(f"{profile.title} takes no {name}", "leave them out, or use a conversational model")
    for name in _service_tools(setup):
        if name in profile.tools_refused:
            yield _Refusal(f"{profile.title} does not support {name}", "leave it out, or give it a function for that")


def _refused_behavior(tools: Sequence[Json], profile: ModelProfile) -> Iterator[_Refusal]:
    # 1007 "BLOCKING function calls are not supported for this model".
    declarations = [declaration for tool in tools for declaration in tool.get("functionDeclarations", [])]
    for declaration in declarations:
        behavior = declaration.get("behavior")
        if behavior is not None and behavior not in profile.behaviors:
            yield _Refusal(
                f"{profile.title} has no {behavior} functions, and {declaration['name']!r} is one",
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
