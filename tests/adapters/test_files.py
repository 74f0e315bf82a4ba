from __future__ import annotations

import asyncio
import math
import struct
import sys
import wave
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.adapters.files import Recording, StereoRecording, read_audio, read_wav, write_audio, write_wav
from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.testing import run_in_virtual_time as run


def pcm(*samples: int) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def write(path: Path, audio: bytes, channels: int, sample_bytes: int, rate_hz: int = 8000) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(sample_bytes)
        writer.setframerate(rate_hz)
        writer.writeframes(audio)
    return path


def header(encoding: int, bits: int, channels: int = 1, rate_hz: int = 8000, extra: bytes = b"") -> bytes:
    frame_bytes = channels * bits // 8
    fields = struct.pack("<HHIIHH", encoding, channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits)
    return b"WAVEfmt " + struct.pack("<I", len(fields + extra)) + fields + extra


def riff(body: bytes, data: bytes, data_bytes: int | None = None) -> bytes:
    size = len(data) if data_bytes is None else data_bytes
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + body + b"data" + struct.pack("<I", size) + data


def test_mono_16_bit_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", pcm(1, -2, 32_767, -32_768), 1, 2, rate_hz=22_050)
    assert read_wav(path) == (pcm(1, -2, 32_767, -32_768), 22_050)
    assert read_wav(str(path)) == read_wav(path)


def test_channels_are_averaged(tmp_path: Path) -> None:
    stereo = pcm(100, 300, -100, 100, 32_767, 32_767, -32_768, -32_768)
    assert read_wav(write(tmp_path / "a.wav", stereo, 2, 2))[0] == pcm(200, 0, 32_767, -32_768)
    assert read_wav(write(tmp_path / "b.wav", pcm(1, 2, 6), 3, 2))[0] == pcm(3)


@pytest.mark.parametrize(
    ("sample_bytes", "audio"),
    [
        pytest.param(1, bytes([128, 0, 255, 129]), id="8-bit"),
        pytest.param(3, bytes.fromhex("000000 000080 ffff7e 000001"), id="24-bit"),
        pytest.param(4, struct.pack("<4i", 0, -(2**31), 0x7EFFFFFF, 0x1000000), id="32-bit"),
    ],
)
def test_other_widths_become_16_bit(sample_bytes: int, audio: bytes, tmp_path: Path) -> None:
    assert read_wav(write(tmp_path / "a.wav", audio, 1, sample_bytes))[0] == pcm(0, -32_768, 0x7F00, 256)


def test_loudest_32_bit_sample_is_clipped_and_does_not_wrap_around(tmp_path: Path) -> None:
    loudest = struct.pack("<i", 2**31 - 1)
    assert read_wav(write(tmp_path / "a.wav", loudest, 1, 4))[0] == pcm(32_767)


PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
FLOAT_GUID = bytes.fromhex("0300000000001000800000aa00389b71")


def test_extensible_pcm_is_read_as_pcm(tmp_path: Path) -> None:
    path = tmp_path / "studio.wav"
    extension = struct.pack("<HHI", 22, 24, 4)
    path.write_bytes(riff(header(0xFFFE, 24, extra=extension + PCM_GUID), b"\x00\x00\x01"))
    assert read_wav(path) == (pcm(256), 8000)
    path.write_bytes(riff(header(0xFFFE, 32, extra=extension + FLOAT_GUID), bytes(4)))
    with pytest.raises(AudioFormatError):
        read_wav(path)


@pytest.mark.parametrize("claimed_bytes", [0xFFFFFFFF, 1000])
def test_a_length_that_is_too_long_gives_the_whole_frames_there_are(claimed_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    path.write_bytes(riff(header(1, 16), pcm(1, 2, 3) + b"\x04", claimed_bytes))
    assert read_wav(path) == (pcm(1, 2, 3), 8000)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "damaged or cut short", id="empty"),
        pytest.param(riff(header(1, 16) + b"LIST\xff\xff\xff\xff", b""), "damaged or cut short", id="cut"),
        pytest.param(b"ID3\x04 an mp3", "RIFF", id="mp3"),
        pytest.param(riff(header(3, 32), bytes(8)), "unknown format: 3", id="float"),
        pytest.param(riff(header(1, 64), bytes(8)), "64 bits", id="64-bit"),
        pytest.param(riff(header(1, 16, rate_hz=0), bytes(8)), "at 0 Hz", id="no-rate"),
        pytest.param(riff(header(1, 16, channels=0), bytes(8)), "bad # of channels", id="no-channel"),
    ],
)
def test_what_cannot_be_read_is_refused_with_path_and_reason(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFormatError, match=problem) as refusal:
        read_wav(path)
    assert str(path) in str(refusal.value)
    assert "ffmpeg" in refusal.value.remedy


