"""Where what the peer sends differs from recorded sessions, and why."""

from __future__ import annotations

DIFFERENCES = {
    "toolCall.functionCalls.id": "ids are new in each session; their form is the recorded one",
    "setupComplete.sessionId": "so are the names of sessions",
    "sessionResumptionUpdate.newHandle": "and handles",
    "usageMetadata.promptTokenCount": "the service counts a prompt of its own, and tokens, not words",
    "usageMetadata.responseTokenCount": "payloads of audio were shortened by who recorded them",
    "usageMetadata.totalTokenCount": "follows from the others",
    "usageMetadata.thoughtsTokenCount": "tokens, not words",
    "usageMetadata.promptTokensDetails.tokenCount": "as the count",
    "usageMetadata.responseTokensDetails.tokenCount": "as the count",
    "serverContent.modelTurn.parts.inlineData.data": "a payload that was cut inside a sample ends before it",
}
"""Values that are others than recorded, and why."""

EXCEPTIONS = {
    ("test_tool_call_round", "usageMetadata.responseTokensDetails.modality"): "the service counted this call as 22"
    " tokens of text, and the calls of other recordings not at all; here calls do not count",
    ("live_ML_Dev_should_reply_to_realtime_text_input", "serverContent.modelTurn.parts.text"): "the service cut the"
    " text after a token, here it is cut after a word",
    ("test_audio_in_server_vad_turn", "serverContent.inputTranscription.text"): "the service cut a word in two",
}
"""What differs in one recording only."""
