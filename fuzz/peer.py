"""Let clients misbehave at the embedded server's side of the protocol, two at a time.

    python fuzz/peer.py --seconds 600 [--seed 1]

Invariants, whatever clients send and whatever ears, mind and voice tell: nothing raises; a connection is in a state
that its transition table has, or closed with a code that a service sends and a reason that a close frame holds; nothing
follows a close; every frame is a message of the service; no word of one session reaches the other; and what a message
costs grows no faster than what was sent: by processor time where nothing else runs, by calls in the tests. A case that
breaks one is printed with its number, which repeats it: `--case 123`.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.actions import Action, Close, Recall, Respond, Send
from gemini_realtime.local.session.content import SpokenTurn
from gemini_realtime.local.session.conversation import TRANSITIONS, State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.protocol.codec import decode_server_message

MODELS = [
    "models/gemini-2.5-flash-native-audio-preview-12-2025",
    "models/gemini-3.1-flash-live-preview",
    "models/gemini-3.8-live",
    "models/gemini-3.8-live-extended-thinking",
    "models/gemini-3.5-transcribe-live",
    "models/gemini-3.5-live-translate-preview",
    "models/gemini-live-2.5-flash-preview",
    "models/gemini-robotics-er-2-streaming-preview",
    "projects/p/locations/l/publishers/google/models/gemini-3.8-live",
    "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash",
    "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash-native-audio",
]
SETUP_FIELDS: dict[str, list[Any]] = {
    "tools": [[{"functionDeclarations": [{"name": "f"}, {"name": "g", "behavior": "NON_BLOCKING"}]}]],
    "inputAudioTranscription": [{}],
    "outputAudioTranscription": [{}],
    "sessionResumption": [{}, {"transparent": True}, {"handle": "HANDLE"}, {"handle": "nonsense"}],
    "realtimeInputConfig": [
        {"automaticActivityDetection": {"disabled": True}},
        {"activityHandling": "NO_INTERRUPTION"},
        {"turnCoverage": "TURN_INCLUDES_ALL_INPUT"},
    ],
    "generationConfig": [
        {"responseModalities": ["TEXT"]},
        {"thinkingConfig": {"thinkingLevel": "LOW"}},
        {"thinkingConfig": {"includeThoughts": True}},
    ],
    "explicitVadSignal": [True],
    "historyConfig": [{"initialHistoryInClientContent": True}],
    "proactivity": [{}],
}
SOUND = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(bytes(640)).decode()}
FRAMES: list[Any] = [
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "SECRET"}]}], "turnComplete": True}},
    {"clientContent": {"turns": [{"role": "model", "parts": [{"text": "SECRET"}]}]}},
    {"clientContent": {"turns": [{"role": "system", "parts": [{"text": "SECRET"}]}], "turnComplete": True}},
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "SECRET"}]}]}},
    {"clientContent": {"turnComplete": True}},
    {
        "clientContent": {
            "turns": [
                {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f", "args": {"secret": "SECRET"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"id": "a", "response": {"output": "SECRET"}}}]},
            ]
        }
    },
    {"clientContent": {"turns": [{"role": "user", "parts": [{"inlineData": SOUND}, {"text": "SECRET"}]}]}},
    {"realtimeInput": {"text": "SECRET"}},
    {"realtimeInput": {"text": " "}},
    {"realtimeInput": {"mediaChunks": [SOUND]}},
    {"realtimeInput": {"audio": SOUND}},
    {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "_9g="}}},
    {"realtimeInput": {"activityStart": {}}},
    {"realtimeInput": {"activityEnd": {}}},
    {"realtimeInput": {"audioStreamEnd": True}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "name": "f", "response": {"output": "SECRET"}}]}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "willContinue": True, "scheduling": "INTERRUPT"}]}},
    {"toolResponse": {"functionResponses": [{"name": "g", "scheduling": "SILENT"}]}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "response": {"scheduling": "WHEN_IDLE"}}]}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "parts": [{"inlineData": {"mimeType": "text/plain"}}]}]}},
    {"contextUpdate": {"tools": {"tools": []}, "systemInstruction": {"parts": [{"text": "SECRET"}]}}},
    {},
]
HEAVY: list[Any] = [
    {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "SECRET"}]}] * 3000, "turnComplete": True}},
    {"realtimeInput": {"text": "SECRET 1 - " * 20_000}},
    {"realtimeInput": {"audio": {**SOUND, "mimeType": "audio/pcm" + ";a=b" * 50_000}}},
    {"contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {
        "type": "OBJECT", "properties": {"a": {"type": "STRING", "enum": [str(n) for n in range(10_000)]}}}}]}]}}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "name": "f", "response": {"output": [1e300] * 20_000}}]}},
    {"toolResponse": {"functionResponses": [{"id": "CALL", "name": "f", "response": {"output": "SECRET" * 50_000}}]}},
    {"setup": {"model": "gemini-" * 50_000}},
]  # fmt: skip
"""What costs little to send, and could cost much to take."""
MAX_CALLS, MAX_CALLS_PER_BYTE = 12_000, 2
"""For one message, and each byte so far. A model's name that is close to others takes 9,000, 3,000 turns 1.3 a byte."""
MAX_RECEIVE_S = 0.5
"""Of processor time for one message, which finds what costs much in one call. A collection of garbage counts too."""
USUAL = {"realtimeInput": {"text": "SECRET"}}
RISKY = ("system", "activity", "audioStreamEnd", "functionCall", "inlineData", "mediaChunks", '"scheduling"')
"""Frames with these words often end the session."""

