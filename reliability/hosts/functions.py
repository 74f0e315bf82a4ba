"""The functions of a host, and the defect that its program was given."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

PRICES = {"fish": 20, "wine": 9}
DEFECT = sys.argv[1] if len(sys.argv) > 1 else ""
BOOK = "book" if DEFECT == "misnamed function" else "book_table"


async def book_table(guests: int, hour: int, name: str) -> str:
    """Book a table."""
    if DEFECT == "hangs up":
        os._exit(0)
    return "booked"


async def price(dish: str) -> int:
    """The price of a dish in dollars."""
    if DEFECT == "slow function":
        await asyncio.sleep(2)
    if DEFECT == "hanging function":
        await asyncio.Event().wait()
    if DEFECT == "failing function":
        raise KeyError(dish)
    return PRICES[dish]


async def result_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the model is told of a call."""
    functions: dict[str, Any] = {BOOK: book_table, "price": price}
    try:
        return {"output": await functions[name](**arguments)}
    except Exception as error:
        return {"error": repr(error)}
