"""What a client sends and what is heard, as the service takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_realtime.local.session.actions import EndAudio, EndUtterance, Hear, Respond, Send, StartUtterance
from gemini_realtime.local.session.conversation import State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.thinking import Request, Turn
from tests.local.line import HALF_CASCADE, LIVE_3_1, MANUAL, NATIVE_2_5, NATIVE_3_8, WEATHER, Line, kinds, new_sessions

# --- setup ----------------------------------------------------------------------------------------------------------


def test_setup_is_confirmed_in_the_bytes_of_the_service() -> None:
    peer = Peer("s", new_sessions())
    peer.receive('{"setup": {"model": "models/gemini-3.8-live"}}', 0.0)
    assert peer.actions() == [Send(b'{\n  "setupComplete": {}\n}\n')]


def test_an_audio_frame_is_what_the_general_way_of_writing_gives() -> None:
    line = Line(model=NATIVE_3_8, outputAudioTranscription={})
    line.types("hello")
    line.peer.spoke(1, b"\x01\x02", 'say "ü"', 0.0)
    (send,) = line.peer.actions()
    assert isinstance(send, Send)
    assert send.frame == json.dumps(json.loads(send.frame), indent=2, ensure_ascii=False).encode() + b"\n"
    assert json.loads(send.frame) == {
        "serverContent": {
            "modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AQI="}}]},
            "outputTranscription": {"text": 'say "ü"'},
        }
    }


@pytest.mark.parametrize(
    ("first", "code", "reason"),
    [
        ({"realtimeInput": {"text": "hi"}}, 1007, "setup must be the first message and only the first"),
        ({}, 1007, "setup must be the first message and only the first"),
        ({"setup": {}}, 1007, "Request contains an invalid argument."),
        (
            {"setup": {"model": "m", "bogus": 1}},
            1007,
            "Invalid JSON payload received. Unknown name \"bogus\" at 'setup': Cannot find field.",
        ),
        (
            {"setup": {"model": "m", "generationConfig": {"top": 1}}},
            1007,
            "Invalid JSON payload received. Unknown name \"top\" at 'setup.generation_config': Cannot find field.",
        ),
        ({"steup": {}}, 1007, 'Invalid JSON payload received. Unknown name "steup": Cannot find field.'),
        (
            {"setup": {"model": NATIVE_2_5, "generationConfig": {"responseModalities": ["TEXT"]}}},
            1007,
            "The requested combination of response modalities (TEXT) is not supported by the model.",
        ),
        (
            {"setup": {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["AUDIO", "TEXT"]}}},
            1007,
            "The requested combination of response modalities (AUDIO, TEXT) is not supported by the model.",
        ),
        (
            {"setup": {"model": "m"}, "realtimeInput": {"text": "hi"}},
            1007,
            "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set 'realtimeInput'",
        ),
        (
            {"setup": {"model": 3}},
            1007,
            "Invalid value at 'setup.model' (TYPE_STRING), 3",
        ),
        ("{", 1007, "Invalid JSON payload received. 1 bytes are not JSON"),
        (b"\xff", 1007, "Invalid JSON payload received. 1 bytes are not JSON"),
        (
            {"setup": {"model": "m", "sessionResumption": {"handle": "x"}}},
            1008,
            "BidiGenerateContent session not found",
        ),
    ],
)
def test_what_the_service_refuses_at_the_start(first: Any, code: int, reason: str) -> None:
    line = Line()
    assert line.send(first) == [(code, reason)]
    assert line.peer.state is State.CLOSED


def test_a_second_setup_ends_the_session() -> None:
    line = Line(model=NATIVE_2_5)
    assert line.send({"setup": {"model": NATIVE_2_5}}) == [(1007, "Request contains an invalid argument.")]


def test_nothing_is_done_after_a_refusal() -> None:
    line = Line()
    line.send("[]")
    assert line.send({"setup": {"model": "m"}}) == []
    assert line.hears("hello") == []


@pytest.mark.parametrize("frame", [b"[" * 100_000, b'{"setup":{"model":"\xff"}}', '{"setup":{"model":"\ud800"}}'])
def test_hostile_json_ends_with_a_close(frame: bytes | str) -> None:
    assert kinds(Line().send(frame)) == ["close"]


def test_both_spellings_and_text_or_binary_frames_are_read() -> None:
    setup = {"setup": {"model": "m", "generation_config": {"responseModalities": ["text"]}, "tools": None}}
    for frame in (json.dumps(setup), json.dumps(setup).encode()):
        line = Line()
        assert kinds(line.send(frame)) == ["setupComplete"]
        assert line.peer.options.modality == "TEXT"


# --- what the client tells ------------------------------------------------------------------------------------------


def test_client_content_is_answered_with_what_was_said_before_as_history() -> None:
    line = Line(model=NATIVE_2_5, systemInstruction={"parts": [{"text": "Be brief."}]}, tools=[WEATHER])
    line.tells(("user", "My name is Alice."), ("model", "Nice to meet you."), complete=False)
    line.tells(("user", "What is my name?"))
    assert line.others == [
        Respond(
            1,
            Request(
                "What is my name?",
                (Turn("user", "My name is Alice."), Turn("model", "Nice to meet you.")),
                ({"name": "get_weather", "description": "Weather in a city"},),
                "Be brief.",
            ),
        )
    ]


def test_content_that_is_not_complete_waits_in_silence() -> None:
    line = Line(model=NATIVE_2_5)
    assert line.tells(("user", "Hello"), complete=False) == []
    assert line.others == []
    line.tells(("user", "there"))
    assert line.asked.request.heard == "Hello there"


def test_complete_without_turns_lets_the_model_open_the_conversation() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells()
    assert line.asked.request == Request("")


def test_seeded_history_is_not_answered_but_what_follows_is() -> None:
    line = Line(model=NATIVE_3_8, historyConfig={"initialHistoryInClientContent": True})
    line.tells(("user", "I like teal."), complete=False)
    line.tells(("model", "A fine color."))
    assert line.others == []
    line.tells(("user", "Which color?"))
    assert line.asked.request.history == (Turn("user", "I like teal."), Turn("model", "A fine color."))


def test_an_unknown_role_is_refused() -> None:
    line = Line(model=NATIVE_2_5)
    assert line.tells(("system", "Be rude.")) == [(1007, "Request contains an invalid argument.")]


def test_instructions_and_tools_can_change_in_mid_session() -> None:
    line = Line(model=NATIVE_3_8, tools=[WEATHER], systemInstruction={"parts": [{"text": "Be brief."}]})
    line.send({"contextUpdate": {"tools": {"tools": []}}})
    line.types("hello")
    assert (line.asked.request.tools, line.asked.request.instructions) == ((), "Be brief.")


# --- what the microphone brings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["_v8=", "/v8=", "_v8"])
@pytest.mark.parametrize(
    "item",
    [
        lambda data: {"audio": {"mimeType": "audio/pcm;rate=8000", "data": data}},
        lambda data: {"audio": {"mime_type": "audio/pcm; rate=8000", "data": data}},
        lambda data: {"mediaChunks": [{"mimeType": "audio/pcm;rate=8000", "data": data}, {"mimeType": "?"}]},
    ],
)
def test_audio_comes_in_any_spelling_of_base64(item: Any, data: str) -> None:
    line = Line(model=NATIVE_2_5)
    line.send({"realtime_input": item(data)})
    assert line.others == [Hear(b"\xfe\xff", 8000)]


def test_audio_without_a_rate_has_the_rate_of_the_service() -> None:
    line = Line(model=NATIVE_2_5)
    line.send({"realtimeInput": {"audio": {"mimeType": "audio/pcm", "data": ""}}})
    assert line.others == [Hear(b"", 16_000)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"audio": {"mimeType": "audio/ogg", "data": ""}}, "Request contains an invalid argument."),
        ({"audio": {"mimeType": "audio/pcm;channels=2", "data": ""}}, "Request contains an invalid argument."),
        (
            {"audio": {"mimeType": "audio/pcm", "data": "?"}},
            "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64 decoding failed",
        ),
        (
            {"video": {"mimeType": "image/jpeg", "data": "?"}},
            "Invalid value at 'realtime_input.video.data' (TYPE_BYTES), Base64 decoding failed",
        ),
        (
            {"activityStart": {}},
            "Explicit activity control is not supported when automatic activity detection is enabled.",
        ),
    ],
)
def test_realtime_input_that_is_refused(item: Any, reason: str) -> None:
    assert Line(model=NATIVE_2_5).send({"realtimeInput": item}) == [(1007, reason)]


def piece(data: str, **more: Any) -> bytes:
    blob = {"mimeType": "audio/pcm;rate=16000", "data": data}
    return json.dumps({"realtimeInput": {"audio": blob, **more}}).encode()


@pytest.mark.parametrize(
    "frames",
    [
        [piece("AAAA"), piece("_v8"), piece("/v8="), piece("AAAAAA=="), piece("")],
        [piece("AAAA"), piece("BB?B")],
        [piece("AAAA"), piece("A\\u0041AA"), piece('AA", "x": "A')],
        [piece("AAAA"), b'{"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": "AA\nAA"}}}'],
        [piece("AAAA"), piece("BBBB", text="hello"), piece("CCCC", text="hello"), piece("DDDD")],
        [piece("AAAA", audioStreamEnd=True), piece("BBBB", audioStreamEnd=True)],
        [
            b'{"realtimeInput": {"audio": {"mimeType": "image/jpeg", "data": "%s"}}}' % data
            for data in (b"AAAA", b"BBBB")
        ],
        [
            b'{"realtimeInput": {"mediaChunks": [{"mimeType": "audio/pcm;rate=8000", "data": "%s"}]}}' % data
            for data in (b"AAAA", b"BBBB")
        ],
        [
            b'{"realtimeInput": {"mediaChunks": [{"mimeType": "audio/pcm", "data": "%s"}, {"data": "EEEE"}]}}' % data
            for data in (b"AAAA", b"BBBB", b"EEEE", b"FFFF")
        ],
    ],
)
@pytest.mark.parametrize("model", [NATIVE_2_5, NATIVE_3_8, LIVE_3_1])
def test_a_frame_that_is_known_by_its_bytes_says_what_reading_it_says(model: str, frames: list[bytes]) -> None:
    knowing, reading = (
        Line(model=model, realtimeInputConfig={"turnCoverage": "TURN_INCLUDES_ALL_INPUT"}) for _ in range(2)
    )
    for frame in frames:
        reading.peer.receive(frame, reading.now)
        assert (knowing.send(frame), knowing.others) == (reading.frames(), reading.others)
    assert knowing.hears("hello") == reading.hears("hello")
    assert knowing.peer._conversation.usage.prompt == reading.peer._conversation.usage.prompt


def test_a_piece_of_microphone_audio_is_not_read() -> None:
    line = Line(model=NATIVE_2_5)
    assert line.peer.microphone(piece("AAAA"), line.now) is None
    line.send(piece("AAAA"))
    line.peer.deadline()
    assert line.peer.microphone(piece("AQAC"), line.now) == Hear(b"\x01\x00\x02", 16_000)
    assert line.peer.settled


def test_a_piece_that_follows_a_handle_is_worth_another_before_long() -> None:
    line = Line(model=NATIVE_2_5, sessionResumption={})
    line.send(piece("AAAA"))
    (line.now, due), before = (line.now + 1, line.peer.deadline()), len(line.others)
    assert due is not None
    line.peer.deadline_reached(due)
    assert line.frames()[0]["sessionResumptionUpdate"]["resumable"]
    assert line.peer.deadline() is None
    line.now = due + 1
    assert line.peer.microphone(piece("AAAA"), line.now) is not None
    assert not line.peer.settled
    assert line.peer.deadline() == line.now + 5.0
    assert len(line.others) == before


def test_what_is_known_of_a_session_that_has_ended_is_not_heard() -> None:
    line = Line(model=NATIVE_2_5)
    line.send(piece("AAAA"))
    line.send("[]")
    assert line.peer.microphone(piece("AAAA"), line.now) is None


def test_video_is_taken_and_changes_nothing() -> None:
    line = Line(model=NATIVE_2_5)
    picture = {"mimeType": "image/jpeg", "data": "_9g="}
    assert line.send({"realtimeInput": {"video": picture}}) == []
    assert line.send({"realtimeInput": {"mediaChunks": [picture]}}) == []
    assert line.others == []


def test_speech_is_transcribed_word_by_word_when_asked_for_and_then_answered() -> None:
    line = Line(model=NATIVE_2_5, inputAudioTranscription={})
    frames = line.hears("what time is it")
    assert [frame["serverContent"] for frame in frames] == [
        {"inputTranscription": {"text": word}} for word in (" what", " time", " is", " it")
    ]
    assert line.asked.request.heard == "what time is it"


def test_speech_is_not_transcribed_unasked() -> None:
    line = Line(model=NATIVE_2_5)
    assert line.hears("what time is it") == []


def test_noise_is_not_answered() -> None:
    line = Line(model=NATIVE_2_5)
    line.hears("")
    assert line.others == []


def test_a_user_who_goes_on_speaking_is_answered_once() -> None:
    line = Line(model=NATIVE_2_5)
    line.peer.speech_started()
    line.peer.speech_started()
    line.peer.heard("what time")
    line.peer.heard("is it")
    line.frames()
    assert [action.request.heard for action in line.others if isinstance(action, Respond)] == ["what time is it"]


def test_the_end_of_the_audio_stream_is_passed_on() -> None:
    line = Line(model=NATIVE_2_5)
    line.send({"realtime_input": {"audioStreamEnd": True}})
    assert line.others == [EndAudio()]


def test_manual_activity_marks_the_utterance_and_is_always_answered() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig=MANUAL)
    line.send({"realtimeInput": {"activityStart": {}}})
    line.send({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}}})
    line.send({"realtimeInput": {"activityEnd": {}}})
    assert line.others == [StartUtterance(), Hear(b"\0\0\0", 16_000), EndUtterance()]
    line.peer.heard("")
    line.frames()
    assert line.asked.request.heard == ""


def test_text_typed_during_manual_activity_belongs_to_it() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig=MANUAL)
    line.send({"realtimeInput": {"activityStart": {}}})
    line.types("look at this")
    assert line.others == [StartUtterance()]
    line.send({"realtimeInput": {"activityEnd": {}}})
    line.peer.heard("what is it")
    line.frames()
    assert line.asked.request.heard == "look at this what is it"


WORDLESS = [
    {"clientContent": {"turnComplete": True}},
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "."}]}], "turnComplete": True}},
    {"realtimeInput": {"text": " "}},
]


@pytest.mark.parametrize("model", [NATIVE_2_5, LIVE_3_1, NATIVE_3_8])
@pytest.mark.parametrize("wordless", WORDLESS)
def test_a_wordless_request_right_after_an_utterance_asks_for_its_answer(model: str, wordless: dict[str, Any]) -> None:
    line = Line(model=model, pace="instant", realtimeInputConfig=MANUAL)
    line.types("hello")
    line.speaks("Hello!")
    line.ends()
    line.send({"realtimeInput": {"activityStart": {}}})
    line.send({"realtimeInput": {"activityEnd": {}}})
    assert "modelTurn" not in kinds(line.send(wordless))
    assert line.asked.request.heard == "hello"
    line.peer.heard("what is two plus three")
    assert "interrupted" not in kinds(line.frames())
    assert line.asked.request.heard == "what is two plus three"


def test_an_end_of_activity_without_a_start_is_ignored() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig=MANUAL)
    assert line.send({"realtimeInput": {"activityEnd": {}}}) == []
    assert line.others == []


# --- the end


@pytest.mark.parametrize(("time_left_s", "duration"), [(50, "50s"), (9.5, "9.500s"), (0, "0s"), (1e6, "1000000s")])
def test_go_away_says_how_long_is_left(time_left_s: float, duration: str) -> None:
    line = Line(model=NATIVE_2_5)
    line.peer.go_away(time_left_s, line.now)
    assert line.frames() == [{"goAway": {"timeLeft": duration}}]


def test_who_stays_after_go_away_is_closed() -> None:
    line = Line(model=NATIVE_2_5)
    line.peer.go_away(50, line.now)
    line.types("one more thing")
    line.speaks()
    line.ends()
    assert line.peer.deadline() == 101.0
    line.waits(1)
    assert line.peer.deadline() == 150.0
    assert line.waits(48) == []
    ((code, reason),) = line.waits(1)
    assert (code, len(reason.encode())) == (1008, 123)
    assert reason.startswith(
        "Connection aborted because the client failed to close the connection after receiving a GoAway"
    )


def test_received_audio_changes_no_deadline_and_costs_no_look_at_it() -> None:
    line = Line(model=NATIVE_2_5)
    line.peer.go_away(50, line.now)
    line.frames()
    assert line.peer.deadline() == 150.0
    looks = count_calls(line.peer)
    for _ in range(3):
        line.send({"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}}})
        assert line.peer.deadline() == 150.0
    assert looks == []
    line.types("hello")
    line.peer.deadline()
    assert looks == [1]


def count_calls(peer: Peer) -> list[int]:
    """Gets an item whenever the peer looks at when its connection ends."""
    looks: list[int] = []
    due = peer._lifetime.due
    peer._lifetime.due = lambda: looks.append(1) or due()  # type: ignore[method-assign,func-returns-value]
    return looks
