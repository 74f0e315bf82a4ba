"""Every rule, by what breaks it. docs/server-rules.md points here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gemini_realtime.local.server.sessions import VALID_S, Sessions
from gemini_realtime.local.session.actions import Note
from gemini_realtime.local.session.history import CONTEXT_CHARACTERS
from gemini_realtime.local.wire.api import Api
from gemini_realtime.local.wire.frames import MAX_VALUES
from gemini_realtime.local.wire.refusals import RULES
from tests.local.line import (
    ALARM,
    EXTENDED_3_8,
    HALF_CASCADE,
    LIVE_3_1,
    MANUAL,
    NATIVE_2_5,
    NATIVE_3_8,
    VERTEX_2_5,
    VERTEX_3_8,
    VERTEX_HALF_CASCADE,
    WEATHER,
    Line,
    call_ids,
    kinds,
    new_sessions,
)

LOW = {"thinkingLevel": "LOW"}
PUCK = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}


def sets_up(model: str | None = NATIVE_2_5, **setup: Any) -> list[Any]:
    return Line().send({"setup": {"model": model, **setup}})


def generation(**config: Any) -> dict[str, Any]:
    return {"generationConfig": config}


def function(behavior: str) -> list[Any]:
    return [{"functionDeclarations": [{"name": "f", "behavior": behavior}]}]


def content(part: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return {"clientContent": {"turns": [{"role": role, "parts": [part]}], "turnComplete": True}}


def sound(rate_hz: int) -> dict[str, Any]:
    return {"inlineData": {"mimeType": f"audio/pcm;rate={rate_hz}", "data": "AAAA"}}


def answers_with(mime_type: str) -> list[Any]:
    """The result of a call of 3.1, with a part of this kind."""
    line = Line(model=LIVE_3_1, tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    return line.answers((call_id, "foggy"), parts=[{"inlineData": {"mimeType": mime_type, "data": "AAAA"}}])


def schedules(model: str, scheduling: str) -> list[Any]:
    """A result that says when it is to be spoken of."""
    line = Line(model=model, pace="instant", tools=[ALARM], **generation(thinkingConfig=LOW))
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    return line.answers((call_id, "done"), scheduling=scheduling)


def says_later(model: str, message: dict[str, Any], profile: str | None = None) -> list[Any]:
    """After the model's first turn."""
    line = Line(model=model, pace="instant", profile=profile)
    line.types("hello")
    line.ends()
    return line.send(message)


def comes_back(*, after_s: float = 0, closes: bool = True, model: str = NATIVE_2_5, handle: str = "h") -> list[Any]:
    """To a session whose handle is `h`."""
    wall = [1e9]
    sessions = Sessions(lambda: "h", clock=lambda: wall[0])
    line = Line(sessions=sessions, model=NATIVE_2_5, sessionResumption={})
    if closes:
        line.peer.connection_ended()
    wall[0] += after_s
    again = Line(sessions=sessions, session_id="t", model=model, sessionResumption={"handle": handle})
    return again.opening


def stays() -> list[Any]:
    line = Line(model=NATIVE_2_5)
    line.peer.go_away(50, line.now)
    line.frames()
    return line.waits(50)


