"""Session options: what `session_update` takes, checked and spelled as the service spells it.

Every field of the Live setup is an option under its snake_case name, those of `generationConfig` too. Beside them:

    option                                        means
    --------------------------------------------- ---------------------------------------------------------------
    `instructions`                                `system_instruction`, as text
    `tools`                                       see `tools.py`
    `tool_choice`                                 "auto"; "none" leaves the tools out
    `input_audio_format`, `output_audio_format`   "pcm16"
    `turn_detection`                              OpenAI's `server_vad`; None switches automatic detection off
    `voice`, `language_code`                      of `speech_config`
    `modalities`                                  OpenAI's; text and audio together mean audio, with its transcript
    `history`                                     turns before the conversation, oldest first
    `setup`                                       anything, merged last and unchecked

`None` leaves a field out; `True` asks for one with its defaults.

Source: https://ai.google.dev/api/live#BidiGenerateContentSetup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gemini_realtime.checking import check_number, check_type, near_name, shown, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.families import VOICES
from gemini_realtime.protocol.fields import WHERE_TO_LOOK, check_json, dumped, enum_value, fitted, plain
from gemini_realtime.protocol.messages import Content, GenerationConfig, Message, Setup
from gemini_realtime.protocol.parts import read_past_turn
from gemini_realtime.protocol.proto_json import fields_of
from gemini_realtime.protocol.tools import read_tools

Json = dict[str, Any]


DEFAULT_VOICE: Final = "charon"
DEFAULT_TEMPERATURE: Final = 0.8
"""Voice and temperature of AG2's client, kept."""


class SessionOptions(msgspec.Struct, frozen=True):
    """The options of a session.

    Attributes:
        voice: where speech is asked for, and no voice.
        temperature: where none is asked for.
        given: what was asked for, as `check_options` returns it.
    """

    voice: str = DEFAULT_VOICE
    temperature: float = DEFAULT_TEMPERATURE
    given: Json = {}

    def __repr__(self) -> str:
        # What is said and heard in a history stays out of logs.
        return f"SessionOptions({self.voice!r}, {self.temperature}, {sorted(self.given)})"

    def changed(self, checked: Mapping[str, Any]) -> SessionOptions:
        """These options with others, as `check_options` returns them, in the place of those of the same name."""
        return msgspec.structs.replace(self, given={**self.given, **checked})

    def changes_since(self, before: SessionOptions) -> Json:
        """What is other here than in earlier ones."""
        return {
            name: value
            for name, value in self.given.items()
            if name not in before.given or before.given[name] is not value
        }

    @property
    def history(self) -> list[Content]:
        """The turns before the conversation; they travel in `clientContent` after the setup, not in it."""
        return msgspec.convert(self.given.get("history") or [], list[Content])


def check_options(options: Any) -> Json:
    """Check session options one by one.

    Args:
        options: a mapping, or a model of google-genai such as `LiveConnectConfig`.

    Returns:
        Each option under its one name (`instructions` is `system_instruction`), its value as the service spells it.

    Raises:
        ConfigError: an option that does not exist, or a value it cannot have.
    """
    if not isinstance(options, Mapping):
        options = plain("session options", options)
    check_type("session options", options, Mapping, 'a dict such as {"instructions": "Be brief."}')
    checked: Json = {}
    for given, value in options.items():
        name = _name_of(given)
        if name in checked:
            raise ConfigError(f"the options hold `{name}` twice, once as `{given}`", remedy="keep one of the two")
        if name not in _READ_AS_GIVEN:
            value = plain(given, value)
            check_json(given, value)
        checked[name] = _checked(given, name, value)
    return checked


_READ_AS_GIVEN: Final = ("history", "tools")
"""Bytes are pictures in the one; functions, classes and more than JSON are tools in the other."""


def doubtful_voice(name: str | None) -> list[str]:
    """A sentence for the log about a voice that is probably misspelt; others that are not known may be new."""
    near = near_name(name, VOICES) if name and name.title() not in VOICES else None
    return [f"there is no prebuilt voice {shown(name)} that is known here; did you mean {near!r}?"] if near else []


