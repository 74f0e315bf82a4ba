"""`python -m gemini_realtime`."""

from gemini_realtime.cli import main

main()
