"""What a session costs, in tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Final, NamedTuple

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.protocol.messages import ModalityTokenCount, UsageMetadata

AUDIO_TOKENS_PER_S: Final = 25
"""Source: https://ai.google.dev/gemini-api/docs/live-guide."""
VIDEO_TOKENS_PER_S: Final = 258
"""Source: the same. A client sends one picture per second at most."""


class Window(NamedTuple):
    """When a context is compressed, and how much of it stays, in tokens."""

    trigger: int
    target: int


class Usage:
    """Tokens by modality; the conversation so far is the prompt of the next turn. A word counts as one token.

    Args:
        prompt: what a resumed session has counted before.
        vertex: whether it is told in the words of Vertex AI.
    """

    def __init__(self, prompt: Mapping[str, int] | None = None, *, vertex: bool = False) -> None:
        self.prompt = Counter(prompt or {})
        self._vertex = vertex
        self._response: Counter[str] = Counter()
        self._thoughts = 0
        self._spoken_bytes = 0
        self._saw_at = float("-inf")

    def read(self, text: str) -> None:
        """Count text that the model was given."""
        self.prompt["TEXT"] += len(text.split())

    def heard(self, audio_s: float) -> None:
        """Count audio that the model was given."""
        self.prompt["AUDIO"] += ceil(audio_s * AUDIO_TOKENS_PER_S)

    def saw(self, now: float) -> None:
        """Count a picture that the model was given; more than one in a second are one."""
        if now - self._saw_at >= 1.0:
            self._saw_at = now
            self.prompt["VIDEO"] += VIDEO_TOKENS_PER_S

    def wrote(self, text: str) -> None:
        """Count text that the model produced."""
        self._response["TEXT"] += len(text.split())

    def thought(self, text: str) -> None:
        """Count what the model thought; that is no part of the next prompt."""
        self._thoughts += len(text.split())

    def spoke(self, audio: bytes) -> None:
        """Count audio that the model produced."""
        self._spoken_bytes += len(audio)

    def take(self) -> UsageMetadata:
        """The counts of the turn that ends here; it is part of the prompt from now on.

        Source: recorded sessions of 2.5, in which thoughts are no part of the total.
        """
        self._response["AUDIO"] += ceil(OUTPUT_FORMAT.duration_ms(self._spoken_bytes) * AUDIO_TOKENS_PER_S / 1000)
        prompt, response = self.prompt.total(), self._response.total()
        usage = UsageMetadata(
            prompt_token_count=prompt,
            total_token_count=prompt + response,
            thoughts_token_count=self._thoughts,
            prompt_tokens_details=_details(self.prompt),
        )
        if self._vertex:
            usage.candidates_token_count, usage.candidates_tokens_details = response, _details(self._response)
            usage.traffic_type = "ON_DEMAND"
        else:
            usage.response_token_count, usage.response_tokens_details = response, _details(self._response)
        self.prompt += self._response
        self._response.clear()
        self._thoughts = 0
        self._spoken_bytes = 0
        return usage

    def compress(self, window: Window) -> float:
        """Leave the oldest out of the next prompt if it is too long; returns which share of it stays.

        That as much stays of sound as of words is a guess.
        """
        total = self.prompt.total()
        if total <= window.trigger:
            return 1.0
        share = window.target / total
        self.prompt = Counter({name: round(share * tokens) for name, tokens in self.prompt.items()})
        return share


def _details(tokens: Counter[str]) -> list[ModalityTokenCount]:
    names = ("TEXT", "AUDIO", "VIDEO")
    return [ModalityTokenCount(modality=name, token_count=tokens[name]) for name in names if tokens[name]]
