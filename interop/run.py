"""Run other people's clients, as they are, against the embedded Live server.

    python interop/run.py                  every case, in environments of their own (.venv-interop*, node_modules)
    python interop/run.py --only adk       those whose client or case is named so
    python interop/run.py --write          keep the results in the table of interop/README.md

Each case is a program that `gemini-realtime offline` starts; it fails by its exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
INTEROP = ROOT / "interop"
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD = "| client | version | family | what is run | program | result | seconds |\n" + "| --- " * 6 + "| ---: |"
ROW = re.compile(r"^\| .* \| *[0-9.]+ \|$", re.MULTILINE)
OFFLINE = [sys.executable, "-m", "gemini_realtime", "offline", "--"]
NODE_MIN = 20
TIMEOUT_S = 240


class Unavailable(Exception):
    """What a client needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Python:
    """An environment for clients in Python.

    Attributes:
        folder: the environment, in the root of the project.
        requirements: what is installed in it.
    """

    folder: str
    requirements: str

    def prepare(self) -> None:
        """Make the environment, unless it is there.

        Raises:
            Unavailable: something cannot be installed.
        """
        requirements = INTEROP / self.requirements
        made = ROOT / self.folder / ".made"
        if made.exists() and made.read_bytes() == requirements.read_bytes():
            return
        print(f"Making {self.folder} with interop/{self.requirements} (once)", flush=True)
        venv.create(ROOT / self.folder, with_pip=True, clear=True)
        pip = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = subprocess.run([*pip, "--requirement", str(requirements)], stderr=subprocess.PIPE, text=True)
        if installed.returncode:
            raise Unavailable(f"pip says {last_line(installed.stderr, 'ERROR')!r}")
        made.write_bytes(requirements.read_bytes())

    def version(self, package: str) -> str:
        """The version of an installed package."""
        code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        return subprocess.run(
            [self._python, "-c", code, package], check=True, capture_output=True, text=True
        ).stdout.strip()

    def command(self, program: str) -> list[str]:
        """How a program of this folder is started; options may follow its path."""
        path, *options = program.split()
        module = f"interop/{path}".removesuffix(".py").replace("/", ".")
        return [str(self._python), "-m", module, *options]

    @property
    def _python(self) -> Path:
        return ROOT / self.folder / "bin" / "python"


@dataclass(frozen=True)
class Node:
    """The modules of interop/javascript, as its lock file pins them."""

    def prepare(self) -> None:
        """Install the modules, unless they are there.

        Raises:
            Unavailable: there is no Node, or an old one, or something cannot be installed.
        """
        if not shutil.which("node") or not shutil.which("npm"):
            raise Unavailable(f"Node {NODE_MIN} or newer and npm are needed, and were not found")
        found = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
        if int(found.removeprefix("v").partition(".")[0]) < NODE_MIN:
            raise Unavailable(f"Node {NODE_MIN} or newer is needed, this is {found}")
        lock = INTEROP / "javascript" / "package-lock.json"
        made = INTEROP / "javascript" / "node_modules" / ".made"
        if not made.exists() or made.read_bytes() != lock.read_bytes():
            print("Installing interop/javascript/package-lock.json (once)", flush=True)
            quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            installed = subprocess.run(["npm", "ci", *quiet], cwd=lock.parent, stderr=subprocess.PIPE, text=True)
            if installed.returncode:
                raise Unavailable(f"npm says {last_line(installed.stderr, 'npm error')!r}")
            made.write_bytes(lock.read_bytes())

    def version(self, package: str) -> str:
        """The version of an installed package."""
        described = json.loads((INTEROP / "javascript" / "node_modules" / package / "package.json").read_bytes())
        return str(described["version"])

    def command(self, program: str) -> list[str]:
        """How a program of this folder is started; options may follow its path."""
        path, *options = program.split()
        return ["node", str(INTEROP / path), *options]


@dataclass(frozen=True)
class Case:
    """A program that uses a client.

    Attributes:
        about: what happens in it.
        program: its path in this folder.
        family: of models, by its name in `FAMILIES`.
    """

    about: str
    program: str
    family: str = "3.8"

    @property
    def command(self) -> str:
        """The program with its options."""
        return f"{self.program} {FAMILIES[self.family]}"


