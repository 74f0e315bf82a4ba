"""What the client set up, and what is known of the model that it named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from gemini_realtime.local.refusals import INVALID_ARGUMENT, MODALITIES, Refused
from gemini_realtime.protocol import messages


class Dialect(NamedTuple):
    """How a family of models answers.

    Attributes:
        modalities: what it can be asked to answer in.
        bundles: whether a transcript comes in one message with its audio. Source: recorded sessions of 2.5 (apart)
            and 3.1 (together).
    """

    modalities: frozenset[str]
    bundles: bool


_AUDIO: Final = frozenset({"AUDIO"})
_EITHER: Final = frozenset({"AUDIO", "TEXT"})
_UNKNOWN_MODEL: Final = Dialect(_EITHER, bundles=True)
# The first part that the name contains decides. Source: the model pages at https://ai.google.dev/gemini-api/docs/models,
# and recorded sessions for the half-cascade models, which answer in text too.
_DIALECTS: Final = [
    ("transcribe", Dialect(_EITHER, bundles=True)),
    ("native-audio", Dialect(_AUDIO, bundles=False)),
    ("gemini-3", Dialect(_AUDIO, bundles=True)),
    ("gemini-2", Dialect(_EITHER, bundles=False)),
    ("live-2.5", Dialect(_EITHER, bundles=False)),
]


def dialect_of(model: str) -> Dialect:
    """The dialect of a model, named with or without a path; names not known here may do anything."""
    return next((dialect for part, dialect in _DIALECTS if part in model), _UNKNOWN_MODEL)


@dataclass
class Options:
    """What the client set up, in the form in which it is used."""

    setup: messages.Setup = field(default_factory=messages.Setup)
    dialect: Dialect = _UNKNOWN_MODEL
    modality: str = "AUDIO"
    instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    seeding: bool = False

    @classmethod
    def of(cls, setup: messages.Setup) -> Options:
        """Read a setup message.

        Raises:
            Refused: no model, or a modality that the model does not have.
        """
        if not setup.model:
            raise Refused(INVALID_ARGUMENT)
        dialect = dialect_of(setup.model)
        generation = setup.generation_config or messages.GenerationConfig()
        modalities = [modality.upper() for modality in generation.response_modalities or ["AUDIO"]]
        if len(modalities) != 1 or modalities[0] not in dialect.modalities:
            raise Refused(MODALITIES, modalities=", ".join(modalities))
        return cls(
            setup=setup,
            dialect=dialect,
            modality=modalities[0],
            instructions=text_of(setup.system_instruction),
            tools=_declarations(setup.tools or []),
            seeding=bool(setup.history_config and setup.history_config.initial_history_in_client_content),
        )

    def update(self, update: messages.ContextUpdate) -> None:
        """Change instructions or tools in mid-session; absent means keep."""
        if update.system_instruction is not None:
            self.instructions = text_of(update.system_instruction)
        if update.tools is not None:
            self.tools = _declarations(update.tools.tools)

    @property
    def detection(self) -> messages.AutomaticActivityDetection:
        """How speech is to be found in the audio."""
        realtime = self.setup.realtime_input_config or messages.RealtimeInputConfig()
        return realtime.automatic_activity_detection or messages.AutomaticActivityDetection()

    @property
    def manual_activity(self) -> bool:
        """Whether the client says when the user speaks."""
        return bool(self.detection.disabled)

    @property
    def speech_interrupts(self) -> bool:
        """Whether the user cuts the model short by speaking."""
        realtime = self.setup.realtime_input_config or messages.RealtimeInputConfig()
        return realtime.activity_handling != "NO_INTERRUPTION"

    @property
    def voice(self) -> str | None:
        """The name of the voice that was asked for."""
        speech = self._speech
        prebuilt = speech.voice_config.prebuilt_voice_config if speech.voice_config else None
        return prebuilt.voice_name if prebuilt else None

    @property
    def language(self) -> str | None:
        """The language that was asked for, such as `en-US`."""
        return self._speech.language_code

    def blocks(self, function: str) -> bool:
        """Whether the model waits for the result of this function. Source: protobuf `FunctionDeclaration.Behavior`."""
        return not any(tool.get("name") == function and tool.get("behavior") == "NON_BLOCKING" for tool in self.tools)

    @property
    def _speech(self) -> messages.SpeechConfig:
        generation = self.setup.generation_config
        return (generation.speech_config if generation else None) or messages.SpeechConfig()


def text_of(content: messages.Content | None) -> str:
    """The words of a turn: no thoughts, no media."""
    parts = content.parts if content else []
    return " ".join(part.text.strip() for part in parts if part.text and not part.thought)


def _declarations(tools: list[messages.Tool]) -> tuple[dict[str, Any], ...]:
    return tuple(msgspec.to_builtins(function) for tool in tools for function in tool.function_declarations or [])
