from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError, ConnectionClosed, ServiceError, SetupTimeout, UnsupportedByModel
from gemini_realtime.protocol import events
from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.events import RealtimeEvent
from gemini_realtime.protocol.health import read_health
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.options import SessionOptions, check_options
from gemini_realtime.protocol.outbox import Role
from gemini_realtime.protocol.resumption import Reconnect
from gemini_realtime.protocol.session import TRANSITIONS, Session, State
from tests.protocol import official

SETUP = {"model": "models/gemini-3.8-live"}


def new_session(model: str = "gemini-3.8-live") -> Session:
    """A session that ends with its connection, and does not mind silence; test_coming_back has the others."""
    return Session(profile_for(model), reconnect=Reconnect(enabled=False), health=read_health("off"))


def ready_session(model: str = "gemini-3.8-live") -> Session:
    session = new_session(model)
    session.prepare(SETUP)
    session.begin(0.0)
    sent(session)
    hear(session, {"setupComplete": {}})
    return session


def hear(session: Session, message: dict[str, Any], now: float = 0.0) -> list[RealtimeEvent]:
    return session.receive(json.dumps(message, indent=2).encode() + b"\n", now)


def heard(*messages_: dict[str, Any]) -> list[RealtimeEvent]:
    session = ready_session()
    return [event for message in messages_ for event in hear(session, message)]


def sent(session: Session, now: float = 0.0) -> list[dict[str, Any]]:
    """What goes out now."""
    return [json.loads(frame) for frame in iter(lambda: session.next_frame(now), None)]


def types(happened: list[RealtimeEvent]) -> list[str]:
    return [event.type for event in happened]


# --- setting up


def test_setup_is_sent_first_and_what_was_said_early_follows_in_order_once_it_is_confirmed() -> None:
    session = new_session()
    session.send_text("user", "one", False, 0.0)
    session.send_audio(b"\0\0\0", b"AAAA", 16000, 0.1, 0.0)
    session.prepare(SETUP)
    session.begin(0.0)
    session.send_text("user", "two", True, 0.0)
    assert sent(session) == [{"setup": SETUP}]
    assert sent(session) == []
    assert types(hear(session, {"setupComplete": {}})) == ["session.created"]
    assert [next(iter(frame)) for frame in sent(session)] == ["clientContent", "realtimeInput", "clientContent"]
    assert session.state is State.READY


def test_history_precedes_whatever_was_said_early() -> None:
    session = new_session()
    session.send_text("user", "now", True, 0.0)
    session.prepare(SETUP, SessionOptions(given=check_options({"history": [("user", "before")]})))
    session.begin(0.0)
    sent(session)
    hear(session, {"setupComplete": {}})
    texts = [frame["clientContent"]["turns"][0]["parts"][0]["text"] for frame in sent(session)]
    assert texts == ["before", "now"]


def test_a_setup_that_is_never_confirmed_ends_the_session_at_its_deadline() -> None:
    session = new_session()
    session.prepare(SETUP)
    session.begin(10.0, timeout_s=5.0)
    assert session.deadline() == 15.0
    session.deadline_reached(14.9)
    assert session.failure is None
    session.deadline_reached(15.0)
    assert session.state is State.CLOSED
    assert isinstance(session.failure, SetupTimeout)
    assert session.deadline() is None


def test_a_confirmed_setup_is_not_waited_for_any_more() -> None:
    session = ready_session()
    session.deadline_reached(31.0)
    assert (session.state, session.failure) == (State.READY, None)


# --- what the service says


def test_a_call_beside_the_end_of_its_turn_is_open() -> None:
    session = ready_session()
    content = {"generationComplete": True, "turnComplete": True}
    happened = hear(session, {"serverContent": content, "toolCall": {"functionCalls": [{"id": "1", "name": "f"}]}})
    assert types(happened)[0] == "response.function_call_arguments.done"
    session.send_function_result("1", {"output": "x"}, 0.0)
    (frame,) = sent(session)
    assert frame["toolResponse"]["functionResponses"] == [{"id": "1", "name": "f", "response": {"output": "x"}}]


