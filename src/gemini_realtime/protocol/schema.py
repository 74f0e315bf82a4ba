"""JSON Schema, as function-calling frameworks write it, to the service's `Schema`.

The service's Schema is a small part of OpenAPI 3.0, and an unknown keyword ends the session with 1007. What it cannot
say is either put another way or left to the function itself:

    JSON Schema                                here
    ------------------------------------------ ------------------------------------------------------------------
    `type` in lower case, or missing           upper case, or inferred from the other keywords; always present
    `type` with several names, `oneOf`         `anyOf`, which must be the only field beside it
    null among types, branches or `enum`       `nullable`
    `$ref`                                     inlined; a type inside itself is shown twice, then as a bare OBJECT
    `allOf`                                    merged
    `const`                                    `enum` of one
    `enum` of other things than strings        the description, and for numbers `minimum` and `maximum`
    `prefixItems`, `items` as a list           one `items` for all, `minItems` and `maxItems`
    `exclusiveMinimum`, `exclusiveMaximum`     `minimum`, `maximum` (moved by one for integers)
    `format` the service refuses               the description
    `true`, `{}`                               STRING, described as any value
    `examples`                                 `example`, the first
    `additionalProperties`, `not`, `if`, ...   dropped

A schema that is the service's already passes unchanged, so a second conversion changes nothing.

Sources: https://ai.google.dev/api/caching#Schema and the protobuf `Schema` of google-ai-generativelanguage 0.12.1; for
what is refused, the service's own words: "any_of ... must be the only field set", "items: missing field", "format: only
'enum' and 'date-time' are supported for STRING type", "enum: only allowed for STRING type", "required[0]: property is
not defined", "properties: should be non-empty for OBJECT type" (of a function's parameters).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import unquote

import msgspec

from gemini_realtime.checking import shown, spelling_remedy
from gemini_realtime.errors import ConfigError

Schema = dict[str, Any]

MAX_SCHEMAS = 5_000
"""A function's parameters with more schemas in them, once references are inlined, are refused."""

_MAX_DEPTH = 40
"""Protobuf reads 100 messages inside each other, and a property costs two."""

_MAX_SELF_NESTING = 2

_TYPES = {
    "string": "STRING", "number": "NUMBER", "integer": "INTEGER", "boolean": "BOOLEAN", "array": "ARRAY",
    "object": "OBJECT", "null": "NULL",
    # Python's names, common in schemas written by hand.
    "str": "STRING", "float": "NUMBER", "int": "INTEGER", "bool": "BOOLEAN", "list": "ARRAY", "tuple": "ARRAY",
    "dict": "OBJECT", "none": "NULL",
}  # fmt: skip

_TYPE_CHOICE = "use string, number, integer, boolean, array, object or null"

_TYPE_BY_KEYWORD = {
    "properties": "OBJECT", "additionalProperties": "OBJECT", "patternProperties": "OBJECT", "required": "OBJECT",
    "minProperties": "OBJECT", "maxProperties": "OBJECT", "propertyNames": "OBJECT",
    "items": "ARRAY", "prefixItems": "ARRAY", "minItems": "ARRAY", "maxItems": "ARRAY", "uniqueItems": "ARRAY",
    "pattern": "STRING", "minLength": "STRING", "maxLength": "STRING",
    "minimum": "NUMBER", "maximum": "NUMBER", "exclusiveMinimum": "NUMBER", "exclusiveMaximum": "NUMBER",
    "multipleOf": "NUMBER",
}  # fmt: skip

_TYPE_BY_VALUE = {str: "STRING", bool: "BOOLEAN", int: "INTEGER", float: "NUMBER", list: "ARRAY", dict: "OBJECT"}

_FORMATS = {
    "STRING": {"date-time", "enum"}, "NUMBER": {"float", "double"}, "INTEGER": {"int32", "int64"},
}  # fmt: skip

