"""The page and the picture of a recording."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.inspection.page import Inspected, write_page
from gemini_realtime.inspection.picture import write_picture
from tests.inspection.calls import answer, call, client, complete, server, setup, spoken, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def inspected(tmp_path: Path) -> Inspected:
    return Inspected(write(tmp_path / "call", call()))


def written(tmp_path: Path, *inspected: Inspected) -> str:
    write_page(inspected, tmp_path / "page.html")
    return (tmp_path / "page.html").read_text("utf-8")


def data_in(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_page_needs_nothing_else(inspected: Inspected, tmp_path: Path) -> None:
    page = written(tmp_path, inspected)
    assert "default-src 'none'" in page
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!data:,)|url\(|@import|\{\{', markup)


def test_frames_are_there_without_sound_which_is_counted(inspected: Inspected) -> None:
    frames = inspected.data()["frames"]
    kinds = [kind for *_, kind, _ in frames]
    assert kinds[:4] == ["connection opened", "setup", "setupComplete", "audio, 50 pieces until 0:02.0"]
    assert "inputTranscription “ what is the weather?”" in kinds
    assert "toolCall get_weather" in kinds
    assert "session.connection_lost" in kinds
    assert all(len(content) < 500 for *_, content in frames)


def test_a_frame_that_holds_more_than_sound_is_there_with_how_long_it_is(tmp_path: Path) -> None:
    sound = {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "A" * 400}}]}}
    both = server(10, {"serverContent": {**sound, "outputTranscription": {"text": "Hi"}}})
    picture = client(20, {"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": "A" * 400}}})
    frames = Inspected(write(tmp_path / "call", [setup(), both, picture])).data()["frames"]
    assert json.loads(frames[1][4])["serverContent"]["modelTurn"]["parts"][0]["inlineData"]["data"] == "300 bytes"
    assert json.loads(frames[2][4])["realtimeInput"]["video"]["data"] == "300 bytes"


def test_what_was_said_cannot_become_markup(tmp_path: Path) -> None:
    lines = [setup(), *answer(100, "</script><script>alert(1)</script><!--"), complete(1000)]
    page = written(tmp_path, Inspected(write(tmp_path / "<call>", lines)))
    assert "alert(1)</script>" not in page
    assert "</script><script>alert" in data_in(page)[0]["turns"][0]["said"]


def test_sound_is_taken_from_the_frames_where_there_is_no_file(inspected: Inspected) -> None:
    user, model = inspected.sound.peaks
    assert inspected.sound.flac.startswith(b"fLaC")
    assert max(user[120:180]) > 20
    assert max(user[260:400]) == 0
    assert max(model[320:380]) > 10
    assert max(model[760:900]) == 0  # what was cut off was not heard


def test_a_recording_without_sound_is_inspected_all_the_same(tmp_path: Path) -> None:
    silent = Inspected(write(tmp_path / "call", [setup(), *spoken(0, 100, sound=""), *answer(200, "Hi.", pieces=1)]))
    assert silent.data()["turns"][0]["said"] == "Hi."
    write_picture([silent], tmp_path / "picture.png")


def test_two_recordings_are_on_one_page(inspected: Inspected, tmp_path: Path) -> None:
    other = Inspected(write(tmp_path / "other", call(side="server"), side="server"))
    page = written(tmp_path, inspected, other)
    assert [one["title"] for one in data_in(page)] == ["call", "other"]
    assert 'id="peaks-1-model"' in page


@pytest.mark.parametrize("name", ["timeline.png", "timeline.svg"])
def test_a_picture_is_drawn_in_the_format_of_its_name(name: str, inspected: Inspected, tmp_path: Path) -> None:
    write_picture([inspected, inspected], tmp_path / name)
    assert (tmp_path / name).read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


# --- in a browser


@pytest.fixture
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_a_browser_shows_the_timeline_zooms_it_and_goes_where_it_is_clicked(
    browser: Any, inspected: Inspected, tmp_path: Path
) -> None:
    written(tmp_path, inspected)
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function("timelines[0].surfer.getMediaElement().readyState >= 1")
    item = page.locator(".item", has_text="It rains in London.")
    narrow = item.bounding_box()["width"]
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert item.bounding_box()["width"] > 2 * narrow
    item.click()
    page.wait_for_function("timelines[0].surfer.getCurrentTime() >= 3")
    page.keyboard.press("f")
    page.locator(".frames summary", has_text="toolCall get_weather").click()
    assert "London" in page.locator(".frames pre").inner_text()
    page.get_by_label("Find", exact=True).fill("upon a time")
    assert page.locator(".item.found").count() == 1
    page.get_by_label("Switch between light and dark").click()
    assert problems == []


def test_an_accessibility_checker_finds_nothing(browser: Any, inspected: Inspected, tmp_path: Path) -> None:
    checker = next(Path(sys.prefix).glob("axe/node_modules/axe-core/axe.min.js"), None)
    if checker is None:
        pytest.skip("axe-core is not installed: make test does, where there is npm")
    written(tmp_path, inspected)
    for scheme in ("light", "dark"):
        page = browser.new_context(color_scheme=scheme, bypass_csp=True).new_page()
        page.goto((tmp_path / "page.html").as_uri())
        page.wait_for_function("timelines.length === 1")
        page.evaluate(checker.read_text("utf-8"))
        assert page.evaluate("axe.run().then((found) => found.violations.map((one) => one.id))") == []