def is_session_option(name: str) -> bool:
    """Whether this is an option of the session, and not also one that other APIs know by the same name."""
    return name not in GenerationConfig.__struct_fields__ and name in {*_ALIASES, *_READERS, *Setup.__struct_fields__}


def _name_of(given: Any) -> str:
    """The one name of an option: `instructions` is `system_instruction`, `topP` is `top_p`."""
    if isinstance(given, str):
        if given in _ALIASES or given in _READERS:
            return _ALIASES.get(given, given)
        for struct in (Setup, GenerationConfig):
            if given in fields_of(struct) and given != "model":
                return fields_of(struct)[given].snake_name
    raise _unknown_option(given)


def _checked(given: str, name: str, value: Any) -> Any:
    read = _READERS.get(given) or _READERS.get(name)
    if read is not None and (value is not None or name == "turn_detection"):
        return read(given, value)
    if value is None:
        return None
    if isinstance(value, bool) and name in _SWITCHES:
        return dict(_SWITCHES[name]) if value else None
    return fitted(name, value, Setup if name in Setup.__struct_fields__ else GenerationConfig)


def _unknown_option(given: Any) -> ConfigError:
    if given == "model":
        return ConfigError("`model` is not a session option", remedy="set it in llm_config")
    place = _nested_place(given, Setup, "") if isinstance(given, str) else ""
    if place:
        return ConfigError(f"`{given}` is not a session option by itself", remedy=f"it belongs into `{place}`")
    names = {*_ALIASES, *_READERS, *Setup.__struct_fields__, *GenerationConfig.__struct_fields__} - {"model"}
    return ConfigError(
        f"there is no session option {shown(given)}",
        remedy=spelling_remedy(given, ["model", *sorted(names)], choice=WHERE_TO_LOOK),
    )


def _nested_place(name: str, struct: type[Message], path: str) -> str:
    """Where in the setup a field of this name is; empty when nowhere."""
    for field in map(fields_of(struct).__getitem__, struct.__struct_fields__):
        if field.nested is not None and field.snake_name not in ("tools", "system_instruction"):
            inside = f"{path}.{field.snake_name}" if path else field.snake_name
            place = inside if name in fields_of(field.nested) else _nested_place(name, field.nested, inside)
            if place:
                return place
    return ""