_SERVICE_FIELDS = {
    "type", "format", "title", "description", "nullable", "enum", "items", "maxItems", "minItems", "properties",
    "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength", "maxLength", "pattern", "example",
    "anyOf", "propertyOrdering", "default",
}  # fmt: skip

_SNAKE_CASE: dict[str, str] = {
    "max_items": "maxItems", "min_items": "minItems", "min_properties": "minProperties",
    "max_properties": "maxProperties", "min_length": "minLength", "max_length": "maxLength", "any_of": "anyOf",
    "property_ordering": "propertyOrdering", "additional_properties": "additionalProperties", "defs": "$defs",
    "ref": "$ref",
}  # fmt: skip
"""Keywords as google-genai's `Schema` dumps them."""

_ANNOTATIONS = ("title", "description", "default", "examples", "example")
_CONSTRAINTS_ONLY = {"required", "not", "dependentRequired", "minProperties", "maxProperties", *_ANNOTATIONS}
_ANYTHING = "Any value, written as text."


def to_schema(json_schema: Mapping[str, Any] | bool, path: str = "schema") -> Schema:
    """Convert a JSON Schema.

    Args:
        json_schema: a schema as pydantic, OpenAI tools, AG2, LangChain or MCP write it; or one in the service's form.
        path: how errors call it.

    Raises:
        ConfigError: not a schema, a reference that leads nowhere, or too much of it; or one in the service's form that
            the service is known to refuse.
    """
    if is_service_schema(json_schema):
        _check_service_schema(json_schema, path)  # type: ignore[arg-type]
        return dict(json_schema)  # type: ignore[arg-type]
    return _Conversion(json_schema).schema(json_schema, _Place(path, open_references=(id(json_schema),)))


def to_parameters(json_schema: Mapping[str, Any] | None, path: str = "parameters") -> Schema | None:
    """Convert the schema of a function's arguments; None when the function takes none.

    Raises:
        ConfigError: as `to_schema`; or the schema is not that of an object.
    """
    if json_schema is None:
        return None
    schema = to_schema(json_schema, path)
    branches = schema.get("anyOf", [schema])
    if any(branch.get("type") != "OBJECT" for branch in branches):
        raise ConfigError(
            f"{path} is not the schema of an object, but a function is called with named arguments",
            remedy='describe an object: {"type": "object", "properties": {...}}',
        )
    if len(branches) > 1:
        schema = _one_object(branches)
    schema.pop("nullable", None)
    return schema if schema.get("properties") else None


def is_service_schema(schema: Any) -> bool:
    """Whether a schema is in the service's form: known fields only, every type in upper case, and nothing in it that
    has to be put another way."""
    if not isinstance(schema, Mapping) or not schema.keys() <= _SERVICE_FIELDS:
        return False
    kind, branches = schema.get("type"), _list(schema.get("anyOf"))
    if branches:
        return schema.keys() == {"anyOf"} and all(map(is_service_schema, branches))
    if kind not in _TYPES.values() or schema.get("format") not in (None, "", *_FORMATS.get(str(kind), ())):
        return False
    strings = all(isinstance(value, str) for value in _list(schema.get("enum")))
    if "enum" in schema and not (strings and kind == "STRING"):
        return False
    if ("items" in schema and kind != "ARRAY") or (schema.keys() & {"properties", "required"} and kind != "OBJECT"):
        return False
    parts = [*_mapping(schema.get("properties")).values(), *([schema["items"]] if "items" in schema else [])]
    return all(map(is_service_schema, parts))


