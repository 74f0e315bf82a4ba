"""The log: what was said and heard, by whom, when, with which tools and at which price."""

from __future__ import annotations

import asyncio
import json
from array import array
from base64 import b64encode

import pytest

from gemini_realtime import (
    AudioDelta,
    AudioTruncated,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    NotConnectedError,
    OutputTranscript,
    PlaybackStopped,
    RealtimeEvent,
    SessionResumed,
    TextDelta,
    TextSent,
    TurnComplete,
    Usage,
)
from gemini_realtime.agent import ConversationLog
from gemini_realtime.agent.log import cost_usd, heard_words
from gemini_realtime.testing import ScriptedService, in_virtual_time
from tests.agent.test_functions import Scene, call


def user_audio(loudness: int) -> InputAudioBufferDelta:
    return InputAudioBufferDelta(delta=b64encode(array("h", [loudness] * 320).tobytes()).decode())


SPEECH, SILENCE = user_audio(5000), user_audio(20)


def model_audio(ms: int = 100) -> AudioDelta:
    return AudioDelta(delta=b64encode(bytes(48 * ms)).decode())


async def logged(*events: RealtimeEvent | float) -> ConversationLog:
    """The log of these events; a number is a pause in seconds."""
    log = ConversationLog()
    await log.initialize_session()
    for event in events:
        if isinstance(event, RealtimeEvent):
            await log.on_event(event)
        else:
            await asyncio.sleep(event)
    return log


def said(log: ConversationLog) -> list[tuple[str, str]]:
    return [(turn.role, turn.said) for turn in log.turns]


QUESTION = (SPEECH, 0.02, SPEECH, 0.3, SILENCE)
ANSWER = (OutputTranscript(text="At "), model_audio(), OutputTranscript(text="eight."), model_audio(), TurnComplete())


@in_virtual_time
async def test_rooms_are_not_taken_for_speech() -> None:
    log = await logged(*(user_audio(loudness) for loudness in (0, 511, 512, 699, -1, -700, -32768)))
    assert log.turns == []
    assert len((await logged(user_audio(700))).turns) == 1


@in_virtual_time
async def test_both_sides_are_turns_with_times() -> None:
    log = await logged(1.0, *QUESTION, InputTranscript(text="When?"), 0.2, *ANSWER)
    question, answer = log.turns
    assert said(log) == [("user", "When?"), ("assistant", "At eight.")]
    assert question.begin_ms == pytest.approx(1000)
    assert question.end_ms == pytest.approx(1020)
    assert answer.begin_ms == pytest.approx(1520)


@in_virtual_time
async def test_utterances_that_come_whole_stand_apart() -> None:
    log = await logged(*(InputTranscript(text=text) for text in ("A ta", "ble for two.", "At eight.", " On 3.", "5.")))
    assert said(log) == [("user", "A table for two. At eight. On 3.5.")]


@in_virtual_time
async def test_latencies_count_from_the_end_of_the_users_speech() -> None:
    log = await logged(*QUESTION, InputTranscript(text="When?"), 0.2, model_audio(), 0.1, OutputTranscript(text="At"))
    assert log.turns[0].transcribed_ms == pytest.approx(300)
    assert log.turns[1].first_audio_ms == pytest.approx(500)
    assert log.turns[1].first_word_ms == pytest.approx(600)


@in_virtual_time
async def test_the_answer_to_an_interruption_is_measured_from_its_end() -> None:
    log = await logged(
        *QUESTION, *ANSWER[:2], 0.2, SPEECH, 0.3, Interrupted(), TurnComplete(interrupted=True), 0.1, *ANSWER
    )
    assert log.turns[-1].first_audio_ms == pytest.approx(400)


@in_virtual_time
async def test_an_answer_after_one_that_nobody_interrupted_is_not_measured_from_what_was_said_before() -> None:
    log = await logged(*QUESTION, *ANSWER, 1.0, *ANSWER)
    assert log.turns[-1].first_audio_ms is None


@in_virtual_time
async def test_what_an_agent_says_in_writing_is_a_turn_of_the_user() -> None:
    log = await logged(TextSent(role="system", text="Greet them."), TextSent(role="user", text="When?"), 0.2, *ANSWER)
    assert said(log) == [("user", "When?"), ("assistant", "At eight.")]
    assert log.turns[1].first_word_ms == pytest.approx(200)


@in_virtual_time
async def test_a_late_transcript_stands_before_the_answer_to_it() -> None:
    log = await logged(model_audio(), OutputTranscript(text="At eight."), InputTranscript(text="When?"), TurnComplete())
    assert said(log) == [("user", "When?"), ("assistant", "At eight.")]


@in_virtual_time
async def test_a_transcript_right_after_the_answer_belongs_to_its_question() -> None:
    log = await logged(SPEECH, InputTranscript(text="When "), *ANSWER, 0.5, InputTranscript(text="then?"))
    assert said(log) == [("user", "When then?"), ("assistant", "At eight.")]


@in_virtual_time
async def test_what_is_spoken_into_an_answer_is_an_utterance_of_its_own() -> None:
    log = await logged(
        SPEECH, InputTranscript(text="When?"), model_audio(), OutputTranscript(text="At eight, or"), 0.1, SPEECH,
        Interrupted(), InputTranscript(text="No, where?"), TurnComplete(interrupted=True), model_audio(),
        OutputTranscript(text="Here."), TurnComplete(),
    )  # fmt: skip
    assert said(log) == [
        ("user", "When?"), ("assistant", "At eight, or"), ("user", "No, where?"), ("assistant", "Here."),
    ]  # fmt: skip
    assert [turn.interrupted for turn in log.turns] == [False, True, False, False]


