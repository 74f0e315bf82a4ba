from __future__ import annotations

from array import array
from contextlib import suppress
from typing import cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.audio.format import (
    INPUT_FORMAT,
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    OUTPUT_FORMAT,
    AudioFormat,
    Encoding,
    samples_to_bytes,
)
from gemini_realtime.errors import AudioFormatError

ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

formats = st.builds(
    AudioFormat,
    st.sampled_from(ENCODINGS),
    st.integers(MIN_RATE_HZ, MAX_RATE_HZ),
    st.integers(min_value=1, max_value=8),
)


def test_gemini_listens_at_16_khz_and_speaks_at_24_khz() -> None:
    assert INPUT_FORMAT.mime_type == "audio/pcm;rate=16000"
    assert OUTPUT_FORMAT.mime_type == "audio/pcm;rate=24000"
    assert OUTPUT_FORMAT.duration_ms(9_600) == 200  # the first audio of the recorded sessions


def test_unknown_encoding_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(AudioFormatError, match=r"'opus'.*pcm16, mulaw, alaw"):
        AudioFormat(cast(Encoding, "opus"))


@pytest.mark.parametrize("rate_hz", [0, 1, 7_999, -8000, 192_001, 16_000.0, "16000", None])
def test_impossible_rate_is_refused(rate_hz: object) -> None:
    with pytest.raises(AudioFormatError, match="rate_hz"):
        AudioFormat("pcm16", cast(int, rate_hz))


@pytest.mark.parametrize("channels", [0, 65, 1.0])
def test_impossible_channel_count_is_refused(channels: object) -> None:
    with pytest.raises(AudioFormatError, match="channels"):
        AudioFormat("pcm16", 16_000, cast(int, channels))


def test_a_frame_is_one_sample_of_every_channel() -> None:
    assert [AudioFormat(encoding, 8000, 2).frame_bytes for encoding in ENCODINGS] == [4, 2, 2]


@pytest.mark.parametrize(
    ("format", "ms", "n_bytes"),
    [
        (AudioFormat("pcm16", 16_000), 20, 640),
        (AudioFormat("mulaw", 8000), 20, 160),
        (AudioFormat("pcm16", 48_000, 2), 10, 1920),
        (AudioFormat("pcm16", 22_050), 20, 882),
        (AudioFormat("pcm16", 11_025), 10, 220),  # 110.25 frames
        (AudioFormat("pcm16", 44_100, 2), 0.02, 4),  # 0.88 of a frame
    ],
)
def test_ms_become_the_nearest_whole_frames(format: AudioFormat, ms: float, n_bytes: int) -> None:
    assert format.bytes_for_ms(ms) == n_bytes
    assert format.frames_for_ms(ms) * format.frame_bytes == n_bytes


@settings(derandomize=True, deadline=None)
@given(formats, st.integers(0, 10**9))
def test_bytes_to_ms_and_back_is_exact(format: AudioFormat, frames: int) -> None:
    n_bytes = frames * format.frame_bytes
    assert format.bytes_for_ms(format.duration_ms(n_bytes)) == n_bytes


@settings(derandomize=True, deadline=None)
@given(formats)
def test_mime_type_round_trip(format: AudioFormat) -> None:
    assert AudioFormat.from_mime_type(format.mime_type) == format


@pytest.mark.parametrize(
    "mime_type",
    [
        "audio/pcm;rate=24000",
        "audio/pcm; rate=24000",
        " Audio/PCM ;\tRATE = 24000 ; ",
        "audio/L16;codec=pcm;rate=24000",
        "audio/pcm;rate=24000;channels=1",
        'audio/pcm;rate="24000"',
    ],
)
def test_mime_type_is_read_in_any_case_and_spacing(mime_type: str) -> None:
    assert AudioFormat.from_mime_type(mime_type) == OUTPUT_FORMAT


def test_a_rate_that_is_stated_beats_the_default() -> None:
    assert AudioFormat.from_mime_type("audio/pcm", default_rate_hz=24_000) == OUTPUT_FORMAT
    assert AudioFormat.from_mime_type("audio/pcm;rate=16000", default_rate_hz=24_000) == INPUT_FORMAT


