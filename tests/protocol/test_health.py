from __future__ import annotations

import base64
import math
import struct
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    GenerationComplete,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    ThoughtDelta,
    TurnComplete,
)
from gemini_realtime.protocol.health import (
    EXPLAINS_AN_EMPTY_TURN,
    KINDS,
    REFUSALS,
    Expected,
    Finding,
    Health,
    HealthPolicy,
    read_health,
)
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.turns import Turns

NOTHING = Expected()
RATE_HZ = 24000


def sound(amplitude: int, duration_ms: int) -> str:
    """Base64 of a 200 Hz tone."""
    samples = [
        round(amplitude * math.sin(2 * math.pi * 200 * i / RATE_HZ)) for i in range(duration_ms * RATE_HZ // 1000)
    ]
    return base64.b64encode(struct.pack(f"<{len(samples)}h", *samples)).decode()


SPEECH, SILENCE = sound(8000, 200), sound(0, 200)


class Watch:
    """A watch over a conversation, which is told what happens there as a session would."""

    def __init__(self, policy: HealthPolicy, expected: Expected = NOTHING) -> None:
        profile = profile_for("gemini-2.5-flash-native-audio")
        turns, calls, ledger = Turns(), Calls(profile), Ledger(15.0)
        self._health = Health(policy, turns, calls)
        self._turns, self._calls, self._expected = turns, calls, expected
        self._progress = Progress(profile, turns, calls, ledger, self._health)
        self.frame, self.pong = self._health.frame, self._health.pong
        self.reading, self.sending = self._health.reading, self._health.sending
        self.deadline, self.due = self._health.deadline, self._health.due

    def opened(self, now: float) -> None:
        self._turns.lost(now)
        self._health.opened(now, self._expected)

    def closed(self) -> None:
        self._turns.lost(0.0)
        self._turns.not_awaited()
        self._health.closed()

    def _note(self, event: RealtimeEvent, now: float) -> list[Finding]:
        return self._progress.note([event], now)[1]

    def asked(self, now: float) -> None:
        self._progress.asked(now)

    def calls(self, open_calls: int, now: float) -> None:
        """So many calls are open from now on."""
        for number in range(open_calls):
            self._calls.opened(str(number), "f", {}, now)
            self._note(FunctionCall(name="f", arguments={}, call_id=str(number)), now)
        if not open_calls:
            for number in range(len(self._calls)):
                self._progress.result_given(str(number), 1, now, silent=True)

    def audio(self, audio_base64: str, rate_hz: int, now: float) -> None:
        self._note(AudioDelta(delta=audio_base64, rate_hz=rate_hz), now)

    def output(self, now: float) -> None:
        self._note(ThoughtDelta(text="hm"), now)

    def transcript(self, text: str, now: float) -> None:
        self._note(OutputTranscript(text=text), now)

    def heard(self, text: str, now: float) -> None:
        self._note(InputTranscript(text=text), now)

    def generation_complete(self, now: float) -> list[Finding]:
        return self._note(GenerationComplete(), now)

    def interrupted(self, now: float) -> None:
        self._note(Interrupted(), now)

    def turn_complete(self, reason: str | None, now: float, *, more_follows: bool = False) -> list[Finding]:
        self._progress.works_on(more_follows)
        return self._note(TurnComplete(reason=reason), now)


def watched(expected: Expected = NOTHING, **policy: Any) -> Watch:
    health = Watch(HealthPolicy(**policy), expected)
    health.opened(0.0)
    return health


def alive(expected: Expected = NOTHING, **policy: Any) -> Watch:
    """Of whose connection there is no doubt, so that only turns are watched."""
    return watched(expected, dead_connection="off", **policy)


def wait(health: Watch, until: float) -> tuple[list[float], list[tuple[float, str]]]:
    """Let time pass as a timer would: when pings were sent, and what was found when."""
    pings, found = [], []
    while (deadline := health.deadline()) is not None and deadline <= until:
        ping, findings = health.due(deadline)
        pings += [deadline] if ping else []
        found += [(deadline, finding.finding) for finding in findings]
        assert health.deadline() != deadline
    return pings, found


def found(health: Watch, until: float) -> list[tuple[float, str]]:
    return wait(health, until)[1]


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.finding for finding in findings]


