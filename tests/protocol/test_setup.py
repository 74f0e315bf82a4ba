from __future__ import annotations

import json
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.config import Config, read_config
from gemini_realtime.errors import ConfigError, UnsupportedByModel
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import decode_client_message, encode
from gemini_realtime.protocol.models import PROFILES, ModelProfile
from gemini_realtime.protocol.options import check_options
from gemini_realtime.protocol.parts import Media
from gemini_realtime.protocol.setup import build_setup, context_update

LIVE_3_1 = PROFILES["3.1-flash-live"]
LIVE_3_8 = PROFILES["3.8-live"]
EXTENDED_THINKING_3_8 = PROFILES["3.8-live-extended-thinking"]
TRANSCRIBE_3_5 = PROFILES["3.5-transcribe"]
TRANSLATE_3_5 = PROFILES["3.5-translate"]
PERMISSIVE = PROFILES["unknown"]


def config(**entry: Any) -> Config:
    return read_config({"config_list": [{"model": "gemini-3.8-live", "api_key": "k", **entry}]}, {})


def built(config: Config, options: dict[str, Any], profile: ModelProfile) -> dict[str, Any]:
    return build_setup(config.service, config.options.changed(check_options(options)), profile)


def setup_of(profile: ModelProfile = PERMISSIVE, **options: Any) -> dict[str, Any]:
    return built(config(), options, profile)


def history_of(options: dict[str, Any]) -> list[messages.Content]:
    return config().options.changed(check_options(options)).history


def updated(profile: ModelProfile, **options: Any) -> messages.ContextUpdate:
    return context_update(check_options(options), profile)


# --- defaults


def test_without_options_the_setup_speaks_transcribes_and_can_be_resumed() -> None:
    assert built(config(), {}, LIVE_3_8) == {
        "model": "models/gemini-3.8-live",
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "temperature": 0.8,
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "charon"}}},
        },
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "sessionResumption": {},
    }


