"""`llm_config` and session options to the setup message; refuses what the service is known to refuse.

Every field of the Live setup is an option under its snake_case name, those of `generationConfig` too. Beside them:

    option                                        means
    --------------------------------------------- ---------------------------------------------------------------
    `instructions`                                `system_instruction`, as text
    `tools`                                       functions as OpenAI, AG2 or Gemini describe them, and Gemini's tools
    `tool_choice`                                 "auto"; "none" leaves the tools out
    `input_audio_format`, `output_audio_format`   "pcm16"
    `turn_detection`                              OpenAI's `server_vad`; None switches automatic detection off
    `voice`, `language_code`                      of `speech_config`
    `modalities`                                  OpenAI's; text and audio together mean audio, with its transcript
    `history`                                     turns before the conversation, see `build_history`
    `setup`                                       anything, merged last and unchecked

`None` leaves a field out; `True` asks for one with its defaults. Of two options for the same thing the narrower wins:
`voice` over `speech_config` over `generation_config`.

Source: https://ai.google.dev/api/live#BidiGenerateContentSetup, google-genai 3.4.0 and `models.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

import msgspec

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.endpoint import Config, model_resource
from gemini_realtime.protocol.messages import (
    Content,
    ContextUpdate,
    ContextUpdateTools,
    FunctionDeclaration,
    GenerationConfig,
    Message,
    Part,
    Setup,
    Tool,
)
from gemini_realtime.protocol.models import ModelProfile, refuse, refuse_tools
from gemini_realtime.protocol.proto_json import UnknownField, fields_of, fit_object
from gemini_realtime.protocol.schema import to_parameters, to_schema

Json = dict[str, Any]

WHERE_TO_LOOK = "all of them are in docs/configuration.md; `setup` takes fields that are not"


# --- what is asked of this module


def check_options(options: Mapping[str, Any]) -> Json:
    """Check session options one by one.

    Returns:
        Each option under its one name (`instructions` is `system_instruction`), its value as the service spells it.

    Raises:
        ConfigError: an option that does not exist, or a value it cannot have.
    """
    checked: Json = {}
    for given, value in options.items():
        name = _name_of(given)
        if name in checked:
            raise ConfigError(f"the options hold `{name}` twice, once as `{given}`", remedy="keep one of the two")
        checked[name] = _checked(given, name, _plain(value))
    return checked


def build_setup(config: Config, options: Mapping[str, Any], profile: ModelProfile) -> Json:
    """The body of the `setup` message.

    Args:
        config: who and where.
        options: of the session, as given to `session_update`.
        profile: what the model accepts.

    Raises:
        ConfigError: as `check_options`.
        UnsupportedByModel: the service is known to refuse it.
    """
    checked = check_options(options)
    setup: Json = {"model": model_resource(config), "generationConfig": _generation(config, checked, profile)}
    setup |= _defaults(checked, profile, setup["generationConfig"].get("responseModalities"))
    for name in Setup.__struct_fields__:
        if name in checked and name != "generation_config":
            setup[_wire(Setup, name)] = checked[name]
    if "turn_detection" in checked:
        setup["realtimeInputConfig"] = {**(setup.get("realtimeInputConfig") or {}), **checked["turn_detection"]}
    if checked.get("tool_choice") == "none":
        setup.pop("tools", None)
    setup = {name: value for name, value in setup.items() if value is not None and value != []}
    refuse(setup, profile, config)
    return _overlaid(setup, checked.get("setup") or {})


def build_history(options: Mapping[str, Any]) -> list[Content]:
    """The turns that seed the conversation, from the option `history`.

    They are `{"role": "user" | "assistant" | "model", "text": ...}` or `(role, text)`, oldest first. They travel in
    `clientContent` after the setup, not in it.
    """
    return [
        Content(role=turn["role"], parts=[Part(text=turn["text"])])
        for turn in check_options({"history": options.get("history")})["history"] or []
    ]


def context_update(instructions: str | None, tools: Sequence[Any] | None, profile: ModelProfile) -> ContextUpdate:
    """New instructions or tools in mid-session; None keeps what is there, no tools removes them.

    Raises:
        ConfigError: neither is given, or they cannot be what they are.
        UnsupportedByModel: tools that the model is known to refuse.
    """
    if instructions is None and tools is None:
        raise ConfigError("there is nothing to update", remedy="give `instructions`, `tools` or both")
    update = ContextUpdate()
    if instructions is not None:
        update.system_instruction = Content(parts=[Part(text=_text("instructions", instructions))])
    if tools is not None:
        declared = _tools("tools", _plain(tools))
        refuse_tools(declared, profile)
        update.tools = ContextUpdateTools(tools=msgspec.convert(declared, list[Tool]))
    return update


# --- options, one by one


def one_name_each(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options, each under its one name: what is given later replaces what was given under another."""
    return {_name_of(given): value for given, value in options.items()}


