"""Recordings of conversations: one format, written by clients, agents and the embedded server, read by `replay` and
`inspect`.

A recording is a folder:

    recording.json   when, by which side and which versions it was made, and what was left out
    frames.jsonl     what went over the connections, in order, with times; see `lines`
    audio.wav        both sides in stereo, the user left and the model right, in step with the frames

Keys, tokens and headers are never in it.
"""

from __future__ import annotations

from gemini_realtime.recordings.reading import ConversationRecording
from gemini_realtime.recordings.recorder import Recorder, RecordingOptions

__all__ = ["ConversationRecording", "Recorder", "RecordingOptions"]
