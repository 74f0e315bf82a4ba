from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.schema import is_service_schema, to_parameters, to_schema

# --- one keyword at a time


@pytest.mark.parametrize(
    ("json_schema", "schema"),
    [
        ({"type": "string"}, {"type": "STRING"}),
        ({"type": "integer", "format": "int64"}, {"type": "INTEGER", "format": "int64"}),
        ({"type": "dict"}, {"type": "OBJECT"}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": "string", "nullable": True}, {"type": "STRING", "nullable": True}),
        ({"type": ["integer", "number"]}, {"type": "NUMBER"}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ({"type": "null"}, {"type": "NULL"}),
        ({"enum": [None]}, {"type": "NULL"}),
        ({"type": "integer", "minimum": 10**400, "maximum": 2**70}, {"type": "INTEGER", "maximum": 2**70}),
        ({"minLength": 2}, {"type": "STRING", "minLength": 2}),
        ({"minimum": 2.5}, {"type": "NUMBER", "minimum": 2.5}),
        ({"items": {"type": "string"}}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        ({"oneOf": [{"type": "string"}, {"type": "string"}]}, {"type": "STRING"}),
        ({"anyOf": [{"const": "a"}, {"const": "b"}]}, {"type": "STRING", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"enum": ["a", None, "a"]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"type": "string", "enum": [1, "b"]}, {"type": "STRING", "enum": ["1", "b"]}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        (
            {"type": "string", "format": "uri", "description": "Where."},
            {"type": "STRING", "description": "Where. Format: uri."},
        ),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 5},
            {"type": "INTEGER", "minimum": 1, "maximum": 4},
        ),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "NUMBER", "minimum": 0}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "INTEGER", "minimum": 4}),
        ({"type": "array", "items": False}, {"type": "ARRAY", "maxItems": 0, "items": to_schema({})}),
        ({"examples": ["x", "y"], "type": "string"}, {"type": "STRING", "example": "x"}),
        ({"default": None, "type": "string"}, {"type": "STRING"}),
        ({"default": [1, {"a": None}], "type": "string"}, {"type": "STRING", "default": [1, {"a": None}]}),
        ({"default": float("nan"), "type": "number"}, {"type": "NUMBER"}),
        ({"default": object(), "type": "string"}, {"type": "STRING"}),
        ({"minLength": -1, "maxLength": 2**64, "type": "string"}, {"type": "STRING"}),
        (
            {"type": "string", "multipleOf": 2, "$comment": "", "contentEncoding": "base64", "x-mine": 1},
            {"type": "STRING"},
        ),
    ],
)
def test_a_keyword_becomes_what_the_service_knows(json_schema: dict[str, Any], schema: dict[str, Any]) -> None:
    assert to_schema(json_schema) == schema


def test_values_that_are_not_strings_are_described_and_bounded() -> None:
    assert to_schema({"enum": [3, 1, 2]}) == {
        "type": "INTEGER",
        "description": "One of: 3, 1, 2.",
        "minimum": 1,
        "maximum": 3,
    }
    assert to_schema({"const": True}) == {"type": "BOOLEAN", "description": "One of: true."}
    assert to_schema({"enum": [{"a": 1}]})["description"] == 'One of: {"a":1}.'


def test_values_of_several_types_become_alternatives() -> None:
    assert to_schema({"enum": ["auto", 1, None]}) == {
        "anyOf": [
            {"type": "STRING", "enum": ["auto"], "nullable": True},
            {"type": "INTEGER", "description": "One of: 1.", "minimum": 1, "maximum": 1, "nullable": True},
        ]
    }


def test_an_empty_string_is_not_among_the_values_but_described() -> None:
    assert to_schema({"enum": ["", "a"]}) == {
        "type": "STRING",
        "enum": ["a"],
        "description": "May also be an empty string.",
    }


@pytest.mark.parametrize("anything", [True, {}, {"title": "T"}, {"$schema": "https://json-schema.org/draft/2020-12"}])
def test_anything_at_all_is_text_for_every_node_needs_a_type(anything: Any) -> None:
    schema = to_schema(anything)
    assert schema["type"] == "STRING"
    assert schema["description"] == "Any value, written as text."


