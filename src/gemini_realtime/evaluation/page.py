"""Results as one page that needs nothing else: failures first, each with its conversation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Final

from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.suite_file import steps_of
from gemini_realtime.evaluation.summary import JudgedStatement, SceneSummary, SceneTally, Tally, Waits

_Again = Callable[[CallResult], str] | None

_BARS: Final = 80

_STYLE: Final = """
:root { color-scheme: light dark; --text: #1c1e21; --faint: #5d6470; --line: #d9dde3; --back: #fff; --card: #f6f7f9;
  --good: #1a7f4b; --bad: #c62f3b; --mixed: #9a6700; --accent: #2f5fd0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --faint: #9aa3af; --line: #343a43; --back: #14171b;
  --card: #1c2026; --good: #4cc38a; --bad: #ff6b74; --mixed: #e0b04a; --accent: #7aa2ff; } }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } .lead { margin: .25rem 0 2rem; color: var(--faint); }
.bar { display: flex; height: .6rem; margin: 1rem 0 .35rem; border-radius: .3rem; overflow: hidden;
  background: var(--good); }
.bar i { background: var(--bad); }
section { margin: 0 0 1rem; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: .6rem; }
section h2 { display: flex; gap: .75rem; align-items: baseline; margin: 0; font-size: 1.1rem; }
section h2 span { margin-left: auto; font-size: .9rem; font-weight: 400; color: var(--faint); white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); } .flaky { color: var(--mixed); }
ul { margin: .5rem 0; padding-left: 1.2rem; }
figure { margin: .75rem 0; } figure svg { display: block; width: 100%; height: 2.6rem; }
figure rect { fill: var(--accent); } figure line { stroke: var(--line); }
figcaption { display: flex; justify-content: space-between; gap: 1rem; font-size: .8rem; color: var(--faint); }
figcaption span:first-child, figcaption span:last-child { white-space: nowrap; }
details { margin-top: .6rem; padding: .5rem .8rem; border-radius: .4rem; background: var(--card); }
summary { cursor: pointer; } summary:focus-visible { outline: 2px solid var(--accent); }
caption { text-align: left; font-size: .8rem; color: var(--faint); } pre { white-space: pre-wrap; }
table { width: 100%; margin: .5rem 0; border-collapse: collapse; font-size: .92rem; }
td { padding: .2rem 0 .2rem 0; vertical-align: top; overflow-wrap: anywhere; }
td:first-child, td:nth-child(2) { width: 1%; padding-right: 1rem;
  color: var(--faint); white-space: nowrap; font-variant-numeric: tabular-nums; }
