"""The service's messages, spelled as the service spells them.

One struct per message of the Live API (BidiGenerateContent); attributes are the snake_case of the wire's
lowerCamelCase. Fields and types follow the protobuf definitions of `google-ai-generativelanguage` 0.12.1
(google.ai.generativelanguage.v1beta), and for what is newer or Vertex-only the types of `google-genai` 3.4.0 and the
reference pages at https://ai.google.dev/api/live and https://docs.cloud.google.com/vertex-ai. Deep structures that this
package only passes through (grounding, search results, rare tools) stay plain dicts.

Bytes fields stay base64 text: most of them are audio, which is decoded only where it is used.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, ClassVar

import msgspec

Json = dict[str, Any]


class CloseCode(IntEnum):
    """How a connection ends, in the numbers of RFC 6455 7.4.1; they stand here because both ends need them."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    WITHOUT_CODE = 1005
    """Never sent: the close said nothing."""
    NONE = 1006
    """Never sent: the connection ended without a close."""
    INVALID_ARGUMENT = 1007
    """The RFC's "invalid payload data"; the service closes with it on what it cannot take."""
    POLICY = 1008
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    RESTART = 1012
    OVERLOADED = 1013
    BAD_GATEWAY = 1014


class EnumNames(tuple[str, ...]):
    """The names of an enum by number: proto3 JSON allows either. They stay text here, as new ones are added to it."""


Modality = Annotated[str, EnumNames(("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"))]