def test_alternatives_stand_alone_so_their_meaning_goes_into_each() -> None:
    schema = to_schema(
        {
            "description": "How many.",
            "title": "Count",
            "default": 1,
            "anyOf": [{"type": "integer"}, {"type": "string", "description": "In words."}, {"type": "null"}],
        }
    )
    assert schema == {
        "anyOf": [
            {"type": "INTEGER", "description": "How many.", "nullable": True},
            {"type": "STRING", "description": "How many. In words.", "nullable": True},
        ]
    }


def test_what_stands_beside_alternatives_holds_in_each() -> None:
    schema = to_schema(
        {
            "type": "object",
            "properties": {"id": {"type": "string"}},
            "required": ["id"],
            "oneOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string"}}},
            ],
        }
    )
    assert [sorted(branch["properties"]) for branch in schema["anyOf"]] == [["a", "id"], ["b", "id"]]
    assert [sorted(branch["required"]) for branch in schema["anyOf"]] == [["a", "id"], ["id"]]


def test_alternatives_that_only_require_are_left_to_the_function() -> None:
    schema = to_schema(
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        }
    )
    assert schema == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}}}


def test_all_of_is_merged_and_the_stricter_demand_holds() -> None:
    schema = to_schema(
        {
            "description": "Mine.",
            "allOf": [
                {"type": "object", "properties": {"n": {"type": "number", "minimum": 1}}, "required": ["n"]},
                {
                    "properties": {"n": {"type": "integer", "minimum": 5}, "s": {"type": "string"}},
                    "description": "Other.",
                },
            ],
        }
    )
    assert schema == {
        "type": "OBJECT",
        "description": "Mine.",
        "properties": {"n": {"type": "INTEGER", "minimum": 5}, "s": {"type": "STRING"}},
        "required": ["n"],
    }


def test_a_tuple_is_an_array_of_any_of_its_elements() -> None:
    pair = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2}
    union = {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]}
    assert to_schema(pair) == {"type": "ARRAY", "minItems": 2, "maxItems": 2, "items": union}
    assert to_schema({"type": "array", "items": pair["prefixItems"]})["items"] == union
    assert to_schema({**pair, "items": False, "maxItems": None})["maxItems"] == 2


def test_required_names_what_there_is() -> None:
    schema = to_schema(
        {
            "properties": {"b": {"type": "string"}, "a": {"type": "string"}, "never": False},
            "required": ["a", "x", "never", []],
        }
    )
    assert schema["required"] == ["a"]
    assert list(schema["properties"]) == ["b", "a"]


def test_arguments_that_need_no_one_need_none() -> None:
    one, other = ({"properties": {name: {"type": "string"}}, "required": [name]} for name in "ab")
    parameters = to_parameters({"anyOf": [one, other]})
    assert parameters is not None
    assert "required" not in parameters


def test_free_keys_are_described() -> None:
    assert to_schema({"type": "object", "additionalProperties": {"type": "integer"}}) == {
        "type": "OBJECT",
        "description": "Any keys, with values of type integer.",
    }


# --- references


def test_references_are_inlined_and_what_stands_beside_them_wins() -> None:
    schema = to_schema(
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A", "description": "This one."}, "b": {"$ref": "#/properties/a"}},
            "$defs": {"A": {"type": "string", "description": "Any.", "title": "A"}},
        }
    )
    assert schema["properties"]["a"] == {"type": "STRING", "description": "This one.", "title": "A"}
    assert schema["properties"]["b"] == schema["properties"]["a"]


def test_definitions_may_come_with_a_property() -> None:
    # AG2 puts the whole document of each argument, with its `$defs`, under `properties`.
    one, two = ({"$ref": "#/$defs/X", "$defs": {"X": {"type": kind}}} for kind in ("string", "integer"))
    schema = to_schema({"type": "object", "properties": {"one": one, "two": two}})
    assert schema["properties"] == {"one": {"type": "STRING"}, "two": {"type": "INTEGER"}}


def test_a_pointer_may_be_escaped_and_lead_through_lists() -> None:
    document = {
        "anyOf": [{"$ref": "#/definitions/a~1b%20c"}, {"$ref": "#/anyOf/0"}],
        "definitions": {"a/b c": {"type": "int"}},
    }
    assert to_schema(document) == {"type": "INTEGER"}


