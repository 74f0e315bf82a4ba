"""What can be typed after `gemini-realtime serve` and `offline`: both have a server of their own."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gemini_realtime.cli import printable
from gemini_realtime.cli.options.files import writable
from gemini_realtime.cli.options.recording import RecordLast, RecordTo, RecordWithout, recording_options

if TYPE_CHECKING:
    from gemini_realtime.local import LiveServer

SERVE_HELP: Final = (
    "Run the embedded Live server, until Ctrl-C or SIGTERM.\n\n"
    "It speaks Google's Live protocol: any Gemini Live client can talk to it, with any key. "
    'Once it listens it prints "ready" and its address.'
)
SERVE_EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime serve --port 8765\n\n"
    "gemini-realtime talk --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime serve --tls --port 8765 --tls-port 8766\n\n"
    "gemini-realtime serve --responder script:call.yaml\n\n"
    "gemini-realtime serve --responder chat:llama3.2@http://127.0.0.1:11434/v1\n\n"
    "gemini-realtime serve --fault cut:after_frames=20,times=1 --fault slow-pong"
)
OFFLINE_HELP: Final = (
    "Run a program that talks to Gemini Live, without Gemini.\n\n"
    "It starts the embedded Live server, points the program to it and its certificate "
    "(GOOGLE_GEMINI_BASE_URL, GOOGLE_VERTEX_BASE_URL, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS), gives it a key if there is "
    "none, and ends with the program and its exit code. The program needs no change if it is built on "
    "google-genai in Python or JavaScript."
)
OFFLINE_EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime offline -- python my_agent.py\n\n"
    "gemini-realtime offline --pace instant -- pytest -q\n\n"
    "gemini-realtime offline -- node my_agent.mjs"
)

Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")]
Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 for any that is free.")]
TlsPort = Annotated[int, typer.Option("--tls-port", metavar="N", min=0, max=65535, help="The same, for wss.")]

LIMITS: Final = "Limits"


class Pace(Enum):
    """When a turn of the server ends."""

    REALTIME = "realtime"
    INSTANT = "instant"


def _help_faults(asked: bool) -> None:
    if asked:
        from gemini_realtime.local.faults import help_lines

        print(*help_lines(), sep="\n")
        raise typer.Exit


def _limit(metavar: str, minimum: float, help: str, default: str | bool = True) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar=metavar, min=minimum, rich_help_panel=LIMITS, help=help, show_default=default
    )
    return option


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What was typed of a server that a program on this machine is given; its host and TLS are not to be chosen."""

    host: str = field(default="127.0.0.1", init=False)
    port: Port = 0
    tls: bool = field(default=True, init=False)
    tls_port: TlsPort = 0
    pace: Annotated[Pace, typer.Option(help="End turns when they have been played, as Gemini does, or at once.")] = (
        Pace.REALTIME
    )
    responder: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What answers: rules, echo, chat\\[:MODEL\\[@URL]], script:FILE, or replay:FILE, a recording.",
        ),
    ] = "rules"
    hearing: Annotated[
        str, typer.Option(metavar="NAME", help="What hears: best, whisper\\[:MODEL] or pocketsphinx.")
    ] = "best"
    speaking: Annotated[str, typer.Option(metavar="NAME", help="What speaks: best, hibari, espeak or piper:FILE.")] = (
        "best"
    )
    unfinished_wait: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=0,
            max=60,
            help="Wait this much longer for a user whose sentence is plainly unfinished (my number is ...).",
        ),
    ] = 0
    api_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            envvar="GEMINI_REALTIME_SERVER_KEY",
            help="Accept this key only; needed where other machines reach the server.",
        ),
    ] = None
    model_profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Behave as this family of models, not as the one that the client names."),
    ] = None
    strict_models: Annotated[
        bool, typer.Option("--strict-models", help="Refuse unknown models, as the service does.")
    ] = False
    log: Annotated[
        bool, typer.Option("--log", help="A line on stderr for each message, with its words, never sound or keys.")
    ] = False
    record: RecordTo = None
    record_without: RecordWithout = None
    record_last: RecordLast = None
    sessions: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            callback=writable,
            show_default="in memory",
            help="Keep sessions here, so that they can be resumed after a restart.",
        ),
    ] = Path(":memory:")
    connection_lifetime: Annotated[
        float, _limit("S", 0.1, "Close connections after this long, announced by goAway.")
    ] = 600
    go_away_before: Annotated[
        float | None, _limit("S", 0, "How long before that goAway is sent.", "as the service: 50, and 60 on Vertex")
    ] = None
    session_lifetime: Annotated[
        float | None,
        _limit("S", 0.1, "End sessions after this long, across all their connections; Gemini does after 900.", "never"),
    ] = None
    max_sessions: Annotated[int, _limit("N", 1, "The most sessions at once; further ones are refused.")] = 1000
    max_message: Annotated[float, _limit("MIB", 0.001, "A longer message ends its session.")] = 16
    max_session_memory: Annotated[float, _limit("MIB", 1, "The most memory that one session may take.")] = 128
    handshake_timeout: Annotated[float, _limit("S", 0.1, "Close connections whose handshake takes longer.")] = 10
    idle_timeout: Annotated[float, _limit("S", 0.1, "Close connections that are silent for longer.")] = 600
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Inject this fault, such as cut:after_frames=10; may be repeated."),
    ] = None
    seed: Annotated[int, typer.Option(metavar="N", help="The seed of what is random in faults.")] = 0
    help_faults: Annotated[
        bool, typer.Option("--help-faults", is_eager=True, callback=_help_faults, help="List the faults.")
    ] = False

    def server(self) -> LiveServer:
        """The server as it was asked for."""
        from gemini_realtime.local import Limits, LiveServer, SessionLimits

        return LiveServer(
            self.host,
            self.port,
            tls=self.tls,
            tls_port=self.tls_port,
            pace=self.pace.value,
            api_key=self.api_key,
            model_profile=self.model_profile,
            strict_models=self.strict_models,
            log=_log_line if self.log else None,
            record_to=recording_options(self.record, self.record_without, self.record_last),
            sessions_path=self.sessions,
            connection_lifetime_s=self.connection_lifetime,
            go_away_before_s=self.go_away_before,
            session_limits=SessionLimits(audio_s=self.session_lifetime),
            limits=Limits(
                sessions=self.max_sessions,
                message_bytes=int(self.max_message * 1024 * 1024),
                session_bytes=int(self.max_session_memory * 1024 * 1024),
                handshake_s=self.handshake_timeout,
                idle_s=self.idle_timeout,
            ),
            responder=self.responder,
            hearing=self.hearing,
            speaking=self.speaking,
            unfinished_wait_s=self.unfinished_wait,
            faults=self.fault or (),
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class ServeOptions(ServerOptions):
    """What was typed of a server for whoever asks."""

    host: Host = "127.0.0.1"
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve wss too, which google-genai insists on, and say what it needs.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class OfflineOptions(ServerOptions):
    """What was typed: a program, and its server."""

    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.", show_default=False)
    ]


def _log_line(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
