"""The shape of the house: what may import what, what stays pure, what is public."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator, Sequence, Set
from functools import cache
from pathlib import Path

import pytest

import gemini_realtime

PACKAGE = Path(gemini_realtime.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"errors", "checking", "version", "protocol.messages"},
    {"protocol.codec", "protocol.proto_json", "protocol.families"},
    {"protocol.events", "audio", "transport.base", "transport.proxy", "recordings"},
    {"protocol.models", "protocol.endpoint", "protocol.fields", "protocol.functions", "protocol.tools",
     "protocol.options", "protocol.closing", "protocol.schema", "protocol.setup", "protocol.turns",
     "protocol.resumption", "protocol.calls", "protocol.progress", "protocol.handover", "protocol.health",
     "protocol.history", "protocol.held_back", "protocol.ledger", "protocol.audio_ring", "protocol.questions",
     "protocol.utterances", "protocol.outbox", "protocol.parts", "protocol.pings", "protocol.server_events",
     "protocol.saved_state", "protocol.setup_state", "protocol.local_events", "protocol.doubts", "protocol.inbox",
     "protocol.recovery", "protocol.seeding", "protocol.speech"},
    {"protocol.session"},
    {"transport", "event_queue", "credentials", "telemetry", "config"},
    {"realtime_client", "driver", "integrations.ag2_events", "adapters.files"},
    {"client"},
    {"agent", "integrations"},
    {"adapters", "testing"},
    {"evaluation", "inspection", "web"},
    {"cli", "pytest_plugin"},
]  # fmt: skip
"""From the ground up; a floor may import itself and what is below. `local` stands beside, on a few things only."""

LOCAL_RESTS_ON = ("errors", "checking", "protocol.messages", "protocol.codec", "protocol.families", "audio",
                  "recordings", "local")  # fmt: skip
LOCAL_FLOORS = [
    {"local.thinking", "local.lifetime", "local.faults.table", "local.server.limits"},
    {"local.wire"},
    {"local.session"},
    {"local.speech", "local.server.connection", "local.server.inbox", "local.server.observers", "local.server.http"},
    {"local.responders", "local.faults"},
    {"local", "local.server", "local.serve", "local.choices"},
]
IMPURE = {"asyncio", "socket", "threading", "multiprocessing", "subprocess", "time", "random", "secrets", "logging",
          "sqlite3", "picows"}  # fmt: skip
PURE = (
    "protocol.",
    "audio.",
    "local.session",
    "local.wire",
    "local.thinking",
    "local.lifetime",
    "local.faults.table",
    "recordings.lines",
    "recordings.redaction",
    "recordings.stereo",
)
CORE = {"picows", "msgspec", "pybase64"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported_by(path: Path, *, everywhere: bool = True) -> Iterator[str]:
    """Full names of the modules a file imports; with `everywhere` also those imported inside functions."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join([*_package_of(path, node.level), *filter(None, [node.module])])
            submodules = [PACKAGE.parent.joinpath(*f"{module}.{alias.name}".split(".")) for alias in node.names]
            found = [f"{module}.{p.name}" for p in submodules if p.is_dir() or p.with_suffix(".py").exists()]
            yield from found or [module]


def _package_of(path: Path, level: int) -> tuple[str, ...]:
    """What the dots of a relative import stand for."""
    return path.relative_to(PACKAGE.parent).parts[:-level] if level else ()


def own(path: Path) -> Iterator[str]:
    return (name.removeprefix("gemini_realtime.") for name in imported_by(path) if name.startswith("gemini_realtime."))


def floor(name: str, floors: Sequence[Set[str]] = FLOORS) -> int | None:
    """The floor of a module: the most specific entry that names it."""
    places = [(len(room), level) for level, rooms in enumerate(floors) for room in rooms
              if name == room or name.startswith(room + ".")]  # fmt: skip
    return max(places)[1] if places else None


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_flow_down(path: Path) -> None:
    name = name_of(path)
    if name in ("", "__main__", "protocol", "transport"):
        return
    if name.startswith("local"):
        strangers = [other for other in own(path) if not other.startswith(LOCAL_RESTS_ON)]
        assert strangers == []
    floors = LOCAL_FLOORS if name.startswith("local") else FLOORS
    here = floor(name, floors)
    assert here is not None, f"{name} has no floor: give it one"
    if name.split(".")[0] == "cli":
        assert not [other for other in own(path) if other.startswith("protocol")], "the CLI uses public names"
        return
    others = [other for other in own(path) if floors is FLOORS or other.startswith("local")]
    if name.startswith(("testing", "evaluation")):
        others = [other for other in others if not other.startswith("local")]  # they stand on the client and the server
    upward = [other for other in others if (there := floor(other, floors)) is None or there > here]
    assert upward == []


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p).startswith(PURE)], ids=name_of)
def test_what_decides_stays_pure(path: Path) -> None:
    assert {name.split(".")[0] for name in imported_by(path)} & IMPURE == set()


