"""`--record` and what goes with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.cli.options.recording import Without, recording_options
from gemini_realtime.errors import ConfigError
from gemini_realtime.recordings import RecordingOptions


def test_what_is_asked_for_is_recorded(tmp_path: Path) -> None:
    assert recording_options(None, None, None) is None
    assert recording_options(tmp_path, None, None) == RecordingOptions(tmp_path)
    asked = recording_options(tmp_path, [Without.AUDIO], 5)
    assert asked == RecordingOptions(tmp_path, audio=False, last_s=300)
    assert recording_options(tmp_path, [Without.TEXT], None) == RecordingOptions(tmp_path, text=False)


@pytest.mark.parametrize("asked", [(None, [Without.AUDIO], None), (None, None, 5)])
def test_what_is_recorded_nowhere_is_refused(asked: Any) -> None:
    with pytest.raises(ConfigError, match="add --record DIR"):
        recording_options(*asked)
