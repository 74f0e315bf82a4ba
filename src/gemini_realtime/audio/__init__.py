"""Samples in, samples out: formats, telephone codes, rates, chunks, playback.

Everything here is pure: no clock, no thread, no event loop. `g711` and `resample` need the extra `[audio]`
(numpy) and are imported where they are used; the other modules need nothing.
"""
