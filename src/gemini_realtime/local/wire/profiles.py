"""How each family of models behaves on the wire: one profile per family, chosen by the model's name.

What a family takes stands in `protocol.families`, for client and server alike; a profile adds how it behaves. Beside
each field that differs from the usual stands where that was seen and when; where reports differ, the newest is the
default and `otherwise` names what others saw, which `profile_named` can choose: `3.1-flash-live:media_chunks=ignored`.
docs/server-rules.md shows all of it.

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

import msgspec

from gemini_realtime.checking import shown, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol import families
from gemini_realtime.protocol.families import Family, family_of, is_on_vertex

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
    """How a family of models behaves.

    Attributes:
        name: what `profile_named` knows it by.
        family: what it takes.
        models: how the names of its models begin, where they are not all those of the family.
        evidence: of the fields that differ from the usual, by their names.
        vertex: whether it speaks as Vertex AI does.
        refuses_mood_late: whether `enableAffectiveDialog`, which it does not take, is confirmed and closed on at the
            first message.
        null_handle: whether `sessionResumption.handle` may be null.
        system_role: whether a turn with the role `system` changes the instructions.
        content_any_time: whether `clientContent` is taken after the model's first turn.
        media_chunks: what becomes of `realtimeInput.mediaChunks`.
        coverage: which input belongs to a turn unless the client says otherwise.
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
        results_need_ids: whether a result of a call that blocks is dropped when it has no id.
        defers_interrupts: whether a result that is to interrupt waits while the user speaks.
        unasked_handle: when a handle comes though nobody asked for handles.
        withholds_handles: whether the client is told in a turn that its session cannot be resumed; else it gets a
            handle that includes the turn.
        go_away_before_s: how long before the end of a connection that is announced.
    """

    name: str
    family: Family
    models: tuple[str, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict, compare=False)
    vertex: bool = False
    # --- what the client says
    refuses_mood_late: bool = False
    null_handle: bool = True
    system_role: bool = False
    content_any_time: bool = True
    media_chunks: Literal["heard", "ignored", "refused"] = "heard"
    coverage: Coverage = "TURN_INCLUDES_ONLY_ACTIVITY"
    # --- what the user says
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
    results_need_ids: bool = False
    defers_interrupts: bool = False
    # --- the session
    unasked_handle: Literal["never", "after setup", "after results"] = "never"
    withholds_handles: bool = True
    go_away_before_s: float = 50.0


_NOT_FACTS: Final = ("name", "family", "models", "evidence", "vertex")
_FAMILY_FACTS: Final = frozenset(Family.__struct_fields__) - {"name", "title", "names", "gone"}


def facts_of(profile: ServiceProfile) -> dict[str, Any]:
    """The fields in which a profile differs from the usual, with their values."""
    facts = (known for known in fields(profile) if known.name not in _NOT_FACTS)
    return {known.name: value for known in facts if (value := getattr(profile, known.name)) != known.default}


_GUIDE: Final = Evidence("guide", "2026-09")
_RECORDED: Final = Evidence("recorded", "2025-2026")

_NEWER_COVERAGE: Final[Coverage] = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
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
    family=families.NATIVE_AUDIO_2_5,
    bundles=False,
    thoughts=Oddity(2),
    text_waits_for_calls=True,
    turn_ends_at_calls_s=_WAITS_FOR_RESULTS_S,
    evidence={
        "bundles": _RECORDED,
        "thoughts": Evidence("recorded: 3 of 5 turns began with one", "2025-2026"),
        "text_waits_for_calls": _TEXT_WAITS,
        "turn_ends_at_calls_s": _ENDS_LATE,
    },
)  # fmt: skip

FLASH_LIVE_3_1: Final = ServiceProfile(
    name="3.1-flash-live",
    family=families.LIVE_3_1,
    null_handle=False,
    coverage=_NEWER_COVERAGE,
    media_chunks="refused",
    input_unasked=True,
    tells_activity="always",
    opens_empty=True,
    announces_search=Oddity(3),
    unasked_handle="after results",
    withholds_handles=False,
    call_ids="fc_",
    no_turn_complete=Oddity(8),
    evidence={
        "null_handle": Evidence("strands-agents 1999", "2026"),
        "coverage": _GUIDE,
        "media_chunks": Evidence(
            "sip-to-ai 5, sokuji 150", "2026", "ignored: adk-js 912, 2026-09-17, of 3.x",
        ),
        "input_unasked": Evidence("pydantic-ai, live", "2026-10"),
        "tells_activity": Evidence("python-genai 2981; pydantic-ai, live", "2026-10"),
        "opens_empty": _RECORDED,
        "announces_search": Evidence("pydantic-ai, live; how often is a guess", "2026"),
        "unasked_handle": _RECORDED,
        "withholds_handles": Evidence(
            "tau2-bench, which is made for it and fails on an update without `resumable`", "2026-08",
            "True: 2.5 does so, pydantic-ai, live",
        ),
        "call_ids": _RECORDED,
        "no_turn_complete": Evidence("reported by users; how often is a guess", "2026"),
        "content_any_time": Evidence(
            "livekit/agents 7289; google-genai's own live tests; pydantic-ai", "2026-09-15",
            "False: 1007 after the first turn, reported before that date",
        ),
    },
)  # fmt: skip

_LIVE_3_8_EVIDENCE: Final = {
    "refuses_mood_late": Evidence("pydantic-ai, live", "2026-09-25"),
    "coverage": _GUIDE,
    "media_chunks": Evidence("adk-js 912", "2026-09-17", "refused: as 3.1 does, sip-to-ai 5"),
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
}  # fmt: skip

LIVE_3_8: Final = ServiceProfile(
    name="3.8-live",
    family=families.LIVE_3_8,
    refuses_mood_late=True,
    coverage=_NEWER_COVERAGE,
    media_chunks="ignored",
    input_unasked=True,
    tells_activity="always",
    bare_frames=Oddity(5),
    announces_search=Oddity(3),
    unasked_handle="after setup",
    withholds_handles=False,
    discards_calls=True,
    evidence=_LIVE_3_8_EVIDENCE,
)

EXTENDED_THINKING_3_8: Final = replace(
    LIVE_3_8,
    name="3.8-live-extended-thinking",
    family=families.EXTENDED_THINKING_3_8,
    calls_after_turn=True,
    evidence={
        **_LIVE_3_8_EVIDENCE,
        "calls_after_turn": Evidence(
            "https://ai.google.dev/gemini-api/docs/live-api/thinking; measured too", "2026-09-25"
        ),
    },
)

TRANSCRIBE_3_5: Final = ServiceProfile(
    name="3.5-transcribe",
    family=families.TRANSCRIBE_3_5,
    input_unasked=True,
    evidence={
        "input_unasked": Evidence("the same three", "2026-11"),
    },
)  # fmt: skip

TRANSLATE_3_5: Final = ServiceProfile(name="3.5-translate", family=families.TRANSLATE_3_5)

ROBOTICS_ER_2: Final = ServiceProfile(
    name="robotics-er-2",
    family=families.ROBOTICS_ER_2,
    writes_transcripts=True,
    evidence={
        "writes_transcripts": Evidence("pydantic-ai, live", "2026-10-22"),
    },
)

HALF_CASCADE: Final = ServiceProfile(
    name="half-cascade",
    family=families.HALF_CASCADE,
    models=("gemini-2.0-flash-live",),
    bundles=False,
    transcript_words=False,
    shows_code=True,
    text_waits_for_calls=True,
    turn_ends_at_calls_s=_WAITS_FOR_RESULTS_S,
    evidence={
        "bundles": _RECORDED,
        "transcript_words": _RECORDED,
        "shows_code": _RECORDED,
        "text_waits_for_calls": _TEXT_WAITS,
        "turn_ends_at_calls_s": _ENDS_LATE,
    },
)

HALF_CASCADE_2_5: Final = replace(HALF_CASCADE, name="2.5-half-cascade", models=("gemini-live-2.5-flash",))

_NEWEST: Final = Evidence("a guess: as the newest family", "2026-11")

UNKNOWN: Final = replace(
    LIVE_3_8, name="unknown", family=families.UNKNOWN, evidence=dict.fromkeys(_LIVE_3_8_EVIDENCE, _NEWEST)
)
"""Behaves as the newest family does, and refuses nothing that any family takes: nobody knows what it is."""

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
    "text_waits_for_calls": Evidence("as for any input; what is known of 2.5 was seen on the Gemini API", "2026"),
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
        family=families.on_vertex(profile.family),
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


def profile_of(model: str) -> ServiceProfile:
    """The profile of a model, named with or without a path; names not known here may do anything."""
    family, name = family_of(model), model.rpartition("/")[2].lower()
    ours = [profile for profile in PROFILES if profile.family is family]
    profile = next((profile for profile in ours if name.startswith(profile.models or family.names)), UNKNOWN)
    return on_vertex(profile) if is_on_vertex(model) else profile


def unknown_model(model: str) -> str:
    """What is to be said about a model that nobody knows here."""
    name = model.rpartition("/")[2]
    known = [start for family in families.FAMILIES for start in family.names]
    remedy = spelling_remedy(name, known, choice="--strict-models refuses it, as the service would")
    return f"the model {shown(name)} is not known here and taken for the newest: {remedy}"


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
    for change in filter(None, changes.split(",")):
        fact, value = _change(change, profile)
        profile = replace(profile, **{fact: value})
    return profile


def _change(change: str, profile: ServiceProfile) -> tuple[str, Any]:
    fact, _, written = (part.strip() for part in change.partition("="))
    of_family = fact in _FAMILY_FACTS
    now = getattr(profile.family if of_family else profile, fact, None)
    hints = get_type_hints(Family if of_family else ServiceProfile)
    values: dict[str, Any] = {str(value): value for value in get_args(hints.get(fact)) if isinstance(value, str)}
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
    if of_family:
        return "family", msgspec.structs.replace(profile.family, **{fact: values[written]})
    return fact, values[written]
