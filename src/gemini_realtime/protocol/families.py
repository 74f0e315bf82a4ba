"""What is documented, or has been seen, of each family of Live models: what it takes and in which form.

Client and embedded server both stand on this page; each adds only what it does with it. `EVIDENCE` says for each fact
that differs from the usual who saw it, and when; a name that is not in the table gets `UNKNOWN`, of which nothing is
known.

Short names of sources:
    guide       https://ai.google.dev/gemini-api/docs/live-guide, table "Model comparison"
    pages       https://ai.google.dev/gemini-api/docs/models/<model>
    vertex      https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/live-api
    pydantic-ai `profiles/google.py` and `realtime/google.py` of 2.68: measured with the service
    livekit     `realtime_api.py` of livekit-plugins-google 1.8.9
    pipecat     `services/google/gemini_live/llm.py` of pipecat-ai 1.14
    adk         `models/gemini_llm_connection.py` of google-adk 2.13
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

Behavior = Literal["BLOCKING", "NON_BLOCKING"]


class Evidence(NamedTuple):
    """Why a fact is as it is.

    Attributes:
        source: who documents it or saw it.
        date: when, ISO or a part of it; empty for documentation that is not dated.
    """

    source: str
    date: str = ""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family of models; every default is the permissive choice.

    Attributes:
        name: what it is called here and in the options of the embedded server.
        title: what people call it.
        names: how the names of its models begin, without any resource prefix.
        gone: the date (ISO) Google switched the family off; None while it is on.
        task: a conversation, the user's words in writing, or the user's words in another language.
        modalities: what it can answer with, the default first; one of them per session.
        voice_needs_modality: whether a voice is refused where no modality is asked for.
        instructions: whether it takes system instructions and tools.
        text_input: whether it takes text at all.
        text_in_realtime_input: whether text of the user belongs into `realtimeInput.text`.
        history_needs_config: whether a seeded history needs `historyConfig.initialHistoryInClientContent`.
        seeds_answered: whether a completed seed is answered though `historyConfig` calls it history.
        seeds_wait: whether a seed that was not completed is ignored by speech until it is.
        seed_functions: what becomes of function parts in a seed.
        seed_audio: what becomes of audio parts in a seed; to be recalled, audio has to be 16 kHz.
        input_words: whether the user's words come one by one; else an utterance is one message.
        content_interrupts: whether a turn of the client cuts the reply under way; else it waits for its end.
        role_required: whether a turn without `role` closes the connection.
        thinking: which of the two ways to steer thinking it takes.
        thinking_levels: the levels it takes; empty where it takes none or nothing is known.
        affective_dialog: whether it takes `enableAffectiveDialog`.
        behaviors: what its functions may be, the default first.
        always_blocks: whether a function that is declared NON_BLOCKING blocks all the same.
        scheduling: whether a function's result may say when it is to be spoken.
        result_parts: whether a function's result may hold images and text as parts.
        lost_calls_block: whether a resumed session still waits for the calls that were open when its connection was
            lost, so that the next input only ends that exchange.
        tools_refused: the service's own tools that it refuses.
        tools_ignored: those that it takes, and does nothing with.
        context_update: whether `contextUpdate` is documented for it (on Vertex AI only so far); None: nobody says.
        interaction_status: whether a turn may be a filler, followed by the real one: `turnComplete` then comes with
            `interactionStatus`, and only IDLE is the end.
        turn_ends_at_calls: whether a turn that calls ends with its calls, and the answer is a turn of its own, on
            Vertex AI.
    """

    name: str
    title: str
    names: tuple[str, ...] = ()
    gone: str | None = None
    task: Literal["converse", "transcribe", "translate"] = "converse"
    modalities: tuple[str, ...] = ("AUDIO", "TEXT", "VIDEO")
    voice_needs_modality: bool = False
    instructions: bool = True
    text_input: bool = True
    text_in_realtime_input: bool = False
    history_needs_config: bool = False
    seeds_answered: bool = False
    seeds_wait: bool = False
    seed_functions: Literal["kept", "lost on resume", "refused"] = "kept"
    seed_audio: Literal["recalled", "ignored", "refused"] = "ignored"
    input_words: bool = True
    content_interrupts: bool = True
    role_required: bool = False
    thinking: Literal["any", "none", "budget", "level", "level_required"] = "any"
    thinking_levels: tuple[str, ...] = ()
    affective_dialog: bool = True
    behaviors: tuple[Behavior, ...] = ("BLOCKING", "NON_BLOCKING")
    always_blocks: bool = False
    scheduling: bool = True
    result_parts: bool = False
    lost_calls_block: bool = False
    tools_refused: tuple[str, ...] = ()
    tools_ignored: tuple[str, ...] = ()
    context_update: bool | None = None
    interaction_status: bool = False
    turn_ends_at_calls: bool = False