def _check_service_schema(schema: Mapping[str, Any], path: str) -> None:
    """JSON Schema can leave these things open; who writes the service's form has to say them."""
    properties = _mapping(schema.get("properties"))
    if schema.get("type") == "ARRAY" and "items" not in schema:
        raise ConfigError(f"{path} is an ARRAY without `items`", remedy='say of what, such as {"items": {"type": ...}}')
    if "properties" in schema and not properties and path.count(".") > 0:
        raise ConfigError(f"{path} has no properties", remedy="name some, or leave `properties` out")
    for name in _list(schema.get("required")):
        if name not in properties:
            raise ConfigError(
                f"{path} requires {shown(name)}, which is none of its properties",
                remedy=spelling_remedy(name, properties, choice="add it, or take it out of `required`"),
            )
    for name, part in properties.items():
        _check_service_schema(part, f"{path}.{name}")
    for part in (*_list(schema.get("anyOf")), *filter(None, [schema.get("items")])):
        _check_service_schema(part, path)


class _Place(NamedTuple):
    """Where in the schema we are: for errors, for `$ref`, and to notice when a type contains itself."""

    path: str
    depth: int = 0
    definitions: Mapping[str, Any] = {}
    open_references: tuple[int, ...] = ()

    def inside(self, step: str) -> _Place:
        return self._replace(path=f"{self.path}.{step}", depth=self.depth + 1)

    def entering(self, schema: Mapping[str, Any]) -> _Place:
        """With the definitions that `schema` brings along: frameworks nest whole documents as properties."""
        own = {**_mapping(schema.get("definitions")), **_mapping(schema.get("$defs"))}
        return self._replace(definitions={**self.definitions, **own}) if own else self


