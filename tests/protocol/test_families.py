"""What is known of each family of models, and on whose word."""

from __future__ import annotations

import pytest

from gemini_realtime.protocol.families import EVIDENCE, FAMILIES, UNKNOWN, Family, family_of, is_on_vertex


def test_every_family_is_found_by_its_own_names() -> None:
    for family in FAMILIES:
        for name in family.names:
            assert family_of(name) is family
            assert family_of(f"projects/p/locations/l/publishers/google/models/{name}-preview") is family


def test_of_other_names_nothing_is_known() -> None:
    assert family_of("gemini-9-live") is UNKNOWN
    assert family_of("") is UNKNOWN


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_fact_that_differs_from_the_usual_has_its_evidence(family: Family) -> None:
    described = {"name", "title", "names", "gone", "text_input", "instructions", "thinking_levels"}
    differs = {
        field for field in Family.__struct_fields__
        if field not in described and getattr(family, field) != getattr(UNKNOWN, field)
    }  # fmt: skip
    if family.task != "converse":
        differs.discard("modalities")
    assert differs == set(EVIDENCE[family.name])
    assert all(evidence.source for evidence in EVIDENCE[family.name].values())


def test_models_on_vertex_are_known_by_their_resource_names() -> None:
    assert is_on_vertex("projects/p/locations/l/publishers/google/models/gemini-3.8-live")
    assert not is_on_vertex("models/gemini-3.8-live")
