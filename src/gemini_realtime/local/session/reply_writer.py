"""How a family of models puts things: from what it thinks, says and calls to the messages in which the service does.

Nothing is decided here about whose turn it is; see `conversation`.
"""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.local.session.actions import Outbox, Send, Spoken
from gemini_realtime.local.session.options import Options
from gemini_realtime.local.session.usage import Usage
from gemini_realtime.local.wire.frames import audio_frame, server_frame
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.messages import ServerContent, ServerMessage

THOUGHT: Final = "**Considering the Request**\n\nI've looked at what was said, and I'm now putting an answer together."
"""What is thought when the responder does not say what it thinks. Source of the form: recorded sessions of 2.5."""

SEARCHING: Final = "Looking up information on Google Search."
"""Source: pydantic-ai 2.68 `realtime/google.py`, seen live."""

_PHRASE_CHARACTERS: Final = 60
"""How long a transcript that does not come by words is held back. Source: recorded half-cascade sessions."""


class ReplyWriter:
    """What one connection is sent, in the way of its model.

    Args:
        options: what was set up.
        outbox: where the messages go.
    """

    def __init__(self, options: Options, outbox: Outbox) -> None:
        self._options = options
        self._profile = options.profile
        self._outbox = outbox
        self._transcribing = False
        self._held = ""

    def set_up(self, session_id: str) -> None:
        """The session is ready; on Vertex AI it has a name."""
        name = str(UUID(bytes=session_id.encode()[:16].ljust(16, b"\0"), version=4)) if self._profile.vertex else None
        self._outbox.send(ServerMessage(setup_complete=messages.SetupComplete(session_id=name)))

    def open_turn(self, turn: int) -> str:
        """Begin a turn, counted from 1; returns what is thought before anything is said."""
        if self._profile.bare_frames.happens(turn):
            self._outbox.send(ServerMessage())
        self.open()
        if self._options.searches and self._profile.announces_search.happens(turn):
            self._turn(messages.Part(code_execution_result={"outcome": "OUTCOME_OK", "output": SEARCHING}))
        asked = self._options.asks_for_thoughts
        thinks = self._profile.thoughts.happens(turn) if asked is None else asked
        if not thinks:
            return ""
        self.think(THOUGHT)
        return THOUGHT

    def open(self) -> None:
        """Begin to generate, or go on."""
        if self._profile.opens_empty:
            self._outbox.content()

    def think(self, text: str) -> None:
        """Show a thought."""
        self._turn(messages.Part(text=text, thought=True))

    def say(self, audio: bytes, text: str) -> None:
        """A piece of speech and its words."""
        transcript = self._transcript(text)
        if audio and (self._profile.bundles or not transcript):
            self._sound(audio, transcript)
            return
        if transcript:
            self._outbox.content(output_transcription=messages.Transcription(text=transcript))
        if audio:
            self._sound(audio, "")

    def write(self, text: str) -> None:
        """A piece of text, in deltas."""
        if self._profile.writes_transcripts:
            self._outbox.content(output_transcription=messages.Transcription(text=text))
            return
        for delta in _deltas(text):
            self._turn(messages.Part(text=delta))

    def call(self, calls: list[messages.FunctionCall]) -> None:
        """Function calls, in one message."""
        self._let_go()
        for call in calls if self._profile.shows_code else ():
            code = {"language": "PYTHON", "code": f"print(default_api.{call.name}({_arguments(call.args or {})}))"}
            self._turn(messages.Part(executable_code=code))
        self._outbox.send(ServerMessage(tool_call=messages.ToolCall(function_calls=calls)))

    def wait_for_results(self) -> None:
        """Nothing more comes before the results of calls."""
        if self._profile.generated_at_calls:
            self._finish_transcript(always=True)
            self._outbox.content(generation_complete=True)

    def leave(self) -> None:
        """The turn ends, though the results of its calls are still to come."""
        if not self._profile.generated_at_calls:
            self._outbox.content(generation_complete=True)

    def generated(self) -> None:
        """All of the turn has been sent."""
        self._let_go()
        spoke = self._transcribing
        self._finish_transcript()
        self._outbox.content(generation_complete=True)
        if spoke and self._profile.grounds_empty:
            self._outbox.content(grounding_metadata={})

    def cancelled(self, ids: list[str]) -> None:
        """Calls are not wanted any more, whose turn has ended."""
        if ids:
            self._outbox.send(ServerMessage(tool_call_cancellation=messages.ToolCallCancellation(ids=ids)))

    def _finish_transcript(self, *, always: bool = False) -> None:
        """Say that the transcript is complete, on Vertex AI; `always` also where nothing was said."""
        asked = self._options.setup.output_audio_transcription is not None
        if self._profile.vertex and (self._transcribing or (always and asked)):
            self._outbox.content(output_transcription=messages.Transcription(finished=True))
        self._transcribing = False

    def interrupted(self, cancelled: list[str]) -> None:
        """The turn is cut short.

        Source: the order is documented but for the cancellation; that one comes first here, because nothing of a turn
        is expected after its end.
        """
        self.cancelled(cancelled)
        self._let_go()
        self._transcribing = False
        self._outbox.content(interrupted=True)

    def complete(self, usage: Usage, turn: int, *, cut: bool, more: bool) -> None:
        """The turn is over.

        Args:
            usage: what it cost.
            turn: which it is, counted from 1.
            cut: whether it was interrupted.
            more: whether another will follow by itself.
        """
        counts = usage.take()
        if self._profile.no_turn_complete.happens(turn) and not cut:
            return
        status = ("IN_PROGRESS" if more else "IDLE") if self._profile.family.interaction_status else None
        content = ServerContent(turn_complete=True, interaction_status=status)
        self._outbox.send(ServerMessage(server_content=content, usage_metadata=counts))

    def heard(self, text: str) -> None:
        """The user's words in writing, word by word or in one piece."""
        pieces = re.findall(r"\s*\S+", f" {text}") if self._profile.family.input_words else [text] * bool(text)
        for piece in pieces:
            self._outbox.content(input_transcription=messages.Transcription(text=piece))
        if pieces and self._profile.vertex:
            self._outbox.content(input_transcription=messages.Transcription(finished=True))

    def hears(self, text: str) -> None:
        """What the user has said so far, in place of what was sent before."""
        self._outbox.content(interim_input_transcription=messages.Transcription(text=text))

    def transcribed(self) -> None:
        """An utterance is over, for a model that only transcribes."""
        self._outbox.content(generation_complete=True)

    def as_is(self, message: dict[str, Any]) -> None:
        """A message that somebody else has worded."""
        self._outbox.put(Send(server_frame(message)))

    def _transcript(self, text: str) -> str:
        """What of the transcript is to be sent now."""
        if not text:
            return ""
        if self._options.setup.output_audio_transcription is None:
            self._outbox.put(Spoken(text))
            return ""
        first, self._transcribing = not self._transcribing, True
        if first and self._profile.vertex:
            self._outbox.content(output_transcription=messages.Transcription())
        if self._profile.transcript_words or first:
            return text
        self._held += text
        if len(self._held) < _PHRASE_CHARACTERS:
            return ""
        held, self._held = self._held, ""
        return held

    def _let_go(self) -> None:
        if self._held:
            self._outbox.content(output_transcription=messages.Transcription(text=self._held))
            self._held = ""

    def _sound(self, audio: bytes, transcript: str) -> None:
        size = OUTPUT_FORMAT.frame_bytes
        step = max(size, -(-len(audio) // (self._profile.audio_parts * size)) * size)
        parts = [audio[at : at + step] for at in range(0, len(audio), step)]
        self._outbox.put(Send(audio_frame(parts, transcript, vertex=self._profile.vertex)))

    def _turn(self, part: messages.Part) -> None:
        role = "model" if self._profile.vertex else None
        self._outbox.content(model_turn=messages.Content(role=role, parts=[part]))


def _deltas(text: str) -> list[str]:
    """The first word, then the rest. Source: recorded sessions, where the first delta is a word or two."""
    return [delta for delta in re.split(r"(?<=\w)(?=\W)", text, maxsplit=1) if delta]


def _arguments(args: dict[str, Any]) -> str:
    """As Python writes them. Source: a recorded half-cascade session."""
    return ", ".join(f"{name}={value!r}" for name, value in args.items())
