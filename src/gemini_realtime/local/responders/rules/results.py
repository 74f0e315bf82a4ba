"""What a function answered, as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gemini_realtime.local.thinking import ToolResult

from .words import join_words, sentences, split_name

TEXT_MAX = 600  # characters of one result that are spoken
FACTS_MAX = 8
_GETTERS = frozenset({"get", "fetch", "find", "look", "lookup", "retrieve", "check", "show", "list", "query", "read"})
_NOTHING_TO_TELL = frozenset({"", "ok", "success", "done", "true"})


def tell(result: ToolResult) -> list[str]:
    """Put a result into sentences."""
    response = result.response
    spoken = " ".join(split_name(result.name)) or "the function"
    if response.get("error"):
        return [f"Sorry, {spoken} failed: {_ended(_flat(response['error']) or 'no reason given')}"]
    value = _told_of(result.name, _opened(response.get("output", response.get("result", response))))
    if value is None or value is True or value == {} or str(value).strip().lower() in _NOTHING_TO_TELL:
        return ["Done."]
    if isinstance(value, str) and (value.rstrip()[-1:] in (".", "!", "?") or len(value.split()) > 3):
        parts = sentences(value[:TEXT_MAX])
        return [*parts[:-1], _ended(parts[-1])]
    return [f"{_title(result.name)}: {_ended(_flat(value) or 'nothing')}"]


def _opened(value: Any) -> Any:
    """Read JSON that arrives as text, which is how many applications return their results."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _told_of(name: str, value: Any) -> Any:
    """The weather of `get_weather`, where that is all there is: {"weather": "foggy"}."""
    if isinstance(value, Mapping) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if set(split_name(str(key))) <= set(split_name(name)):
            return inner
    return value


def _title(name: str) -> str:
    words = split_name(name)
    if len(words) > 1 and words[0] in _GETTERS:
        words = ["the", *words[1:]]
    return " ".join(words).capitalize() or "The result"


def _flat(value: Any) -> str:
    """Name the first facts of a value: "temperature 12, sky foggy"."""
    facts = []
    for _, fact in zip(range(FACTS_MAX), _facts(value, "", 3), strict=False):
        facts.append(fact)
    text = join_words(facts) if isinstance(value, (list, tuple)) else ", ".join(facts)
    return text[:TEXT_MAX].strip()


def _facts(value: Any, name: str, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items() if depth else ():
            yield from _facts(inner, f"{name} {' '.join(split_name(str(key))) or key}".strip(), depth - 1)
    elif isinstance(value, (list, tuple)):
        for inner in value if depth else ():
            yield from _facts(inner, name, depth - 1)
    else:
        yield f"{name} {_scalar(value)}".strip()


def _scalar(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()


def _ended(text: str) -> str:
    return text if text[-1:] in (".", "!", "?") else f"{text}."
