"""What can be typed after `gemini-realtime talk`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gemini_realtime.cli.options.files import refuse_to_overwrite, writable
from gemini_realtime.cli.options.recording import RecordLast, RecordWithout, recording_options

if TYPE_CHECKING:
    from gemini_realtime.recordings import RecordingOptions

HELP: Final = (
    "Talk with Gemini.\n\n"
    "With a microphone and a loudspeaker it is a live conversation, until you say goodbye or press Ctrl-C. "
    "Without them, or with --say or --input, it asks one question and waits for the answer.\n\n"
    "With GEMINI_API_KEY or GOOGLE_API_KEY set it talks to Gemini. Without a key it starts the embedded "
    "server, which hears and speaks on this machine and needs no network."
)
EXAMPLES: Final = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime talk\n\n"
    'gemini-realtime talk --say "What time is it?"\n\n'
    "gemini-realtime talk --input question.wav --output answer.wav\n\n"
    "gemini-realtime talk --input question.wav --json | jq -r .type\n\n"
    "GEMINI_API_KEY=... gemini-realtime talk --voice kore"
)
SOUND_FILES: Final = (".wav", ".wave", ".flac", ".ogg", ".opus", ".mp3", ".aiff")


@dataclass(frozen=True, kw_only=True)
class TalkOptions:
    """What was typed."""

    say: Annotated[str | None, typer.Option(metavar="TEXT", help="Ask this as text.")] = None
    input: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, help="Ask with this recording."),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, callback=writable, help="Save what Gemini says: mono, 24 kHz."),
    ] = None
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR | FILE",
            help="Record the conversation in a folder of its own in DIR: see gemini-realtime inspect and replay. "
            "Or both sides alone in a sound file such as both.wav: stereo, you left, Gemini right. By default "
            "conversation.wav, or conversation-2.wav and so on, unless you speak yourself or give --output.",
        ),
    ] = None
    record_without: RecordWithout = None
    record_last: RecordLast = None
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of gemini-3.8-live.")] = None
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="The voice that Gemini speaks with.")] = None
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions for the model.")] = None
    url: Annotated[str | None, typer.Option(metavar="URL", help="Talk to this server.")] = None
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per event, and nothing else.")] = False
    json_audio: Annotated[bool, typer.Option("--json-audio", help="The same, audio included (base64).")] = False
    microphone: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name, or a part of it: see gemini-realtime devices.")
    ] = None
    loudspeaker: Annotated[str | None, typer.Option(metavar="NAME", help="Its name, or a part of it.")] = None
    no_echo_cancellation: Annotated[
        bool, typer.Option("--no-echo-cancellation", help="Leave the microphone as it is: with headphones.")
    ] = False

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, and what would be lost."""
        if self.say is not None and self.input is not None:
            raise typer.BadParameter("give --say or --input, not both")
        for option, text in (("--say", self.say), ("--url", self.url)):
            if text is not None and not text.strip():
                raise typer.BadParameter("it is empty", param_hint=option)
        for option, text in (("--say", self.say), ("--system", self.system)):
            if any("\udc80" <= character <= "\udcff" for character in text or ""):  # bytes that Python could not read
                raise typer.BadParameter("it is not in the encoding of this terminal", param_hint=option)
        if self.output is not None and self.record is not None and self.output.absolute() == self.record.absolute():
            raise typer.BadParameter("give --output and --record a file each")
        writable(self.sound_file)
        if not self.force:
            refuse_to_overwrite(self.output, "--output")
            refuse_to_overwrite(self.sound_file, "--record")

    @property
    def live(self) -> bool:
        """Whether the user is to speak."""
        return self.say is None and self.input is None

    @property
    def echo_cancellation(self) -> bool:
        """Whether what the loudspeaker plays is taken out of what the microphone hears."""
        return not self.no_echo_cancellation

    @property
    def events(self) -> bool:
        """Whether events are printed, and nothing else."""
        return self.json or self.json_audio

    @property
    def sound_file(self) -> Path | None:
        """Where both sides are kept as sound alone."""
        return self.record if self.record is not None and self.record.suffix.lower() in SOUND_FILES else None

    @cached_property
    def recording(self) -> RecordingOptions | None:
        """Where the conversation is recorded, and what of it."""
        folder = self.record if self.sound_file is None else None
        return recording_options(folder, self.record_without, self.record_last)