def _name_of(given: str) -> str:
    """The one name of an option: `instructions` is `system_instruction`, `topP` is `top_p`."""
    if given in _ALIASES or given in _SPECIAL:
        return _ALIASES.get(given, given)
    for struct in (Setup, GenerationConfig):
        if given in fields_of(struct) and given != "model":
            return fields_of(struct)[given].snake_name
    raise _unknown_option(given)


def _checked(given: str, name: str, value: Any) -> Any:
    special = _SPECIAL.get(given) or _SPECIAL.get(name)
    if special is not None and (value is not None or name == "turn_detection"):
        return special(given, value)
    if value is None:
        return None
    if isinstance(value, bool) and name in _SWITCHES:
        return dict(_SWITCHES[name]) if value else None
    struct = Setup if name in Setup.__struct_fields__ else GenerationConfig
    return _fitted(name, value, struct)


def _unknown_option(given: Any) -> ConfigError:
    if given == "model":
        return ConfigError("`model` is not a session option", remedy="set it in llm_config")
    place = _nested_place(str(given), Setup, "")
    if place:
        return ConfigError(f"`{given}` is not a session option by itself", remedy=f"it belongs into `{place}`")
    names = {*_ALIASES, *_SPECIAL, *Setup.__struct_fields__, *GenerationConfig.__struct_fields__} - {"model"}
    return ConfigError(f"there is no session option {given!r}", remedy=f"{_did_you_mean(given, names)}{WHERE_TO_LOOK}")


def _nested_place(name: str, struct: type[Message], path: str) -> str:
    """Where in the setup a field of this name is; empty when nowhere."""
    for field in map(fields_of(struct).__getitem__, struct.__struct_fields__):
        if field.nested is not None and field.snake_name not in ("tools", "system_instruction"):
            inside = f"{path}.{field.snake_name}" if path else field.snake_name
            place = inside if name in fields_of(field.nested) else _nested_place(name, field.nested, inside)
            if place:
                return place
    return ""


