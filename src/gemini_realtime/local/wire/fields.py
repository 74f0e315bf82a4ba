"""Every field that a client may send, with its type.

A line holds the fields of one message: `name:type`, in brackets when repeated, in braces when a map of names, and
after a slash the oneof that the field belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

# The protobuf types of google-ai-generativelanguage 0.12.1, `google.ai.generativelanguage.v1beta`; the prefix
# `BidiGenerateContent` is left out.
OFFICIAL: Final[dict[str, str]] = {
    "ClientMessage": "setup:Setup/message_type clientContent:ClientContent/message_type"
    " realtimeInput:RealtimeInput/message_type toolResponse:ToolResponse/message_type",
    "Setup": "model:string generationConfig:GenerationConfig systemInstruction:Content tools:[Tool]"
    " realtimeInputConfig:RealtimeInputConfig sessionResumption:SessionResumptionConfig"
    " contextWindowCompression:ContextWindowCompressionConfig inputAudioTranscription:AudioTranscriptionConfig"
    " outputAudioTranscription:AudioTranscriptionConfig",
    "GenerationConfig": "candidateCount:int32 stopSequences:[string] maxOutputTokens:int32 temperature:float topP:float"
    " topK:int32 seed:int32 responseMimeType:string responseSchema:Schema responseJsonSchema:Value"
    " responseJsonSchemaOrdered:Value presencePenalty:float frequencyPenalty:float responseLogprobs:bool"
    " logprobs:int32 enableEnhancedCivicAnswers:bool responseModalities:[GenerationConfig.Modality]"
    " speechConfig:SpeechConfig thinkingConfig:ThinkingConfig imageConfig:ImageConfig"
    " mediaResolution:GenerationConfig.MediaResolution",
    "Schema": "type:Type format:string title:string description:string nullable:bool enum:[string] items:Schema"
    " maxItems:int64 minItems:int64 properties:{Schema} required:[string] minProperties:int64 maxProperties:int64"
    " minimum:double maximum:double minLength:int64 maxLength:int64 pattern:string example:Value anyOf:[Schema]"
    " propertyOrdering:[string] default:Value",
    "SpeechConfig": "voiceConfig:VoiceConfig multiSpeakerVoiceConfig:MultiSpeakerVoiceConfig languageCode:string",
    "VoiceConfig": "prebuiltVoiceConfig:PrebuiltVoiceConfig/voice_config",
    "PrebuiltVoiceConfig": "voiceName:string",
    "MultiSpeakerVoiceConfig": "speakerVoiceConfigs:[SpeakerVoiceConfig]",
    "SpeakerVoiceConfig": "speaker:string voiceConfig:VoiceConfig",
    "ThinkingConfig": "includeThoughts:bool thinkingBudget:int32",
    "ImageConfig": "aspectRatio:string",
    "Content": "parts:[Part] role:string",
    "Part": "text:string/data inlineData:Blob/data functionCall:FunctionCall/data"
    " functionResponse:FunctionResponse/data fileData:FileData/data executableCode:ExecutableCode/data"
    " codeExecutionResult:CodeExecutionResult/data videoMetadata:VideoMetadata/metadata thought:bool"
    " thoughtSignature:bytes partMetadata:Struct",
    "Blob": "mimeType:string data:bytes",
    "FunctionCall": "id:string name:string args:Struct",
    "FunctionResponse": "id:string name:string response:Struct parts:[FunctionResponsePart] willContinue:bool"
    " scheduling:FunctionResponse.Scheduling",
    "FunctionResponsePart": "inlineData:FunctionResponseBlob/data",
    "FunctionResponseBlob": "mimeType:string data:bytes",
    "FileData": "mimeType:string fileUri:string",
    "ExecutableCode": "language:ExecutableCode.Language code:string",
    "CodeExecutionResult": "outcome:CodeExecutionResult.Outcome output:string",
    "VideoMetadata": "startOffset:Duration endOffset:Duration fps:double",
    "Tool": "functionDeclarations:[FunctionDeclaration] googleSearchRetrieval:GoogleSearchRetrieval"
    " codeExecution:CodeExecution googleSearch:Tool.GoogleSearch computerUse:Tool.ComputerUse urlContext:UrlContext"
    " fileSearch:FileSearch googleMaps:GoogleMaps",
    "FunctionDeclaration": "name:string description:string parameters:Schema parametersJsonSchema:Value"
    " response:Schema responseJsonSchema:Value behavior:FunctionDeclaration.Behavior",
    "GoogleSearchRetrieval": "dynamicRetrievalConfig:DynamicRetrievalConfig",
    "DynamicRetrievalConfig": "mode:DynamicRetrievalConfig.Mode dynamicThreshold:float",
    "CodeExecution": "",
    "Tool.GoogleSearch": "timeRangeFilter:Interval",
    "Interval": "startTime:Timestamp endTime:Timestamp",
    "Tool.ComputerUse": "environment:Tool.ComputerUse.Environment excludedPredefinedFunctions:[string]",
    "UrlContext": "",
    "FileSearch": "retrievalResources:[FileSearch.RetrievalResource] retrievalConfig:FileSearch.RetrievalConfig",
    "FileSearch.RetrievalResource": "ragStoreName:string",
    "FileSearch.RetrievalConfig": "topK:int32 metadataFilter:string",
    "GoogleMaps": "enableWidget:bool",
    "RealtimeInputConfig": "automaticActivityDetection:RealtimeInputConfig.AutomaticActivityDetection"
    " activityHandling:RealtimeInputConfig.ActivityHandling turnCoverage:RealtimeInputConfig.TurnCoverage",
    "RealtimeInputConfig.AutomaticActivityDetection": "disabled:bool"
    " startOfSpeechSensitivity:RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity prefixPaddingMs:int32"
    " endOfSpeechSensitivity:RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity silenceDurationMs:int32",
    "SessionResumptionConfig": "handle:string",
    "ContextWindowCompressionConfig": "triggerTokens:int64"
    " slidingWindow:ContextWindowCompressionConfig.SlidingWindow/compression_mechanism",
    "ContextWindowCompressionConfig.SlidingWindow": "targetTokens:int64",
    "AudioTranscriptionConfig": "",
    "ClientContent": "turns:[Content] turnComplete:bool",
    "RealtimeInput": "mediaChunks:[Blob] audio:Blob audioStreamEnd:bool video:Blob text:string"
    " activityStart:RealtimeInput.ActivityStart activityEnd:RealtimeInput.ActivityEnd",
    "RealtimeInput.ActivityStart": "",
    "RealtimeInput.ActivityEnd": "",
    "ToolResponse": "functionResponses:[FunctionResponse]",
}  # fmt: skip

# What those types are too old for, or what only Vertex AI has: the types of google-genai 3.4.0 (`types.py`), and where
# a second source stands behind a message, the reference pages of the two services. `Json` is passed through unread.
NEWER: Final[dict[str, str]] = {
    "ClientMessage": "contextUpdate:ContextUpdate/message_type",
    "AuthToken": "name:string uses:int32 expireTime:Timestamp newSessionExpireTime:Timestamp"
    " bidiGenerateContentSetup:Setup fieldMask:string",
    "ContextUpdate": "systemInstruction:Content tools:ContextUpdateTools",
    "ContextUpdateTools": "tools:[Tool]",
    "Setup": "proactivity:ProactivityConfig historyConfig:HistoryConfig explicitVadSignal:bool"
    " avatarConfig:AvatarConfig safetySettings:[SafetySetting] labels:{string} toolConfig:Json",
    "ProactivityConfig": "proactiveAudio:bool proactiveVideo:bool",
    "HistoryConfig": "initialHistoryInClientContent:bool",
    "AvatarConfig": "avatarName:string customizedAvatar:CustomizedAvatar audioBitrateBps:int32 videoBitrateBps:int32",
    "CustomizedAvatar": "imageMimeType:string imageData:bytes",
    "SafetySetting": "category:HarmCategory method:HarmBlockMethod threshold:HarmBlockThreshold",
    "GenerationConfig": "enableAffectiveDialog:bool translationConfig:TranslationConfig routingConfig:Json"
    " audioTranscriptionConfig:AudioTranscriptionConfig modelSelectionConfig:Json audioTimestamp:bool"
    " responseFormat:[Json]",
    "TranslationConfig": "targetLanguageCode:string echoTargetLanguage:bool",
    "ThinkingConfig": "thinkingLevel:ThinkingLevel",
    "VoiceConfig": "replicatedVoiceConfig:ReplicatedVoiceConfig/voice_config voice:string/voice_config",
    "ReplicatedVoiceConfig": "mimeType:string voiceSampleAudio:bytes consentAudio:bytes voiceConsentSignature:Json",
    "AudioTranscriptionConfig": "languageCodes:[string] languageAuto:Json languageHints:LanguageHints"
    " customVocabulary:[string] adaptationPhrases:[string] wordTimestamp:bool diarization:bool"
    " mode:AudioTranscriptionConfig.Mode sourceText:string",
    "LanguageHints": "languageCodes:[string]",
    "RealtimeInputConfig": "interimTranscriptTimestampEnabled:bool",
    "SessionResumptionConfig": "transparent:bool",
    "Schema": "additionalProperties:Value defs:{Schema} ref:string",
    "Blob": "displayName:string",
    "FunctionCall": "partialArgs:[Json] willContinue:bool",
    "FunctionResponsePart": "fileData:FileData/data mediaProcessing:string mediaResolution:Json videoMetadata:Json"
    " documentMetadata:Json spreadsheetMetadata:Json audioMetadata:Json",
    "FunctionResponseBlob": "displayName:string",
    "FileData": "displayName:string",
    "ExecutableCode": "id:string",
    "CodeExecutionResult": "id:string",
    "VideoMetadata": "contentLayers:[string]",
    "Part": "toolCall:Json/data toolResponse:Json/data audioTranscription:Json/data mediaResolution:Json"
    " mediaProcessing:string speechMetadata:Json documentMetadata:Json spreadsheetMetadata:Json audioMetadata:Json",
    "Tool": "mcpServers:[Json] retrieval:Json enterpriseWebSearch:Json parallelAiSearch:Json exaAiSearch:Json",
    "Tool.GoogleSearch": "searchTypes:Json excludeDomains:[string] blockingConfidence:string",
    "Tool.ComputerUse": "enablePromptInjectionDetection:bool disabledSafetyPolicies:[string]",
    "GoogleMaps": "authConfig:Json groundingTypes:Json",
    "FileSearch": "fileSearchStoreNames:[string] topK:int32 metadataFilter:string",
}  # fmt: skip

ENUMS: Final[dict[str, str]] = {
    "GenerationConfig.Modality": "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO",
    "GenerationConfig.MediaResolution": "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM"
    " MEDIA_RESOLUTION_HIGH",
    "Type": "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
    "FunctionResponse.Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
    "ExecutableCode.Language": "LANGUAGE_UNSPECIFIED PYTHON",
    "CodeExecutionResult.Outcome": "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED",
    "FunctionDeclaration.Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
    "DynamicRetrievalConfig.Mode": "MODE_UNSPECIFIED MODE_DYNAMIC",
    "Tool.ComputerUse.Environment": "ENVIRONMENT_UNSPECIFIED ENVIRONMENT_BROWSER",
    "RealtimeInputConfig.ActivityHandling": "ACTIVITY_HANDLING_UNSPECIFIED START_OF_ACTIVITY_INTERRUPTS"
    " NO_INTERRUPTION",
    "RealtimeInputConfig.TurnCoverage": "TURN_COVERAGE_UNSPECIFIED TURN_INCLUDES_ONLY_ACTIVITY TURN_INCLUDES_ALL_INPUT",
    "RealtimeInputConfig.AutomaticActivityDetection.StartSensitivity": "START_SENSITIVITY_UNSPECIFIED"
    " START_SENSITIVITY_HIGH START_SENSITIVITY_LOW",
    "RealtimeInputConfig.AutomaticActivityDetection.EndSensitivity": "END_SENSITIVITY_UNSPECIFIED END_SENSITIVITY_HIGH"
    " END_SENSITIVITY_LOW",
}

NEWER_ENUMS: Final[dict[str, str]] = {
    "GenerationConfig.Modality": "VIDEO",
    "Tool.ComputerUse.Environment": "ENVIRONMENT_MOBILE ENVIRONMENT_DESKTOP",
    "RealtimeInputConfig.TurnCoverage": "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
    "ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH XHIGH",
    "AudioTranscriptionConfig.Mode": "MODE_UNSPECIFIED VERBATIM SMART",
    "HarmCategory": "HARM_CATEGORY_UNSPECIFIED HARM_CATEGORY_HARASSMENT HARM_CATEGORY_HATE_SPEECH"
    " HARM_CATEGORY_SEXUALLY_EXPLICIT HARM_CATEGORY_DANGEROUS_CONTENT HARM_CATEGORY_CIVIC_INTEGRITY"
    " HARM_CATEGORY_JAILBREAK HARM_CATEGORY_IMAGE_HATE HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT"
    " HARM_CATEGORY_IMAGE_HARASSMENT HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
    "HarmBlockMethod": "HARM_BLOCK_METHOD_UNSPECIFIED SEVERITY PROBABILITY",
    "HarmBlockThreshold": "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH"
    " BLOCK_NONE OFF",
}


class Field(NamedTuple):
    """One field: both spellings, its type, whether it is repeated or a map, and its oneof."""

    wire_name: str
    snake_name: str
    type: str
    repeated: bool
    mapped: bool
    oneof: str


MESSAGES: Final = frozenset(OFFICIAL) | frozenset(NEWER)


@cache
def fields_of(message: str) -> dict[str, Field]:
    """The fields of a message under both spellings."""
    fields: dict[str, Field] = {}
    for line in (OFFICIAL.get(message, ""), NEWER.get(message, "")):
        for entry in line.split():
            field = _field(entry)
            fields[field.wire_name] = fields[field.snake_name] = field
    return fields


@cache
def values_of(enum: str) -> tuple[str, ...] | None:
    """The values of an enum in order, those of the official types first; None when there is no such enum."""
    values = f"{ENUMS.get(enum, '')} {NEWER_ENUMS.get(enum, '')}".split()
    return tuple(values) or None


def snake_case(name: str) -> str:
    """The other spelling of a name in lowerCamelCase."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def is_field(message: str, path: Sequence[str]) -> bool:
    """Whether a path of names, in either spelling, leads to a field inside this message."""
    for name in path:
        field = fields_of(message).get(name)
        if field is None:
            return False
        message = "" if field.repeated or field.mapped else field.type
    return bool(path)


def paths_in(value: dict[str, Any], message: str) -> Iterator[tuple[str, ...]]:
    """The paths to all that is set in a message that `conform` has read, as far as they lead through messages."""
    for name, member in value.items():
        field = fields_of(message)[name]
        if isinstance(member, dict) and member and field.type in MESSAGES and not field.mapped:
            yield from ((name, *path) for path in paths_in(member, field.type))
        else:
            yield (name,)


def _field(entry: str) -> Field:
    name, _, rest = entry.partition(":")
    kind, _, oneof = rest.partition("/")
    return Field(name, snake_case(name), kind.strip("[]{}"), kind.startswith("["), kind.startswith("{"), oneof)
