"""A function for Gemini to call, so that a first conversation has one: canned, the same answer every time."""

from __future__ import annotations

from typing import Any, Final

DECLARATIONS: Final[list[dict[str, Any]]] = [
    {
        "name": "get_weather",
        "description": "Tell the current weather in a city. For demonstration: the data are made up.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Name of the city"}},
            "required": ["city"],
        },
    }
]

_WEATHER: Final = {
    "berlin": "windy with 9 degrees",
    "london": "raining with 12 degrees",
    "new york": "snowing with 1 degree",
    "paris": "sunny with 19 degrees",
    "tokyo": "cloudy with 16 degrees",
}
_ELSEWHERE: Final = "fair with 15 degrees"


def get_weather(city: str) -> str:
    """Tell the made-up weather in a city."""
    return f"In {city} it is {_WEATHER.get(city.strip().lower(), _ELSEWHERE)}."


def call(name: str, arguments: dict[str, Any]) -> str | dict[str, Any]:
    """Call a function as Gemini asks for it; what cannot be called is answered with an error it understands."""
    if name != "get_weather":
        return {"error": f"there is no function {name!r}"}
    try:
        return get_weather(**arguments)
    except TypeError as error:
        return {"error": str(error)}
