"""The site of the documentation: it builds without a warning, fetches nothing, and leaves no public name out."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import gemini_realtime
from gemini_realtime import testing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = Path(gemini_realtime.__file__).parent
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


UNIT = re.compile(r"_(s|ms|hz|bytes|db|usd)$")


def public() -> Iterator[tuple[str, Any]]:
    """Every class and function that is offered to users, with its name."""
    for module, names in ((gemini_realtime, gemini_realtime.__all__), (testing, testing.__all__)):
        for name in names:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield name, thing


def functions() -> Iterator[tuple[str, Any, str]]:
    """They, and the methods of them, each with its name and the docstrings that a reader sees beside it."""
    for name, thing in public():
        members = vars(thing).items() if inspect.isclass(thing) else [("", thing)]
        for member, found in members:
            function = getattr(found, "__func__", getattr(found, "fget", found))
            is_written = inspect.isfunction(function) and Path(function.__code__.co_filename).is_relative_to(PACKAGE)
            if is_written and (not member.startswith("_") or member == "__init__"):
                of_class = inspect.getdoc(thing) if member == "__init__" or isinstance(found, property) else ""
                yield f"{name}.{member}".rstrip("."), function, f"{inspect.getdoc(function) or ''}\n{of_class}"


def raised(function: Any) -> Iterator[type[BaseException]]:
    """The exceptions that a function raises itself."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            error = function.__globals__.get(node.exc.func.id) or getattr(builtins, node.exc.func.id, None)
            if inspect.isclass(error) and issubclass(error, BaseException):
                yield error


def unsaid(function: Any, text: str) -> Iterator[str]:
    """What a docstring should say of a function, and does not."""
    if not text.strip():
        yield "what it does"
    for name, parameter in inspect.signature(function).parameters.items():
        is_number = re.match(r"(int|float)\b", str(parameter.annotation))
        if is_number and not UNIT.search(name) and not re.search(rf"\b{name}\b", text):
            yield f"in which unit {name} is"
    for error in raised(function):
        if not any(base.__name__ in text for base in error.__mro__ if base not in (object, BaseException, Exception)):
            yield f"when it raises {error.__name__}"


def test_docstrings_say_what_units_and_which_errors() -> None:
    found = [f"{name}: {what}" for name, function, text in functions() for what in unsaid(function, text)]
    assert found == []


def test_every_public_class_is_described_and_so_are_its_numbers() -> None:
    found = []
    for name, thing in public():
        text = inspect.getdoc(thing) or ""
        for field, kind in vars(thing).get("__annotations__", {}).items():
            is_number = re.search(r"\b(int|float)\b", str(kind)) and not field.startswith("_")
            if not text or (is_number and not UNIT.search(field) and f"{field}:" not in text):
                found.append(f"{name}.{field}")
    assert found == []


def test_the_page_of_the_architecture_names_every_room_and_no_file_that_is_not_there() -> None:
    page = (DOCS / "architecture.md").read_text("utf-8")
    rooms = {path.name + "/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if f"| `{room}` |" not in page} == set()
    named = set(re.findall(r"`([a-z_/]+\.py)`", page))
    places = (ROOT, PACKAGE, PACKAGE / "protocol", PACKAGE / "local")
    assert {file for file in named if not any((place / file).exists() for place in places)} == set()
