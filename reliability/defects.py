"""Plant defects in voice agents, and see whether an evaluation finds them.

python -m reliability.defects                 10 calls with each, 200 without; writes the table of docs/evaluate.md
python -m reliability.defects --defect NAME --seed 3 --trace
python -m reliability.defects --host google_genai --python PATH     the same with a program, in real time
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from gemini_realtime import (
    InputAudioBufferDelta,
    InputTranscript,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    SessionResumed,
)
from gemini_realtime.evaluation import (
    Answers,
    AnswersWithin,
    Caller,
    CallResult,
    Calls,
    CallsOnly,
    Coughs,
    Expectation,
    Interrupts,
    Misbehaves,
    NeverSays,
    Resumes,
    Says,
    SaysWords,
    Scene,
    Step,
    StopsWithin,
    Suite,
    Target,
    play,
)
from gemini_realtime.local.speech.numbers import find_numbers, to_words
from gemini_realtime.local.thinking import Call, Item, Request, Say, ToolResult, Wait
from reliability.tools import quiet

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "evaluate.md"
MEASURED: Final = r"(<!-- measured: {} -->\n).*?(<!-- end -->)"
HOSTS: Final = ("google_genai", "pydantic_ai", "pipecat")
NAMES: Final = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Emmy Noether", "Kurt Goedel")
PRICES: Final = {"fish": 20, "wine": 9}
MENU: Final = (
    "We have soup of the day with bread. Then there is fish with potatoes and a salad. There is also a pie with"
    " mushrooms. And there are pears in red wine."
)


@dataclass(frozen=True)
class Host:
    """A model that takes bookings, as it should or with mistakes; see the table below for what each is."""

    calls: int = 1
    guests_off: int = 0
    hour_off: int = 0
    pretends: bool = False
    books_at_once: bool = False
    forgets_name: bool = False
    makes_up_price: bool = False
    misreads_result: bool = False
    silent_after_result: bool = False
    says_twice: bool = False
    tells_instructions: bool = False
    thinks_s: float = 0.0
    sticks_to_menu: bool = False
    asks_again: bool = False

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        """It understands everything."""
        return None

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        """Answer."""
        if self.thinks_s:
            yield Wait(self.thinks_s)
        for item in self._told(request.results[-1]) if request.results else self._answer(request):
            yield item
            if self.says_twice and isinstance(item, Say):
                yield item

    def _answer(self, request: Request) -> Iterable[Item]:
        heard = request.heard.lower()
        earlier = [turn.text for turn in request.history if turn.role == "user"]
        if "table" in heard:
            if self.books_at_once:
                return [self._book(request.heard, "the caller")]
            return [Say("On which name?")]
        if earlier and "table" in earlier[-1].lower():
            if self.pretends:
                return [Say(self._booked(self._book(earlier[-1], request.heard).args))]
            if self.asks_again:
                return [Say("How many will you be?")]
            return [self._book(earlier[-1], request.heard)] * self.calls
        if "menu" in heard or (self.sticks_to_menu and any("menu" in turn.lower() for turn in earlier)):
            return [Say(sentence + ".") for sentence in MENU.rstrip(".").split(". ")]
        for dish in PRICES:
            if dish in heard:
                return (
                    [Say(f"The {dish} costs thirty dollars.")]
                    if self.makes_up_price
                    else [Call("price", {"dish": dish})]
                )
        if "goodbye" in heard:
            return [Say("Goodbye, and thank you for calling.")]
        hint = " My instructions are to take bookings." if self.tells_instructions else ""
        return [Say("Welcome to the Golden Pear. How can I help?" + hint)]

    def _book(self, words: str, name: str) -> Call:
        guests, hour = (int(number.value) for number in find_numbers(re.findall(r"\w+", words.lower()))[:2])
        arguments = {
            "guests": guests + self.guests_off,
            "hour": hour + self.hour_off,
            "name": name.removeprefix("uh, ").strip(" ."),
        }
        return Call("book_table", arguments)

    def _told(self, result: ToolResult) -> Iterable[Item]:
        if self.silent_after_result:
            return []
        if "error" in result.response:
            return [Say("Something went wrong, sorry.")]
        if result.name == "price":
            dollars = int(result.response["output"]) + (1 if self.misreads_result else 0)
            return [Say(f"The {result.args['dish']} costs {to_words(dollars)} dollars.")]
        return [Say(self._booked(result.args))]

    def _booked(self, booking: dict[str, Any]) -> str:
        table = f"A table for {to_words(booking['guests'])} at {to_words(booking['hour'])} is booked"
        return f"{table}." if self.forgets_name else f"{table} for {booking['name']}."


@dataclass(frozen=True)
class Program:
    """The program around the model, as it should be or with mistakes."""

    price_takes_s: float = 0.0
    price_fails: bool = False
    price_hangs: bool = False
    talks_over: bool = False
    deaf_after_resume: bool = False
    answers_coughs: bool = False
    gives_up_connection: bool = False
    hangs_up: bool = False
    loses_tool: bool = False

    def __call__(self, llm_config: dict[str, Any]) -> RealtimeAgent:
        """Make the agent."""
        (entry,) = llm_config["config_list"]
        if self.gives_up_connection:
            entry = {**entry, "reconnect": False}
        agent = RealtimeAgent(name="host", llm_config={"config_list": [entry]})
        if self.talks_over:
            setup = {"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}}
            agent.callbacks.on_observers_ready = partial(agent.realtime_client.session_update, setup)
        if self.deaf_after_resume:
            agent.register_observer(_Deaf())
        if self.answers_coughs:
            agent.register_observer(_Eager())

        @agent.register_realtime_function(name="book" if self.loses_tool else "book_table")
        async def book_table(guests: int, hour: int, name: str) -> str:
            """Book a table."""
            if self.hangs_up:
                agent.stop()
            return "booked"

        @agent.register_realtime_function()
        async def price(dish: str) -> int:
            """The price of a dish in dollars."""
            await asyncio.sleep(self.price_takes_s)
            if self.price_hangs:
                await asyncio.Event().wait()
            if self.price_fails:
                raise KeyError(dish)
            return PRICES[dish]

        return agent


class _Watching(RealtimeObserver):
    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""


class _Deaf(_Watching):
    """Hears nothing over its second connection."""

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, SessionResumed):
            self.realtime_client.send_audio = self._drop  # type: ignore[method-assign]

    async def _drop(self, audio: Any, **options: Any) -> None:
        return None


class _Eager(_Watching):
    """Takes each sound that is followed by silence for a question, with words or without."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces_since: int | None = None

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, InputTranscript):
            self._pieces_since = None
        elif isinstance(event, InputAudioBufferDelta):
            if event.delta.strip("A="):  # zeros in base64 are As
                self._pieces_since = 0
            elif self._pieces_since is not None:
                self._pieces_since += 1
                if self._pieces_since == 30:
                    await self.realtime_client.send_text(role="user", text="Hello?")


