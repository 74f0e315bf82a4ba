"""The page in Debian's Chromium, against the embedded server."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy
import pytest
import pytest_asyncio

from gemini_realtime import LiveServer
from gemini_realtime.adapters.files import write_wav
from gemini_realtime.testing import speech_from_text
from gemini_realtime.web.conversation import Limits
from tests.busy import skip_where_busy
from tests.web.pages import SECRET, Pages, browser, complaints_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"

TIMEOUT_MS = 30_000

NOWHERE: dict[str, Any] = {"config_list": [{"model": "gemini-3.8-live", "api_key": "none", "base_url": "ws://x.test"}]}

SILENCED_WITHIN_MS = 100
"""From the message that says so to silence in what the page plays, on cores shared with browser and server."""

LISTENS = """
// What the page plays, as it hands it to the loudspeaker, and when it is told to be silent, by the clock of the sound.
window.played = [];
window.cleared = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode && this.context.sampleRate === 24000) {
    window.heard = this.context;
    this.context.audioWorklet.addModule("/tap.js").then(() => {
      const tap = new AudioWorkletNode(this.context, "tap", { numberOfOutputs: 0 });
      tap.port.onmessage = ({ data }) => window.played.push(data);
      connect.call(this, tap);
    });
  }
  return connect.call(this, to, ...more);
};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && JSON.parse(data).event === "clear") window.cleared.push(window.heard.currentTime);
    });
  }
};
"""

TAP = """
registerProcessor("tap", class extends AudioWorkletProcessor {
  process([[samples]]) {
    if (samples) this.port.postMessage([currentTime, samples.slice()]);
    return true;
  }
});
"""

SPEAKS = """
// A microphone that hears what it is told to: 16-bit samples at 48 kHz, in base64.
const room = new AudioContext({ sampleRate: 48000 });
const microphone = room.createMediaStreamDestination();
navigator.mediaDevices.getUserMedia = async () => (await room.resume(), microphone.stream);
window.speak = (base64) => {
  const samples = new Int16Array(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
  const buffer = room.createBuffer(1, samples.length, 48000);
  buffer.getChannelData(0).set(Array.from(samples, (sample) => sample / 32768));
  const source = new AudioBufferSourceNode(room, { buffer });
  source.connect(microphone);
  source.start();
};
"""


async def speak(page: Any, words: str) -> None:
    """Let the microphone hear words."""
    pcm = await asyncio.to_thread(speech_from_text, words, rate_hz=48_000)
    await page.evaluate("speak", base64.b64encode(pcm).decode())


def microphone_file(path: Path, *parts: str | float) -> Path:
    """A wave file of words that are spoken, and seconds of silence."""
    pcm = b"".join(
        speech_from_text(part, rate_hz=48_000) if isinstance(part, str) else bytes(2 * int(48_000 * part))
        for part in parts
    )
    write_wav(path, pcm, 48_000)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Any]:
    """The browser; nobody lets a page have its microphone."""
    async with browser("--use-fake-device-for-media-stream", "--deny-permission-prompts") as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Any) -> AsyncIterator[Any]:
    """A page that knows nothing of others."""
    async with await chromium.new_context() as context:
        yield await context.new_page()


async def opened(page: Any, port: int) -> None:
    """Open the page with its secret, and wait until it can be used."""
    await page.goto(f"http://127.0.0.1:{port}/#secret={quote(SECRET)}")
    await page.wait_for_selector("#state[data-state=idle]", timeout=TIMEOUT_MS)


async def said(page: Any, words: str, turn: str = "assistant", *, timeout_ms: float = TIMEOUT_MS) -> None:
    """Wait until one side has said this."""
    shown = page.locator(f".turn.{turn} .said", has_text=words)
    await shown.first.wait_for(timeout=timeout_ms)


async def type_in(page: Any, words: str) -> None:
    await page.fill("#words", words)
    await page.press("#words", "Enter")


@pytest.mark.live_server(pace="realtime", warm_up=True)
async def test_a_spoken_question_is_heard_answered_and_played_and_speech_silences_the_page(
    live_server: LiveServer, page: Any
) -> None:
    skip_where_busy()
    sent: list[bytes] = []

    def note(frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            sent.append(frame)

    async with Pages(live_server.llm_config(), scripts={"/tap.js": TAP}).served() as port:
        complaints = complaints_of(page)
        page.on("websocket", lambda socket: socket.on("framereceived", note))
        await page.add_init_script(LISTENS + SPEAKS)
        await opened(page, port)
        await page.click("#talk")
        await speak(page, "What is two plus two?")
        await said(page, "two plus two", "user")
        await said(page, "Two plus two is four.")
        await page.wait_for_selector("#state[data-state=listening]", timeout=TIMEOUT_MS)
        await speak(page, "Tell me a long story.")
        await said(page, "Once there was")
        await page.wait_for_selector("#state[data-state=speaking]", timeout=TIMEOUT_MS)
        await speak(page, "Stop. What is the weather in London?")
        await page.locator("s:not(:empty)").wait_for(timeout=TIMEOUT_MS)
        await said(page, "foggy and 12 degrees in London")
        await page.locator(".tool[data-state=done]", has_text='get_weather(city: "London")').wait_for()
        interrupted = await page.locator(".notes .interrupted").inner_text()
        played = [(1000 * at_s, numpy.array(block)) for at_s, block in await page.evaluate("played")]
        cleared_ms = 1000 * (await page.evaluate("cleared"))[0]
        rows = await page.locator("#timing-rows tr").count()
        await page.click("#end")
        await page.wait_for_selector("#state[data-state=idle]")
    assert interrupted.startswith("interrupted after")
    assert rows == 3
    assert likeness(numpy.concatenate([block for _, block in played]), sent) > 0.95
    assert any(abs(at_ms - cleared_ms) < 500 and numpy.max(numpy.abs(block)) > 0.01 for at_ms, block in played)
    assert silence_began(played, cleared_ms) - cleared_ms < SILENCED_WITHIN_MS
    assert complaints == []


def likeness(played: Any, sent: list[bytes]) -> float:
    """How much what was played is like the first answer that was sent, 1 for the very same: the median of its loud
    stretches of 0.2 s, for where a busy machine leaves a hole the one before is not like the one after."""
    samples = numpy.frombuffer(b"".join(sent)[: 2 * 48_000], "<i2").astype(float)
    stretches = [samples[at : at + 4800] for at in range(0, len(samples) - 4800, 4800)]
    loud = [stretch for stretch in stretches if numpy.max(numpy.abs(stretch)) > 1000]
    assert len(loud) >= 3
    return float(numpy.median([correlation(played, stretch) for stretch in loud]))


def correlation(played: Any, wanted: Any) -> float:
    """The largest correlation of what was wanted with any stretch of what was played."""
    size = 1 << (len(played) + len(wanted)).bit_length()
    products = numpy.fft.irfft(numpy.fft.rfft(played, size) * numpy.conj(numpy.fft.rfft(wanted, size)), size)
    energy = numpy.cumsum(numpy.concatenate([[0.0], played**2]))
    stretches = numpy.sqrt(numpy.maximum(energy[len(wanted) :] - energy[: -len(wanted)], 1e-6))
    return float(numpy.max(products[: len(stretches)] / stretches) / numpy.sqrt(numpy.sum(wanted**2)))


def silence_began(played: list[tuple[float, Any]], from_ms: float) -> float:
    """When the last block sounded before the first 100 ms of silence."""
    last_ms = from_ms
    for at_ms, block in played:
        if at_ms > last_ms + 100:
            break
        if at_ms >= from_ms and numpy.max(numpy.abs(block)) > 0.001:
            last_ms = at_ms
    return last_ms


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker of accessibility."""
    if not AXE.is_file():
        pytest.skip("axe-core, which checks accessibility, is not installed: make test does, where there is npm")
    return AXE.read_text("utf-8")


async def violations(page: Any, axe: str) -> list[str]:
    await page.evaluate(axe + "; null")
    found = (await page.evaluate('axe.run({ resultTypes: ["violations"] })'))["violations"]
    return [f"{one['id']}: {node['html']} {node['failureSummary']}" for one in found for node in one["nodes"]]


async def test_a_conversation_in_writing_outlives_a_restart_and_a_reload_begins_anew(
    live_server: LiveServer, page: Any
) -> None:
    pages = Pages(live_server.llm_config())
    complaints = complaints_of(page)
    async with pages.served() as port:
        await opened(page, port)
        assert "secret" not in page.url
        await type_in(page, "What is two plus three?")
        await said(page, "Two plus three is five.")
    await page.wait_for_selector("#state[data-state=again]", timeout=TIMEOUT_MS)
    await type_in(page, "What is two plus two?")  # said when there is a server again
    async with pages.served(port):
        await said(page, "Two plus two is four.")
        assert await page.inner_text(".divider") == "Connected again; the agent knows what was said."
        received = str(live_server.sessions[-1].received)
        await page.reload()
        await page.wait_for_selector("#state[data-state=idle]", timeout=TIMEOUT_MS)
        assert await page.locator(".turn").count() == 0
        await type_in(page, "What is three plus three?")
        await said(page, "Three plus three is six.")
    assert "Two plus three is five." in received
    assert [complaint for complaint in complaints if "ERR_CONNECTION_REFUSED" not in complaint] == []


async def test_words_that_nobody_takes_are_given_back(live_server: LiveServer, page: Any, chromium: Any) -> None:
    async with Pages(live_server.llm_config(), limits=Limits(conversations=1)).served() as port:
        await opened(page, port)
        await type_in(page, "What is two plus two?")
        await said(page, "Two plus two is four.")
        assert await page.input_value("#words") == ""
        second = await chromium.new_page()
        await opened(second, port)
        await type_in(second, "What is three plus three?")
        await second.get_by_text("There is a conversation already.").wait_for(timeout=TIMEOUT_MS)
        assert await second.input_value("#words") == "What is three plus three?"
        await second.close()


async def test_what_happens_to_the_connection_of_a_conversation_is_shown(live_server: LiveServer, page: Any) -> None:
    async with Pages(live_server.llm_config()).served() as port:
        await opened(page, port)
        await type_in(page, "What is two plus two?")
        await said(page, "Two plus two is four.")
        live_server.go_away(5)
        await page.get_by_text("Handed over to another connection").wait_for(timeout=TIMEOUT_MS)
        live_server.misbehave("cut")
        await page.locator("#events [data-kind=good]", has_text="Resumed").wait_for(timeout=TIMEOUT_MS)
        shown = await page.locator("#events b").all_inner_texts()
    assert shown[:2] == ["Resumed", "Connection lost"]
    assert shown[-1] == "Connected"


SHOWS = """async (turn) => {
  const { Transcript } = await import("/static/transcript.js");
  window.transcript ??= new Transcript({ announces: () => false });
  const unsaid = { before: null, agent: "", heard: null, heard_ms: null, unheard: "", interrupted: false, tools: [] };
  transcript.show({ ...unsaid, first_audio_ms: null, complete_ms: null, input_tokens: 0, output_tokens: 0, ...turn });
}"""


async def test_a_noise_without_words_goes_away_and_comes_back_with_them(page: Any) -> None:
    async with Pages(NOWHERE).served() as port:
        await page.clock.install()
        await opened(page, port)
        await page.evaluate(SHOWS, {"number": 0, "role": "user", "said": ""})
        turn = page.locator(".turn.user")
        assert await turn.is_visible()
        await page.clock.fast_forward(4000)
        assert await turn.is_hidden()
        await page.evaluate(SHOWS, {"number": 0, "role": "user", "said": "Hello."})
        await page.clock.fast_forward(4000)
        assert await turn.is_visible()


async def test_words_are_shown_as_text_whatever_they_are(page: Any) -> None:
    async with Pages(NOWHERE).served() as port:
        await opened(page, port)
        words = "<img src=x onerror=alert(1)> & <b>bold</b>"
        await page.evaluate(
            SHOWS, {"number": 0, "role": "assistant", "said": words, "heard": "<img", "unheard": words[4:]}
        )
        assert await page.locator(".turn img, .turn b").count() == 0
        assert (await page.inner_text(".turn s")).endswith(words[4:].strip())


async def test_a_denied_microphone_is_explained_and_typing_goes_on(live_server: LiveServer, page: Any) -> None:
    async with Pages(live_server.llm_config()).served() as port:
        complaints = complaints_of(page)
        await opened(page, port)
        await page.click("#talk")
        notice = page.get_by_role("alert").filter(has_text="The microphone is blocked.")
        await notice.wait_for()
        assert "Allow it for this page" in await notice.inner_text()
        await page.click(".suggestions button")
        await said(page, "foggy and 12 degrees in London")
        assert complaints == []


async def test_a_page_without_the_secret_is_locked_until_it_is_entered(page: Any) -> None:
    async with Pages(NOWHERE).served() as port:
        await page.goto(f"http://127.0.0.1:{port}/#secret=wrong")
        await page.get_by_role("heading", name="This page is locked").wait_for()
        assert await page.is_disabled("#talk")
        await page.fill("#password", "wrong too")
        await page.press("#password", "Enter")
        await page.get_by_text("That is not the password.").wait_for()
        await page.fill("#password", SECRET)
        await page.press("#password", "Enter")
        await page.wait_for_selector("#state[data-state=idle]", timeout=TIMEOUT_MS)


@pytest.mark.live_server(pace="realtime", warm_up=True)
async def test_the_space_key_is_held_to_talk(live_server: LiveServer, tmp_path: Path) -> None:
    microphone = microphone_file(tmp_path / "said.wav", 0.5, "What is two plus two?", 60.0)
    async with Pages(live_server.llm_config()).served() as port, browser(microphone=microphone) as chromium:
        page = await chromium.new_page()
        complaints = complaints_of(page)
        await opened(page, port)
        await page.keyboard.press("Tab")
        await page.click("#open-settings")
        await page.check("[name=turns][value=push_to_talk]")
        await page.click("text=Apply")
        await page.focus("#talk")
        assert await page.inner_text("#talk") == "Hold to talk"
        await page.keyboard.down(" ")
        await page.wait_for_selector("#talk[data-mic=on]")
        await asyncio.sleep(2.5)  # so long the question takes
        assert await page.locator(".turn.assistant").count() == 0
        await page.keyboard.up(" ")
        await said(page, "Two plus two is four.")
        assert complaints == []


async def test_a_checker_of_accessibility_finds_nothing(live_server: LiveServer, chromium: Any, axe: str) -> None:
    async with Pages(live_server.llm_config()).served() as port:
        found = await walk(chromium, port, axe, color_scheme="light", viewport={"width": 1280, "height": 800})
        found += await walk(chromium, port, axe, color_scheme="dark", viewport={"width": 390, "height": 844})
    assert found == []


async def walk(chromium: Any, port: int, axe: str, **look: Any) -> list[str]:
    """What the checker finds in every state of the page."""
    # The policy of the page would keep the checker out.
    page = await chromium.new_page(bypass_csp=True, reduced_motion="reduce", **look)
    await page.goto(f"http://127.0.0.1:{port}/#secret=wrong")
    await page.get_by_role("heading", name="This page is locked").wait_for()
    found = await violations(page, axe)
    await page.fill("#password", SECRET)
    await page.press("#password", "Enter")
    await page.wait_for_selector("#state[data-state=idle]", timeout=TIMEOUT_MS)
    found += await violations(page, axe)
    await page.click("#open-settings")
    found += await violations(page, axe)
    await page.keyboard.press("Escape")
    await page.click("#talk")
    await page.get_by_role("alert").filter(has_text="The microphone is blocked.").wait_for()
    await page.click(".suggestions button")
    await said(page, "foggy and 12 degrees in London")
    await page.click("summary")
    found += await violations(page, axe)
    if look["viewport"]["width"] < 1000:
        await page.click("[data-show=inspector]")
        found += await violations(page, axe)
    await page.close()
    return found
