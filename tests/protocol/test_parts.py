from __future__ import annotations

import base64
import copy
import pickle
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import AudioFormatError, ConfigError, UnsupportedByModel
from gemini_realtime.protocol.messages import Blob, Part
from gemini_realtime.protocol.models import ModelProfile, profile_for
from gemini_realtime.protocol.parts import Media, in_words, read_result, read_turn, refuse_result, refuse_turn


def turn_parts(given: Any, profile: ModelProfile) -> list[Part]:
    """What is sent, unless it is refused."""
    parts = read_turn(given)
    refuse_turn(parts, profile)
    return parts


def result_parts(given: Any, profile: ModelProfile) -> list[dict[str, Any]]:
    """What is sent, unless it is refused."""
    parts = read_result(given)
    refuse_result(parts, profile)
    return parts


PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 "
PCM = bytes(640)

LIVE_3_8 = profile_for("gemini-3.8-live")
LIVE_3_1 = profile_for("gemini-3.1-flash-live-preview")
NATIVE_2_5 = profile_for("gemini-2.5-flash-native-audio-preview")
ANY = profile_for("somebody-elses-model")


def part(data: bytes, mime_type: str) -> Part:
    return Part(inline_data=Blob(mime_type=mime_type, data=base64.b64encode(data).decode()))


@pytest.mark.parametrize(("image", "mime_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_bytes_of_an_image_say_what_it_is(image: bytes, mime_type: str, kind: Any) -> None:
    assert turn_parts(["What is this?", kind(image)], LIVE_3_8) == [Part(text="What is this?"), part(image, mime_type)]


@pytest.mark.parametrize(
    "spelled",
    [
        Media(PNG, "image/png"),
        {"inline_data": {"data": PNG, "mime_type": "image/png"}},
        {"inlineData": {"data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}},
        {"inline_data": {"data": PNG}},
    ],
)
def test_media_is_taken_in_every_spelling(spelled: Any) -> None:
    assert turn_parts([spelled, {"text": "hi"}], LIVE_3_8) == [part(PNG, "image/png"), Part(text="hi")]
    assert turn_parts(spelled, LIVE_3_8) == [part(PNG, "image/png")]


class PydanticPart:
    """What `types.Part` of google-genai is here."""

    def __init__(self, **members: Any) -> None:
        self._members = members

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        assert exclude_none
        return self._members


def test_parts_of_google_genai_are_taken_as_they_are() -> None:
    image = PydanticPart(inline_data={"data": PNG, "mime_type": "image/png"})
    assert turn_parts([PydanticPart(text="hi"), image], LIVE_3_8) == [Part(text="hi"), part(PNG, "image/png")]


def test_a_view_of_every_other_byte_is_what_it_shows() -> None:
    doubled = bytes(byte for one in PNG for byte in (one, 0))
    assert turn_parts([Media(memoryview(doubled)[::2], "image/png")], LIVE_3_8) == [part(PNG, "image/png")]


def test_one_text_is_one_part() -> None:
    assert turn_parts("hello", LIVE_3_8) == [Part(text="hello")]


@pytest.mark.parametrize("profile", [LIVE_3_1, LIVE_3_8, ANY], ids=lambda profile: profile.title)
def test_audio_of_a_turn_is_what_the_model_recalls(profile: Any) -> None:
    assert turn_parts([Media(PCM, "audio/pcm;rate=16000")], profile) == [part(PCM, "audio/pcm;rate=16000")]


def test_audio_that_the_service_is_known_to_refuse_is_not_sent() -> None:
    with pytest.raises(ConfigError, match=r"24000.*resample"):
        turn_parts([Media(PCM, "audio/pcm;rate=24000")], LIVE_3_8)
    with pytest.raises(UnsupportedByModel, match="send_audio"):
        turn_parts([Media(PCM, "audio/pcm;rate=16000")], NATIVE_2_5)
    with pytest.raises(ConfigError, match=r"`parts\[0\]`.*'audio/mpeg'"):
        turn_parts([Media(PCM, "audio/mpeg")], LIVE_3_8)


def test_sound_is_whole_samples() -> None:
    with pytest.raises(AudioFormatError, match=r"3 bytes .* end inside"):
        Media(b"abc", "audio/pcm;rate=16000")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "`parts` is empty"),
        (None, r"`parts\[0\]` is None"),
        (7, r"`parts\[0\]` is an int"),
        (["hi", 7], r"`parts\[1\]` is an int"),
        (["hi", None], r"`parts\[1\]` is None"),
        ([b"GIF89a"], r"`parts\[0\]` is neither a JPEG"),
        ([b""], r"`parts\[0\]` is neither a JPEG"),
        ([{}], r"`parts\[0\]` holds nothing"),
        ([{"text": "a", "inline_data": {}}], "holds 'text', 'inline_data'"),
        ([{"text": 7}], r"`parts\[0\].text` is an int"),
        ([{"inline_data": "AAAA"}], r"`parts\[0\].inline_data` is a str"),
        ([{"inline_data": {"data": 7}}], r"`parts\[0\].inline_data.data` is an int"),
        ([{"inline_data": {}}], r"`parts\[0\].inline_data.data` is None"),
        ([{"inline_data": {"data": "!!"}}], r"`parts\[0\].inline_data.data` is not base64"),
        ([{"inline_data": {"data": "AAAA", "mimetype": "image/png"}}], "did you mean 'mime_type'"),
        ([{"txet": "a"}], "did you mean 'text'"),
        ([Media(b"%PDF", "application/pdf")], "'application/pdf'.*image/webp"),
        ([Media(b"GIF8", "image/gif")], "'image/gif'"),
    ],
)
def test_what_cannot_be_a_part_is_refused_with_its_place(given: Any, problem: str) -> None:
    with pytest.raises((ConfigError, AudioFormatError), match=problem):
        turn_parts(given, LIVE_3_8)


@pytest.mark.parametrize(
    ("data", "mime_type"), [(b"", "image/png"), ("text", "image/png"), (7, "image/png"), (PNG, "png"), (PNG, None)]
)
def test_media_is_bytes_and_a_type(data: Any, mime_type: Any) -> None:
    with pytest.raises(ConfigError, match="of Media"):
        Media(data, mime_type)


def test_of_a_model_that_is_not_known_nothing_is_refused() -> None:
    assert turn_parts([Media(b"GIF8", "image/gif")], ANY) == [part(b"GIF8", "image/gif")]
    assert result_parts([Media(b"%PDF", "application/pdf")], ANY) == [
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}}
    ]