@in_virtual_time
async def test_of_an_interrupted_answer_the_words_are_kept_that_were_heard() -> None:
    log = await logged(
        OutputTranscript(text="First we mix "), model_audio(1000), OutputTranscript(text="the flour with water."),
        model_audio(2000), Interrupted(), PlaybackStopped(played_ms=1900, unplayed_ms=1100), TurnComplete(),
    )  # fmt: skip
    assert log.turns[0].heard == "First we mix the flour"
    assert "not heard: with water." in log.table()


TWO_SECONDS = (OutputTranscript(text="One "), model_audio(1000), OutputTranscript(text="two."), model_audio(1000))


@pytest.mark.parametrize(
    ("events", "heard_ms", "heard"),
    [
        ([], 1000, "One "),
        ([PlaybackStopped(played_ms=1900, unplayed_ms=100)], 1000, "One "),
        ([PlaybackStopped(played_ms=300, unplayed_ms=1700)], 300, ""),
        (
            [PlaybackStopped(played_ms=1000, unplayed_ms=1000), PlaybackStopped(played_ms=0, unplayed_ms=0)],
            1000,
            "One ",
        ),
    ],
)
async def test_of_a_truncated_answer_the_words_are_kept_that_were_heard(
    events: list[RealtimeEvent], heard_ms: float, heard: str
) -> None:
    log = await logged(*TWO_SECONDS, TurnComplete(), AudioTruncated(audio_end_ms=1000), *events)
    assert (log.turns[0].interrupted, log.turns[0].heard_ms, log.turns[0].heard) == (True, heard_ms, heard)


async def test_truncating_what_was_interrupted_already_changes_nothing() -> None:
    stopped = PlaybackStopped(played_ms=1000, unplayed_ms=1000)
    again = [AudioTruncated(audio_end_ms=500), PlaybackStopped(played_ms=0, unplayed_ms=0)]
    log = await logged(*TWO_SECONDS, Interrupted(), stopped, *again, TurnComplete(interrupted=True))
    assert log.turns[0].heard_ms == 1000


async def test_what_still_arrives_of_an_interrupted_answer_begins_no_turn() -> None:
    stale = AudioDelta(delta="AAAA", stale=True)
    log = await logged(OutputTranscript(text="One"), Interrupted(), TurnComplete(), stale)
    assert said(log) == [("assistant", "One")]


@pytest.mark.parametrize(
    ("heard_ms", "words"),
    [
        (0, ""),
        (400, "one"),
        (1000, "one two "),
        (1500, "one two three"),
        (2000, "one two three four"),
        (9000, "one two three four"),
    ],
)
def test_words_are_heard_when_their_audio_was(heard_ms: float, words: str) -> None:
    assert heard_words([(0.0, "one two "), (1000.0, "three four")], 2000.0, heard_ms) == words


@in_virtual_time
async def test_tools_stand_with_arguments_result_and_duration() -> None:
    scene = Scene()
    log = ConversationLog()
    scene.agent.register_observer(log)

    @scene.tool()
    async def pay(euros: int) -> str:
        await asyncio.sleep(2)
        return "paid"

    async with scene:
        await scene.happens(call(euros=5), after_s=3)
    (use,) = log.turns[0].tools
    assert (use.name, use.arguments, use.result) == ("pay", {"euros": 5}, {"output": "paid"})
    assert use.duration_ms == pytest.approx(2000, abs=1)
    assert 'pay({"euros": 5}) -> {"output": "paid"} (2000 ms)' in log.table()


@in_virtual_time
async def test_a_turn_that_only_calls_and_the_answer_after_it_are_one() -> None:
    log = await logged(call(euros=5), TurnComplete(), 1.0, OutputTranscript(text="Paid."), TurnComplete())
    (turn,) = log.turns
    assert turn.said == "Paid."
    assert [use.name for use in turn.tools] == ["pay"]
    assert await log.next_answer() is turn


@in_virtual_time
async def test_whoever_waits_for_an_answer_is_told_that_the_conversation_is_over() -> None:
    log = await logged(InputTranscript(text="Hello?"))
    await log.on_close()
    for _ in range(2):
        with pytest.raises(NotConnectedError):
            await log.next_answer()


@in_virtual_time
async def test_resumed_connections_are_counted() -> None:
    log = await logged(SessionResumed(gap_ms=300), SessionResumed(gap_ms=50))
    assert (log.resumed, log.gap_ms) == (2, 350)


USAGE = Usage(prompt_by_modality={"AUDIO": 1000, "TEXT": 10}, response_by_modality={"AUDIO": 500}, prompt_tokens=1010)


def test_tokens_cost_what_the_table_of_prices_says() -> None:
    assert cost_usd(USAGE, {"input_audio": 3, "input_text": 1, "output_audio": 12}) == pytest.approx(0.00901)


def test_without_a_price_the_cost_is_not_known() -> None:
    assert cost_usd(USAGE, {}) is None
    assert cost_usd(USAGE, {"input_audio": 3, "input_text": 1}) is None


@in_virtual_time
async def test_each_turn_is_a_line_of_json() -> None:
    log = await logged(InputTranscript(text="Schön"), TextDelta(text="Ja"), USAGE, TurnComplete())
    lines = [json.loads(line) for line in log.json_lines()]
    assert [line["said"] for line in lines] == ["Schön", "Ja"]
    assert lines[1]["input_tokens"] == 1010


async def test_a_client_without_an_agent_is_followed() -> None:
    service = ScriptedService()
    client, log = service.client(), ConversationLog()
    async with client.connect():
        follower = log.follow(client)
        await anext(follower)
        service.answer("It is nine.")
        service.end()
        events = [event async for event in follower]
    assert any(isinstance(event, TurnComplete) for event in events)
    assert [(turn.role, turn.said) for turn in log.turns] == [("assistant", "It is nine.")]
    assert log.over.is_set()
