"""What can be typed after `gemini-realtime web`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gemini_realtime.cli.options.recording import RecordLast, RecordTo, RecordWithout, recording_options
from gemini_realtime.cli.options.server import LIMITS, Host

if TYPE_CHECKING:
    from gemini_realtime.recordings import RecordingOptions

HELP: Final = (
    "Talk with an agent in the browser, and see what happens.\n\n"
    "With GEMINI_API_KEY or GOOGLE_API_KEY set it talks to Gemini. Without a key it starts the embedded "
    "server, which hears and speaks on this machine and needs no network. The key never reaches the page."
)
EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime web\n\n"
    "gemini-realtime web --agent my_agent:agent\n\n"
    "gemini-realtime web --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime web --host 0.0.0.0 --auth PASSWORD --certificate cert.pem --key key.pem"
)


@dataclass(frozen=True, kw_only=True)
class WebOptions:
    """What was typed."""

    agent: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:AGENT",
            help="Your RealtimeAgent, or a function that makes one, instead of a guide that knows the weather.",
        ),
    ] = None
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, show_default="8760, or any that is free", help="Where to serve the page."
        ),
    ] = None
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of gemini-3.8-live.")] = None
    url: Annotated[str | None, typer.Option(metavar="URL", help="Talk to this server.")] = None
    embedded: Annotated[
        bool | None,
        typer.Option("--embedded/--no-embedded", show_default="without a key", help="Talk to the embedded server."),
    ] = None
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True
    host: Host = "127.0.0.1"
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="PASSWORD",
            envvar="GEMINI_REALTIME_WEB_PASSWORD",
            help="Ask for this; needed where other machines reach the page.",
        ),
    ] = None
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name under which the page may be requested, as behind a proxy."),
    ] = None
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Serve https: browsers give the microphone to https and this machine only.",
        ),
    ] = None
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="The private key of the certificate."),
    ] = None
    record: RecordTo = None
    record_without: RecordWithout = None
    record_last: RecordLast = None
    max_conversations: Annotated[
        int,
        typer.Option(metavar="N", min=1, rich_help_panel=LIMITS, help="The most at once; further ones are refused."),
    ] = 4
    max_minutes: Annotated[
        float, typer.Option(metavar="MIN", min=0.1, rich_help_panel=LIMITS, help="How long a conversation may last.")
    ] = 60

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.agent is not None and self.model is not None:
            raise typer.BadParameter("an agent of yours names its model itself", param_hint="--model")
        if self.key is not None and self.certificate is None:
            raise typer.BadParameter(
                "give its --certificate too: without, the page is not encrypted", param_hint="--key"
            )

    @cached_property
    def recording(self) -> RecordingOptions | None:
        """Where conversations are recorded, and what of them."""
        return recording_options(self.record, self.record_without, self.record_last)
