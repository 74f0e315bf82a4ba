"""Settings for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# A case may be slow when the machine is: speed is measured in bench/, never by a test. The same cases come every time:
# what is new is looked for by fuzz/, and by `--hypothesis-profile=search`.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("suite")