CASES: dict[str, Callable[[], list[Any]]] = {
    "INVALID_JSON": lambda: Line().send("{"),
    "UNKNOWN_NAME": lambda: sets_up(generationConfig={"top": 1}),
    "NOT_REPEATED": lambda: sets_up(systemInstruction=[{"parts": [{"text": "Be brief."}]}]),
    "WRONG_VALUE": lambda: sets_up(**generation(mediaResolution="HUGE")),
    "BASE64": lambda: says_later(NATIVE_2_5, {"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": "?"}}}),
    "ONE_MEMBER": lambda: Line().send({"setup": {"model": "m"}, "realtimeInput": {"text": "hi"}}),
    "TOO_MUCH_IN_IT": lambda: Line().send({"setup": {"model": "m", "labels": [[]] * MAX_VALUES}}),
    "TOO_LONG": lambda: Line(model=NATIVE_2_5).send({"realtimeInput": {"text": "x" * (CONTEXT_CHARACTERS + 1)}}),
    "SETUP_FIRST": lambda: Line().send({"realtimeInput": {"text": "hi"}}),
    "SETUP_ONCE": lambda: Line(model=NATIVE_2_5).send({"setup": {"model": NATIVE_2_5}}),
    "MODEL_MISSING": lambda: sets_up(None),
    "MODEL_NOT_LIVE": lambda: sets_up("models/gemini-2.5-flash"),
    "MODALITIES": lambda: sets_up(**generation(responseModalities=["TEXT"])),
    "THINKING_LEVEL_MISSING": lambda: sets_up(EXTENDED_3_8),
    "THINKING_REFUSED": lambda: sets_up(NATIVE_3_8, **generation(thinkingConfig={})),
    "THINKING_LEVEL_REFUSED": lambda: sets_up(NATIVE_3_8, **generation(thinkingConfig=LOW)),
    "THINKING_ON_VERTEX": lambda: sets_up(VERTEX_HALF_CASCADE, **generation(thinkingConfig=LOW)),
    "MOOD_REFUSED": lambda: sets_up(LIVE_3_1, **generation(enableAffectiveDialog=True)),
    "SCHEDULING_REFUSED": lambda: schedules(EXTENDED_3_8, "INTERRUPT"),
    "CODE_EXECUTION_REFUSED": lambda: sets_up(tools=[{"codeExecution": {}}]),
    "VOICE_WITHOUT_AUDIO": lambda: sets_up(HALF_CASCADE, **generation(responseModalities=["TEXT"], speechConfig=PUCK)),
    "VOICE_UNKNOWN": lambda: sets_up(
        VERTEX_2_5,
        **generation(
            responseModalities=["AUDIO"],
            speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Pukc"}}},
        ),
    ),
    "OUTPUT_TOKENS": lambda: sets_up(**generation(maxOutputTokens=0)),
    "NOT_LIVE": lambda: sets_up(**generation(candidateCount=2)),
    "FUNCTION_FAULT": lambda: sets_up(tools=[{"functionDeclarations": [{"name": "my function"}]}]),
    "BEHAVIOR_REFUSED": lambda: sets_up(EXTENDED_3_8, tools=function("BLOCKING"), **generation(thinkingConfig=LOW)),
    "COMPRESSION_RANGE": lambda: sets_up(VERTEX_2_5, contextWindowCompression={"triggerTokens": "4999"}),
    "NULL_HANDLE": lambda: sets_up(LIVE_3_1, sessionResumption={"handle": None}),
    "HANDLE_MALFORMED": lambda: comes_back(handle="not a handle"),
    "SESSION_UNKNOWN": lambda: comes_back(handle="other"),
    "SESSION_EXPIRED": lambda: comes_back(after_s=VALID_S + 1),
    "SESSION_OPEN": lambda: comes_back(closes=False),
    "OTHER_MODEL": lambda: comes_back(model=NATIVE_3_8),
    "INVALID_ARGUMENT": lambda: sets_up(realtimeInputConfig={"automaticActivityDetection": {"silenceDurationMs": -1}}),
    "MANUAL_ACTIVITY": lambda: Line(model=NATIVE_2_5).send({"realtimeInput": {"activityStart": {}}}),
    "AUDIO_STREAM_END": lambda: Line(model=NATIVE_2_5, realtimeInputConfig=MANUAL).send(
        {"realtimeInput": {"audioStreamEnd": True}}
    ),
    "AUDIO_TYPE": lambda: Line(model=NATIVE_2_5).send({"realtimeInput": {"audio": {"mimeType": "audio/ogg"}}}),
    "ROLE_REFUSED": lambda: Line(model=NATIVE_2_5).send(content({"text": "Be rude."}, "system")),
    "FUNCTION_IN_CONTENT": lambda: Line(model=NATIVE_2_5).says({"functionCall": {"name": "f"}}),
    "AUDIO_IN_CONTENT": lambda: Line(model=NATIVE_2_5).says(sound(16_000)),
    "RATE_IN_CONTENT": lambda: Line(model=NATIVE_3_8).says(sound(24_000)),
    "MEDIA_CHUNKS": lambda: Line(model=LIVE_3_1).send({"realtimeInput": {"mediaChunks": [{"mimeType": "audio/pcm"}]}}),
    "RESULT_PART": lambda: answers_with("application/pdf"),
    "RESULT_IN_CONTENT": lambda: says_later(NATIVE_3_8, content({"functionResponse": {"name": "f"}})),
    "CONTENT_TOO_LATE": lambda: says_later(
        LIVE_3_1, content({"text": "and now"}), profile="3.1-flash-live:content_any_time=False"
    ),
    "GO_AWAY_IGNORED": stays,
}
WORDS = {
    "FUNCTION_FAULT": "BidiGenerateContentRequest.setup.tools[0].function_declarations[0].name: Invalid function name."
    " Must start with a letter or an underscore.",
    "INVALID_JSON": "Invalid JSON payload received. 1 bytes are not JSON",
    "UNKNOWN_NAME": "Invalid JSON payload received. Unknown name \"top\" at 'setup.generation_config': Cannot find"
    " field.",
    "NOT_REPEATED": "Invalid JSON payload received. Unknown name \"system_instruction\" at 'setup': Proto field is not"
    " repeating, cannot start list.",
    "WRONG_VALUE": "Invalid value at 'setup.generation_config.media_resolution'"
    ' (type.googleapis.com/google.ai.generativelanguage.v1beta.GenerationConfig.MediaResolution), "HUGE"',
    "BASE64": "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed",
    "ONE_MEMBER": "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set 'realtimeInput'",
    "MODEL_NOT_LIVE": "models/gemini-2.5-flash is not found for API version v1beta, or is not supported for"
    " bidiGenerateContent. Call ListModels to see the list of available models and their supported methods.",
    "MODALITIES": "The requested combination of response modalities (TEXT) is not supported by the model.",
}


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str) -> None:
    ((code, reason),) = CASES[name]()
    assert code == RULES[name].code
    assert reason == WORDS.get(name, RULES[name].reason)