def test_a_result_holds_images_and_plain_text() -> None:
    assert result_parts([PNG, "a map"], LIVE_3_8) == [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"inlineData": {"mimeType": "text/plain", "data": base64.b64encode(b"a map").decode()}},
    ]


@pytest.mark.parametrize("mime_type", ["application/pdf", "audio/pcm;rate=16000", "image/gif"])
def test_a_part_that_closes_the_connection_is_not_sent(mime_type: str) -> None:
    with pytest.raises(ConfigError, match="image/webp, text/plain"):
        result_parts([Media(b"%PDF", mime_type)], LIVE_3_8)


def test_a_model_that_does_not_look_at_parts_gets_none() -> None:
    with pytest.raises(UnsupportedByModel, match="send_turn"):
        result_parts([PNG], NATIVE_2_5)


def test_a_turn_in_words_names_its_media() -> None:
    assert in_words(turn_parts([PNG, "What is this?"], LIVE_3_8)) == "[image/png]\nWhat is this?"


def test_media_shows_its_size_and_not_its_content() -> None:
    media = Media(b"secret", "image/png")
    assert repr(media) == "Media(<6 bytes>, 'image/png')"
    assert pickle.loads(pickle.dumps(media)) == copy.deepcopy(media) == media


@settings(derandomize=True, deadline=None)
@given(
    st.recursive(
        st.none() | st.text() | st.binary() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["text", "inline_data", "inlineData", "data", "mimeType", "x"]), inner)
        ),
        max_leaves=6,
    )
)
def test_anything_is_parts_or_a_clear_error(given: Any) -> None:
    with suppress(ConfigError, AudioFormatError):
        assert turn_parts(given, LIVE_3_8)
