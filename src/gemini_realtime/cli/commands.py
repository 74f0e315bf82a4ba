"""What can be typed: commands, options and their help. What they do is in a module each, imported when it is run."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gemini_realtime.cli import inspect, replay
from gemini_realtime.cli.record import RecordLast, RecordTo, RecordWithout, recording_options

if TYPE_CHECKING:
    from gemini_realtime.local import Limits

SOUND_FILES = (".wav", ".wave", ".flac", ".ogg", ".opus", ".mp3", ".aiff")

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
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime serve --port 8765\n\n"
    "gemini-realtime talk --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime serve --tls --port 8765 --tls-port 8766\n\n"
    "gemini-realtime serve --responder script:call.yaml\n\n"
    "gemini-realtime serve --responder chat:llama3.2@http://127.0.0.1:11434/v1\n\n"
    "gemini-realtime serve --fault cut:after_frames=20,times=1 --fault slow-pong"
)
_OFFLINE = (
    "Run a program that talks to Gemini Live, without Gemini.\n\n"
    "It starts the embedded Live server, tells the program where it is and that its certificate is good "
    "(GOOGLE_GEMINI_BASE_URL, GOOGLE_VERTEX_BASE_URL, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS), gives it a key if there is "
    "none, and ends with the program and its exit code. Nothing in the program is to be changed, if it is built on "
    "google-genai in Python or JavaScript."
)
_OFFLINE_EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime offline -- python my_agent.py\n\n"
    "gemini-realtime offline --pace instant -- pytest -q\n\n"
    "gemini-realtime offline -- node my_agent.mjs"
)
_WEB = (
    "Talk with an agent in the browser, and see what goes on.\n\n"
    "With GEMINI_API_KEY or GOOGLE_API_KEY set it talks to Gemini. Without, it starts a server of its own, "
    "which hears and speaks and needs no network. The key never reaches the page."
)
_WEB_EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime web\n\n"
    "gemini-realtime web --agent my_agent:agent\n\n"
    "gemini-realtime web --url ws://127.0.0.1:8765\n\n"
    "gemini-realtime web --host 0.0.0.0 --auth PASSWORD --certificate cert.pem --key key.pem"
)
_DOCTOR = (
    "Check this machine: Python, extras, sound, key, network, and a spoken round trip.\n\n"
    "Each line says what to do where something is not fine. Exit code 1: something is missing without which there is "
    "no conversation."
)


class Pace(Enum):
    """When a turn of the server ends."""

    REALTIME = "realtime"
    INSTANT = "instant"


def _writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before anything is done for it."""
    if path is None:
        return None
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no directory {str(path.parent)!r}")
    is_new = not path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise typer.BadParameter(f"{str(path)!r} cannot be written: {error.strerror}") from None
    if is_new:
        path.unlink()
    return path


def _new(path: Path | None, option: str, *, force: bool) -> Path | None:
    """Refuse to overwrite a file, unless that is wanted."""
    if path is not None and path.is_file() and not force:
        raise typer.BadParameter(f"{str(path)!r} exists; add --force to overwrite it", param_hint=option)
    return path


def _version(asked: bool) -> None:
    if asked:
        from gemini_realtime import __version__

        print(f"gemini-realtime {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say which version this is.")
    ] = False,
) -> None:
    """What stands before a command."""


def _help_faults(asked: bool) -> None:
    if asked:
        from gemini_realtime.local.faults import help_lines

        print(*help_lines(), sep="\n")
        raise typer.Exit


