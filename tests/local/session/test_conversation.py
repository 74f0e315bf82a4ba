"""The model's turn: its order, its interruption, its calls, and that no order of events breaks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.local.session.actions import Action, Close, Note, Respond, Send, Stop
from gemini_realtime.local.session.conversation import TRANSITIONS, Pace, State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.thinking import Request, ToolResult, Turn
from tests.local.line import (
    ALARM,
    HALF_CASCADE,
    MANUAL,
    NATIVE_2_5,
    NATIVE_3_8,
    SECOND,
    WEATHER,
    Line,
    call_ids,
    kinds,
    words,
)

GENERATED = {"serverContent": {"generationComplete": True}}
INTERRUPTED = {"serverContent": {"interrupted": True}}

# --- the model's turn -----------------------------------------------------------------------------------------------


def test_a_spoken_turn_of_2_5_sends_transcript_and_audio_apart_as_recorded() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", outputAudioTranscription={})
    line.tells(("user", "Hi"))
    frames = line.speaks("Hello") + line.speaks(" there.") + line.ends()
    turn = ["outputTranscription", "modelTurn"]
    assert kinds(frames) == [*turn, *turn, "generationComplete", "turnComplete"]
    assert words(frames, "outputTranscription") == "Hello there."
    assert frames[-1]["serverContent"] == {"turnComplete": True}


def test_a_spoken_turn_from_3_1_on_sends_them_together_as_recorded() -> None:
    line = Line(model="models/gemini-3.1-flash-live-preview", pace="instant", outputAudioTranscription={})
    line.tells(("user", "Hi"))
    frames = line.speaks("Hello") + line.speaks("") + line.ends()
    assert frames[0] == {"serverContent": {}}
    assert kinds(frames[1:]) == [
        "modelTurn+outputTranscription",
        "modelTurn",
        "generationComplete",
        "turnComplete",
    ]


def test_without_output_transcription_only_audio_is_sent() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Hi"))
    assert kinds(line.speaks("Hello")) == ["modelTurn"]


def test_a_session_in_text_gets_text_in_deltas() -> None:
    line = Line(model=HALF_CASCADE, generationConfig={"responseModalities": ["TEXT"]})
    line.types("Are you there Gemini?")
    frames = line.writes("Yes, I'm here!") + line.writes(" How are you?") + line.ends()
    texts = [part["text"] for f in frames for part in f["serverContent"].get("modelTurn", {}).get("parts", [])]
    assert texts == ["Yes", ", I'm here!", " How", " are you?"]
    assert kinds(frames)[-2:] == ["generationComplete", "turnComplete"]


def test_a_turn_is_complete_when_its_audio_would_have_been_heard() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Hi"))
    line.speaks()
    line.now += 0.25
    line.speaks()
    assert line.ends() == [GENERATED]
    assert line.peer.state is State.PLAYING
    assert line.peer.deadline() == 102.0
    assert line.waits(1.5) == []
    assert kinds(line.waits(0.25)) == ["turnComplete"]
    assert line.peer.deadline() is None


def test_audio_after_a_gap_is_heard_from_then_on() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Hi"))
    line.speaks()
    line.now += 10
    line.speaks()
    line.ends()
    assert line.peer.deadline() == 111.0


def test_speech_comes_in_bursts_of_three_times_the_speed_at_which_it_is_heard() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Tell me something long."))
    line.speaks(audio=SECOND * 3)
    assert line.peer.hold_s(line.now) == pytest.approx(3 / 3.3)
    line.now += 1
    assert line.peer.hold_s(line.now) == 0
    line.speaks()
    assert line.peer.hold_s(line.now) == pytest.approx(4 / 3.3 - 1)


def test_speech_is_held_back_once_the_client_has_eight_seconds_of_it() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Tell me something long."))
    line.speaks(audio=SECOND * 20)
    assert line.peer.hold_s(line.now) == 12
    assert line.peer.hold_s(line.now + 11.75) == 0.25
    assert line.peer.hold_s(line.now + 12) == 0


def test_a_burst_after_a_pause_begins_anew() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Hi"))
    line.speaks()
    line.now += 10
    line.speaks()
    assert line.peer.hold_s(line.now) == pytest.approx(1 / 3.3)


def test_speech_is_not_held_back_at_instant_pace() -> None:
    line = Line(model=NATIVE_2_5, pace="instant")
    line.tells(("user", "Tell me something long."))
    line.speaks(audio=SECOND * 60)
    assert line.peer.hold_s(line.now) == 0


def test_usage_counts_the_conversation_so_far_as_the_next_prompt() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", systemInstruction={"parts": [{"text": "Be brief."}]})
    line.peer.speech_started()
    line.peer.heard("what time is it", audio_s=1.5)
    line.frames()
    line.speaks(audio=SECOND * 2)
    first = line.ends()[-1]["usageMetadata"]
    assert first == {
        "promptTokenCount": 40,
        "responseTokenCount": 50,
        "totalTokenCount": 90,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "AUDIO", "tokenCount": 38}],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
    }
    line.types("thank you")
    line.speaks()
    second = line.ends()[-1]["usageMetadata"]
    assert (second["promptTokenCount"], second["responseTokenCount"]) == (92, 25)


def prompts(line: Line, turns: int) -> list[int]:
    """How long the prompt is in each of so many turns of a hundred tokens."""
    counts = []
    for number in range(turns):
        line.types(f"{number} {'word ' * 74}")
        line.speaks()
        counts.append(line.ends()[-1]["usageMetadata"]["promptTokenCount"])
    return counts


@pytest.mark.parametrize("compression", [{"triggerTokens": "300", "slidingWindow": {}}, {"triggerTokens": 300}])
def test_a_context_that_is_compressed_forgets_the_oldest(compression: dict[str, Any]) -> None:
    line = Line(model=NATIVE_2_5, pace="instant", contextWindowCompression=compression)
    assert prompts(line, 6) == [75, 175, 275, 375, 225, 325]
    assert [turn.text[:2] for turn in line.asked.request.history] == ["3 ", "Ye", "4 ", "Ye"]


def test_a_context_is_as_long_as_it_becomes_unless_it_is_to_be_compressed() -> None:
    assert prompts(Line(model=NATIVE_2_5, pace="instant"), 6) == [75, 175, 275, 375, 475, 575]


@pytest.mark.parametrize(
    ("compression", "window"),
    [
        (None, None),
        ({}, (104_857, 52_428)),
        ({"triggerTokens": "1000"}, (1000, 500)),
        ({"triggerTokens": 1000, "slidingWindow": {"targetTokens": "200"}}, (1000, 200)),
        ({"triggerTokens": 100, "slidingWindow": {"targetTokens": 200}}, (100, 100)),
        ({"triggerTokens": -1}, (104_857, 52_428)),
    ],
)
def test_a_context_is_compressed_as_the_client_wants_it(compression: object, window: object) -> None:
    assert Line(model=NATIVE_2_5, contextWindowCompression=compression).peer.options.window == window


def test_what_the_model_said_is_history_for_the_next_turn() -> None:
    line = Line(model=NATIVE_2_5, pace="instant")
    line.types("hello")
    line.speaks("Hello")
    line.speaks(" there.")
    line.ends()
    line.types("again")
    assert line.asked.request.history == (Turn("user", "hello"), Turn("model", "Hello there."))


# --- interruption ---------------------------------------------------------------------------------------------------


CUTS: dict[str, Callable[[Peer], None]] = {
    "speech": lambda peer: peer.speech_started(),
    "text": lambda peer: peer.receive('{"realtimeInput": {"text": "stop"}}', 100.0),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
@pytest.mark.parametrize("complete", [False, True], ids=["while generating", "while being heard"])
def test_new_input_cuts_the_model_short(cut: Callable[[Peer], None], complete: bool) -> None:
    line = Line(model=NATIVE_2_5, outputAudioTranscription={})
    line.tells(("user", "Tell me something long."))
    old = line.asked.reply_id
    line.speaks("Once upon")
    if complete:
        line.ends()
    cut(line.peer)
    frames = line.frames()
    assert frames[0] == INTERRUPTED
    assert kinds(frames) == ["interrupted", "turnComplete"]
    assert Stop(old) in line.others
    assert line.speaks(" a time", reply_id=old) == []
    line.peer.wants_call(old, "get_weather", {})
    line.peer.reply_ended(old, line.now)
    assert line.frames() == []


def test_only_what_was_sent_stays_in_the_history() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Tell me something long."))
    line.speaks("Once upon")
    line.hears("stop it")
    assert line.asked.request.history == (Turn("user", "Tell me something long."), Turn("model", "Once upon"))
    line.speaks("Fine.")
    line.types("thanks")
    assert [turn.text for turn in line.asked.request.history][2:] == ["stop it", "Fine."]


def test_a_turn_that_was_cut_short_is_not_completed_again() -> None:
    line = Line(model=NATIVE_2_5)
    line.tells(("user", "Hi"))
    line.speaks()
    line.ends()
    line.peer.speech_started()
    line.frames()
    assert line.peer.deadline() is None
    assert line.waits(10) == []


def test_no_interruption_lets_the_model_finish_and_then_answers() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    line.types("first")
    line.speaks()
    assert line.hears("second") == []
    assert line.types("third") == []
    line.ends()
    line.waits(1)
    assert line.asked.request.heard == "second"
    line.ends()
    assert line.asked.request.heard == "third"
    assert [turn.text for turn in line.asked.request.history] == ["first", "Yes.", "second"]


def test_client_content_interrupts_even_so() -> None:
    line = Line(model=NATIVE_3_8, realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    line.types("first")
    assert kinds(line.tells(("user", "second"))) == ["interrupted", "turnComplete"]


def test_manual_activity_interrupts() -> None:
    line = Line(model=NATIVE_2_5, realtimeInputConfig=MANUAL)
    line.tells(("user", "Hi"))
    assert kinds(line.send({"realtimeInput": {"activityStart": {}}})) == ["interrupted", "turnComplete"]


# --- function calls -------------------------------------------------------------------------------------------------


def test_a_call_waits_for_its_result_and_the_turn_goes_on() -> None:
    line = Line(model=NATIVE_2_5, pace="instant", tools=[WEATHER])
    line.types("weather in Oslo")
    line.speaks("One moment.")
    frames = line.calls("get_weather")
    assert kinds(frames) == ["toolCall"]
    (call,) = frames[0]["toolCall"]["functionCalls"]
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})
    assert line.peer.state is State.WAITING
    assert line.answers((call["id"], "foggy")) == []
    assert line.asked.reply_id == 1
    assert line.asked.request.heard == "weather in Oslo"
    result = ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"})
    assert line.asked.request.results == (result,)
    assert [turn.text for turn in line.asked.request.history] == ["weather in Oslo", "One moment."]
    assert kinds(line.speaks("It is foggy.") + line.ends()) == [
        "modelTurn",
        "generationComplete",
        "turnComplete",
    ]
    line.types("thanks")
    assert line.asked.request.history == (
        Turn("user", "weather in Oslo"),
        Turn("model", "One moment."),
        Turn("tool", 'get_weather: {"output":"foggy"}', result),
        Turn("model", "It is foggy."),
    )


def test_calls_that_follow_each_other_are_one_message_and_all_have_to_be_answered() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather in Oslo and Bergen")
    frames = line.calls("get_weather", "get_weather")
    assert kinds(frames) == ["toolCall"]
    first, second = call_ids(frames)
    line.answers((second, "rain"))
    assert line.peer.state is State.WAITING
    line.answers((first, "snow"))
    assert [result.response["output"] for result in line.asked.request.results] == ["rain", "snow"]


def test_nothing_is_said_while_a_call_blocks() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    line.peer.wants_call(1, "get_weather", {})
    assert line.speaks("And then") == []
    line.ends()
    assert line.speaks("And then") == []


def test_call_ids_follow_from_the_session_and_nothing_else() -> None:
    def first_ids(session_id: str) -> list[str]:
        line = Line(session_id=session_id, model=NATIVE_2_5)
        line.types("weather")
        return call_ids(line.calls("get_weather", "get_weather"))

    assert first_ids("a") == first_ids("a") != first_ids("b")
    assert len(set(first_ids("a"))) == 2
    assert all(call_id.removeprefix("function-call-").isdigit() for call_id in first_ids("a"))


def test_a_result_nobody_waits_for_is_ignored_and_noted() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    line.calls("get_weather")
    assert line.answers(("function-call-1", "secret")) == []
    assert line.peer.state is State.WAITING
    assert line.others[-1] == Note("a result for 'function-call-1' is ignored: no such call is open")


def test_a_result_without_an_id_is_matched_by_name() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    line.calls("get_weather")
    line.send({"toolResponse": {"functionResponses": [{"name": "get_weather", "response": {"sky": "blue"}}]}})
    assert line.asked.request.results == (ToolResult("get_weather", {"sky": "blue"}, {"city": "Oslo"}),)


def test_a_partial_result_keeps_the_call_open() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    line.answers((call_id, 1), willContinue=True)
    assert line.peer.state is State.WAITING
    line.answers((call_id, 2), will_continue=False)
    assert [result.response["output"] for result in line.asked.request.results] == [1, 2]


def test_an_interruption_cancels_calls_that_wait() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    (call_id,) = call_ids(line.calls("get_weather"))
    line.peer.speech_started()
    frames = line.frames()
    assert kinds(frames) == ["toolCallCancellation", "interrupted", "turnComplete"]
    assert frames[0] == {"toolCallCancellation": {"ids": [call_id]}}
    assert line.answers((call_id, "late")) == []
    line.peer.heard("never mind")
    line.frames()
    assert line.asked.request == Request(
        "never mind", (Turn("user", "weather"),), ({"name": "get_weather", "description": "Weather in a city"},)
    )


def test_a_call_that_was_never_sent_is_not_cancelled() -> None:
    line = Line(model=NATIVE_2_5, tools=[WEATHER])
    line.types("weather")
    line.peer.wants_call(1, "get_weather", {})
    line.peer.speech_started()
    assert kinds(line.frames()) == ["interrupted", "turnComplete"]


def test_a_call_that_does_not_block_lets_the_turn_end_and_is_spoken_of_when_idle() -> None:
    line = Line(model=NATIVE_3_8, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    line.peer.wants_call(1, "set_alarm", {})
    frames = line.speaks("I am on it.") + line.ends()
    assert kinds(frames) == ["toolCall", "modelTurn", "generationComplete", "turnComplete"]
    line.types("how are you")
    line.answers((call_ids(frames)[0], "done"))
    assert line.asked.request.heard == "how are you"
    line.ends()
    assert line.asked.request.results == (ToolResult("set_alarm", {"output": "done"}),)
    assert line.asked.request.heard == "set an alarm"


@pytest.mark.parametrize(
    ("scheduling", "expected"),
    [
        ("SILENT", []),
        ("WHEN_IDLE", []),
        ("INTERRUPT", ["interrupted", "turnComplete"]),
    ],
)
def test_scheduling_says_when_a_late_result_is_spoken_of(scheduling: str, expected: list[str]) -> None:
    line = Line(model=NATIVE_3_8, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    line.types("how are you")
    assert kinds(line.answers((call_id, "done"), scheduling=scheduling)) == expected
    assert bool(line.asked.request.results) == (scheduling == "INTERRUPT")
    if scheduling == "SILENT":
        line.ends()
        line.types("well")
        assert 'set_alarm: {"output":"done"}' in [turn.text for turn in line.asked.request.history]


def test_a_late_result_waits_until_the_user_has_spoken() -> None:
    line = Line(model=NATIVE_3_8, pace="instant", tools=[ALARM])
    line.types("set an alarm")
    (call_id,) = call_ids(line.calls("set_alarm"))
    line.peer.speech_started()
    line.answers((call_id, "done"))
    assert not line.asked.request.results
    line.peer.heard("")
    line.frames()
    assert line.asked.request.results


# --- any order of things --------------------------------------------------------------------------------------------

AUDIO_B64 = base64.b64encode(bytes(640)).decode()
HARMLESS: list[Any] = [
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "hello"}]}], "turnComplete": True}},
    {"clientContent": {"turns": [{"role": "model", "parts": []}], "turnComplete": False}},
    {"clientContent": {"turnComplete": True}},
    {"realtimeInput": {"text": "and"}},
    {"realtimeInput": {"audio": {"mimeType": "audio/pcm;rate=16000", "data": AUDIO_B64}}},
    {"realtimeInput": {"audioStreamEnd": True}},
    {"toolResponse": {"functionResponses": [{"name": "get_weather", "response": {}}]}},
    {"toolResponse": {"functionResponses": [{"name": "set_alarm", "scheduling": "INTERRUPT"}]}},
    {"toolResponse": {"functionResponses": [{"name": "set_alarm", "willContinue": True}]}},
    {"contextUpdate": {"tools": {"tools": [ALARM]}}},
    {},
]
MANUAL_ONLY: list[Any] = [{"realtimeInput": {"activityStart": {}}}, {"realtimeInput": {"activityEnd": {}}}]
FATAL: list[Any] = [{"setup": {"model": NATIVE_2_5}}, "nonsense", {"realtimeInput": {"audio": {"data": "?"}}}]
FACTS = ["started", "heard", "noise", "spoke", "late", "call", "alarm", "ended", "wait"]
LAST_FACTS = ["go away", "close", "gone"]

SETUPS = st.fixed_dictionaries(
    {"model": st.sampled_from([NATIVE_2_5, NATIVE_3_8]), "tools": st.just([WEATHER, ALARM])},
    optional={
        "outputAudioTranscription": st.just({}),
        "inputAudioTranscription": st.just({}),
        "sessionResumption": st.just({}),
        "historyConfig": st.just({"initialHistoryInClientContent": True}),
        "realtimeInputConfig": st.sampled_from([MANUAL, {"activityHandling": "NO_INTERRUPTION"}]),
    },
)
# Facts come often, because it takes some to make a turn; what ends the session comes late.
STEPS = st.builds(
    lambda early, late: [*early, *late],
    st.lists(st.sampled_from([*FACTS, *FACTS, *HARMLESS]), min_size=5, max_size=40),
    st.lists(st.sampled_from([*FACTS, *HARMLESS, *MANUAL_ONLY, *FATAL, *LAST_FACTS]), max_size=5),
)


class Ledger:
    """What a client may rely on, whatever happens."""

    def __init__(self) -> None:
        self.closed = False
        self.stopped: set[int] = set()

    def check(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self.closed, "nothing follows a close"
            self.closed = isinstance(action, Close)
            if isinstance(action, Stop):
                self.stopped.add(action.reply_id)
            if isinstance(action, Respond):
                assert action.reply_id not in self.stopped, "a stopped reply does not go on"


def happen(line: Line, fact: str, reply_ids: list[int]) -> None:
    peer, current = line.peer, reply_ids[-1] if reply_ids else 1
    match fact:
        case "started":
            peer.speech_started()
        case "heard" | "noise":
            peer.heard("hello" if fact == "heard" else "", audio_s=0.5)
        case "spoke":
            peer.spoke(current, SECOND, f"<{current}>", line.now)
        case "late":
            peer.spoke(current - 1, SECOND, f"<{current - 1}>", line.now)
        case "call" | "alarm":
            peer.wants_call(current, "get_weather" if fact == "call" else "set_alarm", {})
        case "ended":
            peer.reply_ended(current, line.now)
        case "wait":
            line.now += 0.75
            peer.deadline_reached(line.now)
        case "go away":
            peer.go_away(1.0, line.now)
        case "close":
            peer.close(1011, "Internal error encountered.")
        case "gone":
            peer.connection_ended()


class Played(NamedTuple):
    line: Line
    ledger: Ledger
    sent: list[Any]


def play(setup: dict[str, Any], steps: list[Any], pace: Pace) -> Played:
    """Set up, and let frames and facts happen one after the other."""
    line = Line(pace=pace)
    ledger, reply_ids, sent = Ledger(), list[int](), list[Any]()
    for step in [{"setup": setup}, *steps]:
        if step in (*FACTS, *LAST_FACTS):
            happen(line, step, reply_ids)
        else:
            line.peer.receive(json.dumps(step), line.now)
        actions = line.peer.actions()
        ledger.check(actions)
        promised = line.peer.deadline()
        line.peer._change()  # whoever changes something says so
        assert (line.peer.actions(), line.peer.deadline()) == ([], promised)
        reply_ids += [action.reply_id for action in actions if isinstance(action, Respond)]
        sent += [json.loads(action.frame) for action in actions if isinstance(action, Send)]
    return Played(line, ledger, sent)


@settings(max_examples=200)
@given(SETUPS, STEPS, st.sampled_from(["realtime", "instant"]))
def test_any_order_of_frames_and_facts_keeps_the_promises(setup: dict[str, Any], steps: list[Any], pace: Pace) -> None:
    played = play(setup, steps, pace)
    assert played.line.peer.state in {*TRANSITIONS.values(), State.CLOSED}
    assert (played.line.peer.state is State.CLOSED) == (played.ledger.closed or "gone" in steps)
    check_turns(played.sent)


def check_turns(sent: list[Any]) -> None:
    """Each turn speaks with one voice, ends once, and is not generated to the end when it was interrupted."""
    speaking: set[str] = set()
    interrupted = generated = False
    for frame in sent:
        content = frame.get("serverContent", {})
        if interrupted:
            assert content.get("turnComplete"), "interrupted is followed by turnComplete"
        if generated:
            assert not {"toolCall", "modelTurn", "outputTranscription", "generationComplete"} & {*frame, *content}
        generated = (generated or "generationComplete" in content) and "turnComplete" not in content
        if "outputTranscription" in content:
            speaking.add(content["outputTranscription"]["text"])
        assert len(speaking) <= 1, "nothing of an old turn is sent in a new one"
        interrupted = bool(content.get("interrupted"))
        if content.get("turnComplete"):
            assert "usageMetadata" in frame
            speaking.clear()


def test_every_state_can_be_reached_and_left() -> None:
    reached = {State.NEW, *TRANSITIONS.values()}
    left = {state for state, _ in TRANSITIONS}
    assert reached == left == set(State) - {State.CLOSED}
