"""What an evaluation is made of: suites of scenes, each a caller and what is expected of the agent.

    Suite("bookings", [Scene("a table for two", Caller([Says("A table for two at eight.")]), [Calls("book_table")])])

`suite_file.py` reads the same from YAML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gemini_realtime.checking import check_number, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.words import check_words
from gemini_realtime.protocol.families import VOICES

if TYPE_CHECKING:
    from gemini_realtime.evaluation.expectations import Expectation
    from gemini_realtime.local.thinking import Responder


@dataclass(frozen=True)
class Says:
    """The caller says this, and listens to the answer."""

    text: str

    def __post_init__(self) -> None:
        check_words(self.text)


@dataclass(frozen=True)
class Types:
    """The caller writes this, and listens to the answer."""

    text: str


@dataclass(frozen=True)
class Interrupts:
    """The caller speaks over the agent, once this many words of it were heard, and listens to the answer."""

    text: str
    after_words: int = 3

    def __post_init__(self) -> None:
        check_words(self.text)


@dataclass(frozen=True)
class Backchannel:
    """The caller says "mm-hm", or the like, while the agent speaks, and listens on: a backchannel is no barge-in."""

    text: str = "mm-hm"
    after_words: int = 3

    def __post_init__(self) -> None:
        check_words(self.text)


@dataclass(frozen=True)
class Coughs:
    """The caller coughs, and waits whether the agent takes that for a question."""

    seconds: float = 0.3


@dataclass(frozen=True)
class Waits:
    """The caller says nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Listens:
    """The caller waits until the agent has said something of its own accord."""


@dataclass(frozen=True)
class Presses:
    """The caller presses keys of the telephone, and listens to what comes of it."""

    digits: str

    def __post_init__(self) -> None:
        if not self.digits or not set(self.digits) <= set("0123456789*#ABCD"):
            raise ConfigError(f"{self.digits!r} is not on the keys of a telephone", remedy="use 0 to 9, * and #")


@dataclass(frozen=True)
class HangsUp:
    """The caller hangs up, without hearing the answer to what was said last; of other calls, the last step is the end.

    Attributes:
        after_words: of the answer, which are still heard; 0 to hang up at once.
    """

    after_words: int = 0


@dataclass(frozen=True)
class Misbehaves:
    """Something goes wrong with the connection or the service now, as docs/faults.md names it."""

    fault: str


Step = Says | Types | Interrupts | Backchannel | Coughs | Waits | Listens | Presses | HangsUp | Misbehaves


@dataclass(frozen=True)
class Goal:
    """What a caller wants, who answers what is asked on the way.

    Attributes:
        says: the first words.
        knows: answers, by words that are in the question they are to: `how many|party: for four`.
        until: words of the agent with which the caller is content.
        gives_up_after: so many answers without getting there.
    """

    says: str
    knows: Mapping[str, str] = field(default_factory=dict)
    until: str = ""
    gives_up_after: int = 8

    def __post_init__(self) -> None:
        check_number("gives_up_after", self.gives_up_after, 1, whole=True)
        for asked in self.knows:
            check_asked(asked)
        if self.until:
            check_words(self.until)


@dataclass(frozen=True)
class Persona:
    """A caller whose words come from a chat model behind an OpenAI-compatible endpoint, whose key is `OPENAI_API_KEY`.

    Attributes:
        who: this is, what they want and know, and what they are like.
        says: the first words; empty to leave them to the model.
        gives_up_after: so many answers without getting there.
        model: the endpoint's name of the model; `OPENAI_MODEL` by default.
        url: such as `http://127.0.0.1:11434/v1`; `OPENAI_BASE_URL` by default, or else OpenAI's own.
    """

    who: str
    says: str = ""
    gives_up_after: int = 12
    model: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if not self.who.strip():
            raise ConfigError("the persona is nobody", remedy="say who they are, and what they want")
        check_number("gives_up_after", self.gives_up_after, 1, whole=True)


@dataclass(frozen=True)
class Echo:
    """What the agent says comes back into the caller's microphone.

    Attributes:
        below_db: so much quieter than it was played.
        after_s: so much later.
    """

    below_db: float
    after_s: float = 0.1

    def __post_init__(self) -> None:
        check_number("below_db", self.below_db, 0)
        check_number("after_s", self.after_s, 0, _ECHO_MAX_S)


@dataclass(frozen=True)
class Background:
    """Somebody near the caller speaks too, to somebody else, again and again.

    Attributes:
        says: what, with a pause after each sentence.
        below_db: so much quieter than the caller.
        voice: of them, by one of Gemini's names.
    """

    says: str
    below_db: float
    voice: str = "kore"

    def __post_init__(self) -> None:
        check_words(self.says)
        check_voice(self.voice)
        check_number("below_db", self.below_db, 0)


_ECHO_MAX_S: Final = 2.0


