from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.config import Config, read_config
from gemini_realtime.errors import UnsupportedByModel
from gemini_realtime.protocol.models import PROFILES, ModelProfile, ignored_tools, profile_for, refuse_tools
from gemini_realtime.protocol.options import check_options
from gemini_realtime.protocol.setup import build_setup

NATIVE_AUDIO_2_5 = PROFILES["2.5-native-audio"]
LIVE_3_1 = PROFILES["3.1-flash-live"]
LIVE_3_8 = PROFILES["3.8-live"]
EXTENDED_THINKING_3_8 = PROFILES["3.8-live-extended-thinking"]
TRANSCRIBE_3_5 = PROFILES["3.5-transcribe"]
TRANSLATE_3_5 = PROFILES["3.5-translate"]
ROBOTICS = PROFILES["robotics-er-2"]
HALF_CASCADE = PROFILES["half-cascade"]
PERMISSIVE = PROFILES["unknown"]


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("gemini-2.5-flash-native-audio-preview-12-2025", NATIVE_AUDIO_2_5),
        ("models/gemini-2.5-flash-native-audio-latest", NATIVE_AUDIO_2_5),
        ("projects/p/locations/us/publishers/google/models/gemini-live-2.5-flash-native-audio", NATIVE_AUDIO_2_5),
        ("publishers/google/models/gemini-3.8-live", LIVE_3_8),
        ("google/gemini-3.8-live", LIVE_3_8),
        ("Gemini-3.8-Live", LIVE_3_8),
        ("gemini-3.8-live-extended-thinking", EXTENDED_THINKING_3_8),
        ("gemini-3.1-flash-live-preview", LIVE_3_1),
        ("gemini-3.5-transcribe-live-preview", TRANSCRIBE_3_5),
        ("gemini-3.5-live-translate-preview", TRANSLATE_3_5),
        ("gemini-robotics-er-2-streaming-preview", ROBOTICS),
        ("gemini-2.0-flash-live-001", HALF_CASCADE),
        ("gemini-live-2.5-flash-preview", HALF_CASCADE),
        ("gemini-live-2.5-flash-preview-native-audio-09-2025", NATIVE_AUDIO_2_5),
        ("gemini-9-live", PERMISSIVE),
        ("my-gemini-3.8-live", PERMISSIVE),
        ("", PERMISSIVE),
    ],
)
def test_a_model_is_known_by_its_name_with_any_prefix(model: str, profile: ModelProfile) -> None:
    assert profile_for(model) is profile


def test_every_profile_is_found_by_its_own_names() -> None:
    for profile in PROFILES.values():
        for name in profile.names:
            assert profile_for(name) is profile


def test_a_model_that_is_gone_says_since_when_and_refuses_nothing() -> None:
    assert HALF_CASCADE.gone == "2025-12-09"
    assert not HALF_CASCADE.known


def test_what_a_profile_needs_it_does_not_refuse() -> None:
    for profile in PROFILES.values():
        if profile.thinking == "level_required":
            assert profile.default_thinking_level in profile.thinking_levels


# --- what is refused before anything is dialled

LIVE = "gemini-3.8-live"
EXTENDED = "gemini-3.8-live-extended-thinking"
FLASH_3_1 = "gemini-3.1-flash-live-preview"
NATIVE_2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"
TRANSLATE = "gemini-3.5-live-translate-preview"
TRANSCRIBE = "gemini-3.5-transcribe-live"
ROBOTICS_ER = "gemini-robotics-er-2-streaming-preview"


def config(model: str, **entry: Any) -> Config:
    return read_config({"config_list": [{"model": model, "api_key": "k", **entry}]}, {})


def vertex(model: str) -> Config:
    return read_config({"config_list": [{"model": model, "project": "p", "location": "us-central1"}]}, {})


def built(config: Config, options: dict[str, Any], profile: ModelProfile) -> dict[str, Any]:
    return build_setup(config.service, config.options.changed(check_options(options)), profile)


def function(behavior: str) -> dict[str, Any]:
    return {"name": "f", "description": "d", "behavior": behavior}


REFUSED_BY_GEMINI_API = [
    (LIVE, {"modalities": ["text"]}, "OutputTranscript"),
    (NATIVE_2_5, {"response_modalities": ["TEXT"]}, "OutputTranscript"),
    (LIVE, {"response_modalities": ["AUDIO", "TEXT"]}, "AUDIO"),
    (TRANSCRIBE, {"response_modalities": ["AUDIO"]}, "TEXT"),
    (LIVE, {"thinking_config": {"thinking_level": "low"}}, "extended-thinking"),
    (LIVE, {"thinking_config": {}}, "leave it out"),
    (LIVE, {"generation_config": {"thinking_config": {"thinking_budget": 0}}}, "leave it out"),
    (NATIVE_2_5, {"thinking_config": {"thinking_level": "low"}}, "thinking_budget"),
    (FLASH_3_1, {"thinking_config": {"thinking_budget": 0}}, "thinking_level"),
    (EXTENDED, {"thinking_config": {"thinking_level": "minimal"}}, "LOW, MEDIUM or HIGH"),
    (EXTENDED, {"thinking_config": {"thinking_budget": 100}}, "thinking_level"),
    (LIVE, {"enable_affective_dialog": True}, "leave it out"),
    (NATIVE_2_5, {"proactivity": True}, "v1alpha"),
    (NATIVE_2_5, {"enable_affective_dialog": True}, "v1alpha"),
    (EXTENDED, {"tools": [function("blocking")]}, "`behavior`"),
    (LIVE, {"session_resumption": {"transparent": True}}, "leave it out"),
    (LIVE, {"explicit_vad_signal": True}, "leave it out"),
    (LIVE, {"safety_settings": [{"category": "c", "method": "SEVERITY"}]}, "leave it out"),
    (LIVE, {"tools": [{"enterprise_web_search": {}}]}, "leave it out"),
    (NATIVE_2_5, {"tools": [{"code_execution": {}}]}, "function"),
    (LIVE, {"proactivity": True}, "v1alpha"),
    (ROBOTICS_ER, {"modalities": ["audio"]}, "TEXT"),
    (LIVE, {"generation_config": {"candidate_count": 1}}, "leave it out"),
    (LIVE, {"speech_config": {"multi_speaker_voice_config": {}}}, "`voice`"),
    (LIVE, {"generation_config": {"stop_sequences": ["x"]}}, "leave it out"),
    (LIVE, {"response_logprobs": True}, "leave it out"),
    (TRANSLATE, {"instructions": "Be kind."}, "conversational"),
    (TRANSLATE, {"tools": [function("BLOCKING")]}, "conversational"),
]


