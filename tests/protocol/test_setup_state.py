from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.protocol.messages import Content, ContextUpdate, Part
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.setup_state import SetupState

FIRST: dict[str, Any] = {"model": "m", "sessionResumption": {"transparent": True}}
SECOND: dict[str, Any] = {**FIRST, "voice": "other"}
THIRD: dict[str, Any] = {**FIRST, "voice": "third"}


def asked(**given: Any) -> SessionOptions:
    return SessionOptions(given=given)


def wanted(setup: dict[str, Any], **given: Any) -> SetupState:
    setups = SetupState(SessionOptions())
    setups.change(setup, asked(**given))
    return setups


def in_force(setup: dict[str, Any] = FIRST) -> SetupState:
    setups = wanted(setup)
    setups.sent(None, 0.0, seeds=False)
    setups.confirmed()
    return setups


def test_the_handle_joins_the_options_of_resumption_and_leaves_what_was_given_as_it_is() -> None:
    setups = wanted(FIRST)
    assert setups.sent("h", 0.0, seeds=False)["sessionResumption"] == {"transparent": True, "handle": "h"}
    assert setups.sent(None, 1.0, seeds=False) == FIRST


def test_a_handle_that_was_given_with_the_options_does_not_outlive_its_session() -> None:
    setups = wanted({"sessionResumption": {"handle": "given"}})
    assert setups.sent(None, 0.0, seeds=False) == {"sessionResumption": {}}


def test_a_setup_that_asks_for_no_handles_sends_none() -> None:
    setups = wanted({"model": "m"})
    assert setups.sent("h", 0.0, seeds=False) == {"model": "m"}
    assert setups.handle is None
    assert not setups.may_change(FIRST)


def test_a_history_is_announced_to_a_new_session_only() -> None:
    setups = wanted(FIRST)
    assert "historyConfig" not in setups.sent("h", 0.0, seeds=True)
    assert setups.sent(None, 0.0, seeds=True)["historyConfig"] == {"initialHistoryInClientContent": True}
    assert "historyConfig" not in FIRST


def test_a_confirmation_is_waited_for_until_it_comes() -> None:
    setups = wanted(FIRST)
    setups.wait(5.0)
    setups.sent(None, 10.0, seeds=False)
    assert setups.deadline == 15.0
    assert setups.confirmed() == (True, False)
    assert setups.deadline is None


def test_the_same_options_again_are_not_new_and_other_ones_are() -> None:
    setups = in_force()
    setups.sent("h", 1.0, seeds=False)
    assert setups.confirmed() == (False, False)
    setups.change(SECOND, asked())
    assert setups.changed
    setups.sent("h", 2.0, seeds=False)
    assert setups.confirmed() == (False, True)
    assert not setups.changed


def test_options_that_were_refused_are_given_up_for_those_in_force() -> None:
    setups = in_force()
    setups.change(SECOND, asked())
    setups.sent("h", 1.0, seeds=False)
    assert setups.revert()
    assert setups.sent("h", 2.0, seeds=False)["sessionResumption"]["handle"] == "h"
    assert not setups.revert()
    assert setups.confirmed() == (False, False)


def test_options_wanted_after_those_that_were_refused_are_tried_all_the_same() -> None:
    setups = in_force()
    setups.change(SECOND, asked())
    setups.sent("h", 1.0, seeds=False)
    setups.change(THIRD, asked())
    assert setups.revert()
    assert setups.sent("h", 2.0, seeds=False)["voice"] == "third"


def test_the_first_options_have_none_to_go_back_to() -> None:
    setups = wanted(FIRST)
    setups.sent("h", 0.0, seeds=False)
    assert not setups.revert()


def test_the_options_of_a_setup_that_was_refused_are_given_up_with_it() -> None:
    setups = wanted(FIRST, voice="first", tools=[])
    setups.sent(None, 0.0, seeds=False)
    setups.confirmed()
    setups.change(SECOND, setups.options.changed({"voice": "other"}))
    assert setups.options.given == {"voice": "other", "tools": []}
    setups.sent("h", 1.0, seeds=False)
    setups.revert()
    assert setups.options.given == {"voice": "first", "tools": []}


def test_what_was_told_in_a_message_outlives_the_refusal_of_a_setup_on_its_way() -> None:
    setups = in_force()
    setups.change(SECOND, asked())
    setups.sent("h", 1.0, seeds=False)
    setups.amend(ContextUpdate(system_instruction=Content(parts=[Part(text="be brief")])), {"instructions": "be brief"})
    assert setups.changed
    setups.revert()
    assert setups.options.given == {"instructions": "be brief"}
    again = setups.sent("h", 2.0, seeds=False)
    assert (again["systemInstruction"]["parts"], "voice" in again) == ([{"text": "be brief"}], False)


@pytest.mark.parametrize("confirmed", [False, True])
def test_instructions_told_in_a_message_are_those_of_the_next_setup_and_need_no_new_one(confirmed: bool) -> None:
    setups = in_force() if confirmed else wanted(FIRST)
    if not confirmed:
        setups.sent(None, 0.0, seeds=False)
    content = Content(parts=[Part(text="be brief")])
    setups.amend(ContextUpdate(system_instruction=content), {})
    if not confirmed:
        assert setups.confirmed() == (True, False)
    assert not setups.changed
    assert setups.sent("h", 1.0, seeds=False)["systemInstruction"]["parts"] == [{"text": "be brief"}]
    assert setups.confirmed() == (False, False)


def test_options_for_the_next_conversation_outlive_the_refusal_of_others() -> None:
    setups = wanted(FIRST, voice="first")
    setups.sent(None, 0.0, seeds=False)
    setups.confirmed()
    setups.change(SECOND, setups.options.changed({"voice": "other"}))
    setups.sent("h", 1.0, seeds=False)
    setups.options = setups.options.changed({"session_resumption": None})
    setups.revert()
    assert setups.options.given == {"voice": "first", "session_resumption": None}
