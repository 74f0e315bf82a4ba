"""Functions that are not async, beside the event loop: each in a thread of its own.

Not in the loop's pool: it has few threads, and a handful of functions that hang would keep everybody else from it, the
look-up of a host name for the next connection among them. Nor does a thread that never ends hold up the end of the
process.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(call: Callable[[], Any]) -> Any:
    """Call in a thread; whoever waits may be cancelled, the thread goes on.

    Raises:
        BaseException: what was raised. StopIteration becomes a RuntimeError, since no future carries one, and so does
            KeyboardInterrupt: what it means here is for the function alone, since Ctrl-C reaches the main thread only.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def tell(result: Any, error: BaseException | None) -> None:
        if not done.cancelled():
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)

    def work() -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = context.run(call)
        except (StopIteration, KeyboardInterrupt) as error:
            failure = RuntimeError(type(error).__name__)
        except BaseException as error:  # somebody else's code, and somebody waits for what becomes of it
            failure = error
        try:
            loop.call_soon_threadsafe(tell, result, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=work, name="gemini-realtime tool", daemon=True).start()
    return await done