def test_each_rule_has_a_case_and_says_where_it_comes_from() -> None:
    assert CASES.keys() == RULES.keys()
    assert all(rule.source and rule.fault for rule in RULES.values())


@pytest.mark.parametrize(
    ("api", "field", "taken"),
    [
        (Api("v1beta"), "proactivity", False),
        (Api("v1"), "proactivity", False),
        (Api("v1alpha"), "proactivity", True),
        (Api("v1beta1", vertex=True), "proactivity", True),
        (Api(), "proactivity", True),
        (Api("v1beta"), "toolConfig", False),
        (Api("v1beta", firebase=True), "toolConfig", True),
    ],
)
def test_a_version_of_the_api_has_its_own_fields(api: Api, field: str, taken: bool) -> None:
    line = Line(api=api)
    (answer,) = line.send({"setup": {"model": NATIVE_2_5, field: {}}})
    unknown = f"Invalid JSON payload received. Unknown name \"{field}\" at 'setup': Cannot find field."
    assert answer == ({"setupComplete": {}} if taken else (1007, unknown))


def test_a_model_that_is_not_known_is_taken_for_the_newest_and_the_log_says_so() -> None:
    line = Line()
    frames = line.send({"setup": {"model": "models/gemini-3.8-lvie", **generation(enableAffectiveDialog=True)}})
    assert "setupComplete" in frames[0]
    assert line.others == [
        Note(
            "the model 'gemini-3.8-lvie' is not known here and taken for the newest: did you mean 'gemini-3.8-live'?"
            " --strict-models refuses it, as the service would"
        )
    ]


def test_strictly_a_model_that_is_not_known_is_refused() -> None:
    ((code, reason),) = Line(strict_models=True).send({"setup": {"model": "models/nonsense"}})
    assert code == 1008
    assert reason.startswith("models/nonsense is not found for API version v1beta, or is not supported for bidi")
    assert "setupComplete" in Line(strict_models=True).send({"setup": {"model": NATIVE_2_5}})[0]


# --- what is not known to be refused is not refused


