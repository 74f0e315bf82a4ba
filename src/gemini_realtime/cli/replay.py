"""`gemini-realtime replay`: a recording in the place of the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gemini_realtime.cli.options.server import Host, Port, TlsPort

HELP = (
    "Play a recording as the service, until Ctrl-C or SIGTERM.\n\n"
    "Clients that do what the recorded one did, as talk does, get what it got: the same frames, in recorded time, and "
    "closed connections where they were closed. Of what they send the kinds are compared, not what is in it."
)
EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime replay calls --port 8765\n\n"
    "gemini-realtime talk --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime replay calls --at-once --tls"
)


def replay(
    recording: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A recording; of a folder of them, the newest.", show_default=False),
    ],
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Say everything as soon as the client has said what comes before it.")
    ] = False,
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve wss too, which google-genai insists on.")] = False,
    tls_port: TlsPort = 0,
    api_key: Annotated[
        str | None, typer.Option(metavar="KEY", envvar="GEMINI_REALTIME_SERVER_KEY", help="Accept this key only.")
    ] = None,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import serve
    from gemini_realtime.local import LiveServer, Replay

    played = Replay(recording, real_time=not at_once)
    server = LiveServer(host, port, tls=tls, tls_port=tls_port, api_key=api_key, responder=played)
    run(serve(server, tls=tls), until_stopped=True)
