"""What the page lets its user choose, as options of the session."""

from __future__ import annotations

from typing import Any, Final

from gemini_realtime.checking import check_number, check_type, shown, spelling_remedy
from gemini_realtime.errors import ConfigError

Json = dict[str, Any]

MAX_TEXT: Final = 20_000
"""Characters of anything that is typed into the page."""

MAX_HISTORY: Final = 200
"""Turns of an earlier conversation that a page may begin with."""

_TEXTS: Final = {"voice": "voice", "language": "language_code", "instructions": "instructions"}
_NAMES: Final = ("model", *_TEXTS, "turns", "silence_ms", "interrupts")

AUTOMATIC: Final = "automatic"
PUSH_TO_TALK: Final = "push_to_talk"


def chosen_model(settings: Any) -> str | None:
    """The model that the page asks for; None for the agent's own.

    Raises:
        ConfigError: it is nothing that the page would send.
    """
    check_type("settings", settings, dict, "a JSON object")
    return short_text("model", settings["model"]) if "model" in settings else None


def session_options(settings: Any) -> Json:
    """Options for `session_update()`; what the page leaves out stays as the agent has it.

    Args:
        settings: beside the model `voice`, `language`, `instructions`, null for the service's own; `turns`, who says
            where the user's turn ends: `automatic` or `push_to_talk`; with the former `silence_ms`, which ends it, and
            `interrupts`, whether speech interrupts.

    Raises:
        ConfigError: it is nothing that the page would send.
    """
    check_type("settings", settings, dict, "a JSON object")
    for name in settings.keys() - set(_NAMES):
        raise ConfigError(f"there is no setting {shown(name)}", remedy=spelling_remedy(str(name), _NAMES))
    options: Json = {}
    for name, option in _TEXTS.items():
        if name in settings:
            options[option] = None if settings[name] is None else short_text(name, settings[name])
    if settings.keys() & {"turns", "silence_ms", "interrupts"}:
        options["turn_detection"] = _turn_detection(settings)
    return options


def _turn_detection(settings: Json) -> Json | None:
    turns = settings.get("turns", AUTOMATIC)
    if turns == PUSH_TO_TALK:
        return None
    if turns != AUTOMATIC:
        raise ConfigError(f"`turns` is {shown(turns)}", remedy=f"it is {AUTOMATIC!r} or {PUSH_TO_TALK!r}")
    detection: Json = {"type": "server_vad"}
    if (silence_ms := settings.get("silence_ms")) is not None:
        check_number("silence_ms", silence_ms, 0, 10_000, whole=True)
        detection["silence_duration_ms"] = silence_ms
    if "interrupts" in settings:
        check_type("interrupts", settings["interrupts"], bool, "true or false")
        detection["interrupt_response"] = settings["interrupts"]
    return detection


def past_turns(history: Any) -> list[Json]:
    """What was said before, for the option `history`: a page goes on after its server was restarted.

    Raises:
        ConfigError: it is nothing that the page would send.
    """
    check_type("history", history, list, "a list of turns")
    return [
        {"role": turn.get("role"), "text": turn["text"][-MAX_TEXT:]}
        for turn in history[-MAX_HISTORY:]
        if isinstance(turn, dict) and isinstance(turn.get("text"), str) and turn["text"]
    ]


def short_text(name: str, text: Any) -> str:
    """A text that the page sent.

    Raises:
        ConfigError: it is none, or too long.
    """
    check_type(name, text, str, "a string")
    if len(text) > MAX_TEXT:
        raise ConfigError(f"`{name}` has {len(text):,} characters", remedy=f"{MAX_TEXT:,} are taken; shorten it")
    return str(text)
