"""Make the pictures of the tutorial by doing what it says: docs/images/restaurant-*.

python docs/tutorial_pictures.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import sync_playwright
from waveform import drawing

DOCS: Final = Path(__file__).parent
IMAGES: Final = DOCS / "images"
FILES: Final = re.compile(r'^```\w+ title="(?P<name>[^"]+)"\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
COMMAND: Final = [sys.executable, "-m", "gemini_realtime"]
SAID: Final = ("A table for four at half past seven, please.", "Anna Miller.")


def main() -> None:
    """Write the tutorial's files into an empty folder, and photograph what comes of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page in DOCS.glob("tutorial/*.md"):
            for block in FILES.finditer(page.read_text("utf-8")):
                (folder / block["name"]).write_text(block["text"], "utf-8")
        page_with_a_reservation(folder)
        subprocess.run([sys.executable, "impatient.py"], cwd=folder, check=True)
        subprocess.run([*COMMAND, "offline", "--", sys.executable, "interrupted.py"], cwd=folder, check=True)
        subprocess.run(
            [*COMMAND, "offline", "--", sys.executable, "recorded.py", "impatient.wav", "2"], cwd=folder, check=True
        )
        timeline = IMAGES / "restaurant-timeline.png"
        subprocess.run([*COMMAND, "inspect", "calls", "--png", timeline], cwd=folder, check=True)
        (IMAGES / "restaurant-interrupted.svg").write_text(drawing(folder / "impatient-call.wav"), "utf-8")


def page_with_a_reservation(folder: Path) -> None:
    """`gemini-realtime web` with the tutorial's agent, after a reservation."""
    path = IMAGES / "restaurant-web.png"
    with web(folder) as address, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 700}, device_scale_factor=2)
        page.goto(address)
        for number, words in enumerate(SAID, start=1):
            page.get_by_role("textbox").first.fill(words)
            page.keyboard.press("Enter")
            page.get_by_text("tokens", exact=False).nth(number).wait_for()
            page.wait_for_timeout(3000)  # until the answer has been heard
        page.screenshot(path=path)
        chromium.close()
    Image.open(path).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """The page; gives its address."""
    command = [*COMMAND, "web", "--agent", "restaurant:make_agent", "--no-open", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            yield re.findall(r"http://\S+", serving.stdout.readline())[0]
        finally:
            serving.terminate()


if __name__ == "__main__":
    main()
