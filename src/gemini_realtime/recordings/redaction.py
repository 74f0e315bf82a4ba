"""What of a conversation is not recorded: what opens doors, always; voices and words, where that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from gemini_realtime.protocol.codec import without_media

_STRUCTURE: Final = frozenset((
    "activityHandling", "behavior", "callId", "callIds", "data", "endOfSpeechSensitivity", "finding", "handle", "id",
    "ids", "kind", "languageCode", "mediaResolution", "mimeType", "modality", "model", "name", "newHandle", "reason",
    "responseModalities", "role", "scheduling", "startOfSpeechSensitivity", "status", "thinkingLevel", "timeLeft",
    "triggerTokens", "turnCompleteReason", "turnCoverage", "type", "vadSignalType", "voiceName",
))  # fmt: skip
"""Where a text is no word of anybody's. Whatever else is text is left out with the words, so that a field of next year
tells nothing either."""

_WORDS: Final = frozenset(("args", "response", "result", "parameters", "parametersJsonSchema", "responseJsonSchema"))
"""Objects that are somebody's words with all that is in them."""

_SECRET: Final = re.compile(r"headers|.*(?:api_?key|authorization|password|secret|access_?token|auth_?token).*", re.I)
_DECLARED: Final = frozenset(("functionDeclarations", "function_declarations"))
_ROOMS_OF_SECRETS: Final = ("setup", "contextUpdate", "context_update")


class Redaction:
    """Leaves out of each frame, in order, what is not to be recorded.

    A resumption handle opens a session: it is replaced by `handle-1`, the next by `handle-2`, and so on; the same one
    by the same name, so that it can be seen what was resumed.

    Args:
        audio: sound and pictures are kept.
        text: words are kept: transcripts, texts, instructions, arguments and results of calls.
    """

    def __init__(self, *, audio: bool = True, text: bool = True) -> None:
        self._audio = audio
        self._text = text
        self._handles: dict[str, str] = {}

    @property
    def keeps_everything(self) -> bool:
        """Whether neither sound nor words are left out."""
        return self._audio and self._text

    def frame(self, frame: dict[str, Any]) -> dict[str, Any]:
        """What is recorded of a frame, which may be changed."""
        for name, field in (("setup", "handle"), ("sessionResumptionUpdate", "newHandle")):
            for spelling in {name, _snake(name)} & frame.keys():
                self._rename_handles(frame[spelling], {field, _snake(field)})
        for name in _ROOMS_OF_SECRETS:
            if isinstance(frame.get(name), dict):
                _empty_secrets(frame[name])
        if not self._audio:
            frame = without_media(frame)
        if not self._text:
            _empty_words(frame)
        return frame

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """What is recorded of an event, which may be changed."""
        if not self._text:
            _empty_words(event)
        return event

    def _rename_handles(self, member: Any, fields: set[str]) -> None:
        if not isinstance(member, dict):
            return
        resumption = member.get("sessionResumption", member.get("session_resumption", member))
        for field in fields:
            if isinstance(resumption, dict) and isinstance(handle := resumption.get(field), str) and handle:
                resumption[field] = self._handles.setdefault(handle, f"handle-{len(self._handles) + 1}")


def _empty_secrets(setup: dict[str, Any]) -> None:
    for container, place, field, value in _members(setup, skipped=_DECLARED):
        if _SECRET.fullmatch(field):
            container[place] = type(value)() if isinstance(value, dict | list | str) else None


def _empty_words(message: dict[str, Any]) -> None:
    for container, place, field, value in _members(message):
        if isinstance(value, dict) and _camel(field) in _WORDS:
            container[place] = {}
        elif isinstance(value, str) and _camel(field) not in _STRUCTURE:
            container[place] = ""


def _members(message: dict[str, Any], skipped: frozenset[str] = frozenset()) -> Iterator[tuple[Any, Any, str, Any]]:
    """All that is in a message: the container that it is in, its place there, the field that it belongs to, its value.

    It goes from level to level instead of into itself: how deeply a message nests is up to whoever sent it.
    """
    containers: list[tuple[Any, str]] = [(message, "")]
    while containers:
        container, of = containers.pop()
        for place, value in list(container.items() if isinstance(container, dict) else enumerate(container)):
            field = place if isinstance(place, str) else of
            if field in skipped:
                continue
            yield container, place, field, value
            if isinstance(container[place], dict | list):
                containers.append((container[place], field))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)
