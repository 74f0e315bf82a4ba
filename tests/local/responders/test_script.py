"""Scripts: when they reply, with what, and how they complain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.faults import Fault
from gemini_realtime.local.responders.script import Script
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.thinking import Call, Frame, Item, Request, Responder, Say, ToolResult, Turn, Wait
from tests.local.fakes import FakeHearing, FakeSpeaking
from tests.local.line import WEATHER
from tests.local.test_serve import TEXT, dialled, text_of

pytest.importorskip("ruamel.yaml", reason="the extra [script]")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.yaml"


def script(path: Path, text: str) -> Script:
    path.write_text(text, "utf-8")
    return Script(path)


def when(path: Path, *conditions: str) -> Script:
    """A script that says which of its conditions was the first to hold."""
    replies = [f"  - {{when: {condition}, then: [say: '{number}']}}" for number, condition in enumerate(conditions)]
    return script(path, "\n".join(["replies:", *replies]))


async def items(responder: Responder, request: Request | str) -> list[Item]:
    request = Request(request) if isinstance(request, str) else request
    return [item async for item in responder.respond(request)]


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "heard", "holds"),
    [
        ("{exact: Good morning}", "good morning!", True),
        ("{exact: good morning}", "a good morning", False),
        ("{exact: what’s that}", "What's that?", True),
        ("{contains: weather}", "What is the weather, please?", True),
        ("{contains: the weather}", "the, weather", True),
        ("{contains: eat}", "weather", False),
        ("{regex: 'in (oslo|bergen)$'}", "Weather in Oslo", True),
        ("{regex: 'in (oslo|bergen)$'}", "in Oslo today", False),
        ("{contains: weather, regex: oslo}", "the weather in Bergen", False),
        ("any", "", True),
        ("{turn: 1}", "hello", True),
        ("{turn: 2}", "hello", False),
        ("{result: get_weather}", "weather", False),
    ],
)
async def test_a_reply_is_given_when_its_conditions_hold(path: Path, condition: str, heard: str, holds: bool) -> None:
    assert bool(await items(when(path, condition), heard)) == holds


async def test_the_first_reply_that_fits_is_given(path: Path) -> None:
    responder = when(path, "{exact: hello}", "{contains: hello}", "any")
    assert [await items(responder, heard) for heard in ("Hello.", "oh hello", "bye")] == [
        [Say("0")],
        [Say("1")],
        [Say("2")],
    ]


async def test_turns_are_counted_by_the_questions_of_the_session(path: Path) -> None:
    responder = when(path, "{turn: 1}", "{turn: 2}", "{turn: 3}")
    history = [Turn("user", "a"), Turn("model", "b"), Turn("user", "c")]
    assert await items(responder, Request("d", history[:2])) == [Say("1")]
    assert await items(responder, Request("d", history)) == [Say("2")]


async def test_a_result_is_replied_to_by_its_function_and_in_its_turn(path: Path) -> None:
    responder = when(path, "any", "{result: get_time}", "{result: get_weather, turn: 2}", "{result: get_weather}")
    turns = [Turn("user", "a"), Turn("model", "b"), Turn("user", "c")]

    async def after(history: list[Turn], *names: str) -> list[Item]:
        return await items(responder, Request("c", history, results=[ToolResult(name, {}) for name in names]))

    assert await after(turns, "get_weather") == [Say("2")]
    assert await after(turns[:1], "get_weather") == [Say("3")]
    assert await after(turns, "get_weather", "get_time") == [Say("1")]
    assert await after(turns, "get_name") == []


async def test_a_question_without_a_reply_is_logged_without_its_words(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await items(when(path, "{turn: 5}"), "my secret") == []
    assert [record.getMessage() for record in caplog.records] == ["the script has no reply to turn 1"]


# --- then -----------------------------------------------------------------------------------------------------------


async def test_a_reply_is_made_of_words_calls_waits_messages_and_faults(path: Path) -> None:
    responder = script(
        path,
        """
replies:
  - when: any
    then:
      - say: |
          One moment. I will
          have a look.
      - call: get_weather
        args: {city: Oslo, days: [1, 2.5, 0x10], when: ~, exact: true, no: no}
      - call: now
      - wait: 1.5
      - frame:
          serverContent:
            interrupted: true
      - fault: cut
        args: after_frames=3
      - fault: close
        args: {code: 1008, reason: "sorry, not now", times: 1}
      - fault: silence