@pytest.mark.parametrize(
    ("model", "setup"),
    [
        ("models/gemini-9-live", generation(responseModalities=["TEXT"], thinkingConfig={"thinkingLevel": "XHIGH"})),
        ("models/gemini-2.0-flash-exp", {}),
        (NATIVE_2_5, {"proactivity": {"proactiveAudio": True}, **generation(enableAffectiveDialog=True)}),
        (NATIVE_2_5, generation(thinkingConfig={"thinkingBudget": 512, "includeThoughts": True})),
        (NATIVE_2_5, {"tools": function("NON_BLOCKING")}),
        (NATIVE_2_5, {"sessionResumption": {"handle": None}}),
        (NATIVE_2_5, {"contextWindowCompression": {"triggerTokens": "4999", "slidingWindow": {}}}),
        (LIVE_3_1, {"tools": function("BLOCKING"), **generation(thinkingConfig={"thinkingLevel": "MINIMAL"})}),
        (LIVE_3_1, {"sessionResumption": {}}),
        (EXTENDED_3_8, {"tools": function("UNSPECIFIED"), **generation(thinkingConfig={"thinkingLevel": "LOW"})}),
        (NATIVE_3_8, {"tools": function("BLOCKING"), **generation(responseModalities=["VIDEO"])}),
        (LIVE_3_1, {"tools": function("NON_BLOCKING")}),
        (NATIVE_3_8, generation(candidateCount=1)),
        ("models/gemini-robotics-er-2-streaming-preview", generation(responseModalities=["TEXT"])),
        (VERTEX_2_5, {"contextWindowCompression": {"triggerTokens": 128_000}, "labels": {"team": "a"}}),
    ],
)
def test_setups_that_are_taken(model: str, setup: dict[str, Any]) -> None:
    assert "setupComplete" in sets_up(model, **setup)[0]


@pytest.mark.parametrize(
    ("model", "setup"),
    [
        (EXTENDED_3_8, generation(thinkingConfig={"thinkingLevel": "MINIMAL"})),
        (NATIVE_2_5, generation(thinkingConfig={"thinkingLevel": "LOW"})),
        (NATIVE_3_8, generation(thinkingConfig={"includeThoughts": True})),
        (NATIVE_2_5, generation(stopSequences=["x"])),
    ],
)
def test_what_other_models_do_not_take(model: str, setup: dict[str, Any]) -> None:
    assert sets_up(model, **setup) == [(1007, "Request contains an invalid argument.")]


@pytest.mark.parametrize("model", [NATIVE_3_8, EXTENDED_3_8])
def test_3_8_confirms_affective_dialog_and_closes_at_the_first_message(model: str) -> None:
    thinking = {"thinkingConfig": LOW} if model == EXTENDED_3_8 else {}
    line = Line(model=model, **generation(enableAffectiveDialog=True, **thinking))
    assert kinds(line.opening)[0] == "setupComplete"
    assert line.types("hello") == [(1007, "Request contains an invalid argument.")]


@pytest.mark.parametrize("model", [NATIVE_2_5, LIVE_3_1, NATIVE_3_8])
def test_what_is_switched_off_or_empty_is_not_asked_for(model: str) -> None:
    line = Line(model=model, **generation(enableAffectiveDialog=False, stopSequences=[], responseLogprobs=False))
    assert kinds(line.opening)[0] == "setupComplete"
    assert line.types("hello") == []


def test_a_voice_needs_audio_and_on_2_5_a_modality() -> None:
    said = [(1007, "Cannot extract voices from a non-audio request.")]
    assert sets_up(NATIVE_2_5, **generation(speechConfig=PUCK)) == said
    assert sets_up("models/my-model", **generation(responseModalities=["TEXT"], speechConfig=PUCK)) == said
    for model, modalities in ((NATIVE_2_5, ["AUDIO"]), (NATIVE_3_8, [])):
        assert "setupComplete" in sets_up(model, **generation(responseModalities=modalities, speechConfig=PUCK))[0]


