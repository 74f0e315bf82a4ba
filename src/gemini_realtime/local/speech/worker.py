"""A process that hears or speaks for a server: what keeps a processor busy cannot hold up the event loop from there.

server -> head (JSON) and body (sound or text) -> worker_program.py -> an engine
       <- head and body                       <-
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Hashable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from gemini_realtime.errors import NotConnectedError
from gemini_realtime.local.speech.fair_queue import FairQueue
from gemini_realtime.local.speech.processes import Answer, Process, Refusal, WorkerError, idle
from gemini_realtime.local.speech.worker_program import start_command

__all__ = ["Answer", "Refusal", "Worker", "WorkerError"]

_log = logging.getLogger(__name__)


class _Request:
    """What is asked for: with no head, that the engine be loaded."""

    def __init__(self, head: bytes | None, body: bytes) -> None:
        self.head = head
        self.body = body
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def settle(self, outcome: Answer | Exception) -> None:
        """Tell who asked, unless it is known already or they have given up."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Worker:
    """An engine in a process of its own, for any number of sessions.

    Requests are served one at a time, or in batches of those that wait, and sessions in rotation. The process starts
    with the first call of `start` or `ask`; after `close` it waits a while for another worker, and it ends with this
    process however that ends. All calls belong to one event loop.

    Args:
        what: it does, for messages: "hearing with Whisper".
        engine: the module whose `load` makes the engine.
        batch: how many requests the engine takes at once.
        settings: for `load`.
    """

    def __init__(self, what: str, engine: str, *, batch: int = 1, **settings: Any) -> None:
        self._what = what
        self._batch = batch
        self._command = tuple(start_command(engine, settings))
        self._process: Process | None = None
        self._waiting: FairQueue[_Request] = FairQueue()
        self._serving: asyncio.Task[None] | None = None
        self._closed = False
        self._closing = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Load what the engine needs, so that the first request need not wait for it.

        Raises:
            WorkerError: the process does not start, or its engine does not load.
        """
        await self._answer(_Request(None, b""), None)

    async def ask(self, head: Mapping[str, Any], body: bytes = b"", *, session: Hashable = None) -> Answer:
        """Have a request served.

        A cancelled call leaves the queue; when it is served already, that is finished first.

        Args:
            head: what is asked for, as JSON.
            body: sound.
            session: whose request it is.

        Raises:
            Refusal: the engine cannot do this.
            WorkerError: the process ended twice.
            NotConnectedError: the worker is closed.
        """
        return await self._answer(_Request(json.dumps(head).encode(), body), session)

    async def close(self) -> None:
        """Let go of the process, which waits for another worker; calls that are open raise NotConnectedError."""
        self._closed = True
        self._closing.set()
        at_work = self._serving is not None and not self._serving.done() and self._is_loaded()
        if self._process is not None and at_work:
            self._process.kill()
        if self._serving is not None:
            await asyncio.wait([self._serving])
        if self._process is not None and not at_work and idle.give(self._process):
            self._process = None
        await self._bury()

    async def _answer(self, request: _Request, session: Hashable) -> Answer:
        self._waiting.put(session, request)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve_all())
        try:
            return await request.answer
        finally:
            self._waiting.discard(session, request)  # when the caller has given up

    async def _serve_all(self) -> None:
        """Serve what waits, until nothing does; who gives up meanwhile leaves the process to finish."""
        while requests := self._waiting.take(self._batch):
            try:
                await self._serve(requests)
            except Exception as error:  # whatever it is, whoever asked is told
                for request in requests:
                    request.settle(error)

    async def _serve(self, requests: Sequence[_Request]) -> None:
        """Have a batch served; when the process ends over it, what is left of it one by one."""
        try:
            await self._exchange(requests, "first")
            return
        except (OSError, EOFError):
            left = [request for request in requests if not request.answer.done()]
        for request in left:
            try:
                await self._exchange([request], "second")
            except (OSError, EOFError):
                request.settle(
                    WorkerError(
                        f"the process of {self._what} ended twice during one request",
                        remedy="see its last words on the standard error stream; later requests start it again",
                    )
                )

    async def _exchange(self, requests: Sequence[_Request], attempt: str) -> None:
        """Have the process answer.

        Raises:
            OSError, EOFError: it has ended.
        """
        process = await self._started()
        asked = [(request, request.head) for request in requests if request.head is not None]
        try:
            async with aclosing(process.ask([(head, request.body) for request, head in asked])) as answers:
                async for place, answer in answers:
                    asked[place][0].settle(answer)
        except BaseException as error:  # also when this is cancelled: what is not read would answer the next request
            if isinstance(error, (OSError, EOFError)) and not self._closed:
                _log.warning("the process of %s ended during the %s attempt at a request", self._what, attempt)
            await self._bury()
            raise
        for request in requests:
            request.settle(Answer({}, b""))  # what asks for nothing but a loaded engine

    async def _started(self) -> Process:
        self._check_open()
        if self._process is None:
            self._process = idle.take(self._command) or Process(self._command)
            try:
                await self._loaded(self._process)
            except (OSError, EOFError) as error:
                await self._bury()
                self._check_open()
                raise WorkerError(
                    f"the process of {self._what} ended before it was ready",
                    remedy="see its last words on the standard error stream",
                ) from error
            except WorkerError:
                await self._bury()
                raise
        return self._process

    async def _loaded(self, process: Process) -> None:
        """Wait until the engine is loaded, or the worker is closed: the loading then goes on without it."""
        loading, closing = asyncio.ensure_future(process.load()), asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait([loading, closing], return_when=asyncio.FIRST_COMPLETED)
            self._check_open()
            await loading
        finally:
            loading.cancel()
            closing.cancel()

    def _is_loaded(self) -> bool:
        return self._process is not None and self._process.loaded

    def _check_open(self) -> None:
        if self._closed:
            raise NotConnectedError(f"the process of {self._what} is closed", remedy="make a new server")

    async def _bury(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(process.end)
