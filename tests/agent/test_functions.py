"""The functions that the model calls: each runs once, and every call is answered once."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from gemini_realtime import (
    FunctionCall,
    FunctionCallCancelled,
    Interrupted,
    Media,
    OutputTranscript,
    RealtimeEvent,
    SendTimeout,
    SessionResumed,
    TurnComplete,
    UnsupportedByModel,
)
from gemini_realtime.agent import Approval, CallContext, RealtimeAgent, Tool, ToolError
from gemini_realtime.agent.results import MAX_RESULT_BYTES
from gemini_realtime.testing import in_virtual_time


class ScriptedClient:
    """A client whose events the test gives, and whose results it looks at."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[RealtimeEvent | None] = asyncio.Queue()
        self.results: list[tuple[str, Any]] = []
        self.result_options: list[dict[str, Any]] = []
        self.refusals: list[Exception | None] = []
        self.texts: list[str] = []
        self.options: dict[str, Any] = {}
        self._answered: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def session_update(self, options: dict[str, Any]) -> None:
        self.options.update(options)

    async def send_function_result(self, call_id: str, result: Any, **options: Any) -> None:
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            raise refusal
        self.results.append((call_id, result))
        self.result_options.append(options)
        self._answered[call_id].set()

    async def send_text(self, *, role: str, text: str) -> None:
        self.texts.append(text)

    async def answered(self, call_id: str) -> None:
        await self._answered[call_id].wait()

    async def read_events(self) -> AsyncIterator[RealtimeEvent]:
        while (event := await self.events.get()) is not None:
            yield event

    def connect(self) -> Any:
        return self

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *error: object) -> None:
        return None


