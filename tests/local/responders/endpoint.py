"""A chat endpoint on loopback that answers over HTTP as it is told, with server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

Step = dict[str, Any] | bytes | asyncio.Event
"""A chunk of the stream, bytes to send as they are, or something to wait for."""

END = b"data: [DONE]\n\n"


@dataclass
class Answer:
    """What the endpoint does with one request; without an end the connection breaks after the last step.

    Attributes:
        whole: an answer in one piece, to who has not asked for a stream.
        body: of an error, or in place of a whole answer.
        head: a header.
    """

    steps: Sequence[Step] = ()
    whole: str | None = None
    status: int = 200
    body: str = ""
    ends: bool = True
    head: str = "x-should-retry: false"


@dataclass
class Endpoint:
    """The endpoint, and what it was asked.

    Attributes:
        waits: set when it waits in the middle of an answer.
        left: set when a client leaves before the answer is complete.
    """

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._clients: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[asyncio.current_task()] = writer
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode().lower():
                length = int(head.partition("content-length:")[2].split()[0])
                self.heads.append(head)
                self.asked.append(json.loads(await reader.readexactly(length)))
                await self._answer(self.answers.pop(0), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def end(self) -> None:
        """Hang up, and return when nobody is served any more."""
        for writer in self._clients.values():
            writer.close()
        await asyncio.gather(*filter(None, self._clients))

    async def _answer(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer.status != 200 or answer.whole is not None or answer.body:
            body = (answer.body if answer.whole is None else completion(answer.whole)).encode()
            head = f"HTTP/1.1 {answer.status} So\r\n{answer.head}\r\ncontent-type: application/json\r\n"
            writer.write(head.encode() + b"content-length: %d\r\n\r\n%s" % (len(body), body))
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for step in answer.steps:
            if isinstance(step, asyncio.Event):
                await self._wait(step, reader)
            else:
                data = step if isinstance(step, bytes) else b"data: " + json.dumps(step).encode() + b"\n\n"
                writer.write(b"%x\r\n%s\r\n" % (len(data), data))
                await writer.drain()
        if answer.ends:
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(END), END))
        else:
            raise ConnectionResetError

    async def _wait(self, event: asyncio.Event, reader: asyncio.StreamReader) -> None:
        waiting, leaving = asyncio.create_task(event.wait()), asyncio.create_task(reader.read(1))
        self.waits.set()
        await asyncio.wait([waiting, leaving], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if leaving.done():
            self.left.set()
            raise ConnectionResetError
        leaving.cancel()
        await asyncio.wait([leaving])


@asynccontextmanager
async def endpoint(*answers: Answer) -> AsyncIterator[Endpoint]:
    """An endpoint that gives these answers, one for each request."""
    served = Endpoint(answers=list(answers))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield served
        await served.end()


@contextmanager
def endpoint_beside(*answers: Answer) -> Iterator[Endpoint]:
    """The same in a thread, for what runs a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = endpoint(*answers)
    try:
        yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def completion(text: Any, finish: str = "stop", **more: Any) -> str:
    """A completion in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk of a streamed completion."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def words(*texts: str) -> list[Step]:
    """Chunks with these pieces of text, and the one that ends them."""
    return [delta(role="assistant", content=""), *(delta(content=text) for text in texts), delta("stop")]


def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of a function call; `id` and `name` come with the first."""
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return delta(tool_calls=[{"index": index, "type": "function", "function": function, **more}])
