"""Silence is a fault too: what is wrong with a conversation that raises no error, and what the policy says to do.

    finding                    what was seen
    -------------------------- ---------------------------------------------------------------------------------------
    `dead_connection`          no frame for a while, and no answer to a ping; or nothing taken of what is sent
    `no_answer`                the service owes an answer and has not begun it
    `stalled_turn`             output began, stopped, and nothing ended the turn
    `empty_turn`               a turn that ended without any output, and without a reason that explains it
    `near_silence`             audio in which nobody can be heard
    `transcript_without_audio` far more was said, by the transcript, than the audio can hold
    `audio_without_transcript` far more audio than its transcript accounts for: a tone, or no words at all
    `turn_without_audio`       a turn of a session that speaks in which there was nothing to hear: text, a thought
    `refusals`                 turns in a row that the service refused

When in doubt nothing is found: a fault that is missed costs what it costs without this module, a false one may cost a
healthy connection. So silence counts only while the service is known to owe something, while our side reads, and
while the model does not wait for a function; and the end of the turn is not waited for once generation is complete:
the service holds it back until the audio has been heard, and some models leave it out.

Which turn it is and whether an answer is owed is known to `turns`, what the model waits for to `calls`.

Reports of these faults: https://github.com/google-gemini/gemini-live-api-examples/issues/40 (near silence, refusals),
https://github.com/googleapis/python-genai/issues/2117 and https://github.com/livekit/agents-js/issues/1450 (empty
turns), https://github.com/googleapis/python-genai/issues/2715 (a tone), https://github.com/livekit/agents/issues/7390
(text instead of speech).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from gemini_realtime.checking import check_choice, check_fields, check_number, shown
from gemini_realtime.errors import AudioFormatError, ConfigError
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import decode_base64
from gemini_realtime.protocol.turns import Turns, TurnState

Action = Literal["off", "report", "nudge", "resume"]
"""What a finding leads to: nothing at all, an event, also a reminder to the model, also a new connection."""

KINDS = (
    "dead_connection",
    "stalled_turn",
    "no_answer",
    "empty_turn",
    "near_silence",
    "transcript_without_audio",
    "audio_without_transcript",
    "turn_without_audio",
    "refusals",
)
TIMES = ("ping_after_s", "pong_within_s", "stalled_after_s", "answer_within_s")

REFUSALS = frozenset(
    {
        "RESPONSE_REJECTED",
        "PROHIBITED_INPUT_CONTENT",
        "IMAGE_PROHIBITED_INPUT_CONTENT",
        "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
        "INPUT_IMAGE_CELEBRITY",
        "INPUT_IMAGE_PHOTO_REALISTIC_CHILD_PROHIBITED",
        "INPUT_TEXT_NCII_PROHIBITED",
        "INPUT_OTHER",
        "INPUT_IP_PROHIBITED",
        "BLOCKLIST",
        "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
        "GENERATED_IMAGE_SAFETY",
        "GENERATED_CONTENT_SAFETY",
        "GENERATED_AUDIO_SAFETY",
        "GENERATED_VIDEO_SAFETY",
        "GENERATED_CONTENT_PROHIBITED",
        "GENERATED_CONTENT_BLOCKLIST",
        "GENERATED_IMAGE_PROHIBITED",
        "GENERATED_IMAGE_CELEBRITY",
        "GENERATED_IMAGE_PROMINENT_PEOPLE_DETECTED_BY_REWRITER",
        "GENERATED_IMAGE_IDENTIFIABLE_PEOPLE",
        "GENERATED_IMAGE_MINORS",
        "OUTPUT_IMAGE_IP_PROHIBITED",
        "GENERATED_OTHER",
    }
)
"""Reasons of `turnComplete` that say the service would not answer. Source: google-genai 3.4.0, `TurnCompleteReason`."""

EXPLAINS_AN_EMPTY_TURN = REFUSALS | {"NEED_MORE_INPUT"}
"""The service waits for more, or refused on purpose. `MALFORMED_FUNCTION_CALL`, `MAX_REGENERATION_REACHED` and reasons
that are not known name a failure: whoever waits for an answer hears nothing and is told nothing."""

UNASKED_TURN_TAKES_S = 2.0
"""Nobody can speak, fall silent, be heard to have finished and be answered in less. An empty end that comes sooner
after the last one, without having been asked for, is a second end of the same turn."""

AUDIBLE_FROM = 100
"""Mean absolute sample from which audio is heard, -50 dBFS. Near-silent turns were reported to reach 18 where they are
loudest, healthy ones 2,061 to 10,747; in pauses the model's own background has been recorded at some 30."""

