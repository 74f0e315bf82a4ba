"""`gemini-realtime talk`: who talks to whom, through what; the conversation itself is in `conversation.py`."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import os
import shlex
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gemini_realtime import GeminiRealtimeClient, GeminiRealtimeError, LiveServer
from gemini_realtime.adapters.devices import SoundDevice, default_devices
from gemini_realtime.adapters.files import Recording
from gemini_realtime.cli.conversation import Conversation, Question
from gemini_realtime.cli.extras import require_server
from gemini_realtime.cli.options.files import try_to_write, writing
from gemini_realtime.cli.options.talk import TalkOptions
from gemini_realtime.cli.screen import Screen, screen_for
from gemini_realtime.cli.sounding import LiveVoice, Loudspeaker, Tape, sample_question
from gemini_realtime.recordings import RecordingOptions

DEFAULT_MODEL: Final = "gemini-3.8-live"
DEFAULT_RECORDING: Final = Path("conversation.wav")
KEY_VARIABLES: Final = ("GEMINI_API_KEY", "GOOGLE_API_KEY")


async def talk(options: TalkOptions) -> None:
    """Hold one conversation; when it is cancelled, what was heard so far is kept."""
    recording = options.recording  # refused before anything is opened
    async with AsyncExitStack() as stack:
        screen = stack.enter_context(screen_for(json=options.events, json_audio=options.json_audio))
        device = await _open_device(options, screen, stack)
        client = GeminiRealtimeClient(llm_config=await _llm_config(options, screen, stack))
        client.record(recording)
        question = _question(options, device, screen)
        sound_file = _sound_file(options, device, screen)
        tape = Tape() if sound_file else None
        loudspeaker = Loudspeaker(device, tape)
        conversation = Conversation(question, loudspeaker=loudspeaker, tape=tape, screen=screen)
        try:
            await conversation.hold(client, system=options.system)
        except asyncio.CancelledError:
            loudspeaker.flush(conversation.now_ms())  # what was not heard yet will not be
        finally:
            lines = conversation.measurements.lines(spoken=not isinstance(question, str))
            if conversation.measurements.setup_ms is not None:
                lines += _save(loudspeaker, options.output, tape, sound_file) + _recorded(recording)
            screen.summary(lines)


async def _open_device(options: TalkOptions, screen: Screen, stack: AsyncExitStack) -> SoundDevice | None:
    """The loudspeaker, with the microphone if the user is to speak; None where there is none, or nobody listens."""
    if options.events and not options.live:
        return None
    _hush_alsa()
    try:
        microphone, loudspeaker = default_devices()
        if loudspeaker is not None and (microphone is not None or not options.live):
            device = SoundDevice(
                microphone=(options.microphone or True) if options.live else False,
                loudspeaker=options.loudspeaker,
                echo_cancellation=None if options.echo_cancellation else False,
            )
            await stack.enter_async_context(device)
            screen.levels(device)
            return device
        problem = "There is no microphone with a loudspeaker here"
    except GeminiRealtimeError as error:
        if options.microphone is not None or options.loudspeaker is not None:
            raise  # another device than the one that was asked for is none
        problem = str(error)
    if options.live:
        screen.note(f"{problem}. A recorded question is asked instead.")
    return None


_ALSA_HANDLER: Final = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_SAY_NOTHING: Final = _ALSA_HANDLER(lambda *_: None)  # kept: ALSA calls it as long as the process runs


def _hush_alsa() -> None:
    """ALSA writes its own messages to stderr, which is the middle of the screen."""
    with contextlib.suppress(OSError, AttributeError):  # there is no ALSA
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_SAY_NOTHING)


def _question(options: TalkOptions, device: SoundDevice | None, screen: Screen) -> Question:
    if options.say is not None:
        return options.say
    if options.input is not None:
        return Recording(options.input)
    if device is not None:
        if options.echo_cancellation and not device.echo_cancellation:
            screen.note(
                "Echo cancellation is not installed (pip install livekit): you are not heard while Gemini speaks. "
                "With headphones you are, with --no-echo-cancellation."
            )
        screen.note("Speak. Say goodbye, or press Ctrl-C, to end.")
        return LiveVoice(device.microphone)
    return sample_question()


async def _llm_config(options: TalkOptions, screen: Screen, stack: AsyncExitStack) -> dict[str, Any]:
    """Who to talk to: the server that was asked for, Gemini where there is a key, or a server of our own."""
    wanted = {"model": options.model, "voice": options.voice, "base_url": options.url}
    given = {name: value for name, value in wanted.items() if value is not None}
    key = key_variable()
    if options.url is not None or key is not None:
        whom = f"Gemini, with the key in {key}" if options.url is None else without_secrets(options.url)
        screen.note(f"Talking to {whom}.")
        return {"config_list": [{"model": DEFAULT_MODEL, **given}]}
    require_server()
    screen.note("No GEMINI_API_KEY: talking to the embedded Live server, on this machine.")
    screen.waiting("Starting the embedded server")
    server = await stack.enter_async_context(LiveServer())
    return server.llm_config(**given)


def _save(
    loudspeaker: Loudspeaker, output: Path | None, tape: Tape | None, sound_file: Path | None
) -> list[tuple[str, str]]:
    lines = []
    if tape is not None and sound_file is not None:
        with writing(sound_file):
            tape.recording.save(sound_file)
        lines.append(("recording", f"{sound_file} (you left, Gemini right)"))
    if output is not None:
        with writing(output):
            loudspeaker.save(output)
        lines.append(("answer", str(output)))
    return lines


def _recorded(options: RecordingOptions | None) -> list[tuple[str, str]]:
    if options is None or options.last_s is not None:
        return []
    folder = os.fspath(options.folder)
    return [("recording", f"in {folder}; look at it with: gemini-realtime inspect {shlex.quote(folder)}")]


def _sound_file(options: TalkOptions, device: SoundDevice | None, screen: Screen) -> Path | None:
    kept = options.sound_file or options.recording or options.output
    if kept is not None or (device is not None and options.live):
        return options.sound_file
    recording = _unused(DEFAULT_RECORDING)
    try:
        with writing(recording):
            try_to_write(recording)
    except OSError as error:  # nobody asked for it
        screen.note(f"The conversation is not kept: {error}.")
        return None
    return recording


def _unused(path: Path) -> Path:
    """The path, or the first like it that no file has: `conversation.wav`, `conversation-2.wav`."""
    others = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(other for other in itertools.chain([path], others) if not other.exists())


def without_secrets(url: str) -> str:
    """An address without what may be secret in it: user, password and parameters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "another server"  # and the client says what is wrong with its address
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else "another server"


def key_variable() -> str | None:
    """The variable that holds a key."""
    return next((name for name in KEY_VARIABLES if os.environ.get(name)), None)