class Scene:
    """An agent in a conversation that the test plays."""

    def __init__(self, model: str = "gemini-2.5-flash-native-audio", **options: Any) -> None:
        self.client = ScriptedClient()
        config = {"config_list": [{"model": model}]}
        self.agent = RealtimeAgent(name="test", llm_config=config, client=self.client, **options)  # type: ignore[arg-type]

    async def __aenter__(self) -> Scene:
        self._run = asyncio.create_task(self.agent.run())
        return self

    async def __aexit__(self, *error: object) -> None:
        self.client.events.put_nowait(None)
        await self._run

    async def happens(self, *events: RealtimeEvent, after_s: float = 1.0) -> list[tuple[str, Any]]:
        """Events come, and some time passes; returns the results that were sent so far."""
        for event in events:
            self.client.events.put_nowait(event)
        await asyncio.sleep(after_s)
        return self.client.results

    def tool(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        return self.agent.register_realtime_function(**options)


def call(call_id: str = "1", name: str = "pay", **arguments: Any) -> FunctionCall:
    return FunctionCall(name=name, arguments=arguments, call_id=call_id)


def cancelled(*call_ids: str) -> FunctionCallCancelled:
    return FunctionCallCancelled(raw_message={"toolCallCancellation": {"ids": call_ids}}, call_ids=list(call_ids))


LOST_TURN = TurnComplete(reason="CONNECTION_LOST")
SPOKEN = (OutputTranscript(text="Paid."), TurnComplete())


def lost(*call_ids: str) -> tuple[RealtimeEvent, ...]:
    """The connection went, and the session was resumed without these calls."""
    forgotten = (FunctionCallCancelled(call_ids=list(call_ids)),) if call_ids else ()
    return LOST_TURN, SessionResumed(gap_ms=100), *forgotten


@in_virtual_time
async def test_a_call_is_answered_with_what_the_function_returns() -> None:
    scene = Scene()

    @scene.tool(description="Pay")
    async def pay(euros: int) -> str:
        return f"paid {euros}"

    async with scene:
        assert await scene.happens(call(euros=5)) == [("1", {"output": "paid 5"})]
    assert scene.client.options["tools"][0]["name"] == "pay"


@in_virtual_time
async def test_a_slow_function_holds_up_no_other() -> None:
    scene = Scene()

    @scene.tool()
    async def pay(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async with scene:
        await scene.happens(call("slow", seconds=9.0), call("quick", seconds=0.1))
        assert [call_id for call_id, _ in scene.client.results] == ["quick"]
        assert len(await scene.happens(after_s=10)) == 2


@in_virtual_time
async def test_two_hundred_calls_at_once_are_all_answered_once() -> None:
    scene = Scene()

    @scene.tool()
    async def pay(number: int) -> int:
        await asyncio.sleep(number % 7 / 10)
        return number

    async with scene:
        results = await scene.happens(*(call(str(number), number=number) for number in range(200)))
    assert sorted(int(call_id) for call_id, _ in results) == list(range(200))
    assert all(result == {"output": int(call_id)} for call_id, result in results)


@in_virtual_time
async def test_what_goes_wrong_is_told_to_the_model(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()

    @scene.tool(timeout_s=2)
    async def pay(how: str) -> str:
        if how == "slowly":
            await asyncio.sleep(60)
        if how == "never":
            raise ToolError("the till is closed")
        raise RuntimeError(f"cannot pay {how}")

    async with scene:
        results = dict(
            await scene.happens(
                call("1", how="slowly"), call("2", how="never"), call("3", how="now"), call("4", hov="?"),
                call("5", name="pray"), after_s=3,
            )
        )  # fmt: skip
    assert results["1"] == {"error": "pay took more than 2 s"}
    assert results["2"] == {"error": "the till is closed"}
    assert results["3"] == {"error": "cannot pay now", "type": "RuntimeError"}
    assert results["4"]["error"].startswith("wrong arguments: how: ")
    assert results["5"] == {"error": "there is no function 'pray'; there are: pay"}
    assert "the model called pray, which is not registered" in caplog.text


@in_virtual_time
async def test_the_arguments_of_a_call_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()

    @scene.tool()
    async def pay(card: str) -> str:
        raise ValueError(f"no such card: {card}")

    async with scene:
        await scene.happens(call(card="4000-1234"))
    assert "ValueError" in caplog.text
    assert "4000" not in caplog.text


class Payments:
    """Counts what happened: `begun` by idempotency key."""

    def __init__(self, scene: Scene, takes_s: float) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

        @scene.tool()
        async def pay(euros: int, context: CallContext) -> str:
            self.begun.append(context.idempotency_key)
            try:
                await asyncio.sleep(takes_s)
                return f"paid {euros}"
            finally:
                self.ended.append(context.idempotency_key)


@in_virtual_time
async def test_the_same_call_twice_runs_once() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=2)
    async with scene:
        await scene.happens(call(euros=5), call(euros=5))
        assert await scene.happens(call(euros=5), after_s=5) == [("1", {"output": "paid 5"})]
    assert len(payments.begun) == 1


@in_virtual_time
async def test_a_call_that_comes_again_after_a_loss_is_served_by_the_run_under_way() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=3)
    async with scene:
        await scene.happens(call("1", euros=5))
        await scene.happens(*lost("1"))
        assert await scene.happens(call("2", euros=5), after_s=5) == [("2", {"output": "paid 5"})]
    assert len(payments.begun) == 1


@in_virtual_time
async def test_a_result_that_was_ready_while_its_call_was_lost_waits_for_the_call_to_come_again() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=2)
    async with scene:
        await scene.happens(call("1", euros=5))
        assert await scene.happens(*lost("1"), after_s=5) == []
        assert await scene.happens(call("2", euros=5)) == [("2", {"output": "paid 5"})]
    assert len(payments.begun) == 1


@in_virtual_time
async def test_a_result_that_was_under_way_when_the_connection_went_serves_the_call_that_comes_again() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=0)
    async with scene:
        await scene.happens(call("1", euros=5))
        await scene.happens(*lost())
        assert [call_id for call_id, _ in await scene.happens(call("2", euros=5))] == ["1", "2"]
    assert len(payments.begun) == 1


@in_virtual_time
async def test_the_same_question_after_its_answer_runs_again() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=0)
    async with scene:
        await scene.happens(call("1", euros=5))
        await scene.happens(*SPOKEN)
        await scene.happens(*lost())
        await scene.happens(call("2", euros=5))
    assert len(payments.begun) == 2
    assert len(set(payments.begun)) == 2


@in_virtual_time
async def test_a_cancelled_call_is_cancelled_in_the_function_and_not_answered() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=5)
    async with scene:
        await scene.happens(call("1", euros=5))
        assert await scene.happens(cancelled("1"), after_s=10) == []
    assert payments.ended == payments.begun


