"""Sound and pictures in a client's messages: set aside where only words matter, and decoded before their turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from gemini_realtime.audio.format import INPUT_FORMAT, AudioFormat
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.wire.refusals import AUDIO_TYPE, BASE64, Refused
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import decode_base64

_DATA: Final = b'"data"'
_BEGINS: Final = re.compile(rb'"data"[ :\r\n\t]*"(?=[A-Za-z0-9+/_-]{32})')  # other things may be called data: words
_MEDIA: Final = re.compile(rb"[A-Za-z0-9+/_-]{32}")

_LONGEST_USUAL: Final = 100
_LONGEST_LIKENESS: Final = 1024


class Decoded(messages.Blob):
    """Media of which the bytes are known already: `data` is empty.

    Attributes:
        content: the bytes.
    """

    content: bytes = b""


def light(message: bytes) -> bytes:
    """A message without its sound and pictures, made without reading it."""
    kept, begin = [], 0
    at = message.find(_DATA)
    while at >= 0 and (found := _BEGINS.search(message, at)) is not None:
        start = found.end()
        end = message.find(b'"', start)
        if end < 0:
            break
        kept.append(message[begin:start])
        begin = end
        at = message.find(_DATA, end)
    return b"".join((*kept, message[begin:])) if kept else message


class Lightener:
    """Makes the messages of one side `light`: nearly all differ from the one before in their sound only.

    Such messages are all the same when light, and one object stands for them: there are fifty a second.
    """

    def __init__(self) -> None:
        self._light = self._head = self._tail = b""

    def light(self, message: bytes) -> bytes:
        """The next message without its sound and pictures."""
        start, end = len(self._head), len(message) - len(self._tail)
        if (
            self._light
            and message.find(b'"', start) == end
            and message.startswith(self._head)
            and message.endswith(self._tail)
            and _MEDIA.match(message, start)
        ):
            return self._light
        return self._learn(message)

    def _learn(self, message: bytes) -> bytes:
        lighter = light(message)
        found = _BEGINS.search(message)
        if found is not None and len(lighter) < _LONGEST_LIKENESS:
            self._head = message[: found.end()]
            self._tail = message[message.find(b'"', found.end()) :]
            self._light = lighter if len(lighter) == len(self._head) + len(self._tail) else b""
        return lighter


def content_of(blob: messages.Blob, where: str) -> bytes:
    """The bytes of a blob.

    Args:
        blob: as it came, or decoded.
        where: the path to it, in snake case.

    Raises:
        Refused: it is not base64.
    """
    if isinstance(blob, Decoded):
        return blob.content
    try:
        return decode_base64(blob.data)
    except AudioFormatError:
        raise Refused(BASE64, where=f"{where}.data") from None


def sound_of(mime_type: str) -> AudioFormat:
    """The format of a client's sound, which is the same fifty times a second; what is kept is bounded in length too.

    Raises:
        Refused: it is not 16-bit PCM of one channel.
    """
    return _known_sound(mime_type) if len(mime_type) < _LONGEST_USUAL else _sound(mime_type)


def decode_media(message: messages.ClientMessage) -> None:
    """Decode all media in a message: where they are long, that is not to be done while others wait.

    Raises:
        Refused: some of them are not base64.
    """
    item, content = message.realtime_input, message.client_content
    if item is not None:
        if item.audio is not None:
            item.audio = _decoded(item.audio, "realtime_input.audio")
        if item.video is not None:
            item.video = _decoded(item.video, "realtime_input.video")
        if item.media_chunks:
            item.media_chunks = [_decoded(item.media_chunks[0], "realtime_input.media_chunks[0]")]
    if content is not None:
        for where, part in _parts(content):
            if part.inline_data is not None:
                part.inline_data = _decoded(part.inline_data, f"{where}.inline_data")


def _parts(content: messages.ClientContent) -> Iterator[tuple[str, messages.Part]]:
    for number, turn in enumerate(content.turns):
        for place, part in enumerate(turn.parts):
            yield f"client_content.turns[{number}].parts[{place}]", part


def _sound(mime_type: str) -> AudioFormat:
    try:
        sound = AudioFormat.from_mime_type(mime_type, default_rate_hz=INPUT_FORMAT.rate_hz)
    except AudioFormatError:
        raise Refused(AUDIO_TYPE) from None
    if sound.encoding != "pcm16" or sound.channels != 1:
        raise Refused(AUDIO_TYPE)
    return sound


_known_sound = lru_cache(maxsize=64)(_sound)


def _decoded(blob: messages.Blob, where: str) -> Decoded:
    return Decoded(mime_type=blob.mime_type, display_name=blob.display_name, content=content_of(blob, where))