def test_voice_and_temperature_come_from_the_config() -> None:
    generation = built(config(voice="Kore", temperature=0), {}, LIVE_3_8)["generationConfig"]
    assert generation["temperature"] == 0
    assert generation["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Kore"


@pytest.mark.parametrize("off", [None, False])
def test_every_default_can_be_switched_off(off: Any) -> None:
    options = dict.fromkeys(["input_audio_transcription", "output_audio_transcription", "session_resumption"], off)
    options |= dict.fromkeys(["voice", "temperature", "response_modalities"])
    assert built(config(), options, PERMISSIVE) == {"model": "models/gemini-3.8-live", "generationConfig": {}}


def test_a_model_that_writes_gets_no_voice_and_no_transcript_of_its_speech() -> None:
    setup = setup_of(modalities=["text"])
    assert setup["generationConfig"] == {"responseModalities": ["TEXT"], "temperature": 0.8}
    assert "outputAudioTranscription" not in setup


@pytest.mark.parametrize(
    ("profile", "modality", "fields"),
    [
        (TRANSCRIBE_3_5, "TEXT", {"inputAudioTranscription"}),
        (TRANSLATE_3_5, "AUDIO", {"inputAudioTranscription", "outputAudioTranscription"}),
    ],
)
def test_a_model_that_does_not_converse_gets_the_least(profile: ModelProfile, modality: str, fields: set[str]) -> None:
    setup = setup_of(profile)
    assert setup["generationConfig"] == {"responseModalities": [modality]}
    assert setup.keys() == {"model", "generationConfig"} | fields


def test_extended_thinking_gets_the_level_it_insists_on() -> None:
    assert setup_of(EXTENDED_THINKING_3_8)["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "MEDIUM"}
    thinking = {"include_thoughts": True, "thinking_level": "high"}
    generation = setup_of(EXTENDED_THINKING_3_8, thinking_config=thinking)["generationConfig"]
    assert generation["thinkingConfig"] == {"includeThoughts": True, "thinkingLevel": "HIGH"}


# --- options that are fields


class Sensitivity(StrEnum):
    LOW = "END_SENSITIVITY_LOW"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"instructions": "Be brief."}, {"systemInstruction": {"parts": [{"text": "Be brief."}]}}),
        ({"instructions": ["a", "", "b"]}, {"systemInstruction": {"parts": [{"text": "a"}, {"text": "b"}]}}),
        (
            {"system_instruction": {"role": "system", "parts": [{"text": "x"}]}},
            {"systemInstruction": {"role": "system", "parts": [{"text": "x"}]}},
        ),
        (
            {
                "realtime_input_config": {
                    "automatic_activity_detection": {
                        "start_of_speech_sensitivity": "low",
                        "endOfSpeechSensitivity": Sensitivity.LOW,
                        "silence_duration_ms": 300,
                        "disabled": None,
                    },
                    "activityHandling": "no_interruption",
                    "turn_coverage": "ALL_INPUT",
                }
            },
            {
                "realtimeInputConfig": {
                    "automaticActivityDetection": {
                        "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                        "endOfSpeechSensitivity": "END_SENSITIVITY_LOW",
                        "silenceDurationMs": 300,
                    },
                    "activityHandling": "NO_INTERRUPTION",
                    "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
                }
            },
        ),
        ({"session_resumption": {"handle": "h"}}, {"sessionResumption": {"handle": "h"}}),
        ({"session_resumption": {"handle": None}}, {"sessionResumption": {}}),
        ({"context_window_compression": True}, {"contextWindowCompression": {"slidingWindow": {}}}),
        (
            {"context_window_compression": {"trigger_tokens": "9000", "sliding_window": {"target_tokens": 100}}},
            {"contextWindowCompression": {"triggerTokens": 9000, "slidingWindow": {"targetTokens": 100}}},
        ),
        (
            {"input_audio_transcription": {"language_codes": ("de",), "mode": "smart"}},
            {"inputAudioTranscription": {"languageCodes": ["de"], "mode": "SMART"}},
        ),
        ({"proactivity": True}, {"proactivity": {"proactiveAudio": True}}),
        ({"history_config": True}, {"historyConfig": {"initialHistoryInClientContent": True}}),
        ({"explicit_vad_signal": True}, {"explicitVadSignal": True}),
        ({"avatar_config": {"avatarName": "Kai"}}, {"avatarConfig": {"avatarName": "Kai"}}),
        ({"safety_settings": [{"category": "C"}]}, {"safetySettings": [{"category": "C"}]}),
        ({"labels": MappingProxyType({"temperature": "hot"})}, {"labels": {"temperature": "hot"}}),
        ({"sessionResumption": True}, {"sessionResumption": {}}),
    ],
)
def test_a_field_of_the_setup_is_an_option(options: dict[str, Any], part: dict[str, Any]) -> None:
    setup = setup_of(**options)
    assert {name: setup[name] for name in part} == part


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"max_output_tokens": 5, "top_p": 1}, {"maxOutputTokens": 5, "topP": 1.0}),
        ({"top_k": 40.0, "seed": -1}, {"topK": 40, "seed": -1}),
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"media_resolution": "low"}, {"mediaResolution": "MEDIA_RESOLUTION_LOW"}),
        ({"response_modalities": ["text"]}, {"responseModalities": ["TEXT"]}),
        ({"enable_affective_dialog": False}, {"enableAffectiveDialog": False}),
        ({"thinking_config": {"thinking_budget": -1}}, {"thinkingConfig": {"thinkingBudget": -1}}),
        ({"translation_config": {"target_language_code": "pl"}}, {"translationConfig": {"targetLanguageCode": "pl"}}),
        ({"top_p": 1, "presence_penalty": -1}, {"topP": 1.0, "presencePenalty": -1.0}),
    ],
)
def test_a_field_of_the_generation_config_is_an_option(options: dict[str, Any], part: dict[str, Any]) -> None:
    for given_options in (options, {"generation_config": options}):
        generation = setup_of(**given_options)["generationConfig"]
        assert json.dumps({name: generation[name] for name in part}) == json.dumps(part)


