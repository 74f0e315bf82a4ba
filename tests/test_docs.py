"""The site of the documentation: it builds without a warning, fetches nothing, and leaves no public name out."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import gemini_realtime
from gemini_realtime import testing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    pytest.importorskip("mkdocs", reason="what builds the site: the dependency group `docs`")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class _Fetches(HTMLParser):
    """What a browser fetches to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in FETCHED and values.get("rel") != "canonical":
            self.found.append(values.get(FETCHED[tag]) or "")


def test_the_site_fetches_nothing_from_anybody(site: Path) -> None:
    reader = _Fetches()
    for page in site.rglob("*.html"):
        reader.feed(page.read_text("utf-8"))
    assert len(reader.found) > 100
    assert {url for url in reader.found if re.match(r"(https?:)?//", url)} == set()


def test_every_public_name_is_in_the_reference() -> None:
    text = "".join(page.read_text("utf-8") for page in DOCS.glob("reference/*.md"))
    shown = set(re.findall(r"^::: gemini_realtime\.(\S+)$", text, re.MULTILINE))
    public = {*gemini_realtime.__all__, *(f"testing.{name}" for name in testing.__all__)}
    assert public - shown == set()


def test_every_page_of_the_documentation_has_its_place_in_the_site() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert pages - set(re.findall(r"[\w/-]+\.md", navigation)) == set()