def _did_you_mean(name: Any, names: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(str(name), names, n=1) or sorted(n for n in names if n.startswith(str(name)))
    return f"did you mean `{near[0]}`? " if near else ""


def _plain(value: Any) -> Any:
    """Enums as their values, any mapping as a dict, tuples as lists: what the structs understand."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _wire(struct: type[Message], name: str) -> str:
    return fields_of(struct)[name].wire_name


# --- options that are fields of the service's messages


def _fitted(name: str, value: Any, struct: type[Message]) -> Any:
    """The value as the service spells it: camelCase, known fields only, every type and range right."""
    unknown: list[UnknownField] = []
    fitted = fit_object({name: value}, struct, "", unknown)
    for field in unknown:
        names = {known.snake_name for known in fields_of(_struct_at(struct, field.path)).values()}
        raise ConfigError(
            f"`{field.path}` has no field {field.name!r}", remedy=f"{_did_you_mean(field.name, names)}{WHERE_TO_LOOK}"
        )
    try:
        built = msgspec.to_builtins(msgspec.convert(fitted, struct))
    except msgspec.ValidationError as error:
        raise ConfigError(f"the option `{name}` does not fit: {error}", remedy=WHERE_TO_LOOK) from None
    return _normal(built, struct)[_wire(struct, name)]


def _struct_at(struct: type[Message], path: str) -> type[Message]:
    for step in filter(None, re.sub(r"\[\d+\]", "", path).split(".")):
        struct = fields_of(struct)[step].nested or struct
    return struct


def _normal(value: Json, struct: type[Message]) -> Json:
    """Enums in the service's spelling, numbers in their ranges, at any depth."""
    normal: Json = {}
    for wire_name, item in value.items():
        nested = fields_of(struct)[wire_name].nested
        if isinstance(item, dict) and nested is not None:
            normal[wire_name] = _normal(item, nested)
        elif isinstance(item, list) and nested is not None:
            normal[wire_name] = [_normal(each, nested) for each in item]
        elif wire_name in _ENUMS:
            texts = item if isinstance(item, list) else [item]
            values = [_enum_value(wire_name, text) for text in texts]
            normal[wire_name] = values if isinstance(item, list) else values[0]
        else:
            normal[wire_name] = _in_range(wire_name, item) if wire_name in _RANGES else item
    return normal


def _enum_value(name: str, text: str) -> str:
    """The enum value for `START_SENSITIVITY_LOW`, `start_sensitivity_low` or `low`."""
    prefix, values = _ENUMS[name]
    for spelling in (text.upper(), prefix + text.upper()):
        if spelling in (prefix + value for value in values):
            return spelling
    raise ConfigError(f"`{name}` cannot be {text!r}", remedy=f"use one of {', '.join(prefix + v for v in values)}")


def _in_range(name: str, value: Any) -> Any:
    least, most, whole = _RANGES[name]
    number = int(value) if isinstance(value, str) and re.fullmatch(r"-?\d+", value) else value
    if isinstance(number, str) or not least <= number <= most or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"`{name}` is {value!r}", remedy=f"use {kind} from {least} to {most}")
    return int(number) if whole else number


_INT32 = 2**31 - 1
_INT64 = 2**63 - 1

_RANGES: dict[str, tuple[float, float, bool]] = {
    "temperature": (0, 2, False),
    "topP": (0, 1, False),
    "topK": (1, _INT32, True),
    "presencePenalty": (-2, 2, False),
    "frequencyPenalty": (-2, 2, False),
    "candidateCount": (1, _INT32, True),
    "maxOutputTokens": (1, _INT32, True),
    "seed": (-_INT32 - 1, _INT32, True),
    "thinkingBudget": (-1, _INT32, True),  # -1: as much as the model likes
    "prefixPaddingMs": (0, _INT32, True),
    "silenceDurationMs": (0, _INT32, True),
    "triggerTokens": (1, _INT64, True),
    "targetTokens": (0, _INT64, True),
}
"""Least, most, and whether only whole numbers fit."""

_ENUMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "responseModalities": ("", ("AUDIO", "TEXT", "VIDEO", "IMAGE")),
    "mediaResolution": ("MEDIA_RESOLUTION_", ("LOW", "MEDIUM", "HIGH")),
    "thinkingLevel": ("", ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")),
    "activityHandling": ("", ("START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION")),
    "turnCoverage": ("TURN_INCLUDES_", ("ONLY_ACTIVITY", "ALL_INPUT", "AUDIO_ACTIVITY_AND_ALL_VIDEO")),
    "startOfSpeechSensitivity": ("START_SENSITIVITY_", ("HIGH", "LOW")),
    "endOfSpeechSensitivity": ("END_SENSITIVITY_", ("HIGH", "LOW")),
    "mode": ("", ("VERBATIM", "SMART")),
}
"""What all values of an enum begin with, and how they end."""

_SWITCHES: dict[str, Json] = {
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "session_resumption": {},
    "context_window_compression": {"slidingWindow": {}},
    "proactivity": {"proactiveAudio": True},
    "history_config": {"initialHistoryInClientContent": True},
}
"""What `True` means for a field that is an object."""


# --- options of our own and of OpenAI's


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy="pass a string")
    return value


