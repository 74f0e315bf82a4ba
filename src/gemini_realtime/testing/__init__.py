"""Tests of voice agents without a network and without waiting: virtual time, and what else a test needs."""

from __future__ import annotations

from gemini_realtime.testing.virtual_time import VirtualTimeLoop, in_virtual_time, run_in_virtual_time

__all__ = ["VirtualTimeLoop", "in_virtual_time", "run_in_virtual_time"]
