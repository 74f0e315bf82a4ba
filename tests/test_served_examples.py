"""The examples that need somebody at the other end: a telephone service, a browser, a microphone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import importlib.util
import itertools
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import ModuleType

import pytest

from gemini_realtime import LiveServer
from gemini_realtime.adapters.files import read_wav, write_wav
from gemini_realtime.audio.g711 import mulaw_encode
from gemini_realtime.audio.resample import resample
from gemini_realtime.testing import speech_from_text
from tests.serving import serving
from tests.sound_card import virtual_sound_card

EXAMPLES = Path(__file__).parents[1] / "examples"
SAMPLES = Path(__file__).parents[1] / "src" / "gemini_realtime" / "local" / "samples"
TOKEN = "a token of Twilio's"


def example(name: str) -> ModuleType:
    """The example as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch, live_server_tls: LiveServer) -> ModuleType:
    """The telephone example, which talks to the embedded server."""
    pytest.importorskip("fastapi", reason="the example's framework")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    return example("phone")


def post(url: str, form: dict[str, str], signature: str) -> str:
    request = urllib.request.Request(
        url, urllib.parse.urlencode(form).encode(), headers={"X-Twilio-Signature": signature}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def signature(url: str, form: dict[str, str]) -> str:
    """As https://www.twilio.com/docs/usage/security#validating-requests says."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def mulaw_frames(path: Path) -> list[bytes]:
    """A recording, and 2 s of silence after it, as a telephone carries it: 20 ms of mu-law at 8 kHz each."""
    pcm, rate_hz = read_wav(path)
    mulaw = mulaw_encode(resample(pcm, rate_hz, 8000) + bytes(32_000))
    return [mulaw[start : start + 160].ljust(160, b"\xff") for start in range(0, len(mulaw), 160)]


async def test_a_caller_is_led_to_the_agent_and_answered(phone: ModuleType) -> None:
    streamdouble = pytest.importorskip("streamdouble.api", reason="a double of Twilio's media streams")
    async with serving(phone.app) as host, asyncio.timeout(60):
        incoming, form = f"http://{host}/incoming", {"CallSid": "CA1", "From": "+15550100"}
        twiml = await asyncio.to_thread(post, incoming, form, signature(incoming, form))
        stream = re.search(r'<Connect><Stream url="([^"]+)"/></Connect>', twiml)
        assert stream, twiml
        report = await streamdouble.call(stream[1], frames=mulaw_frames(SAMPLES / "weather.wav"))
    assert report.violations == []
    assert report.spoke
    assert len(report.audio_received) > 8000  # a second of mu-law: "It is foggy and 12 degrees in London."


async def test_a_request_that_twilio_did_not_sign_is_turned_away(phone: ModuleType) -> None:
    async with serving(phone.app) as host:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            await asyncio.to_thread(post, f"http://{host}/incoming", {"CallSid": "CA1"}, "forged")


def microphone_file(path: Path, *parts: str | float) -> Path:
    """A wave file of words that are spoken, and seconds of silence."""
    pcm = b"".join(
        speech_from_text(part, rate_hz=48_000) if isinstance(part, str) else bytes(2 * int(48_000 * part))
        for part in parts
    )
    write_wav(path, pcm, 48_000)
    return path


@pytest.mark.live_server(pace="realtime")
async def test_a_story_in_the_browser_is_interrupted_and_the_new_question_answered(
    live_server_tls: LiveServer, tmp_path: Path
) -> None:
    playwright = pytest.importorskip("playwright.async_api", reason="it drives the browser")
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("the browser: apt install chromium")
    said = microphone_file(
        tmp_path / "said.wav", 4.0, "Tell me a long story.", 5.0, "Stop. What is two plus two?", 30.0
    )
    options = [
        "--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={said}%noloop",
    ]  # fmt: skip
    frames: list[str | bytes] = []

    def note(frame: str | bytes) -> None:
        frames.append(frame)

    async with serving(example("browser").app) as host, playwright.async_playwright() as driver, asyncio.timeout(90):
        browser = await driver.chromium.launch(executable_path=chromium, args=options)
        page = await browser.new_page()
        page.on("websocket", lambda socket: socket.on("framereceived", note))
        await page.goto(f"http://{host}/")
        await page.click("#talk")
        await page.wait_for_function("document.getElementById('said').innerText.includes('is four.')", timeout=60_000)
        lines = (await page.inner_text("#said")).strip().splitlines()
        await browser.close()
    assert [line.partition(":")[0] for line in lines] == ["you", "agent", "you", "agent"], lines
    assert "story" in lines[0]
    assert "two plus two" in lines[2]
    assert lines[3].endswith("four.")
    (cleared,) = [at for at, frame in enumerate(frames) if isinstance(frame, str) and '"clear"' in frame]
    asked = next(at for at, frame in enumerate(frames) if isinstance(frame, str) and "two plus two" in frame)
    assert cleared < asked
    assert not any(isinstance(frame, bytes) for frame in frames[cleared:asked])


def body_of(name: str) -> list[str]:
    """An example without its docstring, and without the lines that import the agent."""
    _, _, code = (EXAMPLES / f"{name}.py").read_text("utf-8").partition("import os")
    return [line for line in code.splitlines() if line and "RealtimeAgent, WebSocketAudioAdapter" not in line]


def test_a_program_for_ag2_changes_its_import_alone() -> None:
    assert body_of("ag2_before") == body_of("ag2_after")


async def test_the_program_that_was_written_for_ag2_answers(live_server_tls: LiveServer) -> None:
    pytest.importorskip("fastapi", reason="the example's framework")
    websockets = pytest.importorskip("websockets", reason="the browser's side")
    question = speech_from_text("What is the weather in Seattle?")
    answer_bytes = 0

    async def talk() -> None:
        await socket.send(json.dumps({"event": "start", "start": {"streamSid": "1"}}))
        for start in itertools.count(0, 640):
            payload = base64.b64encode(question[start : start + 640].ljust(640, b"\0")).decode()
            await socket.send(json.dumps({"event": "media", "media": {"payload": payload, "timestamp": 0}}))
            await asyncio.sleep(0.02)

    async with (
        serving(example("ag2_after").app) as host,
        asyncio.timeout(60),
        websockets.connect(f"ws://{host}/media-stream") as socket,
    ):
        talking = asyncio.create_task(talk())
        while answer_bytes < 24_000:
            message = json.loads(await socket.recv())
            if message["event"] == "media":
                answer_bytes += len(base64.b64decode(message["media"]["payload"]))
        talking.cancel()


def test_a_key_opens_the_microphone_and_closes_it(tmp_path: Path) -> None:
    question = microphone_file(tmp_path / "question.wav", "What is two plus two?")
    command = [sys.executable, "-m", "gemini_realtime", "offline", "--", sys.executable, "examples/push_to_talk.py"]
    with (
        virtual_sound_card() as card,
        subprocess.Popen(
            command, env=card.environment, cwd=EXAMPLES.parent, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as talking,
    ):
        assert talking.stdin is not None
        assert talking.stdout is not None
        try:
            while "Enter to talk" not in talking.stdout.readline():
                assert talking.poll() is None
            print(file=talking.stdin, flush=True)
            assert "finished" in talking.stdout.readline()
            assert card.say(question).wait(60) == 0
            print(file=talking.stdin, flush=True)
            assert "four" in talking.stdout.readline()
            talking.stdin.close()
            assert talking.wait(60) == 0
        finally:
            talking.kill()