def test_what_is_no_path_is_no_recording() -> None:
    with pytest.raises(ConfigError, match="pass the path of a sound file"):
        Recording(b"RIFF")  # type: ignore[arg-type]


def test_a_missing_file_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "nowhere.wav")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.data())
def test_any_damage_is_survived_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(riff(header(1, 16, channels=2), bytes(8)))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(AudioFormatError):
        audio, rate_hz = read_wav(path)
        assert len(audio) % 2 == 0
        assert rate_hz > 0


def test_only_unusual_files_need_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert read_wav(write(tmp_path / "a.wav", pcm(1, 2), 1, 2))[0] == pcm(1, 2)
    with pytest.raises(MissingDependencyError, match=r"\[audio\]"):
        read_wav(write(tmp_path / "b.wav", pcm(1, 2), 2, 2))


@settings(derandomize=True, deadline=None)
@given(st.binary().map(lambda half: half + half), st.integers(8_000, 192_000))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, audio: bytes, rate_hz: int) -> None:
    path = tmp_path_factory.getbasetemp() / "again.wav"
    write_wav(path, audio, rate_hz)
    assert read_wav(path) == (audio, rate_hz)


def test_half_a_frame_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(AudioFormatError):
        write_wav(tmp_path / "a.wav", bytes(6), 8000, channels=2)
    assert not (tmp_path / "a.wav").exists()


def saved(recording: StereoRecording, directory: Path) -> tuple[list[int], list[int]]:
    recording.save(directory / "conversation.wav")
    with wave.open(str(directory / "conversation.wav"), "rb") as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, recording.format.rate_hz)
        both = struct.unpack(f"<{2 * reader.getnframes()}h", reader.readframes(reader.getnframes()))
    return list(both[0::2]), list(both[1::2])


def test_each_side_sounds_when_it_was_said(tmp_path: Path) -> None:
    recording = StereoRecording(8000)
    recording.left(pcm(1, 2), at_ms=1 / 8)
    recording.right(pcm(7, 8), at_ms=4 / 8)
    recording.left(pcm(3), at_ms=6 / 8)
    assert saved(recording, tmp_path) == ([0, 1, 2, 0, 0, 0, 3], [0, 0, 0, 0, 7, 8, 0])


def test_audio_sent_ahead_of_time_follows_what_still_sounds(tmp_path: Path) -> None:
    recording = StereoRecording(8000)
    recording.right(pcm(1, 2, 3), at_ms=0)
    recording.right(pcm(4, 5), at_ms=1 / 8)
    recording.right(pcm(6), at_ms=2 / 8)
    assert saved(recording, tmp_path) == ([0] * 6, [1, 2, 3, 4, 5, 6])


def test_interruption_drops_what_was_not_heard(tmp_path: Path) -> None:
    recording = StereoRecording(8000)
    recording.left(pcm(1, 1, 1, 1), at_ms=0)
    recording.right(pcm(1, 2, 3, 4), at_ms=0)
    recording.cut_right(2 / 8)
    recording.cut_right(50 / 8)  # nothing sounds then
    recording.right(pcm(9), at_ms=3 / 8)
    assert saved(recording, tmp_path) == ([1, 1, 1, 1], [1, 2, 0, 9])
    recording.cut_right(-1)
    assert saved(recording, tmp_path)[1] == [0, 0, 0, 0]


def test_half_a_sample_is_not_recorded(tmp_path: Path) -> None:
    recording = StereoRecording()
    for side in (recording.left, recording.right):
        with pytest.raises(AudioFormatError):
            side(b"\x00", 0)
    assert saved(recording, tmp_path) == ([], [])


# --- other formats, by libsndfile

TONE = [round(8000 * math.sin(2 * math.pi * 440 * n / 16_000)) for n in range(16_000)]