@app.command(help=_TALK, epilog=_TALK_EXAMPLES)
def talk(
    say: Annotated[str | None, typer.Option(metavar="TEXT", help="Ask this, in writing.")] = None,
    input: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, help="Ask with this recording."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, callback=_writable, help="Keep what Gemini says: mono, 24 kHz."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR | FILE",
            help="Record the conversation in a folder of its own in DIR: see gemini-realtime inspect and replay. "
            "Or both sides alone in a sound file such as both.wav: stereo, you left, Gemini right. By default "
            "conversation.wav, or conversation-2.wav and so on, unless you speak yourself or give --output.",
        ),
    ] = None,
    record_without: RecordWithout = None,
    record_last: RecordLast = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of gemini-3.8-live.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="What Gemini speaks with.")] = None,
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="Instructions for the model.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Talk to this server.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per event, and nothing else.")] = False,
    json_audio: Annotated[bool, typer.Option("--json-audio", help="The same, audio included (base64).")] = False,
    microphone: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name, or a part of it: see gemini-realtime devices.")
    ] = None,
    loudspeaker: Annotated[str | None, typer.Option(metavar="NAME", help="Likewise.")] = None,
    no_echo_cancellation: Annotated[
        bool, typer.Option("--no-echo-cancellation", help="Leave the microphone as it is: with headphones.")
    ] = False,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.talk import Request, talk

    if say is not None and input is not None:
        raise typer.BadParameter("give --say or --input, not both")
    for option, text in (("--say", say), ("--url", url)):
        if text is not None and not text.strip():
            raise typer.BadParameter("it is empty", param_hint=option)
    if output is not None and record is not None and output.absolute() == record.absolute():
        raise typer.BadParameter("give --output and --record a file each")
    sound_file = record if record is not None and record.suffix.lower() in SOUND_FILES else None
    folder = record if sound_file is None else None
    request = Request(
        say=say,
        input=input,
        output=_new(output, "--output", force=force),
        record=_new(_writable(sound_file), "--record", force=force),
        recording=recording_options(folder, record_without, record_last),
        model=model,
        voice=voice,
        system=system,
        url=url,
        json=json or json_audio,
        json_audio=json_audio,
        microphone=microphone,
        loudspeaker=loudspeaker,
        echo_cancellation=not no_echo_cancellation,
    )
    run(talk(request))


@app.command()
def devices() -> None:
    """List the microphones and loudspeakers of this machine; [bold]*[/bold] marks what the system uses."""
    from gemini_realtime.adapters.devices import list_devices

    found = list_devices()
    for use in ("microphone", "loudspeaker"):
        print(f"{use}s")
        for device in found:
            if getattr(device, use):
                print(f"  {'*' if use in device.default else ' '} {device.name}")


Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")]
Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 for any that is free.")]
TlsPort = Annotated[int, typer.Option("--tls-port", metavar="N", min=0, max=65535, help="The same, for wss.")]
PaceOfTurns = Annotated[
    Pace, typer.Option("--pace", help="End turns when they would have been heard, as Gemini does, or at once.")
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        envvar="GEMINI_REALTIME_SERVER_KEY",
        help="Accept this key only; needed where other machines reach the server.",
    ),
]
Responder = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What thinks: rules, echo, chat\\[:MODEL\\[@URL]], script:FILE, or replay:FILE, a recording.",
    ),
]
Hearing = Annotated[str, typer.Option(metavar="NAME", help="What hears: best, whisper\\[:MODEL] or pocketsphinx.")]
Speaking = Annotated[str, typer.Option(metavar="NAME", help="What speaks: best, hibari, espeak or piper:FILE.")]
UnfinishedWait = Annotated[
    float,
    typer.Option(
        "--unfinished-wait",
        metavar="S",
        min=0,
        max=60,
        help="Wait so much longer for a user whose sentence plainly goes on (my number is ...).",
    ),
]
ModelProfile = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Behave as this family of models, not as the one that the client names."),
]
SessionsFile = Annotated[
    Path,
    typer.Option(
        "--sessions",
        metavar="FILE",
        dir_okay=False,
        callback=_writable,
        show_default="in memory",
        help="Keep sessions here, to be resumed after a restart.",
    ),
]
_LIMITS = "Limits"

