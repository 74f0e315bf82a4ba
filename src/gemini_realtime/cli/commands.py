"""What can be typed: commands, options and their help. What they do is in a module each, imported when it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="gemini-realtime",
    help="Hold a live spoken conversation with Gemini.",
    epilog="Begin with [bold]gemini-realtime talk[/bold]; without a key it talks to a server of its own, offline.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_TALK = (
    "Talk with Gemini.\n\n"
    "With a microphone and a loudspeaker it is a live conversation, until you say goodbye or press Ctrl-C. "
    "Without them, or with --say or --input, one question is asked and its answer waited for.\n\n"
    "With GEMINI_API_KEY or GOOGLE_API_KEY set it talks to Gemini. Without, it starts a server of its own, "
    "which hears and speaks and needs no network."
)
_TALK_EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime talk\n\n"
    'gemini-realtime talk --say "What time is it?"\n\n'
    "gemini-realtime talk --input question.wav --output answer.wav\n\n"
    "gemini-realtime talk --input question.wav --json | jq -r .type\n\n"
    "GEMINI_API_KEY=... gemini-realtime talk --voice kore"
)
_SERVE = (
    "Run the embedded Live server, until Ctrl-C or SIGTERM.\n\n"
    "It speaks Google's Live protocol: any Gemini Live client can talk to it, with any key. "
    'Once it listens it prints "ready" and its address.'
)
_SERVE_EXAMPLES = (
    "[bold]Examples[/bold]\n\ngemini-realtime serve --port 8765\n\ngemini-realtime talk --url ws://127.0.0.1:8765"
)
_DOCTOR = (
    "Check this machine: Python, extras, sound, key, network, and a spoken round trip.\n\n"
    "Each line says what to do where something is not fine. Exit code 1: something is missing without which there is "
    "no conversation."
)


def _writable(path: Path | None) -> Path | None:
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {str(path.parent)!r}")
    return path


@app.command(help=_TALK, epilog=_TALK_EXAMPLES)
def talk(
    say: Annotated[str | None, typer.Option(metavar="TEXT", help="Ask this, in writing.")] = None,
    input: Annotated[
        Path | None,
        typer.Option(metavar="WAV", exists=True, dir_okay=False, readable=True, help="Ask with this recording."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="WAV", dir_okay=False, callback=_writable, help="Keep what Gemini says: mono, 24 kHz."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="WAV",
            dir_okay=False,
            callback=_writable,
            help="Keep both sides: stereo, you left, Gemini right. "
            "By default conversation.wav, unless you speak yourself or give --output.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of gemini-3.8-live.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="What Gemini speaks with.")] = None,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions for the model.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Talk to this server.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per event, and nothing else.")] = False,
    json_audio: Annotated[bool, typer.Option("--json-audio", help="The same, audio included (base64).")] = False,
    no_echo_cancellation: Annotated[
        bool, typer.Option("--no-echo-cancellation", help="Leave the microphone as it is.")
    ] = False,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.talk import Request, talk

    if say is not None and input is not None:
        raise typer.BadParameter("give --say or --input, not both")
    request = Request(
        say=say,
        input=input,
        output=output,
        record=record,
        model=model,
        voice=voice,
        system=system,
        url=url,
        json=json or json_audio,
        json_audio=json_audio,
        echo_cancellation=not no_echo_cancellation,
    )
    run(talk(request))


@app.command(help=_SERVE, epilog=_SERVE_EXAMPLES)
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 for any that is free.")] = 0,
    instant: Annotated[
        bool, typer.Option("--instant", help="End turns at once, not when they would have been heard.")
    ] = False,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import serve

    run(serve(host, port, pace="instant" if instant else "realtime"))


@app.command(help=_DOCTOR)
def doctor() -> None:
    from gemini_realtime.cli.doctor import doctor
    from gemini_realtime.cli.running import run

    if not run(doctor()):
        raise typer.Exit(1)
