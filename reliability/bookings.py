"""Bookings of tables by telephone: what the model says and calls, and who calls and expects what."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, Final

from gemini_realtime.evaluation import (
    Answers,
    AnswersWithin,
    Caller,
    Calls,
    CallsOnly,
    Coughs,
    Expectation,
    Interrupts,
    LetsFinish,
    Misbehaves,
    NeverSays,
    Resumes,
    Says,
    SaysWords,
    Scene,
    Step,
    StopsWithin,
)
from gemini_realtime.local.speech.numbers import find_numbers, to_words
from gemini_realtime.local.thinking import Call, Item, Request, Say, ToolResult, Wait

NAMES: Final = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Emmy Noether", "Kurt Goedel")
PRICES: Final = {"fish": 20, "wine": 9}
MENU: Final = (
    "We have soup of the day with bread. Then there is fish with potatoes and a salad. There is also a pie with"
    " mushrooms. And there are pears in red wine."
)


@dataclass(frozen=True)
class Model:
    """What answers the caller of a host, as it should or with mistakes; `DEFECTS` has what each is."""

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
        declared = {tool["name"] for tool in request.tools}
        for item in self._told(request.results[-1]) if request.results else self._answer(request):
            if isinstance(item, Call) and item.name not in declared:
                item = Say("I cannot do that, sorry.")
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
        if "what was the name" in heard:
            return [Say(f"It was {self._name(earlier)}.")]
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
        arguments = {"guests": guests + self.guests_off, "hour": hour + self.hour_off, "name": _plain(name)}
        return Call("book_table", arguments)

    def _name(self, earlier: Sequence[str]) -> str:
        """What the caller said after asking for a table."""
        for asked, told in pairwise(earlier):
            if "table" in asked.lower():
                return _plain(told)
        return "never said"

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


def _plain(name: str) -> str:
    return name.removeprefix("uh, ").strip(" .")


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
        Says("What was the name?"),
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
        LetsFinish(),
        Answers(8, 10),
        Resumes(1),
        SaysWords(f"it was {name}"),
        SaysWords("goodbye and thank you for calling"),
    ]
    return Scene(f"a booking, {seed}", Caller(steps, hesitates=0.2, patience_s=8), expect)
