"""Settings for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# A case may be slow when the machine is: speed is measured in bench/, never by a test.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