def test_a_handle_and_a_go_away_beside_content_are_taken_note_of() -> None:
    session = ready_session()
    hear(session, {"serverContent": {"modelTurn": {"parts": [{"text": "hi"}]}}, "goAway": {"timeLeft": "9s"},
                   "sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})  # fmt: skip
    assert session.state is State.GOING_AWAY
    assert session.resumption.handle == "h"


def test_one_frame_gives_all_its_parts_in_order_and_the_transcript_after_them() -> None:
    parts = [
        {"text": "thinking", "thought": True},
        {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}},
        {"inlineData": {"mimeType": "audio/pcm;rate=16000", "data": "AQEB"}},
        {"text": "hi"},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
    ]
    happened = heard({"serverContent": {"modelTurn": {"parts": parts}, "outputTranscription": {"text": "said"}}})
    assert types(happened) == [
        "response.thought.delta",
        "response.audio.delta",
        "response.audio.delta",
        "response.text.delta",
        "unknown",
        "response.audio_transcript.delta",
    ]
    audio = happened[2]
    assert isinstance(audio, events.AudioDelta)
    assert (audio.delta, audio.rate_hz) == ("AQEB", 16000)


def test_a_turn_ends_with_turn_complete_that_carries_usage_and_reason() -> None:
    happened = heard(
        {"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}},
        {"serverContent": {"generationComplete": True}},
        {
            "serverContent": {"turnComplete": True, "turnCompleteReason": "NEED_MORE_INPUT"},
            "usageMetadata": {
                "promptTokenCount": 5,
                "responseTokenCount": 7,
                "totalTokenCount": 12,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
                "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
            },
        },
    )
    assert types(happened) == ["response.text.delta", "response.generation_complete", "usage", "response.done"]
    done = happened[-1]
    assert isinstance(done, events.TurnComplete)
    assert (done.reason, done.interrupted) == ("NEED_MORE_INPUT", False)
    assert done.usage == happened[2]
    assert done.usage is not None
    assert (done.usage.total_tokens, done.usage.response_by_modality) == (12, {"AUDIO": 7})


def test_vertex_spells_response_tokens_as_candidates() -> None:
    details = [{"modality": "AUDIO", "tokenCount": 9}]
    (usage,) = heard({"usageMetadata": {"candidatesTokenCount": 9, "candidatesTokensDetails": details}})
    assert isinstance(usage, events.Usage)
    assert (usage.response_tokens, usage.response_by_modality) == (9, {"AUDIO": 9})


def test_an_interrupted_turn_completes_as_interrupted_and_the_next_one_does_not() -> None:
    talk: dict[str, Any] = {"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}}
    end: dict[str, Any] = {"serverContent": {"turnComplete": True}}
    happened = heard(talk, {"serverContent": {"interrupted": True}}, end, talk, end)
    assert types(happened)[1] == "response.interrupted"
    completed = [event for event in happened if isinstance(event, events.TurnComplete)]
    assert [event.interrupted for event in completed] == [True, False]


def test_transcripts_tell_language_and_end_where_the_service_does_and_may_be_empty() -> None:
    happened = heard(
        {"serverContent": {"inputTranscription": {"text": "你好", "languageCode": "zh-CN", "finished": True}}},
        {"serverContent": {"outputTranscription": {}}},
    )
    first, second = happened
    assert isinstance(first, events.InputTranscript)
    assert (first.text, first.finished, first.language) == ("你好", True, "zh-CN")
    assert isinstance(second, events.OutputTranscript)
    assert (second.text, second.finished, second.language) == ("", False, None)


def test_speech_started_comes_from_voice_activity_alone() -> None:
    happened = heard(
        {"voiceActivity": {"type": "ACTIVITY_START"}},
        {"voiceActivity": {"type": "ACTIVITY_END"}},
        {"serverContent": {"interrupted": True}},
    )
    assert types(happened) == ["input_audio_buffer.speech_started", "unknown", "response.interrupted"]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"serverContent": {}},
        {"somethingNew": {"a": [1]}},
        {"serverContent": {"waitingForInput": True}},
        {"serverContent": {"groundingMetadata": {"webSearchQueries": ["x"]}}},
        {"serverContent": {"interimInputTranscription": {"text": "x"}}},
        {"serverContent": {"fieldOfNextYear": 1}},
        {"serverContent": {"turnComplete": "perhaps"}},
        {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    ],
    ids=lambda message: json.dumps(message)[:40],
)
def test_what_has_no_event_of_its_own_arrives_as_a_plain_event_with_the_services_dict(message: dict[str, Any]) -> None:
    (event,) = heard(message)
    assert type(event) is RealtimeEvent
    assert event.raw_message == message


def test_a_field_of_the_future_beside_a_known_one_loses_neither() -> None:
    message = {"serverContent": {"modelTurn": {"parts": [{"text": "x", "sparkle": 1}]}, "turnComplete": True}}
    happened = heard(message)
    assert types(happened) == ["response.text.delta", "response.done", "unknown"]
    assert happened[-1].raw_message == message


def test_garbage_is_reported_and_survived() -> None:
    session = ready_session()
    (event,) = session.receive(b"\xff not json", 0.0)
    assert isinstance(event, events.VoiceHealth)
    assert (event.finding, event.action) == ("undecodable_frame", "ignored")
    assert types(hear(session, {"serverContent": {"turnComplete": True}})) == ["response.done"]


AUDIO_FRAME = json.dumps(
    {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "f39/"}}]}}}
).encode()


