"""A function for Gemini to call, so that a first conversation has one: canned, the same answer every time."""

from __future__ import annotations

from typing import Annotated, Final

_WEATHER: Final = {
    "berlin": "windy with 9 degrees",
    "london": "raining with 12 degrees",
    "new york": "snowing with 1 degree",
    "paris": "sunny with 19 degrees",
    "tokyo": "cloudy with 16 degrees",
}
_ELSEWHERE: Final = "fair with 15 degrees"


async def get_weather(city: Annotated[str, "Name of the city"]) -> str:
    """Tell the current weather in a city. For demonstration: the data are made up."""
    return f"In {city} it is {_WEATHER.get(city.strip().lower(), _ELSEWHERE)}."