def test_a_type_inside_itself_is_shown_twice_then_cut() -> None:
    node = {
        "type": "object",
        "properties": {"value": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
    }
    schema = to_schema({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    inner = schema["properties"]["children"]["items"]
    assert inner["properties"]["value"] == {"type": "STRING"}
    assert inner["properties"]["children"]["items"] == {"type": "OBJECT"}


def test_a_document_may_refer_to_itself() -> None:
    schema = to_schema({"type": "object", "properties": {"next": {"$ref": "#"}}})
    assert schema["properties"]["next"]["properties"]["next"] == {"type": "OBJECT"}


def test_references_in_a_circle_come_to_an_end() -> None:
    assert to_schema({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}})


@pytest.mark.parametrize("reference", ["#/$defs/Missing", "other.json#/A", "#/properties/x/9", 5])
def test_a_reference_that_leads_nowhere_is_an_error(reference: Any) -> None:
    with pytest.raises(ConfigError, match="refers to"):
        to_schema({"properties": {"x": {"$ref": reference}}})


@pytest.mark.parametrize("step", ["1", "-1", "\u00b2", "\u0661", "9" * 5000, "x", ""])
def test_a_reference_to_no_member_of_a_list_is_an_error(step: str) -> None:
    with pytest.raises(ConfigError, match="refers to"):
        to_schema({"types": [{"type": "string"}], "properties": {"x": {"$ref": f"#/types/{step}"}}})


def test_references_that_multiply_are_an_error_in_reasonable_time() -> None:
    definitions = {f"L{n}": {"properties": {k: {"$ref": f"#/$defs/L{n + 1}"} for k in "abcd"}} for n in range(12)}
    with pytest.raises(ConfigError, match="too large"):
        to_schema({"$ref": "#/$defs/L0", "$defs": {**definitions, "L12": {}}})


@pytest.mark.parametrize("wrap", [lambda s: {"items": s}, lambda s: {"allOf": [s]}, lambda s: {"properties": {"p": s}}])
def test_a_schema_too_deep_for_protobuf_is_an_error(wrap: Any) -> None:
    schema: Any = {"type": "string"}
    for _ in range(500):
        schema = wrap(schema)
    with pytest.raises(ConfigError, match="too deep"):
        to_schema(schema)


@pytest.mark.parametrize("schema", [5, "string", None, {"properties": {"a": "string"}}, {"type": "text"}, {"type": 5}])
def test_what_is_not_a_schema_is_an_error(schema: Any) -> None:
    with pytest.raises(ConfigError):
        to_schema(schema)


# --- the arguments of a function


@pytest.mark.parametrize(
    "nothing",
    [None, {}, {"type": "object"}, {"type": "object", "properties": {}, "required": [], "additionalProperties": False}],
)
def test_a_function_without_arguments_has_no_parameters(nothing: Any) -> None:
    if nothing == {}:
        nothing = {"properties": {}}
    assert to_parameters(nothing) is None


def test_arguments_are_an_object() -> None:
    assert to_parameters({"properties": {"a": {"type": "string"}}, "nullable": True}) == {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING"}},
    }
    with pytest.raises(ConfigError, match="parameters of f is not the schema of an object"):
        to_parameters({"type": "string"}, "parameters of f")
    with pytest.raises(ConfigError, match="not the schema of an object"):
        to_parameters({"anyOf": [{"type": "object"}, {"type": "string"}]})


def test_alternative_objects_as_arguments_become_one() -> None:
    parameters = to_parameters(
        {
            "anyOf": [
                {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ]
        }
    )
    assert parameters == {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}},
        "required": ["b"],
    }


# --- already the service's


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "OBJECT", "properties": {"a": {"type": "STRING", "format": "enum"}}, "required": ["a"]},
        {"type": "STRING", "format": "enum", "enum": ["a", "b"]},
        {"type": "ARRAY", "items": {"type": "OBJECT"}, "maxItems": "3"},
        {"anyOf": [{"type": "STRING"}, {"type": "NULL"}]},
        {"type": "OBJECT", "properties": {"type": {"type": "STRING"}, "$ref": {"type": "STRING"}}},
    ],
)
def test_a_schema_of_the_service_passes_unchanged(schema: dict[str, Any]) -> None:
    assert to_schema(schema) == schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "OBJECT", "additionalProperties": False},
        {"type": "OBJECT", "properties": {"a": {"type": "string"}}},
        {"type": "INTEGER", "enum": [1]},
        {"type": "INTEGER", "format": "enum", "enum": ["101", "201"]},
        {"type": "STRING", "format": "byte"},
        {"type": "ARRAY", "items": {"type": "OBJECT"}, "max_items": "3"},
        {"description": "d", "any_of": [{"type": "STRING"}, {"type": "NULL"}]},
        {"description": "no type"},
    ],
)
def test_a_half_converted_schema_is_converted(schema: dict[str, Any]) -> None:
    assert not is_service_schema(schema)
    assert is_service_schema(to_schema(schema))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}, "schema.a is an ARRAY without `items`"),
        ({"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["ctiy"]}, "did you mean 'city'?"),
        ({"type": "OBJECT", "properties": {"a": {"type": "OBJECT", "properties": {}}}}, "schema.a has no properties"),
        ({"anyOf": [{"type": "ARRAY"}, {"type": "STRING"}]}, "without `items`"),
    ],
)
def test_a_schema_of_the_service_that_it_would_refuse_is_an_error(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        to_schema(schema)
    assert words in str(error.value)


def test_what_google_genai_dumps_keeps_its_meaning() -> None:
    schema = {"any_of": [{"type": "STRING", "max_length": "3"}, {"type": "INTEGER"}], "description": "d"}
    assert to_schema(schema) == {
        "anyOf": [{"type": "STRING", "maxLength": 3, "description": "d"}, {"type": "INTEGER", "description": "d"}]
    }


# --- what pydantic 2.14 writes for a hard model

INNER = {
    "description": "An inner.",
    "properties": {
        "x": {"description": "the x", "exclusiveMaximum": 10, "minimum": 0, "title": "X", "type": "integer"},
        "y": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None, "title": "Y"},
    },
    "required": ["x"],
    "title": "Inner",
    "type": "object",
}
PYDANTIC = {
    "$defs": {
        "Cat": {
            "properties": {"kind": {"const": "cat", "title": "Kind", "type": "string"}},
            "required": ["kind"],
            "title": "Cat",
            "type": "object",
        },
        "Dog": {
            "properties": {"kind": {"const": "dog", "title": "Kind", "type": "string"}, "barks": {"type": "number"}},
            "required": ["kind", "barks"],
            "title": "Dog",
            "type": "object",
        },
        "Color": {"enum": ["red", "green"], "title": "Color", "type": "string"},
        "Priority": {"enum": [1, 3], "title": "Priority", "type": "integer"},
        "Inner": INNER,
        "Node": {
            "properties": {
                "value": {"title": "Value", "type": "string"},
                "children": {"default": [], "items": {"$ref": "#/$defs/Node"}, "title": "Children", "type": "array"},
            },
            "required": ["value"],
            "title": "Node",
            "type": "object",
        },
    },
    "additionalProperties": False,
    "properties": {
        "name": {"examples": ["bob"], "minLength": 1, "pattern": "^[a-z]+$", "title": "Name", "type": "string"},
        "color": {"$ref": "#/$defs/Color", "default": "red"},
        "priority": {"allOf": [{"$ref": "#/$defs/Priority"}], "default": 1},
        "inner": {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}], "default": None, "description": "maybe"},
        "pet": {
            "discriminator": {"mapping": {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}, "propertyName": "kind"},
            "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
            "title": "Pet",
        },
        "id": {"format": "uuid", "title": "Id", "type": "string"},
        "scores": {"additionalProperties": {"type": "integer"}, "title": "Scores", "type": "object"},
        "anything": {"title": "Anything"},
        "literal": {"enum": ["a", 1, None], "title": "Literal"},
        "tree": {"$ref": "#/$defs/Node"},
        "tags": {"items": {"type": "string"}, "type": "array", "uniqueItems": True},
    },
    "required": ["name", "pet", "id", "scores", "anything", "literal", "tree"],
    "title": "Model",
    "type": "object",
}


