"""How each family of models behaves on the wire: one profile per family, chosen by the model's name.

A profile is a page of facts. Beside each field that differs from the usual stands where that was seen and when; where
reports differ, the newest is the default and `otherwise` names what others saw, which `profile_named` can choose:
`3.1-flash-live:media_chunks=ignored`. docs/server-rules.md shows all of it.

Short names of sources:
    recorded    sessions with the service that Google and pydantic-ai recorded
    guide       https://ai.google.dev/gemini-api/docs/live-guide, table "Model comparison"
    vertex      https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/live-api
    pydantic-ai `profiles/google.py` and `realtime/google.py` of 2.68, where "live" means measured with the service
    pipecat     `services/google/gemini_live/llm.py` of 1.14
    livekit     livekit-plugins-google 1.8.9
    adk         `models/gemini_llm_connection.py` of google-adk 2.13, which Google writes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, NamedTuple, get_args, get_type_hints

from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError

Behavior = Literal["BLOCKING", "NON_BLOCKING"]
Coverage = Literal[
    "TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT", "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
]


class Oddity(NamedTuple):
    """Something that the service does now and then, here at regular turns, so that a test can be repeated.

    Attributes:
        every: it happens once in so many turns; never, when 0.
        seed: moves the turn at which it happens; with 0 that is the last of each `every`.
    """

    every: int
    seed: int = 0

    def happens(self, turn: int) -> bool:
        """Whether it happens in this turn, counted from 1."""
        return self.every > 0 and (turn + self.seed) % self.every == 0


NEVER: Final = Oddity(0)


class Evidence(NamedTuple):
    """Why a field of a profile is as it is.

    Attributes:
        source: who saw it.
        date: when, as far as known.
        otherwise: another value of the field that others saw, and who: the service changed, or they disagree.
    """

    source: str
    date: str
    otherwise: str = ""


@dataclass(frozen=True, kw_only=True)
class ServiceProfile:
    """What a family of models takes and how it answers.

    Attributes:
        name: what `profile_named` knows it by.
        models: parts of the names of its models.
        evidence: of the fields that differ from the usual, by their names.
        vertex: whether it speaks as Vertex AI does.
        task: a conversation, the user's words in writing, or the user's words in another language.
        modalities: what it answers in, the default first.
        thinking: how its thinking is steered; `any` takes everything.
        thinking_levels: the levels it takes.
        moods: whether it takes `proactivity` and `enableAffectiveDialog`.
        behaviors: what functions may be; the default first.
        always_blocks: whether a function blocks though it was declared NON_BLOCKING.
        null_handle: whether `sessionResumption.handle` may be null.
        role_required: whether a turn without `role` closes the connection.
        system_role: whether a turn with the role `system` changes the instructions.
        content_any_time: whether `clientContent` is taken after the model's first turn.
        content_interrupts: whether `clientContent` cuts the reply under way; else it waits for its end.
        seeds_answered: whether a completed seed is answered though `historyConfig` says that it is history.
        seeds_wait: whether speech knows nothing of a seed that was not completed.
        seed_functions: what becomes of function calls and results in `clientContent`.
        seed_audio: what becomes of audio in `clientContent`; to be recalled, it has to be 16 kHz.
        media_chunks: what becomes of `realtimeInput.mediaChunks`.
        coverage: which input belongs to a turn unless the client says otherwise.
        input_words: whether the user's words come one by one; else an utterance is one message.
        input_unasked: whether they come though nobody asked for them.
        tells_activity: whether the client is told when the user speaks.
        bundles: whether a transcript comes in one message with its audio.
        transcript_words: whether a transcript comes word by word; else its first word and then the rest.
        transcript_first: whether the whole transcript of a turn comes before its audio.
        writes_transcripts: whether a text is sent as `outputTranscription`.
        audio_parts: into how many parts of one message a piece of audio goes.
        thoughts: turns that begin with a thought though nobody asked for thoughts.
        opens_empty: whether what it generates begins with an empty `serverContent`.
        bare_frames: turns that begin with the frame `{}`.
        announces_search: turns that begin with a bare `codeExecutionResult`, where Google Search is a tool.
        grounds_empty: whether a spoken turn ends with an empty `groundingMetadata`.
        interaction_status: whether `turnComplete` says if more follows by itself.
        no_turn_complete: turns whose end is not told.
        shows_code: whether a call is preceded by the code that makes it.
        call_ids: how the ids of calls begin; UUIDs when empty.
        calls_after_turn: whether it says that it is at work, completes that turn, and makes its calls then.
        generated_at_calls: whether generation is complete when it waits for results.
        turn_ends_at_calls_s: how long after calls that block their turn ends, unless the results are there.
        text_waits_for_calls: whether text waits for the results of calls that block; else it cancels them.
        input_cancels_calls: whether input while a call blocks interrupts though the client wants no interruptions.
        discards_calls: whether an interruption makes it forget the calls of its turn without a word and make them
            again in the next.
        lost_calls_block: whether a resumed session waits for results of calls whose connection was lost, so that the
            next input only ends that exchange.
        results_need_ids: whether a result of a call that blocks is dropped when it has no id.
        result_parts: the MIME types of what a result may have as `parts`; any when empty.
        defers_interrupts: whether a result that is to interrupt waits while the user speaks.
        unasked_handle: when a handle comes though nobody asked for handles.
        withholds_handles: whether the client is told in a turn that its session cannot be resumed; else it gets a
            handle that includes the turn.
        go_away_before_s: how long before the end of a connection that is announced.
    """

    name: str
    models: tuple[str, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict, compare=False)
    vertex: bool = False
    # --- what it takes
    task: Literal["converse", "transcribe", "translate"] = "converse"
    modalities: tuple[str, ...] = ("AUDIO", "TEXT", "VIDEO")
    thinking: Literal["any", "none", "budget", "level", "level_required"] = "any"
    thinking_levels: tuple[str, ...] = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
    moods: bool = True
    behaviors: tuple[Behavior, ...] = ("BLOCKING", "NON_BLOCKING")
    always_blocks: bool = False
    null_handle: bool = True
    role_required: bool = False
    system_role: bool = False
    # --- what the client says
    content_any_time: bool = True
    content_interrupts: bool = True
    seeds_answered: bool = False
    seeds_wait: bool = False
    seed_functions: Literal["kept", "lost on resume", "refused"] = "kept"
    seed_audio: Literal["recalled", "ignored", "refused"] = "ignored"
    media_chunks: Literal["heard", "ignored", "refused"] = "heard"
    coverage: Coverage = "TURN_INCLUDES_ONLY_ACTIVITY"
    # --- what the user says
    input_words: bool = True
    input_unasked: bool = False
    tells_activity: Literal["never", "when asked", "always"] = "never"
    # --- what the model says
    bundles: bool = True
    transcript_words: bool = True
    transcript_first: bool = False
    writes_transcripts: bool = False
    audio_parts: int = 1
    thoughts: Oddity = NEVER
    opens_empty: bool = False
    bare_frames: Oddity = NEVER
    announces_search: Oddity = NEVER
    grounds_empty: bool = False
    interaction_status: bool = False
    no_turn_complete: Oddity = NEVER
    # --- calls
    shows_code: bool = False
    call_ids: str = "function-call-"
    calls_after_turn: bool = False
    generated_at_calls: bool = False
    turn_ends_at_calls_s: float | None = None
    text_waits_for_calls: bool = False
    input_cancels_calls: bool = False
    discards_calls: bool = False
    lost_calls_block: bool = False
    results_need_ids: bool = False
    result_parts: tuple[str, ...] = ()
    defers_interrupts: bool = False
    # --- the session
    unasked_handle: Literal["never", "after setup", "after results"] = "never"
    withholds_handles: bool = True
    go_away_before_s: float = 50.0


_NOT_FACTS: Final = ("name", "models", "evidence", "vertex")


def facts_of(profile: ServiceProfile) -> dict[str, Any]:
    """The fields in which a profile differs from the usual, with their values."""
    facts = (known for known in fields(profile) if known.name not in _NOT_FACTS)
    return {known.name: value for known in facts if (value := getattr(profile, known.name)) != known.default}


_GUIDE: Final = Evidence("guide", "2026-09")
_RECORDED: Final = Evidence("recorded", "2025-2026")

_NEWER_COVERAGE: Final[Coverage] = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
_RESULT_PARTS: Final = ("image/png", "image/jpeg", "image/webp", "text/plain")
_WAITS_FOR_RESULTS_S: Final = 2.0
_AT_ONCE_S: Final = 0.1

_ENDS_LATE: Final = Evidence(
    "a guess that fits both: adk waits for `turnComplete` before it calls; in recorded sessions the result came at"
    " once, and no `turnComplete` before it",
    "2026-10",
    "None: pydantic-ai, of its recordings",
)
_TEXT_WAITS: Final = Evidence("Google's cookbook, LiveAPI_tools", "2026")

NATIVE_AUDIO_2_5: Final = ServiceProfile(
    name="2.5-native-audio",
    models=("native-audio", "flash-native-audio", "flash-preview-native-audio", "gemini-live-2.5-flash-native-audio"),
    modalities=("AUDIO",),
    thinking="budget",
    bundles=False,
    thoughts=Oddity(2),
    content_interrupts=False,
    seeds_answered=True,
    seeds_wait=True,
    seed_functions="refused",
    seed_audio="refused",
    text_waits_for_calls=True,
    turn_ends_at_calls_s=_WAITS_FOR_RESULTS_S,
    evidence={
        "modalities": _GUIDE,
        "thinking": _GUIDE,
        "bundles": _RECORDED,
        "thoughts": Evidence("recorded: 3 of 5 turns began with one", "2025-2026"),
        "content_interrupts": Evidence(
            "pydantic-ai, live with the model of 2025-09; livekit (JS)", "2026-10",
            "True: https://ai.google.dev/api/live, \"will interrupt any current model generation\"",
        ),
        "seeds_answered": Evidence("pipecat `_create_initial_response`; adk `send_history`", "2026-11"),
        "seeds_wait": Evidence("pipecat `_create_initial_response`, for a first utterance", "2026-11"),
        "seed_functions": Evidence("pydantic-ai, live; pipecat 4926; adk-python 4940", "2026-09"),
        "seed_audio": Evidence("pydantic-ai, live", "2026-09"),
        "text_waits_for_calls": _TEXT_WAITS,
        "turn_ends_at_calls_s": _ENDS_LATE,
    },
)  # fmt: skip

FLASH_LIVE_3_1: Final = ServiceProfile(
    name="3.1-flash-live",
    models=("gemini-3.1-flash-live", "gemini-3.1"),
    modalities=("AUDIO",),
    thinking="level",
    thinking_levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    moods=False,
    always_blocks=True,
    null_handle=False,
    role_required=True,
    coverage=_NEWER_COVERAGE,
    seed_functions="lost on resume",
    seed_audio="recalled",
    media_chunks="refused",
    input_words=False,
    input_unasked=True,
    tells_activity="always",
    opens_empty=True,
    announces_search=Oddity(3),
    unasked_handle="after results",
    call_ids="fc_",
    result_parts=_RESULT_PARTS,
    no_turn_complete=Oddity(8),
    evidence={
        "modalities": Evidence("guide; pydantic-ai, live: TEXT closes with 1007", "2026-09"),
        "thinking": _GUIDE,
        "thinking_levels": _GUIDE,
        "moods": Evidence("guide; js-genai 1953", "2026-09"),
        "always_blocks": Evidence("pydantic-ai, live with a slow tool", "2026-09"),
        "null_handle": Evidence("strands-agents 1999", "2026"),
        "role_required": Evidence("livekit `update_instructions`, Python and JS", "2026-11"),
        "coverage": _GUIDE,
        "seed_functions": Evidence("pydantic-ai, live: asked about the result before and after a resume", "2026-09"),
        "seed_audio": Evidence("pydantic-ai, live", "2026-09"),
        "media_chunks": Evidence(
            "sip-to-ai 5, sokuji 150", "2026", "ignored: adk-js 912, 2026-09-17, of 3.x",
        ),
        "input_words": Evidence("adk-python 6045 and `receive`", "2026"),
        "input_unasked": Evidence("pydantic-ai, live", "2026-10"),
        "tells_activity": Evidence("python-genai 2981; pydantic-ai, live", "2026-10"),
        "opens_empty": _RECORDED,
        "announces_search": Evidence("pydantic-ai, live; how often is a guess", "2026"),
        "unasked_handle": _RECORDED,
        "call_ids": _RECORDED,
        "result_parts": Evidence("pydantic-ai, live: a PDF closes with 1007", "2026-09-28"),
        "no_turn_complete": Evidence("reported by users; how often is a guess", "2026"),
        "content_any_time": Evidence(
            "livekit/agents 7289; google-genai's own live tests; pydantic-ai", "2026-09-15",
            "False: 1007 after the first turn, reported before that date",
        ),
    },
)  # fmt: skip

_LIVE_3_8_EVIDENCE: Final = {
    "modalities": _GUIDE,
    "thinking": Evidence("guide; pydantic-ai, live: any level closes with 1007", "2026-09-16"),
    "moods": Evidence("guide; js-genai 1953", "2026-09"),
    "behaviors": Evidence("guide; pydantic-ai, live", "2026-09-16"),
    "role_required": Evidence("livekit `update_instructions`, Python and JS", "2026-11"),
    "coverage": _GUIDE,
    "seed_audio": Evidence("pydantic-ai, live: 24 kHz closes with 1008", "2026-09-28"),
    "media_chunks": Evidence("adk-js 912", "2026-09-17", "refused: as 3.1 does, sip-to-ai 5"),
    "input_words": Evidence("adk-python 6045 and `receive`", "2026"),
    "input_unasked": Evidence("pydantic-ai, live", "2026-10"),
    "tells_activity": Evidence("python-genai 2981; pydantic-ai, live", "2026-10-19", "never: seen on 2026-09-18"),
    "audio_parts": Evidence(
        "pipecat reads the first part of a message only, and its users hear everything", "2026-11",
        "2: guide, \"several parts in one message\"",
    ),
    "bare_frames": Evidence("reported by users; how often is a guess", "2026-09"),
    "announces_search": Evidence("pydantic-ai, live; how often is a guess", "2026"),
    "unasked_handle": Evidence("reported by two projects", "2026-09"),
    "withholds_handles": Evidence("pydantic-ai, live: resumed from one, it knows the turn", "2026-10"),
    "discards_calls": Evidence("reported by users: no cancellation in six sessions", "2026-09"),
    "lost_calls_block": Evidence("pydantic-ai, live: `_answer_lost_tool_calls`", "2026-10"),
    "result_parts": Evidence("pydantic-ai, live: a PDF closes with 1007", "2026-09-28"),
}  # fmt: skip

LIVE_3_8: Final = ServiceProfile(
    name="3.8-live",
    models=("gemini-3.8-live", "gemini-3"),
    modalities=("AUDIO", "VIDEO"),
    thinking="none",
    moods=False,
    behaviors=("NON_BLOCKING", "BLOCKING"),
    role_required=True,
    coverage=_NEWER_COVERAGE,
    seed_audio="recalled",
    media_chunks="ignored",
    input_words=False,
    input_unasked=True,
    tells_activity="always",
    bare_frames=Oddity(5),
    announces_search=Oddity(3),
    unasked_handle="after setup",
    withholds_handles=False,
    discards_calls=True,
    lost_calls_block=True,
    result_parts=_RESULT_PARTS,
    evidence=_LIVE_3_8_EVIDENCE,
)

EXTENDED_THINKING_3_8: Final = replace(
    LIVE_3_8,
    name="3.8-live-extended-thinking",
    models=("gemini-3.8-live-extended-thinking",),
    modalities=("AUDIO",),
    thinking="level_required",
    thinking_levels=("LOW", "MEDIUM", "HIGH"),
    behaviors=("NON_BLOCKING",),
    interaction_status=True,
    calls_after_turn=True,
    lost_calls_block=False,
    evidence={
        **{name: known for name, known in _LIVE_3_8_EVIDENCE.items() if name != "lost_calls_block"},
        "thinking": Evidence("guide; pydantic-ai, live", "2026-09-16"),
        "thinking_levels": Evidence("guide; pydantic-ai, live", "2026-09-16"),
        "behaviors": Evidence("guide; pydantic-ai, live", "2026-09-16"),
        "seed_audio": Evidence("pydantic-ai, live, where it recalled 1 of 4; here it recalls all", "2026-09-28"),
        "interaction_status": Evidence("https://ai.google.dev/gemini-api/docs/live-api/thinking", "2026-09"),
        "calls_after_turn": Evidence(
            "https://ai.google.dev/gemini-api/docs/live-api/thinking; measured too", "2026-09-25"
        ),
    },
)

TRANSCRIBE_3_5: Final = ServiceProfile(
    name="3.5-transcribe",
    models=("transcribe",),
    task="transcribe",
    modalities=("TEXT",),
    input_words=False,
    input_unasked=True,
    evidence={
        "task": Evidence("https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-5-transcribe",
                         "2026-09"),
        "modalities": Evidence("the same page", "2026-09"),
        "input_words": Evidence("adk `_gemini_stt.py`, pipecat `stt.py`, livekit `gemini_stt.py`", "2026-11"),
        "input_unasked": Evidence("the same three", "2026-11"),
    },
)  # fmt: skip

TRANSLATE_3_5: Final = ServiceProfile(
    name="3.5-translate",
    models=("translate",),
    task="translate",
    modalities=("AUDIO",),
    evidence={
        "task": Evidence("https://ai.google.dev/gemini-api/docs/live-api/live-translate", "2026-09"),
        "modalities": Evidence("the same page", "2026-09"),
    },
)

ROBOTICS_ER_2: Final = ServiceProfile(
    name="robotics-er-2",
    models=("gemini-robotics-er",),
    modalities=("TEXT",),
    writes_transcripts=True,
    evidence={
        "modalities": Evidence("pydantic-ai, live: AUDIO closes with 1007", "2026-10-22"),
        "writes_transcripts": Evidence("pydantic-ai, live", "2026-10-22"),
    },
)

HALF_CASCADE: Final = ServiceProfile(
    name="half-cascade",
    models=("gemini-2.0", "live-2.5"),
    modalities=("AUDIO", "TEXT"),
    bundles=False,
    transcript_words=False,
    seeds_answered=True,
    shows_code=True,
    text_waits_for_calls=True,
    turn_ends_at_calls_s=_WAITS_FOR_RESULTS_S,
    evidence={
        "modalities": Evidence("recorded; switched off on the Gemini API on 2025-12-09", "2025"),
        "bundles": _RECORDED,
        "transcript_words": _RECORDED,
        "seeds_answered": Evidence("a guess, after 2.5 native audio", "2026-11"),
        "shows_code": _RECORDED,
        "text_waits_for_calls": _TEXT_WAITS,
        "turn_ends_at_calls_s": _ENDS_LATE,
    },
)

HALF_CASCADE_2_5: Final = replace(HALF_CASCADE, name="2.5-half-cascade", models=("gemini-live-2.5-flash",))

UNKNOWN: Final = ServiceProfile(name="unknown")

PROFILES: Final = (
    NATIVE_AUDIO_2_5,
    FLASH_LIVE_3_1,
    LIVE_3_8,
    EXTENDED_THINKING_3_8,
    TRANSCRIBE_3_5,
    TRANSLATE_3_5,
    ROBOTICS_ER_2,
    HALF_CASCADE,
    HALF_CASCADE_2_5,
    UNKNOWN,
)

_VERTEX_PREFIX: Final = "vertex/"

ON_VERTEX: Final = {
    "call_ids": Evidence("recorded: UUIDs", "2025"),
    "tells_activity": Evidence("vertex, `explicitVadSignal`", "2026-09"),
    "go_away_before_s": Evidence("vertex", "2026-09"),
    "system_role": Evidence(
        "vertex, of 2.5; livekit sends it to every model there", "2026-11",
        "False: unsettled for 3.8",
    ),
    "generated_at_calls": _RECORDED,
    "turn_ends_at_calls_s": Evidence(
        "recorded by pydantic-ai through its gateway; google-genai's own live tests; livekit/agents 7195; adk waits for"
        " it. A result may come before it; how long it takes is a guess",
        "2026-10",
    ),
    "transcript_first": Evidence("recorded by pydantic-ai; pydantic-ai, live", "2026-09-28"),
    "grounds_empty": Evidence("recorded by pydantic-ai; pydantic-ai, live", "2026-09-28"),
    "defers_interrupts": Evidence("vertex: INTERRUPT is taken for WHEN_IDLE while the user speaks", "2026-09"),
    "input_cancels_calls": Evidence("vertex; that it looks as any interruption does is a guess", "2026-09"),
    "results_need_ids": Evidence("livekit `utils.create_function_response`", "2026-11"),
}  # fmt: skip


def on_vertex(profile: ServiceProfile) -> ServiceProfile:
    """The same family as Vertex AI serves it."""
    if profile.vertex:
        return profile
    of_2 = profile in (HALF_CASCADE, HALF_CASCADE_2_5, NATIVE_AUDIO_2_5)
    half_cascade_2_5, live_3_8 = profile == HALF_CASCADE_2_5, profile == LIVE_3_8
    there = replace(
        profile,
        name=f"{_VERTEX_PREFIX}{profile.name}",
        vertex=True,
        call_ids="",
        shows_code=False,
        tells_activity="when asked",
        go_away_before_s=60.0,
        system_role=True,
        text_waits_for_calls=False,
        generated_at_calls=of_2,
        turn_ends_at_calls_s=_AT_ONCE_S if of_2 else profile.turn_ends_at_calls_s,
        transcript_first=half_cascade_2_5,
        grounds_empty=half_cascade_2_5,
        defers_interrupts=profile in (LIVE_3_8, EXTENDED_THINKING_3_8),
        input_cancels_calls=live_3_8,
        results_need_ids=live_3_8,
    )
    known = {**profile.evidence, **ON_VERTEX}
    return replace(there, evidence={name: known[name] for name in facts_of(there) if name in known})


def is_on_vertex(model: str) -> bool:
    """Whether this is a model of Vertex AI: there it is a resource of a publisher."""
    return "publishers/" in model


def profile_of(model: str) -> ServiceProfile:
    """The profile of a model, named with or without a path; names not known here may do anything.

    The longest part of the name that is known decides.
    """
    name = model.rpartition("/")[2].lower()
    matches = [(len(part), profile) for profile in PROFILES for part in profile.models if part in name]
    profile = max(matches, key=lambda match: match[0])[1] if matches else UNKNOWN
    return on_vertex(profile) if is_on_vertex(model) else profile


def profile_named(name: str) -> ServiceProfile:
    """The profile with this name.

    `vertex/` before it gives the family as Vertex AI serves it, and `:FIELD=VALUE,...` after it another value of a
    fact: `vertex/3.8-live:system_role=False`.

    Raises:
        ConfigError: there is no such profile, or it has no such fact.
    """
    family, _, changes = name.partition(":")
    found = next((profile for profile in PROFILES if profile.name == family.removeprefix(_VERTEX_PREFIX)), None)
    if found is None:
        names = [profile.name for profile in PROFILES]
        remedy = spelling_remedy(family, names, choice=f"use one of {', '.join(names)}; `vertex/` may precede it")
        raise ConfigError(f"there is no model profile {family!r}", remedy=remedy)
    profile = on_vertex(found) if family.startswith(_VERTEX_PREFIX) else found
    values = dict(_change(change, profile) for change in changes.split(",") if change)
    return replace(profile, **values) if values else profile


def _change(change: str, profile: ServiceProfile) -> tuple[str, Any]:
    fact, _, written = (part.strip() for part in change.partition("="))
    now = getattr(profile, fact, None)
    values: dict[str, Any] = {str(value): value for value in get_args(get_type_hints(ServiceProfile).get(fact))}
    if isinstance(now, bool):
        values = {"True": True, "False": False}
    elif isinstance(now, Oddity):
        values = {written: Oddity(int(written))} if written.isdecimal() else {}
    elif isinstance(now, int):
        values = {written: int(written)} if written.isdecimal() and written != "0" else {}
    elif fact == "turn_ends_at_calls_s":
        values = {"None": None, **({written: float(written)} if written.replace(".", "", 1).isdecimal() else {})}
    if written not in values:
        of = f", one of {', '.join(values)}" if values else ""
        raise ConfigError(
            f"{change!r} is no value of a fact of {profile.name!r}{of}",
            remedy="write FACT=VALUE, as docs/server-rules.md names them",
        )
    return fact, values[written]