GOOD: Final = "none"
DEFECTS: Final[dict[str, tuple[str, Program, Host]]] = {
    "calls twice": ("a table is booked twice", Program(), Host(calls=2)),
    "wrong guests": ("one guest too many is booked", Program(), Host(guests_off=1)),
    "wrong hour": ("the table is booked an hour later", Program(), Host(hour_off=1)),
    "pretends": ("it says that it has booked, and has not", Program(), Host(pretends=True)),
    "books too soon": ("it books before it knows the name", Program(), Host(books_at_once=True)),
    "asks again": ("it asks what it was told already", Program(), Host(asks_again=True)),
    "forgets the name": ("the name is not repeated", Program(), Host(forgets_name=True)),
    "makes up a price": ("it says a price that it was not given", Program(), Host(makes_up_price=True)),
    "misreads a result": ("it says another price than the function gave", Program(), Host(misreads_result=True)),
    "silent after a result": ("it says nothing about what a function gave", Program(), Host(silent_after_result=True)),
    "says all twice": ("each sentence is said twice", Program(), Host(says_twice=True)),
    "tells its instructions": ("it tells what it was instructed", Program(), Host(tells_instructions=True)),
    "slow to think": ("each answer begins two seconds late", Program(), Host(thinks_s=2.0)),
    "sticks to its story": ("after an interruption it goes on as before", Program(), Host(sticks_to_menu=True)),
    "slow function": ("a function takes two seconds", Program(price_takes_s=2.0), Host()),
    "failing function": ("a function raises an error", Program(price_fails=True), Host()),
    "hanging function": ("a function never returns", Program(price_hangs=True), Host()),
    "misnamed function": ("a function is declared under another name", Program(loses_tool=True), Host()),
    "talks over the caller": ("it cannot be interrupted", Program(talks_over=True), Host()),
    "deaf after a resume": ("it hears nothing over its second connection", Program(deaf_after_resume=True), Host()),
    "answers coughs": ("a cough is taken for a question", Program(answers_coughs=True), Host()),
    "gives up": ("a lost connection ends the call", Program(gives_up_connection=True), Host()),
    "hangs up": ("it ends the call once it has booked", Program(hangs_up=True), Host()),
}
"""What each is, and where it is planted: in the program or in what the model does."""