def test_a_pydantic_model_keeps_its_meaning() -> None:
    properties = to_schema(PYDANTIC)["properties"]
    assert properties["name"]["example"] == "bob"
    assert properties["color"] == {"type": "STRING", "title": "Color", "enum": ["red", "green"], "default": "red"}
    assert properties["priority"]["description"] == "One of: 1, 3."
    assert properties["inner"]["nullable"] is True
    assert properties["inner"]["description"] == "maybe An inner."
    assert properties["inner"]["properties"]["x"]["maximum"] == 9
    assert [branch["properties"]["kind"]["enum"] for branch in properties["pet"]["anyOf"]] == [["cat"], ["dog"]]
    assert properties["id"] == {"type": "STRING", "title": "Id", "description": "Format: uuid."}


# --- the service's own type as the judge


def official(schema: dict[str, Any]) -> None:
    """Parse strictly with the protobuf type: no unknown field, no wrong type, no bad enum."""
    service = pytest.importorskip("google.ai.generativelanguage_v1beta", reason="the official protobuf types")
    from google.protobuf import json_format

    json_format.ParseDict(schema, service.Schema.pb()())


def lawful(schema: dict[str, Any]) -> bool:
    """What the service demands beyond its protobuf type, by its error messages."""
    if "anyOf" in schema:
        return set(schema) == {"anyOf"} and all(map(lawful, schema["anyOf"]))
    return (
        schema["type"] in {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
        and (schema["type"] == "STRING" or "enum" not in schema)
        and all(schema.get("enum", ["x"]))
        and (schema["type"] != "STRING" or schema.get("format", "enum") in ("enum", "date-time"))
        and ("items" in schema) == (schema["type"] == "ARRAY")
        and set(schema.get("required", [])) <= set(schema.get("properties", {}))
        and schema.get("properties") != {}
        and all(map(lawful, schema.get("properties", {}).values()))
        and ("items" not in schema or lawful(schema["items"]))
    )


def test_a_pydantic_model_is_the_services_in_the_end() -> None:
    schema = to_schema(PYDANTIC)
    official(schema)
    assert lawful(schema)
    assert to_schema(schema) == schema


NAMES = st.sampled_from(["a", "b", "type", "$ref", "properties", "größe"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "y z"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=4
)
TYPE_NAMES = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null", "str", "STRING"])
COUNTS = st.integers(-1, 5) | st.sampled_from([2.0, 1.5, 2**70, "3", None])
LIMITS = st.integers() | st.floats() | st.booleans()
REFERENCES = st.sampled_from(["#", "#/$defs/A", "#/$defs/B"])


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON Schemas, sensible and otherwise, of every keyword we have met."""
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPE_NAMES | st.lists(TYPE_NAMES, max_size=3),
            "title": st.text(max_size=3),
            "description": st.sampled_from(["", "What it is.", None]),
            "default": JSON,
            "examples": st.lists(JSON, max_size=2),
            "enum": st.lists(JSON, max_size=4),
            "const": JSON,
            "format": st.sampled_from(["date-time", "uuid", "int32", "double", "enum", 5]),
            "pattern": st.sampled_from(["^a", None]),
            **dict.fromkeys(
                ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], COUNTS
            ),
            **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], LIMITS),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=3),
            "propertyOrdering": st.lists(NAMES, max_size=3),
            "additionalProperties": inner,
            "items": inner | st.lists(inner, max_size=2),
            "prefixItems": st.lists(inner, max_size=2),
            **dict.fromkeys(["anyOf", "oneOf", "allOf"], st.lists(inner, max_size=3)),
            "nullable": st.booleans(),
            "not": inner,
            "$ref": REFERENCES,
            "$schema": st.just("https://json-schema.org/draft/2020-12/schema"),
            "deprecated": st.booleans(),
        },
    )


ANY_SCHEMA = st.recursive(st.booleans() | schemas(st.booleans()), schemas, max_leaves=6)


@settings(deadline=None)
@given(schemas(ANY_SCHEMA), ANY_SCHEMA, ANY_SCHEMA)
def test_any_json_schema_becomes_one_the_service_takes(document: dict[str, Any], a: Any, b: Any) -> None:
    try:
        schema = to_schema({**document, "$defs": {"A": a, "B": b}})
    except ConfigError as error:
        if "too deep or too large" in str(error):
            return
        raise
    official(schema)
    assert lawful(schema)
    assert is_service_schema(schema)
    assert to_schema(schema) == schema