NATIVE_AUDIO_2_5: Final = Family(
    name="2.5-native-audio",
    title="Gemini 2.5 native audio",
    names=(
        "gemini-2.5-flash-native-audio",
        "gemini-2.5-flash-preview-native-audio",
        "gemini-2.5-flash-exp-native-audio",
        "gemini-live-2.5-flash-native-audio",  # the name on Vertex AI
        "gemini-live-2.5-flash-preview-native-audio",
    ),
    modalities=("AUDIO",),
    voice_needs_modality=True,
    seeds_answered=True,
    seeds_wait=True,
    seed_functions="refused",
    seed_audio="refused",
    content_interrupts=False,
    thinking="budget",
    tools_refused=("codeExecution",),
    turn_ends_at_calls=True,
)

LIVE_3_1: Final = Family(
    name="3.1-flash-live",
    title="Gemini 3.1 Flash Live",
    names=("gemini-3.1-flash-live",),
    modalities=("AUDIO",),
    text_in_realtime_input=True,
    history_needs_config=True,
    seed_functions="lost on resume",
    seed_audio="recalled",
    input_words=False,
    role_required=True,
    thinking="level",
    thinking_levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    affective_dialog=False,
    always_blocks=True,
    result_parts=True,
    tools_ignored=("codeExecution", "urlContext"),
)

LIVE_3_8: Final = Family(
    name="3.8-live",
    title="Gemini 3.8 Live",
    names=("gemini-3.8-live",),
    modalities=("AUDIO", "VIDEO"),  # VIDEO is the avatar, on Vertex AI
    seed_audio="recalled",
    input_words=False,
    role_required=True,
    thinking="none",
    affective_dialog=False,
    behaviors=("NON_BLOCKING", "BLOCKING"),
    result_parts=True,
    lost_calls_block=True,
    tools_ignored=("codeExecution", "urlContext"),
    context_update=True,
)

EXTENDED_THINKING_3_8: Final = Family(
    name="3.8-live-extended-thinking",
    title="Gemini 3.8 Live Extended Thinking",
    names=("gemini-3.8-live-extended-thinking",),
    modalities=("AUDIO",),
    seed_audio="recalled",
    input_words=False,
    role_required=True,
    thinking="level_required",
    thinking_levels=("LOW", "MEDIUM", "HIGH"),
    affective_dialog=False,
    behaviors=("NON_BLOCKING",),
    scheduling=False,
    result_parts=True,
    lost_calls_block=True,
    tools_ignored=("codeExecution", "urlContext"),
    context_update=True,
    interaction_status=True,
)

TRANSCRIBE_3_5: Final = Family(
    name="3.5-transcribe",
    title="Gemini 3.5 Transcribe",
    names=("gemini-3.5-transcribe-live",),
    task="transcribe",
    modalities=("TEXT",),
    text_input=False,
    input_words=False,
)

TRANSLATE_3_5: Final = Family(
    name="3.5-translate",
    title="Gemini 3.5 Live Translate",
    names=("gemini-3.5-live-translate",),
    task="translate",
    modalities=("AUDIO",),
    instructions=False,
    text_input=False,
)