SPEECH_TAKES_S = 0.5
"""Less audio than this may well be a breath."""

SLICE_CHARACTERS = 64
"""1 ms of base64 at 24 kHz: 8 characters are 3 samples, so slices that begin at multiples of 8 hold whole samples."""

SLICE_EVERY_CHARACTERS = 3200
"""50 ms of base64 at 24 kHz: no syllable is shorter."""

LONG_TRANSCRIPT_CHARACTERS = 60
"""A transcript up to this length may be of a word or two, spelled out."""

CHARACTERS_PER_S = 4 * 20
"""More than four times as fast as anybody speaks: 12 to 20 characters per second where letters are sounds. Scripts
that write syllables or words are slower, 4 to 10 characters per second, so in them only worse faults are found."""

LONG_SPEECH_S = 10.0
"""In so long a speech there are words, unless it has no transcript for a reason that is not known."""

SECONDS_A_CHARACTER = 1.0
"""Four times as slow as anybody speaks, in scripts that write words."""


class HealthPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about each finding, and how patient to be; all times in seconds.

    Attributes:
        dead_connection: nothing arrives any more, not even an answer to a ping, or nothing that is sent is taken for
            as long as both may take; the one fault that a new connection is known to cure.
        ping_after_s: nothing received for so long leads to a ping.
        pong_within_s: patience with its answer; the service has been seen to take 30 s when it is busy.
        stalled_turn: the model stopped in the middle of a turn.
        stalled_after_s: silence in the middle of a turn that is too long.
        no_answer: the service owes an answer and has not begun it.
        answer_within_s: how long it may take to begin.
        empty_turn: a turn ended without any output.
        near_silence: the model's speech cannot be heard.
        transcript_without_audio: the transcript is far longer than the audio.
        audio_without_transcript: the audio is far longer than the transcript, where one was asked for.
        turn_without_audio: a turn of a session that speaks held nothing to hear.
        refusals: the service refused several turns in a row.
        refusals_in_a_row: how many.

    Raises:
        ConfigError: an action that does not exist, a time below 0.01 s or above a day.
    """

    dead_connection: Action = "resume"
    ping_after_s: float = 20.0
    pong_within_s: float = 60.0
    stalled_turn: Action = "report"
    stalled_after_s: float = 15.0
    no_answer: Action = "report"
    answer_within_s: float = 30.0
    empty_turn: Action = "report"
    near_silence: Action = "report"
    transcript_without_audio: Action = "report"
    audio_without_transcript: Action = "report"
    turn_without_audio: Action = "report"
    refusals: Action = "report"
    refusals_in_a_row: int = 3

    def __post_init__(self) -> None:
        for kind in KINDS:
            check_choice(f"voice_health.{kind}", getattr(self, kind), get_args(Action))
        for name in TIMES:
            check_number(f"voice_health.{name}", getattr(self, name), 0.01, 86400)
        check_number("voice_health.refusals_in_a_row", self.refusals_in_a_row, 1, 1000, whole=True)


def read_health(value: Any) -> HealthPolicy:
    """The policy for `voice_health` of `llm_config`.

    Args:
        value: None for the defaults; "off" or False for no watch at all; or a dict of `HealthPolicy`'s fields. A kind
            may be False there too: it is what YAML makes of a bare `off`.

    Raises:
        ConfigError: anything else.
    """
    if isinstance(value, HealthPolicy):
        return value
    if value is None or value is True:
        return HealthPolicy()
    if value is False or (isinstance(value, str) and value == "off"):
        value = dict.fromkeys(KINDS, "off")
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"`voice_health` is {shown(value)}", remedy='pass "off", or a dict such as {"no_answer": "nudge"}'
        )
    check_fields("voice_health", value, HealthPolicy.__struct_fields__)
    fields: dict[str, Any] = {
        name: "off" if item is False and name in KINDS else item for name, item in value.items() if item is not None
    }
    return HealthPolicy(**fields)


class Finding(msgspec.Struct, frozen=True):
    """One fault that was seen.

    Attributes:
        finding: its kind, as `HealthPolicy` names it.
        detail: numbers and context, never content.
        action: what the policy says to do; never "off".
    """

    finding: str
    detail: str
    action: Action


class Expected(msgspec.Struct, frozen=True):
    """What the setup in force asks for.

    Attributes:
        audio: answers are spoken.
        transcript: what the model says is written down.
        silence: the model may decide that an answer is not called for.
        patience_s: an answer may take so long to begin, even if the policy grants it less; seconds.
    """

    audio: bool = False
    transcript: bool = False
    silence: bool = False
    patience_s: float = 0.0


class Health:
    """Watches one conversation, over one connection after another.

    Tell it what happens, as it happens, before `turns` and `calls` are told. `due` wants to be called when `deadline()`
    passes: ask for that after `opened` and after each `due`. Nothing that happens in between makes it earlier, so no
    frame needs to move a timer.

    Args:
        policy: what to do about each finding.
        turns: the present turn.
        calls: the functions that run.

    """

    def __init__(self, policy: HealthPolicy, turns: Turns, calls: Calls) -> None:
        self._last_frame_at = 0.0
        self._policy = policy
        self._turns = turns
        self._calls = calls
        self._look_every_s = _shortest_watch_s(policy)
        self._refused = 0
        self._expected = Expected()
        self._paused = False
        self.opened(0.0)
        self._open = False

    # --- the connection

    def opened(self, now: float, expected: Expected = Expected()) -> None:  # noqa: B008
        """The session on a connection is ready; an answer that was asked for before is owed from now on."""
        self._open = True
        self._expected = expected
        self._peer = _Peer(self._policy, now)
        self._turn = _Turn()
        self._last_frame_at = self._looked_at = self._silent_since = self._opened_at = now
        self._given_up: float | None = None  # since when the answer was owed whose absence was found
        self._more_follows = False

    def closed(self) -> None:
        """There is no connection: nothing is watched until `opened`. Refusals go on being counted."""
        self._open = self._paused = False

    def frame(self, now: float) -> None:
        """Something came, whatever it says; of speech that goes on, `turns` knows."""
        self._last_frame_at = now

    def _came_at(self) -> float:
        """When something came last."""
        return max(self._last_frame_at, self._turns.speech.heard_at)

    def _output_at(self) -> float:
        """Since when the model is silent."""
        return max(self._silent_since, self._turns.speech.heard_at)

    def pong(self, now: float) -> None:
        """The other end answered a ping, however late."""
        self._peer.alive_at = now

    def reading(self, paused: bool, now: float) -> None:
        """Our side stopped reading, or reads again: what may lie unread cannot be overdue."""
        if self._paused and not paused:
            self._silent_since = self._peer.alive_at = now
            self._peer.stalls(now, stalled=self._peer.stalled_at is not None)
        self._paused = paused

    def sending(self, now: float, *, stalled: bool) -> None:
        """The network stopped taking what is sent, or takes it again."""
        self._peer.stalls(now, stalled=stalled)

    # --- what the model does

    def went_on(self, now: float) -> None:
        """What was silent until now may have had a reason that is gone: a call was answered."""
        self._silent_since = now

    def turn_began(self) -> None:
        """Output of a new answer comes."""
        if self._turns.state is TurnState.GENERATED:  # the model leaves out the ends of its turns, which were normal
            self._refused = 0
        self._turn = _Turn()
        self._given_up = None

    def audio(self, audio_base64: str, now: float) -> None:
        """A piece of its speech: base64 of mono signed 16-bit little-endian PCM."""
        self._silent_since = self._last_frame_at = now
        turn = self._turn
        if turn.quiet:
            turn.quiet = _is_quiet(audio_base64)

    @property
    def audible(self) -> bool:
        """Whether the present turn has been heard: then nothing is to be found out from more of its speech."""
        return not self._turn.quiet

    def output(self, now: float) -> None:
        """Any other output: text, a thought, a function call."""
        self._silent_since = now

    def transcript(self, text: str, now: float) -> None:
        """What it says aloud."""
        self._silent_since = now
        self._turn.transcript_characters += len(text)

    def called(self, now: float) -> None:
        """It calls a function."""
        self._silent_since = now
        self._turn.called = True

    def generation_complete(self, now: float) -> list[Finding]:
        """The answer is whole; its end follows when it has been heard, or never."""
        return self._speech_findings()

    def turn_complete(self, reason: str | None, now: float, *, more_follows: bool = False) -> list[Finding]:
        """The turn is over.

        Args:
            reason: `turnCompleteReason`, where the service sends one.
            now: seconds.
            more_follows: the service said that it works on, and that this was not its last turn.
        """
        findings = [
            *self._speech_findings(),
            *self._empty_findings(reason, now, more_follows),
            *self._refusal_findings(reason),
        ]
        self._turn = _Turn()
        self._silent_since = now
        self._more_follows = more_follows
        return findings

    # --- time

    def deadline(self) -> float | None:
        """When `due` wants to be called; None: there is nothing to watch.

        It may be early: silence that begins after this was asked is found by looking now and then.
        """
        if not self._open or self._look_every_s is None:
            return None
        deadlines = [self._looked_at + self._look_every_s]
        if not self._paused and (ping_or_end := self._peer.deadline(self._came_at())) is not None:
            deadlines.append(ping_or_end)
        if (silence := self._silence()) is not None:
            deadlines.append(silence.since + silence.limit_s)
        return min(deadlines)

    def due(self, now: float) -> tuple[bool, list[Finding]]:
        """Look at the time.

        Returns:
            Whether to send a ping now, and what was found.
        """
        self._looked_at = now
        if not self._open or self._paused:
            return False, []
        ping, findings = self._peer.due(self._came_at(), now)
        return ping, findings + self._silence_findings(now)

    def _silence(self) -> _Silence | None:
        """What it would be if the model went on saying nothing; None when it may."""
        policy, turns, expected = self._policy, self._turns, self._expected
        if not self._open or self._paused or self._calls.blocking:
            return None
        owed_since, watched = turns.owed_since, policy.no_answer != "off" and not expected.silence
        if owed_since is not None and owed_since != self._given_up and watched:
            limit_s = max(policy.answer_within_s, expected.patience_s)
            # Whoever asks again may have to wait anew, but not for ever, since a silent service makes people ask again.
            owed_since = min(owed_since, turns.owed_from + limit_s) if self._given_up is None else owed_since
            since = max(self._output_at(), owed_since)
            return _Silence("no_answer", since, limit_s, "an answer is owed")
        if turns.state is TurnState.GENERATING and policy.stalled_turn != "off" and not self._turn.stalled:
            so_far = f"the turn has no end, {_seconds(turns.speech.spoken_s)} of audio so far"
            return _Silence("stalled_turn", self._output_at(), policy.stalled_after_s, so_far)
        return None

    def _silence_findings(self, now: float) -> list[Finding]:
        silence = self._silence()
        if silence is None or now < silence.since + silence.limit_s:
            return []
        self._given_up = self._turns.owed_since
        self._turn.stalled = True  # the same silence is not found under two names
        return self._found(silence.kind, f"no output for {_seconds(now - silence.since)}, {silence.context}")

    # --- findings about a turn

    def _speech_findings(self) -> list[Finding]:
        """Of what is heard and read of the turn; each once per turn."""
        turn, spoken_s, findings = self._turn, self._turns.speech.spoken_s, []
        if turn.quiet and spoken_s >= SPEECH_TAKES_S and not turn.silence_found:
            turn.silence_found = True
            findings += self._found("near_silence", f"{_seconds(spoken_s)} of audio, none of it above -50 dBFS")
        # What was cut off may have been written before it was spoken, or spoken before it was written.
        if self._turns.interrupted or turn.transcript_found:
            return findings
        characters, detail = turn.transcript_characters, f"{turn.transcript_characters} characters of transcript"
        if characters > max(LONG_TRANSCRIPT_CHARACTERS, CHARACTERS_PER_S * spoken_s):
            turn.transcript_found = True
            findings += self._found("transcript_without_audio", f"{detail}, {_seconds(spoken_s)} of audio")
        elif self._expected.transcript and spoken_s > max(LONG_SPEECH_S, SECONDS_A_CHARACTER * characters):
            turn.transcript_found = True
            findings += self._found("audio_without_transcript", f"{_seconds(spoken_s)} of audio, {detail}")
        return findings

    def _empty_findings(self, reason: str | None, now: float, more_follows: bool) -> list[Finding]:
        turns = self._turns
        if turns.interrupted or len(self._calls) or self._turn.called or reason in EXPLAINS_AN_EMPTY_TURN:
            return []
        if more_follows or self._more_follows:  # a pause of the interaction, or the end of one that has had its say
            return []
        if turns.began:
            unheard = self._expected.audio and not turns.speech.spoken_s and not self._expected.silence
            detail = "the turn ended without any audio, in a session that answers in audio"
            return self._found("turn_without_audio", detail) if unheard and not self._turn.transcript_found else []
        owed = turns.owed_since is not None and turns.owed_since != self._given_up
        unasked_for_s = now - max(turns.ended_at, self._opened_at)
        if not (owed or turns.state is TurnState.GENERATED or unasked_for_s >= UNASKED_TURN_TAKES_S):
            return []
        return self._found("empty_turn", f"the turn ended without any output, reason: {reason or 'none given'}")

    def _refusal_findings(self, reason: str | None) -> list[Finding]:
        if reason not in REFUSALS:
            self._refused = 0 if self._turns.began else self._refused
            return []
        self._refused += 1
        if self._refused != self._policy.refusals_in_a_row:
            return []
        return self._found("refusals", f"{self._refused} turns in a row were refused, the last for {reason}")

    def _found(self, kind: str, detail: str) -> list[Finding]:
        action: Action = getattr(self._policy, kind)
        return [] if action == "off" else [Finding(kind, detail, action)]


class _Silence(msgspec.Struct, frozen=True):
    kind: str
    since: float
    limit_s: float
    context: str


class _Turn:
    """What was found, heard and read of one turn of the model.

    Attributes:
        called: it called a function, which is all that it may have to say.
        quiet: none of it could be heard.
        transcript_characters: length of what was said, as written.
    """

    def __init__(self) -> None:
        self.called = False
        self.quiet = True
        self.transcript_characters = 0
        self.stalled = self.silence_found = self.transcript_found = False


class _Peer:
    """Is anybody at the other end? Asked by ping when nothing comes by itself, and answered by anything that comes.

    Attributes:
        alive_at: when it was last known to be alive by anything but a frame, seconds.
        stalled_at: since when the connection is stalled; None while it is not; seconds.
    """

    def __init__(self, policy: HealthPolicy, now: float) -> None:
        self.alive_at = now
        self.stalled_at: float | None = None
        self._policy = policy
        self._pinged_at: float | None = None
        self._done = policy.dead_connection == "off"

    def stalls(self, now: float, *, stalled: bool) -> None:
        """The connection is stalled from now on, or no longer."""
        self.stalled_at = now if stalled else None

    def _stalled_until(self) -> float:
        patience_s = self._policy.ping_after_s + self._policy.pong_within_s
        return math.inf if self.stalled_at is None else self.stalled_at + patience_s

    def deadline(self, last_frame_at: float) -> float | None:
        """When to ping, or to give up."""
        return None if self._done else min(self._heard_by(last_frame_at), self._stalled_until())

    def _heard_by(self, last_frame_at: float) -> float:
        seen_at = max(last_frame_at, self.alive_at)
        if self._pinged_at is None or seen_at >= self._pinged_at:
            return seen_at + self._policy.ping_after_s
        return self._pinged_at + self._policy.pong_within_s

    def due(self, last_frame_at: float, now: float) -> tuple[bool, list[Finding]]:
        """Whether to ping now, and the finding that nobody is there, once."""
        deadline = self.deadline(last_frame_at)
        if deadline is None or now < deadline:
            return False, []
        seen_at, pinged_at = max(last_frame_at, self.alive_at), self._pinged_at
        if self.stalled_at is not None and now >= self._stalled_until():
            detail = f"nothing that was sent was taken for {_seconds(now - self.stalled_at)}"
        elif pinged_at is None or seen_at >= pinged_at:
            self._pinged_at = now
            return True, []
        else:
            detail = f"no frame for {_seconds(now - seen_at)}, no answer to a ping for {_seconds(now - pinged_at)}"
        self._done = True
        return False, [Finding("dead_connection", detail, self._policy.dead_connection)]


def _shortest_watch_s(policy: HealthPolicy) -> float | None:
    """No silence that begins later than now can be too long before this has passed; None without any watch."""
    watches = [
        (policy.dead_connection, policy.ping_after_s),
        (policy.stalled_turn, policy.stalled_after_s),
        (policy.no_answer, policy.answer_within_s),
    ]
    return min((limit_s for action, limit_s in watches if action != "off"), default=None)


def _is_quiet(audio_base64: str) -> bool:
    """Whether nothing can be heard in it, by small slices; of what cannot be read it is not said."""
    for start in range(0, len(audio_base64), SLICE_EVERY_CHARACTERS):
        try:
            pcm = decode_base64(audio_base64[start : start + SLICE_CHARACTERS])
        except AudioFormatError:
            return False
        samples = len(pcm) // 2
        if sum(map(abs, struct.unpack_from(f"<{samples}h", pcm))) > AUDIBLE_FROM * samples:
            return False
    return True


def _seconds(duration_s: float) -> str:
    return f"{round(duration_s, 1):g} s"
