"""The commands. What can be typed after each is in `options/`; what it does in a module imported when it is run."""

from __future__ import annotations

from typing import Annotated

import typer

from gemini_realtime.cli.options import evaluate as evaluate_options
from gemini_realtime.cli.options import inspect as inspect_options
from gemini_realtime.cli.options import replay as replay_options
from gemini_realtime.cli.options import server as server_options
from gemini_realtime.cli.options import talk as talk_options
from gemini_realtime.cli.options import web as web_options
from gemini_realtime.cli.options.declaring import takes
from gemini_realtime.cli.options.evaluate import EvaluateOptions
from gemini_realtime.cli.options.inspect import InspectOptions
from gemini_realtime.cli.options.replay import ReplayOptions
from gemini_realtime.cli.options.server import OfflineOptions, ServeOptions
from gemini_realtime.cli.options.talk import TalkOptions
from gemini_realtime.cli.options.web import WebOptions

app = typer.Typer(
    name="gemini-realtime",
    help="Hold a live spoken conversation with Gemini.",
    epilog="Begin with [bold]gemini-realtime talk[/bold]; without a key it talks to the embedded server, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from gemini_realtime import __version__

        print(f"gemini-realtime {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """What stands before a command."""


@app.command(help=talk_options.HELP, epilog=talk_options.EXAMPLES)
@takes(TalkOptions)
def talk(options: TalkOptions) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.talk import talk

    run(talk(options))


@app.command()
def devices() -> None:
    """List the microphones and loudspeakers of this machine; [bold]*[/bold] marks what the system uses."""
    from gemini_realtime.adapters.devices import list_devices

    found = list_devices()
    for use in ("microphone", "loudspeaker"):
        usable = [device for device in found if getattr(device, use)]
        print(f"{use}s{'' if usable else ': none'}")
        for device in usable:
            print(f"  {'*' if use in device.default else ' '} {device.name}")


@app.command(help=server_options.SERVE_HELP, epilog=server_options.SERVE_EXAMPLES)
@takes(ServeOptions)
def serve(options: ServeOptions) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import serve

    run(serve(options.server(), tls=options.tls), until_stopped=True)


@app.command(
    help=server_options.OFFLINE_HELP,
    epilog=server_options.OFFLINE_EXAMPLES,
    context_settings={"allow_interspersed_args": False},
)
@takes(OfflineOptions)
def offline(options: OfflineOptions) -> None:
    from gemini_realtime.cli.offline import offline
    from gemini_realtime.cli.running import run

    raise typer.Exit(run(offline(options.server(), options.command)) or 0)


@app.command(help=web_options.HELP, epilog=web_options.EXAMPLES)
@takes(WebOptions)
def web(options: WebOptions) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.web import web

    run(web(options), until_stopped=True)


@app.command(
    help="Check this machine: Python, extras, sound, key, network, and a spoken round trip.\n\n"
    "Where something is wrong, the line says what to do. Exit code 1: something is missing that a conversation needs."
)
def doctor() -> None:
    from gemini_realtime.cli.doctor import doctor
    from gemini_realtime.cli.running import run

    if not run(doctor()):
        raise typer.Exit(1)


@app.command(help=evaluate_options.HELP, epilog=evaluate_options.EXAMPLES)
@takes(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> None:
    from gemini_realtime.cli.evaluate import compared, evaluate

    fine = evaluate(options) if options.compare is None else compared(*options.compare)
    if not fine:
        raise typer.Exit(1)


@app.command(help=replay_options.HELP, epilog=replay_options.EXAMPLES)
@takes(ReplayOptions)
def replay(options: ReplayOptions) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import serve

    run(serve(options.server(), tls=options.tls), until_stopped=True)


@app.command(help=inspect_options.HELP, epilog=inspect_options.EXAMPLES)
@takes(InspectOptions)
def inspect(options: InspectOptions) -> None:
    from gemini_realtime.cli.inspect import inspect

    inspect(options)