def test_the_narrower_option_wins() -> None:
    whole = {"temperature": 0.1, "top_p": 0.5, "speech_config": {"voice_config": {"voice": "a"}, "language_code": "de"}}
    options: dict[str, Any] = {
        "voice": "Kore",
        "temperature": 0.9,
        "speech_config": {"language_code": "pl"},
        "generation_config": whole,
    }
    assert setup_of(**options)["generationConfig"] == {
        "responseModalities": ["AUDIO"],
        "temperature": 0.9,
        "topP": 0.5,
        "speechConfig": {
            "languageCode": "pl",
            "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}},
        },
    }


def test_a_voice_of_ones_own_is_not_overridden_by_the_default() -> None:
    speech = {"voice_config": {"replicated_voice_config": {"mimeType": "audio/wav"}}}
    generation = setup_of(speech_config=speech, language_code="de-DE")["generationConfig"]
    assert generation["speechConfig"] == {
        "voiceConfig": {"replicatedVoiceConfig": {"mimeType": "audio/wav"}},
        "languageCode": "de-DE",
    }


@pytest.mark.parametrize("empty", ["", None, [], ["", ""]])
def test_empty_instructions_are_left_out(empty: Any) -> None:
    assert "systemInstruction" not in setup_of(instructions=empty)


# --- OpenAI's options, as AG2's observers send them


def test_what_ag2_sends_is_accepted() -> None:
    tool = {
        "type": "function",
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string", "description": "the location"}},
            "required": ["location"],
        },
    }
    setup = setup_of(
        LIVE_3_8, tools=[tool], tool_choice="auto", input_audio_format="pcm16", output_audio_format="pcm16"
    )
    assert setup["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "get_weather",
                    "description": "Get the weather",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"location": {"type": "STRING", "description": "the location"}},
                        "required": ["location"],
                    },
                }
            ]
        }
    ]
    assert setup.keys() <= {"tools", *built(config(), {}, LIVE_3_8)}


def test_no_tool_choice_means_no_tools() -> None:
    assert "tools" not in setup_of(tools=[{"name": "f"}], tool_choice="none")


@pytest.mark.parametrize(
    ("modalities", "chosen"),
    [(["text", "audio"], "AUDIO"), (["audio"], "AUDIO"), (["TEXT"], "TEXT"), ("audio", "AUDIO"), (("text",), "TEXT")],
)
def test_of_openais_modalities_one_is_chosen(modalities: Any, chosen: str) -> None:
    assert setup_of(modalities=modalities)["generationConfig"]["responseModalities"] == [chosen]


@pytest.mark.parametrize(
    ("turn_detection", "realtime"),
    [
        (None, {"automaticActivityDetection": {"disabled": True}}),
        ({"type": "server_vad"}, {"automaticActivityDetection": {}}),
        (
            {"type": "server_vad", "threshold": 0.8, "prefix_padding_ms": 300, "silence_duration_ms": 500},
            {
                "automaticActivityDetection": {
                    "startOfSpeechSensitivity": "START_SENSITIVITY_LOW",
                    "prefixPaddingMs": 300,
                    "silenceDurationMs": 500,
                }
            },
        ),
        (
            {"threshold": 0.2, "interrupt_response": False, "create_response": True},
            {
                "automaticActivityDetection": {"startOfSpeechSensitivity": "START_SENSITIVITY_HIGH"},
                "activityHandling": "NO_INTERRUPTION",
            },
        ),
    ],
)
def test_turn_detection_is_activity_detection(turn_detection: Any, realtime: dict[str, Any]) -> None:
    assert setup_of(turn_detection=turn_detection)["realtimeInputConfig"] == realtime


def test_turn_detection_leaves_the_rest_of_the_realtime_input_config() -> None:
    setup = setup_of(turn_detection=None, realtime_input_config={"turn_coverage": "ONLY_ACTIVITY"})
    assert setup["realtimeInputConfig"] == {
        "turnCoverage": "TURN_INCLUDES_ONLY_ACTIVITY",
        "automaticActivityDetection": {"disabled": True},
    }