_SWITCHES: Final[dict[str, Json]] = {
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
    check_type(name, value, str, "a string")
    return str(value)


def _name(name: str, value: Any) -> str:
    if not _text(name, value).strip():
        raise ConfigError(f"`{name}` is empty", remedy="pass a name, or None for the service's default")
    return str(value)


def _instruction(name: str, value: Any) -> Json | None:
    """Instructions as text, a list of texts or parts, a Part or a Content; None when there are none."""
    if isinstance(value, dict):
        content = value if "parts" in value or "role" in value else {"parts": [value]}
        return fitted("system_instruction", content, Setup)  # type: ignore[no-any-return]
    given = value if isinstance(value, list) else [value]
    parts = [part if isinstance(part, dict) else {"text": _text(name, part)} for part in given]
    said = [part for part in parts if part != {"text": ""}]
    return fitted("system_instruction", {"parts": said}, Setup) if said else None


def _tool_choice(name: str, value: Any) -> str:
    if value not in ("auto", "none"):
        raise ConfigError(
            f"`{name}` is {shown(value)}, and the Live API cannot be made to call a function",
            remedy='use "auto", or "none" for no tools; say in the instructions when a function must be called',
        )
    return str(value)


def _audio_format(name: str, value: Any) -> str:
    if value != "pcm16":
        raise ConfigError(
            f"`{name}` is {shown(value)}, and the Live API hears and speaks 16-bit PCM only",
            remedy='use "pcm16" and convert with gemini_realtime.audio: g711 for telephones, resample for other rates',
        )
    return "pcm16"


def _modalities(name: str, value: Any) -> list[str]:
    chosen = [
        enum_value("responseModalities", _text(name, each)) for each in (value if isinstance(value, list) else [value])
    ]
    return ["AUDIO"] if "AUDIO" in chosen else chosen[:1]


def _turn_detection(name: str, value: Any) -> Json:
    """OpenAI's turn detection as fields of `realtimeInputConfig`."""
    if value is None:
        return {"automaticActivityDetection": {"disabled": True}}
    if not isinstance(value, dict) or value.get("type", "server_vad") != "server_vad":
        raise ConfigError(f"`{name}` is not OpenAI's server_vad", remedy=_ALL_OF_DETECTION)
    for field in value.keys() - _VAD_FIELDS:
        raise ConfigError(
            f"`{name}` has a field {shown(field)} that the Live API has no word for",
            remedy=spelling_remedy(field, sorted(_VAD_FIELDS), choice=_ALL_OF_DETECTION),
        )
    if value.get("create_response") is False:
        raise ConfigError(
            f"`{name}.create_response` is False, and the model always answers a turn it detected",
            remedy="pass turn_detection=None and mark the turns with activity_start() and activity_end()",
        )
    detection: Json = {}
    threshold = value.get("threshold", 0.5)
    check_number(f"{name}.threshold", threshold, 0, 1)
    if threshold != 0.5:  # OpenAI's default; above it, speech has to be louder to count
        detection["start_of_speech_sensitivity"] = "LOW" if threshold > 0.5 else "HIGH"
    detection |= {field: value[field] for field in ("prefix_padding_ms", "silence_duration_ms") if field in value}
    realtime: Json = {"automatic_activity_detection": detection}
    if "interrupt_response" in value:
        interrupts = value["interrupt_response"] is not False
        realtime["activity_handling"] = "START_OF_ACTIVITY_INTERRUPTS" if interrupts else "NO_INTERRUPTION"
    return fitted("realtime_input_config", realtime, Setup)  # type: ignore[no-any-return]


_ALL_OF_DETECTION: Final = "use `realtime_input_config` for all the service can do"
_VAD_FIELDS: Final = {
    "type", "threshold", "prefix_padding_ms", "silence_duration_ms", "create_response", "interrupt_response",
}  # fmt: skip


def _labels(name: str, value: Any) -> Json:
    labels: Json = fitted(name, value, Setup)
    for label, text in labels.items():
        if len(label) > 63 or len(text) > 63:
            raise ConfigError(f"`{name}` holds more than 63 characters at {label[:63]!r}", remedy="shorten it")
    return labels


def _history(name: str, value: Any) -> list[Json]:
    check_type(name, value, (list, tuple), _HISTORY_FORM)
    return [_turn(f"{name}[{index}]", turn) for index, turn in enumerate(value)]


def _turn(name: str, turn: Any) -> Json:
    turn = dumped(name, turn)  # `types.Content` of google-genai
    if isinstance(turn, Mapping) and turn.keys() in ({"role", "text"}, {"role", "parts"}):
        turn = (turn["role"], turn.get("text", turn.get("parts")))
    if not isinstance(turn, tuple | list) or len(turn) != 2 or not isinstance(turn[1], str | list | tuple):
        raise ConfigError(f"`{name}` is not a turn", remedy=f"pass {_HISTORY_FORM}")
    role, parts = turn
    if not isinstance(role, str) or role not in _HISTORY_ROLES:
        raise ConfigError(
            f"`{name}` has the role {shown(role)}",
            remedy="use user, assistant or model; what a system turn says belongs into `instructions`",
        )
    content = Content(role=_HISTORY_ROLES[role], parts=read_past_turn(parts, f"{name}.parts"))
    return msgspec.to_builtins(content)  # type: ignore[no-any-return]


_HISTORY_FORM: Final = 'a list of {"role": "user" or "assistant", "text": "..."}, or "parts": [...] in its place'
_HISTORY_ROLES: Final = {"user": "user", "assistant": "model", "model": "model"}


def _overlay(name: str, value: Any) -> Json:
    check_type(name, value, dict, "a dict to merge into the setup message")
    return value  # type: ignore[no-any-return]


_ALIASES: Final = {"instructions": "system_instruction", "modalities": "response_modalities"}

_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "system_instruction": _instruction,
    "modalities": _modalities,
    "tools": read_tools,
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
