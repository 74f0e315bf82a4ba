"""Which calls are held: scenes of a suite with their seeds, and what is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gemini_realtime.checking import check_number, spelling_remedy
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.evaluation.calls import GEMINI, Target, agent_named
from gemini_realtime.evaluation.expectations import Calls, CallsOnly, Costs, Resumes, Understands
from gemini_realtime.evaluation.record import CallRecord, CallResult
from gemini_realtime.evaluation.scenes import Goal, Misbehaves, Persona, Scene, Suite
from gemini_realtime.local.choices import responder_named
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint

Call = tuple[Scene, int]
"""A scene, and the seed with which it is played."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        suite: whose scenes.
        agent: `module:function`, in place of the suite's.
        command: a program that is called instead of an agent, in real time.
        url: of an agent that is called over a WebSocket instead, see `Target`.
        only: names of scenes; all of them when empty.
        repeat: how many calls of each scene, with seeds that follow each other.
        sound: with real speech, in real time.
        workers: processes; 0 for one per core.
        record: where calls that were not as expected are kept as recordings.
        ray: address of a Ray cluster that does the work instead.
        folder: where the agent's module is looked for, beside the folder of the suite.
    """

    suite: Suite
    agent: str = ""
    command: Sequence[str] = ()
    url: str = ""
    only: Sequence[str] = ()
    repeat: int = 1
    sound: bool = False
    workers: int = 0
    record: Path | None = None
    ray: str = ""
    folder: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        check_number("repeat", self.repeat, 1, 1_000_000, whole=True)
        check_number("workers", self.workers, 0, 1024, whole=True)
        names = [scene.name for scene in self.suite.scenes]
        for name in self.only:
            if name not in names:
                raise ConfigError(f"there is no scene {name!r}", remedy=spelling_remedy(name, names))
        if not (self.agent or self.suite.agent or self.command or self.url):
            raise ConfigError(
                "there is no agent to call", remedy="name it in the suite, with --agent or --url, or a program"
            )

    @property
    def scenes(self) -> list[Scene]:
        """Those of the suite that are called."""
        return [scene for scene in self.suite.scenes if not self.only or scene.name in self.only]

    @property
    def calls(self) -> Iterator[Call]:
        """The calls: scene and seed."""
        return ((scene, self.suite.seed + number) for scene in self.scenes for number in range(self.repeat))

    def __len__(self) -> int:
        """How many calls that are."""
        return len(self.scenes) * self.repeat

    def includes(self, result: CallResult) -> bool:
        """Whether this is the result of one of the calls."""
        names = (scene.name for scene in self.scenes)
        return 0 <= result.seed - self.suite.seed < self.repeat and result.scene in names

    def check(self) -> None:
        """Find out what cannot be, before there are calls.

        Raises:
            MissingDependencyError: a chat endpoint is to be asked, and the extra [chat] is not installed.
            ConfigError: there is no such endpoint or model, or something is to go wrong, or expected,
                where it cannot be made to or seen.
        """
        for scene in self.scenes:
            model = scene.model or self.suite.model
            if self.url:
                _check_heard(scene)
            if self.url or model == GEMINI:
                _check_faultless(scene, "over a WebSocket" if self.url else "of the real service")
            elif isinstance(model, str) and model.partition(":")[0] == "chat":
                with _asked_by(f"what plays Gemini in {scene.name!r}"):
                    responder_named(model)
            if isinstance(scene.caller.does, Persona):
                with _asked_by(f"the caller of {scene.name!r}"):
                    ChatEndpoint(scene.caller.does.model, base_url=scene.caller.does.url)
            if self.suite.rubric(scene):
                with _asked_by("the judge"):
                    ChatEndpoint(self.suite.judge.model, base_url=self.suite.judge.url)

    def target(self) -> Target:
        """What is called, for the process that asks, which is ready to call it then.

        Raises:
            ConfigError: there is no such agent, or as `check`.
        """
        self.check()  # in each process: it imports what would hold up a call
        if self.command or self.url:
            return Target(command=self.command, url=self.url, record=self.record)
        return Target(
            agent_named(self.agent or self.suite.agent, self.suite.folder, self.folder), self.sound, record=self.record
        )


@contextmanager
def _asked_by(whom: str) -> Iterator[None]:
    """Say of an endpoint that cannot be asked whom it is for."""
    try:
        yield
    except MissingDependencyError:
        raise
    except ConfigError as error:
        raise ConfigError(f"{whom}: {error.problem}", remedy=error.remedy) from None


def _check_heard(scene: Scene) -> None:
    """Of an agent at an address nothing is known but its sound: not what it calls, understands, costs and resumes."""
    for expectation in scene.expect:
        if isinstance(expectation, Calls | CallsOnly | Understands | Resumes | Costs):
            expected = expectation.check(CallRecord()).expected
            raise ConfigError(
                f"{scene.name!r} expects what cannot be heard over a WebSocket: {expected}",
                remedy="call the agent itself with --agent or a command, or name the other scenes with --scene",
            )


def _check_faultless(scene: Scene, where: str) -> None:
    steps = () if isinstance(scene.caller.does, Goal | Persona) else scene.caller.does
    if scene.faults or any(isinstance(step, Misbehaves) for step in steps):
        raise ConfigError(
            f"the faults of {scene.name!r} cannot be made to happen {where}",
            remedy="play the scene on the embedded server, or name the other scenes with --scene",
        )