# --- what cannot be


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"instuctions": "x"}, "did you mean 'instructions'?"),
        ({"temprature": 1}, "did you mean 'temperature'?"),
        ({"nonsense_of_mine": 1}, "docs/configuration.md"),
        ({"model": "m"}, "llm_config"),
        ({"silence_duration_ms": 5}, "`realtime_input_config.automatic_activity_detection`"),
        ({"thinking_level": "LOW"}, "`generation_config.thinking_config`"),
        ({"realtime_input_config": {"turn_coverge": "x"}}, "did you mean 'turn_coverage'?"),
        ({"realtime_input_config": {"automatic_activity_detection": {"disable": True}}}, "did you mean 'disabled'?"),
        ({"generation_config": {"speech_config": {"voice": "x"}}}, "did you mean 'voice_config'?"),
        ({"turn_detection": {"silence_ms": 5}}, "did you mean 'silence_duration_ms'?"),
        ({"tools": [{"name": "f", "describtion": "d"}]}, "did you mean 'description'?"),
        ({"tools": [{"google_search": {}, "googleMap": {}}]}, "did you mean 'google_maps'?"),
        ({"input_audio_format": "g711_ulaw"}, "gemini_realtime.audio"),
        ({"tool_choice": "required"}, "instructions"),
        ({"history": [{"role": "system", "text": "x"}]}, "`instructions`"),
        ({"turn_detection": {"create_response": False}}, "activity_start()"),
    ],
)
def test_an_error_says_what_was_meant_or_what_to_do(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_options(options)
    assert hint in error.value.remedy


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": "hot"},
        {"temperature": 2.1},
        {"temperature": float("nan")},
        {"top_p": True},
        {"top_k": 1.5},
        {"max_output_tokens": 0},
        {"max_output_tokens": 1.0},
        {"seed": 2**31},
        {"context_window_compression": {"trigger_tokens": "many"}},
        {"realtime_input_config": {"automatic_activity_detection": {"prefix_padding_ms": -1}}},
        {"realtime_input_config": "fast"},
        {"realtime_input_config": True},
        {"response_modalities": "AUDIO"},
        {"response_modalities": ["SMELL"]},
        {"modalities": [5]},
        {"media_resolution": "huge"},
        {"speech_config": {"voice_config": []}},
        {"explicit_vad_signal": "yes"},
        {"labels": {"a": 1}},
        {"labels": {"a": "x" * 64}},
        {"safety_settings": {}},
        {"instructions": 5},
        {"instructions": [5]},
        {"voice": ""},
        {"voice": 5},
        {"language_code": 5},
        {"turn_detection": "auto"},
        {"turn_detection": {"type": "semantic_vad"}},
        {"turn_detection": {"threshold": 2}},
        {"turn_detection": {"silence_duration_ms": "long"}},
        {"output_audio_format": None, "input_audio_format": 16},
        {"tools": {"name": "f"}},
        {"tools": ["f"]},
        {"tools": [{"type": "web_search"}]},
        {"tools": [{"description": "no name"}]},
        {"tools": [{"name": "1st"}]},
        {"tools": [{"name": "größe"}]},
        {"tools": [{"name": "x" * 129}]},
        {"tools": [{"name": "f", "description": 5}]},
        {"tools": [{"name": "f", "behavior": "LATER"}]},
        {"tools": [{"name": "f", "parameters": {"type": "string"}}]},
        {"tools": [{"name": "f", "parameters": {"type": "object"}, "parameters_json_schema": {}}]},
        {"tools": [{"function_declarations": {"name": "f"}}]},
        {"tools": [{"google_search": 5}]},
        {"tools": [{"type": "function", "function": "name"}]},
        {"tools": [{"name": "f"}, {"function_declarations": [{"name": "f"}]}]},
        {"history": "hello"},
        {"history": [{"role": "model", "parts": [{"functionCall": {"nam": "f"}}]}]},
        {"history": [{"role": "model", "parts": [{"functionCall": {"args": {}}}]}]},
        {"history": [{"role": "model", "parts": [{"functionCall": {"name": "f"}, "text": "hello"}]}]},
        {"history": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"x": float("nan")}}}]}]},
        {"history": [{"role": "model", "parts": [{"functionCall": None}]}]},
        {"history": ["hello"]},
        {"history": [{"role": "user"}]},
        {"history": [("user", 5)]},
        {"history": [("user", [])]},
        {"history": [{"role": "user", "text": "a", "parts": ["a"]}]},
        {"history": [(["user"], "a")]},
        {"history": [{"role": "user", "text": "a", "time": 5}]},
        {"setup": []},
        {"instructions": "a", "system_instruction": "b"},
    ],
)
def test_a_value_that_cannot_be_is_an_error_with_a_remedy(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as error:
        built(config(), options, PERMISSIVE)
    assert error.value.remedy


# --- tools


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "name": "f", "description": "d", "strict": True},
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"properties": {}}}},
        {"function_declarations": [{"name": "f", "description": "d"}]},
        {"functionDeclarations": ({"name": "f", "description": "d", "response": None},), "function_declarations": []},
        {"name": "f", "description": "d"},
    ],
)
def test_a_function_may_be_described_in_many_ways(tool: dict[str, Any]) -> None:
    assert setup_of(tools=[tool])["tools"] == [{"functionDeclarations": [{"name": "f", "description": "d"}]}]


