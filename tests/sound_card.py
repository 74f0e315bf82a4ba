"""A virtual sound card: PulseAudio with a microphone and a loudspeaker that tests hold in hand, and no hardware."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.busy import skip_where_busy

TIMEOUT_S: Final = 60

# Without norewinds up to 2 s of what is played are lost.
_SETUP: Final = """
load-module module-null-sink sink_name=loudspeaker rate=48000 channels=1 norewinds=1
load-module module-null-sink sink_name=mouth rate=48000 channels=1 norewinds=1
load-module module-remap-source source_name=microphone master=mouth.monitor
load-module module-native-protocol-unix socket={directory}/socket auth-anonymous=1
set-default-sink loudspeaker
set-default-source microphone
"""


class SoundCard:
    """What is played by programs that have `environment` is recorded here; what is said here they hear.

    Attributes:
        environment: for the programs.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def say(self, path: Path) -> subprocess.Popen[bytes]:
        """Play a wave file into the microphone; ends when it has been said."""
        return subprocess.Popen(["paplay", "--device=mouth", str(path)], env=self.environment)

    def say_pcm(self, pcm: bytes, rate_hz: int, directory: Path) -> subprocess.Popen[bytes]:
        """The same with samples."""
        path = directory / "said.wav"
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(rate_hz)
            writer.writeframes(pcm)
        return self.say(path)

    def echo(self, latency_ms: int = 30) -> None:
        """From now on the microphone hears the loudspeaker too."""
        module = ["module-loopback", "source=loudspeaker.monitor", "sink=mouth", f"latency_msec={latency_ms}"]
        subprocess.run(["pactl", "load-module", *module], env=self.environment, check=True, capture_output=True)

    @contextmanager
    def recording(self, rate_hz: int = 24_000) -> Iterator[subprocess.Popen[bytes]]:
        """What the loudspeaker says meanwhile: raw mono 16-bit PCM from the process's stdout, in real time."""
        format = ["--format=s16le", f"--rate={rate_hz}", "--channels=1", "--latency-msec=5"]
        command = ["parec", "--device=loudspeaker.monitor", *format]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, bufsize=0)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)


@contextmanager
def virtual_sound_card() -> Iterator[SoundCard]:
    """Start one; skips the test where it is not installed, or would be heard in pieces."""
    skip_where_busy()
    if not all(map(shutil.which, ("pulseaudio", "paplay", "parec"))):
        pytest.skip(
            "a virtual sound card needs: apt install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"
        )
    with tempfile.TemporaryDirectory(prefix="sound") as directory:  # a socket's path must be short
        script = Path(directory) / "sound.pa"
        script.write_text(_SETUP.format(directory=directory))
        environment = {
            **os.environ, "HOME": directory, "XDG_RUNTIME_DIR": directory, "PULSE_SERVER": f"unix:{directory}/socket"
        }  # fmt: skip
        command = ["pulseaudio", "-n", "-F", str(script), "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for_sound(server, environment)
            yield SoundCard(environment)
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)


def _wait_for_sound(server: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    while server.poll() is None:
        answer = subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False, timeout=TIMEOUT_S)
        if answer.returncode == 0:
            break
    see = "from gemini_realtime.adapters.devices import default_devices; assert None not in default_devices()"
    found = subprocess.run([sys.executable, "-c", see], env=environment, capture_output=True, check=False)
    if found.returncode == 0:
        return
    pytest.skip("the virtual sound card does not start, or PortAudio does not see it: see libasound2-plugins")
