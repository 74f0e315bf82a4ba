"""What the client set up, in the form in which it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from gemini_realtime.local.session.history import CONTEXT_TOKENS
from gemini_realtime.local.session.usage import Window
from gemini_realtime.local.wire.acceptance import check_setup, check_tools, no_such_model
from gemini_realtime.local.wire.profiles import UNKNOWN, Coverage, ServiceProfile, on_vertex, profile_of
from gemini_realtime.protocol import families, messages
from gemini_realtime.protocol.families import Family, is_on_vertex


@dataclass
class Options:
    """What the client set up, and how the model that it named behaves."""

    setup: messages.Setup = field(default_factory=messages.Setup)
    profile: ServiceProfile = UNKNOWN
    modality: str = "AUDIO"
    instructions: str = ""
    tools: tuple[dict[str, Any], ...] = ()
    seeding: bool = False

    @classmethod
    def of(
        cls, setup: messages.Setup, profile: ServiceProfile | None = None, *, version: str = "", strict: bool = False
    ) -> Options:
        """Read a setup message.

        Args:
            setup: the message.
            profile: of the model; by default what is known of the name.
            version: of the API, for the service's words.
            strict: whether a model is refused that nothing is known of.

        Raises:
            Refused: the model does not take it.
        """
        profile = profile or profile_of(setup.model)
        if is_on_vertex(setup.model):
            profile = on_vertex(profile)
        check_setup(setup, profile, version)
        if strict and profile.family is families.UNKNOWN:
            raise no_such_model(setup.model, version)
        generation = setup.generation_config or messages.GenerationConfig()
        modality = next(iter(generation.response_modalities or []), "MODALITY_UNSPECIFIED")
        return cls(
            setup=setup,
            profile=profile,
            modality=profile.family.modalities[0] if modality == "MODALITY_UNSPECIFIED" else modality,
            instructions=text_of(setup.system_instruction),
            tools=_declarations(setup.tools or []),
            seeding=bool(
                setup.history_config
                and setup.history_config.initial_history_in_client_content
                and not profile.family.seeds_answered
            ),
        )

    def update(self, update: messages.ContextUpdate) -> None:
        """Change instructions or tools in mid-session; absent means keep.

        Raises:
            Refused: functions that the model does not take.
        """
        if update.tools is not None:
            check_tools(update.tools.tools, self.profile, "context_update.tools.tools")
            self.tools = _declarations(update.tools.tools)
        if update.system_instruction is not None:
            self.instructions = text_of(update.system_instruction)

    @property
    def family(self) -> Family:
        """What the model takes."""
        return self.profile.family

    @property
    def detection(self) -> messages.AutomaticActivityDetection:
        """How speech is to be found in the audio. Source of the defaults: the reference pages of both services."""
        found = self._realtime.automatic_activity_detection or messages.AutomaticActivityDetection()
        level = "LOW" if self.profile.vertex else "HIGH"
        start, end = found.start_of_speech_sensitivity, found.end_of_speech_sensitivity
        return msgspec.structs.replace(
            found,
            start_of_speech_sensitivity=start if _said(start) else f"START_SENSITIVITY_{level}",
            end_of_speech_sensitivity=end if _said(end) else f"END_SENSITIVITY_{level}",
        )

    @property
    def window(self) -> Window | None:
        """When the context is compressed; None where it is not.

        Source of the defaults: https://ai.google.dev/api/live#ContextWindowCompressionConfig, "80% of the model's
        context window limit" and "trigger_tokens/2".
        """
        compression = self.setup.context_window_compression
        if compression is None:
            return None
        trigger = int(compression.trigger_tokens or 0)
        trigger = trigger if trigger > 0 else CONTEXT_TOKENS * 4 // 5
        target = int(compression.sliding_window.target_tokens or 0) if compression.sliding_window else 0
        return Window(trigger, min(target, trigger) if target > 0 else trigger // 2)

    @property
    def manual_activity(self) -> bool:
        """Whether the client says when the user speaks."""
        detection = self._realtime.automatic_activity_detection
        return bool(detection and detection.disabled)

    @property
    def speech_interrupts(self) -> bool:
        """Whether the user cuts the model short by speaking."""
        return self._realtime.activity_handling != "NO_INTERRUPTION"

    @cached_property  # it is asked for with every piece of microphone audio
    def coverage(self) -> str:
        """Which input belongs to a turn, and counts."""
        asked = self._realtime.turn_coverage
        default: Coverage = self.profile.coverage
        return asked if asked is not None and _said(asked) else default

    @property
    def tells_activity(self) -> bool:
        """Whether the client is told when the user speaks."""
        asked = self.profile.tells_activity == "when asked" and bool(self.setup.explicit_vad_signal)
        return asked or self.profile.tells_activity == "always"

    @property
    def transcribes_input(self) -> bool:
        """Whether the user's words are sent back in writing."""
        return self.setup.input_audio_transcription is not None or self.profile.input_unasked

    @property
    def searches(self) -> bool:
        """Whether Google Search is among the tools."""
        return any(tool.google_search is not None for tool in self.setup.tools or [])

    @property
    def vocabulary(self) -> list[str]:
        """Words that the client says are likely."""
        asked = self.setup.input_audio_transcription or messages.AudioTranscriptionConfig()
        return [*(asked.custom_vocabulary or ()), *(asked.adaptation_phrases or ())]

    @property
    def transparent(self) -> bool:
        """Whether the client is told which of its messages a handle includes: on Vertex AI only."""
        return self.profile.vertex and bool(self.setup.session_resumption and self.setup.session_resumption.transparent)

    @property
    def refused_late(self) -> bool:
        """Whether the setup has something that the model confirms, and closes on at the first message."""
        generation = self.setup.generation_config
        mood = generation is not None and bool(generation.enable_affective_dialog)
        return mood and self.profile.refuses_mood_late and not self.family.affective_dialog

    @property
    def asks_for_thoughts(self) -> bool | None:
        """Whether the client wants to see thoughts; None when it does not say."""
        thinking = self.setup.generation_config.thinking_config if self.setup.generation_config else None
        if thinking is not None and thinking.thinking_budget == 0:
            return False
        return thinking.include_thoughts if thinking else None

    @property
    def voice(self) -> str | None:
        """The name of the voice that was asked for."""
        speech = self._speech
        prebuilt = speech.voice_config.prebuilt_voice_config if speech.voice_config else None
        return prebuilt.voice_name if prebuilt else None

    @property
    def language(self) -> str | None:
        """The language that was asked for, such as `en-US`; of a translation, its target."""
        generation = self.setup.generation_config
        translation = generation.translation_config if generation else None
        return self._speech.language_code or (translation.target_language_code if translation else None)

    def blocks(self, function: str) -> bool:
        """Whether the model waits for the result of this function."""
        if self.family.always_blocks:
            return True
        declared = next((tool for tool in self.tools if tool.get("name") == function), {})
        behavior = declared.get("behavior")
        usual = self.family.behaviors[0]
        return (behavior if behavior in ("BLOCKING", "NON_BLOCKING") else usual) == "BLOCKING"

    @property
    def _realtime(self) -> messages.RealtimeInputConfig:
        return self.setup.realtime_input_config or messages.RealtimeInputConfig()

    @property
    def _speech(self) -> messages.SpeechConfig:
        generation = self.setup.generation_config
        return (generation.speech_config if generation else None) or messages.SpeechConfig()


def text_of(content: messages.Content | None) -> str:
    """The words of a turn: no thoughts, no media."""
    parts = content.parts if content else []
    return " ".join(part.text.strip() for part in parts if part.text and not part.thought)


def _said(value: str | None) -> bool:
    return value is not None and not value.endswith("UNSPECIFIED")


def _declarations(tools: list[messages.Tool]) -> tuple[dict[str, Any], ...]:
    return tuple(msgspec.to_builtins(function) for tool in tools for function in tool.function_declarations or [])
