from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from gemini_realtime.audio import g711
from gemini_realtime.errors import AudioFormatError, MissingDependencyError

Codec = Callable[[bytes], bytes]

EVERY_SAMPLE = np.arange(-32_768, 32_768).astype("<i2").tobytes()
EVERY_CODE = bytes(range(256))
LAWS = [
    pytest.param(g711.mulaw_encode, g711.mulaw_decode, id="mulaw"),
    pytest.param(g711.alaw_encode, g711.alaw_decode, id="alaw"),
]


def samples(pcm: bytes) -> NDArray[np.int64]:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def test_every_sample_and_code_is_what_audioop_made_of_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop", reason="left the standard library in Python 3.13")
    assert g711.mulaw_encode(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE, 2)
    assert g711.alaw_encode(EVERY_SAMPLE) == audioop.lin2alaw(EVERY_SAMPLE, 2)
    assert g711.mulaw_decode(EVERY_CODE) == audioop.ulaw2lin(EVERY_CODE, 2)
    assert g711.alaw_decode(EVERY_CODE) == audioop.alaw2lin(EVERY_CODE, 2)


def test_every_code_has_the_checksum_of_audioop() -> None:
    """The same comparison for Pythons without audioop: checksums of what 3.11's made."""
    assert crc32(g711.mulaw_encode(EVERY_SAMPLE)) == 0x3B7C3A3E
    assert crc32(g711.alaw_encode(EVERY_SAMPLE)) == 0x9133796E


def test_mulaw_decodes_to_the_values_of_the_recommendation() -> None:
    """G.711 table 2a: segment s has 16 steps of 2**(s + 1), from 33 * 2**s - 33, here times 4 for 16 bits."""
    values = [4 * (((33 + 2 * step) << segment) - 33) for segment in range(8) for step in range(16)]
    positive = samples(g711.mulaw_decode(bytes(range(255, 127, -1))))
    negative = samples(g711.mulaw_decode(bytes(range(127, -1, -1))))
    assert positive.tolist() == values
    assert negative.tolist() == [-value for value in values]
    assert values[-1] == 32_124


def test_alaw_decodes_to_the_values_of_the_recommendation() -> None:
    """G.711 table 1a: the middles of 32 steps of 2, then of 16 steps doubling per segment, times 8 for 16 bits."""
    values = [8 * (2 * step + 1) for step in range(32)]
    values += [8 * ((33 + 2 * step) << segment) for segment in range(1, 7) for step in range(16)]
    positive = samples(g711.alaw_decode(bytes(code ^ 0xD5 for code in range(128))))
    negative = samples(g711.alaw_decode(bytes(code ^ 0x55 for code in range(128))))
    assert positive.tolist() == values
    assert negative.tolist() == [-value for value in values]
    assert values[-1] == 32_256


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_no_sample_is_off_by_more_than_half_a_step(encode: Codec, decode: Codec) -> None:
    """Half a step is a 33rd of the value in both laws (mu-law's biased by 132), and at least 8."""
    heard = samples(decode(encode(EVERY_SAMPLE)))
    half_step = np.maximum(8, (np.abs(heard) + 132) / 33)
    unseen = 8  # the bits that A-law drops before it codes, three
    assert (np.abs(heard - samples(EVERY_SAMPLE)) <= half_step + unseen).all()


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_what_was_decoded_encodes_to_the_same_code(encode: Codec, decode: Codec) -> None:
    again = encode(decode(EVERY_CODE))
    negative_zero = bytes(a for a, b in zip(EVERY_CODE, again, strict=True) if a != b)
    assert negative_zero in (b"", b"\x7f")  # mu-law has two zeros
    assert decode(again) == decode(EVERY_CODE)


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_loudness_order_is_kept(encode: Codec, decode: Codec) -> None:
    assert (np.diff(samples(decode(encode(EVERY_SAMPLE)))) >= 0).all()


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_nothing_stays_nothing(encode: Codec, decode: Codec) -> None:
    assert encode(b"") == decode(b"") == b""


@pytest.mark.parametrize(("encode", "decode"), LAWS)
def test_half_a_sample_is_refused(encode: Codec, decode: Codec) -> None:
    with pytest.raises(AudioFormatError):
        encode(b"\x00\x00\x00")


@pytest.mark.parametrize("module", ["g711", "resample"])
def test_without_numpy_the_extra_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, f"gemini_realtime.audio.{module}", raising=False)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gemini-realtime\[audio\]'"):
        importlib.import_module(f"gemini_realtime.audio.{module}")
