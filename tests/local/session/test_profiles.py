"""How families of models differ on the wire."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.session.actions import Note, Respond
from gemini_realtime.local.session.conversation import State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.wire.profiles import (
    FLASH_LIVE_3_1,
    LIVE_3_8,
    NEVER,
    PROFILES,
    Oddity,
    on_vertex,
    profile_named,
    profile_of,
)
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
    VERTEX_2_5,
    VERTEX_3_8,
    WEATHER,
    Line,
    call_ids,
    kinds,
    new_sessions,
    words,
)

TRANSLATE = "models/gemini-3.5-live-translate-preview"
LOW: dict[str, Any] = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}


def contents(frames: list[Any]) -> list[Any]:
    return [frame["serverContent"] for frame in frames if "serverContent" in frame]


def a_turn(line: Line, heard: str = "hello", said: str = "Yes.") -> list[Any]:
    asked = line.types(heard)
    return asked + line.speaks(said) + line.ends()


# --- choosing one


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (NATIVE_2_5, "2.5-native-audio"),
        ("gemini-2.5-flash-preview-native-audio-dialog", "2.5-native-audio"),
        (VERTEX_2_5, "vertex/2.5-native-audio"),
        ("publishers/google/models/gemini-3.8-live", "vertex/3.8-live"),
        (LIVE_3_1, "3.1-flash-live"),
        (NATIVE_3_8, "3.8-live"),
        (EXTENDED_3_8, "3.8-live-extended-thinking"),
        (TRANSCRIBE, "3.5-transcribe"),
        (TRANSLATE, "3.5-translate"),
        (HALF_CASCADE, "2.5-half-cascade"),
        ("publishers/google/models/gemini-live-2.5-flash@001", "vertex/2.5-half-cascade"),
        ("models/gemini-robotics-er-2-streaming-preview", "robotics-er-2"),
        ("models/gemini-2.0-flash-live-001", "half-cascade"),
        ("my-model", "unknown"),
    ],
)
def test_the_name_of_the_model_decides(model: str, name: str) -> None:
    assert profile_of(model).name == name


def test_each_profile_can_be_named_also_as_vertex_serves_it() -> None:
    for profile in PROFILES:
        assert profile_named(profile.name) is profile
        assert profile_named(f"vertex/{profile.name}") == on_vertex(profile) == on_vertex(on_vertex(profile))


def test_an_unknown_name_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no model profile '4\.0'"):
        profile_named("4.0")


def test_a_profile_that_is_given_replaces_that_of_the_model_but_not_its_service() -> None:
    for model, expected in ((NATIVE_2_5, LIVE_3_8), (VERTEX_2_5, on_vertex(LIVE_3_8))):
        peer = Peer("s", new_sessions(), profile=LIVE_3_8)
        peer.receive(f'{{"setup": {{"model": "{model}"}}}}', 0.0)
        assert peer.options.profile == expected


def test_oddities_happen_at_regular_turns_that_a_seed_moves() -> None:
    assert [turn for turn in range(1, 10) if Oddity(3).happens(turn)] == [3, 6, 9]
    assert [turn for turn in range(1, 10) if Oddity(3, seed=2).happens(turn)] == [1, 4, 7]
    assert not any(NEVER.happens(turn) for turn in range(100))


# --- how a turn is worded


def test_2_5_thinks_aloud_in_every_second_turn_unless_told_otherwise() -> None:
    def thoughts(**thinking: Any) -> list[bool]:
        line = Line(model=NATIVE_2_5, pace="instant", generationConfig={"thinkingConfig": thinking} if thinking else {})
        return [any("thought" in str(content) for content in contents(a_turn(line))) for _ in range(4)]

    assert thoughts() == [False, True, False, True]
    assert thoughts(includeThoughts=True) == [True] * 4
    assert thoughts(includeThoughts=False) == thoughts(thinkingBudget=0) == [False] * 4


def test_thoughts_are_counted_apart() -> None:
    line = Line(model=NATIVE_2_5, pace="instant")
    line.types("hello")
    line.peer.thought(line.asked.reply_id, "**Greeting** I'll say hello.")
    usage = (line.frames() + line.ends())[-1]["usageMetadata"]
    assert (usage["thoughtsTokenCount"], usage["totalTokenCount"]) == (4, 1)


def test_a_piece_of_audio_is_one_part_or_as_many_as_a_profile_says() -> None:
    line = Line(model=NATIVE_3_8)
    line.types("hello")
    (frame,) = line.speaks()
    assert len(frame["serverContent"]["modelTurn"]["parts"]) == 1
    line = Line(model=NATIVE_3_8, profile="3.8-live:audio_parts=2", outputAudioTranscription={})
    line.types("hello")
    audio = bytes(range(10)) * 1000
    (frame,) = line.speaks("Hello.", audio)
    content = frame["serverContent"]
    assert content["outputTranscription"] == {"text": "Hello."}
    parts = [base64.b64decode(part["inlineData"]["data"]) for part in content["modelTurn"]["parts"]]
    assert len(parts) == 2
    assert b"".join(parts) == audio
    assert all(len(part) % 2 == 0 for part in parts)


def test_3_8_sends_a_bare_frame_now_and_then() -> None:
    line = Line(model=NATIVE_3_8, pace="instant")
    assert [{} in a_turn(line) for _ in range(5)] == [False, False, False, False, True]


def test_3_1_does_not_always_tell_the_end_of_a_turn() -> None:
    line = Line(model=LIVE_3_1, pace="instant")
    ends = ["turnComplete" in kinds(a_turn(line)) for _ in range(9)]
    assert ends == [True] * 7 + [False, True]
    assert line.peer.state is State.LISTENING


def test_extended_thinking_says_whether_more_follows() -> None:
    line = Line(model=EXTENDED_3_8, pace="instant", tools=[ALARM], **LOW)
    line.types("set an alarm")
    frames = line.speaks("I'm at it.") + line.calls("set_alarm")
    assert kinds(frames)[-3:] == ["generationComplete", "turnComplete+interactionStatus", "toolCall"]
    assert contents(frames)[-1] == {"turnComplete": True, "interactionStatus": "IN_PROGRESS"}
    line.answers((call_ids(frames)[0], "done"))
    assert contents(line.speaks("It is set.") + line.ends())[-1]["interactionStatus"] == "IDLE"


def test_the_half_cascade_writes_its_transcript_in_phrases() -> None:
    line = Line(model=HALF_CASCADE, pace="instant", outputAudioTranscription={})
    line.types("tell me more")
    said = [" ".join(["", *["word"] * 5])] * 8
    frames = line.speaks("We", b"") + [frame for piece in said for frame in line.speaks(piece, b"")] + line.ends()
    pieces = [
        content["outputTranscription"]["text"] for content in contents(frames) if "outputTranscription" in content
    ]
    assert pieces[0] == "We"
    assert len(pieces) < 6
    assert words(frames, "outputTranscription") == "We" + "".join(said)


def test_a_phrase_under_way_is_sent_before_an_interruption() -> None:
    line = Line(model=HALF_CASCADE, outputAudioTranscription={})
    line.types("tell me more")
    line.speaks("We", b"")
    line.speaks(" could talk", b"")
    line.peer.speech_started()
    assert kinds(line.frames()) == ["outputTranscription", "interrupted", "turnComplete"]


# --- function calls


@pytest.mark.parametrize(
    ("model", "setup", "blocks"),
    [(NATIVE_2_5, {}, True), (LIVE_3_1, {}, True), (NATIVE_3_8, {}, False), (EXTENDED_3_8, LOW, False)],
)
def test_functions_block_by_default_or_not(model: str, setup: dict[str, Any], blocks: bool) -> None:
    line = Line(model=model, pace="instant", tools=[WEATHER], **setup)
    line.types("weather")
    frames = line.calls("get_weather")
    assert ("turnComplete" in str(frames)) == (not blocks)
    assert line.peer.state is (State.WAITING if blocks else State.LISTENING)


def test_a_blocking_function_of_3_8_blocks() -> None:
    declaration = {"name": "get_weather", "behavior": "BLOCKING"}
    line = Line(model=NATIVE_3_8, tools=[{"functionDeclarations": [declaration]}])
    line.types("weather")
    line.calls("get_weather")
    assert line.peer.state is State.WAITING


def test_3_8_discards_calls_without_a_word_and_makes_them_again() -> None:
    line = Line(model=NATIVE_3_8, tools=[WEATHER])
    line.types("weather")
    line.peer.wants_call(1, "get_weather", {"city": "Oslo"})
    frames = line.speaks("Let me see.")
    (old,) = call_ids(frames)
    assert kinds(line.hears("no, wait"))[1:3] == ["interrupted", "turnComplete"]
    again = line.speaks("All right.")
    (new,) = call_ids(again)
    assert new != old
    assert again[0]["toolCall"]["functionCalls"][0]["args"] == {"city": "Oslo"}
    line.ends()
    assert line.answers((old, "late")) == []
    assert isinstance(line.others[-1], Note)
    line.waits(10)
    line.answers((new, "foggy"))
    assert line.asked.request.results[0].response == {"output": "foggy"}


def test_extended_thinking_calls_once_what_it_said_was_heard_unless_the_user_cuts_in() -> None:
    line = Line(model=EXTENDED_3_8, tools=[ALARM], **LOW)
    line.types("set an alarm")
    frames = line.speaks("I'm at it.") + line.calls("set_alarm")
    assert "toolCall" not in kinds(frames)
    assert kinds(line.hears("no, wait"))[1:3] == ["interrupted", "turnComplete+interactionStatus"]
    frames = line.speaks("All right.") + line.ends()
    assert "toolCall" not in kinds(frames)
    assert kinds(line.waits(1))[:2] == ["turnComplete+interactionStatus", "toolCall"]


@pytest.mark.parametrize(("model", "cut"), [(NATIVE_3_8, False), (VERTEX_3_8, True)])
@pytest.mark.parametrize("speaks", [True, False])
def test_new_input_cancels_a_blocking_call_on_vertex_though_interruptions_are_off(
    model: str, cut: bool, speaks: bool
) -> None:
    declaration = {"name": "get_weather", "behavior": "BLOCKING"}
    options: dict[str, Any] = {"realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}}
    line = Line(model=model, tools=[{"functionDeclarations": [declaration]}], **options)
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    frames = line.hears("never mind") if speaks else line.types("never mind")
    assert ("interrupted" in kinds(frames)) == cut
    assert (line.asked.request.heard == "never mind") == cut
    assert (line.answers((call_id, "foggy")) == [] and isinstance(line.others[-1], Note)) == cut


def test_speech_of_3_8_on_vertex_is_not_cut_where_interruptions_are_off() -> None:
    line = Line(model=VERTEX_3_8, realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    line.types("tell me more")
    line.speaks()
    assert "interrupted" not in kinds(line.hears("never mind"))


@pytest.mark.parametrize(("model", "cut"), [(NATIVE_3_8, True), (VERTEX_3_8, False)])
def test_a_result_that_is_to_interrupt_waits_on_vertex_while_the_user_speaks(model: str, cut: bool) -> None:
    line = Line(model=model, tools=[ALARM], realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    line.waits(0)
    line.types("tell me something long")
    line.speaks()
    line.peer.speech_started()
    frames = line.answers((call_id, "done"), scheduling="INTERRUPT")
    assert ("interrupted" in kinds(frames)) == cut


def test_ids_of_calls_have_the_form_of_the_family() -> None:
    def first_id(model: str, **setup: Any) -> str:
        line = Line(model=model, **setup)
        line.types("weather")
        return call_ids(line.calls("get_weather"))[0]

    assert first_id(NATIVE_2_5).removeprefix("function-call-").isdigit()
    assert first_id(LIVE_3_1).removeprefix("fc_").isdigit()
    assert [len(piece) for piece in first_id(VERTEX_2_5).split("-")] == [8, 4, 4, 4, 12]


def test_the_half_cascade_shows_the_code_of_a_call() -> None:
    line = Line(model=HALF_CASCADE)
    line.types("weather")
    line.peer.wants_call(1, "get_weather", {"city": "Oslo", "days": [1, 2], "detail": True})
    frames = line.ends()
    assert kinds(frames) == ["modelTurn", "toolCall"]
    code = contents(frames)[0]["modelTurn"]["parts"][0]["executableCode"]
    assert code == {
        "language": "PYTHON",
        "code": "print(default_api.get_weather(city='Oslo', days=[1, 2], detail=True))",
    }


# --- handles that nobody asked for


def test_3_1_gives_a_handle_with_a_result_and_3_8_after_the_setup() -> None:
    line = Line(model=LIVE_3_1, tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    assert kinds(line.answers((call_id, "foggy"))) == ["sessionResumptionUpdate"]
    line = Line(model=NATIVE_3_8)
    assert kinds(line.opening) == ["setupComplete"]
    assert line.peer.deadline() == pytest.approx(100.1)
    (frame,) = line.waits(0.1)
    assert frame == {"sessionResumptionUpdate": {"newHandle": "handle-1", "resumable": True}}
    assert line.waits(10) == []


def test_such_a_handle_is_good() -> None:
    sessions = new_sessions()
    line = Line(sessions=sessions, model=NATIVE_3_8)
    line.waits(0.1)
    line.peer.connection_ended()
    again = Line(sessions=sessions, session_id="t", model=NATIVE_3_8, sessionResumption={"handle": "handle-1"})
    assert kinds(again.opening)[0] == "setupComplete"


# --- models that do not converse


def test_the_transcriber_writes_drafts_and_then_the_words_and_asks_nobody() -> None:
    line = Line(model=TRANSCRIBE)
    line.peer.speech_started()
    line.peer.hears("what time")
    line.peer.hears("what time is")
    line.peer.heard("what time is it")
    assert contents(line.frames()) == [
        {"interimInputTranscription": {"text": "what time"}},
        {"interimInputTranscription": {"text": "what time is"}},
        {"inputTranscription": {"text": "what time is it"}},
        {"generationComplete": True},
    ]
    assert contents(line.hears("")) == [{"generationComplete": True}]
    line.types("hello")
    line.tells(("user", "hello"))
    assert not [action for action in line.others if isinstance(action, Respond)]


def test_the_translator_answers_in_the_target_language() -> None:
    line = Line(model=TRANSLATE, generationConfig={"translationConfig": {"targetLanguageCode": "de"}})
    line.hears("good morning")
    assert line.asked.request.heard == "good morning"
    assert line.peer.options.language == "de"


# --- Vertex AI


def test_vertex_names_the_session() -> None:
    def name(session_id: str) -> str:
        line = Line(session_id=session_id, model=VERTEX_2_5)
        return str(line.opening[0]["setupComplete"]["sessionId"])

    assert name("a") == name("a") != name("b")
    assert [len(piece) for piece in name("a").split("-")] == [8, 4, 4, 4, 12]


def test_vertex_words_a_turn_in_its_own_way() -> None:
    line = Line(model=VERTEX_2_5, pace="instant", outputAudioTranscription={}, inputAudioTranscription={})
    heard = contents(line.hears("hello"))
    assert heard == [{"inputTranscription": {"text": " hello"}}, {"inputTranscription": {"finished": True}}]
    frames = line.speaks("Hello.") + line.ends()
    assert kinds(frames) == ["outputTranscription", "outputTranscription", "modelTurn", "outputTranscription",
                             "generationComplete", "turnComplete"]  # fmt: skip
    transcripts = [c["outputTranscription"] for c in contents(frames) if "outputTranscription" in c]
    assert transcripts == [{}, {"text": "Hello."}, {"finished": True}]
    turn = next(c["modelTurn"] for c in contents(frames) if "modelTurn" in c)
    assert (turn["role"], turn["parts"][0]["inlineData"]["mimeType"]) == ("model", "audio/pcm")
    usage = frames[-1]["usageMetadata"]
    assert usage["trafficType"] == "ON_DEMAND"
    assert usage["candidatesTokenCount"] == 25
    assert usage["candidatesTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 25}]
    assert "responseTokenCount" not in usage


def test_vertex_tells_when_the_user_speaks_if_asked() -> None:
    line = Line(model=VERTEX_3_8, explicitVadSignal=True)
    audio = base64.b64encode(bytes(48_000)).decode()
    line.send({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": audio}}})
    line.peer.speech_started()
    assert line.frames() == [{"voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.500s"}}]
    line.peer.heard("hello")
    assert line.frames()[0]["voiceActivity"]["type"] == "ACTIVITY_END"
    for model in (VERTEX_3_8, VERTEX_2_5):
        assert "voiceActivity" not in kinds(Line(model=model).hears("hello"))


def test_speech_is_found_more_readily_on_the_gemini_api_than_on_vertex() -> None:
    for model, level in ((NATIVE_2_5, "HIGH"), (VERTEX_2_5, "LOW")):
        detection = Line(model=model).peer.options.detection
        assert detection.start_of_speech_sensitivity == f"START_SENSITIVITY_{level}"
        assert detection.end_of_speech_sensitivity == f"END_SENSITIVITY_{level}"
    asked = {
        "automaticActivityDetection": {"startOfSpeechSensitivity": "START_SENSITIVITY_LOW", "silenceDurationMs": 9}
    }
    detection = Line(model=NATIVE_2_5, realtimeInputConfig=asked).peer.options.detection
    assert (detection.start_of_speech_sensitivity, detection.silence_duration_ms) == ("START_SENSITIVITY_LOW", 9)


# --- what counts


def picture() -> dict[str, Any]:
    return {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "_9g="}}}


@pytest.mark.parametrize(
    ("coverage", "audio", "video"),
    [
        ("TURN_INCLUDES_ONLY_ACTIVITY", 25, 258),
        ("TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO", 25, 516),
        ("TURN_INCLUDES_ALL_INPUT", 50, 516),
    ],
)
def test_coverage_says_which_input_counts(coverage: str, audio: int, video: int) -> None:
    line = Line(model=NATIVE_2_5, pace="instant", realtimeInputConfig={"turnCoverage": coverage})
    second = base64.b64encode(bytes(32_000)).decode()
    for _ in range(2):
        line.send({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": second}}})
    line.send(picture())
    line.now += 1
    line.peer.speech_started()
    line.send(picture())
    line.send(picture())
    line.peer.heard("look", audio_s=1.0)
    line.frames()
    details = line.ends()[-1]["usageMetadata"]["promptTokensDetails"]
    assert details == [{"modality": "AUDIO", "tokenCount": audio}, {"modality": "VIDEO", "tokenCount": video}]


def test_newer_models_see_all_video_by_default() -> None:
    assert FLASH_LIVE_3_1.coverage == LIVE_3_8.coverage == "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
    assert profile_of(NATIVE_2_5).coverage == "TURN_INCLUDES_ONLY_ACTIVITY"


def test_text_between_marks_is_kept_for_the_utterance_on_every_profile() -> None:
    for model in (NATIVE_2_5, NATIVE_3_8, LIVE_3_1):
        line = Line(model=model, realtimeInputConfig=MANUAL)
        line.send({"realtimeInput": {"activityStart": {}}})
        line.types("look")
        line.send({"realtimeInput": {"activityEnd": {}}})
        line.peer.heard("here")
        line.frames()
        assert line.asked.request.heard == "look here"


def test_speech_of_any_length_is_split_at_whole_samples() -> None:
    line = Line(model=NATIVE_3_8)
    line.types("hello")
    for audio in (b"\1\2", b"\1\2\3\4\5\6", SECOND):
        (frame,) = line.speaks("", audio)
        parts = [base64.b64decode(p["inlineData"]["data"]) for p in frame["serverContent"]["modelTurn"]["parts"]]
        assert b"".join(parts) == audio
        assert all(len(part) % 2 == 0 for part in parts)
