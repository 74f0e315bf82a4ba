from __future__ import annotations

import asyncio
import builtins
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gemini_realtime.adapters import devices
from gemini_realtime.adapters.devices import (
    CHUNK_MS,
    DeviceInfo,
    MicrophoneQueue,
    SoundDevice,
    default_devices,
    list_devices,
)
from gemini_realtime.adapters.echo import GATE_TAIL_MS, EchoCanceller
from gemini_realtime.adapters.files import read_wav
from gemini_realtime.audio.resample import resample
from gemini_realtime.errors import ConfigError, GeminiRealtimeError, MissingDependencyError
from tests.loop import settle, until
from tests.sound_card import virtual_sound_card

SAMPLES = Path(devices.__file__).parents[1] / "local" / "samples"
CHUNK_BYTES = 640
TIMEOUT_S = 60


# --- the queue


async def test_chunks_are_read_in_order_however_they_arrive() -> None:
    queue = MicrophoneQueue()
    queue.put(b"1")
    queue.put(b"2")
    assert [await anext(queue), await anext(queue)] == [b"1", b"2"]
    reading = asyncio.ensure_future(anext(queue))
    await settle()
    assert not reading.done()
    queue.put(b"3")
    assert await reading == b"3"
    assert queue.dropped_ms == 0


async def test_the_oldest_are_dropped_and_counted_when_nobody_reads() -> None:
    queue = MicrophoneQueue(max_chunks=2)
    for chunk in (b"1", b"2", b"3", b"4"):
        queue.put(chunk)
    assert queue.dropped_ms == 2 * CHUNK_MS
    assert [await anext(queue), await anext(queue)] == [b"3", b"4"]


async def test_what_is_forgotten_is_not_dropped() -> None:
    queue = MicrophoneQueue()
    queue.put(b"1")
    queue.clear()
    queue.put(b"2")
    assert await anext(queue) == b"2"
    assert queue.dropped_ms == 0


# --- the device, over a PortAudio played by the test


class FakeStream:
    """Stands for a stream of PortAudio: the test calls back in its place."""

    def __init__(self, *, callback: Callable[..., None], samplerate: int, blocksize: int, **options: Any) -> None:
        self.callback = callback
        self.samplerate = samplerate
        self.blocksize = blocksize
        self.device = options["device"]
        self.latency = (0.01, 0.03)
        self.state = "new"
        self.active = True

    def start(self) -> None:
        self.state = "started"

    def close(self) -> None:
        self.state = "closed"

    def duplex(self, heard: bytes, round_trip_s: float = 0.04) -> bytes:
        """One block: what the microphone hears in, what the loudspeaker says out."""
        spoken = bytearray(2 * self.blocksize)
        time = SimpleNamespace(inputBufferAdcTime=0.99, outputBufferDacTime=0.99 + round_trip_s)
        self.callback(heard, memoryview(spoken), self.blocksize, time, None)
        return bytes(spoken)

    def output(self) -> bytes:
        """One block of the loudspeaker alone."""
        spoken = bytearray(2 * self.blocksize)
        self.callback(memoryview(spoken), self.blocksize, None, None)
        return bytes(spoken)