MISFITS: list[Any] = [None, True, -1, 2**70, 1.5, "x", "\ud800", [], {}, [None], {"x": {}}, "AUDIO", "1" * 200]
FACTS = ["started", "heard", "heard nothing", "hears", "recalled", "thought", *["spoke"] * 4, "wrote", "late",
         *["call"] * 3, "raw", *["ended"] * 3, *["time"] * 3]  # fmt: skip
ENDS = ["go away", "close", "gone"]
CODES = {1001, 1007, 1008, 1011}


class Caller:
    """One connection: a client that says its secret, and what serves it.

    Args:
        secret: what the other connection must never see.
        sessions: shared with the other one.
        chance: decides everything.
        max_receive_s: of processor time for one message; None does not look.
    """

    def __init__(self, secret: str, sessions: Sessions, chance: random.Random, *, max_receive_s: float | None) -> None:
        self._secret = secret
        self._max_receive_s = max_receive_s
        self._chance = chance
        self._sessions = sessions
        self._connections = self._sent = 0
        self._handle = "none"
        self.told = ""
        self._connect()

    def step(self, now: float) -> None:
        """Something happens."""
        if self._closed or self._gone:
            self._peer.connection_ended()
            self._connect()
        kind = self._chance.random()
        if kind < 0.7:
            self._happen(self._chance.choice(FACTS), now)
        elif kind < 0.705:
            self._happen(self._chance.choice(ENDS), now)
        else:
            self._receive(self._frame(), now)
        self._check(self._peer.actions())

    def _receive(self, frame: bytes | str, now: float) -> None:
        if self._max_receive_s is None:
            self._sent += len(frame)
            calls = calls_of(lambda: self._peer.receive(frame, now))
            assert calls < MAX_CALLS + MAX_CALLS_PER_BYTE * self._sent, f"{calls:,} calls for {frame[:80]!r}"
        else:
            began = time.thread_time()
            self._peer.receive(frame, now)
            assert (took_s := time.thread_time() - began) < self._max_receive_s, f"{took_s:.2f} s for {frame[:80]!r}"

    def _connect(self) -> None:
        self._connections += 1
        lifetime_s = self._chance.choice([None, 5.0])
        session_id = f"{self._secret}{self._connections}"
        self._peer = Peer(session_id, self._sessions, connection_lifetime_s=lifetime_s, go_away_before_s=2.0)
        self._closed = self._gone = False
        self._reply = 0
        self._call = "none"
        self._turns: list[SpokenTurn] = []

    def _happen(self, fact: str, now: float) -> None:
        peer, chance = self._peer, self._chance
        match fact:
            case "started":
                peer.speech_started()
            case "heard" | "heard nothing":
                peer.heard(self._secret if fact == "heard" else "", audio_s=0.5)
            case "hears":
                peer.hears(self._secret)
            case "recalled" if self._turns:
                peer.recalled(self._turns.pop(0), self._secret)
            case "thought":
                peer.thought(self._reply, self._secret)
            case "spoke" | "late":
                peer.spoke(self._reply - (fact == "late"), bytes(2 * chance.randrange(4800)), self._secret, now)
            case "wrote":
                peer.wrote(self._reply, self._secret, now)
            case "call":
                peer.wants_call(self._reply, chance.choice("fgh"), {"secret": self._secret})
            case "raw":
                peer.sends(self._reply, {"serverContent": {}})
            case "ended":
                peer.reply_ended(self._reply, now)
            case "time":
                peer.hold_s(now)
                peer.deadline_reached(now)
            case "go away":
                peer.go_away(chance.random() * 3, now)
            case "close":
                peer.close(1011, self._secret * 100)
            case "gone":
                peer.connection_ended()
                self._gone = True

    def _frame(self) -> bytes | str:
        chance = self._chance
        new = self._peer.state is State.NEW
        some = HEAVY if chance.random() < 0.01 else FRAMES
        frame = self._setup() if new and chance.random() < 0.95 else self._wise(chance.choice(some))
        frame = json.loads(self._filled(json.dumps(frame)))
        if chance.random() < 0.02:
            _spoil(frame, chance)
        data = json.dumps(frame).encode()
        if chance.random() < 0.01:
            at = chance.randrange(len(data) + 1)
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + chance.randrange(3) :]
        return data if chance.random() < 0.9 else data.decode("utf-8", "replace")

    def _setup(self) -> dict[str, Any]:
        chance = self._chance
        model = chance.choice(MODELS)
        names = chance.sample(sorted(SETUP_FIELDS), chance.randrange(5))
        setup = {name: chance.choice(SETUP_FIELDS[name]) for name in names}
        if chance.random() < 0.8:  # without what most models refuse
            setup = {name: value for name, value in setup.items() if name not in ("generationConfig", "proactivity")}
            if "thinking" in model:
                setup["generationConfig"] = {"thinkingConfig": {"thinkingLevel": "LOW"}}
        return {"setup": {"model": model, **setup}}

    def _wise(self, frame: Any) -> Any:
        """Mostly something else instead of what ends the session."""
        risky = any(word in json.dumps(frame) for word in RISKY)
        return USUAL if risky and self._chance.random() < 0.8 else frame

    def _filled(self, text: str) -> str:
        return text.replace("SECRET", self._secret).replace("CALL", self._call).replace("HANDLE", self._handle)

    def _check(self, actions: list[Action]) -> None:
        assert self._peer.state in {State.NEW, State.CLOSED, *TRANSITIONS.values()}
        for action in actions:
            assert not self._closed, "something follows a close"
            match action:
                case Send(frame):
                    self._read(frame)
                case Close(code):
                    assert code in CODES, code
                    self._closed = True
                case Recall(turn):
                    self._turns.append(turn)
                case Respond(reply_id, request):
                    self._reply = reply_id
                    self.told += repr(request)
                case _:
                    pass
        assert self._closed or self._gone or self._peer.state is not State.CLOSED

    def _read(self, frame: bytes) -> None:
        message, unknown = decode_server_message(frame)
        assert not unknown, unknown
        self.told += frame.decode()
        if message.tool_call is not None:
            self._call = message.tool_call.function_calls[0].id or ""
        if message.session_resumption_update is not None:
            self._handle = message.session_resumption_update.new_handle or self._handle