def test_functions_go_together_and_the_services_tools_follow() -> None:
    tools = [
        {"google_search": {}},
        {"name": "f", "behavior": "non_blocking", "response": {"type": "string"}},
        {"functionDeclarations": [{"name": "g", "parametersJsonSchema": {"type": "object"}}], "codeExecution": {}},
    ]
    assert setup_of(tools=tools)["tools"] == [
        {
            "functionDeclarations": [
                {"name": "f", "behavior": "NON_BLOCKING", "response": {"type": "STRING"}},
                {"name": "g", "parametersJsonSchema": {"type": "object"}},
            ]
        },
        {"googleSearch": {}},
        {"codeExecution": {}},
    ]


@pytest.mark.parametrize("none", [None, [], [{"function_declarations": []}]])
def test_no_tools_are_left_out(none: Any) -> None:
    assert "tools" not in setup_of(tools=none)


# --- history


def test_history_seeds_the_conversation_after_the_setup() -> None:
    options = {"history": [("user", "Hi."), {"role": "assistant", "text": "Hello."}, ["model", "Again."]]}
    turns = history_of(options)
    assert [(turn.role, turn.parts[0].text) for turn in turns] == [
        ("user", "Hi."),
        ("model", "Hello."),
        ("model", "Again."),
    ]
    assert "historyConfig" not in setup_of(LIVE_3_8, **options)
    assert setup_of(LIVE_3_1, **options)["historyConfig"] == {"initialHistoryInClientContent": True}


def test_a_history_holds_pictures_and_sound() -> None:
    png = b"\x89PNG\r\n\x1a\n"
    sound = Media(bytes(320), "audio/pcm;rate=16000")
    options = {"history": [{"role": "user", "parts": ["Look.", png]}, ("user", [sound])]}
    first, second = history_of(options)
    assert [part.text for part in first.parts] == ["Look.", None]
    blobs = [part.inline_data for turn in (first, second) for part in turn.parts if part.inline_data is not None]
    assert [blob.mime_type for blob in blobs] == ["image/png", "audio/pcm;rate=16000"]
    setup_of(LIVE_3_8, **options)
    with pytest.raises(UnsupportedByModel, match="no audio in a turn"):
        setup_of(PROFILES["2.5-native-audio"], **options)


def test_a_history_that_was_checked_can_be_checked_again() -> None:
    options = check_options({"history": [("assistant", ["Look.", b"\xff\xd8\xff"])]})
    assert check_options(options) == options


