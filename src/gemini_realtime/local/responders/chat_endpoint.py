"""An OpenAI-compatible chat endpoint: OpenAI, Ollama, vLLM, llama.cpp, LiteLLM and others.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.errors import ConfigError, MissingDependencyError

if TYPE_CHECKING:
    from openai.types.chat.chat_completion_chunk import ChoiceDelta

_CONNECT_TIMEOUT_S: Final = 5.0
_TIMEOUT_S: Final = 60.0  # between two pieces of an answer; a local model may have to be loaded first

_REMEDIES: Final = {
    401: "check OPENAI_API_KEY",
    403: "check OPENAI_API_KEY",
    404: "check the model's name and OPENAI_BASE_URL",
    429: "its limit of requests or tokens is reached: ask less at once, or later",
}
_REFUSED_AS_ASKED: Final = (400, 405, 406, 415, 422, 501)
_ROUNDS: Final = 2  # of three requests each, for a whole answer, which nobody waits for at a telephone
_THOUGHTS: Final = "<think>", "</think>"


class NoAnswer(Exception):
    """A model has answered, but not with words: the message says how, and holds none of them."""


class ChatEndpoint:
    """A model behind an endpoint. Its methods let the errors of the library through: `described` says what is safe.

    Args:
        model: the endpoint's name of the model; `OPENAI_MODEL` by default.
        base_url: such as `http://127.0.0.1:11434/v1`; `OPENAI_BASE_URL` by default, or else OpenAI's own.
        api_key: `OPENAI_API_KEY` by default; an endpoint of one's own may need none.

    Raises:
        MissingDependencyError: the extra [chat] is not installed.
        ConfigError: no model, or neither a key nor an endpoint, or an endpoint that is no address.
    """

    def __init__(self, model: str = "", *, base_url: str = "", api_key: str = "") -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingDependencyError("a chat endpoint", "chat") from error
        base_url = base_url or os.environ.get("OPENAI_BASE_URL", "")
        api_key = api_key or os.environ.get("OPENAI_API_KEY", "")
        self.model = model or os.environ.get("OPENAI_MODEL", "")
        if not self.model:
            raise ConfigError("the chat endpoint has no model", remedy="name one, or set OPENAI_MODEL")
        if not base_url and not api_key:
            raise ConfigError(
                "the chat endpoint has neither an address nor a key",
                remedy="set OPENAI_API_KEY, or OPENAI_BASE_URL for an endpoint of your own",
            )
        if base_url and not base_url.startswith(("http://", "https://")):
            raise ConfigError(
                "the address of the chat endpoint does not begin with http:// or https://",
                remedy="write it as http://127.0.0.1:11434/v1",
            )
        self._client = openai.AsyncOpenAI(
            base_url=base_url or None,
            api_key=api_key or "none",
            timeout=openai.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
        )

    async def stream(self, messages: Sequence[Mapping[str, Any]], **more: Any) -> AsyncGenerator[ChoiceDelta]:
        """The answer to a conversation, piece by piece; closing the iterator ends the request."""
        asked: dict[str, Any] = {"model": self.model, "messages": messages, **more}
        async with await self._client.chat.completions.create(**asked, stream=True) as chunks:
            async for chunk in chunks:
                for choice in chunk.choices[:1]:
                    yield choice.delta

    async def answer(self, messages: Sequence[Mapping[str, Any]], **wishes: Any) -> str:
        """The whole answer to a conversation, without thoughts.

        Args:
            messages: of the conversation.
            wishes: fields that not every endpoint knows: one that refuses them is asked again without, and at last for
                a stream, which is all that some have.

        Raises:
            NoAnswer: there are no words, or not all of them.
        """
        import openai

        ways: list[tuple[bool, dict[str, Any]]] = [(False, wishes), (False, {}), (True, {})]
        for streamed, more in ways if wishes else ways[1:]:
            try:
                return await (self._streamed(messages) if streamed else self._whole(messages, more))
            except openai.APIStatusError as error:
                if streamed or error.status_code not in _REFUSED_AS_ASKED:
                    raise
        raise AssertionError("the last way raises or returns")

    async def _whole(self, messages: Sequence[Mapping[str, Any]], more: dict[str, Any]) -> str:
        asked: dict[str, Any] = {"model": self.model, "messages": messages, **more}
        completion = await self._patiently(asked)
        if isinstance(completion, str):  # the library's answer to what is no JSON, such as a stream nobody asked for
            return await self._streamed(messages)
        if not completion.choices:
            raise NoAnswer("its answer is empty")
        message, finish = completion.choices[0].message, completion.choices[0].finish_reason
        return _words(_text(message.content), message.refusal, finish, called=bool(message.tool_calls))

    async def _patiently(self, asked: dict[str, Any]) -> Any:
        """Ask an endpoint that is there but has too much to do more often than the library does by itself."""
        import openai

        for _ in range(_ROUNDS - 1):
            try:
                return await self._client.chat.completions.create(**asked)
            except (openai.RateLimitError, openai.InternalServerError) as error:
                if error.response.headers.get("x-should-retry") == "false":
                    raise
        return await self._client.chat.completions.create(**asked)

    async def _streamed(self, messages: Sequence[Mapping[str, Any]]) -> str:
        content = refusal = ""
        finish, called = None, False
        asked: dict[str, Any] = {"model": self.model, "messages": messages}
        async with await self._patiently({**asked, "stream": True}) as chunks:
            async for chunk in chunks:
                for choice in chunk.choices[:1]:
                    content += _text(choice.delta.content)
                    refusal += choice.delta.refusal or ""
                    called = called or bool(choice.delta.tool_calls)
                    finish = choice.finish_reason or finish
        return _words(content, refusal, finish, called=called)

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self._client.close()


def without_thoughts(text: str) -> str:
    """A text without what some servers leave in front of the answer of a model that reasons; empty until that ends."""
    begin, end = _THOUGHTS
    if not text.lstrip().startswith(begin):
        return text
    return text.partition(end)[2]


def _text(content: Any) -> str:
    """The words of a message, which some servers give in parts, thoughts among them."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict) and part.get("type") == "text")


def _words(content: str, refusal: str | None, finish: str | None, *, called: bool) -> str:
    """What was answered.

    Raises:
        NoAnswer: it is nothing, or not all.
    """
    if finish == "length":
        raise NoAnswer("its answer broke off at its limit of tokens")
    if finish == "content_filter":
        raise NoAnswer("its filter withheld the answer")
    words = content.rpartition(_THOUGHTS[1])[2]  # some servers leave out where thoughts begin
    if words.lstrip().startswith(_THOUGHTS[0]):
        raise NoAnswer("its model thinks, and does not answer")
    if words.strip():
        return words.strip()
    if refusal:
        raise NoAnswer("its model refuses to answer")
    raise NoAnswer("its model calls a function instead of answering" if called else "its model answers nothing")


def described(error: Exception) -> str:
    """What failed, in words that hold nothing of what was sent: endpoints quote keys in their messages."""
    if isinstance(error, NoAnswer):
        return str(error)
    status = getattr(error, "status_code", None)
    if status is None:
        return _FAILURES.get(type(error).__name__, type(error).__name__)
    remedy = _REMEDIES.get(status)
    return f"HTTP status {status}" + (f" → {remedy}" if remedy else "")


_FAILURES: Final = {
    "APIConnectionError": "it cannot be reached → check OPENAI_BASE_URL, and that it runs there",
    "APITimeoutError": "it does not answer in time",
}
"""Of the library, which is not imported for them."""
