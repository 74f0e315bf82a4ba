"""A connection to the peer, driven by hand in virtual time."""

from __future__ import annotations

import itertools
import json
from typing import Any

from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.actions import Action, Close, Respond, Send
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.wire.api import ANY_API, Api
from gemini_realtime.local.wire.profiles import profile_named

HALF_CASCADE = "models/gemini-live-2.5-flash-preview"
NATIVE_2_5 = "models/gemini-2.5-flash-native-audio-preview-12-2025"
NATIVE_3_8 = "models/gemini-3.8-live"
LIVE_3_1 = "models/gemini-3.1-flash-live-preview"
EXTENDED_3_8 = "models/gemini-3.8-live-extended-thinking"
TRANSCRIBE = "models/gemini-3.5-transcribe-live"
VERTEX = "projects/p/locations/l/publishers/google/models/"
VERTEX_2_5 = VERTEX + "gemini-live-2.5-flash-native-audio"
VERTEX_HALF_CASCADE = VERTEX + "gemini-live-2.5-flash"
VERTEX_3_8 = VERTEX + "gemini-3.8-live"

SECOND = bytes(48_000)  # of silence, at 24 kHz

WEATHER = {"functionDeclarations": [{"name": "get_weather", "description": "Weather in a city"}]}
MANUAL = {"automaticActivityDetection": {"disabled": True}}
ALARM = {"functionDeclarations": [{"name": "set_alarm", "behavior": "NON_BLOCKING"}]}


def new_sessions() -> Sessions:
    numbers = itertools.count(1)
    return Sessions(lambda: f"handle-{next(numbers)}")


class Line:
    """A connection of a client to the peer."""

    def __init__(
        self,
        *,
        sessions: Sessions | None = None,
        session_id: str = "s",
        pace: Pace = "realtime",
        profile: str | None = None,
        api: Api = ANY_API,
        strict_models: bool = False,
        **setup: Any,
    ) -> None:
        known = profile_named(profile) if profile else None
        self.peer = Peer(
            session_id,
            sessions or new_sessions(),
            pace=pace,
            profile=known,
            api=api,
            strict_models=strict_models,
        )
        self.now = 100.0
        self.others: list[Action] = []
        if setup:
            self.opening = self.send({"setup": {"model": NATIVE_2_5, **setup}})

    def send(self, message: Any) -> list[Any]:
        frame = message if isinstance(message, (bytes, str)) else json.dumps(message).encode()
        heard = self.peer.microphone(frame, self.now) if isinstance(frame, bytes) else None
        if heard is None:
            self.peer.receive(frame, self.now)
        else:
            self.others.append(heard)
        return self.frames()

    def frames(self) -> list[Any]:
        """The frames to send now, and the close as `(code, reason)`; other actions go to `others`."""
        told: list[Any] = []
        for action in self.peer.actions():
            match action:
                case Send(frame):
                    told.append(json.loads(frame))
                case Close(code, reason):
                    told.append((code, reason))
                case _:
                    self.others.append(action)
        return told

    def types(self, text: str) -> list[Any]:
        return self.send({"realtimeInput": {"text": text}})

    def says(self, *parts: dict[str, Any], role: str | None = "user", complete: bool = True) -> list[Any]:
        turn = {**({"role": role} if role else {}), "parts": list(parts)}
        return self.send({"clientContent": {"turns": [turn], "turnComplete": complete}})

    def tells(self, *turns: tuple[str, str], complete: bool = True) -> list[Any]:
        contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
        return self.send({"clientContent": {"turns": contents, "turnComplete": complete}})

    def hears(self, text: str) -> list[Any]:
        self.peer.speech_started()
        self.peer.heard(text)
        return self.frames()

    def answers(self, *calls: tuple[str, Any], **more: Any) -> list[Any]:
        responses = [{"id": call_id, "response": {"output": output}, **more} for call_id, output in calls]
        return self.send({"toolResponse": {"functionResponses": responses}})

    @property
    def asked(self) -> Respond:
        """The latest request to the mind."""
        return next(action for action in reversed(self.others) if isinstance(action, Respond))

    def speaks(self, text: str = "Yes.", audio: bytes = SECOND, reply_id: int | None = None) -> list[Any]:
        self.peer.spoke(reply_id or self.asked.reply_id, audio, text, self.now)
        return self.frames()

    def writes(self, text: str) -> list[Any]:
        self.peer.wrote(self.asked.reply_id, text, self.now)
        return self.frames()

    def calls(self, *names: str) -> list[Any]:
        for name in names:
            self.peer.wants_call(self.asked.reply_id, name, {"city": "Oslo"})
        return self.ends()

    def ends(self) -> list[Any]:
        self.peer.reply_ended(self.asked.reply_id, self.now)
        return self.frames()

    def waits(self, seconds: float) -> list[Any]:
        self.now += seconds
        self.peer.deadline_reached(self.now)
        return self.frames()


def kinds(frames: list[Any]) -> list[str]:
    """What each frame carries, in short."""
    return [_kind(frame) for frame in frames]


def _kind(frame: Any) -> str:
    if isinstance(frame, tuple):
        return "close"
    content = frame.get("serverContent")
    return "+".join(content or frame)


def call_ids(frames: list[Any]) -> list[str]:
    """The ids of the calls in these frames."""
    return [call["id"] for frame in frames for call in frame.get("toolCall", {}).get("functionCalls", [])]


def words(frames: list[Any], key: str) -> str:
    """The transcript in these frames."""
    return "".join(frame.get("serverContent", {}).get(key, {}).get("text", "") for frame in frames)