@given(
    st.lists(
        st.one_of(
            st.text('A=-/ \\"\u00fc{}[]:,', max_size=30).map(lambda text: AUDIO_FRAME.replace(b"f39/", text.encode())),
            official.messages_of(official.ServerMessage).map(lambda message: json.dumps(message).encode()),
        )
    )
)
def test_a_session_that_knows_the_form_of_audio_frames_reads_every_frame_as_one_that_does_not(
    frames: list[bytes],
) -> None:
    for frame in frames:
        experienced, novice = ready_session(), ready_session()
        for session in (experienced, experienced, novice):
            assert session.receive(AUDIO_FRAME, 0.0)
        assert experienced.speech.next(AUDIO_FRAME, 0.0) is not None
        assert novice.speech.next(AUDIO_FRAME, 0.0) is None
        expected = novice.receive(frame, 0.0)
        event = experienced.speech.next(frame, 0.0)
        got = experienced.receive(frame, 0.0) if event is None else [event]
        assert [(type(event), event.raw_message) for event in got] == [(type(e), e.raw_message) for e in expected]
        if any(isinstance(event, events.AudioDelta) for event in expected):
            assert [event.to_dict(audio=True) for event in got] == [event.to_dict(audio=True) for event in expected]


def test_raw_message_of_every_event_is_the_frame() -> None:
    message = {"serverContent": {"modelTurn": {"parts": [{"text": "a"}, {"text": "b"}]}, "generationComplete": True}}
    assert all(event.raw_message == message for event in heard(message))


# --- tools


def test_a_function_result_carries_the_name_of_its_call() -> None:
    session = ready_session()
    (call,) = hear(session, {"toolCall": {"functionCalls": [{"id": "7", "name": "add", "args": {"a": 1}}]}})
    assert isinstance(call, events.FunctionCall)
    assert (call.call_id, call.name, call.arguments) == ("7", "add", {"a": 1})
    session.send_function_result("7", {"output": "3"}, 0.0)
    assert sent(session) == [
        {"toolResponse": {"functionResponses": [{"id": "7", "name": "add", "response": {"output": "3"}}]}}
    ]


def test_calls_without_an_id_are_told_apart_and_answered_by_name() -> None:
    session = ready_session("gemini-live-2.5-flash-native-audio")
    calls = hear(session, {"toolCall": {"functionCalls": [{"name": "a"}, {"name": "b", "args": {}}]}})
    ids = [call.call_id for call in calls if isinstance(call, events.FunctionCall)]
    assert len(set(ids)) == 2
    session.send_function_result(ids[1], {"output": "x"}, 0.0)
    (frame,) = sent(session)
    assert frame["toolResponse"]["functionResponses"] == [{"name": "b", "response": {"output": "x"}}]


