"""A few cases of fuzz/peer.py; `python fuzz/peer.py` runs as many as there is time for."""

from __future__ import annotations

from fuzz.peer import fuzz_one
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_whatever_clients_do_ends_in_a_state_or_a_close_and_stays_among_them(case: int) -> None:
    fuzz_one(case)
