"""A recorded session plays the service.

    service = Replay(read_recording(path))
    config = {"model": ..., "api_key": ..., "reconnect": {"after_normal_close": False}}
    client = GeminiRealtimeClient(llm_config={"config_list": [config]}, dial=service.dial)

With every frame the client sends, the recording moves on to the client's next frame, and what the service said in
between is said again. After the last frame the connection ends normally, and there is no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_realtime.errors import HandshakeError
from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.transport.base import Receiver
from gemini_realtime.transport.memory import MemoryService, MemoryTransport


def read_recording(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The frames of a recording, as pairs of `client` or `server` and the frame.

    Args:
        path: of a recording, as for `gemini_realtime.recordings.ConversationRecording`.

    Raises:
        ConfigError: a line is not of a recording; the message names file and line.
    """
    return [(line.sender, line.parsed()) for _, line in ConversationRecording(path).lines() if line.sender is not None]


class Replay(MemoryService):
    """The service's side of a recording, see `MemoryService`.

    Attributes:
        entries: the recording.
        expected: the frames the client sent when it was recorded.
    """

    def __init__(self, entries: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(on_frame=lambda service, message: self._move_on())
        self.entries = entries
        self.expected = [frame for who, frame in entries if who == "client"]
        self._rest = list(entries)

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        if not self._rest:
            raise HandshakeError(
                "the recording is over", status=404, remedy="pass reconnect={'after_normal_close': False}"
            )
        return await super().dial(url, headers, receiver)

    def _move_on(self) -> None:
        if self._rest and self._rest[0][0] == "client":
            self._rest.pop(0)
        while self._rest and self._rest[0][0] == "server":
            self.say(self._rest.pop(0)[1])
        if not self._rest:
            self.end()
