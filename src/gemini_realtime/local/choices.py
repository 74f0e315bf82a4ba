"""What a server thinks, hears and speaks with, chosen by name: the one place that knows the names.

A choice is written `NAME` or `NAME:ARGUMENT`, as on the command line. Nothing of what is not chosen is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from gemini_realtime.checking import check_number, kind_of, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.responders.rules import Rules
from gemini_realtime.local.server.answering import Backends
from gemini_realtime.local.speech.defaults import DefaultHearing, DefaultSpeaking
from gemini_realtime.local.speech.hearing import Hearing
from gemini_realtime.local.speech.speaking import Speaking
from gemini_realtime.local.thinking import Responder

_Made = TypeVar("_Made")


class _Choice(NamedTuple, Generic[_Made]):
    """How something is written, and made from what follows the colon."""

    written: str
    make: Callable[[str], _Made]

    def takes(self, argument: str) -> bool:
        """Whether this may follow the colon; empty when there is none."""
        if ":" not in self.written:
            return not argument
        return bool(argument) or "[" in self.written


def responder_named(text: str) -> Responder | Replay:
    """The responder that is meant: `rules`, `echo`, `chat[:MODEL[@URL]]`, `script:FILE` or `replay:FILE`.

    Raises:
        ConfigError: there is none of this name, or what follows the name cannot be.
        MissingDependencyError: it needs an extra that is not installed.
    """
    return _made("responder", text, _RESPONDERS)


def hearing_named(text: str) -> Hearing:
    """The hearing that is meant: `best` of what is installed, `whisper[:MODEL]` or `pocketsphinx`.

    Raises as `responder_named` does.
    """
    return _made("hearing", text, _HEARINGS)


def speaking_named(text: str) -> Speaking:
    """The voice that is meant: `best` of what is installed, `hibari`, `espeak` or `piper:FILE`.

    Raises as `responder_named` does.
    """
    return _made("speaking", text, _SPEAKINGS)


def backends_of(
    responder: Responder | Replay | str | None,
    hearing: Hearing | str | None,
    speaking: Speaking | str | None,
    unfinished_wait_s: float = 0.0,
) -> tuple[Backends, Replay | None]:
    """What a server hears, answers and speaks with, and the recording that plays the service instead, if one does.

    Raises:
        ConfigError: there is none of a name, or an object lacks what is asked of its kind.
        MissingDependencyError: one that is named needs an extra that is not installed.
    """
    responder = responder_named(responder) if isinstance(responder, str) else responder
    hearing = hearing_named(hearing) if isinstance(hearing, str) else hearing
    speaking = speaking_named(speaking) if isinstance(speaking, str) else speaking
    recording = responder if isinstance(responder, Replay) else None
    answers = Rules() if responder is None or isinstance(responder, Replay) else responder
    check_number("unfinished_wait_s", unfinished_wait_s, 0, 60)
    backends = Backends(hearing or DefaultHearing(), answers, speaking or DefaultSpeaking(), unfinished_wait_s)
    for name, backend, methods in (
        ("responder", answers, ("respond", "grammar")),
        ("hearing", backends.hearing, ("detector", "transcribe")),
        ("speaking", backends.speaking, ("speak",)),
    ):
        _check_methods(name, backend, methods)
    return backends, recording


def _check_methods(name: str, backend: object, methods: Sequence[str]) -> None:
    missing = [method for method in methods if not callable(getattr(backend, method, None))]
    if missing:
        raise ConfigError(
            f"`{name}` is {kind_of(backend)}, which has no {' and no '.join(missing)}()",
            remedy="pass one by its name, or an object as docs/responders.md describes it",
        )


def _made(what: str, text: str, choices: Mapping[str, _Choice[_Made]]) -> _Made:
    name, _, argument = text.partition(":")
    choice = choices.get(name)
    if choice is None:
        written = ", ".join(choice.written for choice in choices.values())
        remedy = spelling_remedy(name, choices, choice=f"choose one of {written}")
        raise ConfigError(f"there is no {what} {text!r}", remedy=remedy)
    if not choice.takes(argument):
        raise ConfigError(f"{text!r} is not how to choose {name}", remedy=f"write {choice.written}")
    return choice.make(argument)


def _rules(_: str) -> Responder:
    return Rules()


def _echo(_: str) -> Responder:
    from gemini_realtime.local.responders.echo import Echo

    return Echo()


def _chat(argument: str) -> Responder:
    from gemini_realtime.local.responders.chat import Chat

    model, at, rest = argument.partition("@http")  # names of models may have an @ too
    return Chat(model, base_url=f"{at[1:]}{rest}")


def _script(file: str) -> Responder:
    from gemini_realtime.local.responders.script import Script

    return Script(Path(file))


def _replay(file: str) -> Replay:
    return Replay(file)


def _default_hearing(_: str) -> Hearing:
    from gemini_realtime.local.speech.defaults import DefaultHearing

    return DefaultHearing()


def _pocketsphinx(_: str) -> Hearing:
    from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing

    return PocketsphinxHearing()


def _whisper(model: str) -> Hearing:
    from gemini_realtime.local.speech.hearing_whisper import DEFAULT_MODEL, WhisperHearing

    return WhisperHearing(model or DEFAULT_MODEL)


def _default_speaking(_: str) -> Speaking:
    from gemini_realtime.local.speech.defaults import DefaultSpeaking

    return DefaultSpeaking()


def _hibari(_: str) -> Speaking:
    from gemini_realtime.local.speech.speaking_hibari import HibariSpeaking

    return HibariSpeaking()


def _espeak(_: str) -> Speaking:
    from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking

    return EspeakSpeaking()


def _piper(file: str) -> Speaking:
    from gemini_realtime.local.speech.speaking_piper import PiperSpeaking

    return PiperSpeaking(Path(file))


_RESPONDERS: Final[dict[str, _Choice[Responder | Replay]]] = {
    "rules": _Choice("rules", _rules),
    "echo": _Choice("echo", _echo),
    "chat": _Choice("chat[:MODEL[@URL]]", _chat),
    "script": _Choice("script:FILE", _script),
    "replay": _Choice("replay:FILE", _replay),
}
_HEARINGS: Final[dict[str, _Choice[Hearing]]] = {
    "best": _Choice("best", _default_hearing),
    "whisper": _Choice("whisper[:MODEL]", _whisper),
    "pocketsphinx": _Choice("pocketsphinx", _pocketsphinx),
}
_SPEAKINGS: Final[dict[str, _Choice[Speaking]]] = {
    "best": _Choice("best", _default_speaking),
    "hibari": _Choice("hibari", _hibari),
    "espeak": _Choice("espeak", _espeak),
    "piper": _Choice("piper:FILE", _piper),
}
