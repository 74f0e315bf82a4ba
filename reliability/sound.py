"""Microphone audio that can be told apart: each chunk carries its number, and which utterance it belongs to."""

from __future__ import annotations

import struct
from typing import NamedTuple

RATE_HZ = 16_000

_HEAD = struct.Struct("<4sIH")
_MAGIC = b"\x01\xfeR\xfd"
_LOUD = b"\x00\x20\x00\xe0"
"""Two samples; together an 8 kHz tone of a quarter of full scale."""

HEAD_BYTES = 2 * _HEAD.size
"""The head is written one byte to a sample, so that silence stays nearly silent."""


class Chunk(NamedTuple):
    """A piece of the microphone's audio.

    Attributes:
        number: from 0.
        utterance: what is being said, from 1; 0 in silence.
    """

    number: int
    utterance: int


def chunk_bytes(duration_ms: int) -> int:
    """How long a chunk is."""
    return RATE_HZ // 1000 * duration_ms * 2


def sound_of(chunk: Chunk, duration_ms: int) -> bytes:
    """A chunk as samples."""
    head = bytearray(HEAD_BYTES)
    head[::2] = _HEAD.pack(_MAGIC, chunk.number, chunk.utterance)
    length = chunk_bytes(duration_ms) - HEAD_BYTES
    return bytes(head) + (_LOUD * (length // 4 + 1) if chunk.utterance else bytes(length))[:length]


def chunks_in(audio: bytes, duration_ms: int) -> list[Chunk]:
    """The chunks in a piece of audio.

    Raises:
        ValueError: it does not consist of whole chunks.
    """
    length = chunk_bytes(duration_ms)
    if len(audio) % length:
        raise ValueError(f"{len(audio)} bytes of audio are not chunks of {length}")
    chunks = []
    for start in range(0, len(audio), length):
        magic, number, utterance = _HEAD.unpack(audio[start : start + HEAD_BYTES : 2])
        if magic != _MAGIC:
            raise ValueError("audio that does not begin with a chunk")
        chunks.append(Chunk(number, utterance))
    return chunks