td.tool { font-family: ui-monospace, monospace; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
"""


def page(suite: str, tally: Tally, again: _Again = None) -> str:
    """The page as HTML.

    Args:
        suite: its name.
        tally: of its calls.
        again: gives the command with which a call is held once more.
    """
    scenes = sorted(tally, key=lambda scene: scene.summary().rate)
    share = 100 * tally.failed / tally.calls if tally.calls else 0
    passed = _passed(tally.calls, tally.failed)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(suite)}: {passed}</title><style>{_STYLE}</style>",
            f"<h1>{escape(suite)}</h1>",
            f'<div class="bar" role="img" aria-label="{tally.failed} of {tally.calls} calls failed">'
            f'<i style="width:{share:.2f}%"></i></div>',
            f'<p class="lead">{passed} · {_counted(len(scenes), "scene")} · {_duration(tally.lasted_s)} of talk</p>',
            *(_scene(scene, again) for scene in scenes),
            "</html>",
        ]
    )


def _passed(calls: int, failed: int) -> str:
    if not failed:
        return f"all {calls:,} calls passed" if calls != 1 else "the call passed"
    return f"{failed:,} of {_counted(calls, 'call')} failed"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _scene(scene: SceneTally, again: _Again) -> str:
    summary = scene.summary()
    failures = "".join(f"<li>{escape(words)} <small>({count} of {summary.calls})</small></li>"
                       for words, count in summary.failures)  # fmt: skip
    told = "".join(_call(result, again, _held_again(summary, result.seed)) for result in scene.failed)
    if len(summary.seeds) > len(scene.failed):
        told += f"<p>and {len(summary.seeds) - len(scene.failed):,} more</p>"
    example = "" if scene.failed or scene.example is None else _call(scene.example, again)
    low, high = summary.rate_interval
    judged = "".join(_judged_row(judged) for judged in summary.judged)
    if judged:
        judged = f"<table><caption>What a judge says</caption>{judged}</table>"
    return (
        f'<section><h2><b class="{summary.outcome}">{summary.outcome}</b> {escape(scene.name)}'
        f'<span title="the share of calls that pass lies between {low:.0%} and {high:.0%} (95 %)">'
        f"{summary.passed:,} of {summary.calls:,}</span></h2>"
        f"{'<ul>' + failures + '</ul>' if failures else ''}{_waits(scene.waits)}{judged}{told}{example}</section>"
    )


def _judged_row(judged: JudgedStatement) -> str:
    agreement = "" if judged.agreement is None else f"its votes agree in {judged.agreement:.0%}"
    missing = "; ".join(f"no verdict on {count:,}: {why}" for why, count in judged.missing)
    told = " · ".join(filter(None, [agreement, missing]))
    return (
        f"<tr><td>holds in {judged.held:,} of {_counted(judged.judged, 'call')}</td><td></td>"
        f"<td>{escape(judged.statement)} <small>{escape(told)}</small></td></tr>"
    )


def _held_again(scene: SceneSummary, seed: int) -> str:
    if seed not in scene.again:
        return ""
    passed, calls = scene.again[seed]
    if not passed:
        return f"failed each time when it was made {calls} times again: a fault"
    return f"passed {passed} of {calls} times when it was made again: a coin toss"


def _waits(waits: Waits) -> str:
    """How long callers waited for answers: a bar for each piece of time."""
    p50_s, p95_s = waits.percentile(50), waits.percentile(95)
    if p50_s is None or p95_s is None:
        return ""
    end_s, counts = waits.histogram(_BARS)
    tallest = max(counts)
    bars = "".join(
        f'<rect x="{at * 10 + 1}" y="{40 - height:.1f}" width="8" height="{height:.1f}"/>'
        for at, count in enumerate(counts)
        if count and (height := max(2.0, 40 * count / tallest))
    )
    label = f"{_counted(len(waits), 'answer')}, after {p50_s:.2f} s (p50) and {p95_s:.2f} s (p95)"
    width = _BARS * 10
    return (
        f'<figure><svg viewBox="0 0 {width} 41" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'{bars}<line x1="0" x2="{width}" y1="40.5" y2="40.5"/></svg>'
        f"<figcaption><span>0 s</span><span>{label}</span><span>{end_s:.1f} s</span></figcaption></figure>"
    )


def _call(result: CallResult, again: _Again, tossed: str = "") -> str:
    record = result.record
    title = "an example" if result.passed else "; ".join(verdict.expected for verdict in result.unmet)
    seen = "".join(f"<li>{escape(failure)}</li>" for failure in result.failures)
    seen = f"<ul>{seen}</ul>" if seen else ""
    rows = sorted([*_lines(result)], key=lambda row: row[0])
    tools = "".join(f'<tr><td></td><td>tool</td><td class="tool">{escape(_tool(result, number))}</td></tr>'
                    for number in range(len(record.tools)))  # fmt: skip
    heard = f'<p><a href="{escape(_link(result.recording))}">the recording</a></p>' if result.recording else ""
    judged = "".join(
        f"<tr><td></td><td>judge</td><td>{escape(judgement.statement)} <b>{judgement.verdict}</b>: "
        f"{escape(judgement.reason)}</td></tr>"
        for judgement in result.judgements
    )
    steps = f"<details><summary>the caller's words as steps</summary><pre>{escape(steps_of(record))}</pre></details>"
    tossed = f"<p><small>{tossed}</small></p>" if tossed else ""
    repeated = f"<p><small>again: <code>{escape(again(result))}</code></small></p>" if again else ""
    return (
        f"<details><summary>seed {result.seed}: {escape(title)}</summary>{seen}<table>"
        f"{''.join(row for _, row in rows)}{tools}{judged}</table>"
        f"{steps if record.improvised else ''}{heard}{tossed}{repeated}</details>"
    )


def _lines(result: CallResult) -> Iterator[tuple[float, str]]:
    for turn in result.record.turns:
        cut = " —" if turn.interrupted else ""
        yield (
            turn.at_s,
            f"<tr><td>{turn.at_s:.2f} s</td><td>{turn.role}</td><td>{escape(turn.text)}{cut}</td></tr>",
        )


def _tool(result: CallResult, number: int) -> str:
    tool = result.record.tools[number]
    arguments = json.dumps(tool.arguments, ensure_ascii=False)
    outcome = "never answered" if tool.result is None else json.dumps(tool.result, ensure_ascii=False)
    return f"{tool.name}({arguments}) → {outcome}"


def _link(recording: str) -> str:
    return Path(recording).absolute().as_uri()


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