ConnectionLifetime = Annotated[
    float,
    typer.Option(
        metavar="S", min=0.1, rich_help_panel=_LIMITS, help="Close connections after so long, announced by goAway."
    ),
]
GoAwayBefore = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        min=0,
        rich_help_panel=_LIMITS,
        show_default="as the service: 50, and 60 on Vertex",
        help="How long before.",
    ),
]
SessionLifetime = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        min=0.1,
        rich_help_panel=_LIMITS,
        show_default="never",
        help="End sessions after so long, over all their connections; Gemini does after 900.",
    ),
]
MaxSessions = Annotated[
    int, typer.Option(metavar="N", min=1, rich_help_panel=_LIMITS, help="At once; one more is refused.")
]
MaxMessage = Annotated[
    float, typer.Option(metavar="MIB", min=0.001, rich_help_panel=_LIMITS, help="A longer message ends its session.")
]
HandshakeTimeout = Annotated[
    float, typer.Option(metavar="S", min=0.1, rich_help_panel=_LIMITS, help="Who takes longer to ask is cut off.")
]
IdleTimeout = Annotated[
    float, typer.Option(metavar="S", min=0.1, rich_help_panel=_LIMITS, help="Who is silent for longer is cut off.")
]

MaxSessionMemory = Annotated[
    float,
    typer.Option(metavar="MIB", min=1, rich_help_panel=_LIMITS, help="What is kept of one session at most."),
]
LogMessages = Annotated[
    bool, typer.Option("--log", help="A line on stderr for each message, with its words, never sound or keys.")
]
StrictModels = Annotated[
    bool, typer.Option("--strict-models", help="Refuse models that are not known here, as the service does.")
]

Faults = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Let this go wrong: such as cut:after_frames=10. May be given repeatedly."),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Decides what faults leave to chance.")]
HelpFaults = Annotated[
    bool, typer.Option("--help-faults", is_eager=True, callback=_help_faults, help="Say what can go wrong.")
]


def _limits(sessions: int, message_mib: float, session_mib: float, handshake_s: float, idle_s: float) -> Limits:
    from gemini_realtime.local import Limits

    return Limits(
        sessions=sessions,
        message_bytes=int(message_mib * 1024 * 1024),
        session_bytes=int(session_mib * 1024 * 1024),
        handshake_s=handshake_s,
        idle_s=idle_s,
    )


@app.command(help=_SERVE, epilog=_SERVE_EXAMPLES)
def serve(
    host: Host = "127.0.0.1",
    port: Port = 0,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve wss too, which google-genai insists on, and say what it needs.")
    ] = False,
    tls_port: TlsPort = 0,
    pace: PaceOfTurns = Pace.REALTIME,
    responder: Responder = "rules",
    hearing: Hearing = "best",
    speaking: Speaking = "best",
    unfinished_wait: UnfinishedWait = 0,
    api_key: ApiKey = None,
    model_profile: ModelProfile = None,
    strict_models: StrictModels = False,
    log: LogMessages = False,
    record: RecordTo = None,
    record_without: RecordWithout = None,
    record_last: RecordLast = None,
    sessions: SessionsFile = Path(":memory:"),
    connection_lifetime: ConnectionLifetime = 600,
    go_away_before: GoAwayBefore = None,
    session_lifetime: SessionLifetime = None,
    max_sessions: MaxSessions = 1000,
    max_message: MaxMessage = 16,
    max_session_memory: MaxSessionMemory = 128,
    handshake_timeout: HandshakeTimeout = 10,
    idle_timeout: IdleTimeout = 600,
    fault: Faults = None,
    seed: Seed = 0,
    help_faults: HelpFaults = False,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import ServerOptions, serve

    options = ServerOptions(
        host=host,
        port=port,
        tls=tls,
        tls_port=tls_port,
        pace=pace.value,
        api_key=api_key,
        model_profile=model_profile,
        strict_models=strict_models,
        log=log,
        recording=recording_options(record, record_without, record_last),
        sessions=sessions,
        connection_lifetime_s=connection_lifetime,
        go_away_before_s=go_away_before,
        session_lifetime_s=session_lifetime,
        limits=_limits(max_sessions, max_message, max_session_memory, handshake_timeout, idle_timeout),
        responder=responder,
        hearing=hearing,
        speaking=speaking,
        unfinished_wait_s=unfinished_wait,
        faults=fault or (),
        seed=seed,
    )
    run(serve(options), until_stopped=True)


