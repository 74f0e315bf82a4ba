"""Test a voice agent by calling it: suites of callers and expectations, many calls, one table of verdicts.

    suite = Suite("sums", [Scene("a sum", Caller([Says("What is two plus three?")]), [SaysWords("five")])])
    for result in run(Plan(suite, agent="restaurant:agent", repeat=100)):
        print(result.scene, result.seed, result.passed, result.failures)

`gemini-realtime evaluate` does it for suites in YAML; docs/evaluate.md has everything that can be said in one.
"""

from __future__ import annotations

from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.comparison import Change, compare
from gemini_realtime.evaluation.expectations import (
    Answers,
    AnswersWithin,
    Calls,
    CallsOnly,
    Costs,
    Expectation,
    LetsFinish,
    NeverSays,
    Resumes,
    SaysWords,
    Speaks,
    StopsWithin,
    Understands,
)
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.record import CallRecord, CallResult, Judgement, ToolRecord, TurnRecord, Verdict
from gemini_realtime.evaluation.running import run
from gemini_realtime.evaluation.scenes import (
    Backchannel,
    Background,
    Caller,
    Coughs,
    Echo,
    Goal,
    HangsUp,
    Interrupts,
    Judge,
    Listens,
    Misbehaves,
    Persona,
    Presses,
    Says,
    Scene,
    Step,
    Suite,
    Types,
    Waits,
)
from gemini_realtime.evaluation.suite_file import read_suite
from gemini_realtime.evaluation.summary import SceneSummary, summaries

__all__ = [
    "Answers",
    "AnswersWithin",
    "Backchannel",
    "Background",
    "CallRecord",
    "CallResult",
    "Caller",
    "Calls",
    "CallsOnly",
    "Change",
    "Costs",
    "Coughs",
    "Echo",
    "Expectation",
    "Goal",
    "HangsUp",
    "Interrupts",
    "Judge",
    "Judgement",
    "LetsFinish",
    "Listens",
    "Misbehaves",
    "NeverSays",
    "Persona",
    "Plan",
    "Presses",
    "Resumes",
    "Says",
    "SaysWords",
    "Scene",
    "SceneSummary",
    "Speaks",
    "Step",
    "StopsWithin",
    "Suite",
    "Target",
    "ToolRecord",
    "TurnRecord",
    "Types",
    "Understands",
    "Verdict",
    "Waits",
    "compare",
    "play",
    "read_suite",
    "run",
    "summaries",
]
