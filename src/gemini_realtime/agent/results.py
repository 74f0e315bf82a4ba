"""What a function returned, as what goes to the model: an object, and images and files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.protocol.parts import Media, image_type

try:
    from pydantic_core import PydanticSerializationError, from_json, to_json
except ImportError as error:
    raise MissingDependencyError("an agent with tools", "agent") from error

MAX_RESULT_BYTES: Final = 100_000
"""Some 25,000 tokens. The smallest context window of a Live model holds 32,000.
Source: https://ai.google.dev/gemini-api/docs/live-guide, "Limitations"."""


class ToolError(Exception):
    """Raise it in a function to tell the model what went wrong, in words it can act on."""


@dataclass(frozen=True)
class ToolResult:
    """What goes to the model.

    Attributes:
        response: the object; `error` in it means failure.
        media: images and files that belong to it.
    """

    response: dict[str, Any]
    media: tuple[Media, ...] = ()

    @classmethod
    def error(cls, problem: str, **more: str) -> ToolResult:
        """What the model is told when something went wrong."""
        return cls({"error": problem, **more})


def to_result(value: Any) -> ToolResult:
    """What a function returned, as pydantic writes it; what is no object becomes its `output`.

    `Media`, and the bytes of a JPEG, PNG or WebP, may stand anywhere in it: they are taken out, and a word is left.

    Raises:
        ToolError: JSON has no form for it, or it is longer than a model can hold.
    """
    media: list[Media] = []

    def other(item: Any) -> Any:
        if isinstance(item, Media):
            return _taken_out(item, media)
        if isinstance(item, msgspec.Struct):
            return msgspec.to_builtins(item)
        if hasattr(item, "tolist"):  # an array of numbers
            return item.tolist()
        raise TypeError(f"a {type(item).__name__} has no form in JSON")

    try:
        written = to_json(_with_images(value), fallback=other, bytes_mode="base64", inf_nan_mode="strings")
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"the function has run, and its result cannot be told: {_first_line(error)}") from error
    if len(written) > MAX_RESULT_BYTES:
        raise ToolError(
            f"the function has run, and its result is too long: {len(written)} bytes of JSON, and at most "
            f"{MAX_RESULT_BYTES} can be told; ask for less"
        )
    plain = from_json(written)
    response = plain if isinstance(plain, dict) else {"output": "done" if plain is None else plain}
    return ToolResult(response, tuple(media))


def _with_images(value: Any) -> Any:
    """The same with media in place of the bytes of images, which would be written as base64."""
    if isinstance(value, bytes) and (mime_type := image_type(value)) is not None:
        return Media(value, mime_type)
    if type(value) is dict:
        return {name: _with_images(item) for name, item in value.items()}
    if type(value) in (list, tuple):
        return [_with_images(item) for item in value]
    return value


def _taken_out(item: Media, media: list[Media]) -> str:
    if item.mime_type.partition(";")[0] == "text/plain":
        return bytes(item.data).decode(errors="replace")
    media.append(item)
    return f"[{item.mime_type}, attached]"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].removeprefix("Error calling function `other`: ").removeprefix("TypeError: ")
