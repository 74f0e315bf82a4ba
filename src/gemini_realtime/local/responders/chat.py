"""The responder that asks an OpenAI-compatible chat endpoint: OpenAI, Ollama, vLLM, llama.cpp, LiteLLM and others."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from logging import getLogger
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.responders.chat_messages import chat_messages, chat_tools
from gemini_realtime.local.responders.sentences import split_sentences
from gemini_realtime.local.thinking import Call, Request, Responder, Say

if TYPE_CHECKING:
    from openai.types.chat.chat_completion_chunk import ChoiceDelta, ChoiceDeltaToolCall

APOLOGY: Final = "Sorry, I cannot answer that right now."
"""What is said when the endpoint fails: a conversation survives it, as it does with people."""

_CONNECT_TIMEOUT_S: Final = 5.0
_TIMEOUT_S: Final = 60.0  # between two pieces of an answer; a local model may have to be loaded first

_REMEDIES: Final = {
    401: "check OPENAI_API_KEY",
    403: "check OPENAI_API_KEY",
    404: "check the model's name and OPENAI_BASE_URL",
}

_log = getLogger(__name__)


class Chat(Responder):
    """Answers with the words and the function calls of a chat endpoint, sentence by sentence as they arrive.

    When the endpoint fails the user hears `APOLOGY` and the log says why, without what was sent or received.

    Args:
        model: the endpoint's name of the model; `OPENAI_MODEL` by default.
        base_url: such as `http://127.0.0.1:11434/v1`; `OPENAI_BASE_URL` by default, or else OpenAI's own.
        api_key: `OPENAI_API_KEY` by default; an endpoint of one's own may need none.

    Raises:
        MissingDependencyError: the extra [chat] is not installed.
        ConfigError: no model, or neither a key nor an endpoint.
    """

    def __init__(self, model: str = "", *, base_url: str = "", api_key: str = "") -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingDependencyError("the chat responder", "chat") from error
        self._model = model or os.environ.get("OPENAI_MODEL", "")
        base_url = base_url or os.environ.get("OPENAI_BASE_URL", "")
        api_key = api_key or os.environ.get("OPENAI_API_KEY", "")
        if not self._model:
            raise ConfigError("the chat responder has no model", remedy="name one, as in chat:MODEL, or OPENAI_MODEL")
        if not base_url and not api_key:
            raise ConfigError(
                "the chat responder has neither an endpoint nor a key",
                remedy="set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own",
            )
        self._client = openai.AsyncOpenAI(
            base_url=base_url or None,
            api_key=api_key or "none",
            timeout=openai.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
        )

    async def respond(self, request: Request) -> AsyncGenerator[Say | Call]:
        """Ask the endpoint; closing the iterator ends the request to it."""
        try:
            async with aclosing(self._answer(request)) as items:
                async for item in items:
                    yield item
        except Exception as error:  # the library lets errors of its HTTP client and its JSON parser through
            _log.warning("the chat endpoint failed: %s", _described(error))
            yield Say(APOLOGY)

    def grammar(self, tools: Sequence[dict[str, Any]]) -> None:
        """Anything may be said."""

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self._client.close()

    async def _answer(self, request: Request) -> AsyncGenerator[Say | Call]:
        text, calls = "", _Calls()
        async with aclosing(self._deltas(request)) as deltas:
            async for delta in deltas:
                sentences, text = split_sentences(text + (delta.content or delta.refusal or ""))
                for sentence in sentences:
                    yield Say(sentence)
                calls.add(delta.tool_calls or [])
        if text.strip():
            yield Say(text.strip())
        for call in calls.complete():
            yield call

    async def _deltas(self, request: Request) -> AsyncGenerator[ChoiceDelta]:
        asked: dict[str, Any] = {"model": self._model, "messages": chat_messages(request)}
        if request.tools:
            asked["tools"] = chat_tools(request.tools)
        async with await self._client.chat.completions.create(**asked, stream=True) as chunks:
            async for chunk in chunks:
                for choice in chunk.choices[:1]:
                    yield choice.delta


class _Calls:
    """Function calls that arrive in pieces."""

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []

    def add(self, pieces: Sequence[ChoiceDeltaToolCall]) -> None:
        """Take the next pieces. A piece belongs to the last call of its index, unless its id is another's."""
        for piece in pieces:
            call = next((call for call in reversed(self._calls) if call.index == piece.index), None)
            if call is None or (piece.id and piece.id != call.id):
                call = _PartialCall(piece.index, piece.id)
                self._calls.append(call)
            if piece.function is not None:
                call.name = call.name or piece.function.name or ""
                call.arguments += piece.function.arguments or ""

    def complete(self) -> list[Call]:
        """The calls, now that nothing is missing.

        Raises:
            ValueError: arguments that are not a JSON object.
        """
        return [Call(call.name, _arguments(call.arguments)) for call in self._calls]


class _PartialCall:
    def __init__(self, index: int, call_id: str | None) -> None:
        self.index = index
        self.id = call_id
        self.name = ""
        self.arguments = ""


def _arguments(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text.strip() or "{}", type=dict[str, Any])


def _described(error: Exception) -> str:
    """What failed, in words that hold nothing of what was sent: endpoints quote keys in their messages."""
    status = getattr(error, "status_code", None)
    if status is None:
        return type(error).__name__
    remedy = _REMEDIES.get(status)
    return f"HTTP status {status}" + (f" → {remedy}" if remedy else "")
