"""A process that hears or speaks for a server: what keeps a processor busy cannot hold up the event loop from there.

server -> head (JSON) and body (sound or text) -> worker_program.py -> an engine
       <- head and body                       <-
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Hashable, Mapping
from typing import Any

from gemini_realtime.errors import NotConnectedError
from gemini_realtime.local.speech.processes import Answer, Process, Refusal, WorkerError, idle
from gemini_realtime.local.speech.turns import Turns
from gemini_realtime.local.speech.worker_program import start_command

__all__ = ["Answer", "Refusal", "Worker", "WorkerError"]

_log = logging.getLogger(__name__)


class Worker:
    """An engine in a process of its own, for any number of sessions.

    Requests are served one at a time, and sessions in rotation. The process starts with the first call of `start` or
    `ask`; after `close` it waits a while for another worker, and it ends with this process however that ends. All calls
    belong to one event loop.

    Args:
        what: it does, for messages: "hearing with Whisper".
        engine: the module whose `load` makes the engine.
        settings: for `load`.
    """

    def __init__(self, what: str, engine: str, **settings: Any) -> None:
        self._what = what
        self._command = tuple(start_command(engine, settings))
        self._process: Process | None = None
        self._turns = Turns()
        self._exchange: asyncio.Task[Answer] | None = None
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
        await self._in_turn(self._load(), None)

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
        return await self._in_turn(self._served(json.dumps(head).encode(), body), session)

    async def close(self) -> None:
        """Let go of the process, which waits for another worker; calls that are open raise NotConnectedError."""
        self._closed = True
        self._closing.set()
        at_work = self._exchange is not None and not self._exchange.done() and self._is_loaded()
        if self._process is not None and at_work:
            self._process.kill()
        if self._exchange is not None:
            await asyncio.wait([self._exchange])
        if self._process is not None and not at_work and idle.give(self._process):
            self._process = None
        await self._bury()

    async def _in_turn(self, work: Coroutine[None, None, Answer], session: Hashable) -> Answer:
        """Await the turn, which a cancelled caller gives up, then the work, which it leaves to finish.

        The turn passes on when the work is done, so that a reply is never read by the next in the queue.
        """
        try:
            await self._turns.take(session)
        except BaseException:
            work.close()
            raise
        self._exchange = asyncio.create_task(work)
        self._exchange.add_done_callback(self._pass_on)
        return await asyncio.shield(self._exchange)

    def _pass_on(self, exchange: asyncio.Task[Answer]) -> None:
        self._turns.pass_on()
        if not exchange.cancelled():
            exchange.exception()  # seen, even if the caller was cancelled and will not look

    async def _load(self) -> Answer:
        await self._started()
        return Answer({}, b"")

    async def _served(self, head: bytes, body: bytes) -> Answer:
        for attempt in ("first", "second"):
            process = await self._started()
            try:
                return await process.ask(head, body)
            except (OSError, EOFError):
                if not self._closed:
                    _log.warning("the process of %s ended during the %s attempt at a request", self._what, attempt)
                await self._bury()
        raise WorkerError(
            f"the process of {self._what} ended twice during one request",
            remedy="see its last words on the standard error stream; later requests start it again",
        )

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
