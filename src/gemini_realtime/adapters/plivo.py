"""Telephone calls by Plivo Audio Streaming.

    @app.websocket("/call")
    async def call(websocket: WebSocket) -> None:
        await websocket.accept()
        await RealtimeAgent(name="host", audio_adapter=PlivoAudioAdapter(websocket), llm_config=llm_config).run()

Plivo is sent to it by `<Stream bidirectional="true" keepCallAlive="true">wss://.../call</Stream>`; with
`contentType="audio/x-l16;rate=16000"` the caller is heard better than over mu-law. Needs the extra `[audio]` (numpy).

Source: https://plivo.com/docs/voice/audio-streaming/audio-streaming. It does not say in which order the two bytes of an
`audio/x-l16` sample come; that the lower one comes first, as in the programs that live with Plivo, is a guess.
"""

from __future__ import annotations

from gemini_realtime.adapters.media_stream import Json
from gemini_realtime.adapters.telephone import TelephoneAudioAdapter
from gemini_realtime.audio.telephone import ToTelephone
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import encode_base64

_CONTENT_TYPES = {"mulaw": "audio/x-mulaw", "pcm16": "audio/x-l16"}


class PlivoAudioAdapter(TelephoneAudioAdapter):
    """Carries the sound of one call, both ways as its stream announces; what Plivo says of it is in `start`."""

    def started(self, message: Json) -> None:
        """The stream begins; AudioFormatError when it is encoded in a way that is not known here."""
        super().started(message)
        self.stream_sid = str(self.start.get("streamId") or "") or None
        line = self._from_line.format
        if line.encoding not in _CONTENT_TYPES:
            raise AudioFormatError(f"Plivo plays no {line.mime_type}", remedy='stream "audio/x-mulaw;rate=8000"')
        self._to_line = ToTelephone(line)

    def media(self, payload: bytes) -> Json:
        """The message that carries audio."""
        line = self._to_line.format
        media = {
            "contentType": _CONTENT_TYPES[line.encoding],
            "sampleRate": line.rate_hz,
            "payload": encode_base64(payload).decode("ascii"),
        }
        return {"event": "playAudio", "media": media}

    def mark(self, name: str) -> Json:
        """The message that is returned when all audio before it has been played."""
        return {"event": "checkpoint", "streamId": self.stream_sid, "name": name}

    def clear_message(self) -> Json:
        """The message that empties Plivo's queue."""
        return {"event": "clearAudio", "streamId": self.stream_sid}

    def returned_mark(self, message: Json) -> str | None:
        """The name of the checkpoint that this message returns, if it is such a message."""
        return str(message["name"]) if message["event"] == "playedStream" else None
