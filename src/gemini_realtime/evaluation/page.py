"""Results as one page that needs nothing else: failures first, each with its conversation."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.summary import SceneSummary, summaries

_SHOWN_MAX: Final = 200  # failed calls of a scene that are told in full
_DOTS_MAX: Final = 400

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
ul { margin: .5rem 0; padding-left: 1.2rem; } svg { display: block; width: 100%; height: 2.6rem; margin-top: .5rem; }
svg circle { fill: var(--accent); fill-opacity: .35; } svg text { fill: var(--faint); font-size: 11px; }
svg line { stroke: var(--line); }
details { margin-top: .6rem; padding: .5rem .8rem; border-radius: .4rem; background: var(--card); }
summary { cursor: pointer; } summary:focus-visible { outline: 2px solid var(--accent); }
table { width: 100%; margin: .5rem 0; border-collapse: collapse; font-size: .92rem; }
td { padding: .2rem 1rem .2rem 0; vertical-align: top; } td:first-child, td:nth-child(2) { width: 1%;
  color: var(--faint); white-space: nowrap; font-variant-numeric: tabular-nums; }
td.tool { font-family: ui-monospace, monospace; }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
"""


def page(suite: str, results: Sequence[CallResult], command: str = "") -> str:
    """The page as HTML.

    Args:
        suite: its name.
        results: in any order.
        command: with which a call is repeated: scene and seed are added.
    """
    scenes = sorted(summaries(results), key=lambda scene: scene.passed / scene.calls)
    failed = sum(not result.passed for result in results)
    talk_s = sum(result.record.lasted_s for result in results)
    share = 100 * failed / len(results) if results else 0
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(suite)}: {_passed(len(results), failed)}</title><style>{_STYLE}</style>",
            f"<h1>{escape(suite)}</h1>",
            f'<div class="bar" role="img" aria-label="{failed} of {len(results)} calls failed">'
            f'<i style="width:{share:.2f}%"></i></div>',
            f'<p class="lead">{_passed(len(results), failed)} · {len(scenes)} scenes · {_duration(talk_s)} of talk</p>',
            *(_scene(scene, results, command) for scene in scenes),
            "</html>",
        ]
    )


def _passed(calls: int, failed: int) -> str:
    return f"all {calls} calls passed" if not failed else f"{failed} of {calls} calls failed"


def _scene(scene: SceneSummary, results: Sequence[CallResult], command: str) -> str:
    calls = [result for result in results if result.scene == scene.name]
    failed = [result for result in calls if not result.passed]
    failures = "".join(f"<li>{escape(words)} <small>({count} of {scene.calls})</small></li>"
                       for words, count in scene.failures)  # fmt: skip
    told = "".join(_call(result, command) for result in failed[:_SHOWN_MAX])
    if len(failed) > _SHOWN_MAX:
        told += f"<p>and {len(failed) - _SHOWN_MAX} more</p>"
    example = "" if failed else _call(calls[0], command)
    return (
        f'<section><h2><b class="{scene.outcome}">{scene.outcome}</b> {escape(scene.name)}'
        f"<span>{scene.passed} of {scene.calls}</span></h2>"
        f"{'<ul>' + failures + '</ul>' if failures else ''}{_waits(scene, calls)}{told}{example}</section>"
    )


def _waits(scene: SceneSummary, calls: Sequence[CallResult]) -> str:
    """How long callers waited for answers: a dot for each."""
    waits = sorted(wait for call in calls for wait in call.record.answered_after_s)
    if scene.p50_s is None or scene.p95_s is None:
        return ""
    shown = waits[:: max(1, len(waits) // _DOTS_MAX)]
    end = max(1.0, waits[-1] * 1.05)
    dots = "".join(f'<circle cx="{10 + 780 * wait / end:.1f}" cy="14" r="4"/>' for wait in shown)
    label = f"answers after {scene.p50_s:.2f} s (p50), {scene.p95_s:.2f} s (p95)"
    return (
        f'<svg viewBox="0 0 800 40" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<line x1="10" x2="790" y1="14" y2="14"/>{dots}</svg>'
        f"<small>{label}; the line ends at {end:.1f} s</small>"
    )


def _call(result: CallResult, command: str) -> str:
    record = result.record
    title = "an example" if result.passed else "; ".join(result.failures)
    rows = sorted([*_lines(result)], key=lambda row: row[0])
    tools = "".join(f'<tr><td></td><td>tool</td><td class="tool">{escape(_tool(result, number))}</td></tr>'
                    for number in range(len(record.tools)))  # fmt: skip
    repeat = f" --scene {shlex.quote(result.scene)} --seed {result.seed}"
    heard = f'<p><a href="{escape(_link(result.recording))}">the recording</a></p>' if result.recording else ""
    again = f"<p><small>again: <code>{escape(command + repeat)}</code></small></p>" if command else ""
    return (
        f"<details><summary>seed {result.seed}: {escape(title)}</summary><table>"
        f"{''.join(row for _, row in rows)}{tools}</table>{heard}{again}</details>"
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
