"""What the user is doing."""

from __future__ import annotations

from gemini_realtime.local.session.history import CONTEXT_CHARACTERS
from gemini_realtime.local.session.turns import TURN_CHARACTERS
from gemini_realtime.local.wire.refusals import TOO_LONG, Refused


class Activity:
    """What the user is doing: speaking, or typing while the client says that an utterance lasts.

    Attributes:
        marked: whether the client says that an utterance lasts.
        audio_s: how much audio has come.
    """

    def __init__(self) -> None:
        self.marked = False
        self.audio_s = 0.0
        self._under_way = 0
        self._words: list[str] = []
        self._characters = 0

    @property
    def speaking(self) -> bool:
        """Whether an utterance has begun whose words are not known yet."""
        return self._under_way > 0

    def start(self) -> None:
        """An utterance begins."""
        self._under_way += 1

    def type(self, text: str) -> None:
        """Text belongs to the utterance under way.

        Raises:
            Refused: it is too much.
        """
        if text:
            self._words.append(text)
            self._characters += len(text) + TURN_CHARACTERS
            if self._characters > CONTEXT_CHARACTERS:
                raise Refused(TOO_LONG)

    def end(self, heard: str) -> str | None:
        """An utterance is understood; None when the user speaks again already, and its words belong to what follows."""
        self._under_way = max(0, self._under_way - 1)
        if heard:
            self._words.append(heard)
        if self.speaking:
            return None
        words, self._words, self._characters = " ".join(self._words), [], 0
        return words