@in_virtual_time
async def test_an_interruption_cancels_functions_that_ask_for_it_and_tells_the_model() -> None:
    scene = Scene()

    @scene.tool(cancel_on_interruption=True)
    async def look_up() -> str:
        await asyncio.sleep(9)
        return "found"

    @scene.tool()
    async def pay() -> str:
        await asyncio.sleep(2)
        return "paid"

    async with scene:
        await scene.happens(call("1", name="look_up"), call("2"))
        results = await scene.happens(Interrupted(), after_s=10)
    assert results == [("1", {"error": "cancelled: the user interrupted"}), ("2", {"output": "paid"})]


@in_virtual_time
async def test_what_runs_at_the_end_of_the_conversation_is_cancelled_and_waited_for() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=60)
    async with scene:
        await scene.happens(call("1", euros=5))
    assert payments.ended == payments.begun
    assert scene.client.results == []


@in_virtual_time
async def test_a_call_that_is_not_approved_does_not_run() -> None:
    scene = Scene()
    asked: list[Approval] = []

    async def ask(approval: Approval) -> bool:
        asked.append(approval)
        return bool(approval.arguments["euros"] < 10)

    ran = []

    @scene.tool(approve=ask)
    async def pay(euros: int) -> str:
        ran.append(euros)
        return "paid"

    async with scene:
        results = dict(await scene.happens(call("1", euros="5"), call("2", euros=50)))
    assert results == {"1": {"output": "paid"}, "2": {"error": "the call was not approved"}}
    assert ran == [5]
    assert [approval.tool for approval in asked] == ["pay", "pay"]


async def test_functions_that_are_not_async_run_beside_the_conversation() -> None:
    scene = Scene()
    go_on = threading.Event()

    @scene.tool()
    def pay() -> str:
        assert go_on.wait(30)
        return threading.current_thread().name

    @scene.tool()
    async def release() -> str:
        go_on.set()
        return "released"

    async with scene:
        scene.client.events.put_nowait(call("1"))
        scene.client.events.put_nowait(call("2", name="release"))
        async with asyncio.timeout(30):
            await scene.client.answered("1")
    results = dict(scene.client.results)
    assert results["1"]["output"] != threading.main_thread().name


# --- in the background


def background_scene(model: str) -> Scene:
    scene = Scene(model)

    @scene.tool(background=True)
    async def pay(euros: int) -> AsyncIterator[str]:
        yield "asking the bank"
        await asyncio.sleep(5)
        yield f"paid {euros}"

    return scene


@in_virtual_time
async def test_where_the_model_goes_on_talking_it_is_told_of_progress_and_of_the_result_when_it_is_idle() -> None:
    async with background_scene("gemini-2.5-flash-native-audio") as scene:
        results = await scene.happens(call(euros=5), after_s=6)
        assert results == [("1", {"output": "asking the bank"}), ("1", {"output": "paid 5"})]
        assert scene.client.result_options == [
            {"scheduling": "WHEN_IDLE", "will_continue": True}, {"scheduling": "WHEN_IDLE"},
        ]  # fmt: skip
        assert scene.client.options["tools"][0]["behavior"] == "NON_BLOCKING"


@in_virtual_time
async def test_where_every_call_blocks_the_model_is_told_at_once_that_the_result_follows() -> None:
    async with background_scene("gemini-3.1-flash-live-preview") as scene:
        assert await scene.happens(call(euros=5)) == [("1", {"output": "pay runs; its result follows"})]
        await scene.happens(after_s=6)
        assert scene.client.texts == ['The result of pay is there: {"output": "paid 5"}']
        assert len(scene.client.results) == 1


@in_virtual_time
async def test_extended_thinking_takes_no_scheduling() -> None:
    async with background_scene("gemini-3.8-live-extended-thinking") as scene:
        await scene.happens(call(euros=5), after_s=6)
        assert scene.client.result_options == [{}]
        assert "behavior" not in scene.client.options["tools"][0]


@in_virtual_time
async def test_functions_that_are_not_in_the_background_block_where_they_can() -> None:
    scene = Scene("gemini-3.8-live")
    scene.tool(name="pay")(lambda: 1)
    async with scene:
        await scene.happens()
        assert scene.client.options["tools"][0]["behavior"] == "BLOCKING"


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit])
@in_virtual_time
async def test_a_function_cancelled_from_within_or_exiting_is_answered(error: type[BaseException]) -> None:
    scene = Scene()

    @scene.tool()
    async def pay() -> str:
        raise error

    async with scene:
        results = await scene.happens(call())
    assert [(call_id, result["type"]) for call_id, result in results] == [("1", error.__name__)]