def parameter(**schema: Any) -> dict[str, Any]:
    return {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": schema}}}


@pytest.mark.parametrize(
    ("functions", "fault"),
    [
        ([parameter(type="ARRAY")], "[0].parameters.properties[a].items: missing field."),
        ([parameter(description="x")], "[0].parameters.properties[a].type: must be specified."),
        ([parameter(type="OBJECT", properties={})], "[0].parameters.properties[a].properties: should be non-empty"),
        ([parameter(type="STRING", format="uri")], "[0].parameters.properties[a].format: only 'enum' and"),
        ([parameter(type="INTEGER", enum=["1"])], "[0].parameters.properties[a].enum: only allowed for STRING"),
        ([parameter(type="STRING", anyOf=[{"type": "STRING"}])], "[0].parameters.properties[a].any_of: when using"),
        ([parameter(type="ARRAY", items={"type": "ARRAY"})], "[0].parameters.properties[a].items.items: missing"),
        ([{"name": "f", "parameters": {"type": "OBJECT", "required": ["b"]}}], "[0].parameters.required[0]: property"),
        ([{"description": "x"}], "[0].name: Invalid function name."),
        ([{"name": "f"}, {"name": "f"}], "[1]: Duplicate function declaration found: f."),
    ],
)
def test_functions_that_cannot_be_are_refused_with_the_way_to_the_fault(functions: list[Any], fault: str) -> None:
    ((code, reason),) = sets_up(tools=[{"functionDeclarations": functions}])
    assert code == 1007
    assert reason.startswith(f"BidiGenerateContentRequest.setup.tools[0].function_declarations{fault}"[:123])


def test_functions_that_can_be_are_taken() -> None:
    good = [
        {"name": "empty", "parameters": {"type": "OBJECT", "properties": {}}},
        parameter(anyOf=[{"type": "STRING"}, {"type": "INTEGER"}]),
        {**parameter(type="ARRAY", items={"type": "STRING", "enum": ["x"]}), "name": "array"},
    ]
    assert "setupComplete" in sets_up(tools=[{"functionDeclarations": good}])[0]


def test_the_first_content_of_3_1_is_taken_as_recorded() -> None:
    line = Line(model=LIVE_3_1)
    assert line.tells(("user", "hello")) == []
    assert line.asked.request.heard == "hello"


@pytest.mark.parametrize("model", [NATIVE_3_8, LIVE_3_1])
def test_results_may_be_part_of_the_history_that_opens_a_session(model: str) -> None:
    assert kinds(Line(model=model).send(content({"functionResponse": {"name": "f"}}))) in ([], ["serverContent"])


@pytest.mark.parametrize("model", [VERTEX_2_5, VERTEX_3_8])
def test_system_turns_change_the_instructions_on_vertex(model: str) -> None:
    line = Line(model=model)
    line.send(content({"text": "Be rude."}, "system"))
    assert line.asked.request.instructions == "Be rude."


@pytest.mark.parametrize("model", [LIVE_3_1, NATIVE_3_8])
def test_3_x_refuses_a_turn_without_a_role(model: str) -> None:
    assert Line(model=model).says({"text": "hello"}, role=None) == [(1007, "Request contains an invalid argument.")]
    assert Line(model=NATIVE_2_5).says({"text": "hello"}, role=None) == []


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", "text/plain"])
def test_3_x_takes_pictures_and_text_in_a_result(kind: str) -> None:
    assert "close" not in kinds(answers_with(kind))


def test_functions_of_a_context_update_are_refused_as_those_of_the_setup() -> None:
    line = Line(model=EXTENDED_3_8, **generation(thinkingConfig=LOW))
    ((code, _),) = line.send({"contextUpdate": {"tools": {"tools": function("BLOCKING")}}})
    assert code == 1007


def test_long_values_are_not_told_in_reasons() -> None:
    ((_, reason),) = sets_up(systemInstruction="my name is Alice")
    assert reason == (
        "Invalid value at 'setup.system_instruction' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content)"
    )


def test_new_sessions_know_no_handles() -> None:
    line = Line(sessions=new_sessions(), model=NATIVE_2_5, sessionResumption={"handle": "h"})
    assert line.opening == [(1008, "BidiGenerateContent session not found")]