@pytest.mark.parametrize(("model", "options", "remedy"), REFUSED_BY_GEMINI_API)
def test_what_the_gemini_api_refuses_is_refused_here_with_a_remedy(
    model: str, options: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(UnsupportedByModel) as error:
        built(config(model), options, profile_for(model))
    assert remedy in error.value.remedy


NO_MODEL_TAKES = [
    {"speech_config": {"multi_speaker_voice_config": {}}},
    {"generation_config": {"stop_sequences": ["x"]}},
    {"response_logprobs": True},
    {"generation_config": {"candidate_count": 1}},
    {"modalities": ["text"], "voice": "kore"},
]


@pytest.mark.parametrize("options", NO_MODEL_TAKES)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_what_no_model_takes_is_refused_for_every_model(options: dict[str, Any], profile: ModelProfile) -> None:
    with pytest.raises(UnsupportedByModel):
        built(config(LIVE), options, profile)


OF_THIS_MODEL = [row for row in REFUSED_BY_GEMINI_API if row[1] not in NO_MODEL_TAKES]


@pytest.mark.parametrize(("model", "options", "remedy"), OF_THIS_MODEL)
def test_a_model_we_do_not_know_is_refused_nothing_that_some_model_takes(
    model: str, options: dict[str, Any], remedy: str
) -> None:
    assert built(config(model), options, PERMISSIVE)["model"] == f"models/{model}"


@pytest.mark.parametrize(
    "options",
    [
        {"session_resumption": {"transparent": True}},
        {"explicit_vad_signal": True},
        {"tools": [{"enterprise_web_search": {}}]},
        {"language_code": "de-DE"},
        {"response_modalities": ["VIDEO"]},
    ],
)
def test_what_vertex_takes_is_not_refused_there(options: dict[str, Any]) -> None:
    assert built(vertex(LIVE), options, LIVE_3_8)


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [{"file_search": {}}]},
        {"speech_config": {"voice_config": {"replicated_voice_config": {"consentAudio": ""}}}},
    ],
)
def test_what_only_the_gemini_api_takes_is_refused_on_vertex(options: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedByModel, match="Vertex AI does not take"):
        built(vertex(LIVE), options, LIVE_3_8)


TAKEN_BY_GEMINI_API = [
    (LIVE, {"language_code": "de-DE"}),
    (NATIVE_2_5, {"language_code": "de-DE"}),
    (FLASH_3_1, {"tools": [function("NON_BLOCKING")]}),
    (LIVE, {"tools": [{"code_execution": {}}]}),
    (ROBOTICS_ER, {"modalities": ["text"]}),
]


@pytest.mark.parametrize(("model", "options"), TAKEN_BY_GEMINI_API)
def test_what_the_service_takes_is_not_refused(model: str, options: dict[str, Any]) -> None:
    assert built(config(model), options, profile_for(model))


def test_a_tool_that_is_taken_and_ignored_is_told_of() -> None:
    setup = built(config(LIVE), {"tools": [{"google_search": {}}, {"url_context": {}}]}, LIVE_3_8)
    assert ignored_tools(setup, LIVE_3_8) == ["Gemini 3.8 Live takes the tool urlContext, and does nothing with it"]
    assert ignored_tools(setup, NATIVE_AUDIO_2_5) == []


@pytest.mark.parametrize("model", [LIVE, FLASH_3_1, EXTENDED, NATIVE_2_5])
def test_proactivity_goes_to_v1alpha_with_every_model(model: str) -> None:
    assert "proactivity" in built(config(model, api_version="v1alpha"), {"proactivity": True}, profile_for(model))


@pytest.mark.parametrize("entry", [{"api_version": "v1alpha"}, {"base_url": "ws://127.0.0.1:1"}])
def test_moods_of_2_5_go_to_v1alpha_and_to_other_servers(entry: dict[str, Any]) -> None:
    options = {"proactivity": True, "enable_affective_dialog": True}
    setup = built(config(NATIVE_2_5, **entry), options, NATIVE_AUDIO_2_5)
    assert setup["proactivity"] == {"proactiveAudio": True}
    assert setup["generationConfig"]["enableAffectiveDialog"] is True


def test_tools_of_an_update_are_refused_as_those_of_the_setup() -> None:
    tools = [{"functionDeclarations": [function("BLOCKING")]}]
    with pytest.raises(UnsupportedByModel):
        refuse_tools(tools, EXTENDED_THINKING_3_8)
    refuse_tools(tools, LIVE_3_1)
    refuse_tools(tools, PERMISSIVE)
