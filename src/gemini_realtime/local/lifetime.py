"""How long a connection lasts, and how long its session: when that is announced, and when it is over.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from dataclasses import dataclass

from gemini_realtime.errors import ConfigError


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lasts, over all its connections, unless it compresses its context. None for ever.

    Attributes:
        audio_s: from its beginning; 900 on the service.
        video_s: from its first picture; 120 on the service, which does not say from when.

    Source: https://ai.google.dev/gemini-api/docs/live-session: "limited to 15 minutes, and audio-video sessions to 2
    minutes".
    """

    audio_s: float | None = None
    video_s: float | None = None

    def __post_init__(self) -> None:
        for name, limit_s in (("audio_s", self.audio_s), ("video_s", self.video_s)):
            if limit_s is not None and not limit_s > 0:
                raise ConfigError(f"the session limit `{name}` is {limit_s}", remedy="pass more than 0, or None")


class Lifetime:
    """The end of one connection.

    Args:
        connection_s: how long after its setup it ends; None for never.
        go_away_before_s: how long before its end that is announced; None for as long as the service does.
        limits: of its session.
    """

    def __init__(self, connection_s: float | None, go_away_before_s: float | None, limits: SessionLimits) -> None:
        self._connection_s = connection_s
        self._go_away_before_s = go_away_before_s
        self._limits = limits
        self._compressed = self._filmed = False
        self._connection_ends_at: float | None = None
        self._session_ends_at: float | None = None
        self._announced_end_at: float | None = None

    def begin(self, now: float, *, usual_before_s: float, compressed: bool, left_s: float | None) -> None:
        """The session is set up.

        Args:
            now: the time.
            usual_before_s: how long before its end the service announces that.
            compressed: whether its context is, so that it has no end.
            left_s: of a session that is resumed, as `left_s` once said.
        """
        if self._go_away_before_s is None:
            self._go_away_before_s = usual_before_s
        self._compressed = compressed
        self._connection_ends_at = None if self._connection_s is None else now + self._connection_s
        self._end_session_in(self._limits.audio_s, now)
        self._end_session_in(left_s, now)

    def saw(self, now: float) -> None:
        """A picture came."""
        if not self._filmed:
            self._filmed = True
            self._end_session_in(self._limits.video_s, now)

    def left_s(self, now: float) -> float | None:
        """How long the session still lasts; None when it has no end."""
        return None if self._session_ends_at is None else max(0.0, self._session_ends_at - now)

    def announce(self, end_at: float) -> None:
        """The client was told that the connection ends then."""
        self._announced_end_at = end_at

    def due(self) -> float | None:
        """When `announcement` or `over` has something new to say; None when never."""
        if self._announced_end_at is not None:
            return self._announced_end_at
        return None if self._ends_at is None else self._ends_at - (self._go_away_before_s or 0.0)

    def announcement(self, now: float) -> float | None:
        """The time left, in tenths of a second as alarms are never on the dot, if that is to be announced now."""
        due = self.due()
        if self._ends_at is None or self._announced_end_at is not None or due is None or now < due:
            return None
        return max(0.0, round(self._ends_at - now, 1))

    def over(self, now: float) -> bool:
        """Whether the time that was announced is over."""
        return self._announced_end_at is not None and now >= self._announced_end_at

    @property
    def _ends_at(self) -> float | None:
        ends = (self._connection_ends_at, self._session_ends_at)
        return min((at for at in ends if at is not None), default=None)

    def _end_session_in(self, seconds: float | None, now: float) -> None:
        if seconds is not None and not self._compressed:
            left_s = self.left_s(now)
            self._session_ends_at = now + (seconds if left_s is None else min(seconds, left_s))
