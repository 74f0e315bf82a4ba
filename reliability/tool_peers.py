"""Call the same agent on several frameworks while something goes wrong with its function, and count what it pays.

python -m reliability.tool_peers --python env-a/bin/python --python env-b/bin/python    all
python -m reliability.tool_peers --only livekit --scene cut-while --verbose

The agents are in `reliability/peers`. Each `--python` is an interpreter with some of the frameworks; those that none
has are left out. What is measured takes its place in the table of docs/agents.md. Everything is real: the program, its
sockets, the embedded server and time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gemini_realtime import GeminiRealtimeError
from gemini_realtime.local.thinking import Call, Item, Request, Responder, Say
from gemini_realtime.testing import ProgramCall, caller
from reliability.peers.till import ITEMS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "agents.md"
MEASURED = re.compile(r"(<!-- measured: tool-peers -->\n).*?(<!-- end -->)", re.DOTALL)

MANY: Final = 200
HERE: Final = "Here I am."
AT_ONCE: Final = 3


@dataclass(frozen=True)
class Peer:
    """A framework.

    Attributes:
        name: of it.
        module: the agent on it.
        needs: what its interpreter must have.
        lacks: why it cannot be in a scene, by the scene's name.
    """

    name: str
    module: str
    needs: str
    lacks: tuple[tuple[str, str], ...] = ()

    def version(self, python: str) -> str | None:
        """Which of it an interpreter has; None for none."""
        module, _, package = self.needs.partition("=")
        code = f"import {module}; from importlib.metadata import version; print(version({package!r}))"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT / "src")
        return done.stdout.splitlines()[-1] if done.returncode == 0 else None


NO_LIMIT: Final = (("timeout", "has no time limit for functions"),)

PEERS: Final = (
    Peer("gemini-realtime", "ours", "gemini_realtime.agent=gemini-realtime"),
    Peer("pydantic-ai", "on_pydantic_ai", "pydantic_ai.realtime=pydantic-ai-slim"),
    Peer("Google ADK", "on_adk", "google.adk=google-adk", NO_LIMIT),
    Peer("Pipecat", "on_pipecat", "pipecat=pipecat-ai"),
    Peer("LiveKit Agents", "on_livekit", "livekit.plugins.google=livekit-agents", NO_LIMIT),
)


class Payer(Responder):
    """The model: calls `pay` for what it is to pay for, and says what it did.

    Attributes:
        calls: gives the calls for an item.
    """

    def __init__(self, calls: Callable[[str], Sequence[Call]]) -> None:
        self.calls = calls

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        """Call, or say that it is done."""
        if request.results:
            told = str([result.args for result in request.results])
            yield Say(" ".join(f"{item} settled." for item in ITEMS if item in told))
            return
        asked = [item for item in ITEMS if f"Pay for {item}" in request.heard]
        for item in asked:
            for call in self.calls(item):
                yield call
        if not asked:
            yield Say(HERE)

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        """Anything."""
        return None


def _pay(item: str) -> list[Call]:
    return [Call("pay", {"item": item})]


Trouble = Callable[[ProgramCall], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Scene:
    """What goes wrong.

    Attributes:
        name: as in the table of `reliability.tools`, where there is one like it.
        meaning: what happens.
        calls: which the model makes for an item.
        faults: of the server.
        trouble: what happens in the course of the call.
        ask_every_s: between two questions.
        pays: whether everything is to be paid for.
        answers: whether each wish is to be answered.
    """

    name: str
    meaning: str
    calls: Callable[[str], Sequence[Call]] = _pay
    faults: tuple[str, ...] = ()
    trouble: Trouble | None = None
    ask_every_s: float = 4.0
    pays: bool = True
    answers: bool = True


def _at_each_call(what: Trouble, *, after_s: float = 0.0, with_result: bool = False) -> Trouble:
    """Something happens once for each item, after its call, or after its result."""

    async def trouble(call: ProgramCall) -> None:
        for item in ITEMS:
            while not _happened(call, item, with_result=with_result):  # noqa: ASYNC110 - the log calls nobody
                await asyncio.sleep(0.01)
            await asyncio.sleep(after_s)
            await what(call)

    return trouble


def _happened(call: ProgramCall, item: str, *, with_result: bool) -> bool:
    """Whether the model has called for this item, or has the result."""
    uses = [use for use in call.tools if use.arguments.get("item") == item]
    return any(use.duration_ms is not None or not with_result for use in uses)


async def _cut(call: ProgramCall) -> None:
    call.fault("cut")


async def _speaks_over(call: ProgramCall) -> None:
    await call.says("Are you there?")


SCENES: Final = (
    Scene("none", "nothing"),
    Scene("doubled-call", "the same call comes twice", faults=("repeat-calls",)),
    Scene("two-forms", "as `toolCall` and among the parts of `modelTurn`", faults=("repeat-calls:form=parts",)),
    Scene(
        "many-calls",
        f"{MANY} calls at once",
        calls=lambda item: [Call("pay", {"item": f"{item}-{number}"}) for number in range(MANY)],
        ask_every_s=8.0,
    ),
    Scene(
        "wrong-arguments", "arguments that it does not take", lambda item: [Call("pay", {"thing": item})], pays=False
    ),
    Scene("unknown-name", "a function that does not exist", lambda item: [Call("spend", {"item": item})], pays=False),
    Scene(
        "interrupted",
        "the user asks something else meanwhile",
        trouble=_at_each_call(_speaks_over, after_s=0.4),
        pays=False,
        answers=False,
    ),
    Scene("cut-before", "the connection breaks with the call on its way", trouble=_at_each_call(_cut), ask_every_s=8.0),
    Scene("cut-while", "it breaks while the function runs", trouble=_at_each_call(_cut, after_s=0.5), ask_every_s=8.0),
    Scene(
        "cut-result", "it breaks as the result comes", trouble=_at_each_call(_cut, with_result=True), ask_every_s=8.0
    ),
    Scene("exception", "the function raises", pays=False),
    Scene("exit", "it pays and raises SystemExit"),
    Scene("timeout", "it never ends, and has 5 s", pays=False, ask_every_s=12.0),
    Scene("late-result", "it takes 8 s", ask_every_s=12.0),
)


@dataclass
class Tally:
    """What came of the runs of a scene.

    Attributes:
        runs: how many.
        wishes: what was to be paid for.
        findings: what was wrong, and how often.
        note: why there is nothing to tell.
    """

    runs: int = 0
    wishes: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    note: str = ""

    def cell(self) -> str:
        """In words."""
        wrong = [f"{what} {count}" for what, count in self.findings.items() if count]
        return self.note or "; ".join(wrong) or "right"


async def play(peer: Peer, python: str, scene: Scene, tally: Tally, *, verbose: bool = False) -> None:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        till = Path(folder) / "till"
        env = {
            "TILL": str(till), "SCENE": scene.name, "ASK_EVERY_S": str(scene.ask_every_s), "STAYS_S": "5",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")] if peer.module == "ours" else [str(ROOT)]),
        }  # fmt: skip
        command = [python, "-m", f"reliability.peers.{peer.module}"]
        options: dict[str, Any] = {"responder": Payer(scene.calls), "faults": scene.faults, "speaking": "espeak"}
        async with caller(command=command, env=env, cwd=ROOT, **options) as call:
            trouble = asyncio.create_task(scene.trouble(call)) if scene.trouble is not None else None
            try:
                async with asyncio.timeout(2 * scene.ask_every_s + 60):
                    await call.log.over.wait()
            except TimeoutError:
                tally.findings["does not end"] += 1
            if trouble is not None:
                trouble.cancel()
            _judge(call, scene, Counter(till.read_text().split()) if till.exists() else Counter(), tally)
            if verbose:
                print(f"--- {peer.name}, {scene.name}: {tally.cell()}", call.story(), sep="\n", flush=True)


def _judge(call: ProgramCall, scene: Scene, paid: Counter[str], tally: Tally) -> None:
    wanted = [str(made.args["item"]) for item in ITEMS for made in scene.calls(item) if made.name == "pay" and
              "item" in made.args]  # fmt: skip
    spoken = " ".join(turn.said for turn in call.turns if turn.role == "assistant")
    tally.runs += 1
    tally.wishes += len(wanted)
    tally.findings["paid twice"] += sum(count - 1 for count in paid.values())
    if scene.pays:
        tally.findings["not paid"] += sum(item not in paid for item in wanted)
    if scene.answers:
        tally.findings["not answered"] += sum(f"{item} settled" not in spoken for item in ITEMS)
    tally.findings["silent after it"] += not spoken.endswith(HERE)
    tally.findings["late results"] += _late_results(call)
    tally.findings["program ended"] += call.exit_code not in (0, None)


def _late_results(call: ProgramCall) -> int:
    """Results that were sent for calls that had been cancelled."""
    late = 0
    for session in call.sessions:
        cancelled = {
            call_id for message in session.sent for call_id in message.get("toolCallCancellation", {}).get("ids", ())
        }
        for message in session.received:
            response = message.get("toolResponse") or message.get("tool_response") or {}
            results = response.get("functionResponses") or response.get("function_responses") or ()
            late += sum(result.get("id") in cancelled for result in results)
    return late


async def measure(
    pythons: Sequence[str], peers: Sequence[Peer], scenes: Sequence[Scene], runs: int, verbose: bool
) -> dict[tuple[str, str], str]:
    """What came of each scene with each framework, by their names."""
    found = {
        peer: (python, version)
        for peer in peers
        for python in ([sys.executable] if peer.module == "ours" else pythons)
        if (version := peer.version(python)) is not None
    }
    tallies = {(peer, scene): Tally() for scene in scenes for peer in found}
    room = asyncio.Semaphore(AT_ONCE)

    async def run(peer: Peer, scene: Scene) -> None:
        tally = tallies[peer, scene]
        if scene.name in dict(peer.lacks):
            tally.note = dict(peer.lacks)[scene.name]
            return
        async with room:
            try:
                await play(peer, found[peer][0], scene, tally, verbose=verbose)
            except GeminiRealtimeError as error:  # a program that does not even begin is no reason to lose the others
                tally.findings["not begun"] += 1
                print(peer.name, scene.name, error, flush=True)
            print(f"{peer.name}, {scene.name}: {tally.cell()}", flush=True)

    await asyncio.gather(*(run(peer, scene) for scene in scenes for peer in found for _ in range(runs)))
    heads = {
        peer: peer.name if peer.module == "ours" else f"{peer.name} {version}" for peer, (_, version) in found.items()
    }
    return {(scene.name, heads[peer]): tally.cell() for (peer, scene), tally in tallies.items()}


def table(cells: Mapping[tuple[str, str], str]) -> str:
    """A row for each scene, a column for each framework; what was not measured is left empty."""
    known = [peer.name for peer in PEERS]
    heads = sorted(
        {head for _, head in cells}, key=lambda head: next(n for n, name in enumerate(known) if name in head)
    )
    lines = [f"| fault | what happens | {' | '.join(heads)} |", "| --- " * (2 + len(heads)) + "|"]
    for scene in SCENES:
        row = [cells.get((scene.name, head), "") for head in heads]
        lines.append(f"| `{scene.name}` | {scene.meaning} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def measured_before(page: str) -> dict[tuple[str, str], str]:
    """The cells of the table in a page."""
    found = MEASURED.search(page)
    rows = [line.strip("| ").split(" | ") for line in found[0].splitlines() if line.startswith("|")] if found else []
    heads = rows[0][2:] if rows else []
    return {
        (row[0].strip("`"), head): cell for row in rows[2:] for head, cell in zip(heads, row[2:], strict=False) if cell
    }


def main() -> None:
    """Measure, print the table, and keep what was measured in that of the page."""
    parser = argparse.ArgumentParser(
        description="Call the same agent on several frameworks while something goes wrong."
    )
    parser.add_argument("--python", action="append", default=[], help="an interpreter with some of the frameworks")
    parser.add_argument("--only", default="", help="frameworks with this in their name")
    parser.add_argument("--scene", help="this scene alone")
    parser.add_argument("--runs", type=int, default=2, help="of each scene with each framework")
    parser.add_argument("--verbose", action="store_true", help="tell each conversation")
    given = parser.parse_args()
    peers = [peer for peer in PEERS if given.only.lower() in f"{peer.name} {peer.module}".lower()]
    scenes = [scene for scene in SCENES if given.scene in (None, scene.name)]
    cells = asyncio.run(measure(given.python, peers, scenes, given.runs, given.verbose))
    print(table(cells))
    page = PAGE.read_text("utf-8")
    whole = table({**measured_before(page), **cells})
    PAGE.write_text(MEASURED.sub(lambda match: match[1] + whole + match[2], page), "utf-8")


if __name__ == "__main__":
    main()