def test_a_part_of_a_history_that_cannot_be_is_named() -> None:
    with pytest.raises(ConfigError, match=r"`history\[1\]\.parts\[0\]` is an int"):
        check_options({"history": [("user", "hi"), {"role": "user", "parts": [7]}]})


def test_without_history_there_is_none() -> None:
    assert history_of({"instructions": "x"}) == []
    assert "historyConfig" not in setup_of(LIVE_3_1, history=[])


# --- the overlay


def test_the_overlay_is_merged_last_and_unchecked() -> None:
    overlay: dict[str, Any] = {
        "generation_config": {
            "thinkingConfig": {"thinking_level": "LOW"},
            "temperature": None,
            "brand_new": {"a_b": 1},
        },
        "tools": [{"google_search": {}}],
        "brandNew": [1],
        "session_resumption": None,
        "input_audio_transcription": {"language_codes": ["de"]},
    }
    setup = setup_of(LIVE_3_8, setup=overlay)
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert setup["generationConfig"]["brand_new"] == {"a_b": 1}
    assert "temperature" not in setup["generationConfig"]
    assert setup["tools"] == [{"google_search": {}}]
    assert setup["brandNew"] == [1]
    assert "sessionResumption" not in setup
    assert setup["inputAudioTranscription"] == {"languageCodes": ["de"]}


# --- updates in mid-session


def test_an_update_says_only_what_changes() -> None:
    update = encode(messages.ClientMessage(context_update=updated(LIVE_3_8, instructions="Be brief.")))
    assert json.loads(update) == {"contextUpdate": {"systemInstruction": {"parts": [{"text": "Be brief."}]}}}
    update = encode(messages.ClientMessage(context_update=updated(LIVE_3_8, tools=[{"name": "f"}])))
    assert json.loads(update) == {"contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{"name": "f"}]}]}}}


def test_an_update_to_no_tools_is_present() -> None:
    update = encode(messages.ClientMessage(context_update=updated(LIVE_3_8, tools=[])))
    assert json.loads(update)["contextUpdate"].keys() == {"tools"}


def test_an_update_of_nothing_or_of_refused_tools_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing to update"):
        updated(LIVE_3_8)
    with pytest.raises(UnsupportedByModel):
        updated(EXTENDED_THINKING_3_8, tools=[{"name": "f", "behavior": "BLOCKING"}])


# --- the service's own type as the judge

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.:-]{0,20}", fullmatch=True)
INT32 = st.integers(0, 2**31 - 1)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