def _name(name: str, value: Any) -> str:
    if not _text(name, value).strip():
        raise ConfigError(f"`{name}` is empty", remedy="pass a name, or None for the service's default")
    return str(value)


def _instruction(name: str, value: Any) -> Json | None:
    """Instructions as text, a list of texts, or a Content; None when there are none."""
    if isinstance(value, dict):
        return _fitted("system_instruction", value, Setup)  # type: ignore[no-any-return]
    texts = [_text(name, text) for text in (value if isinstance(value, list) else [value])]
    return {"parts": [{"text": text} for text in texts if text]} if any(texts) else None


def _tool_choice(name: str, value: Any) -> str:
    if value not in ("auto", "none"):
        raise ConfigError(
            f"`{name}` is {value!r}, and the Live API cannot be made to call a function",
            remedy='use "auto", or "none" for no tools; say in the instructions when a function must be called',
        )
    return str(value)


def _audio_format(name: str, value: Any) -> str:
    if value != "pcm16":
        raise ConfigError(
            f"`{name}` is {value!r}, and the Live API hears and speaks 16-bit PCM only",
            remedy='use "pcm16" and convert with gemini_realtime.audio: g711 for telephones, resample for other rates',
        )
    return "pcm16"


def _modalities(name: str, value: Any) -> list[str]:
    chosen = [
        _enum_value("responseModalities", _text(name, each)) for each in (value if isinstance(value, list) else [value])
    ]
    return ["AUDIO"] if "AUDIO" in chosen else chosen[:1]


def _turn_detection(name: str, value: Any) -> Json:
    """OpenAI's turn detection as fields of `realtimeInputConfig`."""
    if value is None:
        return {"automaticActivityDetection": {"disabled": True}}
    if not isinstance(value, dict) or value.get("type", "server_vad") != "server_vad":
        raise ConfigError(
            f"`{name}` is not OpenAI's server_vad", remedy="use `realtime_input_config` for all the service can do"
        )
    for field in value.keys() - _VAD_FIELDS:
        raise ConfigError(
            f"`{name}` has a field {field!r} that the Live API has no word for",
            remedy=f"{_did_you_mean(field, _VAD_FIELDS)}use `realtime_input_config` for all the service can do",
        )
    if value.get("create_response") is False:
        raise ConfigError(
            f"`{name}.create_response` is False, and the model always answers a turn it detected",
            remedy="pass turn_detection=None and mark the turns with activity_start() and activity_end()",
        )
    detection: Json = {}
    threshold = value.get("threshold", 0.5)
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise ConfigError(f"`{name}.threshold` is {threshold!r}", remedy="use a number from 0 to 1")
    if threshold != 0.5:  # OpenAI's default; above it, speech has to be louder to count
        detection["start_of_speech_sensitivity"] = "LOW" if threshold > 0.5 else "HIGH"
    detection |= {field: value[field] for field in ("prefix_padding_ms", "silence_duration_ms") if field in value}
    realtime: Json = {"automatic_activity_detection": detection}
    if "interrupt_response" in value:
        interrupts = value["interrupt_response"] is not False
        realtime["activity_handling"] = "START_OF_ACTIVITY_INTERRUPTS" if interrupts else "NO_INTERRUPTION"
    return _fitted("realtime_input_config", realtime, Setup)  # type: ignore[no-any-return]


_VAD_FIELDS = {
    "type", "threshold", "prefix_padding_ms", "silence_duration_ms", "create_response", "interrupt_response",
}  # fmt: skip


def _labels(name: str, value: Any) -> Json:
    labels: Json = _fitted(name, value, Setup)
    for label, text in labels.items():
        if len(label) > 63 or len(text) > 63:
            raise ConfigError(f"`{name}` holds more than 63 characters at {label[:63]!r}", remedy="shorten it")
    return labels


