"""The interface between a session and whatever carries its frames.

    dial(url, headers, receiver) -> Transport          frames go out through the Transport,
                                                       frames come in through the Receiver

A transport carries whole frames and decides nothing: no retries, no timeouts of its own after dialling, no parsing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Receiver(Protocol):
    """What a transport calls, from the event loop, never after `connection_lost`."""

    def frame_received(self, frame: bytes) -> None:
        """One whole message arrived; `frame` is the receiver's own."""

    def connection_lost(self, code: int, reason: str) -> None:
        """The connection ended, exactly once. `code` is the peer's close code, 1006 when it sent none."""

    def pong_received(self) -> None:
        """The peer answered a ping."""


class Transport(Protocol):
    """One open connection."""

    @property
    def writable(self) -> bool:
        """Whether the network takes what is sent; False while `drain` would wait."""
        ...

    def send(self, frame: bytes) -> None:
        """Send one text frame; never blocks, buffers what the network does not take (see `drain`)."""

    async def drain(self) -> None:
        """Wait until the network has taken most of what was sent, or has ended; returns at once when it keeps up."""

    def ping(self) -> None:
        """Ask the peer for a sign of life, told by `Receiver.pong_received`."""

    def pause_reading(self) -> None:
        """Stop receiving, so that the peer is slowed down; frames already read may still arrive."""

    def resume_reading(self) -> None:
        """Receive again."""

    async def close(self) -> None:
        """Close normally, in bounded time; `connection_lost` has been called when this returns."""


class Dial(Protocol):
    """Opens a connection."""

    async def __call__(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        """Connect.

        Raises:
            HandshakeError: no connection could be made.
        """
        ...