ROBOTICS_ER_2: Final = Family(
    name="robotics-er-2",
    title="Gemini Robotics-ER 2",
    names=("gemini-robotics-er-2",),
    modalities=("TEXT",),
)

HALF_CASCADE: Final = Family(
    name="half-cascade",
    title="Gemini 2.0 Live and half-cascade 2.5",
    names=("gemini-2.0-flash-live", "gemini-live-2.5-flash-preview", "gemini-live-2.5-flash"),
    gone="2025-12-09",  # on the Gemini API; recordings, other servers and Vertex AI still have them
    modalities=("AUDIO", "TEXT"),
    seeds_answered=True,
    turn_ends_at_calls=True,
)

UNKNOWN: Final = Family(name="unknown", title="a model that is not known here")

FAMILIES: Final = (
    NATIVE_AUDIO_2_5,
    LIVE_3_1,
    LIVE_3_8,
    EXTENDED_THINKING_3_8,
    TRANSCRIBE_3_5,
    TRANSLATE_3_5,
    ROBOTICS_ER_2,
    HALF_CASCADE,
)

NEWEST: Final = LIVE_3_8
"""What a model that nobody knows most probably is like."""

_GUIDE = Evidence("guide")
_SEEDS = Evidence("pydantic-ai; pipecat 4926; adk-python 4940", "2026-10")

EVIDENCE: Final[dict[str, dict[str, Evidence]]] = {
    NATIVE_AUDIO_2_5.name: {
        "modalities": _GUIDE,
        "voice_needs_modality": Evidence('public error texts: 1007 "Cannot extract voices from a non-audio request."'),
        "thinking": _GUIDE,
        "seeds_answered": Evidence("pipecat `_create_initial_response`; adk `send_history`", "2026-11"),
        "seeds_wait": Evidence("pipecat", "2026-11"),
        "seed_functions": _SEEDS,
        "seed_audio": Evidence('pydantic-ai: 1007 "Precondition check failed"', "2026-10"),
        "content_interrupts": Evidence(
            "pydantic-ai, live with the model of 2025-09; livekit (JS). Otherwise, of all models:"
            ' https://ai.google.dev/api/live, "will interrupt any current model generation"',
            "2026-10",
        ),
        "tools_refused": Evidence('pydantic-ai: 1007 "Code Execution tool is not supported for this model"', "2026-10"),
        "turn_ends_at_calls": Evidence("recorded; livekit/agents 7195", "2026"),
    },
    LIVE_3_1.name: {
        "modalities": _GUIDE,
        "text_in_realtime_input": _GUIDE,
        "history_needs_config": Evidence("pages"),
        "seed_functions": _SEEDS,
        "seed_audio": Evidence("pydantic-ai", "2026-10"),
        "input_words": Evidence("adk-python 6045 and `receive`", "2026"),
        "role_required": Evidence("livekit `update_instructions`", "2026-11"),
        "thinking": _GUIDE,
        "affective_dialog": _GUIDE,
        "always_blocks": Evidence("pydantic-ai", "2026-10"),
        "result_parts": Evidence("pydantic-ai", "2026-09-28"),
        "tools_ignored": Evidence("pydantic-ai", "2026-10"),
    },
    LIVE_3_8.name: {
        "modalities": Evidence("guide; vertex"),
        "seed_audio": Evidence("pydantic-ai", "2026-10"),
        "input_words": Evidence("adk-python 6045 and `receive`", "2026"),
        "role_required": Evidence("livekit `update_instructions`", "2026-11"),
        "thinking": Evidence('guide; pydantic-ai: 1007 "Thinking level is not supported for this model"', "2026-10"),
        "affective_dialog": Evidence("pydantic-ai: confirmed, then 1007 at the first message", "2026-10"),
        "behaviors": _GUIDE,
        "result_parts": Evidence("pydantic-ai", "2026-09-28"),
        "lost_calls_block": Evidence("pydantic-ai `_answer_lost_tool_calls`", "2026-10"),
        "tools_ignored": Evidence("pydantic-ai", "2026-10"),
        "context_update": Evidence("vertex"),
    },
    EXTENDED_THINKING_3_8.name: {
        "modalities": _GUIDE,
        "seed_audio": Evidence("pydantic-ai", "2026-10"),
        "input_words": Evidence("adk-python 6045 and `receive`", "2026"),
        "role_required": Evidence("livekit `update_instructions`", "2026-11"),
        "thinking": Evidence('1007 "Thinking level must be specified for this model"', "2026"),
        "affective_dialog": Evidence("pydantic-ai: confirmed, then 1007 at the first message", "2026-10"),
        "behaviors": Evidence(
            'pydantic-ai: 1007 "BLOCKING function calls are not supported for this model"', "2026-10"
        ),
        "scheduling": Evidence('1007 "Function response scheduling is not supported for this model"', "2026-10"),
        "result_parts": Evidence("pydantic-ai", "2026-09-28"),
        "lost_calls_block": Evidence("pydantic-ai `_answer_lost_tool_calls`", "2026-10"),
        "tools_ignored": Evidence("pydantic-ai", "2026-10"),
        "context_update": Evidence("vertex"),
        "interaction_status": Evidence("https://ai.google.dev/gemini-api/docs/live-api/thinking", "2026-09-25"),
    },
    TRANSCRIBE_3_5.name: {
        "task": Evidence("https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-5-transcribe"),
        "input_words": Evidence("adk `_gemini_stt.py`, pipecat `stt.py`, livekit `gemini_stt.py`", "2026-11"),
    },
    TRANSLATE_3_5.name: {
        "task": Evidence("https://ai.google.dev/gemini-api/docs/live-api/live-translate"),
    },
    ROBOTICS_ER_2.name: {
        "modalities": Evidence("pydantic-ai: AUDIO is closed with 1007", "2026-10-22"),
    },
    HALF_CASCADE.name: {
        "modalities": Evidence("recorded", "2025"),
        "seeds_answered": Evidence("pipecat `_create_initial_response`, of all but 3.x", "2026-11"),
        "turn_ends_at_calls": Evidence("recorded; python-genai's live tests", "2026"),
    },
}
"""By family and field."""


