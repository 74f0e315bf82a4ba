"""The process that hears or speaks, with an engine that echoes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from gemini_realtime.errors import NotConnectedError
from gemini_realtime.local.speech.worker import Answer, Refusal, Worker, WorkerError
from tests.loop import settle

ENGINE = "tests.local.speech.engine"


async def test_a_request_is_answered() -> None:
    worker = Worker("echoing", ENGINE)
    assert await worker.ask({"say": "hä"}, b"abc") == Answer({"say": "hä"}, b"cba")
    await worker.close()


async def test_what_cannot_be_is_refused_and_the_next_request_served() -> None:
    worker = Worker("echoing", ENGINE)
    with pytest.raises(Refusal, match="no such thing"):
        await worker.ask({"refuse": "no such thing"})
    pid = worker.pid
    assert await worker.ask({"n": 1}) == Answer({"n": 1}, b"")
    assert worker.pid == pid
    await worker.close()


async def test_what_a_library_prints_is_no_answer() -> None:
    worker = Worker("echoing", ENGINE)
    assert (await worker.ask({"print": "noise"})).head == {"print": "noise"}
    await worker.close()


async def test_libraries_are_told_to_send_nothing_to_their_makers() -> None:
    worker = Worker("echoing", ENGINE)
    assert (await worker.ask({"variable": "ORT_DISABLE_TELEMETRY"})).head == {"value": "1"}
    await worker.close()


@pytest.mark.skipif(os.name != "posix", reason="there are no process groups")
async def test_ctrl_c_in_a_terminal_does_not_reach_it_while_it_starts() -> None:
    worker = Worker("echoing", ENGINE)
    await worker.start()
    assert worker.pid is not None
    assert os.getpgid(worker.pid) != os.getpgrp()
    await worker.close()


async def test_callers_get_their_own_answers_in_order() -> None:
    worker = Worker("echoing", ENGINE)
    answers = await asyncio.gather(*(worker.ask({"n": n}, session="one") for n in range(5)))
    assert [answer.head["n"] for answer in answers] == list(range(5))
    await worker.close()


async def test_cancelled_callers_do_not_disturb_the_next() -> None:
    worker = Worker("echoing", ENGINE)
    await worker.start()
    requests: list[dict[str, float]] = [{"takes_s": 0.5}, {"n": 1}, {"n": 2}]
    served, queued, wanted = (asyncio.create_task(worker.ask(request)) for request in requests)
    await settle()
    served.cancel()
    queued.cancel()
    assert (await wanted).head == {"n": 2}
    assert served.cancelled()
    assert queued.cancelled()
    await worker.close()


async def test_what_waits_is_served_together_and_sessions_in_rotation() -> None:
    worker = Worker("echoing", ENGINE, batch=3, together=True)
    await worker.start()
    asked = [(1, "first"), (2, "a"), (3, "a"), (4, "b"), (5, "c")]
    requests = [asyncio.create_task(worker.ask({"n": n}, b"%d" % n, session=session)) for n, session in asked[:1]]
    await settle()
    requests += [asyncio.create_task(worker.ask({"n": n}, b"%d" % n, session=session)) for n, session in asked[1:]]
    answers = await asyncio.gather(*requests)
    assert [(answer.head["n"], answer.body) for answer in answers] == [(n, b"%d" % n) for n, _ in asked]
    assert [answer.head["of"] for answer in answers] == [1, 3, 1, 3, 3]
    await worker.close()


async def test_a_request_that_ends_the_process_costs_no_other_of_its_batch() -> None:
    worker = Worker("echoing", ENGINE, batch=3, together=True)
    await worker.start()
    requests: list[dict[str, int]] = [{"n": 1}, {"die": 3}, {"n": 2}]
    outcomes = await asyncio.gather(*(worker.ask(request) for request in requests), return_exceptions=True)
    assert [outcome.head["n"] for outcome in outcomes if isinstance(outcome, Answer)] == [1, 2]
    assert isinstance(outcomes[1], WorkerError)
    await worker.close()


async def test_a_killed_process_is_replaced() -> None:
    worker = Worker("echoing", ENGINE)
    await worker.start()
    pid = worker.pid
    assert pid is not None
    os.kill(pid, 9)
    assert (await worker.ask({"n": 1})).head == {"n": 1}
    assert worker.pid != pid
    await worker.close()


async def test_a_process_that_ends_twice_during_one_request_is_reported() -> None:
    worker = Worker("echoing", ENGINE)
    with pytest.raises(WorkerError, match="the process of echoing ended twice during one request"):
        await worker.ask({"die": 3})
    assert (await worker.ask({"n": 1})).head == {"n": 1}
    await worker.close()


async def test_a_process_that_does_not_start_is_reported() -> None:
    worker = Worker("echoing", ENGINE, dies=True)
    with pytest.raises(WorkerError, match="before it was ready"):
        await worker.start()
    await worker.close()


async def test_an_engine_that_does_not_load_says_why_and_what_to_do() -> None:
    worker = Worker("echoing", ENGINE, unfit="the weights are others")
    with pytest.raises(WorkerError, match="the weights are others → try another"):
        await worker.start()
    assert worker.pid is None
    await worker.close()


async def test_an_engine_with_a_damaged_file_says_what_failed() -> None:
    worker = Worker("echoing", ENGINE, damaged="Expecting value: line 1")
    with pytest.raises(WorkerError, match="engine does not load: OSError: Expecting value: line 1 → see that"):
        await worker.start()
    await worker.close()


async def test_a_worker_that_is_closed_at_work_leaves_no_process_and_answers_nobody() -> None:
    worker = Worker("echoing", ENGINE)
    await worker.start()
    pid = worker.pid
    assert pid is not None
    served, queued = (asyncio.create_task(worker.ask({"takes_s": 60})) for _ in range(2))
    await settle()
    await worker.close()
    outcomes = await asyncio.gather(served, queued, return_exceptions=True)
    assert isinstance(outcomes[1], NotConnectedError)
    with pytest.raises(NotConnectedError, match="closed"):
        await worker.start()
    assert worker.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await worker.close()


async def test_the_process_of_a_closed_worker_serves_the_next_of_its_kind() -> None:
    first, second, other = Worker("echoing", ENGINE), Worker("echoing", ENGINE), Worker("echoing", ENGINE, dies=False)
    await first.start()
    pid = first.pid
    await first.close()
    assert await second.ask({"n": 1}) == Answer({"n": 1}, b"")
    await other.start()
    assert second.pid == pid
    assert other.pid != pid
    await second.close()
    await other.close()


async def test_a_process_that_was_loading_when_its_worker_closed_serves_the_next() -> None:
    first, second = (Worker("echoing", ENGINE, loads_s=0.5) for _ in range(2))
    asked = asyncio.create_task(first.ask({"n": 1}))
    await settle()
    pid = first.pid
    await first.close()
    with pytest.raises(NotConnectedError):
        await asked
    assert await second.ask({"n": 2}) == Answer({"n": 2}, b"")
    assert second.pid == pid
    await second.close()


def test_a_process_serves_one_event_loop_after_another() -> None:
    async def served() -> int | None:
        worker = Worker("echoing", ENGINE)
        await worker.start()
        pid = worker.pid
        await worker.close()
        return pid

    assert asyncio.run(served()) == asyncio.run(served())


async def test_a_process_that_ended_while_it_waited_serves_nobody() -> None:
    first, second = Worker("echoing", ENGINE), Worker("echoing", ENGINE)
    await first.start()
    pid = first.pid
    assert pid is not None
    await first.close()
    os.kill(pid, signal.SIGKILL)
    assert await second.ask({"n": 1}) == Answer({"n": 1}, b"")
    await second.close()


async def test_a_cancelled_start_leaves_no_process_behind() -> None:
    worker = Worker("echoing", ENGINE)
    start = asyncio.create_task(worker.start())
    await settle()
    start.cancel()
    await worker.close()
    assert worker.pid is None


def test_the_process_ends_with_a_parent_that_dies() -> None:
    """Also shows that any program can start it: one without a main guard, or none but `-c`."""
    program = f"""
import asyncio, os
from gemini_realtime.local.speech.worker import Worker
async def main():
    await Worker("echoing", "{ENGINE}").start()
    print("started", flush=True)
    os._exit(3)
asyncio.run(main())
"""
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # leads to the engine
    parent = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, env=os.environ | path)
    # The worker inherited the error stream: `run` returned, so nobody holds it any more.
    assert (parent.returncode, parent.stdout, parent.stderr) == (3, b"started" + os.linesep.encode(), b"")