class _Conversion:
    """One document on its way to the service's form."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._schemas_left = MAX_SCHEMAS

    def schema(self, json_schema: Any, place: _Place) -> Schema:
        node, place = self._flat(json_schema, place)
        values = _values(node)
        branches = self._branches(node, values, place)
        if branches is not None:
            schema = self._union(node, branches, place)
        else:
            schema = self._single(node, _type(node, values, place), values, place)
        if None in values or "null" in _type_names(node, place) or node.get("nullable") is True:
            _make_nullable(schema)
        return schema

    # --- references and merging

    def _flat(self, json_schema: Any, place: _Place) -> tuple[dict[str, Any], _Place]:
        """The schema with `$ref` and `allOf` resolved at its top; what is below waits."""
        self._schemas_left -= 1
        if place.depth > _MAX_DEPTH or self._schemas_left < 0:
            raise ConfigError(
                f"the schema at {place.path[:200]} is too deep or too large",
                remedy="describe the arguments more simply, or pass `parameters_json_schema`, which is sent as it is",
            )
        if isinstance(json_schema, bool):
            return ({} if json_schema else {"type": "null"}), place
        if not isinstance(json_schema, Mapping):
            raise ConfigError(f"{place.path} is a {type(json_schema).__name__}, not a schema", remedy="pass a dict")
        spelled: dict[str, Any] = {
            _SNAKE_CASE.get(str(keyword), str(keyword)): value for keyword, value in json_schema.items()
        }
        place = place.entering(spelled)
        node = {keyword: value for keyword, value in spelled.items() if keyword not in ("$defs", "definitions")}
        parts = list(_list(node.pop("allOf", None)))
        reference = node.pop("$ref", None)
        if reference is not None:
            target = self._target(reference, place)
            if place.open_references.count(id(target)) >= _MAX_SELF_NESTING:
                return _merged(node, {"type": "object"}), place
            place = place._replace(open_references=(*place.open_references, id(target)))
            parts.insert(0, target)
        for part in parts:
            flat, inner = self._flat(part, place.inside("allOf"))
            place = inner._replace(path=place.path, depth=place.depth)
            node = _merged(node, flat)
        return node, place

    def _target(self, reference: Any, place: _Place) -> Any:
        text = reference if isinstance(reference, str) else ""
        steps = [unquote(s).replace("~1", "/").replace("~0", "~") for s in text.split("/")]
        if steps[:2] in (["#", "$defs"], ["#", "definitions"]) and steps[2:] and steps[-1] in place.definitions:
            return place.definitions[steps[-1]]
        target = self._document if steps[0] == "#" else None
        for step in steps[1:]:
            if isinstance(target, list) and step in map(str, range(len(target))):
                target = target[int(step)]
            else:
                target = target.get(step) if isinstance(target, Mapping) else None
        if target is None:
            raise ConfigError(
                f"{place.path[:200]} refers to {shown(reference)}, which is not in the schema",
                remedy="pass the whole schema, with its `$defs`",
            )
        return target

    # --- one of several types

    def _branches(self, node: dict[str, Any], values: list[Any], place: _Place) -> list[Any] | None:
        """The alternatives of a schema, each as a schema of its own; None when there is only one."""
        own = (*_ANNOTATIONS, "anyOf", "oneOf", "nullable")
        base = {keyword: value for keyword, value in node.items() if keyword not in own}
        given = _list(node.get("anyOf")) or _list(node.get("oneOf"))
        # Alternatives that only say which properties go together: the service has no word for that.
        if given and not all(isinstance(branch, Mapping) and branch.keys() <= _CONSTRAINTS_ONLY for branch in given):
            return [{"allOf": [branch, base]} if base else branch for branch in given]
        types = [name for name in _type_names(node, place) if name != "null"] or _types_of(values)
        if len(types) < 2:
            return None
        if not values:
            return [{**base, "type": name} for name in types]
        base.pop("const", None)
        return [{**base, "type": name, "enum": some} for name in types if (some := _of_type(values, name))]

    def _union(self, node: dict[str, Any], branches: list[Any], place: _Place) -> Schema:
        schemas: list[Schema] = []
        nullable = False
        for index, branch in enumerate(branches):
            schema = self.schema(branch, place.inside(f"anyOf[{index}]"))
            for alternative in schema["anyOf"] if "type" not in schema else [schema]:
                nullable = nullable or alternative.get("nullable", False) or alternative["type"] == "NULL"
                alternative.pop("nullable", None)
                if alternative["type"] != "NULL" and alternative not in schemas:
                    schemas.append(alternative)
        return _joined(schemas, node, nullable)

    # --- one type

    def _single(self, node: dict[str, Any], kind: str | None, values: list[Any], place: _Place) -> Schema:
        schema: Schema = {"type": kind or "STRING"}
        _annotate(schema, node)
        if kind is None:
            _add_note(schema, _ANYTHING)
        _add_values(schema, [value for value in values if value is not None])
        _add_limits(schema, node)
        if kind == "ARRAY":
            self._add_items(schema, node, place)
        elif kind == "OBJECT":
            self._add_properties(schema, node, place)
        return schema

    def _add_items(self, schema: Schema, node: dict[str, Any], place: _Place) -> None:
        items = node.get("items")
        kinds = list(items) if isinstance(items, list) else _list(node.get("prefixItems"))
        if items is False:
            schema.setdefault("maxItems", len(kinds))
        elif isinstance(items, Mapping):
            kinds.append(items)
        schema["items"] = self.schema(kinds[0] if len(kinds) == 1 else {"anyOf": kinds}, place.inside("items"))

    def _add_properties(self, schema: Schema, node: dict[str, Any], place: _Place) -> None:
        properties = {
            str(name): self.schema(value, place.inside(str(name)))
            for name, value in _mapping(node.get("properties")).items()
            if value is not False
        }
        if not properties and isinstance(node.get("additionalProperties"), Mapping):
            values = self.schema(node["additionalProperties"], place.inside("additionalProperties"))
            _add_note(schema, f"Any keys, with values of type {values.get('type', 'any').lower()}.")
        if not properties:
            return
        schema["properties"] = properties
        for keyword in ("required", "propertyOrdering"):
            listed = _list(node.get(keyword))
            if names := [name for name in properties if name in listed]:
                schema[keyword] = names if keyword == "required" else sorted(names, key=listed.index)


# --- parts of a JSON Schema


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _values(node: Mapping[str, Any]) -> list[Any]:
    """The values a schema allows, empty when it does not list them."""
    return [node["const"]] if "const" in node else _list(node.get("enum"))


def _type_names(node: Mapping[str, Any], place: _Place) -> list[str]:
    """The names in `type`, spelled as JSON Schema does."""
    given = node.get("type")
    names = []
    for name in given if isinstance(given, list | tuple) else [given] * (given is not None):
        if not isinstance(name, str) or name.lower() not in _TYPES:
            raise ConfigError(
                f"{place.path[:200]} has the type {shown(name)}",
                remedy=spelling_remedy(name, _TYPES, choice=_TYPE_CHOICE),
            )
        names.append(_TYPES[name.lower()].lower())
    return _distinct(names)


def _type(node: Mapping[str, Any], values: list[Any], place: _Place) -> str | None:
    names = _type_names(node, place)
    named = [name for name in names if name != "null"] or names or _types_of(values)
    if named:
        return _TYPES[named[0]]
    if values:
        return "NULL"
    return next((_TYPE_BY_KEYWORD[keyword] for keyword in node if keyword in _TYPE_BY_KEYWORD), None)


def _types_of(values: list[Any]) -> list[str]:
    return _distinct([_TYPE_BY_VALUE.get(type(value), "string").lower() for value in values if value is not None])


def _distinct(names: list[str]) -> list[str]:
    """Each type once, and no integers beside numbers."""
    return [name for name in dict.fromkeys(names) if name != "integer" or "number" not in names]


def _of_type(values: list[Any], name: str) -> list[Any]:
    names = {"number", "integer"} if name == "number" else {name}
    return [value for value in values if names.intersection(_types_of([value]))]


# --- merging two JSON Schemas (`allOf`, and what stands beside `$ref`)


def _merged(first: dict[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What both schemas demand; for what cannot be combined, the first one's word."""
    result = dict(first)
    for keyword, value in second.items():
        if keyword not in result:
            result[keyword] = value
        elif keyword in _COMBINE:
            result[keyword] = _COMBINE[keyword](result[keyword], value)
    return result


