"""How a conversation is shown: to people on a terminal, to people in a file, to programs."""

from __future__ import annotations

import json
import sys
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from gemini_realtime import (
    AudioDropped,
    ConnectionLost,
    FunctionCall,
    FunctionResult,
    GoAway,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    Reconnecting,
    SessionResumed,
    TextDelta,
    TurnComplete,
    VoiceHealth,
)
from gemini_realtime.adapters.devices import SoundDevice
from gemini_realtime.cli import printable

YOU: Final = "You"
GEMINI: Final = "Gemini"

_STYLES: Final = {YOU: "bold cyan", GEMINI: "bold magenta"}

_METER_CELLS: Final = 12


class Screen:
    """Lines for people: who says what, what is called, what it took. Use as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: list[tuple[str, str]] = []  # who speaks at present, and the words so far
        self._calls: dict[str, FunctionCall] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._finish_lines()

    def note(self, text: str) -> None:
        """Say something about what goes on."""
        self._console.print(Text(printable(text), style="dim"), soft_wrap=True)

    def waiting(self, what: str) -> None:
        """Tell what is being waited for."""

    def levels(self, device: SoundDevice) -> None:
        """Show how loud microphone and loudspeaker are, from now on."""

    def said(self, who: str, text: str) -> None:
        """Add to what somebody is saying."""
        for n, (speaker, words) in enumerate(self._open):
            if speaker == who:
                self._open[n] = (who, words + text)
                return
        self._open.append((who, text))

    def show(self, event: RealtimeEvent, at_ms: float) -> None:
        """Show what happened."""
        match event:
            case InputTranscript():
                self.said(YOU, event.text)
            case OutputTranscript() | TextDelta():
                self.said(GEMINI, event.text)
            case Interrupted():
                self.said(GEMINI, " [interrupted]")
                self._finish_lines()
            case FunctionCall():
                self._finish_lines()
                self._calls[event.call_id] = event
            case FunctionResult():
                self._called(event)
            case TurnComplete():
                self._finish_lines()
            case GoAway():
                self._tell("Gemini is about to end this connection: changing to another.")
            case ConnectionLost():
                self._tell(f"The connection was lost ({event.reason or event.code}): coming back.")
            case Reconnecting():
                self._tell(f"Attempt {event.attempt} in {event.wait_ms / 1000:.1f} s, after: {event.reason}")
            case SessionResumed():
                self._tell(f"Back after {event.gap_ms} ms{', in a new session' if event.new_session else ''}.")
            case AudioDropped():
                self._tell(f"{event.duration_ms / 1000:.1f} s of what you said were lost: {event.reason}.")
            case VoiceHealth():
                self.note(f"{event.finding}: {event.detail} {event.action}")

    def _called(self, result: FunctionResult) -> None:
        call = self._calls.pop(result.call_id, None)
        arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items()) if call else "..."
        told = result.result["output"] if list(result.result) == ["output"] else result.result
        self._line("tool", f"{result.name}({arguments}) → {told!r} (demo data)")

    def summary(self, lines: list[tuple[str, str]]) -> None:
        """Show what it took."""
        self._finish_lines()
        width = max((len(label) for label, _ in lines), default=0)
        for label, value in lines:
            self._console.print(Text.assemble((f"{label:<{width}}  ", "dim"), value), soft_wrap=True, highlight=False)

    def _tell(self, what: str) -> None:
        """Note what happened, after what was said before."""
        self._finish_lines()
        self.note(what)

    def _finish_lines(self) -> None:
        for who, words in self._open:
            if words.strip():
                self._line(who, " ".join(words.split()))
        self._open.clear()

    def _line(self, who: str, words: str) -> None:
        self._console.print(Text(printable(f"{who}: {words}")), soft_wrap=True)


class TerminalScreen(Screen):
    """Words appear as they are said, below them what is being waited for."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._spinner = Spinner("dots", style="dim")
        self._device: SoundDevice | None = None
        self._live = Live(console=console, get_renderable=self._unfinished, transient=True, refresh_per_second=12)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        self._live.stop()

    def waiting(self, what: str) -> None:
        self._spinner.update(text=Text(what, style="dim"))

    def levels(self, device: SoundDevice) -> None:
        self._device = device

    def summary(self, lines: list[tuple[str, str]]) -> None:
        self._live.stop()
        self._console.print()
        super().summary(lines)

    def _unfinished(self) -> RenderableType:
        rows: list[RenderableType] = [_row(who, words) for who, words in self._open]
        if self._device is not None:
            levels = [(YOU, self._device.microphone_db), (GEMINI, self._device.loudspeaker_db)]
            rows.append(Text("  ").join(_meter(who, db) for who, db in levels))
        return Group(*rows, self._spinner)

    def _line(self, who: str, words: str) -> None:
        self._console.print(_row(who, words))


class JsonScreen(Screen):
    """One JSON object per event and line on stdout; what is for people goes to stderr."""

    def __init__(self, console: Console, *, audio: bool) -> None:
        super().__init__(console)
        self._audio = audio

    def said(self, who: str, text: str) -> None:
        pass

    def show(self, event: RealtimeEvent, at_ms: float) -> None:
        if isinstance(event, InputAudioBufferDelta) and not self._audio:
            return
        line = {**event.to_dict(audio=self._audio), "t_ms": round(at_ms, 1)}
        print(json.dumps(line), flush=True)


def screen_for(*, json: bool, json_audio: bool) -> Screen:
    """What fits to where the output goes."""
    if json:
        return JsonScreen(Console(stderr=True, highlight=False), audio=json_audio)
    console = Console(highlight=False)
    return TerminalScreen(console) if sys.stdout.isatty() and not console.is_dumb_terminal else Screen(console)


def _meter(who: str, db: float) -> Text:
    """A bar from -60 dB to full scale."""
    lit = round(_METER_CELLS * min(1.0, max(0.0, 1 + db / 60)))
    return Text.assemble((who, "dim"), " ", ("▮" * lit, _STYLES[who]), ("▯" * (_METER_CELLS - lit), "dim"))


def _row(who: str, words: str) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column(width=6, style=_STYLES.get(who, "yellow"))
    row.add_column()
    row.add_row(who, Text(printable(words.strip())))
    return row