def speak(health: Watch, audio: str, pieces: int, now: float = 1.0) -> None:
    for _ in range(pieces):
        health.audio(audio, RATE_HZ, now)


# --- the policy


def test_only_a_connection_that_is_provably_dead_is_given_up_by_default() -> None:
    policy = read_health(None)
    actions = {kind: getattr(policy, kind) for kind in KINDS}
    assert {kind for kind, action in actions.items() if action != "report"} == {"dead_connection"}
    assert policy.dead_connection == "resume"
    assert policy.pong_within_s >= 60  # the service has taken 30 s


@pytest.mark.parametrize("value", ["off", False])
def test_off_switches_everything_off(value: Any) -> None:
    policy = read_health(value)
    assert {getattr(policy, kind) for kind in KINDS} == {"off"}
    assert Watch(policy).deadline() is None


def test_a_dict_changes_what_it_names_and_none_in_it_means_the_default() -> None:
    policy = read_health({"no_answer": "nudge", "answer_within_s": 8, "near_silence": False, "stalled_turn": None})
    assert policy == HealthPolicy(no_answer="nudge", answer_within_s=8, near_silence="off")
    assert read_health(policy) is policy


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"no_anser": "nudge"}, "has no 'no_anser' → did you mean 'no_answer'?"),
        ({"no_answer": "resumee"}, "`voice_health.no_answer` is 'resumee' → did you mean 'resume'? choose one of off"),
        ({"no_answer": 1}, "`voice_health.no_answer` is 1 → choose one of off"),
        ({"answer_within_s": "30"}, "`voice_health.answer_within_s` is a str → pass a number from 0.01"),
        ({"answer_within_s": True}, "pass a number"),
        ({"ping_after_s": 0}, "pass a number from 0.01 to 86400"),
        ({"ping_after_s": math.nan}, "is nan"),
        ({"ping_after_s": False}, "is a bool → pass a number"),
        ({"refusals_in_a_row": 0}, "pass a whole number from 1 to 1000"),
        ({"refusals_in_a_row": 2.0}, "pass a whole number"),
        ({1: "off"}, "has no 1"),
        ("on", "`voice_health` is 'on' → pass \"off\", or a dict"),
        (["off"], 'pass "off", or a dict'),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_advice(value: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_health(value)
    assert says in str(error.value)


# --- dead connections


def test_an_idle_connection_is_pinged_and_given_up_when_nothing_answers() -> None:
    health = watched()
    pings, what = wait(health, 1000.0)
    assert (pings, what) == ([20.0], [(80.0, "dead_connection")])


def test_the_finding_says_how_long_and_what_to_do() -> None:
    health = watched()
    health.due(20.0)
    assert health.due(80.0) == (
        False,
        [Finding("dead_connection", "no frame for 80 s, no answer to a ping for 60 s", "resume")],
    )


def test_frames_make_pings_unnecessary() -> None:
    health = watched()
    for second in range(100):
        health.frame(float(second))
        assert wait(health, float(second)) == ([], [])


@pytest.mark.parametrize("pong_at", [20.0, 21.0, 79.0])
def test_a_pong_is_life_however_late_and_idleness_begins_anew(pong_at: float) -> None:
    health = watched()
    wait(health, pong_at)
    health.pong(pong_at)
    assert wait(health, pong_at + 80.0) == ([pong_at + 20.0], [(pong_at + 80.0, "dead_connection")])


def test_a_frame_after_the_ping_is_life_and_the_next_ping_is_not_late() -> None:
    health = watched()
    wait(health, 25.0)
    health.frame(25.0)
    assert wait(health, 60.0) == ([45.0], [])


def test_who_takes_nothing_is_dead_whatever_else_it_says() -> None:
    health = watched()
    health.sending(1.0, stalled=True)
    for second in range(81):
        health.frame(float(second))
        assert wait(health, float(second)) == ([], [])
    health.frame(81.0)
    detail = "nothing that was sent was taken for 80 s"
    assert health.due(81.0) == (False, [Finding("dead_connection", detail, "resume")])
    assert health.due(500.0) == (False, [])


def test_who_takes_something_in_time_is_not_dead_and_who_waits_for_our_reader_is_not_either() -> None:
    health = watched()
    health.sending(1.0, stalled=True)
    health.sending(79.0, stalled=False)
    health.sending(80.0, stalled=True)
    health.frame(80.0)
    health.reading(True, 81.0)
    assert wait(health, 500.0) == ([], [])
    health.reading(False, 500.0)
    health.frame(579.0)
    assert wait(health, 579.0) == ([], [])
    assert found(health, 600.0) == [(580.0, "dead_connection")]


def test_a_dead_connection_is_found_while_a_function_runs() -> None:
    health = watched()
    health.calls(1, 0.0)
    assert found(health, 100.0) == [(80.0, "dead_connection")]


def test_what_lies_unread_is_waited_for() -> None:
    health = watched(stalled_after_s=100.0)
    health.audio(SPEECH, RATE_HZ, 1.0)
    wait(health, 30.0)  # a ping is on its way
    health.reading(True, 30.0)
    assert wait(health, 500.0) == ([], [])
    health.reading(False, 500.0)
    assert wait(health, 519.0) == ([], [])
    assert wait(health, 700.0) == ([520.0], [(580.0, "dead_connection"), (600.0, "stalled_turn")])


def test_nothing_is_watched_without_a_connection() -> None:
    health = Watch(HealthPolicy())
    assert health.deadline() is None
    assert health.due(1000.0) == (False, [])
    health.opened(1000.0)
    speak(health, SILENCE, 5)
    health.asked(1000.0)
    health.closed()
    assert health.deadline() is None
    assert health.due(5000.0) == (False, [])
    health.opened(5000.0)
    assert found(health, 5079.0) == []
    assert health.turn_complete(None, 5079.0, more_follows=True) == []
    assert found(health, 6000.0) == [(5080.0, "dead_connection")]


# --- answers that do not come


def test_an_answer_that_does_not_begin_is_found_once() -> None:
    health = alive()
    health.asked(5.0)
    assert found(health, 500.0) == [(35.0, "no_answer")]


def test_the_last_question_counts() -> None:
    health = alive()
    health.asked(0.0)
    health.asked(29.0)
    assert found(health, 500.0) == [(59.0, "no_answer")]


@pytest.mark.parametrize("sign", ["output", "audio", "transcript", "interrupted", "turn_complete", "generation"])
def test_whatever_the_model_does_ends_the_wait_for_an_answer(sign: str) -> None:
    health = alive(stalled_turn="off")
    health.asked(0.0)
    match sign:
        case "output":
            health.output(1.0)
        case "audio":
            health.audio(SPEECH, RATE_HZ, 1.0)
        case "transcript":
            health.transcript("Hello", 1.0)
        case "interrupted":
            health.interrupted(1.0)
        case "turn_complete":
            health.turn_complete(None, 1.0)
        case "generation":
            health.generation_complete(1.0)
    assert found(health, 500.0) == []


def test_what_was_asked_before_the_session_was_ready_is_owed_from_then_on() -> None:
    health = Watch(HealthPolicy(dead_connection="off"))
    health.asked(0.0)
    health.opened(100.0)
    assert found(health, 500.0) == [(130.0, "no_answer")]


def test_an_answer_is_still_owed_when_the_service_says_that_it_works_on() -> None:
    health = alive()
    health.asked(0.0)
    assert health.turn_complete(None, 20.0, more_follows=True) == []
    assert found(health, 500.0) == [(50.0, "no_answer")]


# --- turns that stop


def test_a_turn_that_stops_halfway_is_found_once() -> None:
    health = alive()
    speak(health, SPEECH, 3, now=2.0)
    assert health.due(16.9) == (False, [])
    _, [finding] = health.due(17.0)
    assert finding.finding == "stalled_turn"
    assert finding.detail == "no output for 15 s, the turn has no end, 0.6 s of audio so far"
    health.output(18.0)
    assert found(health, 500.0) == []


def test_every_piece_of_output_is_a_sign_of_life() -> None:
    health = alive()
    health.output(0.0)
    health.audio(SPEECH, RATE_HZ, 14.0)
    health.transcript("and", 28.0)
    health.transcript("", 42.0)
    assert found(health, 56.0) == []
    assert found(health, 57.0) == [(57.0, "stalled_turn")]


@pytest.mark.parametrize("end", ["generation_complete", "interrupted", "turn_complete"])
def test_a_turn_that_has_an_end_does_not_stall(end: str) -> None:
    health = alive()
    health.audio(SPEECH, RATE_HZ, 1.0)
    match end:
        case "generation_complete":
            health.generation_complete(2.0)  # and no turn_complete, as some models have it
        case "interrupted":
            health.interrupted(2.0)
        case "turn_complete":
            health.turn_complete(None, 2.0)
    assert found(health, 500.0) == []


def test_words_that_come_after_the_end_of_generation_begin_no_turn() -> None:
    health = alive()
    health.audio(SPEECH, RATE_HZ, 1.0)
    health.generation_complete(2.0)
    health.transcript("and that is all", 3.0)
    assert found(health, 500.0) == []


def test_words_that_come_after_a_question_are_the_answer_though_the_last_turn_was_never_completed() -> None:
    health = alive()
    health.audio(SPEECH, RATE_HZ, 1.0)
    health.generation_complete(2.0)
    health.asked(3.0)
    health.transcript("As for that", 4.0)
    assert found(health, 500.0) == [(19.0, "stalled_turn")]


def test_a_connection_that_replaces_another_begins_with_no_turn() -> None:
    health = alive()
    health.output(1.0)
    health.opened(2.0)
    assert found(health, 500.0) == []


def test_nothing_is_overdue_while_a_function_runs_and_time_counts_from_its_result() -> None:
    health = alive()
    health.asked(0.0)
    health.output(1.0)
    health.calls(2, 1.0)
    assert found(health, 300.0) == []
    health.calls(1, 300.0)
    assert found(health, 400.0) == []
    health.calls(0, 400.0)
    assert found(health, 500.0) == [(415.0, "stalled_turn")]


def test_a_silence_after_a_result_is_a_missing_answer_and_nothing_else() -> None:
    health = alive()
    health.output(1.0)
    health.calls(1, 1.0)
    wait(health, 10.0)
    health.calls(0, 10.0)
    health.asked(10.0)
    assert found(health, 500.0) == [(40.0, "no_answer")]


def test_whoever_asks_again_and_again_does_not_hide_the_silence() -> None:
    health = alive(answer_within_s=10.0)
    silences = []
    for time_s in range(0, 40, 5):
        health.asked(time_s)
        silences += found(health, time_s + 4.0)
    assert silences == [(20.0, "no_answer")]


@pytest.mark.parametrize(("pause_s", "silences"), [(2, []), (5, [(22.0, "no_answer")])])
def test_nobody_owes_an_answer_while_an_utterance_goes_on(pause_s: int, silences: list[tuple[float, str]]) -> None:
    health = alive(answer_within_s=10.0)
    heard: list[tuple[float, str]] = []
    for time_s in range(2, 32, pause_s):
        health.heard("and then", time_s + 0.5)
        heard += found(health, time_s + pause_s)
    assert [(round(at), kind) for at, kind in heard] == [(round(at), kind) for at, kind in silences]


def test_a_new_turn_may_stall_again() -> None:
    health = alive()
    health.output(0.0)
    assert found(health, 20.0) == [(15.0, "stalled_turn")]
    health.turn_complete(None, 20.0)
    health.output(30.0)
    assert found(health, 100.0) == [(45.0, "stalled_turn")]


# --- empty turns


def test_a_turn_without_any_output_is_found() -> None:
    health = alive()
    health.asked(0.0)
    [finding] = health.turn_complete("MALFORMED_FUNCTION_CALL", 1.0)
    assert finding == Finding(
        "empty_turn", "the turn ended without any output, reason: MALFORMED_FUNCTION_CALL", "report"
    )


def test_so_is_one_that_was_asked_for_aloud_of_which_nothing_was_known() -> None:
    health = alive()
    health.output(0.0)
    assert health.turn_complete(None, 1.0) == []
    assert kinds(health.turn_complete(None, 6.0)) == ["empty_turn"]


def test_a_transcript_without_words_is_no_output() -> None:
    health = alive()
    health.asked(0.0)
    health.transcript("", 1.0)
    assert kinds(health.turn_complete(None, 2.0)) == ["empty_turn"]


def test_so_is_one_of_which_only_the_end_of_generation_came() -> None:
    health = alive()
    health.generation_complete(0.1)
    assert kinds(health.turn_complete(None, 0.1)) == ["empty_turn"]


@pytest.mark.parametrize("sign", ["output", "audio", "transcript", "late transcript", "interrupted", "calls"])
def test_a_turn_in_which_anything_happened_is_not_empty(sign: str) -> None:
    health = alive()
    health.asked(0.0)
    match sign:
        case "output":
            health.output(5.0)
        case "audio":
            health.audio(SPEECH, RATE_HZ, 5.0)
        case "transcript":
            health.transcript("Hello", 5.0)
        case "late transcript":
            health.generation_complete(4.0)
            health.transcript("Hello", 5.0)
        case "interrupted":
            health.interrupted(5.0)
        case "calls":
            health.calls(1, 5.0)
    assert health.turn_complete(None, 6.0) == []


def test_the_second_end_of_a_turn_is_not_an_empty_turn() -> None:
    health = alive()
    health.output(0.0)
    health.interrupted(5.0)
    assert health.turn_complete(None, 5.0) == []
    assert health.turn_complete(None, 5.5) == []


@pytest.mark.parametrize("reason", sorted(EXPLAINS_AN_EMPTY_TURN))
def test_some_reasons_explain_an_empty_turn(reason: str) -> None:
    health = alive()
    health.asked(0.0)
    assert health.turn_complete(reason, 10.0) == []


def test_an_interaction_may_pause_and_end_without_output() -> None:
    health = alive()
    assert health.turn_complete(None, 10.0, more_follows=True) == []
    assert health.turn_complete(None, 20.0) == []
    assert kinds(health.turn_complete(None, 30.0)) == ["empty_turn"]


# --- what is heard


def test_audio_in_which_nobody_is_heard_is_found_when_generation_ends() -> None:
    health = alive()
    speak(health, SILENCE, 5)
    [finding] = health.generation_complete(2.0)
    assert finding == Finding("near_silence", "1 s of audio, none of it above -50 dBFS", "report")
    assert health.turn_complete(None, 3.0) == []


@pytest.mark.parametrize("amplitude", [18, 60])  # near-silent turns as reported, and the noise of recorded pauses
def test_it_is_found_at_the_end_of_a_turn_that_was_cut_off_too(amplitude: int) -> None:
    health = alive()
    speak(health, sound(amplitude, 200), 3)
    health.interrupted(2.0)
    assert kinds(health.turn_complete(None, 2.0)) == ["near_silence"]


def test_less_than_half_a_second_may_be_a_breath() -> None:
    health = alive()
    speak(health, SILENCE, 2)
    assert health.turn_complete(None, 2.0) == []


@pytest.mark.parametrize("amplitude", [400, 8000])
def test_one_audible_syllable_is_enough(amplitude: int) -> None:
    health = alive()
    silence, syllable = sound(0, 430), sound(amplitude, 60)
    speak(health, base64.b64encode(b"".join(map(base64.b64decode, (silence, syllable, silence)))).decode(), 1)
    speak(health, SILENCE, 10)
    assert health.turn_complete(None, 2.0) == []


def test_one_turn_does_not_speak_for_the_next() -> None:
    health = alive()
    speak(health, SPEECH, 5)
    assert health.turn_complete(None, 2.0) == []
    speak(health, SILENCE, 5)
    assert kinds(health.turn_complete(None, 4.0)) == ["near_silence"]


def test_a_turn_begun_without_the_end_of_the_last_is_judged_by_itself() -> None:
    health = alive()
    speak(health, SPEECH, 5)
    assert health.generation_complete(2.0) == []
    speak(health, SILENCE, 5)
    assert kinds(health.generation_complete(4.0)) == ["near_silence"]


@pytest.mark.parametrize("cut", range(1, 9))
def test_small_and_unevenly_cut_pieces_of_speech_are_heard(cut: int) -> None:
    health = alive()
    speech = sound(8000, 1000).replace("+", "-").replace("/", "_").rstrip("=")
    for start in range(0, len(speech), 40):
        health.audio(speech[start : start + 40 - cut], RATE_HZ, 1.0)
    assert health.turn_complete(None, 2.0) == []


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()), st.integers(0))
def test_no_audio_however_broken_is_an_error(audio: str, rate_hz: int) -> None:
    health = alive()
    health.audio(audio, rate_hz, 1.0)
    assert "transcript_without_audio" not in kinds(health.turn_complete(None, 2.0))


