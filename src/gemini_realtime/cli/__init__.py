"""The command line: `gemini-realtime talk | web | serve | offline | replay | inspect | evaluate | doctor`.

Built of public names only.

Exit codes: 0 fine, 1 the conversation (or a check) failed, 2 usage, 130 stopped by Ctrl-C, which is how `serve` ends
normally, with 0; of `offline`, those of what it runs.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

FAILED = 1
USAGE = 2
INTERRUPTED = 130

_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """What somebody else said, without what a terminal obeys: control characters, such as those that set its title."""
    return text.translate(_CONTROLS)


def main() -> NoReturn:
    """Run the command that `sys.argv` asks for, and exit."""
    _open_standard_streams()
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # before anything had begun, or when it was over
    sys.exit(0)


def _open_standard_streams() -> None:
    """Lead those that were closed (`>&-`) nowhere: the next socket would get their number, and what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _run() -> None:
    # Imported here, so that Ctrl-C is heard from the beginning.
    from gemini_realtime.errors import AudioFormatError, ConfigError, GeminiRealtimeError, MissingDependencyError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an arrow is no reason to fail in a console that has none
    try:
        from gemini_realtime.cli.commands import app

        app()
    except (ConfigError, AudioFormatError) as error:
        _fail(str(error), USAGE)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gemini_realtime"):
            raise
        from gemini_realtime.cli.extras import extra_with

        _fail(str(MissingDependencyError(f"the command line ({error.name})", extra_with(error.name or ""))), USAGE)
    except BrokenPipeError:
        # Whoever read the output has seen enough; what Python would flush at exit has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (GeminiRealtimeError, OSError) as error:
        _fail(str(error), FAILED)


def _fail(problem: str, code: int) -> NoReturn:
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{red}{printable(' '.join(problem.split()))}{plain}", file=sys.stderr)
    sys.exit(code)