class FakePortAudio:
    """Stands for the module `sounddevice`.

    Attributes:
        devices: name by kind, those that the system uses.
        others: more of them, as kind and name.
        rates_hz: what the loudspeaker accepts.
        refusal: why streams do not open.
        streams: those that were opened.
    """

    class PortAudioError(Exception):
        pass

    def __init__(self) -> None:
        self.devices = {"input": "Webcam", "output": "Headphones"}
        self.rates_hz = {48_000}
        self.refusal = ""
        self.streams: list[FakeStream] = []
        self.others: list[tuple[str, str]] = []
        self.initialized = 0

    def query_devices(self, device: str | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return [
                {"name": name, "max_input_channels": kind == "input", "max_output_channels": kind == "output"}
                for kind, name in (*self.devices.items(), *self.others)
            ]
        if kind not in self.devices:
            raise self.PortAudioError(f"Error querying device -1: no {kind}")
        return {"name": device or self.devices[kind], "default_samplerate": float(max(self.rates_hz))}

    def _terminate(self) -> None:
        assert not any(stream.state == "started" for stream in self.streams)

    def _initialize(self) -> None:
        self.initialized += 1

    def check_output_settings(self, *, device: str | None, samplerate: int, channels: int, dtype: str) -> None:
        assert (channels, dtype) == (1, "int16")
        if samplerate not in self.rates_hz:
            raise self.PortAudioError("Invalid sample rate")

    def RawStream(self, **options: Any) -> FakeStream:
        return self._open(options)

    def RawOutputStream(self, **options: Any) -> FakeStream:
        return self._open(options)

    def _open(self, options: dict[str, Any]) -> FakeStream:
        if self.refusal:
            raise self.PortAudioError(self.refusal)
        self.streams.append(FakeStream(**options))
        return self.streams[-1]


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def chirp(rate_hz: int, ms: int) -> bytes:
    """A sweep up from 200 Hz, 10 Hz per ms: no two pieces of it are alike."""
    t = np.arange(rate_hz * ms // 1000) / rate_hz
    wave: NDArray[np.float64] = 8000 * np.sin(2 * np.pi * (200 * t + 5000 * t**2))
    return pcm16(wave)


def pcm16(wave: NDArray[np.float64]) -> bytes:
    return bytes(np.rint(wave.clip(-32_768, 32_767)).astype("<i2").tobytes())


def likeness(pcm: bytes, reference: bytes) -> tuple[int, float]:
    """Where in `pcm` the reference is, in samples, and how alike they are there: 1 is equal up to loudness."""
    heard, wanted = samples(pcm), samples(reference)
    n = 1 << (len(heard) + len(wanted)).bit_length()
    matches = np.fft.irfft(np.fft.rfft(heard, n) * np.conj(np.fft.rfft(wanted, n)), n)
    at = int(np.argmax(matches[: len(heard)]))
    found = heard[at : at + len(wanted)]
    return at, float(found @ wanted[: len(found)] / (np.linalg.norm(found) * np.linalg.norm(wanted) or 1))


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000, 96_000])
async def test_both_ways_are_converted_without_a_hole(portaudio: FakePortAudio, rate_hz: int) -> None:
    portaudio.rates_hz = {rate_hz}
    async with SoundDevice(echo_cancellation=False) as device:
        (stream,) = portaudio.streams
        assert (stream.samplerate, stream.blocksize) == (rate_hz, rate_hz // 50)
        device.play(chirp(24_000, 400))
        microphone, block_bytes = chirp(rate_hz, 400), 2 * stream.blocksize
        spoken = b"".join(stream.duplex(microphone[block_bytes * n :][:block_bytes]) for n in range(20))
        heard = b"".join([await anext(device.microphone) for _ in range(20)])
    assert len(heard) == 20 * CHUNK_BYTES
    for result, ideal in ((spoken, chirp(rate_hz, 350)), (heard, chirp(16_000, 350))):
        at, alike = likeness(result, ideal)
        assert at * 2 < len(result) / 50  # less than 8 ms late
        assert alike > 0.9999


async def test_the_chunks_of_the_microphone_are_equally_long_from_the_first(portaudio: FakePortAudio) -> None:
    async with SoundDevice(echo_cancellation=False) as device:
        for _ in range(3):
            portaudio.streams[0].duplex(bytes(1920))
        assert [len(await anext(device.microphone)) for _ in range(3)] == [CHUNK_BYTES] * 3


async def test_silence_is_immediate_after_a_flush(portaudio: FakePortAudio) -> None:
    async with SoundDevice(echo_cancellation=False) as device:
        (stream,) = portaudio.streams
        device.play(chirp(24_000, 1000))
        assert any(stream.duplex(bytes(1920)))
        device.flush()
        stream.duplex(bytes(1920))  # the end of what was in the resampler
        assert not any(stream.duplex(bytes(1920)))
        assert device.playback.idle


async def test_a_loudspeaker_alone_needs_no_microphone(portaudio: FakePortAudio) -> None:
    del portaudio.devices["input"]
    async with SoundDevice(microphone=False) as device:
        assert not device.echo_cancellation
        device.play(chirp(24_000, 100))
        assert any(portaudio.streams[0].output())


async def test_the_stream_is_closed_in_the_end(portaudio: FakePortAudio) -> None:
    async with SoundDevice(echo_cancellation=False) as device:
        assert portaudio.streams[0].state == "started"
        assert device.latency_ms == pytest.approx(30)
    assert portaudio.streams[0].state == "closed"


async def test_a_device_that_does_not_open_says_why_and_what_to_do(portaudio: FakePortAudio) -> None:
    portaudio.refusal = "Device unavailable [PaErrorCode -9985]"
    with pytest.raises(GeminiRealtimeError, match=r"Device unavailable.*→ close other programs"):
        async with SoundDevice(echo_cancellation=False):
            pass


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"input": "Webcam", "output": "Headphones"}, ("Webcam", "Headphones")),
        ({"output": "Headphones"}, (None, "Headphones")),
        ({}, (None, None)),
    ],
)
def test_devices_are_named(
    portaudio: FakePortAudio, found: dict[str, str], named: tuple[str | None, str | None]
) -> None:
    portaudio.devices = found
    assert default_devices() == named