@pytest.mark.parametrize(
    ("mime_type", "problem"),
    [
        ("audio/pcm", "does not say its rate"),
        ("audio/opus;rate=48000", "'audio/opus;rate=48000' is not a type of raw audio"),
        ("", "not a type of raw audio"),
        ("audio/pcm;rate=fast", "'rate' is not a number"),
        ("audio/pcm;rate=", "'rate' is not a number"),
        ("audio/pcm;rate=16_000", "'rate' is not a number"),
        ("audio/pcm;rate=" + "9" * 5000, "'rate' is not a number"),
        ("audio/pcm;rate=0", "rate_hz=0"),
        ("audio/pcm;rate=16000;channels=x", "'channels' is not a number"),
    ],
)
def test_unreadable_mime_type_is_refused(mime_type: str, problem: str) -> None:
    with pytest.raises(AudioFormatError, match=problem):
        AudioFormat.from_mime_type(mime_type)


@pytest.mark.parametrize(
    "mime_type",
    [
        "",
        "7",
        "audio/pcm",
        "audio/pcm;rate=fast",
        "audio/pcm;rate=",
        "audio/pcm;rate=0",
        "audio/pcm;rate=-1",
        "audio/pcm;rate=\u00b2\u2074",
        "audio/pcm;rate=\u0662\u0664",
        "audio/pcm;rate=" + "9" * 5000,
        "audio/pcm;bitrate=128000",
        "audio/pcm;rate=24000;channels=many",
    ],
)
def test_what_a_received_type_does_not_say_is_as_usual(mime_type: str) -> None:
    assert AudioFormat.as_far_as_said(mime_type, OUTPUT_FORMAT) == OUTPUT_FORMAT


@pytest.mark.parametrize(
    "mime_type", ["audio/pcm;rate=16000", "AUDIO/PCM; Rate=16000", "audio/L16;codec=pcm;rate=16000 ;channels=x"]
)
def test_what_a_received_type_does_say_counts(mime_type: str) -> None:
    assert AudioFormat.as_far_as_said(mime_type, OUTPUT_FORMAT) == INPUT_FORMAT


@pytest.mark.parametrize("mime_type", ["image/png", "audio/opus", "audio/mpeg;rate=24000", "text/plain"])
def test_a_received_type_of_something_else_is_no_raw_audio(mime_type: str) -> None:
    assert AudioFormat.as_far_as_said(mime_type, OUTPUT_FORMAT) is None


def test_a_telephones_type_is_read_too() -> None:
    assert AudioFormat.as_far_as_said("audio/PCMU;rate=8000", OUTPUT_FORMAT) == AudioFormat("mulaw", 8000)


mime_types = st.text() | st.builds("audio/pcm;{}={}".format, st.sampled_from(["rate", "channels"]), st.text())


@settings(derandomize=True, deadline=None)
@given(mime_types)
def test_any_mime_type_is_read_or_refused(mime_type: str) -> None:
    AudioFormat.as_far_as_said(mime_type, OUTPUT_FORMAT)
    with suppress(AudioFormatError):
        AudioFormat.from_mime_type(mime_type, default_rate_hz=16_000)


def test_bytes_that_end_inside_a_frame_are_refused_without_being_shown() -> None:
    stereo = AudioFormat("pcm16", 16_000, 2)
    stereo.check(b"secret..")
    with pytest.raises(AudioFormatError, match=r"6 bytes .* inside a frame of 4 bytes") as refusal:
        stereo.check(b"secret")
    assert "secret" not in str(refusal.value)


def test_silence_decodes_to_zero() -> None:
    g711 = pytest.importorskip("gemini_realtime.audio.g711")
    assert AudioFormat("pcm16").silence(4) == bytes(4)
    assert g711.mulaw_decode(AudioFormat("mulaw").silence(2)) == bytes(4)
    assert g711.alaw_encode(bytes(4)) == AudioFormat("alaw").silence(2)  # A-law has no zero: its least is 8


@pytest.mark.parametrize("samples", [bytearray(b"\1\0\2\0"), memoryview(b"\1\0\2\0"), array("h", [1, 2])])
def test_samples_in_any_memory_are_bytes(samples: object) -> None:
    assert samples_to_bytes(samples) == b"\1\0\2\0"


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ([1, 2], "audio cannot be a list → pass bytes"),
        (7, "audio cannot be a int"),
        (None, "audio cannot be a NoneType"),
        (array("f", [0.5]), r"the samples are of the type 'f' → make them 16-bit integers"),
        (array("i", [1]), "the samples are of the type 'i'"),
    ],
)
def test_other_things_than_16_bit_samples_are_refused(samples: object, problem: str) -> None:
    with pytest.raises(AudioFormatError, match=problem):
        samples_to_bytes(samples)