@dataclass(frozen=True)
class Caller:
    """Who calls.

    Attributes:
        does: step by step; or what they want, as a goal or a persona.
        speed: of speech; 1 is some 150 words a minute.
        hesitates: how probably a clause begins with "uh" and a pause.
        patience_s: how long the agent may leave the caller without an answer.
        voice: of the caller, by one of Gemini's names, where there is real speech; so with all that follow.
        noise_db: pink noise around the caller, so many dB below the speech; None for none.
        echo: of what the agent says; None for none.
        background: somebody else who speaks nearby; None for nobody.
        telephone: whether the caller is heard as over a telephone, in mu-law at 8 kHz.
        corrects: how probably a number is said wrong first, also without real speech: "for six, no, two guests".
    """

    does: Sequence[Step] | Goal | Persona
    speed: float = 1.0
    hesitates: float = 0.0
    patience_s: float = 15.0
    voice: str = "charon"
    noise_db: float | None = None
    echo: Echo | None = None
    background: Background | None = None
    telephone: bool = False
    corrects: float = 0.0

    def __post_init__(self) -> None:
        check_number("speed", self.speed, 0.25, 4)
        check_number("hesitates", self.hesitates, 0, 1)
        check_number("corrects", self.corrects, 0, 1)
        check_number("patience_s", self.patience_s, 0.1, 3600)
        check_voice(self.voice)
        if isinstance(self.does, Goal | Persona):
            return
        if not self.does:
            raise ConfigError("the caller does nothing", remedy="give it something to say")
        if any(isinstance(step, HangsUp) for step in self.does[:-1]):
            raise ConfigError("the caller hangs up before the last step", remedy="let it be the last")

    @property
    def needs_sound(self) -> bool:
        """Whether the caller sounds like nothing that spelled words can."""
        return self.telephone or not self.is_alone

    @property
    def is_alone(self) -> bool:
        """Whether the caller's voice is all that the microphone hears."""
        return self.noise_db is None and self.echo is None and self.background is None


def check_asked(asked: str) -> None:
    """Refuse words that would stand in every question.

    Args:
        asked: some by which a question is known, or several with `|` between them.

    Raises:
        ConfigError: one of them is no word.
    """
    for words in asked.split("|"):
        check_words(words)


def check_voice(name: str) -> None:
    """Refuse a voice that there is not.

    Raises:
        ConfigError: it is none of Gemini's.
    """
    if name.title() not in VOICES:
        raise ConfigError(f"there is no voice {name!r}", remedy=spelling_remedy(name.title(), VOICES))


@dataclass(frozen=True)
class Scene:
    """One call, and what is expected of it.

    Attributes:
        name: of the scene, unlike the others of its suite.
        caller: who calls.
        expect: what the agent must do and must not.
        faults: what goes wrong from the beginning, as docs/faults.md names it.
        model: what plays Gemini in this scene, in place of the suite's.
        rubric: statements about the call, of which a judge says whether they hold, beside those of the suite's judge.
    """

    name: str
    caller: Caller
    expect: Sequence[Expectation] = ()
    faults: Sequence[str] = ()
    model: str = ""
    rubric: Sequence[str] = ()


@dataclass(frozen=True)
class Judge:
    """A chat model behind an OpenAI-compatible endpoint, whose key is `OPENAI_API_KEY`: asked about each call after it.

    Attributes:
        rubric: statements about a call, of every scene.
        model: the endpoint's name of the model; `OPENAI_MODEL` by default.
        url: such as `http://127.0.0.1:11434/v1`; `OPENAI_BASE_URL` by default, or else OpenAI's own.
        repeats: how often it is asked about each call: most votes decide, and how far they agree is reported.
        decides: whether a call is as expected only if every statement holds; otherwise that is told apart.
    """

    rubric: Sequence[str] = ()
    model: str = ""
    url: str = ""
    repeats: int = 3
    decides: bool = False

    def __post_init__(self) -> None:
        check_number("repeats", self.repeats, 1, 100, whole=True)


@dataclass(frozen=True)
class Suite:
    """Scenes for one agent.

    Attributes:
        name: of the suite.
        scenes: in the order in which they are told.
        agent: `module:function`, which makes the agent for a configuration.
        model: what plays Gemini: `rules`, `script:FILE`, `echo`, `chat:NAME`, as `gemini-realtime serve --responder`;
            `gemini` for itself; or an object that answers, as docs/responders.md describes it.
        seed: of the first call of each scene.
        judge: who says which statements of rubrics hold; where only scenes have some, one as the environment names it.
        folder: where files that it names are.
    """

    name: str
    scenes: Sequence[Scene]
    agent: str = ""
    model: str | Responder = "rules"
    seed: int = 0
    judge: Judge = field(default_factory=Judge)
    folder: Path = Path()

    def __post_init__(self) -> None:
        names = [scene.name for scene in self.scenes]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"two scenes are called {name!r}", remedy="give each a name of its own")
        if not names:
            raise ConfigError(f"the suite {self.name!r} has no scenes", remedy="give it some")

    def rubric(self, scene: Scene) -> list[str]:
        """The statements that calls of a scene are judged by, each once."""
        return [*dict.fromkeys([*self.judge.rubric, *scene.rubric])]