""",
    )
    assert await items(responder, "weather") == [
        Say("One moment."),
        Say("I will"),
        Say("have a look."),
        Call("get_weather", {"city": "Oslo", "days": [1, 2.5, 16], "when": None, "exact": True, "no": "no"}),
        Call("now"),
        Wait(1.5),
        Frame({"serverContent": {"interrupted": True}}),
        Fault("cut", after_frames=3),
        Fault("close", code=1008, reason="sorry, not now", times=1),
        Fault("silence"),
    ]


async def test_parts_may_be_written_once_and_used_again(path: Path) -> None:
    responder = script(
        path,
        """
replies:
  - when: &hello {exact: hello}
    then: &greeting
      - frame: &quiet {serverContent: {x: &one 1}}
  - when: {<<: *hello, turn: 2}
    then: [frame: {<<: *quiet, y: *one}]
  - when: any
    then: *greeting
""",
    )
    assert await items(responder, "bye") == [Frame({"serverContent": {"x": 1}})]


def test_what_is_said_exactly_is_expected_by_the_ears(path: Path) -> None:
    responder = when(path, "{exact: Good morning!}", "{exact: bye}", "{exact: call 911}", "{contains: weather}")
    assert responder.grammar([]) == "#JSGF V1.0; grammar script; public <said> = bye | good morning;"
    assert when(path, "any").grammar([]) is None


# --- complaints -----------------------------------------------------------------------------------------------------


def reply(line: str) -> str:
    return f"replies:\n- {line}"


def then(line: str) -> str:
    return f"replies:\n- when: any\n  then:\n  - {line}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1:1: names and values are missing → allowed here: replies"),
        ("- a", "1:1: names and values are missing → allowed here: replies"),
        ("reply: []", "1:1: there is no 'reply' → did you mean 'replies'? allowed here: replies"),
        ("replies: []", "1:10: the list is empty → give something to do, or leave this out"),
        (reply("when: any"), "2:3: 'then' is missing → allowed here: when, then"),
        (
            reply("{when: all, then: []}"),
            "2:10: names and values are missing → allowed here: exact, contains, regex, tu",
        ),
        (
            reply("{when: {}, then: []}"),
            "2:10: there is no condition → give any, or some of exact, contains, regex, turn",
        ),
        (reply("{when: any, then: []}"), "2:21: the list is empty → give something to do, or leave this out"),
        ("replies:", "1:1: nothing is no list → begin each of its lines with a dash"),
        (reply("{when: {said: a}, then: []}"), "2:11: there is no 'said' → allowed here: exact, contains, regex, turn"),
        (reply("{when: {exact: '?'}, then: []}"), "2:18: there is no word in this → give what is said"),
        (reply("{when: {regex: '('}, then: []}"), "2:18: this is no regular expression: missing )"),
        (reply("{when: {turn: 1.5}, then: []}"), "2:17: a turn is a whole number → the first one is 1"),
        (reply("{when: {turn: 0}, then: []}"), "2:17: 0 is out of range → give one of 1 or more"),
        (
            then("sayy: Hello."),
            "4:5: there is no 'sayy' → did you mean 'say'? allowed here: say, call, wait, frame, fault, args",
        ),
        (then("say: 12"), "4:10: 12 is no text → write some; put what is not words in quotes"),
        (then("say: ''"), "4:10: '' is no text → write some; put what is not words in quotes"),
        (then("args: {}"), "4:5: there is nothing to do → give one of say, call, wait, frame, fault"),
        (then("{say: a, wait: 1}"), "4:5: say and wait cannot be one → give one of"),
        (then("{say: a, args: b}"), "4:20: say has no args → leave them out"),
        (then("{call: a, args: b}"), "4:21: names and values are missing → give an object, as JSON has it"),
        (then("fault: sulk"), "4:12: there is no fault 'sulk' → choose one of refuse, reject"),
        (
            then("{fault: cut, args: after=3}"),
            "4:13: the fault 'cut' has no argument 'after' → write cut:after_frames=1",
        ),
        (then("{fault: cut, args: {after: 3}}"), "4:13: the fault 'cut' has no argument 'after' → write cut:after_f"),
        (then("{fault: cut, args: {times: [1]}}"), "4:13: times of the fault 'cut' is [1], not a whole number from 1"),
        (then("{fault: cut, args: [1]}"), "4:24: this is no text → write some; put what is not words in quotes"),
        (then("fault: refuse"), "4:12: refuse happens while a client connects → give it to the server"),
        (then("wait: -1"), "4:11: -1 is out of range → give one of 0 or more"),
        (then("wait: true"), "4:11: True is no number → give one of 0 or more"),
        (then("wait: .nan"), "4:11: nan is out of range → give one of 0 or more"),
        (then("frame: {a: [1, 2026-01-02]}"), "4:20: this is nothing that JSON has → put a date, and what else is to"),
        (then("frame: {1: 2}"), "4:13: a name is to be text → put it in quotes"),
        ("replies:\n  - when: any\n   then: []", "3:4: this is not YAML: "),
        ("replies: 1\nreplies: 2", "2:1: this is not YAML: found duplicate key"),
    ],
)
def test_a_complaint_names_the_place_and_what_is_allowed_there(path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        script(path, text)
    assert str(raised.value).startswith(f"{path}:")
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"\xff\xfe\xfd", "is not YAML"), (b"a: \x00", "is not YAML"), (b"[" * 1_000, "is nested too deeply")],
)
def test_a_file_that_is_no_yaml_at_all_is_refused(path: Path, content: bytes, complaint: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        Script(path)


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"call\.yaml cannot be read: No such file"):
        Script(path)


def test_without_the_extra_it_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[script\]"):
        Script(path)


# --- in the server --------------------------------------------------------------------------------------------------


async def test_a_server_follows_the_script(path: Path) -> None:
    responder = script(
        path,
        """