def test_a_result_for_a_call_of_another_conversation_is_reported_and_not_sent() -> None:
    session = ready_session()
    told = session.send_function_result("unheard", {"output": "x"}, 0.0)
    assert isinstance(told, events.VoiceHealth)
    assert (told.finding, told.action) == ("orphaned_result", "not sent")
    assert sent(session) == []


def test_a_second_result_and_one_after_the_last_are_reported_and_not_sent() -> None:
    session = ready_session()
    hear(session, {"toolCall": {"functionCalls": [{"id": "7", "name": "add"}]}})
    assert session.send_function_result("7", "1", 0.0, will_continue=True) is None
    assert session.send_function_result("7", "2", 0.0) is None
    assert isinstance(session.send_function_result("7", "3", 0.0), events.VoiceHealth)
    assert len(sent(session)) == 2


def test_a_result_that_cannot_be_sent_leaves_its_call_to_a_better_one() -> None:
    session = ready_session()
    hear(session, {"toolCall": {"functionCalls": [{"id": "7", "name": "add"}]}})
    with pytest.raises(ConfigError):
        session.send_function_result("7", {"output": "\ud83d"}, 0.0)
    session.send_function_result("7", {"output": "3"}, 0.0)
    assert [frame["toolResponse"]["functionResponses"][0]["name"] for frame in sent(session)] == ["add"]


def test_a_generator_answers_one_call_several_times() -> None:
    session = ready_session()
    hear(session, {"toolCall": {"functionCalls": [{"id": "7", "name": "count"}]}})
    session.send_function_result("7", {"output": "1"}, 0.0, will_continue=True, scheduling="SILENT")
    session.send_function_result("7", {"output": "2"}, 0.0, will_continue=False)
    first, second = (frame["toolResponse"]["functionResponses"][0] for frame in sent(session))
    assert (first["name"], first["willContinue"], first["scheduling"]) == ("count", True, "SILENT")
    assert (second["name"], second["willContinue"]) == ("count", False)


def test_cancelled_calls_are_told() -> None:
    (cancelled,) = heard({"toolCallCancellation": {"ids": ["1", "2"]}})
    assert isinstance(cancelled, events.FunctionCallCancelled)
    assert cancelled.call_ids == ["1", "2"]


# --- models that differ


def test_text_of_the_user_takes_the_way_that_the_model_needs() -> None:
    legacy, current = ready_session("gemini-3.1-flash-live-preview"), ready_session("gemini-3.8-live")
    legacy.send_text("user", "hi", True, 0.0)
    current.send_text("user", "hi", True, 0.0)
    assert sent(legacy) == [{"realtimeInput": {"text": "hi"}}]
    assert sent(current) == [
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "hi"}]}], "turnComplete": True}}
    ]


def test_turns_of_the_history_are_taken_throughout() -> None:
    session = ready_session("gemini-3.1-flash-live-preview")
    session.send_text("user", "hi", True, 0.0)
    session.send_text("assistant", "I said this before.", False, 0.0)
    assert len(sent(session)) == 2


def test_a_text_that_cannot_be_sent_does_not_begin_the_conversation() -> None:
    session = ready_session("gemini-3.1-flash-live-preview")
    with pytest.raises(ConfigError):
        session.send_text("user", "\ud83d", True, 0.0)
    session.send_text("assistant", "I said this before.", False, 0.0)
    assert len(sent(session)) == 1


def test_a_role_that_nobody_has_is_refused_with_those_there_are() -> None:
    session = ready_session()
    with pytest.raises(ConfigError, match="user, assistant, model, system"):
        session.send_text("developer", "hi", True, 0.0)  # type: ignore[arg-type]
    assert sent(session) == []


def test_a_model_that_only_listens_is_sent_no_text() -> None:
    session = ready_session("gemini-3.5-transcribe-live")
    with pytest.raises(UnsupportedByModel, match="takes no text"):
        session.send_text("user", "hi", True, 0.0)
    assert sent(session) == []


def test_roles_are_spelled_as_the_service_spells_them() -> None:
    session = ready_session()
    for role in get_args(Role):
        session.send_text(role, "x", False, 0.0)
    assert [frame["clientContent"]["turns"][0]["role"] for frame in sent(session)] == ["user", "model", "user"]


# --- the end