@in_virtual_time
async def test_a_call_made_again_under_the_same_id_after_a_loss_is_answered() -> None:
    scene = Scene()
    payments = Payments(scene, takes_s=2)
    async with scene:
        await scene.happens(call("1", euros=5))
        await scene.happens(*lost("1"))
        assert await scene.happens(call("1", euros=5), after_s=5) == [("1", {"output": "paid 5"})]
    assert len(payments.begun) == 1


@in_virtual_time
async def test_a_function_that_ignores_its_cancellation_holds_up_neither_answer_nor_end() -> None:
    scene = Scene()

    @scene.tool(timeout_s=2)
    async def pay() -> None:
        for _ in range(10):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)

    async with scene:
        assert await scene.happens(call(), after_s=3) == [("1", {"error": "pay took more than 2 s"})]
    assert asyncio.get_running_loop().time() < 10


@in_virtual_time
async def test_a_result_waits_for_a_stalled_network_and_holds_up_no_other_call() -> None:
    scene = Scene()
    scene.client.refusals = [SendTimeout("stalled"), None, SendTimeout("stalled")]

    @scene.tool()
    async def pay(euros: int) -> int:
        return euros

    async with scene:
        results = await scene.happens(call("1", euros=1), call("2", euros=2))
    assert sorted(results) == [("1", {"output": 1}), ("2", {"output": 2})]


@in_virtual_time
async def test_images_of_a_function_go_beside_its_result() -> None:
    scene, photo = Scene("gemini-3.8-live"), Media(b"\x89PNG\r\n\x1a\n...", "image/png")

    @scene.tool()
    async def pay() -> dict[str, Any]:
        return {"receipt": photo, "paid": 5}

    async with scene:
        assert await scene.happens(call()) == [("1", {"receipt": "[image/png, attached]", "paid": 5})]
    assert scene.client.result_options == [{"parts": (photo,)}]


@in_virtual_time
async def test_where_the_model_takes_no_images_the_words_of_the_result_go() -> None:
    scene = Scene()
    scene.client.refusals = [UnsupportedByModel("it does not look at the parts of a result")]

    @scene.tool()
    async def pay() -> list[Any]:
        return ["paid", b"\x89PNG\r\n\x1a\n..."]

    async with scene:
        ((_, result),) = await scene.happens(call())
    assert result["output"] == ["paid", "[image/png, attached]"]
    assert result["not_attached"] == "it does not look at the parts of a result"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (object(), "a object has no form in JSON"),
        ("x" * MAX_RESULT_BYTES, "too long"),
        ({"a": [{object}]}, "no form in JSON"),
    ],
)
@in_virtual_time
async def test_a_result_that_cannot_be_told_is_an_error_for_the_model(value: Any, problem: str) -> None:
    scene = Scene()

    @scene.tool()
    async def pay() -> Any:
        return value

    async with scene:
        ((_, result),) = await scene.happens(call())
    assert problem in result["error"]
    assert "0x" not in result["error"]


class OwnKindOfExit(BaseException):
    """As some test runners and frameworks have."""


@pytest.mark.parametrize("error", [OwnKindOfExit, KeyboardInterrupt, SystemExit, StopIteration])
async def test_whatever_a_function_in_a_thread_raises_is_answered(error: type[BaseException]) -> None:
    scene = Scene()

    @scene.tool()
    def pay() -> str:
        raise error

    async with scene:
        scene.client.events.put_nowait(call())
        await asyncio.wait_for(scene.client.answered("1"), 30)
    assert "error" in scene.client.results[0][1]


async def test_functions_that_hang_keep_no_other_from_running() -> None:
    scene, go_on = Scene(), threading.Event()

    @scene.tool()
    def pay(euros: int) -> str:
        if euros < 100:
            go_on.wait(30)
        return "paid"

    async with scene:
        for number in range(101):
            scene.client.events.put_nowait(call(str(number), euros=number))
        await asyncio.wait_for(scene.client.answered("100"), 30)
        go_on.set()
    assert scene.client.results[0] == ("100", {"output": "paid"})


@in_virtual_time
async def test_a_tool_of_another_kind_that_fails_is_answered() -> None:
    class Broken(Tool):
        def check(self, arguments: Any) -> dict[str, Any]:
            raise KeyError("gone")

    scene = Scene()
    scene.agent.register_realtime_function()(Broken(lambda: 1, name="pay"))
    async with scene:
        assert await scene.happens(call()) == [("1", {"error": "the call failed", "type": "KeyError"})]
