"""Feed the codec and the session what no service should ever send.

    python fuzz/codec.py --seconds 600 [--seed 1]

Invariants: decoding returns or raises DecodeError; what was decoded can be encoded, and decodes to the same message
again; a session takes any bytes, gives at least one event for them, and its events can be printed. A case that breaks
one is printed with the seed and stays in `fuzz/found/`, to become a test.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gemini_realtime.protocol.codec import DecodeError, decode_client_message, decode_server_message, encode
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.session import Session

SEEDS = [
    b'{"setupComplete":{"sessionId":"66755954-0ad4"}}',
    b'{\n  "serverContent": {\n    "modelTurn": {\n      "parts": [\n        {"text": "hi"}\n      ]\n    }\n  }\n}\n',
    b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAECAw=="}}]}}}',
    b'{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":5,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}]}}',
    b'{"serverContent":{"interrupted":true,"outputTranscription":{"text":"\\u00fc","finished":true}}}',
    b'{"toolCall":{"functionCalls":[{"id":"function-call-1","name":"f","args":{"a":[1,{"b":null}]}}]}}',
    b'{"toolCallCancellation":{"ids":["1","2"]}}',
    b'{"goAway":{"timeLeft":"9.5s"}}',
    b'{"sessionResumptionUpdate":{"newHandle":"h","resumable":true,"lastConsumedClientMessageIndex":"12"}}',
    b'{"voiceActivity":{"type":"ACTIVITY_START"}}',
    b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"no"}}',
    b'{"setup":{"model":"models/x","generationConfig":{"responseModalities":["AUDIO"]},"tools":[{"functionDeclarations":[{"name":"f"}]}]}}',
    b'{"realtime_input":{"audio":{"data":"_9g","mime_type":"audio/pcm;rate=16000"}}}',
    b'{"clientContent":{"turns":[{"role":"user","parts":[{"text":"x"}]}],"turnComplete":true}}',
    b'{"tool_response":{"functionResponses":[{"id":"1","response":{"output":"x"},"will_continue":false}]}}',
]  # fmt: skip
TOKENS = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b'""',
    b"-1",
    b"1e999",
    b'"\\ud800"',
    b"\x00",
    b"\xff",
    b'"parts"',
    b"NaN",
    b"[[[[",
    b"12.5",
    b'"12"',
    "\u00b2".encode(),
    b'"audio/pcm;rate=\\u00b2"',
    b"9" * 5000,
    b"[" * 2000 + b"]" * 2000,
]


def fuzz_one(data: bytes) -> None:
    """One case; raises when an invariant breaks."""
    for decode in (decode_server_message, decode_client_message):
        try:
            message, _ = decode(data)
        except DecodeError:
            continue
        again, unknown = decode(encode(message))
        assert (again, unknown) == (message, [])
    session = Session(profile_for("any"))
    session.prepare({"model": "any"})
    session.begin(0.0)
    for now in (1.0, 2.0):
        happened = session.receive(data, now)
        assert happened
        repr(happened)
        session.next_frame(now)


def mutated(chance: random.Random) -> bytes:
    """A seed with a few random edits, or two of them grafted together."""
    data = bytearray(chance.choice(SEEDS))
    edits: list[Callable[[int], None]] = [
        lambda at: data.__setitem__(slice(at, at + 1), bytes([chance.randrange(256)])),
        lambda at: data.__delitem__(slice(at, at + chance.randrange(1, 9))),
        lambda at: data.__setitem__(slice(at, at), chance.choice(TOKENS)),
        lambda at: data.__setitem__(slice(at, None), chance.choice(SEEDS)[at:]),
        lambda at: data.__setitem__(slice(at, at), bytes(data[at : at + chance.randrange(1, 40)])),
    ]
    for _ in range(chance.randrange(1, 6)):
        chance.choice(edits)(chance.randrange(len(data) + 1))
    return bytes(data)


def main() -> int:
    """Fuzz for a while; the exit code is 1 when a case was found."""
    parser = argparse.ArgumentParser(description="Feed the codec and the session garbage.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="to repeat a run")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    until, cases = time.monotonic() + arguments.seconds, 0
    while time.monotonic() < until:
        data = mutated(chance)
        cases += 1
        try:
            fuzz_one(data)
        except Exception as error:
            found = Path(__file__).parent / "found" / f"{arguments.seed}-{cases}.bin"
            found.parent.mkdir(exist_ok=True)
            found.write_bytes(data)
            print(f"seed {arguments.seed}, case {cases}: {type(error).__name__}: {error}\n{data!r}\nkept in {found}")
            return 1
    print(f"{cases} cases with seed {arguments.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
