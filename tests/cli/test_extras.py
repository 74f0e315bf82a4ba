from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest

from gemini_realtime import MissingDependencyError
from gemini_realtime.cli import extras

REQUIRES = [
    "picows<3,>=2.3",
    "sounddevice<0.6,>=0.5.1; extra == 'all'",
    "numpy<3,>=1.26; extra == 'local'",
    "ctranslate2<5,>=4.5; extra == 'local'",
    "pocketsphinx<6,>=5.1; extra == 'pocketsphinx'",
    "espeakng-loader<0.3,>=0.2.4; extra == 'espeak'",
    'uvloop<1,>=0.21; (sys_platform != "win32") and extra == "local"',
    'sounddevice<0.6,>=0.5.1; extra == "devices"',
]


@pytest.fixture(autouse=True)
def only_numpy_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name != "numpy":
            raise PackageNotFoundError(name)
        return "2.0"

    monkeypatch.setattr(extras, "requires", lambda name: REQUIRES)
    monkeypatch.setattr(extras, "version", version)


def test_what_is_missing_is_named() -> None:
    assert extras.missing_packages("local") == ["ctranslate2"]
    assert extras.missing_packages("devices") == ["sounddevice"]


def test_what_needs_nothing_misses_nothing() -> None:
    assert extras.missing_packages("cli") == []


def test_without_the_speech_of_the_server_its_install_command_is_given() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'gemini-realtime\[local\]'"):
        extras.require_server()


def test_the_server_may_fall_back_to_the_older_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "ctranslate2":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(extras, "version", version)
    assert extras.missing_packages("local") == ["ctranslate2"]
    extras.require_server()


@pytest.mark.parametrize(
    ("module", "extra"),
    [("sounddevice", "devices"), ("espeakng_loader", "espeak"), ("any", "cli")],
)
def test_a_missing_module_names_the_extra_that_installs_it(module: str, extra: str) -> None:
    assert extras.extra_with(module) == extra