@dataclass(frozen=True)
class Client:
    """Somebody else's client, and the programs that use it.

    Attributes:
        place: where it is installed.
    """

    name: str
    package: str
    place: Python | Node
    cases: list[Case]


@dataclass(frozen=True)
class Result:
    """How a case went; `outcome` is "passed", or why it did not."""

    client: Client
    version: str
    case: Case
    outcome: str
    seconds: float = 0.0
    output: str = ""

    @property
    def row(self) -> str:
        """A line of the table."""
        case = self.case
        program = f"[{case.program}]({case.program})"
        cells = (self.client.name, self.version, case.family, case.about, program, self.outcome, f"{self.seconds:.1f}")
        return f"| {' | '.join(cells)} |"


GOOGLE = Python(".venv-interop", "requirements.txt")
FRAMEWORKS = Python(".venv-interop-frameworks", "frameworks/requirements.txt")
VOICE = Python(".venv-interop-voice", "voice/requirements.txt")
AG2_LIVE = Python(".venv-interop-ag2", "frameworks/ag2-requirements.txt")
SCENARIO = Python(".venv-interop-scenario", "frameworks/scenario-requirements.txt")
TAU2 = Python(".venv-interop-tau2", "frameworks/tau2-requirements.txt")
FAMILIES = {
    "2.5": "--model gemini-2.5-flash-native-audio-preview-12-2025",
    "3.1": "--model gemini-3.1-flash-live-preview",
    "3.8": "--model gemini-3.8-live",
    "3.8 thinking": "--model gemini-3.8-live-extended-thinking",
    "2.5, Vertex AI": "--vertex --model gemini-live-2.5-flash-native-audio",
}
"""The options of a program for each family of models, on the Gemini API unless it says otherwise."""

GEMINI = tuple(family for family in FAMILIES if "Vertex" not in family)


def each(about: str, program: str, families: Iterable[str] = FAMILIES) -> list[Case]:
    """A case for each of these families of models; for all of them, on both APIs, by default."""
    return [Case(about, program, family) for family in families]