def _history(name: str, value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy=_HISTORY_FORM)
    turns = []
    for index, turn in enumerate(value):
        pair = (turn.get("role"), turn.get("text")) if isinstance(turn, dict) and len(turn) == 2 else turn
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not isinstance(pair[1], str):
            raise ConfigError(f"`{name}[{index}]` is not a turn", remedy=_HISTORY_FORM)
        if not isinstance(pair[0], str) or pair[0] not in _HISTORY_ROLES:
            raise ConfigError(
                f"`{name}[{index}]` has the role {pair[0]!r}",
                remedy="use user, assistant or model; what a system turn says belongs into `instructions`",
            )
        turns.append({"role": _HISTORY_ROLES[pair[0]], "text": pair[1]})
    return turns


_HISTORY_FORM = 'pass a list of {"role": "user" or "assistant", "text": "..."}'
_HISTORY_ROLES = {"user": "user", "assistant": "model", "model": "model"}


def _overlay(name: str, value: Any) -> Json:
    if not isinstance(value, dict):
        raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy="pass a dict to merge into the setup message")
    return value


# --- tools


def _tools(name: str, value: Any) -> list[Json]:
    """Tools in the service's form: all functions in one, then the rest in order."""
    if not isinstance(value, list):
        raise ConfigError(f"`{name}` is a {type(value).__name__}", remedy="pass a list of tools")
    functions: list[Json] = []
    others: list[Json] = []
    for index, item in enumerate(value):
        where = f"{name}[{index}]"
        if not isinstance(item, dict):
            raise ConfigError(f"`{where}` is a {type(item).__name__}", remedy=_TOOL_FORMS)
        function = item["function"] if isinstance(item.get("function"), dict) else item
        if item.get("type", "function") == "function" and "name" in function:
            functions.append(_declaration(where, function))
        elif item.keys() & fields_of(Tool).keys():
            declared, other = _gemini_tool(where, item)
            functions += declared
            others += [other] if other else []
        else:
            raise ConfigError(f"`{where}` is not a tool of the Live API", remedy=_TOOL_FORMS)
    _no_twins(functions)
    return [{"functionDeclarations": functions}, *others] if functions else others


_TOOL_FORMS = (
    'pass functions as {"type": "function", "name": ..., "description": ..., "parameters": ...}, '
    'and tools of the service as {"google_search": {}}'
)


def _gemini_tool(where: str, item: Json) -> tuple[list[Json], Json]:
    """A tool in Gemini's form, its functions apart."""
    rest = dict(item)
    declared = [
        each for name in ("functionDeclarations", "function_declarations") for each in rest.pop(name, None) or ()
    ]
    if not all(isinstance(each, dict) for each in declared):
        raise ConfigError(f"`{where}.function_declarations` is not a list of functions", remedy=_TOOL_FORMS)
    functions = [_declaration(f"{where}.function_declarations[{i}]", each) for i, each in enumerate(declared)]
    tools = _fitted("tools", [rest], Setup)
    return functions, tools[0]


def _declaration(where: str, function: Json) -> Json:
    """A function as OpenAI or Gemini describe it, in the service's form."""
    given = {name: value for name, value in function.items() if name not in _OPENAI_ONLY and value is not None}
    names = {field.snake_name for field in fields_of(FunctionDeclaration).values()}
    for unknown in [name for name in given if name not in fields_of(FunctionDeclaration)]:
        raise ConfigError(f"`{where}` has no field {unknown!r}", remedy=f"{_did_you_mean(unknown, names)}{_TOOL_FORMS}")
    spelled = {_wire(FunctionDeclaration, name): value for name, value in given.items()}
    name = spelled.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", name, re.ASCII):
        raise ConfigError(
            f"`{where}` has the name {name!r}",
            remedy="begin with a letter or `_`; then letters, digits, `_`, `.`, `:` and `-`, up to 128 in all",
        )
    for field, convert in (("parameters", to_parameters), ("response", to_schema)):
        if field in spelled:
            if f"{field}JsonSchema" in spelled:
                raise ConfigError(f"`{where}` has both {field} and {field}JsonSchema", remedy="keep one of the two")
            spelled[field] = convert(spelled[field], f"{field} of {name}")
    if "description" in spelled:
        _text(f"{where}.description", spelled["description"])
    if "behavior" in spelled:
        spelled["behavior"] = _behavior(where, spelled["behavior"])
    return {field: value for field, value in spelled.items() if value is not None}