@app.command(help=_OFFLINE, epilog=_OFFLINE_EXAMPLES, context_settings={"allow_interspersed_args": False})
def offline(
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.", show_default=False)
    ],
    port: Port = 0,
    tls_port: TlsPort = 0,
    pace: PaceOfTurns = Pace.REALTIME,
    responder: Responder = "rules",
    hearing: Hearing = "best",
    speaking: Speaking = "best",
    unfinished_wait: UnfinishedWait = 0,
    api_key: ApiKey = None,
    model_profile: ModelProfile = None,
    strict_models: StrictModels = False,
    log: LogMessages = False,
    record: RecordTo = None,
    record_without: RecordWithout = None,
    record_last: RecordLast = None,
    sessions: SessionsFile = Path(":memory:"),
    connection_lifetime: ConnectionLifetime = 600,
    go_away_before: GoAwayBefore = None,
    session_lifetime: SessionLifetime = None,
    max_sessions: MaxSessions = 1000,
    max_message: MaxMessage = 16,
    max_session_memory: MaxSessionMemory = 128,
    handshake_timeout: HandshakeTimeout = 10,
    idle_timeout: IdleTimeout = 600,
    fault: Faults = None,
    seed: Seed = 0,
    help_faults: HelpFaults = False,
) -> None:
    from gemini_realtime.cli.offline import offline
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.serve import ServerOptions

    options = ServerOptions(
        port=port,
        tls=True,
        tls_port=tls_port,
        pace=pace.value,
        api_key=api_key,
        model_profile=model_profile,
        strict_models=strict_models,
        log=log,
        recording=recording_options(record, record_without, record_last),
        sessions=sessions,
        connection_lifetime_s=connection_lifetime,
        go_away_before_s=go_away_before,
        session_lifetime_s=session_lifetime,
        limits=_limits(max_sessions, max_message, max_session_memory, handshake_timeout, idle_timeout),
        responder=responder,
        hearing=hearing,
        speaking=speaking,
        unfinished_wait_s=unfinished_wait,
        faults=fault or (),
        seed=seed,
    )
    raise typer.Exit(run(offline(options, command)) or 0)


@app.command(help=_WEB, epilog=_WEB_EXAMPLES)
def web(
    agent: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:AGENT",
            help="Your RealtimeAgent, or a function that makes one, instead of a guide that knows the weather.",
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=65535, show_default="8760, or any that is free", help="Where to serve the page."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Instead of gemini-3.8-live.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Talk to this server.")] = None,
    embedded: Annotated[
        bool | None,
        typer.Option("--embedded/--no-embedded", show_default="without a key", help="Talk to a server of its own."),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    host: Host = "127.0.0.1",
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="PASSWORD",
            envvar="GEMINI_REALTIME_WEB_PASSWORD",
            help="Ask for this; needed where other machines reach the page.",
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name under which the page may be asked for, as behind a proxy."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Serve https: browsers give the microphone to https and this machine only.",
        ),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Of the certificate.")
    ] = None,
    record: RecordTo = None,
    record_without: RecordWithout = None,
    record_last: RecordLast = None,
    max_conversations: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=_LIMITS, help="At once; one more is refused.")
    ] = 4,
    max_minutes: Annotated[
        float, typer.Option(metavar="MIN", min=0.1, rich_help_panel=_LIMITS, help="How long one may last.")
    ] = 60,
) -> None:
    from gemini_realtime.cli.running import run
    from gemini_realtime.cli.web import Request, web
    from gemini_realtime.web.conversation import Limits

    if agent is not None and model is not None:
        raise typer.BadParameter("an agent of yours names its model itself", param_hint="--model")
    request = Request(
        host=host,
        port=port,
        agent=agent,
        model=model,
        url=url,
        embedded=embedded,
        password=auth,
        names=name or [],
        certificate=certificate,
        key=key,
        open=open_browser,
        recording=recording_options(record, record_without, record_last),
        limits=Limits(conversations=max_conversations, conversation_s=max_minutes * 60),
    )
    run(web(request), until_stopped=True)


