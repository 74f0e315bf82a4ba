"""Which of the APIs that speak the Live protocol a client has called, and what is in it."""

from __future__ import annotations

from typing import Final, NamedTuple

from gemini_realtime.local.wire.frames import refuse_fields


class Api(NamedTuple):
    """An API in one of its versions.

    Attributes:
        version: as its path names it; empty where the path names none, and everything is taken.
        firebase: whether it is Firebase AI Logic's.
        vertex: whether it is Vertex AI's.
    """

    version: str = ""
    firebase: bool = False
    vertex: bool = False

    def check_fields(self, frame: bytes | str) -> None:
        """Refuse a setup with a field that this API does not have.

        `proactivity`: pydantic-ai 2.68 `_needs_v1alpha_client`, live 2026-10-22, of v1beta; of v1 it is a guess.
        `toolConfig`: firebase-android-sdk's `LiveClientSetupMessage`; the official types have no such field.

        Raises:
            Refused: it has one.
        """
        if not self.version:
            return
        absent = [] if self.firebase else ["toolConfig"]
        if not self.vertex and not self.firebase and "alpha" not in self.version:
            absent.append("proactivity")
        refuse_fields(frame, absent)


ANY_API: Final = Api()
"""Of which nothing is known, so that everything is taken."""