@pytest.mark.parametrize(("name", "most"), [("a.flac", 0), ("a.ogg", 900), ("a.wav", 0)])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_in_any_format_is_read_again(name: str, most: int, channels: int, tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra [audio]")
    write_audio(tmp_path / name, pcm(*(sample for sample in TONE for _ in range(channels))), 16_000, channels)
    audio, rate_hz = read_audio(tmp_path / name)
    heard = struct.unpack(f"<{len(audio) // 2}h", audio)
    assert rate_hz == 16_000
    assert len(heard) == pytest.approx(16_000, abs=0 if most == 0 else 3000)
    middle = slice(4000, 12_000)
    assert max(abs(a - b) for a, b in zip(heard[middle], TONE[middle], strict=True)) <= most


def test_waves_of_floating_point_are_read_at_full_scale(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra [audio]")
    path = tmp_path / "float.wav"
    path.write_bytes(riff(header(3, 32), struct.pack("<4f", 0, 0.5, -1, 1), 16))
    assert read_audio(path) == (pcm(0, 16_384, -32_768, 32_767), 8000)


@pytest.mark.parametrize("content", [b"", b"no sound at all", b"fLaC" + bytes(40), b"OggS" + bytes(40)])
def test_what_is_no_sound_is_refused_with_path_and_reason(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra [audio]")
    (tmp_path / "speech.ogg").write_bytes(content)
    with pytest.raises(AudioFormatError, match=r"speech\.ogg.*cannot be read as sound.*ffmpeg"):
        read_audio(tmp_path / "speech.ogg")


def test_a_format_nobody_knows_is_not_written(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra [audio]")
    with pytest.raises(AudioFormatError, match=r"speech\.xyz.*use \.wav"):
        write_audio(tmp_path / "speech.xyz", pcm(1), 16_000)


def test_without_libsndfile_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    (tmp_path / "speech.flac").write_bytes(b"fLaC")
    with pytest.raises(MissingDependencyError, match=r"\[audio\]"):
        read_audio(tmp_path / "speech.flac")
    with pytest.raises(MissingDependencyError, match=r"\[audio\]"):
        write_audio(tmp_path / "speech.flac", pcm(1), 16_000)
    (tmp_path / "speech.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioFormatError):
        read_audio(tmp_path / "speech.wav")


# --- a recording in place of a microphone

CHUNK_BYTES = 640
LOUD = b"\x00\x40" * (CHUNK_BYTES // 2)


async def chunks_with_times(recording: Recording, count: int) -> list[tuple[float, bytes]]:
    heard: list[tuple[float, bytes]] = []
    async for chunk in recording:
        heard.append((round(asyncio.get_running_loop().time() * 1000), chunk))
        if len(heard) == count:
            break
    return heard


def test_a_recording_is_heard_in_real_time_and_silence_follows(tmp_path: Path) -> None:
    write_wav(tmp_path / "q.wav", LOUD * 2 + b"\x00\x40", 16_000)
    recording = Recording(tmp_path / "q.wav")
    heard = run(chunks_with_times(recording, 5))
    rest = b"\x00\x40" + bytes(CHUNK_BYTES - 2)
    assert heard == [(20, LOUD), (40, LOUD), (60, rest), (80, bytes(CHUNK_BYTES)), (100, bytes(CHUNK_BYTES))]
    assert recording.over


def test_a_recording_is_not_over_before_its_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "q.wav", LOUD * 3, 16_000)
    recording = Recording(tmp_path / "q.wav")
    run(chunks_with_times(recording, 2))
    assert not recording.over


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (44_100, 2)])
def test_a_recording_may_have_any_rate_and_channels(tmp_path: Path, rate_hz: int, channels: int) -> None:
    write_wav(tmp_path / "q.wav", bytes(2 * channels * rate_hz), rate_hz, channels)
    recording = Recording(tmp_path / "q.wav")
    run(chunks_with_times(recording, 50))
    assert not recording.over
    run(chunks_with_times(recording, 51))
    assert recording.over


def test_a_recording_may_be_heard_faster_and_its_silence_takes_its_time(tmp_path: Path) -> None:
    write_wav(tmp_path / "q.wav", LOUD * 2, 16_000)
    heard = run(chunks_with_times(Recording(tmp_path / "q.wav", real_time=False), 4))
    assert heard == [(0, LOUD), (0, LOUD), (20, bytes(CHUNK_BYTES)), (40, bytes(CHUNK_BYTES))]
