from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gemini_realtime.audio.format import OUTPUT_FORMAT, AudioFormat
from gemini_realtime.audio.playback import Playback
from gemini_realtime.errors import AudioFormatError

TELEPHONE = AudioFormat("pcm16", 8000)
FRAME_MS = 1 / 8


def test_what_is_pushed_is_heard_in_order_then_silence() -> None:
    playback = Playback(TELEPHONE)
    playback.push(b"abcd")
    playback.push(b"")
    playback.push(b"efgh")
    assert playback.take(6) == b"abcdef"
    assert playback.take(6) == b"gh\x00\x00\x00\x00"
    assert playback.take(2) == b"\x00\x00"


def test_only_real_audio_counts_as_played() -> None:
    playback = Playback(TELEPHONE)
    playback.take(100)
    playback.push(bytes(20))
    assert (playback.played_ms, playback.queued_ms, playback.idle) == (0, 10 * FRAME_MS, False)
    playback.take(16)
    assert (playback.played_ms, playback.queued_ms, playback.idle) == (8 * FRAME_MS, 2 * FRAME_MS, False)
    playback.take(16)
    assert (playback.played_ms, playback.queued_ms, playback.idle) == (10 * FRAME_MS, 0, True)


def test_interruption_throws_away_what_was_not_heard() -> None:
    playback = Playback(TELEPHONE)
    playback.push(b"old " * 10)
    playback.take(14)
    assert playback.played_ms == 7 * FRAME_MS
    assert playback.flush() == 13 * FRAME_MS
    assert (playback.played_ms, playback.queued_ms, playback.idle) == (0, 0, True)
    playback.push(b"new ")
    assert playback.take(6) == b"new \x00\x00"
    assert playback.played_ms == 2 * FRAME_MS


def test_a_new_turn_counts_from_its_own_first_byte() -> None:
    playback = Playback(TELEPHONE)
    playback.push(bytes(20))
    playback.take(10)
    playback.start_turn()
    playback.push(bytes(20))
    assert playback.played_ms == 0
    playback.take(10)
    assert playback.played_ms == 0  # the end of the previous turn
    playback.take(10)
    assert playback.played_ms == 5 * FRAME_MS
    assert playback.flush() == 5 * FRAME_MS


def test_telephone_silence_is_the_code_of_silence() -> None:
    assert Playback(AudioFormat("mulaw", 8000)).take(3) == b"\xff\xff\xff"
    assert Playback(AudioFormat("alaw", 8000)).take(3) == b"\xd5\xd5\xd5"


def test_audio_that_would_shift_all_that_follows_is_refused() -> None:
    playback = Playback(TELEPHONE)
    with pytest.raises(AudioFormatError):
        playback.push(b"abc")
    assert playback.idle


class PlaybackModel(RuleBasedStateMachine):
    """Any order of calls agrees with a plain byte string."""

    def __init__(self) -> None:
        super().__init__()
        self.playback = Playback(TELEPHONE)
        self.queued = b""
        self.played = 0

    @rule(frames=st.binary(max_size=30).map(lambda half: half + half))
    def push(self, frames: bytes) -> None:
        self.playback.push(frames)
        self.queued += frames

    @rule(frames=st.integers(0, 40))
    def take(self, frames: int) -> None:
        heard, self.queued = self.queued[: 2 * frames], self.queued[2 * frames :]
        self.played += len(heard)
        assert self.playback.take(2 * frames) == heard.ljust(2 * frames, b"\x00")

    @rule()
    def flush(self) -> None:
        assert self.playback.flush() == len(self.queued) / 2 * FRAME_MS
        self.queued, self.played = b"", 0

    @invariant()
    def counts_agree(self) -> None:
        assert self.playback.queued_ms == len(self.queued) / 2 * FRAME_MS
        assert self.playback.played_ms == self.played / 2 * FRAME_MS
        assert self.playback.idle is not bool(self.queued)


PlaybackModel.TestCase.settings = settings(derandomize=True, deadline=None, max_examples=50)
TestPlaybackModel = PlaybackModel.TestCase


def test_one_thread_pushes_while_another_takes() -> None:
    playback = Playback(OUTPUT_FORMAT)
    pieces = [bytes([1 + n % 255]) * (2 * (1 + n % 97)) for n in range(2000)]
    audio = b"".join(pieces)
    heard = bytearray()

    def service() -> None:
        for piece in pieces:
            playback.push(piece)

    producer = threading.Thread(target=service)
    producer.start()
    while producer.is_alive() or not playback.idle:
        heard += playback.take(114)
    producer.join()
    assert bytes(heard).replace(b"\x00", b"") == audio
    assert playback.played_ms == OUTPUT_FORMAT.duration_ms(len(audio))


def test_no_audio_from_before_a_flush_is_heard_after_it() -> None:
    playback = Playback(OUTPUT_FORMAT)
    heard = bytearray()
    done = threading.Event()

    def device() -> None:
        while not done.is_set() or not playback.idle:
            heard.extend(playback.take(64))

    consumer = threading.Thread(target=device)
    consumer.start()
    for turn in range(1, 200):
        playback.push(bytes([turn]) * 4096)
        playback.flush()
    playback.push(bytes([200]) * 4096)
    done.set()
    consumer.join()
    audible = bytes(heard).replace(b"\x00", b"")
    assert audible == bytes(sorted(audible))
    assert audible.endswith(bytes([200]) * 4096)
