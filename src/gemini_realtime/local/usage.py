"""What a session costs, in tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.protocol.messages import ModalityTokenCount, UsageMetadata

AUDIO_TOKENS_PER_S: Final = 25
"""Source: https://ai.google.dev/gemini-api/docs/live-guide."""


class Usage:
    """Tokens by modality; the conversation so far is the prompt of the next turn. A word counts as one token.

    Args:
        prompt: what a resumed session has counted before.
    """

    def __init__(self, prompt: Mapping[str, int] | None = None) -> None:
        self.prompt = Counter(prompt or {})
        self._response: Counter[str] = Counter()
        self._spoken_bytes = 0

    def read(self, text: str) -> None:
        """Count text that the model was given."""
        self.prompt["TEXT"] += len(text.split())

    def heard(self, audio_s: float) -> None:
        """Count audio that the model was given."""
        self.prompt["AUDIO"] += ceil(audio_s * AUDIO_TOKENS_PER_S)

    def wrote(self, text: str) -> None:
        """Count text that the model produced."""
        self._response["TEXT"] += len(text.split())

    def spoke(self, audio: bytes) -> None:
        """Count audio that the model produced."""
        self._spoken_bytes += len(audio)

    def take(self) -> UsageMetadata:
        """The counts of the turn that ends here; it is part of the prompt from now on."""
        self._response["AUDIO"] += ceil(OUTPUT_FORMAT.duration_ms(self._spoken_bytes) * AUDIO_TOKENS_PER_S / 1000)
        usage = UsageMetadata(
            prompt_token_count=self.prompt.total(),
            response_token_count=self._response.total(),
            total_token_count=self.prompt.total() + self._response.total(),
            prompt_tokens_details=_details(self.prompt),
            response_tokens_details=_details(self._response),
        )
        self.prompt += self._response
        self._response.clear()
        self._spoken_bytes = 0
        return usage


def _details(tokens: Counter[str]) -> list[ModalityTokenCount]:
    return [ModalityTokenCount(modality=name, token_count=tokens[name]) for name in ("TEXT", "AUDIO") if tokens[name]]