def stored_in(tree: ast.AST) -> Iterator[ast.Attribute]:
    """Every attribute that is assigned to."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store))


@pytest.mark.parametrize("path", [p for p in MODULES if name_of(p).startswith("protocol.")], ids=name_of)
def test_no_owner_writes_the_fields_of_another(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    own_fields = {node.attr for node in stored_in(tree) if isinstance(node.value, ast.Name)}
    others = {node.attr for node in stored_in(tree) if not isinstance(node.value, ast.Name)}
    assert others - own_fields == set()


@pytest.mark.parametrize(("path", "name"), [("protocol/session.py", "Session"), ("driver.py", "SessionDriver")])
def test_what_joins_the_others_holds_few_things(path: str, name: str) -> None:
    tree = ast.parse((PACKAGE / path).read_text("utf-8"))
    (joins,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    fields = {node.attr for node in stored_in(joins) if isinstance(node.value, ast.Name) and node.value.id == "self"}
    assert len(fields) <= 12, fields


def test_every_public_name_is_there_and_the_list_is_sorted() -> None:
    assert gemini_realtime.__all__ == sorted(gemini_realtime.__all__)
    assert all(getattr(gemini_realtime, name) is not None for name in gemini_realtime.__all__)


def test_what_is_public_is_said_once_to_type_checkers_and_once_to_python() -> None:
    assert sorted(gemini_realtime._HOME) == gemini_realtime.__all__
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    said = {alias.name: node.module for node in imports for alias in node.names}
    assert said == {name: f"gemini_realtime.{module}" for name, module in gemini_realtime._HOME.items()}


def test_a_star_import_gives_what_needs_no_extra_that_is_missing() -> None:
    code = """if True:
        import sys
        sys.modules["numpy"] = sys.modules["pydantic_core"] = None
        from gemini_realtime import *
        print("GeminiRealtimeClient" in dir(), "RealtimeAgent" in dir())
        from gemini_realtime import RealtimeAgent
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["True", "False"]
    assert "pip install 'gemini-realtime[agent]'" in run.stderr


def test_nothing_is_imported_before_it_is_used() -> None:
    code = "import sys, gemini_realtime; print(*[name for name in sys.modules if name.startswith('gemini_realtime.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["gemini_realtime.version"]


def test_a_module_is_there_by_its_name_alone() -> None:
    code = "import gemini_realtime; print(gemini_realtime.errors.ConfigError.__name__, 'Usage' in dir(gemini_realtime))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["ConfigError", "True"]


def test_the_documented_names_are_public() -> None:
    documented = {"GeminiRealtimeClient", "RealtimeClientBase", "RealtimeClientProtocol", "Role", "get_client",
                  "register_realtime_client", "LiveServer", "RealtimeEvent", "SessionCreated", "SessionUpdated",
                  "AudioDelta", "InputAudioBufferDelta", "SpeechStarted", "FunctionCall"}  # fmt: skip
    assert documented <= set(gemini_realtime.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'LiveServer2'"):
        _ = gemini_realtime.LiveServer2


CLIENT = "from gemini_realtime import GeminiRealtimeClient"


def test_importing_the_client_imports_core_dependencies_only() -> None:
    allowed = CORE | {"gemini_realtime", *sys.stdlib_module_names}
    for dependency in CORE:
        allowed |= _roots(_brought_by(f"import {dependency}"))
    assert _roots(_brought_by(CLIENT)) <= allowed


def test_importing_the_client_imports_little_that_not_everybody_needs() -> None:
    """What a first session may do without comes with who needs it: JSON's slow reader, functions, chance, picows."""
    brought = _brought_by(CLIENT)
    others = brought - _brought_by("import asyncio, logging, msgspec, pybase64, ssl")
    assert {name for name in _roots(others) if not name.startswith("_")} <= {
        "gemini_realtime", "urllib", "ipaddress", "bisect",
    }  # fmt: skip
    assert sum(name.startswith("gemini_realtime.") for name in brought) <= 56


def test_nothing_is_imported_while_somebody_talks() -> None:
    """An import holds up the event loop, and with it the sound of every conversation."""
    code = """if True:
        import asyncio, sys
        from gemini_realtime import GeminiRealtimeClient, TurnComplete
        from gemini_realtime.transport.memory import MemoryService

        def answer(service, frame):
            content = {"modelTurn": {"parts": [{"text": "Hello."}]}, "turnComplete": True}
            service.say({"setupComplete": {}} if "setup" in frame else {"serverContent": content})

        async def main():
            entry, service = {"model": "gemini-3.8-live", "api_key": "key"}, MemoryService(answer)
            client = GeminiRealtimeClient(llm_config={"config_list": [entry]}, dial=service.dial)
            async with client.connect():
                connected = set(sys.modules)
                await client.send_text(role="user", text="Hello.")
                async for event in client.read_events():
                    if isinstance(event, TurnComplete):
                        break
                print("talked", *set(sys.modules) - connected)

        asyncio.run(main())
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["talked"]


@cache
def _brought_by(statement: str) -> set[str]:
    """The modules that a new process has after this statement, and had not before."""
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def _roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "common", "misc")]


def test_every_package_says_what_it_is() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        name = ".".join(("gemini_realtime", *path.parent.relative_to(PACKAGE).parts))
        assert len((importlib.import_module(name).__doc__ or "").split()) > 3, name