PARAMETERS = some(
    properties=st.dictionaries(TEXT, st.sampled_from([{"type": "string"}, {"enum": [1, "a"]}, True]), max_size=3),
    required=st.lists(TEXT, max_size=2),
    additionalProperties=st.booleans(),
).map(lambda schema: {"type": "object", **schema})
FUNCTIONS = st.fixed_dictionaries(
    {"name": NAMES},
    optional={"description": TEXT, "parameters": PARAMETERS, "behavior": st.sampled_from(["BLOCKING", "non_blocking"])},
)
TOOLS = st.lists(FUNCTIONS, max_size=3, unique_by=lambda function: str(function["name"])).map(
    lambda functions: (
        [
            [{"type": "function", **f}, {"type": "function", "function": f}, {"function_declarations": [f]}][i % 3]
            for i, f in enumerate(functions)
        ]
        + [{"google_search": {}}]
    )
)
GENERATION: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.floats(0, 2) | st.none(),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(1, 100) | st.integers(1, 100).map(float),
    "seed": st.integers(-(2**31), 2**31 - 1),
    "max_output_tokens": st.integers(1, 2**31 - 1),
    "presence_penalty": st.floats(-2, 2),
    "frequency_penalty": st.floats(-2, 2),
    "media_resolution": st.sampled_from(["LOW", "media_resolution_high"]),
    "response_modalities": st.lists(st.sampled_from(["AUDIO", "text"]), max_size=2),
    "speech_config": some(
        language_code=TEXT, voice_config=some(prebuilt_voice_config=some(voice_name=TEXT)), voiceConfig=st.none()
    ),
    "thinking_config": some(include_thoughts=st.booleans(), thinkingBudget=st.integers(-1, 9)),
}
OPTIONS = some(
    **GENERATION,
    generation_config=some(**GENERATION),
    instructions=TEXT | st.lists(TEXT, max_size=2),
    tools=TOOLS,
    tool_choice=st.sampled_from(["auto", "none"]),
    turn_detection=st.none()
    | some(
        type=st.just("server_vad"),
        threshold=st.floats(0, 1),
        silence_duration_ms=INT32,
        interrupt_response=st.booleans(),
    ),
    voice=st.sampled_from(["Kore", "puck", None]),
    language_code=st.sampled_from(["de-DE", None]),
    realtime_input_config=some(
        automatic_activity_detection=some(
            disabled=st.booleans(),
            start_of_speech_sensitivity=st.sampled_from(["low", "START_SENSITIVITY_HIGH"]),
            prefixPaddingMs=INT32,
        ),
        activity_handling=st.sampled_from(["NO_INTERRUPTION", "start_of_activity_interrupts"]),
        turn_coverage=st.sampled_from(["ALL_INPUT", "only_activity"]),
    ),
    session_resumption=st.booleans() | st.none() | some(handle=TEXT | st.none()),
    context_window_compression=st.booleans()
    | some(trigger_tokens=st.integers(1, 2**63 - 1) | st.just("8000"), sliding_window=some(target_tokens=INT32)),
    input_audio_transcription=st.booleans() | st.none(),
    output_audio_transcription=st.booleans() | st.just({}),
    history=st.lists(st.tuples(st.sampled_from(["user", "assistant"]), TEXT), max_size=2),
)


@settings(deadline=None)
@given(OPTIONS, st.sampled_from(list(PROFILES.values())))
def test_any_setup_that_can_be_built_is_the_services(options: dict[str, Any], profile: ModelProfile) -> None:
    official = pytest.importorskip("tests.protocol.official", reason="the official protobuf types")
    try:
        setup = built(config(api_version="v1alpha"), options, profile)
    except UnsupportedByModel:
        return
    official.parse(official.without_newer_fields(setup), official.Setup)
    # Nothing in it is unknown to our own structs either, and it survives the wire.
    message, unknown = decode_client_message(encode({"setup": setup}))
    assert unknown == []
    assert message.setup is not None
    assert msgspec.to_builtins(message.setup) == json.loads(encode(setup))


@settings(deadline=None)
@given(OPTIONS)
def test_checking_twice_changes_nothing(options: dict[str, Any]) -> None:
    assert check_options(options) == check_options(options)


class Dumps:
    """As `types.Part` of google-genai."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        return self._fields if exclude_none else {"text": None, **self._fields}


CALLED = {"functionCall": {"id": "c1", "name": "get_weather", "args": {"city": "Oslo"}}}
ANSWERED = {"functionResponse": {"id": "c1", "name": "get_weather", "response": {"output": "fog"}}}


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (CALLED, ANSWERED),
        ({"function_call": CALLED["functionCall"]}, {"function_response": ANSWERED["functionResponse"]}),
        (Dumps(function_call=CALLED["functionCall"]), Dumps(function_response=ANSWERED["functionResponse"])),
    ],
)
def test_a_history_may_hold_calls_and_their_results(call: Any, result: Any) -> None:
    turns = [("user", "Weather?"), ("model", [call]), ("user", [result]), ("model", "Fog.")]
    built(config(), {"history": turns}, LIVE_3_8)
    _, called, answered, _ = msgspec.to_builtins(history_of({"history": turns}))
    assert (called["parts"], answered["parts"]) == ([CALLED], [ANSWERED])


def test_a_model_that_takes_no_calls_in_a_history_is_told_so_before_it_is_dialled() -> None:
    with pytest.raises(UnsupportedByModel, match=r"history\[1\]\.parts\[0\]"):
        built(
            config(),
            {"history": [("user", "Weather?"), ("model", [CALLED])]},
            PROFILES["2.5-native-audio"],
        )