def _spoil(value: Any, chance: random.Random) -> None:
    """Replace something within by what does not fit, or add what does not belong."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], (dict, list)) and chance.random() < 0.6:
            value = value[key]
            continue
        if isinstance(value, dict) and chance.random() < 0.3:
            value[chance.choice(["x", "\ud800", "setup", "text", "a.b"])] = chance.choice(MISFITS)
        else:
            value[key] = chance.choice(MISFITS)
        return


def calls_of(run: Callable[[], None]) -> int:
    """How many functions are called while it runs."""
    calls = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def fuzz_one(case: int, *, max_receive_s: float | None = None) -> None:
    """One case: two clients for a while; raises when an invariant breaks.

    Args:
        case: which one.
        max_receive_s: of processor time for one message; without it, the calls that it takes are bounded.
    """
    chance = random.Random(case)
    sessions = Sessions(lambda: f"{chance.getrandbits(64):x}", clock=lambda: 0.0)
    secrets = ("alpha", "bravo")
    callers = [Caller(secret, sessions, chance, max_receive_s=max_receive_s) for secret in secrets]
    now = 0.0
    for _ in range(chance.randrange(10, 80)):
        now += chance.choice([0.0, 0.02, 0.5, 3.0])
        chance.choice(callers).step(now)
    for caller, other in zip(callers, reversed(secrets), strict=True):
        assert other not in caller.told, f"{other} leaked"


def main() -> int:
    """Fuzz for a while; the exit code is 1 when a case was found."""
    parser = argparse.ArgumentParser(description="Let clients misbehave at the embedded server.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="the first case is this"
    )
    parser.add_argument("--case", type=int, help="run this case only, and show what it raises")
    arguments = parser.parse_args()
    if arguments.case is not None:
        fuzz_one(arguments.case)
        fuzz_one(arguments.case, max_receive_s=MAX_RECEIVE_S)
        return 0
    case, until = arguments.seed * 10**6, time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        case += 1
        try:
            fuzz_one(case, max_receive_s=MAX_RECEIVE_S)
        except Exception as error:
            print(f"{type(error).__name__}: {error}\nrepeat it with --case {case}")
            return 1
    print(f"{case - arguments.seed * 10**6} cases with seed {arguments.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
