from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gemini_realtime.audio.format import OUTPUT_FORMAT, AudioFormat
from gemini_realtime.audio.playback import MAX_MARKS, Playback, RemotePlayback

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
    playback.end_turn()
    assert playback.played_ms == 5 * FRAME_MS  # of the turn that is still being heard
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


def test_a_sample_that_is_cut_in_two_is_heard_whole() -> None:
    playback = Playback(TELEPHONE)
    for piece in (b"a", b"bc", b"def"):
        playback.push(piece)
    assert playback.take(6) == b"abcdef"


def test_half_a_sample_at_the_end_of_a_turn_does_not_shift_the_next() -> None:
    playback = Playback(TELEPHONE)
    playback.push(b"abc")
    playback.end_turn()
    playback.push(b"defg")
    assert playback.take(6) == b"abdefg"
    playback.push(b"h")
    playback.flush()
    playback.push(b"ij")
    assert playback.take(2) == b"ij"


def test_irregular_audio_sounds_when_enough_of_it_is_there() -> None:
    playback = Playback(TELEPHONE, jitter_ms=1)  # 16 bytes
    playback.push(b"ab" * 5)
    assert playback.take(4) == bytes(4)
    playback.push(b"cd" * 5)
    assert playback.take(4) == b"abab"
    assert playback.take(20) == b"ab" * 3 + b"cd" * 5 + bytes(4)  # it ran dry: enough has to be there again
    playback.push(b"ef")
    assert playback.take(2) == bytes(2)
    assert (playback.played_ms, playback.queued_ms) == (10 * FRAME_MS, FRAME_MS)
    playback.end_turn()
    assert playback.take(4) == b"ef\x00\x00"


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


def test_the_clock_tells_what_is_played_far_away_where_no_marks_return() -> None:
    remote = RemotePlayback()
    for piece in range(10):
        remote.sent(40, now=10 + piece / 1000)
    assert remote.played_ms(10.1) == pytest.approx(100)
    assert remote.played_ms(99) == 400


def test_marks_that_return_set_the_clock_right() -> None:
    remote = RemotePlayback()
    first, second = remote.sent(100, now=10), remote.sent(100, now=10)
    remote.returned(first, now=10.3)  # the network took its time
    assert remote.played_ms(10.35) == pytest.approx(150)
    assert remote.played_ms(10.9) == 200
    third = remote.sent(100, now=11)
    assert remote.played_ms(12) == 200  # the mark after the second piece has not returned
    remote.returned(second, now=12)
    remote.returned(third, now=12)
    assert remote.played_ms(12) == 300


def test_what_was_heard_counts_within_the_turn() -> None:
    remote = RemotePlayback()
    remote.sent(500, now=0)
    remote.end_turn()
    assert remote.played_ms(0.4) == pytest.approx(400)
    remote.sent(500, now=0.45)
    assert remote.played_ms(0.49) == 0
    assert remote.clear(0.7) == pytest.approx((200, 300))
    assert remote.clear(0.7) == (0, 0)


def test_marks_that_never_return_are_forgotten_in_the_end() -> None:
    remote = RemotePlayback()
    names = [remote.sent(20, now=0) for _ in range(MAX_MARKS + 1)]
    remote.returned(names[0], now=5)
    assert remote.played_ms(5) == pytest.approx(5000)
