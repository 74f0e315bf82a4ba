"""An evaluation finds what is wrong with an agent, and nothing where nothing is."""

from __future__ import annotations

import pytest
from reliability.defects import GOOD, OURS, call, planted


@pytest.mark.parametrize("seed", range(300, 304))
def test_an_agent_as_it_should_be_passes(seed: int) -> None:
    assert call(GOOD, seed).failures == []


@pytest.mark.parametrize("defect", [name for name in planted(OURS) if name != GOOD])
def test_a_planted_defect_is_found(defect: str) -> None:
    assert not call(defect, 300).passed