def test_a_normal_end_has_no_failure() -> None:
    session = ready_session()
    session.connection_ended(close_error(1000, ""), 1.0)
    assert (session.state, session.failure) == (State.CLOSED, None)


def test_any_other_end_has_one_failure_with_code_and_reason() -> None:
    session = ready_session()
    session.connection_ended(close_error(1011, "Internal error encountered."), 1.0)
    assert isinstance(session.failure, ConnectionClosed)
    assert (session.failure.code, session.failure.reason) == (1011, "Internal error encountered.")


def test_an_error_in_a_message_is_the_failure_and_the_close_after_it_is_not() -> None:
    session = ready_session()
    happened = hear(session, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}})
    session.connection_ended(close_error(1011, ""), 1.0)
    assert isinstance(session.failure, ServiceError)
    assert (session.failure.code, session.failure.status, session.failure.retryable) == (
        429,
        "RESOURCE_EXHAUSTED",
        True,
    )
    assert types(happened) == ["unknown"]


def test_go_away_tells_the_time_left_and_the_session_goes_on() -> None:
    session = ready_session()
    (event,) = hear(session, {"goAway": {"timeLeft": "9.500s"}}, now=100.0)
    assert isinstance(event, events.GoAway)
    assert event.time_left_ms == 9500
    assert session.state is State.GOING_AWAY
    session.send_text("user", "still here", True, 0.0)
    assert len(sent(session)) == 1


def test_a_withheld_handle_does_not_erase_the_last_good_one() -> None:
    session = ready_session()
    hear(session, {"sessionResumptionUpdate": {"newHandle": "h1", "resumable": True}}, now=3.0)
    hear(session, {"sessionResumptionUpdate": {"resumable": False}}, now=4.0)
    assert (session.resumption.handle, session.resumption.handle_at) == ("h1", 3.0)


# --- properties


@given(st.lists(official.messages_of(official.ServerMessage) | st.binary(max_size=20), max_size=12), st.integers(0, 12))
@settings(max_examples=200)
def test_any_order_of_server_messages_ends_in_a_documented_state_and_never_raises(
    frames: list[dict[str, Any] | bytes], begin_at: int
) -> None:
    session = new_session()
    for index, frame in enumerate(frames):
        if index == begin_at:
            session.prepare(SETUP)
            session.begin(float(index))
        data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        happened = session.receive(data, float(index))
        assert happened
        assert all(isinstance(repr(event), str) for event in happened)
        sent(session)
    assert session.state in {state for pair in TRANSITIONS.items() for state in (pair[0][0], pair[1])}


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.data())
@settings(max_examples=200)
def test_any_client_message_we_can_build_parses_under_the_official_types(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from(["gemini-3.8-live", "gemini-3.1-flash-live-preview", "my-own-model"]))
    session = ready_session(model)
    hear(session, {"toolCall": {"functionCalls": [{"id": "1", "name": "f"}, {"name": "g"}]}})
    sends: dict[str, Callable[[], object]] = {
        "text": lambda: session.send_text("user", data.draw(_TEXT), data.draw(st.booleans()), 0.0),
        "audio": lambda: session.send_audio(
            b"\0\0\0", b"AAAA", data.draw(st.sampled_from([8000, 16000, 48000])), 0.1, 0.0
        ),
        "video": lambda: session.send_video("AAAA", "image/png", 0.0),
        "result": lambda: session.send_function_result(
            data.draw(st.sampled_from(["1", "call-2", "other"])),
            data.draw(st.dictionaries(_TEXT, _TEXT | st.integers(-9, 9), max_size=3)),
            0.0,
            scheduling=data.draw(st.sampled_from([None, "SILENT", "WHEN_IDLE", "INTERRUPT"])),
            will_continue=data.draw(st.sampled_from([None, True, False])),
        ),
        "activity": lambda: session.send_activity(0.0, start=data.draw(st.booleans())),
        "stream end": lambda: session.send_audio_stream_end(),
    }
    for name in data.draw(st.lists(st.sampled_from(sorted(sends)), max_size=6)):
        try:
            sends[name]()
        except ConfigError:
            continue
    for frame in sent(session):
        official.parse(frame, official.ClientMessage)
