"""A recorded call, written line by line."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

LOUD = base64.b64encode((b"\x00\x20" * 16 + b"\x00\xe0" * 16) * 10).decode()
QUIET = base64.b64encode(bytes(640)).decode()
ANSWER = base64.b64encode((b"\x00\x10" * 16 + b"\x00\xf0" * 16) * 150).decode()
"""200 ms."""

Line = dict[str, Any]


def client(ms: float, frame: dict[str, Any], connection: int = 1) -> Line:
    return {"ms": ms, "connection": connection, "from": "client", "frame": frame}


def server(ms: float, frame: dict[str, Any], connection: int = 1) -> Line:
    return {"ms": ms, "connection": connection, "from": "server", "frame": frame}


def event(ms: float, kind: str, **fields: Any) -> Line:
    return {"ms": ms, "event": {"type": kind, **fields}}


def setup(ms: float = 0.0, connection: int = 1, handle: str | None = None) -> Line:
    resumption = {} if handle is None else {"handle": handle}
    model = "models/gemini-2.5-flash-native-audio-preview"
    return client(ms, {"setup": {"model": model, "sessionResumption": resumption}}, connection)


def spoken(begin_ms: float, end_ms: float, connection: int = 1, sound: str = LOUD) -> list[Line]:
    audio = {"mimeType": "audio/pcm;rate=16000", "data": sound}
    steps = int((end_ms - begin_ms) / 20)
    return [client(begin_ms + 20 * step, {"realtimeInput": {"audio": audio}}, connection) for step in range(steps)]


def heard(ms: float, words: str) -> Line:
    return server(ms, {"serverContent": {"inputTranscription": {"text": words}}})


def answer(ms: float, words: str, *, pieces: int = 5, connection: int = 1) -> list[Line]:
    """A second of sound, with the words at its beginning."""
    sound = {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": ANSWER}}]}}
    said = server(ms, {"serverContent": {"outputTranscription": {"text": words}}}, connection)
    return [server(ms, {"serverContent": sound}, connection), said,
            *(server(ms + 10 * piece, {"serverContent": sound}, connection) for piece in range(1, pieces))]  # fmt: skip


def complete(ms: float, connection: int = 1) -> Line:
    usage = {"promptTokenCount": 100, "responseTokenCount": 50, "totalTokenCount": 150,
             "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 100}],
             "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}]}  # fmt: skip
    return server(ms, {"serverContent": {"turnComplete": True}, "usageMetadata": usage}, connection)


def call(*, side: str = "client") -> list[Line]:
    """A question with a tool, a story that is interrupted, a connection that breaks and is resumed."""
    question = {"id": "c1", "name": "get_weather", "args": {"city": "London"}}
    result = {"id": "c1", "name": "get_weather", "response": {"output": "rain"}}
    resumed = {"gap_ms": 150, "replayed": 3, "uncertain": 1, "new_session": False, "items": []}
    return [
        {"ms": 0.0, "connection": 1, "opened": True},
        setup(0.5),
        server(50, {"setupComplete": {}}),
        *spoken(1000, 2000),
        heard(2300, " what is the weather?"),
        server(2400, {"toolCall": {"functionCalls": [question]}}),
        client(2900, {"toolResponse": {"functionResponses": [result]}}),
        *answer(3000, "It rains in London."),
        complete(4000),
        *spoken(5000, 5500),
        heard(5700, " a story"),
        *answer(6000, "Once upon a time there was a king.", pieces=20),
        *spoken(7000, 7600),
        server(7400, {"serverContent": {"interrupted": True}}),
        *([event(7430, "output_audio_buffer.cleared", played_ms=1400, unplayed_ms=2600)] if side == "client" else []),
        server(7410, {"serverContent": {"turnComplete": True}}),
        {"ms": 9000.0, "connection": 1, "closed": {"code": 1006, "reason": "", "by": "server"}},
        *([event(9000, "session.connection_lost", code=1006, reason="")] if side == "client" else []),
        {"ms": 9150.0, "connection": 2, "opened": True},
        setup(9151, 2, "handle-1"),
        server(9160, {"setupComplete": {}}, 2),
        *([event(9160, "session.resumed", **resumed)] if side == "client" else []),
        *[{**line, "ms": 9170.0, "connection": 2} for line in spoken(7000, 7600)],
        *answer(9500, "Stopped.", connection=2),
        complete(10500, 2),
        {"ms": 11000.0, "connection": 2, "closed": {"code": 1000, "reason": "", "by": "client"}},
    ]


def write(folder: Path, lines: list[Line], *, side: str | None = "client") -> Path:
    """A recording of these lines; without a side, the frames alone."""
    folder.mkdir(parents=True)
    lines = sorted(lines, key=lambda line: float(line["ms"]))
    (folder / "frames.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    if side is not None:
        (folder / "recording.json").write_text(json.dumps({"format": 1, "side": side}), "utf-8")
    return folder