# --- what is written


def test_a_transcript_without_its_audio_is_found_once() -> None:
    health = alive()
    health.transcript("I have looked at your order, ", 1.0)
    health.transcript("and it will be with you on Thursday morning.", 1.0)
    speak(health, SPEECH, 2)
    [finding] = health.generation_complete(2.0)
    assert finding == Finding("transcript_without_audio", "73 characters of transcript, 0.4 s of audio", "report")
    assert health.turn_complete(None, 3.0) == []


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("Rhabarberbarbarabarbarbarenbartbarbierbierbarbaerbel and her guests", 2200),  # 30 characters per second
        ("明天早上七点半请在车站南口等我" * 5, 9000),
        ("왼쪽으로 가시면 됩니다. " * 6, 6000),
        ("Yes, of course.", 0),
    ],
)
def test_fast_speech_in_any_script_is_speech(text: str, duration_ms: int) -> None:
    health = alive()
    health.transcript(text, 1.0)
    speak(health, SPEECH, duration_ms // 200)
    assert health.turn_complete(None, 2.0) == []


def test_what_was_cut_off_may_have_been_written_before_it_was_spoken() -> None:
    health = alive()
    health.transcript("word " * 40, 1.0)
    speak(health, SPEECH, 1)
    health.interrupted(2.0)
    assert health.turn_complete(None, 2.0) == []


# --- refusals


def refuse(health: Watch, times: int, reason: str = "RESPONSE_REJECTED") -> list[str]:
    return [kind for n in range(times) for kind in kinds(health.turn_complete(reason, 10.0 * n))]


def test_a_run_of_refusals_is_found_once() -> None:
    health = alive()
    assert refuse(health, 2) == []
    [finding] = health.turn_complete("GENERATED_AUDIO_SAFETY", 50.0)
    detail = "3 turns in a row were refused, the last for GENERATED_AUDIO_SAFETY"
    assert finding == Finding("refusals", detail, "report")
    assert refuse(health, 20) == []


@pytest.mark.parametrize("ended", [True, False])
def test_a_normal_turn_ends_the_run(ended: bool) -> None:
    health = alive()
    refuse(health, 2)
    speak(health, SPEECH, 3)
    health.generation_complete(25.0)
    if ended:
        health.turn_complete(None, 26.0)
    else:  # the model leaves it out
        speak(health, SPEECH, 3)
    assert refuse(health, 2) == []
    assert refuse(health, 1) == ["refusals"]


def test_a_new_connection_does_not_end_the_run() -> None:
    health = alive(refusals_in_a_row=2)
    refuse(health, 1)
    health.closed()
    health.opened(100.0)
    assert refuse(health, 1) == ["refusals"]


def test_a_second_end_of_a_refused_turn_does_not_end_the_run() -> None:
    health = alive(refusals_in_a_row=2)
    refuse(health, 1)
    assert health.turn_complete(None, 0.5) == []
    assert refuse(health, 1) == ["refusals"]


def test_refusals_are_known_by_name() -> None:
    assert not REFUSALS & {"NEED_MORE_INPUT", "MALFORMED_FUNCTION_CALL", "TURN_COMPLETE_REASON_UNSPECIFIED", None}
    assert all(refuse(alive(refusals_in_a_row=1), 1, reason) == ["refusals"] for reason in REFUSALS)


# --- any order of things


POLICY = HealthPolicy(
    ping_after_s=5, pong_within_s=12, stalled_after_s=4, answer_within_s=7, refusals_in_a_row=2, empty_turn="nudge"
)
POLICIES = [
    POLICY,
    HealthPolicy(dead_connection="off", stalled_turn="off", answer_within_s=3),
    HealthPolicy(dead_connection="off", no_answer="off", stalled_after_s=6),
    HealthPolicy(no_answer="off", stalled_turn="off", ping_after_s=8, pong_within_s=4),
    HealthPolicy(ping_after_s=30, pong_within_s=2, stalled_after_s=20, answer_within_s=5),
]
DOINGS = (
    "frame", "pong", "asked", "calls 1", "calls 0", "audio", "silence", "output", "transcript", "no words",
    "generation_complete", "interrupted", "turn_complete", "more_follows", "refused", "paused", "reading",
    "closed", "opened", "ask due",
)  # fmt: skip
HISTORIES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(DOINGS)), max_size=60)


