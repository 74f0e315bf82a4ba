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
}
_REFUSED_AS_ASKED: Final = (400, 422)
_THOUGHTS: Final = "<think>", "</think>"


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
        """The whole answer to a conversation.

        Args:
            messages: of the conversation.
            wishes: fields that not every endpoint knows: one that refuses them is asked again without.
        """
        import openai

        asked: dict[str, Any] = {"model": self.model, "messages": messages}
        try:
            completion = await self._client.chat.completions.create(**asked, **wishes)
        except openai.APIStatusError as error:
            if error.status_code not in _REFUSED_AS_ASKED or not wishes:
                raise
            completion = await self._client.chat.completions.create(**asked)
        message = completion.choices[0].message
        return without_thoughts(message.content or message.refusal or "").strip()

    async def close(self) -> None:
        """Close the connections to the endpoint."""
        await self._client.close()


def without_thoughts(text: str) -> str:
    """A text without what some servers leave in front of the answer of a model that reasons; empty until that ends."""
    begin, end = _THOUGHTS
    if not text.lstrip().startswith(begin):
        return text
    return text.partition(end)[2]


def described(error: Exception) -> str:
    """What failed, in words that hold nothing of what was sent: endpoints quote keys in their messages."""
    status = getattr(error, "status_code", None)
    if status is None:
        return type(error).__name__
    remedy = _REMEDIES.get(status)
    return f"HTTP status {status}" + (f" → {remedy}" if remedy else "")