NOT_LIVE: Final = frozenset(
    {
        "candidateCount", "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema",
        "responseJsonSchemaOrdered", "responseLogprobs", "logprobs", "routingConfig", "audioTimestamp",
    }
)  # fmt: skip
"""Fields of `generationConfig` that close the connection, whatever the model.

Source: https://ai.google.dev/api/live#BidiGenerateContentSetup, "The following fields are not supported"; for
`candidateCount` firebase-unity-sdk 1314.
"""

VOICES: Final = (
    "Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe", "Enceladus",
    "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia", "Achernar", "Alnilam",
    "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat",
)  # fmt: skip
"""The prebuilt voices of every family that speaks; half-cascade models had the first eight. Case does not matter.

Source: https://ai.google.dev/gemini-api/docs/speech-generation#voices.
"""


def family_of(model: str) -> Family:
    """The family of a model, by its name or any resource name that ends in it; the longest matching name decides."""
    name = model.rpartition("/")[2].lower()
    matches = [(len(start), family) for family in FAMILIES for start in family.names if name.startswith(start)]
    return max(matches, key=lambda match: match[0])[1] if matches else UNKNOWN


def on_vertex(family: Family) -> Family:
    """The same family as Vertex AI serves it.

    Whether a turn cuts the reply of 2.5 native audio there, nobody has said; of the half cascade it was seen. Source:
    pydantic-ai, live, 2026-09-28; https://ai.google.dev/api/live, "will interrupt any current model generation".
    """
    return family if family.content_interrupts else msgspec.structs.replace(family, content_interrupts=True)


def is_on_vertex(model: str) -> bool:
    """Whether this is a model of Vertex AI: there it is a resource of a publisher."""
    return "publishers/" in model
