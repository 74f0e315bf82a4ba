"""Run other people's clients, as they are, against the embedded Live server.

    python interop/run.py                  every case, in environments of their own (.venv-interop*, node_modules)
    python interop/run.py --only adk       those whose client or case is named so
    python interop/run.py --write          keep the table in interop/README.md

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
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
INTEROP = ROOT / "interop"
TABLE = re.compile(r"(<!-- table -->\n).*?(<!-- end -->)", re.DOTALL)
OFFLINE = [sys.executable, "-m", "gemini_realtime", "offline", "--"]
NODE_MIN = 20
TIMEOUT_S = 120


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
        """Make the environment, unless it is there."""
        requirements = INTEROP / self.requirements
        made = ROOT / self.folder / ".made"
        if made.exists() and made.read_bytes() == requirements.read_bytes():
            return
        print(f"Making {self.folder} with interop/{self.requirements} (once)", flush=True)
        venv.create(ROOT / self.folder, with_pip=True, clear=True)
        pip = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
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
            Unavailable: there is no Node, or an old one.
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
            subprocess.run(["npm", "ci", *quiet], cwd=lock.parent, check=True)
            made.write_bytes(lock.read_bytes())

    def version(self, package: str) -> str:
        """The version of an installed package."""
        described = json.loads((INTEROP / "javascript" / "node_modules" / package / "package.json").read_bytes())
        return str(described["version"])

    def command(self, program: str) -> list[str]:
        """How a program of this folder is started."""
        return ["node", str(INTEROP / program)]


@dataclass(frozen=True)
class Client:
    """Somebody else's client, and the programs that use it.

    Attributes:
        place: where it is installed.
        cases: what happens in a program, and the program.
    """

    name: str
    package: str
    place: Python | Node
    cases: dict[str, str]


@dataclass(frozen=True)
class Result:
    """How a case went; `outcome` is "passed", or why it did not."""

    client: Client
    version: str
    case: str
    outcome: str
    seconds: float = 0.0
    output: str = ""

    @property
    def row(self) -> str:
        """A line of the table."""
        program = self.client.cases[self.case]
        path = program.split()[0]
        return (
            f"| {self.client.name} | {self.version} | {self.case} | [{program}]({path}) | {self.outcome} "
            f"| {self.seconds:.1f} |"
        )


GOOGLE = Python(".venv-interop", "requirements.txt")
FRAMEWORKS = Python(".venv-interop-frameworks", "frameworks/requirements.txt")
VOICE = Python(".venv-interop-voice", "voice/requirements.txt")
BOTH_APIS = {
    "text": "text.py",
    "audio in and out": "audio.py",
    "tool round": "tools.py",
    "interruption in writing": "interruption.py",
    "interruption by voice": "barge_in.py",
    "resumption": "resumption.py",
}
GEMINI_CASES = {**BOTH_APIS, "ephemeral token": "ephemeral_token.py"}
FAMILIES = {
    "2.5": "gemini-2.5-flash-native-audio-preview-12-2025",
    "3.1": "gemini-3.1-flash-live-preview",
    "3.8": "gemini-3.8-live",
    "3.8 thinking": "gemini-3.8-live-extended-thinking",
}


def by_family(case: str, program: str) -> dict[str, str]:
    """A case for each family of models."""
    return {f"{case}, {family}": f"{program} --model {model}" for family, model in FAMILIES.items()}


CLIENTS = [
    Client(
        "google-genai",
        "google-genai",
        GOOGLE,
        {
            **{case: f"google_genai/{it}" for case, it in GEMINI_CASES.items()},
            **by_family("tool round", "google_genai/tools.py"),
        },
    ),
    Client(
        "google-genai, Vertex AI",
        "google-genai",
        GOOGLE,
        {case: f"google_genai/{it} --vertex" for case, it in BOTH_APIS.items()},
    ),
    Client(
        "@google/genai",
        "@google/genai",
        Node(),
        {
            "text": "javascript/text.mjs",
            "audio in and out": "javascript/audio.mjs",
            "tool round": "javascript/tools.mjs",
            "interruption in writing": "javascript/interruption.mjs",
            "interruption by voice": "javascript/barge_in.mjs",
            "resumption": "javascript/resumption.mjs",
        },
    ),
    Client(
        "pydantic-ai",
        "pydantic-ai-slim",
        FRAMEWORKS,
        by_family("tool round in writing, and a spoken question", "frameworks/pydantic_ai_bot.py"),
    ),
    Client("Google ADK", "google-adk", FRAMEWORKS, by_family("tool round, aloud", "frameworks/adk_bot.py")),
    Client(
        "Pipecat",
        "pipecat-ai",
        VOICE,
        by_family("greeting, tool round and second question, aloud", "voice/pipecat_bot.py"),
    ),
    Client(
        "LiveKit's plugin",
        "livekit-plugins-google",
        VOICE,
        by_family("reply, tool round, new instructions and tools", "voice/livekit_bot.py"),
    ),
    Client("AG2", "ag2", FRAMEWORKS, {"tool round, aloud": "frameworks/ag2_bot.py"}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", default="", help="part of the name of clients, cases or programs")
    parser.add_argument("--write", action="store_true", help="keep the table in interop/README.md")
    parser.add_argument("--verbose", action="store_true", help="print what the programs print")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write keeps the table of all cases; leave --only out")
    results = [result for client in CLIENTS for result in run(client, options.only, verbose=options.verbose)]
    if not results:
        parser.error(f"no client and no case is named {options.only!r}")
    print(f"\n{table(results)}")
    if options.write:
        page = INTEROP / "README.md"
        page.write_text(
            TABLE.sub(lambda found: f"{found[1]}{table(results)}\n{found[2]}", page.read_text("utf-8")), "utf-8"
        )
    sys.exit(any(result.outcome.startswith("failed") for result in results))


def run(client: Client, only: str, *, verbose: bool) -> list[Result]:
    """Run the cases of a client, those that are asked for."""
    cases = [case for case, it in client.cases.items() if only.lower() in f"{client.name} {case} {it}".lower()]
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
        print(f"{client.name} {version}: {case} ... ", end="", flush=True)
        result = run_case(client, version, case)
        print(f"{result.outcome} ({result.seconds:.1f} s)", flush=True)
        if verbose or result.outcome != "passed":
            print(result.output, flush=True)
        results.append(result)
    return results


def run_case(client: Client, version: str, case: str) -> Result:
    """Run a program with a server of its own."""
    command = [*OFFLINE, *client.place.command(client.cases[case])]
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


def clean_environment() -> dict[str, str]:
    """The environment without what would lead a client elsewhere, or give it a real key."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "GEMINI_"))}


def table(results: list[Result]) -> str:
    """The results in Markdown."""
    head = "| client | version | case | program | result | seconds |\n| --- | --- | --- | --- | --- | ---: |"
    return "\n".join([head, *(result.row for result in results)])


if __name__ == "__main__":
    main()