replies:
  - when: {contains: weather}
    then:
      - say: One moment.
      - call: get_weather
        args: {city: Oslo}
      - frame: {serverContent: {somethingNew: 1}}
      - say: Anything else?
  - when: {result: get_weather}
    then: [say: It is foggy.]
""",
    )
    server = LiveServer(responder=responder, hearing=FakeHearing(), speaking=FakeSpeaking(), pace="instant")
    async with server, dialled(server, **TEXT, tools=[WEATHER]) as client:
        client.types("What's the weather?")
        frames: list[Any] = await client.until("toolCall")
        assert text_of(frames) == "One moment."
        (call,) = frames[-1]["toolCall"]["functionCalls"]
        assert call["args"] == {"city": "Oslo"}
        client.send({"toolResponse": {"functionResponses": [{"id": call["id"], "response": {}}]}})
        frames = await client.until("turnComplete")
        assert text_of(frames) == " It is foggy. Anything else?"
        assert {"serverContent": {"somethingNew": 1}} in frames


async def test_the_examples_do_what_they_say() -> None:
    examples = Path(__file__).parents[3] / "examples"
    weather = Script(examples / "weather.yaml")
    assert await items(weather, "What is the weather?") == [
        Say("One moment."),
        Call("get_weather", {"city": "London"}),
    ]
    again = Request("And the weather now?", [Turn("user", "What is the weather?")])
    assert await items(weather, again) == [Say("It is still foggy.")]
    assert await items(Script(examples / "hiccups.yaml"), "hello") == [Wait(3.0), Say("Sorry that it took so long.")]


async def test_the_page_shows_a_script_that_works_and_a_complaint_as_it_is(path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "responders.md").read_text("utf-8")
    shown = page.partition("```yaml\n")[2].partition("```")[0]
    assert await items(script(path, shown), "What's the weather?") == [
        Say("One moment."),
        Call("get_weather", {"city": "London"}),
    ]
    with pytest.raises(ConfigError) as raised:
        script(path, shown.replace("say: One", "sayy: One"))
    assert str(raised.value).removeprefix(f"{path.parent}/") in page


async def test_a_fault_of_a_script_befalls_the_connection(path: Path) -> None:
    responder = script(
        path, "replies: [{when: any, then: [say: One., {fault: close, args: 'code=1011,reason=sorry'}]}]"
    )
    server = LiveServer(responder=responder, hearing=FakeHearing(), speaking=FakeSpeaking(), pace="instant")
    async with server, dialled(server, **TEXT) as client:
        client.types("hello")
        await client.until("modelTurn")
        while isinstance(frame := await client.frames.get(), dict):
            pass
        assert frame == (1011, "sorry")