def _both_properties(first: Any, second: Any) -> dict[str, Any]:
    result = dict(_mapping(first))
    for name, schema in _mapping(second).items():
        result[name] = {"allOf": [result[name], schema]} if name in result else schema
    return result


def _both_items(first: Any, second: Any) -> Any:
    lists = isinstance(first, list) or isinstance(second, list)
    return first if lists else {"allOf": [first, second]}


def _either(first: Any, second: Any) -> list[Any]:
    return [*_list(first), *(item for item in _list(second) if item not in _list(first))]


def _common(first: Any, second: Any) -> Any:
    """What two `type`s, or two `enum`s, have in common; the first where that is nothing."""
    firsts, seconds = (value if isinstance(value, list | tuple) else [value] for value in (first, second))
    common = [item for item in firsts if item in seconds]
    if not common and {"integer", "number"} <= {*map(str, firsts), *map(str, seconds)}:
        return "integer"
    return common or first


def _stricter(choose: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda first, second: choose(first, second) if _is_number(first) and _is_number(second) else first


_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _both_properties,
    "required": _either,
    "type": _common,
    "enum": _common,
    "items": _both_items,
    **{
        keyword: _stricter(max) for keyword in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
    },
    **{
        keyword: _stricter(min) for keyword in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
    },
}


# --- building the service's Schema


def _add_note(schema: Schema, note: str) -> None:
    """Put a sentence behind the description."""
    schema["description"] = " ".join(filter(None, [schema.get("description"), note]))


def _annotate(schema: Schema, node: Mapping[str, Any]) -> None:
    if isinstance(node.get("title"), str):
        schema["title"] = node["title"]
    if isinstance(node.get("description"), str) and node["description"]:
        schema["description"] = node["description"]
    if node.get("default") is not None and _is_json(node["default"]):
        schema["default"] = node["default"]
    example = next(iter(_list(node.get("examples"))), node.get("example"))
    if example is not None and _is_json(example):
        schema["example"] = example