@pytest.mark.parametrize(
    ("failure", "error", "remedy"),
    [
        (ImportError("no module"), MissingDependencyError, r"gemini-realtime\[devices\]"),
        (OSError("PortAudio library not found"), ConfigError, "PortAudio"),
    ],
)
def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, error: type[Exception], remedy: str
) -> None:
    refuse_import(monkeypatch, "sounddevice", failure)
    with pytest.raises(error, match=remedy):
        default_devices()


def refuse_import(monkeypatch: pytest.MonkeyPatch, name: str, failure: Exception) -> None:
    original = builtins.__import__

    def refusing(wanted: str, *rest: Any) -> Any:
        if wanted == name:
            raise failure
        return original(wanted, *rest)

    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", refusing)


async def test_echo_cancellation_is_used_if_there_and_an_error_only_if_asked_for(
    monkeypatch: pytest.MonkeyPatch, portaudio: FakePortAudio
) -> None:
    refuse_import(monkeypatch, "livekit", ImportError("no module"))
    assert not SoundDevice().echo_cancellation
    with pytest.raises(MissingDependencyError, match="echo cancellation"):
        SoundDevice(echo_cancellation=True)


# --- choice, levels, unplugging


def test_devices_are_listed(portaudio: FakePortAudio) -> None:
    portaudio.others = [("input", "Studio microphone")]
    assert list_devices() == [
        DeviceInfo("Webcam", True, False, ("microphone",)),
        DeviceInfo("Headphones", False, True, ("loudspeaker",)),
        DeviceInfo("Studio microphone", True, False),
    ]


async def test_devices_are_chosen_by_a_part_of_their_names(portaudio: FakePortAudio) -> None:
    portaudio.others = [("input", "Studio microphone"), ("output", "Kitchen"), ("output", "Kitchen radio")]
    async with SoundDevice(microphone="studio", loudspeaker="Kitchen", echo_cancellation=False):
        assert portaudio.streams[0].device == ("Studio microphone", "Kitchen")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ({"microphone": "Wecbam"}, "no device is called 'Wecbam' .* the microphone .*did you mean 'Webcam'"),
        ({"loudspeaker": "Webcam"}, "no device is called 'Webcam' .* the loudspeaker .*Headphones"),
        ({"loudspeaker": "e"}, "several devices are called 'e' .*'Headphones', 'Kitchen'"),
    ],
)
def test_a_name_that_no_device_has_is_refused(portaudio: FakePortAudio, names: dict[str, str], problem: str) -> None:
    portaudio.others = [("output", "Kitchen")]
    with pytest.raises(ConfigError, match=problem):
        SoundDevice(**names)  # type: ignore[arg-type]


async def test_levels_tell_how_loud_both_sides_are(portaudio: FakePortAudio) -> None:
    async with SoundDevice(echo_cancellation=False) as device:
        assert (device.microphone_db, device.loudspeaker_db) == (-90, -90)
        device.play(b"\x00\x40" * 2400)  # half of full scale
        portaudio.streams[0].duplex(b"\x00\x04" * 960)
        portaudio.streams[0].duplex(b"\x00\x04" * 960)
        assert device.loudspeaker_db == pytest.approx(-6, abs=0.1)
        assert device.microphone_db == pytest.approx(-30, abs=1)


