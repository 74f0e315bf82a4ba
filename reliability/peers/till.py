"""What every agent here has in common: the function that pays, and the questions. Needs the standard library alone.

The environment says how: `TILL` is the file in which each payment is a line, `SCENE` what becomes of the function,
`ASK_EVERY_S` the time between two questions, `STAYS_S` how long the program stays after the last.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

ITEMS = ("bread", "milk")
SCENE = os.environ.get("SCENE", "none")

INSTRUCTIONS = "You pay for what you are asked to pay for."


async def pay_for(item: str) -> str:
    """Take a second and pay; or whatever the scene says."""
    await asyncio.sleep({"timeout": 600.0, "late-result": 8.0}.get(SCENE, 1.0))
    if SCENE == "exception":
        raise RuntimeError("no money")
    _note(item)
    if SCENE == "exit":
        raise SystemExit("the till is broken")
    return "paid"


def _note(item: str) -> None:
    with Path(os.environ["TILL"]).open("a") as till:
        till.write(f"{item}\n")


async def ask_for_everything(ask: Callable[[str], Awaitable[object]]) -> None:
    """Ask to pay for each item, and then for nothing: the answer to that tells that the agent is alive."""
    for item in ITEMS:
        await ask(f"Pay for {item}.")
        await asyncio.sleep(float(os.environ["ASK_EVERY_S"]))
    await ask("Are you there?")
    await asyncio.sleep(float(os.environ["STAYS_S"]))
