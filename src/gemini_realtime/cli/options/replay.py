"""What can be typed after `gemini-realtime replay`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gemini_realtime.cli.options.server import Host, Port, TlsPort

if TYPE_CHECKING:
    from gemini_realtime.local import LiveServer

HELP: Final = (
    "Play a recording as the service, until Ctrl-C or SIGTERM.\n\n"
    "A client that does what the recorded one did gets what that one got: the same frames, in recorded time, and "
    "closed connections where they were closed. What they send is compared by kind, not by content."
)
EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime replay calls --port 8765\n\n"
    "gemini-realtime talk --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime replay calls --at-once --tls"
)


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What was typed."""

    recording: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A recording; for a folder of recordings, the newest.", show_default=False),
    ]
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Send everything as soon as the client has sent what precedes it.")
    ] = False
    host: Host = "127.0.0.1"
    port: Port = 0
    tls: Annotated[bool, typer.Option("--tls", help="Serve wss too, which google-genai insists on.")] = False
    tls_port: TlsPort = 0
    api_key: Annotated[
        str | None, typer.Option(metavar="KEY", envvar="GEMINI_REALTIME_SERVER_KEY", help="Accept this key only.")
    ] = None

    def server(self) -> LiveServer:
        """The server that plays it."""
        from gemini_realtime.local import LiveServer, Replay

        played = Replay(self.recording, real_time=not self.at_once)
        return LiveServer(
            self.host, self.port, tls=self.tls, tls_port=self.tls_port, api_key=self.api_key, responder=played
        )
