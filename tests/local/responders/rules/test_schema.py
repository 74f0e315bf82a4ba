from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.local.responders.rules.schema import Schema, fits, read_parameters


def member(schema: Any, **definitions: Any) -> Schema:
    """Read a schema as the only parameter of a function."""
    whole = {"type": "object", "properties": {"x": schema}, "$defs": definitions}
    return read_parameters({"parametersJsonSchema": whole}).properties["x"]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "INTEGER"}, [0, -5], [0.5, True, "1", None]),
        ({"type": "NUMBER", "minimum": 1, "maximum": "3"}, [1, 2.5, 3], [0.5, 4]),
        ({"type": "number", "exclusiveMinimum": 0}, [0.1], [0]),
        ({"type": "STRING", "minLength": "2", "maxLength": 3}, ["ab"], ["a", "abcd", 5]),
        ({"type": "string", "pattern": "^[A-Z]"}, ["London"], ["london"]),
        ({"type": "BOOLEAN"}, [True], [0, "yes"]),
        ({"type": "STRING", "nullable": True}, ["a", None], [0]),
        ({"type": ["integer", "null"]}, [1, None], ["a"]),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, [1, None], ["a"]),
        ({"type": "INTEGER", "enum": ["1", "5"]}, [1, 5], [2, "1"]),
        ({"const": "fixed"}, ["fixed"], ["other"]),
        ({"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "1"}, [["a"]], [[], [1], "a"]),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]}, [{"a": "b"}], [{}, {"a": 1}]),
        ({"allOf": [{"type": "string"}, {"maxLength": 1}]}, ["a"], ["ab", 1]),
        ({"$ref": "#/$defs/Size"}, ["small"], ["medium"]),
        ({}, [1, "a", [], {}], []),
        ({"$ref": "#/nowhere"}, [], [1, "a"]),
    ],
)
def test_values_are_held_to_their_schema(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    read = member(schema, Size={"type": "string", "enum": ["small", "large"]})
    assert [value for value in good if not fits(value, read)] == []
    assert [value for value in bad if fits(value, read)] == []


def test_a_schema_that_contains_itself_ends_somewhere() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}}
    depth, schema = 0, member({"$ref": "#/$defs/Tree"}, Tree=tree)
    while schema.properties:
        depth, schema = depth + 1, schema.properties["left"]
    assert 1 < depth < 20


@pytest.mark.parametrize("declaration", [{}, {"parameters": None}, {"parameters": {"type": "STRING"}}])
def test_a_function_without_an_object_of_parameters_takes_none(declaration: dict[str, Any]) -> None:
    assert read_parameters(declaration) == Schema("object")
