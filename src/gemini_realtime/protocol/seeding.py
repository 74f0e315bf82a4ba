"""What a new session is told of the conversation before it, and from when on that counts.

Some models take no notice of what they are told until it is completed, and completing it asks them for an answer: that
is done when somebody has spoken, and is silent now. Source: `_create_initial_response` of pipecat 1.14.
"""

from __future__ import annotations

from gemini_realtime.protocol.audio_ring import AudioRing, is_quiet
from gemini_realtime.protocol.handover import LISTENS_S, LOOK_AGAIN_S
from gemini_realtime.protocol.history import contents
from gemini_realtime.protocol.messages import Content
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.outbox import Outbox
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.setup_state import SetupState


class Seeding:
    """Tells new sessions what was said before.

    Args:
        profile: how the model takes it.
        setup: has the turns that the application wants to come first.
        progress: knows what was said since.
        audio: the microphone's.
        outbox: sends it.
        repeats: whether a new session is told what was said since; False tells it the application's turns alone.

    Attributes:
        look_at: when to look whether whoever spoke is silent now; None: never; seconds.
    """

    def __init__(
        self,
        profile: ModelProfile,
        setup: SetupState,
        progress: Progress,
        audio: AudioRing,
        outbox: Outbox,
        *,
        repeats: bool,
    ) -> None:
        self._profile = profile
        self._setup = setup
        self._progress = progress
        self._audio = audio
        self._outbox = outbox
        self._repeats = repeats and profile.text_input
        self.look_at: float | None = None

    def announced(self) -> bool:
        """Whether the setup has to say that a history follows."""
        return self._profile.history_needs_config and bool(self._turns())

    def send(self) -> None:
        """Tell a new session, before anything else."""
        self._outbox.history(self._turns(), announced=self._setup.announces)

    def _turns(self) -> list[Content]:
        return [*self._setup.history, *(contents(self._progress.said()) if self._repeats else ())]

    # --- when it counts

    def heard(self, now: float) -> None:
        """The service has heard somebody speak."""
        if self._outbox.seed_is_open:
            self.look_at = now + LISTENS_S

    def due(self, now: float) -> None:
        """Look at the time."""
        if self.look_at is None or now < self.look_at:
            return
        if not self._outbox.seed_is_open:
            self.look_at = None
        elif is_quiet(self._audio.recent(now - LISTENS_S)):
            self.look_at = None
            self._outbox.complete_seed()
        else:
            self.look_at = now + LOOK_AGAIN_S