def _add_values(schema: Schema, values: list[Any]) -> None:
    """The allowed values: the service takes strings only, and no empty ones."""
    if schema["type"] == "STRING":
        strings = [value if isinstance(value, str) else _json_text(value) for value in values]
        listed = list(dict.fromkeys(filter(None, strings)))
        if listed:
            schema["enum"] = listed
        if "" in strings:
            _add_note(schema, "May be empty." if not listed else "May also be an empty string.")
    elif values and schema["type"] != "NULL":
        _add_note(schema, f"One of: {', '.join(map(_json_text, values))}.")
        if schema["type"] in ("NUMBER", "INTEGER") and all(map(_is_number, values)):
            schema["minimum"], schema["maximum"] = min(values), max(values)


def _add_limits(schema: Schema, node: Mapping[str, Any]) -> None:
    kind = schema["type"]
    for keyword in _COUNTS.get(kind, ()):
        count = node.get(keyword)
        if isinstance(count, str) and re.fullmatch(r"[0-9]{1,18}", count):  # as protobuf's JSON has it
            count = int(count)
        if _is_number(count) and 0 <= count < 2**63 and count == int(count):
            schema[keyword] = int(count)
    if kind in ("NUMBER", "INTEGER"):
        _add_range(schema, node)
    if kind == "STRING" and isinstance(node.get("pattern"), str):
        schema["pattern"] = node["pattern"]
    name = node.get("format")
    if isinstance(name, str) and name in _FORMATS.get(kind, ()):
        schema["format"] = name
    elif isinstance(name, str) and name:
        _add_note(schema, f"Format: {name}.")


_COUNTS = {
    "STRING": ("minLength", "maxLength"),
    "ARRAY": ("minItems", "maxItems"),
    "OBJECT": ("minProperties", "maxProperties"),
}


def _add_range(schema: Schema, node: Mapping[str, Any]) -> None:
    step = 1 if schema["type"] == "INTEGER" else 0
    for keyword, exclusive, inward in (("minimum", "exclusiveMinimum", step), ("maximum", "exclusiveMaximum", -step)):
        limit, open_limit = node.get(keyword), node.get(exclusive)
        if _is_number(open_limit):
            limit = open_limit + inward
        elif open_limit is True and _is_number(limit):  # the boolean of JSON Schema draft 4
            limit += inward
        if _is_number(limit):
            schema.setdefault(keyword, limit)


def _joined(schemas: list[Schema], node: Mapping[str, Any], nullable: bool) -> Schema:
    """The union of converted schemas; what it means goes into each, for nothing may stand beside."""
    if not schemas:
        schema: Schema = {"type": "NULL"}
        _annotate(schema, node)
        return schema
    if len(schemas) > 1 and all(schema.keys() == {"type", "enum"} for schema in schemas):
        schemas = [{"type": "STRING", "enum": list(dict.fromkeys(value for s in schemas for value in s["enum"]))}]
    for schema in schemas:
        own = schema.pop("description", "")
        _annotate(schema, node if len(schemas) == 1 else {"description": node.get("description")})
        if own and own != schema.get("description"):
            _add_note(schema, own)
    joined = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if nullable:
        _make_nullable(joined)
    return joined


def _make_nullable(schema: Schema) -> None:
    for alternative in schema["anyOf"] if "type" not in schema else [schema]:
        if alternative["type"] != "NULL":
            alternative["nullable"] = True


def _one_object(branches: Sequence[Schema]) -> Schema:
    """One object for several: the properties of all, of which those are required that all require."""
    properties: dict[str, Schema] = {}
    for branch in branches:
        properties = {**branch.get("properties", {}), **properties}
    merged: Schema = {"type": "OBJECT", "properties": properties}
    if required := [name for name in properties if all(name in branch.get("required", ()) for branch in branches)]:
        merged["required"] = required
    return merged


# --- values


def _is_number(value: Any) -> TypeGuard[int | float]:
    """A number that JSON and the service's doubles can carry."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _json_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):  # nothing that JSON has a form for
        return shown(value)