def do(health: Watch, doing: str, now: float) -> list[Finding]:
    match doing.split():
        case ["frame"]:
            health.frame(now)
        case ["calls", count]:
            health.calls(int(count), now)
        case ["audio"]:
            health.audio(SPEECH, RATE_HZ, now)
        case ["silence"]:
            health.audio(SILENCE, RATE_HZ, now)
        case ["transcript"]:
            health.transcript("word " * 20, now)
        case ["no", "words"]:
            health.transcript("", now)
        case ["generation_complete"]:
            return health.generation_complete(now)
        case ["turn_complete"]:
            return health.turn_complete(None, now)
        case ["more_follows"]:
            return health.turn_complete(None, now, more_follows=True)
        case ["refused"]:
            return health.turn_complete("BLOCKLIST", now)
        case ["paused" | "reading"]:
            health.reading(doing == "paused", now)
        case ["closed"]:
            health.closed()
        case ["ask", "due"]:
            return health.due(now)[1]
        case _:
            getattr(health, doing)(now)
    return []


@given(st.sampled_from(POLICIES), HISTORIES)
def test_a_timer_that_is_armed_only_by_due_and_opened_misses_nothing(
    policy: HealthPolicy, history: list[tuple[int, str]]
) -> None:
    lazy, eager = Watch(policy), Watch(policy)
    timer: float | None = None
    seen: list[tuple[float, bool, list[Finding]]] = []
    expected: list[tuple[float, bool, list[Finding]]] = []
    now = 0
    for wait_s, doing in [(0, "opened"), *history, (100, "frame")]:
        for second in range(now + 1, now + wait_s + 1):
            if timer is not None and timer <= second:
                assert timer == second  # whole seconds in, whole seconds out
                seen.append((second, *lazy.due(second)))
                timer = lazy.deadline()
            expected.append((second, *eager.due(second)))
        now += wait_s
        if doing != "ask due":
            assert do(lazy, doing, now) == do(eager, doing, now)
        timer = lazy.deadline() if doing in ("opened", "closed") else timer
    assert [look for look in seen if look[1] or look[2]] == [look for look in expected if look[1] or look[2]]