@app.command(help=_DOCTOR)
def doctor() -> None:
    from gemini_realtime.cli.doctor import doctor
    from gemini_realtime.cli.running import run

    if not run(doctor()):
        raise typer.Exit(1)


_EVALUATE = (
    "Call an agent many times, and say what came of it.\n\n"
    "A suite is a YAML file of scenes: a caller, who says, interrupts, coughs, and what is expected of the agent. "
    "Without --sound time is virtual, and a call of five minutes takes a second. "
    "Exit code 1: something was not as expected."
)
_EVALUATE_EXAMPLES = (
    "[bold]Examples[/bold]\n\n"
    "gemini-realtime evaluate suite.yaml --agent restaurant:agent\n\n"
    "gemini-realtime evaluate suite.yaml --repeat 100 --html report.html\n\n"
    "gemini-realtime evaluate suite.yaml -- python my_google_genai_bot.py\n\n"
    "gemini-realtime evaluate suite.yaml --json after.jsonl && "
    "gemini-realtime evaluate --compare before.jsonl after.jsonl"
)


@app.command(help=_EVALUATE, epilog=_EVALUATE_EXAMPLES)
def evaluate(
    suite: Annotated[Path | None, typer.Argument(metavar="SUITE", help="The suite.", show_default=False)] = None,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND", help="A program to call instead of an agent.", show_default=False),
    ] = None,
    agent: Annotated[str, typer.Option(metavar="MODULE:FUNCTION", help="Makes the agent, for an llm_config.")] = "",
    url: Annotated[
        str,
        typer.Option(help="Call the agent that answers there: ws:// for binary PCM, twilio+ws:// for Media Streams."),
    ] = "",
    scene: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="What plays Gemini: rules, script:FILE, chat:MODEL, or gemini itself.")
    ] = "",
    repeat: Annotated[int, typer.Option(metavar="N", help="Calls of each scene, with seeds that follow.")] = 1,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of the first call.", show_default=False)] = None,
    sound: Annotated[bool, typer.Option("--sound", help="With real speech and in real time.")] = False,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; 0 for one per core.")] = 0,
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep calls that fail there, each with a page to look at.")
    ] = None,
    ray: Annotated[str, typer.Option(metavar="ADDRESS", help="Of a Ray cluster that holds the calls; or auto.")] = "",
    json_lines: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="A line of JSON for each call.", callback=_writable)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Hold only the calls that the file of --json does not have yet.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="JUnit XML, for CI.", callback=_writable)] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="A table.", callback=_writable)] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="A page to look at.", callback=_writable)] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="BEFORE AFTER", help="Compare two files of --json instead: what became better, worse."),
    ] = None,
) -> None:
    from gemini_realtime.cli import evaluate as evaluating

    if compare is not None:
        fine = evaluating.compared(*compare)
    elif suite is None:
        raise typer.BadParameter("name a suite, or two files to --compare", param_hint="SUITE")
    else:
        if resume and json_lines is None:
            raise typer.BadParameter("name the file with --json", param_hint="--resume")
        outputs = evaluating.Outputs(json_lines, junit, parquet, html, resume)
        fine = evaluating.evaluate(
            suite, outputs, agent=agent, command=command or (), url=url, only=scene or (), model=model, repeat=repeat,
            seed=seed, sound=sound, workers=workers, ray=ray,
            record=None if record is None else record.absolute(),
        )  # fmt: skip
    if not fine:
        raise typer.Exit(1)


app.command(help=replay.HELP, epilog=replay.EXAMPLES)(replay.replay)
app.command(help=inspect.HELP, epilog=inspect.EXAMPLES)(inspect.inspect)