CLIENTS = [
    Client(
        "google-genai",
        "google-genai",
        GOOGLE,
        [
            *each("two questions in writing", "google_genai/text.py", ("3.8", "2.5, Vertex AI")),
            *each("two spoken questions", "google_genai/audio.py", ("3.8", "2.5, Vertex AI")),
            *each("tool round", "google_genai/tools.py"),
            *each("interruption in writing", "google_genai/interruption.py", ("3.8", "2.5, Vertex AI")),
            *each("interruption by voice", "google_genai/barge_in.py"),
            *each("cut, resumption with new instructions", "google_genai/resumption.py"),
            *each("new instructions in mid-session", "google_genai/instructions.py", ("2.5, Vertex AI",)),
            *each("ephemeral token", "google_genai/ephemeral_token.py", ("3.8",)),
        ],
    ),
    Client(
        "@google/genai",
        "@google/genai",
        Node(),
        [
            Case("two questions in writing", "javascript/text.mjs"),
            Case("spoken question", "javascript/audio.mjs"),
            *each("tool round", "javascript/tools.mjs", GEMINI),
            Case("interruption in writing", "javascript/interruption.mjs"),
            *each("interruption by voice", "javascript/barge_in.mjs", GEMINI),
            *each("cut, resumption with new instructions", "javascript/resumption.mjs", GEMINI),
        ],
    ),
    Client(
        "Firebase's JavaScript SDK",
        "firebase",
        Node(),
        each(
            "tool round in writing, spoken question, interruption, cut and resumption",
            "javascript/firebase.mjs",
            ("2.5", "3.1", "3.8", "2.5, Vertex AI"),
        ),
    ),
    Client(
        "pydantic-ai",
        "pydantic-ai-slim",
        FRAMEWORKS,
        each(
            "greeting and tool round in writing, spoken question, interruption, new instructions, cut and resumption",
            "frameworks/pydantic_ai_bot.py",
        ),
    ),
    Client(
        "Google ADK",
        "google-adk",
        FRAMEWORKS,
        [
            *each(
                "greeting, tool round, second question, interruption, cut and resumption, new instructions",
                "frameworks/adk_bot.py",
            ),
            *each("hand-over to another agent", "frameworks/adk_agents.py"),
        ],
    ),
    Client(
        "Pipecat",
        "pipecat-ai",
        VOICE,
        each("greeting, tool round, second question, interruption, cut and resumption", "voice/pipecat_bot.py"),
    ),
    Client(
        "LiveKit's plugin",
        "livekit-plugins-google",
        VOICE,
        each("reply, tool round, new instructions and tools, interruption, cut and resumption", "voice/livekit_bot.py"),
    ),
    Client(
        "AG2",
        "ag2",
        FRAMEWORKS,
        [
            Case("tool round, aloud", "frameworks/ag2_bot.py", "2.5"),
            Case("its notebook's program, called as by a browser", "frameworks/ag2_browser.py", "2.5"),
        ],
    ),
    Client(
        "AG2, live agent", "ag2", AG2_LIVE, each("tool round, second question, aloud", "frameworks/ag2_live_bot.py")
    ),
    Client(
        "langwatch-scenario",
        "langwatch-scenario",
        SCENARIO,
        each("greeting, question, interruption, aloud", "frameworks/scenario_bot.py", ("2.5", "3.1", "3.8")),
    ),
    Client(
        "tau2-bench",
        "tau2",
        TAU2,
        each("tool round, goAway and resumption, second question, aloud", "frameworks/tau2_bot.py", ("3.1",)),
    ),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", default="", help="part of the name of clients, cases or programs")
    parser.add_argument("--write", action="store_true", help="keep the results in interop/README.md")
    parser.add_argument("--verbose", action="store_true", help="print what the programs print")
    options = parser.parse_args()
    results = [result for client in CLIENTS for result in run(client, options.only, verbose=options.verbose)]
    if not results:
        parser.error(f"no client and no case is named {options.only!r}")
    print(f"\n{table(results)}")
    if options.write:
        keep(results)
    sys.exit(any(result.outcome.startswith("failed") for result in results))


def run(client: Client, only: str, *, verbose: bool) -> list[Result]:
    """Run the cases of a client, those that are asked for."""
    cases = [case for case in client.cases if only.lower() in f"{client.name} {case.about} {case.command}".lower()]
    if not cases:
        return []
    try:
        client.place.prepare()
    except Unavailable as reason:
        print(f"SKIPPED  {client.name}: {reason}", flush=True)
        return [Result(client, "", case, f"skipped: {reason}") for case in cases]
    version = client.place.version(client.package)
    results = []
    for case in cases:
        print(f"{client.name} {version}: {case.about}, {case.family} ... ", end="", flush=True)
        result = run_case(client, version, case)
        print(f"{result.outcome} ({result.seconds:.1f} s)", flush=True)
        if verbose or result.outcome != "passed":
            print(result.output, flush=True)
        results.append(result)
    return results


def run_case(client: Client, version: str, case: Case) -> Result:
    """Run a program with a server of its own."""
    command = [*OFFLINE, *client.place.command(case.command)]
    began_s = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
        outcome = f"failed: exit code {process.returncode}" if process.returncode else "passed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        outcome = f"failed: not done after {TIMEOUT_S} s"
    return Result(client, version, case, outcome, time.monotonic() - began_s, output)


def last_line(output: str, beginning: str) -> str:
    """What a program said last in lines that begin so."""
    return next((line for line in reversed(output.splitlines()) if line.startswith(beginning)), output.strip())


def clean_environment() -> dict[str, str]:
    """The environment without what would lead a client elsewhere, or give it a real key."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "GEMINI_"))}


def table(results: list[Result]) -> str:
    """The results in Markdown."""
    return "\n".join([HEAD, *(result.row for result in results)])


def keep(results: list[Result]) -> None:
    """Put the results into the table of the page, in place of those of the same cases, in the order of `CLIENTS`."""
    page = INTEROP / "README.md"
    text = page.read_text("utf-8")
    rows = {named(row): row for row in ROW.findall(text)} | {named(result.row): result.row for result in results}
    ordered = (rows.get((client.name, case.family, case.about)) for client in CLIENTS for case in client.cases)
    written = "\n".join([HEAD, *filter(None, ordered)])
    page.write_text(TABLE.sub(lambda found: f"{found[1]}{written}\n{found[2]}", text), "utf-8")


def named(row: str) -> tuple[str, ...]:
    """What a line of the table is about: client, family, and what is run."""
    client, _version, family, about, *_ = row.removeprefix("| ").split(" | ")
    return client, family, about


if __name__ == "__main__":
    main()