@given(st.sampled_from(POLICIES), HISTORIES)
def test_after_each_look_the_next_one_lies_ahead(policy: HealthPolicy, history: list[tuple[int, str]]) -> None:
    health, now = Watch(policy), 0.0
    for wait_s, doing in [(0, "opened"), *history]:
        now += wait_s / 3
        do(health, doing, now)
        health.due(now)
        deadline = health.deadline()
        assert deadline is None or deadline > now


@settings(max_examples=200)
@given(HISTORIES)
def test_nothing_is_found_soon_after_a_sign_of_life_nor_twice(history: list[tuple[int, str]]) -> None:
    health, now = Watch(POLICY), 0.0
    frame_at = output_at = 0.0
    counts: Counter[str] = Counter()
    for wait_s, doing in [(0, "opened"), *history]:
        now += wait_s
        _, findings = health.due(now)
        if now - frame_at < POLICY.pong_within_s:
            assert "dead_connection" not in kinds(findings)
        if now - output_at < POLICY.stalled_after_s:
            assert not {"stalled_turn", "no_answer"} & set(kinds(findings))
        findings += do(health, doing, now)
        counts.update(kinds(findings))
        assert max(counts.values(), default=0) <= 1
        if doing in ("audio", "silence", "output", "transcript", "frame", "pong"):
            frame_at = now
            health.frame(now)
        if doing in ("audio", "silence", "output", "transcript"):
            output_at = now
        counts = _still_open(counts, doing)


def _still_open(counts: Counter[str], doing: str) -> Counter[str]:
    """What may not be found again: of a turn until it is over, of a connection until the next is open."""
    if doing in ("opened", "closed"):
        return Counter()
    over = doing in ("turn_complete", "more_follows", "refused", "asked", "generation_complete", "interrupted")
    return Counter({kind: n for kind, n in counts.items() if kind == "dead_connection"}) if over else counts


@given(HISTORIES)
def test_what_is_off_is_never_found(history: list[tuple[int, str]]) -> None:
    health, now = Watch(read_health("off")), 0.0
    for wait_s, doing in [(0, "opened"), *history]:
        now += wait_s
        assert do(health, doing, now) == []
        assert health.due(now) == (False, [])
        assert health.deadline() is None