async def test_a_device_that_is_unplugged_is_replaced_by_the_next(
    portaudio: FakePortAudio, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_LOOK_EVERY_S", 0)
    portaudio.others = [("input", "USB headset")]
    async with SoundDevice(microphone="USB headset", echo_cancellation=False) as device:
        (stream,) = portaudio.streams
        device.play(chirp(24_000, 200))
        stream.duplex(bytes(1920))
        portaudio.refusal, stream.active = "Device unavailable", False
        await until(lambda: portaudio.initialized > 1)
        assert (stream.state, device.latency_ms, device.microphone_db) == ("closed", 0, -90)
        portaudio.refusal = ""
        await until(lambda: len(portaudio.streams) == 2)
        await until(lambda: "goes on" in caplog.text)
        played = portaudio.streams[1].duplex(chirp(48_000, 20))
        assert any(played)  # what waited is heard
        assert len(await anext(device.microphone)) == CHUNK_BYTES
    assert portaudio.streams[1].state == "closed"
    assert caplog.text.count("has gone") == 1


async def test_a_device_that_holds_the_microphone_back_is_opened_anew(
    portaudio: FakePortAudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_LOOK_EVERY_S", 0)
    async with SoundDevice(echo_cancellation=False):
        (stream,) = portaudio.streams
        for round_trip_s in [0.06] * 50 + [0.4] * 49 + [0.2] + [0.4] * 49:
            stream.duplex(bytes(1920), round_trip_s)
        await settle()
        assert portaudio.streams == [stream]
        stream.duplex(bytes(1920), 0.4)
        await until(lambda: len(portaudio.streams) == 2)
        assert stream.state == "closed"
        assert portaudio.initialized == 0


async def test_what_the_device_holds_does_not_count_as_heard(portaudio: FakePortAudio) -> None:
    async with SoundDevice(echo_cancellation=False) as device:
        device.play(chirp(24_000, 1000))
        for _ in range(5):
            portaudio.streams[0].duplex(bytes(1920))
        assert device.flush() == pytest.approx((100 - 30, 900 + 30))


# --- echo


async def test_without_echo_cancellation_the_microphone_is_closed_while_the_loudspeaker_sounds(
    monkeypatch: pytest.MonkeyPatch, portaudio: FakePortAudio
) -> None:
    refuse_import(monkeypatch, "livekit", ImportError("no module"))
    async with SoundDevice() as device:
        (stream,) = portaudio.streams
        assert device.half_duplex
        device.play(b"\x00\x20" * 24 * 60)
        heard = []
        for _ in range(30):
            stream.duplex(b"\x00\x10" * 960)
            heard.append(any(await anext(device.microphone)))
    closed = 3 + (GATE_TAIL_MS + 40) // CHUNK_MS
    assert heard[1:] == [False] * (closed - 2) + [True] * (31 - closed)


def canceller() -> EchoCanceller:
    pytest.importorskip("livekit", reason="echo cancellation needs livekit: pip install livekit")
    return EchoCanceller()


def echo_of(far_24k: bytes, delay_ms: int, loudness: float) -> bytes:
    """What a microphone hears of a loudspeaker, at 16 kHz."""
    delayed = np.concatenate([np.zeros(16 * delay_ms), samples(resample(far_24k, 24_000, 16_000)) * loudness])
    return pcm16(delayed)


def power_db(pcm: bytes) -> float:
    return 10 * float(np.log10(np.mean(samples(pcm) ** 2) + 1e-9))


def conversation(near_16k: bytes, far_24k: bytes) -> bytes:
    """What is left of the microphone, block by block as the device runs."""
    echo = canceller()
    blocks = len(near_16k) // CHUNK_BYTES
    far_24k = far_24k.ljust(blocks * 960, b"\0")
    return b"".join(
        echo.cancel(near_16k[n * CHUNK_BYTES :][:CHUNK_BYTES], far_24k[n * 960 :][:960], delay_ms=40)
        for n in range(blocks)
    )


def spoken(name: str, rate_hz: int) -> bytes:
    pcm, from_hz = read_wav(SAMPLES / name)
    return resample(pcm, from_hz, rate_hz)


def test_the_loudspeaker_is_taken_out_of_the_microphone() -> None:
    far = spoken("weather.wav", 24_000) * 4
    near = echo_of(far, delay_ms=60, loudness=0.5)
    left = conversation(near, far)
    settled = 16_000 * 2 * 3  # after 3 s
    assert power_db(near[settled:]) - power_db(left[settled:]) > 25


def test_the_user_is_heard_through_the_echo() -> None:
    far = spoken("weather.wav", 24_000) * 4
    echo = samples(echo_of(far, delay_ms=60, loudness=0.3))
    user = np.zeros_like(echo)
    words = samples(spoken("calculate.wav", 16_000))
    user[16_000 * 5 : 16_000 * 5 + len(words)] = words
    left = conversation(pcm16(echo + user), far)
    during = left[16_000 * 2 * 5 :][: 2 * len(words)]
    assert power_db(during) > power_db(pcm16(words)) - 12


@pytest.mark.parametrize("delay_ms", [0, 40, 5000, -20])
def test_every_block_comes_back_as_long_as_it_was(delay_ms: int) -> None:
    echo = canceller()
    assert len(echo.cancel(bytes(CHUNK_BYTES), bytes(960), delay_ms)) == CHUNK_BYTES


# --- a virtual sound card


@pytest.fixture
def sound_card() -> Iterator[dict[str, str]]:
    """Settings of the environment for a sound server whose microphone and loudspeaker the tests hold in hand."""
    with virtual_sound_card() as card:
        yield card.environment


LISTEN = """
import asyncio, sys
from gemini_realtime.adapters.devices import SoundDevice

async def main():
    async with SoundDevice(echo_cancellation=False) as device:
        print("listening", flush=True)
        heard = [await anext(device.microphone) for _ in range(200)]
    open(sys.argv[1], "wb").write(b"".join(heard))

asyncio.run(main())
"""

SPEAK = """
import asyncio, sys
from gemini_realtime.adapters.devices import SoundDevice

async def main():
    async with SoundDevice(microphone=False) as device:
        device.play(open(sys.argv[1], "rb").read())
        while not device.playback.idle:
            await asyncio.sleep(0.05)
        await asyncio.sleep(device.latency_ms / 1000)

asyncio.run(main())
"""


def share_found(pcm: bytes, reference: bytes, rate_hz: int) -> float:
    """The share of the reference, in pieces of 200 ms that are not silent, that is in `pcm`.

    A loaded machine may leave a gap between two pieces; it does not change what is in them.
    """
    length = 2 * rate_hz // 5
    pieces = [reference[at : at + length] for at in range(0, len(reference) - length, length)]
    loud = [piece for piece in pieces if power_db(piece) > 45]
    return sum(_is_in(pcm, piece) for piece in loud) / len(loud)


def _is_in(pcm: bytes, piece: bytes) -> bool:
    heard, wanted = samples(pcm), samples(piece)
    energy = np.convolve(heard**2, np.ones(len(wanted)), "valid")
    n = 1 << (len(heard) + len(wanted)).bit_length()
    matches = np.fft.irfft(np.fft.rfft(heard, n) * np.conj(np.fft.rfft(wanted, n)), n)[: len(energy)]
    return bool(np.max(matches / np.sqrt(energy * np.sum(wanted**2) + 1)) > 0.97)


def test_a_real_microphone_is_heard(sound_card: dict[str, str], tmp_path: Path) -> None:
    listening = subprocess.Popen(
        [sys.executable, "-c", LISTEN, tmp_path / "heard.raw"], env=sound_card, stdout=subprocess.PIPE, text=True
    )
    assert listening.stdout is not None
    assert listening.stdout.readline() == "listening\n"
    command = ["paplay", "--device=mouth", str(SAMPLES / "weather.wav")]
    subprocess.run(command, env=sound_card, check=True, timeout=TIMEOUT_S)
    listening.communicate(timeout=TIMEOUT_S)
    assert listening.returncode == 0
    assert share_found((tmp_path / "heard.raw").read_bytes(), spoken("weather.wav", 16_000), 16_000) > 0.8


def test_a_real_loudspeaker_is_spoken_with(sound_card: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "speech.raw").write_bytes(speech := spoken("weather.wav", 24_000))
    command = ["parec", "--device=loudspeaker.monitor", "--format=s16le", "--rate=24000", "--channels=1"]
    with (tmp_path / "heard.raw").open("wb") as heard:
        recording = subprocess.Popen(command, env=sound_card, stdout=heard)
        try:
            speak = [sys.executable, "-c", SPEAK, str(tmp_path / "speech.raw")]
            subprocess.run(speak, env=sound_card, check=True, timeout=TIMEOUT_S)
        finally:
            recording.send_signal(signal.SIGINT)
            recording.wait(TIMEOUT_S)
    assert share_found((tmp_path / "heard.raw").read_bytes(), speech, 24_000) > 0.8
