"""Settings for the whole suite."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

# A case may be slow when the machine is: speed is measured in bench/, never by a test. The same cases come every time:
# what is new is looked for by fuzz/, and by `--hypothesis-profile=search`.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("suite")

_constants_of_modules = providers._get_local_constants


def _constants() -> Constants:
    """None where cases are to be the same every time.

    Hypothesis tries the constants of those modules that are imported so far, so which tests came before would decide.
    """
    return providers._local_constants if settings().derandomize else _constants_of_modules()


providers._get_local_constants = _constants
