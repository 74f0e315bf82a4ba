"""The responder that asks a chat endpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from logging import getLogger
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint, described, without_thoughts
from gemini_realtime.local.responders.chat_messages import chat_messages, chat_tools
from gemini_realtime.local.responders.sentences import split_sentences
from gemini_realtime.local.thinking import Call, Request, Responder, Say

if TYPE_CHECKING:
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

APOLOGY: Final = "Sorry, I cannot answer that right now."
"""What is said when the endpoint fails: a conversation survives it, as it does with people."""

_log = getLogger(__name__)


class Chat(Responder):
    """Answers with the words and the function calls of a chat endpoint, sentence by sentence as they arrive.

    When the endpoint fails the user hears `APOLOGY` and the log says why, without what was sent or received.

    Its arguments are those of `ChatEndpoint`.
    """

    def __init__(self, model: str = "", *, base_url: str = "", api_key: str = "") -> None:
        self._endpoint = ChatEndpoint(model, base_url=base_url, api_key=api_key)

    async def respond(self, request: Request) -> AsyncGenerator[Say | Call]:
        """Ask the endpoint; closing the iterator ends the request to it."""
        try:
            async with aclosing(self._answer(request)) as items:
                async for item in items:
                    yield item
        except Exception as error:  # the library lets errors of its HTTP client and its JSON parser through
            _log.warning("the chat endpoint failed: %s", described(error))
            yield Say(APOLOGY)

    def grammar(self, tools: Sequence[dict[str, Any]]) -> None:
        """Anything may be said."""

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self._endpoint.close()

    async def _answer(self, request: Request) -> AsyncGenerator[Say | Call]:
        text, calls = "", _Calls()
        tools = {"tools": chat_tools(request.tools)} if request.tools else {}
        async with aclosing(self._endpoint.stream(chat_messages(request), **tools)) as deltas:
            async for delta in deltas:
                calls.add(delta.tool_calls or [])
                text += delta.content or delta.refusal or ""
                if answer := without_thoughts(text):
                    sentences, text = split_sentences(answer)
                    for sentence in sentences:
                        yield Say(sentence)
        if rest := without_thoughts(text).strip():
            yield Say(rest)
        for call in calls.complete():
            yield call


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
