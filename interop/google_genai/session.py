"""What the cases share: a session on either API, and what was seen in a turn of it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from interop.microphone import microphone

GEMINI = "gemini-3.8-live"
VERTEX = "gemini-live-2.5-flash-native-audio"


def connect(**config: Any) -> AbstractAsyncContextManager[Any]:
    """A session that answers aloud, with the model and on the API that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--vertex", action="store_true", help="Vertex AI instead of the Gemini API")
    parser.add_argument("--model")
    options = parser.parse_args()
    client = vertex() if options.vertex else genai.Client()
    model = options.model or (VERTEX if options.vertex else GEMINI)
    if "extended-thinking" in model:  # it insists on a level
        config["thinking_config"] = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
    session: AbstractAsyncContextManager[Any] = client.aio.live.connect(model=model, config=aloud(**config))
    return session


def vertex() -> genai.Client:
    """A client of Vertex AI, with a token that no one has to be asked for."""
    credentials = Credentials("a-token")  # type: ignore[no-untyped-call]
    return genai.Client(vertexai=True, project="offline", location="us-central1", credentials=credentials)


def aloud(**config: Any) -> types.LiveConnectConfig:
    """A configuration that asks for speech and for what was said in writing."""
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        output_audio_transcription=types.AudioTranscriptionConfig(),
        **config,
    )


async def ask(session: Any, text: str) -> None:
    """Send a turn of the user."""
    await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=text)]))


@asynccontextmanager
async def speaking(session: Any, sample: str) -> AsyncIterator[None]:
    """Speak a recorded question, and leave the microphone on for the duration of the context."""
    task = asyncio.create_task(_speak(session, sample))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _speak(session: Any, sample: str) -> None:
    async for chunk in microphone(sample):
        await session.send_realtime_input(audio=pcm(chunk))


def pcm(samples: bytes) -> types.Blob:
    """Samples of 16 kHz, mono, 16 bits, as they are sent."""
    return types.Blob(data=samples, mime_type="audio/pcm;rate=16000")


@dataclass
class Turn:
    """What was seen of a turn: words heard and said, speech, calls, how it ended."""

    heard: str = ""
    said: str = ""
    audio_bytes: int = 0
    calls: list[types.FunctionCall] = field(default_factory=list)
    interrupted: bool = False
    complete: bool = False

    def add(self, message: types.LiveServerMessage) -> None:
        """Note what a message brings."""
        if message.tool_call:
            self.calls += message.tool_call.function_calls or []
        content = message.server_content
        if content is None:
            return
        if content.input_transcription:
            self.heard += content.input_transcription.text or ""
        if content.output_transcription:
            self.said += content.output_transcription.text or ""
        for part in (content.model_turn and content.model_turn.parts) or []:
            if part.inline_data:
                self.audio_bytes += len(part.inline_data.data or b"")
        self.interrupted |= bool(content.interrupted)
        self.complete |= bool(content.turn_complete)

    def expect(self, *words: str) -> None:
        """Print the turn, and fail unless it is a whole one that says these words aloud."""
        print(self)
        assert self.complete, "the turn was not completed"
        assert not self.interrupted, "the turn was interrupted"
        for word in words:
            assert word in self.said.lower(), f"{word!r} is not in what was said: {self.said!r}"
        # Speech of 24 kHz, 16 bits; nobody says more than 25 characters in a second.
        assert self.audio_bytes > 48_000 * len(self.said) / 25, f"{self.audio_bytes} bytes of speech for {self.said!r}"

    def expect_interrupted(self) -> None:
        """Print the turn, and fail unless it was cut short."""
        print(self)
        assert self.audio_bytes > 0, "no speech"
        assert self.interrupted, "the turn was not interrupted"
        assert self.complete, "the interrupted turn was not completed"


async def hear(session: Any) -> Turn:
    """Receive until the turn is complete."""
    turn = Turn()
    async for message in session.receive():
        turn.add(message)
    return turn
