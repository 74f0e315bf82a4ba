"""What keeps a loudspeaker out of the microphone beside it: echo cancellation, or, without it, half-duplex."""

from __future__ import annotations

from typing import Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.errors import MissingDependencyError

GATE_TAIL_MS: Final = 300
"""So long after the loudspeaker falls silent a room still echoes: half-duplex listens again then."""

MAX_DELAY_MS: Final = 500
"""WebRTC's audio processing refuses a longer delay; a device that stumbles reports one now and then."""


class EchoCanceller:
    """Take out of the microphone what the loudspeaker says, with WebRTC's audio processing."""

    def __init__(self) -> None:
        """Prepare one.

        Raises:
            MissingDependencyError: livekit, which carries it, is not installed.
        """
        try:
            from livekit import rtc
        except ImportError as error:
            raise MissingDependencyError("echo cancellation", "devices") from error
        self._frame = rtc.AudioFrame
        self._module = rtc.AudioProcessingModule(echo_cancellation=True, noise_suppression=True, high_pass_filter=True)

    def cancel(self, near: bytes, far: bytes, delay_ms: int = 0) -> bytes:
        """Clean what the microphone heard.

        Args:
            near: from the microphone, 16 kHz; whole 10 ms.
            far: what was given to the loudspeaker at the same time, 24 kHz; equally long.
            delay_ms: how long that takes to come back, as far as the device knows; the rest is found out.
        """
        near_frame_bytes, far_frame_bytes = INPUT_FORMAT.bytes_for_ms(10), OUTPUT_FORMAT.bytes_for_ms(10)
        cleaned = []
        for at in range(len(near) // near_frame_bytes):
            spoken = bytearray(far[at * far_frame_bytes : (at + 1) * far_frame_bytes])
            heard = bytearray(near[at * near_frame_bytes : (at + 1) * near_frame_bytes])
            self._module.process_reverse_stream(self._frame(spoken, OUTPUT_FORMAT.rate_hz, 1, len(spoken) // 2))
            self._module.set_stream_delay_ms(min(max(delay_ms, 0), MAX_DELAY_MS))
            self._module.process_stream(self._frame(heard, INPUT_FORMAT.rate_hz, 1, len(heard) // 2))
            cleaned.append(heard)
        return b"".join(cleaned)


class HalfDuplexGate:
    """Close the microphone while the loudspeaker sounds, and a little longer: what is heard then may be its echo."""

    def __init__(self) -> None:
        self._closed_ms = 0

    def cancel(self, near: bytes, far: bytes, delay_ms: int = 0) -> bytes:
        """Pass what the microphone heard, or silence; the arguments are those of `EchoCanceller.cancel`."""
        if any(far):
            self._closed_ms = GATE_TAIL_MS + delay_ms
        elif self._closed_ms > 0:
            self._closed_ms -= round(OUTPUT_FORMAT.duration_ms(len(far)))
        return bytes(len(near)) if self._closed_ms > 0 else near


def echo_handling(echo_cancellation: bool | None) -> EchoCanceller | HalfDuplexGate | None:
    """What there is against the echo.

    Args:
        echo_cancellation: None for "if it is installed, and half-duplex if not"; False for neither.

    Raises:
        MissingDependencyError: it is asked for, and not installed.
    """
    if echo_cancellation is False:
        return None
    try:
        return EchoCanceller()
    except MissingDependencyError:
        if echo_cancellation:
            raise
        return HalfDuplexGate()
