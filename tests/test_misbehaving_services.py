"""A few cases of fuzz/client.py; `python -m fuzz.client` runs as many as there is time for."""

from __future__ import annotations

import pytest
from fuzz.client import SOCKET_EVERY, fuzz_one


@pytest.mark.parametrize("case", range(1, 40))
def test_whatever_service_network_and_program_do_ends_in_documented_errors_and_leaves_nothing(case: int) -> None:
    fuzz_one(case)


@pytest.mark.parametrize("case", range(3))
def test_whatever_comes_out_of_a_socket_does_too(case: int) -> None:
    fuzz_one(case * SOCKET_EVERY)
