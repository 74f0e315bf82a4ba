"""A conversation in numbers: as a plain object, and in lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import quantiles
from typing import Any

from gemini_realtime.agent.log import ToolUse
from gemini_realtime.inspection.story import Mark, Story

Summary = dict[str, Any]
"""As `inspect --json` prints it; times in milliseconds, None where nothing was measured."""


def summary(story: Story) -> Summary:
    """The numbers of a conversation."""
    turns = [spoken.turn for spoken in story.spoken]
    answers = [turn for turn in turns if turn.role == "assistant"]
    tools = [use for turn in turns for use in turn.tools]
    costs = [turn.cost_usd for turn in turns if turn.cost_usd is not None]
    return {
        "recording": str(story.recording.path),
        "began_at": story.recording.manifest.get("began_at"),
        "side": story.recording.manifest.get("side"),
        "cause": story.recording.manifest.get("cause"),
        "model": story.model,
        "duration_ms": round(story.duration_ms),
        "turns": {"user": len(turns) - len(answers), "model": len(answers)},
        "latency_ms": {
            "first_audio": spread(turn.first_audio_ms for turn in answers),
            "first_word": spread(turn.first_word_ms for turn in answers),
            "transcript": spread(turn.transcribed_ms for turn in turns if turn.role == "user"),
        },
        "interruptions": {
            "count": len(story.interruptions),
            "noticed_ms": spread(cut.after_ms for cut in story.interruptions),
            "silenced_ms": spread(cut.silenced_ms for cut in story.interruptions),
        },
        "tools": {
            "count": len(tools),
            "failed": sum(failed(use) for use in tools),
            "cancelled": sum(use.cancelled for use in tools),
            "unanswered": sum(use.duration_ms is None for use in tools),
            "took_ms": spread(use.duration_ms for use in tools),
        },
        "connections": _connections(story),
        "tokens": {
            "input": sum(turn.input_tokens for turn in turns),
            "output": sum(turn.output_tokens for turn in turns),
        },
        "cost_usd": sum(costs) if costs else None,
        "faults": [_fault(mark) for mark in story.marks if mark.kind == "fault"],
    }


def _connections(story: Story) -> dict[str, Any]:
    opened = sorted(story.connections, key=lambda connection: connection.opened_ms)
    gaps = [
        max(0.0, after.opened_ms - before.closed_ms)
        for before, after in pairwise(opened)
        if before.closed_ms is not None
    ]
    told = story.resumptions
    by_client = story.recording.manifest.get("side") == "client"
    return {
        "count": len(opened),
        "broken": sum(connection.broke for connection in opened),
        "resumed": sum(bool(connection.resumed) for connection in opened),
        "gap_ms": spread([resumption.gap_ms for resumption in told] if by_client else gaps),
        "new_sessions": sum(resumption.new_session for resumption in told) if by_client else None,
        "sent_again": sum(resumption.replayed for resumption in told) if by_client else None,
        "uncertain": sum(resumption.uncertain for resumption in told) if by_client else None,
        "audio_dropped_ms": round(story.dropped_ms) if by_client else None,
    }


def _fault(mark: Mark) -> dict[str, Any]:
    return {"ms": round(mark.at_ms), "name": mark.name, "detail": mark.detail}


def failed(use: ToolUse) -> bool:
    """Whether a function told of an error."""
    return isinstance(use.result, dict) and "error" in use.result


def spread(values: Iterable[float | None]) -> dict[str, float | int] | None:
    """Median, 95th percentile, and of how many; None where there is none."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    cuts = quantiles(known, n=20, method="inclusive") if len(known) > 1 else known * 19
    return {"p50": round(cuts[9], 1), "p95": round(cuts[18], 1), "count": len(known)}


def lines(of: Summary) -> Iterator[tuple[str, str]]:
    """What there is to tell, as labels and values."""
    turns, latency, cuts = of["turns"], of["latency_ms"], of["interruptions"]
    tools, connections, tokens = of["tools"], of["connections"], of["tokens"]
    yield "recording", of["recording"]
    if of["began_at"]:
        yield "began", f"{of['began_at']}, recorded by the {of['side']}"
    if of["cause"]:
        yield "written because of", of["cause"]
    yield "model", of["model"] or "not said"
    yield "duration", clock(of["duration_ms"])
    yield "turns", f"{turns['user']} of the user, {turns['model']} of the model"
    yield "end of speech → first audio", shown(latency["first_audio"])
    yield "end of speech → transcript", shown(latency["transcript"])
    cut = f"{cuts['count']}"
    if cuts["noticed_ms"]:
        cut += f", noticed after {shown(cuts['noticed_ms'])}"
    if cuts["silenced_ms"]:
        cut += f", silent after {shown(cuts['silenced_ms'])}"
    yield "interruptions", cut
    bad = [f"{tools[name]} {name}" for name in ("failed", "cancelled", "unanswered") if tools[name]]
    if tools["count"]:
        yield "tools", ", ".join([f"{tools['count']} calls, {shown(tools['took_ms'])}", *bad])
    yield "connections", _told_of_connections(connections)
    if tokens["input"] or tokens["output"]:
        cost = "" if of["cost_usd"] is None else f", {of['cost_usd']:.4f} USD"
        yield "tokens", f"{tokens['input']} in, {tokens['output']} out{cost}"
    if not of["faults"]:
        yield "faults", "none"
    for fault in of["faults"]:
        yield f"fault at {clock(fault['ms'])}", f"{fault['name']} {fault['detail']}".strip()


def _told_of_connections(connections: dict[str, Any]) -> str:
    told = [str(connections["count"])]
    told += [f"{connections[name]} {name}" for name in ("broken", "resumed") if connections[name]]
    if connections["gap_ms"]:
        told.append(f"gap {shown(connections['gap_ms'])}")
    for name, words in (("sent_again", "sent again"), ("uncertain", "uncertain"), ("new_sessions", "new sessions")):
        if connections[name]:
            told.append(f"{connections[name]} {words}")
    if connections["audio_dropped_ms"]:
        told.append(f"{connections['audio_dropped_ms']} ms of audio dropped")
    return ", ".join(told)


def shown(of: dict[str, float | int] | None) -> str:
    """A spread in words."""
    if of is None:
        return "not measured"
    if of["count"] == 1:
        return f"{of['p50']:.0f} ms"
    return f"p50 {of['p50']:.0f} ms, p95 {of['p95']:.0f} ms ({of['count']})"


def clock(ms: float) -> str:
    """A time such as 1:02:03.4."""
    tenths = round(ms / 100)
    minutes, seconds = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02}" if hours else f"{minutes}") + f":{seconds / 10:04.1f}"
