from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.audio.chunks import Chunker, WholeFrames
from gemini_realtime.audio.format import INPUT_FORMAT, AudioFormat
from gemini_realtime.errors import AudioFormatError


def test_chunks_are_cut_across_pushes() -> None:
    chunker = Chunker(AudioFormat("pcm16", 8000), chunk_ms=2 / 8)
    assert chunker.push(b"abc") == []
    assert chunker.push(b"defghi") == [b"abcd", b"efgh"]
    assert chunker.push(b"j") == []
    assert chunker.flush() == b"ij"


def test_flush_starts_afresh() -> None:
    chunker = Chunker(AudioFormat("pcm16", 8000), chunk_ms=2 / 8)
    chunker.push(b"abc")
    assert chunker.flush() == b"ab"  # "c" is half a sample
    assert chunker.push(b"wxyz") == [b"wxyz"]
    assert chunker.flush() == b""


@settings(derandomize=True, deadline=None)
@given(st.lists(st.binary(max_size=40)), st.integers(1, 9), st.integers(1, 3))
def test_no_byte_is_lost_or_moved(pieces: list[bytes], frames: int, channels: int) -> None:
    format = AudioFormat("pcm16", 8000, channels)
    chunker = Chunker(format, frames / 8)
    chunks = [chunk for piece in pieces for chunk in chunker.push(piece)]
    rest = chunker.flush()
    audio = b"".join(pieces)
    whole_frames = len(audio) - len(audio) % format.frame_bytes
    assert b"".join(chunks) + rest == audio[:whole_frames]
    assert {len(chunk) for chunk in chunks} <= {chunker.chunk_bytes}
    assert len(rest) < chunker.chunk_bytes


def test_chunks_of_20_ms_are_640_bytes_for_gemini() -> None:
    assert Chunker(INPUT_FORMAT, 20).chunk_bytes == 640


@pytest.mark.parametrize("chunk_ms", [0, -20, 0.01])
def test_a_chunk_without_a_frame_is_refused(chunk_ms: float) -> None:
    with pytest.raises(AudioFormatError, match="holds no frame"):
        Chunker(INPUT_FORMAT, chunk_ms)


def test_frames_that_are_cut_anywhere_come_whole() -> None:
    frames = WholeFrames(AudioFormat("pcm16", 8000))
    assert [frames.push(piece) for piece in (b"a", b"bc", b"", b"def", b"gh")] == [b"", b"ab", b"", b"cdef", b"gh"]
    frames.push(b"x")
    frames.clear()
    assert frames.push(b"yz") == b"yz"
