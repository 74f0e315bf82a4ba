"""What a call came to, and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ToolRecord:
    """A function that the agent called.

    Attributes:
        name: of the function.
        arguments: as the model sent them.
        result: what the model was told; None when the call was not answered.
        took_s: from the call to the result.
    """

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = None
    took_s: float | None = None


@dataclass(frozen=True)
class TurnRecord:
    """What one side said.

    Attributes:
        role: `caller` or `agent`.
        text: the words; of an interrupted answer, those that were heard.
        at_s: since the call began.
        interrupted: whether it was cut off.
    """

    role: str
    text: str
    at_s: float = 0.0
    interrupted: bool = False


@dataclass(frozen=True)
class CallRecord:
    """What happened in a call.

    Attributes:
        turns: what was said, in order.
        tools: the functions that were called, in order.
        answered_after_s: of each answer to something spoken or typed, how long the caller waited for it: from when the
            caller was last audible until the answer first is, played as soon as it arrives. Silence at the end of
            what is said, and at the beginning of an answer, is waiting.
        stopped_after_s: of each time the caller spoke over the agent, how long both were audible.
        talked_over: how many answers began before the caller had finished, in a pause between words perhaps.
        unanswered: what the caller said in vain.
        coughs_answered: how many coughs were taken for questions.
        not_interrupted: what the caller could not say over the agent, which was silent.
        cut_short: how many answers broke off although nobody had spoken over them: of a caller who is not alone.
        answered_others: how many answers were to words that the caller had not said: of a caller who is not alone.
        gave_up: whether the caller went away without what was wanted.
        left_alone: whether the agent ended the call before the caller came to the last step, or to what was wanted.
        improvised: what the caller said whose words are a persona's: as steps, they repeat the call.
        speechless: why the caller had no words any more, if a persona's chat endpoint failed.
        resumed: how often the connection was replaced.
        new_sessions: how often that was by a session that had to be told the conversation anew.
        cost_usd: as far as prices are known.
        lasted_s: on the clock of the call.
        failed_with: how a program ended that failed in mid-call, and the last line that it wrote.
        late_s: by how much this machine was behind real time at most, where the agent is not in this process.
    """

    turns: list[TurnRecord] = field(default_factory=list)
    tools: list[ToolRecord] = field(default_factory=list)
    answered_after_s: list[float] = field(default_factory=list)
    stopped_after_s: list[float] = field(default_factory=list)
    talked_over: int = 0
    unanswered: list[str] = field(default_factory=list)
    coughs_answered: int = 0
    not_interrupted: list[str] = field(default_factory=list)
    cut_short: int = 0
    answered_others: int = 0
    gave_up: bool = False
    left_alone: bool = False
    improvised: list[str] = field(default_factory=list)
    speechless: str = ""
    resumed: int = 0
    new_sessions: int = 0
    cost_usd: float | None = None
    lasted_s: float = 0.0
    failed_with: str = ""
    late_s: float = 0.0

    @property
    def said(self) -> str:
        """Everything the agent was heard to say."""
        return " ".join(turn.text for turn in self.turns if turn.role == "agent")

    @property
    def heard(self) -> str:
        """Everything the agent heard, by its transcript."""
        return " ".join(turn.text for turn in self.turns if turn.role == "caller")


@dataclass(frozen=True)
class Verdict:
    """Whether an expectation was met.

    Attributes:
        expected: in words.
        met: whether it was.
        seen: what was seen instead, in words.
        timed: whether it is about time, and so depends on a machine that keeps pace.
    """

    expected: str
    met: bool
    seen: str = ""
    timed: bool = False


@dataclass(frozen=True)
class Judgement:
    """What a judge, who is asked several times, makes of one statement about a call.

    Attributes:
        statement: of the rubric.
        votes: whether it holds, each time that the judge was asked and answered.
        reasons: for each vote.
        decides: whether the call is as expected only if the statement holds.
        missing: why there are fewer votes than were asked for.
    """

    statement: str
    votes: list[bool] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    decides: bool = False
    missing: str = ""

    @property
    def holds(self) -> bool | None:
        """What most votes say; None without any, or when they are divided in halves."""
        ayes = sum(self.votes)
        return None if 2 * ayes == len(self.votes) else 2 * ayes > len(self.votes)

    @property
    def agreement(self) -> float | None:
        """The share of pairs of votes that say the same; None below two votes.

        It is the agreement that was observed, as in Fleiss, 1971, and not kappa: where nearly all votes are the same,
        kappa calls a judge who always agrees no better than chance.
        """
        count, ayes = len(self.votes), sum(self.votes)
        if count < 2:
            return None
        return (ayes * (ayes - 1) + (count - ayes) * (count - ayes - 1)) / (count * (count - 1))

    @property
    def verdict(self) -> str:
        """The same in words, with the votes."""
        if self.holds is None:
            return "no verdict"
        votes = f" ({self.votes.count(self.holds)} of {len(self.votes)})" if len(self.votes) > 1 else ""
        return ("holds" if self.holds else "does not hold") + votes

    @property
    def reason(self) -> str:
        """The first reason of those who are in the majority, or why there is no verdict."""
        if self.holds is None:
            return self.missing or "the judge says both"
        return next(reason for vote, reason in zip(self.votes, self.reasons, strict=True) if vote == self.holds)


@dataclass(frozen=True)
class CallResult:
    """A call and the verdicts on it.

    Attributes:
        scene: its name.
        seed: with which the call can be repeated.
        verdicts: on each expectation.
        record: of the call.
        judgements: of a judge, if there is one: apart from the verdicts, which a program has checked.
        error: why there was none, or no whole one; the verdicts do not count then.
        recording: the page, or else the folder, of its recording; empty without one.
        took_s: of real time, without the judge's.
        attempts: how often it was held: again when nothing but its time was wrong and this machine was late itself.
    """

    scene: str
    seed: int
    verdicts: list[Verdict] = field(default_factory=list)
    record: CallRecord = field(default_factory=CallRecord)
    judgements: list[Judgement] = field(default_factory=list)
    error: str = ""
    recording: str = ""
    took_s: float = 0.0
    attempts: int = 1

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.unmet

    @property
    def unmet(self) -> list[Verdict]:
        """What was not as expected: verdicts, and judgements that decide; or the error alone."""
        if self.error:
            return [Verdict(self.error, met=False)]
        return [
            *(verdict for verdict in self.verdicts if not verdict.met),
            *(
                Verdict(f"judge: {judgement.statement}", False, judgement.reason)
                for judgement in self.judgements
                if judgement.decides and not judgement.holds
            ),
        ]

    @property
    def failures(self) -> list[str]:
        """The same in words."""
        return [f"{verdict.expected}: {verdict.seen}" if verdict.seen else verdict.expected for verdict in self.unmet]