_OPENAI_ONLY = {"type", "strict"}


def _behavior(where: str, value: Any) -> str:
    if str(value).upper() not in ("BLOCKING", "NON_BLOCKING"):
        raise ConfigError(f"`{where}.behavior` is {value!r}", remedy="use BLOCKING or NON_BLOCKING")
    return str(value).upper()


def _no_twins(functions: list[Json]) -> None:
    names = [function["name"] for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"there are two functions called {name!r}", remedy="rename or drop one of them")


_ALIASES = {"instructions": "system_instruction", "modalities": "response_modalities"}

_SPECIAL: dict[str, Callable[[str, Any], Any]] = {
    "system_instruction": _instruction,
    "modalities": _modalities,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "input_audio_format": _audio_format,
    "output_audio_format": _audio_format,
    "turn_detection": _turn_detection,
    "voice": _name,
    "language_code": _name,
    "labels": _labels,
    "history": _history,
    "setup": _overlay,
}
"""The options that are more than a field: how to read each."""


# --- putting it together


def _defaults(checked: Json, profile: ModelProfile, modalities: Any) -> Json:
    """What is on unless switched off: both transcripts, which a transcript of the conversation needs, and handles to
    resume the session with."""
    defaults: Json = {"inputAudioTranscription": {}}
    if modalities != ["TEXT"]:
        defaults["outputAudioTranscription"] = {}
    if profile.conversational:
        defaults["sessionResumption"] = {}
    if checked.get("history") and profile.history_needs_config:
        defaults["historyConfig"] = {"initialHistoryInClientContent": True}
    return defaults


def _generation(config: Config, checked: Json, profile: ModelProfile) -> Json:
    generation: Json = {"responseModalities": [profile.modalities[0]]}
    if profile.conversational:
        generation["temperature"] = config.temperature
    generation |= checked.get("generation_config") or {}
    for name in GenerationConfig.__struct_fields__:
        if name in checked:
            generation[_wire(GenerationConfig, name)] = checked[name]
    generation["speechConfig"] = _speech(config, checked, profile, generation) or None
    thinking = generation.get("thinkingConfig") or {}
    if profile.thinking == "level_required" and "thinkingLevel" not in thinking:
        generation["thinkingConfig"] = {**thinking, "thinkingLevel": profile.default_thinking_level}
    return {name: value for name, value in generation.items() if value is not None and value != []}


def _speech(config: Config, checked: Json, profile: ModelProfile, generation: Json) -> Json:
    speech = dict(generation.get("speechConfig") or {})
    speaks = profile.conversational and "TEXT" not in (generation.get("responseModalities") or [])
    voice = checked.get("voice", config.voice if speaks and not speech.keys() & _VOICES else None)
    if voice is not None:
        speech["voiceConfig"] = {"prebuiltVoiceConfig": {"voiceName": voice}}
    elif "voice" in checked:
        speech.pop("voiceConfig", None)
    if "language_code" in checked:
        speech["languageCode"] = checked["language_code"]
    return {name: value for name, value in speech.items() if value is not None}


_VOICES = {"voiceConfig", "multiSpeakerVoiceConfig"}


def _overlaid(base: Json, overlay: Json, struct: type[Message] | None = Setup) -> Json:
    """`overlay` merged into `base`, object by object; None removes. Known names are respelled, others stay."""
    merged = dict(base)
    for name, value in overlay.items():
        field = fields_of(struct).get(name) if struct is not None else None
        wire_name = field.wire_name if field is not None else name
        if value is None:
            merged.pop(wire_name, None)
        elif isinstance(value, dict):
            below = merged.get(wire_name)
            merged[wire_name] = _overlaid(below if isinstance(below, dict) else {}, value, field and field.nested)
        else:
            merged[wire_name] = value
    return merged