def scene(seed: int) -> Scene:
    """A call, another one with each seed: numbers, names, pauses."""
    random = Random(seed)
    guests, hour, name = random.randint(2, 9), random.randint(5, 10), random.choice(NAMES)
    after_words = random.randint(4, 9)
    steps: list[Step] = [
        Says("Hello."),
        Says(f"A table for {to_words(guests)} at {to_words(hour)}, please."),
        Says(f"{name}."),
        Says("What does the fish cost?"),
        Coughs(random.uniform(0.2, 0.5)),
        Says("What is on the menu?"),
        Interrupts("And the wine?", after_words),
        Misbehaves("cut"),
        Says("Goodbye."),
    ]
    expect: list[Expectation] = [
        Calls("book_table", {"guests": guests, "hour": hour, "name": name}),
        CallsOnly(["book_table", "price", "price"]),
        SaysWords(f"is booked for {name}"),
        SaysWords("the fish costs twenty dollars", times=1),
        SaysWords("the wine costs nine dollars"),
        NeverSays("thirty dollars"),
        NeverSays("my instructions"),
        AnswersWithin(1.5, 100),
        StopsWithin(0.5),
        Answers(7, 9),
        Resumes(1),
        SaysWords("goodbye and thank you for calling"),
    ]
    return Scene(f"a booking, {seed}", Caller(steps, hesitates=0.2, patience_s=8), expect)


NOT_IN_PROGRAMS: Final = ("deaf after a resume", "answers coughs")
"""The server plays the caller of a program, whatever that does with its microphone."""


def call(defect: str, seed: int, command: Sequence[str] = ()) -> CallResult:
    """One call to an agent with this defect, or to the program that this command runs."""
    _, program, host = DEFECTS.get(defect, ("", Program(), Host()))
    held = scene(seed)
    target = Target(command=[*command, defect]) if command else Target(program)
    return play(Suite("bookings", [held], model=host, folder=ROOT), held, seed, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--defect", action="append", choices=[GOOD, *DEFECTS], metavar="NAME", help="only this")
    parser.add_argument("--seeds", type=int, default=10, help="how many calls with each")
    parser.add_argument("--good", type=int, default=200, help="how many without any")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show each call")
    parser.add_argument("--host", choices=HOSTS, help="a program on this library, in place of our agent")
    parser.add_argument("--python", default=sys.executable, help="that has the library")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="calls at once")
    options = parser.parse_args()
    command = [options.python, "-m", f"reliability.hosts.{options.host}_host"] if options.host else []
    names = options.defect or [name for name in (GOOD, *DEFECTS) if not (command and name in NOT_IN_PROGRAMS)]
    quiet()
    with ProcessPoolExecutor(options.processes, initializer=_prepare) as pool:
        held = {name: [pool.submit(call, name, seed, command) for seed in _seeds(options, name)] for name in names}
        rows = []
        for name, futures in held.items():
            rows.append((name, [future.result() for future in futures]))
            found = sum(not result.passed for result in rows[-1][1])
            print(f"{name}: {found} of {len(futures)} calls found wanting", flush=True)
            if options.trace:
                _trace(rows[-1][1])
    if options.defect is None and options.seed is None:
        _write(f"defects of {options.host}" if command else "defects", table(rows))
    sys.exit(not all(_as_wanted(name, results) for name, results in rows))


def _prepare() -> None:
    quiet()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a program under test is ended too


def _seeds(options: argparse.Namespace, name: str) -> Iterable[int]:
    if options.seed is not None:
        return [options.seed]
    return range(1, 1 + (options.good if name == GOOD else options.seeds))


def _write(name: str, text: str) -> None:
    """Put a table into its place on the page."""
    place = re.compile(MEASURED.format(name), re.DOTALL)
    PAGE.write_text(place.sub(lambda found: f"{found[1]}{text}\n{found[2]}", PAGE.read_text("utf-8")), "utf-8")


def table(rows: Iterable[tuple[str, list[CallResult]]]) -> str:
    """The results as a Markdown table."""
    lines = ["| defect | what it is | calls | found | by |", "| --- | --- | ---: | ---: | --- |"]
    for name, results in rows:
        meaning = DEFECTS[name][0] if name in DEFECTS else "an agent as it should be"
        found = [result for result in results if not result.passed]
        by = _by(found)
        lines.append(f"| {name} | {meaning} | {len(results)} | {len(found)} | {by} |")
    return "\n".join(lines)


def _by(found: list[CallResult]) -> str:
    """The expectation that told, in most of the calls."""
    if not found:
        return ""
    first = found[0]
    if first.error:
        return first.error
    return next(verdict.expected for verdict in first.verdicts if not verdict.met)


def _as_wanted(name: str, results: list[CallResult]) -> bool:
    found = sum(not result.passed for result in results)
    return found == 0 if name == GOOD else found >= 0.95 * len(results)


def _trace(results: list[CallResult]) -> None:
    for result in results:
        print(f"seed {result.seed}")
        for turn in result.record.turns:
            print(f"  {turn.at_s:6.2f} s  {turn.role:<6}  {turn.text}{' —' if turn.interrupted else ''}")
        for tool in result.record.tools:
            print(f"  {tool}")
        for failure in result.failures:
            print(f"  ✗ {failure}")


if __name__ == "__main__":
    main()
