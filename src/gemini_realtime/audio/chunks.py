"""Any byte stream, cut into equal chunks, or into whole frames."""

from __future__ import annotations

from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.errors import AudioFormatError


class WholeFrames:
    """A byte stream that may be cut inside a frame, given on in whole frames."""

    def __init__(self, format: AudioFormat) -> None:
        self.format = format
        self._rest = b""

    def push(self, audio: bytes) -> bytes:
        """Take the next bytes, and return the whole frames; the begun one waits for its end."""
        if self._rest:
            audio = self._rest + audio
        begun = len(audio) % self.format.frame_bytes
        self._rest = audio[len(audio) - begun :]
        return audio[: len(audio) - begun] if begun else audio

    def clear(self) -> None:
        """Forget the begun frame: what comes next is another stream."""
        self._rest = b""


class Chunker:
    """Cut a byte stream into chunks of equal length, wherever its own pieces begin and end.

    Attributes:
        chunk_bytes: the length of every chunk: `chunk_ms` to the nearest whole frame.

    Raises:
        AudioFormatError: `chunk_ms` is shorter than half a frame.
    """

    def __init__(self, format: AudioFormat, chunk_ms: float) -> None:
        self.format = format
        self.chunk_bytes = format.bytes_for_ms(chunk_ms)
        if self.chunk_bytes <= 0:
            raise AudioFormatError(f"a chunk of {chunk_ms} ms holds no frame of {format.mime_type}")
        self._rest = bytearray()

    def push(self, audio: bytes) -> list[bytes]:
        """Take the next bytes, of any length, and return the chunks they complete, oldest first."""
        self._rest += audio
        whole = len(self._rest) - len(self._rest) % self.chunk_bytes
        chunks = [bytes(self._rest[at : at + self.chunk_bytes]) for at in range(0, whole, self.chunk_bytes)]
        del self._rest[:whole]
        return chunks

    def flush(self) -> bytes:
        """Return what is left, shorter than a chunk, and start afresh.

        Whole frames only: the stream ended inside the frame that is left out, and part of one is no sound.
        """
        rest = bytes(self._rest)
        self._rest.clear()
        return rest[: len(rest) - len(rest) % self.format.frame_bytes]
