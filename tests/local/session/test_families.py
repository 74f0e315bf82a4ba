"""What families of models do with what they are told, heard and given, each as somebody saw it; see `profiles`."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.session.actions import Recall, Respond
from gemini_realtime.local.session.conversation import State
from gemini_realtime.local.session.reply import MAX_HELD_BYTES
from gemini_realtime.local.thinking import ToolResult, Turn
from gemini_realtime.local.wire.profiles import PROFILES, facts_of, on_vertex, profile_named, profile_of
from gemini_realtime.protocol.families import FAMILIES
from tests.local.line import (
    ALARM,
    EXTENDED_3_8,
    HALF_CASCADE,
    LIVE_3_1,
    MANUAL,
    NATIVE_2_5,
    NATIVE_3_8,
    SECOND,
    TRANSCRIBE,
    VERTEX,
    VERTEX_2_5,
    VERTEX_3_8,
    VERTEX_HALF_CASCADE,
    WEATHER,
    Line,
    call_ids,
    kinds,
    new_sessions,
    words,
)

HISTORY: dict[str, Any] = {"historyConfig": {"initialHistoryInClientContent": True}}
LOW: dict[str, Any] = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
BLOCKING: dict[str, Any] = {"functionDeclarations": [{"name": "get_weather", "behavior": "BLOCKING"}]}
SEED = (("user", "My name is Alice."), ("model", "Hello Alice."), ("user", "What is my name?"))
PAST = (Turn("user", "My name is Alice."), Turn("model", "Hello Alice."))


def asked(line: Line) -> list[Respond]:
    return [action for action in line.others if isinstance(action, Respond)]


# --- the facts themselves


def test_every_fact_of_a_profile_names_its_evidence() -> None:
    for profile in (*PROFILES, *map(on_vertex, PROFILES)):
        assert set(facts_of(profile)) <= set(profile.evidence), profile.name
        assert all(known.source and known.date for known in profile.evidence.values())


def test_a_profile_is_named_with_other_values_of_its_facts() -> None:
    profile = profile_named("vertex/3.8-live:system_role=False,media_chunks=refused,audio_parts=2")
    assert (profile.vertex, profile.system_role, profile.media_chunks, profile.audio_parts) == (
        True, False, "refused", 2,
    )  # fmt: skip
    assert profile_named("2.5-native-audio:turn_ends_at_calls_s=None").turn_ends_at_calls_s is None
    assert profile_named("3.1-flash-live:no_turn_complete=2").no_turn_complete.every == 2


@pytest.mark.parametrize("change", ["nothing=1", "media_chunks=loud", "vertex", "audio_parts=0", "name=x", "models=x"])
def test_a_value_that_a_fact_cannot_have_is_an_error(change: str) -> None:
    with pytest.raises(ConfigError, match=f"'{change}' is no value of a fact of '3.8-live'"):
        profile_named(f"3.8-live:{change}")


def test_turns_end_at_calls_on_vertex_where_the_family_says_so() -> None:
    for profile in map(on_vertex, PROFILES):
        assert (profile.turn_ends_at_calls_s is not None) == profile.family.turn_ends_at_calls


def test_every_family_has_a_profile() -> None:
    for family in FAMILIES:
        for name in family.names:
            assert profile_of(f"models/{name}-preview").family is family


# --- seeds


@pytest.mark.parametrize("setup", [{}, HISTORY])
@pytest.mark.parametrize("model", [NATIVE_2_5, HALF_CASCADE])
def test_2_5_answers_a_completed_seed_whatever_the_setup_says(model: str, setup: dict[str, Any]) -> None:
    line = Line(model=model, **setup)
    line.tells(*SEED)
    assert (line.asked.request.heard, line.asked.request.history) == ("What is my name?", PAST)


@pytest.mark.parametrize("nudge", [" ", ".", "", " \n"])
@pytest.mark.parametrize("model", [LIVE_3_1, NATIVE_3_8])
def test_3_x_answers_a_completed_seed_when_it_is_nudged(model: str, nudge: str) -> None:
    line = Line(model=model, **HISTORY)
    line.tells(*SEED)
    assert asked(line) == []
    line.types(nudge)
    assert (line.asked.request.heard, line.asked.request.history) == ("What is my name?", PAST)


def test_a_nudge_answers_what_was_told_and_not_completed() -> None:
    line = Line(model=NATIVE_3_8)
    line.tells(("user", "What is two plus three?"), complete=False)
    line.types(" ")
    assert line.asked.request.heard == "What is two plus three?"


def test_a_nudge_changes_nothing_while_the_model_is_at_it_and_when_all_is_answered() -> None:
    line = Line(model=NATIVE_3_8, pace="instant")
    line.types("hello")
    assert line.types(" ") == []
    line.speaks()
    line.ends()
    line.types(" ")
    assert len(asked(line)) == 1


def test_a_nudge_lets_a_model_speak_that_never_had_a_turn() -> None:
    line = Line(model=NATIVE_3_8, **HISTORY)
    line.tells(("user", "hello"), ("model", "Hello."))
    line.types(" ")
    assert (line.asked.request.heard, len(line.asked.request.history)) == ("", 2)


def test_a_nudge_lets_the_model_speak_of_a_result_that_it_was_to_keep() -> None:
    line = Line(model=NATIVE_3_8, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    line.answers((call_id, "done"), scheduling="SILENT")
    line.types(" ")
    assert line.asked.request.results == (ToolResult("set_alarm", {"output": "done"}, {"city": "Oslo"}),)


def test_a_nudge_within_an_utterance_is_none_of_its_words() -> None:
    line = Line(model=NATIVE_3_8, realtimeInputConfig=MANUAL)
    line.send({"realtimeInput": {"activityStart": {}}})
    line.types(".")
    line.send({"realtimeInput": {"activityEnd": {}}})
    line.peer.heard("hello")
    line.frames()
    assert line.asked.request.heard == "hello"


def test_speech_to_2_5_knows_a_seed_only_once_it_is_completed() -> None:
    line = Line(model=NATIVE_2_5, pace="instant")
    line.tells(*SEED[:2], complete=False)
    line.hears("who am I")
    assert not line.asked.request.history
    line.tells()
    line.speaks("I cannot know.")
    line.ends()
    assert (line.asked.request.heard, line.asked.request.history) == ("who am I", PAST)


def test_text_to_2_5_knows_a_seed_that_is_not_completed() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(*SEED[:2], complete=False)
    line.types("who am I")
    assert line.asked.request.history == PAST


def test_speech_to_3_x_knows_a_seed_that_is_not_completed() -> None:
    line = Line(model=NATIVE_3_8)
    line.tells(*SEED[:2], complete=False)
    line.hears("who am I")
    assert line.asked.request.history == PAST


FUNCTIONS: tuple[dict[str, Any], ...] = (
    {"role": "user", "parts": [{"text": "Weather?"}]},
    {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "get_weather", "args": {"city": "Oslo"}}}]},
    {"role": "user", "parts": [{"functionResponse": {"id": "a", "response": {"output": "foggy"}}}]},
    {"role": "model", "parts": [{"text": "It is foggy."}]},
)


@pytest.mark.parametrize(("model", "kept"), [(NATIVE_3_8, True), (LIVE_3_1, False)])
def test_3_x_keeps_seeded_results_but_3_1_loses_them_on_a_resume(model: str, kept: bool) -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=model, pace="instant", sessionResumption={}, **HISTORY)
    line.send({"clientContent": {"turns": list(FUNCTIONS), "turnComplete": True}})
    line.types("And now?")
    result = ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"})
    assert [turn.result for turn in line.asked.request.history if turn.role == "tool"] == [result]
    handle = line.ends()[-1]["sessionResumptionUpdate"]["newHandle"]
    line.peer.connection_ended()
    again = Line(sessions=sessions, session_id="t", model=model, sessionResumption={"handle": handle})
    again.types("And then?")
    texts = [turn.text for turn in again.asked.request.history]
    assert texts[0] == "Weather?"
    assert ('get_weather: {"output":"foggy"}' in texts) == kept


def test_3_x_recalls_what_was_said_in_a_seed() -> None:
    line = Line(model=NATIVE_3_8, **HISTORY)
    sound = {"inlineData": {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(b"\1\0").decode()}}
    line.says(sound)
    (recall,) = (action for action in line.others if isinstance(action, Recall))
    assert recall.turn.pcm16k == b"\1\0"
    line.types("What is my name?")
    assert asked(line) == []
    line.peer.recalled(recall.turn, "My name is Alice.")
    line.frames()
    assert line.asked.request.history == (Turn("user", "My name is Alice."),)


# --- what the client says in mid-session


def test_3_1_takes_content_all_session_long() -> None:
    line = Line(model=LIVE_3_1, pace="instant")
    line.types("hello")
    line.ends()
    assert line.tells(("user", "I like teal."), complete=False) == []
    line.tells()
    assert line.asked.request.heard == "I like teal."
    line.ends()
    line.tells()
    assert line.asked.request.heard == ""


def test_content_waits_for_the_end_of_a_reply_of_2_5() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "first"))
    line.speaks("Once upon a time.")
    assert line.tells(("user", "second")) == []
    line.ends()
    line.waits(2)
    assert line.asked.request.heard == "second"
    assert [turn.text for turn in line.asked.request.history] == ["first", "Once upon a time."]


@pytest.mark.parametrize("model", [LIVE_3_1, NATIVE_3_8, VERTEX_HALF_CASCADE, VERTEX_2_5])
def test_content_cuts_the_reply_of_other_models(model: str) -> None:
    line = Line(model=model)
    line.tells(("user", "first"))
    line.speaks()
    line.ends()
    frames = line.tells(("user", "second"))
    assert kinds(frames)[:2] == ["interrupted", "turnComplete"]
    assert line.asked.request.heard == "second"


@pytest.mark.parametrize("says", ["text", "content"])
def test_text_to_2_5_waits_for_the_result_of_a_call_and_its_answer(says: str) -> None:
    line = Line(model=NATIVE_2_5, pace="instant", tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    assert (line.types("and you?") if says == "text" else line.tells(("user", "and you?"))) == []
    line.answers((call_id, "foggy"))
    assert line.asked.request.results
    line.speaks("It is foggy.")
    line.ends()
    assert line.asked.request.heard == "and you?"


@pytest.mark.parametrize("model", [LIVE_3_1, VERTEX_2_5])
def test_text_to_other_models_cancels_the_call(model: str) -> None:
    line = Line(model=model, pace="instant", tools=[WEATHER])
    line.types("weather")
    line.calls("get_weather")
    assert kinds(line.types("never mind"))[:3] == ["toolCallCancellation", "interrupted", "turnComplete"]
    assert line.asked.request.heard == "never mind"


@pytest.mark.parametrize(("model", "heard"), [(NATIVE_2_5, 1), (NATIVE_3_8, 0), (EXTENDED_3_8, 0)])
def test_media_chunks_are_heard_by_2_5_and_not_by_3_8(model: str, heard: int) -> None:
    line = Line(model=model, **(LOW if model == EXTENDED_3_8 else {}))
    chunk = {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}
    assert line.send({"realtimeInput": {"mediaChunks": [chunk]}}) == []
    assert len(line.others) == heard


# --- what the user says


@pytest.mark.parametrize("model", [LIVE_3_1, NATIVE_3_8, EXTENDED_3_8])
def test_3_x_writes_an_utterance_in_one_message_also_unasked(model: str) -> None:
    line = Line(model=model, **(LOW if model == EXTENDED_3_8 else {}))
    frames = line.hears("what is the weather")
    assert [f["serverContent"]["inputTranscription"] for f in frames if "inputTranscription" in kinds([f])[0]] == [
        {"text": "what is the weather"}
    ]
    assert words(Line(model=NATIVE_2_5).hears("what is the weather"), "inputTranscription") == ""


def test_3_x_tells_when_the_user_speaks_ahead_of_the_interruption() -> None:
    for model in (LIVE_3_1, NATIVE_3_8):
        line = Line(model=model)
        line.types("tell me something long")
        line.speaks()
        line.peer.speech_started()
        frames = line.frames()
        assert kinds(frames) == ["voiceActivity", "interrupted", "turnComplete"]
        assert frames[0]["voiceActivity"] == {"type": "ACTIVITY_START", "audioOffset": "0s"}
        line.peer.heard("stop")
        assert line.frames()[0]["voiceActivity"]["type"] == "ACTIVITY_END"


def test_the_transcriber_confirms_the_ends_that_the_client_marks() -> None:
    line = Line(model=TRANSCRIBE, realtimeInputConfig=MANUAL)
    assert line.send({"realtimeInput": {"activityStart": {}}}) == []
    line.send({"realtimeInput": {"activityEnd": {}}})
    line.peer.heard("hello")
    assert kinds(line.frames()) == ["voiceActivity", "inputTranscription", "generationComplete"]


# --- calls


@pytest.mark.parametrize("model", [VERTEX_HALF_CASCADE, VERTEX_2_5])
def test_a_turn_of_2_5_on_vertex_ends_with_its_calls_and_the_answer_is_another(model: str) -> None:
    line = Line(model=model, pace="instant", tools=[WEATHER], outputAudioTranscription={})
    line.types("weather")
    frames = line.calls("get_weather") + line.waits(0.1)
    assert kinds(frames) == ["toolCall", "outputTranscription", "generationComplete", "turnComplete"]
    assert line.peer.state is State.WAITING
    line.answers((call_ids(frames)[0], "foggy"))
    assert (line.asked.reply_id, line.asked.request.heard) == (2, "weather")
    assert line.asked.request.results == (ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"}),)
    assert kinds(line.speaks("It is foggy.") + line.ends())[-1] == "turnComplete"


def test_a_result_may_come_before_the_end_of_the_turn_that_called_which_then_ends() -> None:
    line = Line(model=VERTEX_2_5, pace="instant", tools=[WEATHER])
    line.types("weather")
    frames = line.calls("get_weather")
    frames += line.answers((call_ids(frames)[0], "foggy"))
    assert kinds(frames) == ["toolCall", "generationComplete", "turnComplete"]
    assert line.asked.reply_id == 2
    frames += line.speaks("It is foggy.") + line.ends() + line.waits(10)
    assert kinds(frames).count("turnComplete") == 2
    line = Line(model=NATIVE_2_5, pace="instant", tools=[WEATHER])
    line.types("weather")
    frames = line.calls("get_weather")
    frames += line.answers((call_ids(frames)[0], "foggy")) + line.speaks("It is foggy.") + line.ends()
    assert kinds(frames).count("turnComplete") == 1


@pytest.mark.parametrize("model", [NATIVE_2_5, HALF_CASCADE])
def test_a_turn_of_2_5_that_calls_ends_when_no_result_comes_soon(model: str) -> None:
    line = Line(model=model, pace="instant", tools=[WEATHER])
    line.types("weather")
    frames = line.calls("get_weather")
    assert line.waits(1.9) == []
    assert kinds(line.waits(0.1)) == ["generationComplete", "turnComplete"]
    assert line.peer.deadline() is None
    line.answers((call_ids(frames)[0], "foggy"))
    assert line.asked.request.results
    assert line.peer.state is State.GENERATING


def test_speech_cancels_calls_whose_turn_has_ended_without_another_end() -> None:
    line = Line(model=VERTEX_2_5, pace="instant", tools=[WEATHER])
    line.types("weather")
    line.calls("get_weather")
    line.waits(1)
    assert kinds(line.hears("never mind")) == ["toolCallCancellation"]
    assert line.asked.request.heard == "never mind"


def test_a_function_of_3_1_blocks_whatever_it_was_declared() -> None:
    line = Line(model=LIVE_3_1, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    line.calls("set_alarm")
    assert line.peer.state is State.WAITING


def test_scheduling_is_taken_from_inside_the_response_too() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    response = {"id": call_id, "response": {"output": "done", "scheduling": "SILENT"}}
    line.send({"toolResponse": {"functionResponses": [response]}})
    assert len(asked(line)) == 1
    line.types("and?")
    assert line.asked.request.history[-1].result == ToolResult("set_alarm", {"output": "done"}, {"city": "Oslo"})


def test_an_empty_partial_result_is_not_spoken_of() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    line.send({"toolResponse": {"functionResponses": [{"id": call_id, "willContinue": True}]}})
    assert len(asked(line)) == 1
    line.answers((call_id, "done"))
    assert [result.response for result in line.asked.request.results] == [{"output": "done"}]


def test_a_result_for_a_blocking_call_of_3_8_needs_its_id_on_vertex() -> None:
    line = Line(model=VERTEX_3_8, pace="instant", tools=[BLOCKING])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    line.send({"toolResponse": {"functionResponses": [{"name": "get_weather", "response": {"output": "foggy"}}]}})
    assert line.peer.state is State.WAITING
    line.answers((call_id, "foggy"))
    assert line.asked.request.results


def test_text_in_a_result_of_3_x_is_part_of_it() -> None:
    line = Line(model=LIVE_3_1, tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    part = {"inlineData": {"mimeType": "text/plain", "data": base64.b64encode(b"foggy").decode()}}
    line.send({"toolResponse": {"functionResponses": [{"id": call_id, "response": {}, "parts": [part]}]}})
    assert line.asked.request.results[0].response == {"parts": ["foggy"]}


# --- the session


def lost_call() -> Line:
    """A session of 3.8, resumed after its connection was lost while a call was open; `function-call-…` is asked for."""
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_3_8, pace="instant", tools=[BLOCKING], sessionResumption={})
    (update,) = (f["sessionResumptionUpdate"] for f in line.types("weather") if "sessionResumptionUpdate" in f)
    line.lost = call_ids(line.calls("get_weather"))[0]  # type: ignore[attr-defined]
    line.peer.connection_ended()
    setup: dict[str, Any] = {"tools": [BLOCKING], "sessionResumption": {"handle": update["newHandle"]}}
    again = Line(sessions=sessions, session_id="t", model=NATIVE_3_8, pace="instant", **setup)
    again.lost = line.lost  # type: ignore[attr-defined]
    return again


def test_input_after_a_lost_call_of_3_8_only_ends_the_old_exchange() -> None:
    line = lost_call()
    assert "turnComplete" in kinds(line.types("how are you"))
    assert asked(line) == []
    line.types("how are you")
    assert line.asked.request.heard == "how are you"


def test_the_error_of_a_lost_call_of_3_8_ends_it_and_input_is_answered() -> None:
    line = lost_call()
    response = {"id": line.lost, "response": {"error": "lost"}}  # type: ignore[attr-defined]
    assert "turnComplete" in kinds(line.send({"toolResponse": {"functionResponses": [response]}}))
    line.types("how are you")
    assert line.asked.request.heard == "how are you"


@pytest.mark.parametrize("model", [LIVE_3_1, NATIVE_3_8])
def test_3_x_gives_a_handle_in_mid_turn_that_knows_the_turn(model: str) -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=model, sessionResumption={})
    frames = line.types("My name is Alice.") + line.speaks() + line.ends() + line.waits(2)
    updates = [frame["sessionResumptionUpdate"] for frame in frames if "sessionResumptionUpdate" in frame]
    assert len(updates) == 2
    assert all(update["newHandle"] for update in updates)
    line.peer.connection_ended()
    handle = {"handle": updates[0]["newHandle"]}
    again = Line(sessions=sessions, session_id="t", model=model, sessionResumption=handle)
    again.types("Who am I?")
    assert again.asked.request.history == (Turn("user", "My name is Alice."),)


def test_3_8_gives_a_handle_at_the_end_of_a_turn_though_a_call_is_open() -> None:
    line = Line(model=NATIVE_3_8, pace="instant", tools=[ALARM], sessionResumption={})
    line.types("set an alarm")
    assert kinds(line.calls("set_alarm"))[-2:] == ["turnComplete", "sessionResumptionUpdate"]


# --- how a turn is worded


def test_the_half_cascade_of_vertex_writes_a_turn_before_it_speaks() -> None:
    line = Line(model=VERTEX_HALF_CASCADE, pace="instant", outputAudioTranscription={})
    line.types("hello")
    assert kinds(line.speaks("Hello") + line.speaks(" there.")) == []
    frames = line.ends()
    assert kinds(frames) == [
        "outputTranscription", "outputTranscription", "modelTurn", "modelTurn", "outputTranscription",
        "generationComplete", "groundingMetadata", "turnComplete",
    ]  # fmt: skip
    assert words(frames, "outputTranscription") == "Hello there."


def test_what_was_kept_back_of_a_reply_that_is_cut_was_never_said() -> None:
    line = Line(model=VERTEX_HALF_CASCADE, outputAudioTranscription={})
    line.types("hello")
    line.speaks("Hello there.")
    line.types("stop")
    assert line.asked.request.history == (Turn("user", "hello"),)


def test_the_half_cascade_of_2_0_on_vertex_speaks_as_it_goes() -> None:
    line = Line(model=VERTEX + "gemini-2.0-flash-live-preview-04-09", outputAudioTranscription={})
    line.types("hello")
    assert kinds(line.speaks("Hello", SECOND)) == ["outputTranscription", "outputTranscription", "modelTurn"]


def test_a_robotics_model_writes_its_answer_as_a_transcript() -> None:
    line = Line(model="models/gemini-robotics-er-2-streaming-preview")
    line.types("what do you see")
    assert words(line.writes("A cup."), "outputTranscription") == "A cup."


def test_a_search_of_3_x_is_announced_by_a_bare_result_now_and_then() -> None:
    def announced(**setup: Any) -> list[bool]:
        line = Line(model=LIVE_3_1, pace="instant", **setup)
        return ["codeExecutionResult" in str(line.types("hello") + line.speaks() + line.ends()) for _ in range(3)]

    assert announced(tools=[{"googleSearch": {}}]) == [False, False, True]
    assert announced() == [False] * 3


def test_a_very_long_turn_of_the_half_cascade_is_not_kept_back_to_its_end() -> None:
    line = Line(model=VERTEX_HALF_CASCADE, outputAudioTranscription={})
    line.types("tell me a very long story")
    assert kinds(line.speaks(" Once.", bytes(MAX_HELD_BYTES - 2))) == []
    assert kinds(line.speaks(" Upon.", bytes(2))) == ["outputTranscription", "outputTranscription"] + ["modelTurn"] * 2
