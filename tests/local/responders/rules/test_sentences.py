from __future__ import annotations

import pytest

from .replies import reply, said


@pytest.mark.parametrize("heard", ["", "   ", "...", "?!"])
async def test_silence_is_greeted(heard: str) -> None:
    assert await said(heard) == "Hello! How can I help you?"


@pytest.mark.parametrize(
    "heard",
    [
        *("what time is it", "What time is it?", "what's the time", "tell me the time please", "what time is it now"),
        *("Hello, could you tell me the time?", "do you know what time it is", "so um what time is it", "time please"),
    ],
)
async def test_the_time_is_told_in_words_however_it_is_asked_for(heard: str) -> None:
    assert (await said(heard)).endswith("It is nine fifteen.")


async def test_date_and_day_are_told_for_yesterday_today_and_tomorrow() -> None:
    assert await said("what is the date") == "Today is Saturday, November twenty second, twenty twenty five."
    assert await said("What's today's date?") == await said("what is the date")
    assert await said("what day is tomorrow") == "Tomorrow is Sunday."
    assert await said("what day was yesterday") == "Yesterday was Friday."


@pytest.mark.parametrize("heard", ["hello", "Hi there!", "good morning", "hey gemini", "Say a short greeting."])
async def test_greetings_are_returned(heard: str) -> None:
    assert (await said(heard)).startswith("Hello!")


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("how are you", "I am fine"),
        ("what can you do", "I can tell the time"),
        ("Are you there Gemini?", "Yes, I can hear you."),
        ("Hello what should we talk about?", "We could talk about"),
        ("thank you very much", "You are welcome."),
        ("thanks, bye", "Goodbye!"),
        ("no thanks", "All right, no problem."),
        ("yes please", "Very well."),
        ("stop talking", "All right."),
    ],
)
async def test_small_talk_has_an_answer(heard: str, answer: str) -> None:
    assert answer in await said(heard)


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("what is twelve times seven", "Twelve times seven is eighty four."),
        ("12*7", "Twelve times seven is eighty four."),
        ("What's 15% of 80?", "Fifteen percent of eighty is twelve."),
        ("please calculate (3 + 4) / 2 =", "The answer is three point five."),
        ("what is five divided by zero", "I cannot divide by zero."),
        ("how much is a hundred minus one", "One hundred minus one is ninety nine."),
    ],
)
async def test_calculations_are_answered_in_words(heard: str, answer: str) -> None:
    assert await said(heard) == answer


async def test_counting_goes_up_down_and_not_on_for_ever() -> None:
    assert await said("count from 3 to 8") == "Three, four, five, six, seven, eight."
    assert await said("count down from three") == "Three, two, one."
    assert (await said("count to ten")).startswith("One, two,")
    long = await said("count to five hundred")
    assert "two hundred." in long
    assert long.endswith("That is as far as I count in one go.")


@pytest.mark.parametrize(
    "heard", ["tell me a story", "tell me something long", "talk for a while", "Tell me a long story."]
)
async def test_a_long_answer_fills_forty_seconds_sentence_by_sentence(heard: str) -> None:
    items = await reply(heard)
    assert len(items) > 10
    words_per_minute = 175  # espeak's default rate
    assert len((await said(heard)).split()) / words_per_minute * 60 > 40


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("repeat after me the quick brown fox", "the quick brown fox"),
        ('Please say "Hello, World"!', "Hello, World"),
        ("repeat after me what is the time and stop", "what is the time and stop"),
        ("spell cat", "C, A, T."),
    ],
)
async def test_words_are_repeated_and_spelled(heard: str, answer: str) -> None:
    assert await said(heard) == answer


async def test_what_is_not_understood_is_said_back_shortly() -> None:
    assert (await said("Xyzzy plugh!")).startswith("You said: Xyzzy plugh. I can ")
    assert len(await said("blah " * 300)) < 300


async def test_facts_of_earlier_turns_are_remembered() -> None:
    history = [("My name is Alice and my favorite color is teal.", "Nice to meet you, Alice!")]
    answer = await said("What is my name and favorite color?", history=history)
    assert answer == "Your name is Alice. Your favorite color is teal."
    assert await said("what is my age", history=history) == "You have not told me your age."
    assert await said("what did I say?", history=history) == "You said: My name is Alice and my favorite color is teal."
    assert await said("say that again", history=history) == "Nice to meet you, Alice!"


async def test_facts_told_just_now_are_confirmed_and_known() -> None:
    assert await said("my name is bob") == "Nice to meet you, Bob."
    assert (await said("My name is Bob. What is my name?")).endswith("Your name is Bob.")


async def test_the_instructions_may_give_a_name() -> None:
    assert "I am Marvin." in await said("who are you", instructions="You are Marvin, a robot.")
    assert "I am Eva." in await said("what's your name", instructions="Be kind. Your name is Eva.")


async def test_several_requests_are_answered_in_order() -> None:
    assert await said("what time is it and what is two plus two") == "It is nine fifteen. Two plus two is four."
    assert await said("Hello. What time is it? Thanks!") == (
        "Hello! How can I help you? It is nine fifteen. You are welcome."
    )