class Message(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all structs here: camelCase on the wire, unset fields omitted, unknown fields left to the codec.

    Attributes:
        tells_by_presence: that it is there says the most of it, whatever it holds.
    """

    tells_by_presence: ClassVar[bool] = False


# --- shared by both directions -------------------------------------------------------------------------------------


class Blob(Message):
    """Inline media. Source: protobuf `Blob`; `displayName` is Vertex-only."""

    mime_type: str = ""
    data: str = ""
    display_name: str | None = None


class FunctionCall(Message):
    """One call the model asks for. `id` has been seen missing on Vertex (js-genai#1210)."""

    id: str | None = None
    name: str = ""
    args: Json | None = None
    partial_args: list[Json] | None = None
    will_continue: bool | None = None


class FunctionResponse(Message):
    """The answer to one call. `willContinue` is for generators and Gemini API only."""

    id: str | None = None
    name: str | None = None
    response: Json | None = None
    scheduling: str | None = None
    will_continue: bool | None = None
    parts: list[Json] | None = None


class Part(Message):
    """One part of a turn: text, a thought, media, code, or a server-side tool."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: Json | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: Json | None = None
    code_execution_result: Json | None = None
    video_metadata: Json | None = None
    part_metadata: Json | None = None
    tool_call: Json | None = None
    tool_response: Json | None = None
    audio_transcription: Json | None = None
    media_resolution: Json | None = None
    media_processing: str | None = None
    speech_metadata: Json | None = None
    document_metadata: Json | None = None
    spreadsheet_metadata: Json | None = None
    audio_metadata: Json | None = None


class Content(Message):
    """A turn. `role` is `user` or `model`; the Gemini API omits it in what it sends, Vertex says `model`."""

    role: str | None = None
    parts: list[Part] = []


# --- service to client ---------------------------------------------------------------------------------------------


class SetupComplete(Message):
    """The session is ready. Empty on the Gemini API; Vertex adds `sessionId`."""

    tells_by_presence: ClassVar[bool] = True
    session_id: str | None = None
    voice_consent_signature: Json | None = None


class Transcription(Message):
    """A piece of transcript; pieces are appended. May be empty (seen in recorded Vertex sessions)."""

    text: str = ""
    finished: bool | None = None
    language_code: str | None = None
    speaker_label: str | None = None
    words: list[Json] | None = None
    start_offset: str | None = None
    end_offset: str | None = None


class ServerContent(Message):
    """What the model says. Models from 3.1 on send several parts and a transcript in one message."""

    model_turn: Content | None = None
    generation_complete: bool = False
    turn_complete: bool = False
    interrupted: bool = False
    grounding_metadata: Json | None = None
    input_transcription: Transcription | None = None
    output_transcription: Transcription | None = None
    interim_input_transcription: Transcription | None = None
    url_context_metadata: Json | None = None
    turn_complete_reason: str | None = None
    waiting_for_input: bool = False
    interaction_status: str | None = None
    speech_state: str | None = None


class ToolCall(Message):
    """Functions the client is asked to call."""

    function_calls: list[FunctionCall] = []


class ToolCallCancellation(Message):
    """Calls whose results are no longer wanted."""

    ids: list[str] = []


class ModalityTokenCount(Message):
    modality: Modality = "MODALITY_UNSPECIFIED"
    token_count: int = 0


class UsageMetadata(Message):
    """Token counts. Vertex spells `response...` as `candidates...`."""

    prompt_token_count: int = 0
    cached_content_token_count: int = 0
    response_token_count: int = 0
    candidates_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0
    prompt_tokens_details: list[ModalityTokenCount] = []
    cache_tokens_details: list[ModalityTokenCount] = []
    response_tokens_details: list[ModalityTokenCount] = []
    candidates_tokens_details: list[ModalityTokenCount] = []
    tool_use_prompt_tokens_details: list[ModalityTokenCount] = []
    traffic_type: str | None = None
    service_tier: str | None = None


class GoAway(Message):
    """The service will end the connection in `timeLeft`, a Duration such as `50s`."""

    tells_by_presence: ClassVar[bool] = True
    time_left: str | None = None


class SessionResumptionUpdate(Message):
    """A new handle to resume with; `resumable` is false, and the handle empty, while the model generates."""

    new_handle: str = ""
    resumable: bool = False
    last_consumed_client_message_index: str | int | None = None


class VoiceActivity(Message):
    """`type` is ACTIVITY_START or ACTIVITY_END (google-genai renames it `voice_activity_type`)."""

    type: str = ""
    audio_offset: str | None = None


class VoiceActivityDetectionSignal(Message):
    vad_signal_type: str = ""


class ErrorStatus(Message):
    """In-band error, described by one third-party page and never seen in a recording."""

    code: int = 0
    status: str = ""
    message: str = ""
    details: list[Json] | None = None


class ServerMessage(Message):
    """One frame from the service: at most one member, plus optional `usageMetadata`."""

    setup_complete: SetupComplete | None = None
    server_content: ServerContent | None = None
    tool_call: ToolCall | None = None
    tool_call_cancellation: ToolCallCancellation | None = None
    usage_metadata: UsageMetadata | None = None
    go_away: GoAway | None = None
    session_resumption_update: SessionResumptionUpdate | None = None
    voice_activity: VoiceActivity | None = None
    voice_activity_detection_signal: VoiceActivityDetectionSignal | None = None
    error: ErrorStatus | None = None


# --- client to service ---------------------------------------------------------------------------------------------


class PrebuiltVoiceConfig(Message):
    voice_name: str | None = None


class VoiceConfig(Message):
    prebuilt_voice_config: PrebuiltVoiceConfig | None = None
    replicated_voice_config: Json | None = None
    voice: str | None = None


class SpeechConfig(Message):
    voice_config: VoiceConfig | None = None
    multi_speaker_voice_config: Json | None = None
    language_code: str | None = None


class ThinkingConfig(Message):
    """`thinkingBudget` is for 2.5 models, `thinkingLevel` for 3.1 and 3.8 extended thinking."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class TranslationConfig(Message):
    target_language_code: str | None = None
    echo_target_language: bool | None = None


class AudioTranscriptionConfig(Message):
    """Present, even empty, means: transcribe."""

    language_codes: list[str] | None = None
    language_auto: Json | None = None
    language_hints: Json | None = None
    custom_vocabulary: list[str] | None = None
    adaptation_phrases: list[str] | None = None
    word_timestamp: bool | None = None
    diarization: bool | None = None
    mode: str | None = None
    source_text: str | None = None


class GenerationConfig(Message):
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_modalities: list[str] | None = None
    speech_config: SpeechConfig | None = None
    thinking_config: ThinkingConfig | None = None
    media_resolution: str | None = None
    enable_affective_dialog: bool | None = None
    translation_config: TranslationConfig | None = None
    audio_transcription_config: AudioTranscriptionConfig | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Json | None = None
    response_json_schema: Any = None
    response_json_schema_ordered: Any = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    routing_config: Json | None = None
    model_selection_config: Json | None = None
    audio_timestamp: bool | None = None
    enable_enhanced_civic_answers: bool | None = None
    image_config: Json | None = None
    response_format: list[Json] | None = None


class FunctionDeclaration(Message):
    """A function the model may call; `parameters` is the service's Schema (upper-case types)."""

    name: str = ""
    description: str | None = None
    parameters: Json | None = None
    parameters_json_schema: Any = None
    response: Json | None = None
    response_json_schema: Any = None
    behavior: str | None = None


class Tool(Message):
    function_declarations: list[FunctionDeclaration] | None = None
    google_search: Json | None = None
    google_search_retrieval: Json | None = None
    code_execution: Json | None = None
    url_context: Json | None = None
    google_maps: Json | None = None
    file_search: Json | None = None
    computer_use: Json | None = None
    mcp_servers: list[Json] | None = None
    retrieval: Json | None = None
    enterprise_web_search: Json | None = None
    parallel_ai_search: Json | None = None
    exa_ai_search: Json | None = None


class AutomaticActivityDetection(Message):
    disabled: bool | None = None
    start_of_speech_sensitivity: str | None = None
    end_of_speech_sensitivity: str | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


class RealtimeInputConfig(Message):
    automatic_activity_detection: AutomaticActivityDetection | None = None
    activity_handling: str | None = None
    turn_coverage: str | None = None
    interim_transcript_timestamp_enabled: bool | None = None


class SessionResumptionConfig(Message):
    """Present, even empty, means: send handles. `transparent` is Vertex-only."""

    handle: str | None = None
    transparent: bool | None = None


class SlidingWindow(Message):
    target_tokens: str | int | None = None


class ContextWindowCompressionConfig(Message):
    trigger_tokens: str | int | None = None
    sliding_window: SlidingWindow | None = None


class ProactivityConfig(Message):
    proactive_audio: bool | None = None
    proactive_video: bool | None = None


class HistoryConfig(Message):
    initial_history_in_client_content: bool | None = None


class Setup(Message):
    """The first message, once. Everything but `model` is optional."""

    model: str = ""
    generation_config: GenerationConfig | None = None
    system_instruction: Content | None = None
    tools: list[Tool] | None = None
    realtime_input_config: RealtimeInputConfig | None = None
    session_resumption: SessionResumptionConfig | None = None
    context_window_compression: ContextWindowCompressionConfig | None = None
    input_audio_transcription: AudioTranscriptionConfig | None = None
    output_audio_transcription: AudioTranscriptionConfig | None = None
    proactivity: ProactivityConfig | None = None
    history_config: HistoryConfig | None = None
    explicit_vad_signal: bool | None = None
    avatar_config: Json | None = None
    safety_settings: list[Json] | None = None
    labels: dict[str, str] | None = None
    tool_config: Json | None = None  # Firebase AI Logic only: firebase-android-sdk 7196


class ClientContent(Message):
    """Turns appended to the history; interrupts the model; `turnComplete` asks for an answer."""

    turns: list[Content] = []
    turn_complete: bool = False


class RealtimeInput(Message):
    """One item of one stream. `activityStart`/`activityEnd` only with automatic detection off."""

    audio: Blob | None = None
    video: Blob | None = None
    text: str | None = None
    activity_start: Json | None = None
    activity_end: Json | None = None
    audio_stream_end: bool | None = None
    media_chunks: list[Blob] | None = None


class ToolResponse(Message):
    function_responses: list[FunctionResponse] = []


class ContextUpdateTools(Message, omit_defaults=False):
    """The wrapper tells an empty list (no tools any more) from an absent one (keep them)."""

    tools: list[Tool] = []


class ContextUpdate(Message):
    """New instructions or tools in mid-session; absent means keep. Documented for Vertex with 3.8 models."""

    system_instruction: Content | None = None
    tools: ContextUpdateTools | None = None


class ClientMessage(Message):
    """One frame from the client: exactly one member."""

    setup: Setup | None = None
    client_content: ClientContent | None = None
    realtime_input: RealtimeInput | None = None
    tool_response: ToolResponse | None = None
    context_update: ContextUpdate | None = None
