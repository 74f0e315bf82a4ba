"""The built-in sentences: one table of what is understood, how it is answered and how it is spoken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gemini_realtime.local.speech.numbers import clock_words, find_numbers, ordinal_words, to_words, year_words
from gemini_realtime.local.thinking import Request, Turn

from .arithmetic import UndefinedError, calculate
from .texts import JOKE, STORY, TALK
from .words import Utterance, join_words, sentences, split_name

COUNT_MAX = 200
COUNT_LIMIT = 1_000_000
REPEATED_MAX = 1000  # characters that are repeated on request
ECHO_MAX = 160
SPELLED_MAX = 60

HELLO = "Hello! How can I help you?"
ABILITIES = "I can tell the time and the date, calculate, count, spell, repeat your words, and tell a story."

_FACT = re.compile(r"\bmy ([a-z][a-z ]{0,38}?) (?:is|are) (.+?)(?=(?: and)? my [a-z ]{1,39} (?:is|are) |$)")
_PERSONA = re.compile(r"\b[Yy]our name is ([A-Z]\w*)|\b[Yy]ou are (?:called |named )?([A-Z]\w*)")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_TENSES = {-1: "Yesterday was", 0: "Today is", 1: "Tomorrow is"}


@dataclass(frozen=True)
class Asked:
    """A sentence that was recognised, and what its answer may depend on."""

    match: re.Match[str]
    utterance: Utterance
    request: Request
    now: datetime

    def source(self, group: int) -> str:
        """The text of a group as it was typed or recognised."""
        return self.utterance.source_of_plain(*self.match.span(group))


Answer = Callable[[Asked], Iterable[str] | None]


@dataclass(frozen=True)
class Rule:
    """One kind of request.

    Attributes:
        pattern: searched in the plain text of an utterance.
        answer: gives the sentences of the answer; None when it is no such request after all.
        spoken: JSGF alternatives of what people say.
        takes_rest: everything that follows belongs to this request.
        can_answer: the same words may also be the answer to a question.
    """

    name: str
    pattern: re.Pattern[str]
    answer: Answer
    spoken: str = ""
    takes_rest: bool = False
    can_answer: bool = False


def greet(asked: Asked) -> list[str]:
    return [HELLO]


def introduce(asked: Asked) -> list[str]:
    persona = _PERSONA.search(asked.request.instructions)
    name = (persona[1] or persona[2]) if persona else "a small voice assistant"
    return [f"I am {name}.", "I run on this computer, and I answer by simple rules."]


def list_abilities(asked: Asked) -> list[str]:
    names = [" ".join(split_name(str(tool.get("name", "")))) for tool in asked.request.tools]
    return [ABILITIES, f"I can also {join_words(names)}."] if any(names) else [ABILITIES]


def repeat(asked: Asked) -> list[str]:
    text = Utterance(asked.source(1)[:REPEATED_MAX])
    quoted = [at for at, token in enumerate(text.tokens) if token.kind == "quote"]
    return sentences(text.source(quoted[0], quoted[0] + 1) if quoted else text.text)


def repeat_reply(asked: Asked) -> list[str]:
    said = [turn.text for turn in asked.request.history if turn.role == "model" and turn.text.strip()]
    return sentences(said[-1][:REPEATED_MAX]) if said else ["I have not said anything yet."]


def recall_question(asked: Asked) -> list[str]:
    said = [turn.text.strip() for turn in asked.request.history if turn.role == "user" and turn.text.strip()]
    return [echo(said[-1])] if said else ["You have not said anything before."]


def tell_time(asked: Asked) -> list[str]:
    return [f"It is {clock_words(asked.now.hour, asked.now.minute)}."]


def tell_date(asked: Asked) -> list[str]:
    offset, day = _day(asked)
    spoken = f"{day:%A}, {day:%B} {ordinal_words(day.day)}, {year_words(day.year)}"
    return [f"{_TENSES[offset]} {spoken}."]


def tell_day(asked: Asked) -> list[str]:
    offset, day = _day(asked)
    return [f"{_TENSES[offset]} {day:%A}."]


def tell_month(asked: Asked) -> list[str]:
    return [f"It is {asked.now:%B}, {year_words(asked.now.year)}."]


def count(asked: Asked) -> list[str] | None:
    numbers = [number.value for number in find_numbers(asked.utterance.words)]
    if not numbers or any(value % 1 or abs(value) > COUNT_LIMIT for value in numbers[:2]):
        return None
    is_down = bool(re.search(r"\b(?:down|back|backward|backwards)\b", asked.utterance.plain))
    first, last = (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 else (1, int(numbers[0]))
    if is_down and len(numbers) == 1:
        first, last = last, 1
    step = 1 if first <= last else -1
    counted = range(first, last + step, step)
    parts = [counted[at : at + 10] for at in range(0, min(len(counted), COUNT_MAX), 10)]
    spoken = [f"{', '.join(map(to_words, part)).capitalize()}." for part in parts]
    return spoken if len(counted) <= COUNT_MAX else [*spoken, "That is as far as I count in one go."]


def calculate_spoken(asked: Asked) -> list[str] | None:
    words = tuple(word for word in Utterance(asked.source(1)).words if word not in ("?", ".", "!", ",", "…"))
    try:
        calculation = calculate(words)
        value = calculation.spoken_value if calculation else ""
    except UndefinedError as problem:
        return [str(problem)]
    if calculation is None:
        return None
    text = f"{calculation.spoken} is {value}" if calculation.spoken else f"the answer is {value}"
    return [f"{text[0].upper()}{text[1:]}."]


def spell(asked: Asked) -> list[str]:
    words = asked.source(1)[:SPELLED_MAX].split()
    letters = [", ".join(char.upper() for char in word if char.isalnum()) for word in words]
    return [f"{letter}." for letter in letters if letter]


def remember(asked: Asked) -> list[str]:
    name, value = asked.match[1], asked.source(2).rstrip(".!? ")
    return [
        f"Nice to meet you, {value[:1].upper()}{value[1:]}."
        if name == "name"
        else f"I will remember that your {name} is {value}."
    ]


def recall(asked: Asked) -> list[str]:
    known = _facts(asked.request)
    wanted = re.sub(r"^(?:name)?$", "name", asked.match[1] or asked.match[2] or "")
    names = [name.removeprefix("my ").strip() for name in re.split(r"\s+and\s+", wanted)]
    return [
        f"Your {name} is {known[name]}." if name in known else f"You have not told me your {name}."
        for name in names[:5]
    ]


def say(*texts: str) -> Answer:
    """Make an answer that is always the same."""
    return lambda asked: texts


def echo(heard: str) -> str:
    """Repeat what was heard, cut at a word when it is long."""
    text = " ".join(heard.split())
    short = text if len(text) <= ECHO_MAX else f"{text[:ECHO_MAX].rsplit(' ', 1)[0]}, and so on"
    return f"You said: {short.rstrip('.!?… ')}."


def _day(asked: Asked) -> tuple[int, datetime]:
    said = next((word for word in asked.utterance.words if word in _DAYS), "today")
    return _DAYS[said], asked.now + timedelta(days=_DAYS[said])


def _facts(request: Request) -> dict[str, str]:
    """Collect what the user told about "my ..." so far; the last word counts."""
    known: dict[str, str] = {}
    for turn in (*request.history, Turn("user", request.heard)):
        for sentence in sentences(turn.text) if turn.role == "user" else ():
            utterance = Utterance(sentence)
            for fact in _FACT.finditer(utterance.plain):
                known[fact[1]] = utterance.source_of_plain(*fact.span(2)).rstrip(".!?,; ")
    return known


def _rule(
    name: str, pattern: str, answer: Answer, spoken: str = "", *, takes_rest: bool = False, can_answer: bool = False
) -> Rule:
    return Rule(name, re.compile(pattern), answer, spoken, takes_rest, can_answer)


RULES: Sequence[Rule] = (
    _rule(
        "greeting",
        r"^(?:(?:hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings)"
        r"(?: (?:there|gemini|again|everyone|world|computer|assistant))*(?: |$))+$"
        r"|^(?:say|give me) (?:a |some )?(?:short |quick |nice )?(?:greeting|hello|hi)$",
        greet,
        "hello [there] | hi [there] | hey | good (morning | afternoon | evening)",
    ),
    _rule(
        "feeling",
        r"\bhow (?:are you|do you do|is it going|are things)\b",
        say("I am fine, thank you.", "How can I help you?"),
        "how are you [today]",
    ),
    _rule(
        "identity",
        r"\b(?:who are you|what is your name|what are you|introduce yourself|tell me about yourself)\b",
        introduce,
        "who are you | what is your name | introduce yourself",
    ),
    _rule(
        "abilities",
        r"\bwhat (?:else )?(?:can|could) (?:you|i) (?:do|ask|say)\b|^help(?: me)?$|\bhow can you help\b",
        list_abilities,
        "what can you do | help [me]",
    ),
    _rule(
        "hearing",
        r"\b(?:can|do) you hear me\b|\bare you (?:still )?(?:there|here|listening)\b"
        r"|^(?:this is a )?test(?:ing)?(?: (?:test(?:ing)?|one|two|three|[123]))*$",
        say("Yes, I can hear you."),
        "can you hear me | are you [still] there | testing one two three",
    ),
    _rule(
        "topic",
        r"\bwhat (?:should|shall|can|could|do you want to) (?:we )?talk about\b",
        say("We could talk about the time, about numbers, or about you.", "Or I tell you a story."),
        "what should we talk about",
    ),
    _rule(
        "again",
        r"\b(?:say|repeat) (?:that|it)(?: again)?(?: please)?$|^(?:repeat|pardon|pardon me)(?: please)?$"
        r"|\bwhat did you (?:just )?say\b",
        repeat_reply,
        "say that again | repeat that | what did you say",
    ),
    _rule(
        "recall question",
        r"\bwhat (?:did i|have i) (?:just )?(?:say|said|ask|asked|tell|told)\b",
        recall_question,
        "what did i [just] say",
    ),
    _rule(
        "long talk",
        r"\b(?:say|tell me|tell us|talk about) something (?:very )?long\b|\b(?:keep|go on|continue) talking\b"
        r"|\btalk (?:to me )?(?:for )?(?:a (?:long )?while|a long time|a (?:minute|bit))\b|\bgive (?:me )?a speech\b",
        say(*TALK),
        "tell me something long | say something long | talk for a while | talk for a long time | keep talking",
    ),
    _rule(
        "story",
        r"\b(?:tell|read|know|another|want|hear)\b.*\bstory\b|^(?:a |long )*story(?: please)?$",
        say(*STORY),
        "tell me a [long | short] story",
    ),
    _rule("joke", r"\bjoke\b", say(*JOKE), "tell me a joke"),
    _rule("something", r"^(?:say|tell me) (?:something|anything)$", say("I am happy to talk with you.")),
    _rule("spelling", r"\bspell(?: out)?(?: the (?:word|name))? (.+)$", spell, "spell <name>", takes_rest=True),
    _rule(
        "repetition",
        r"^(?:repeat after me|repeat|say|echo)(?: the(?: following)? (?:words?|sentences?|phrases?))? (.+)$",
        repeat,
        "say (hello | goodbye | yes | no | <number>)",
        takes_rest=True,
    ),
    _rule(
        "time",
        r"\bwhat (?:time|hour)(?: is| was)?(?: it| a| the)?(?: now| please| right now| by now)*$|\bwhat time it is\b"
        r"|\bwhat time is it\b|\b(?:what is|tell me|give me|know|have|got) the (?:current |exact |right )?time\b"
        r"|^(?:the )?(?:current )?time(?: now| please)*$",
        tell_time,
        "what time is it [now] | what is the time | what's the time | tell me the time",
    ),
    _rule(
        "date",
        r"\b(?:what|tell me|give me)\b(?: (?:is|was|the|today|current|it|tomorrow|yesterday|will|be))* date\b"
        r"|^(?:the )?(?:current )?date(?: today| please)*$",
        tell_date,
        "what is the date [today] | what's the date [today] | what is today's date | tell me the date",
    ),
    _rule(
        "day",
        r"\b(?:what|which|tell me the|tell me what) (?:week ?)?day\b|^what (?:is|was) (?:today|tomorrow|yesterday)$",
        tell_day,
        "what day is it [today] | what day is today | what day is tomorrow | which day is it",
    ),
    _rule("month", r"\b(?:what|which) (?:month|year)\b(?: is| it)", tell_month, "what year is it | what month is it"),
    _rule(
        "counting",
        r"\bcount\b",
        count,
        "count [up] to <number> | count from <number> to <number> | count down from <number>",
    ),
    _rule(
        "memory",
        r"^(?:please )?(?:remember (?:that )?|note that )?my ([a-z ]{2,40}?) (?:is|are) (.+)$",
        remember,
        can_answer=True,
    ),
    _rule(
        "recall",
        r"\bwhat (?:is|are|was) my (.+)$|\b(?:know|remember) my (.+)$|^who am i$",
        recall,
        "my name is <name> | what is my name",
    ),
    _rule(
        "calculation",
        r"^(?:(?:what|how much|is|are|does|calculate|compute|work out|evaluate|solve|tell me|the result of) )*"
        r"(.+?)(?: (?:equals?|make|makes|please|=))*$",
        calculate_spoken,
        "[what is | what's | calculate | how much is] (<number> <operator> <number>"
        " | the square root of <number> | <number> percent of <number>)",
        can_answer=True,
    ),
    _rule(
        "goodbye",
        r"\b(?:goodbye|good bye|bye|good night|see you(?: later| soon| tomorrow)?)(?: (?:then|now|gemini|bye))*$",
        say("Goodbye!"),
        "goodbye | bye [bye] | see you later | good night",
    ),
    _rule(
        "stop",
        r"^(?:stop|be quiet|enough|cancel|never ?mind|that is enough|wait|forget it)(?: it| talking| now| please)*$",
        say("All right."),
        "stop | be quiet | cancel | never mind",
    ),
    _rule(
        "yes",
        r"^(?:yes|yeah|yep|sure|of course|correct|exactly)(?: please)?$",
        say("Very well."),
        "yes [please] | sure | of course",
        can_answer=True,
    ),
    _rule(
        "no",
        r"^(?:no|nope|not really|not now)(?: thank you| thanks)?$",
        say("All right, no problem."),
        "no [thank you] | not now",
        can_answer=True,
    ),
    _rule("thanks", r"\b(?:thanks|thank you)\b", say("You are welcome."), "thanks | thank you [very much]"),
)
