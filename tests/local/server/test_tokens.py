"""Ephemeral tokens, in virtual time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest

from gemini_realtime.local.server.tokens import (
    CAPACITY,
    TOKEN_EXPIRED,
    TOKEN_TOO_LATE,
    TOKEN_USED_UP,
    BadTokenRequest,
    Tokens,
)
from gemini_realtime.local.wire.refusals import Refused

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETUP = {"model": "models/locked", "generationConfig": {"temperature": 0.1, "responseModalities": ["AUDIO"]}}


class Mint:
    """Tokens of which one second after another passes as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0
        names = count(1)
        self.tokens = Tokens(
            lambda: f"n{next(names)}", lambda: self.now, lambda: NOON + timedelta(seconds=self.now - 1000.0)
        )

    def made(self, **body: Any) -> dict[str, Any]:
        return self.tokens.mint(json.dumps(body).encode())

    def opened(self, name: str, setup: dict[str, Any] | None = None) -> dict[str, Any]:
        token = self.tokens.find(name)
        assert token is not None
        return token.open(setup or {"model": "models/mine"}, self.now)


def test_a_token_has_one_use_a_minute_to_begin_and_half_an_hour_to_talk() -> None:
    assert Mint().tokens.mint(b"") == {
        "name": "auth_tokens/n1",
        "expireTime": "2026-11-22T12:30:00Z",
        "newSessionExpireTime": "2026-11-22T12:01:00Z",
        "uses": 1,
    }


def test_times_are_given_with_their_zone_and_told_in_utc() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=9))) + timedelta(minutes=5)
    assert Mint().made(expireTime=east.isoformat())["expireTime"] == "2026-11-22T12:05:00Z"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (b'"\xff"', "Invalid JSON"),
        (b'{"usage": 1}', 'Unknown name "usage": Cannot find field'),
        (b'{"uses": "many"}', "Invalid value at 'uses'"),
        (b'{"uses": -1}', "negative"),
        (b'{"expireTime": "tomorrow"}', "Invalid value at 'expire_time'"),
        (b'{"expireTime": "2026-11-22T12:05:00"}', "Invalid value at 'expire_time'"),
        (b'{"expireTime": "2026-11-23T08:00:00Z"}', "20 hours"),
        (b'{"newSessionExpireTime": "9999-12-31T23:59:59-10:00"}', "20 hours"),
        (b'{"newSessionExpireTime": "0001-01-01T00:00:00+10:00"}', "20 hours"),
        (b'{"bidiGenerateContentSetup": []}', "Proto field is not repeating"),
        (b'{"bidiGenerateContentSetup": {"tool": []}}', "Unknown name \"tool\" at 'bidi_generate_content_setup'"),
        (b'{"bidiGenerateContentSetup": {"model": "models/gemini-2.5-flash"}}', "is not found for API version"),
        (b'{"bidiGenerateContentSetup": {"model": "models/m"}, "fieldMask": "tool"}', "field_mask is invalid"),
        (b'{"bidiGenerateContentSetup": {"model": "models/m"}, "fieldMask": "model.name"}', "field_mask is invalid"),
        (
            b'{"bidiGenerateContentSetup": {"model": "m", "tools": []}, "fieldMask": "model"}',
            "not specified in field_mask",
        ),
        (
            b'{"bidi_generate_content_setup": {"generation_config": {"temperature": 1, "seed": 1}},'
            b' "field_mask": "generation_config.seed"}',
            "not specified in field_mask",
        ),
    ],
)
def test_what_cannot_be_a_token_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(BadTokenRequest, match=problem):
        Mint().tokens.mint(body)


def test_a_token_is_used_up() -> None:
    mint = Mint()
    name = mint.made(uses=2)["name"]
    mint.opened(name)
    mint.opened(name)
    with pytest.raises(Refused) as refused:
        mint.opened(name)
    assert (refused.value.code, refused.value.reason) == (TOKEN_USED_UP.code, TOKEN_USED_UP.reason)


def test_zero_uses_are_any_number() -> None:
    mint = Mint()
    name = mint.made(uses=0)["name"]
    assert [mint.opened(name)["model"] for _ in range(5)] == ["models/mine"] * 5


@pytest.mark.parametrize("spelling", ["sessionResumption", "session_resumption"])
def test_to_resume_is_not_a_use(spelling: str) -> None:
    mint = Mint()
    name = mint.made()["name"]
    mint.opened(name, {"model": "models/mine", spelling: {}})
    for _ in range(3):
        mint.opened(name, {"model": "models/mine", spelling: {"handle": "h"}})


def test_a_session_that_begins_too_late_is_refused_and_one_that_lasts_too_long() -> None:
    mint = Mint()
    name = mint.made(uses=0)["name"]
    mint.now += 59.9
    mint.opened(name)
    mint.now += 0.1
    with pytest.raises(Refused, match=TOKEN_TOO_LATE.reason):
        mint.opened(name)
    token = mint.tokens.find(name)
    assert token is not None
    token.check(1000.0 + 1799.9)
    with pytest.raises(Refused, match=TOKEN_EXPIRED.reason):
        token.check(1000.0 + 1800.0)


def test_a_setup_without_a_mask_replaces_the_clients() -> None:
    mint = Mint()
    name = mint.made(bidiGenerateContentSetup=SETUP)["name"]
    assert mint.opened(name, {"model": "models/mine", "tools": []}) == SETUP


MODEL = {"model": "models/locked"}
COOL = {"generationConfig": {"temperature": 0.1}}


@pytest.mark.parametrize(
    ("setup", "mask", "client", "effective"),
    [
        (MODEL, "model", {"model": "models/mine", "tools": []}, {"model": "models/locked", "tools": []}),
        (
            COOL,
            "generationConfig.temperature",
            {"generation_config": {"temperature": 1, "topK": 3}},
            {"generationConfig": {"temperature": 0.1, "topK": 3}},
        ),
        (COOL, "generation_config.temperature", {"tools": []}, {"tools": [], **COOL}),
        (COOL, "generationConfig", {"generationConfig": {"topK": 3}}, COOL),
        (MODEL, "systemInstruction, model", {"systemInstruction": {"parts": []}}, MODEL),
        ({}, "sessionResumption.handle", {"tools": []}, {"tools": []}),
        ({}, "sessionResumption.handle", {"sessionResumption": {"handle": "h"}}, {"sessionResumption": {}}),
    ],
)
def test_a_mask_locks_its_fields_and_no_other(
    setup: dict[str, Any], mask: str, client: dict[str, Any], effective: dict[str, Any]
) -> None:
    mint = Mint()
    name = mint.made(bidiGenerateContentSetup=setup, fieldMask=mask)["name"]
    assert mint.opened(name, client) == effective


def test_a_request_may_be_spelled_as_proto3_json_allows() -> None:
    mint = Mint()
    made = mint.made(
        uses="3", bidi_generate_content_setup={"generation_config": {"max_output_tokens": "7"}}, field_mask=""
    )
    assert made["uses"] == 3
    assert mint.opened(made["name"]) == {"generationConfig": {"maxOutputTokens": 7}}


def test_old_tokens_are_forgotten_before_they_fill_the_memory() -> None:
    mint = Mint()
    first = mint.made()["name"]
    for _ in range(CAPACITY):
        mint.made()
    assert mint.tokens.find(first) is None
