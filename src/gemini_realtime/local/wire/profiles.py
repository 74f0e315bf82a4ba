"""How each family of models behaves on the wire: one profile per family, chosen by the model's name.

Sources, named in the profiles:
    recorded   sessions that Google and pydantic-ai recorded with the service, 2025-2026
    reported   what users of several clients measured or reported, 2026
    guide      https://ai.google.dev/gemini-api/docs/live-guide (table "Model comparison")
    vertex     https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/live-api
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

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


@dataclass(frozen=True, kw_only=True)
class ServiceProfile:
    """What a family of models takes and how it answers.

    Attributes:
        name: what `profile_named` knows it by.
        models: parts of the names of its models.
        task: a conversation, the user's words in writing, or the user's words in another language.
        modalities: what it answers in, the default first.
        thinking: how its thinking is steered; `any` takes everything.
        thinking_levels: the levels it takes.
        moods: whether it takes `proactivity` and `enableAffectiveDialog`.
        behaviors: what functions may be; the default first.
        content_any_time: whether `clientContent` is taken after the model's first turn.
        null_handle: whether `sessionResumption.handle` may be null.
        coverage: which input belongs to a turn unless the client says otherwise.
        bundles: whether a transcript comes in one message with its audio.
        audio_parts: into how many parts of one message a piece of audio goes.
        transcript_words: whether a transcript comes word by word; else its first word and then the rest.
        thoughts: turns that begin with a thought though nobody asked for thoughts.
        opens_empty: whether what it generates begins with an empty `serverContent`.
        bare_frames: turns that begin with the frame `{}`.
        unasked_handle: when a handle comes though nobody asked for handles.
        shows_code: whether a call is preceded by the code that makes it.
        call_ids: how the ids of calls begin; UUIDs when empty.
        discards_calls: whether an interruption makes it forget the calls of its turn without a word and make them
            again in the next.
        completes_at_calls: whether generation is complete when it waits for results.
        interaction_status: whether `turnComplete` says if more follows by itself.
        calls_after_turn: whether it says that it is at work, completes that turn, and makes its calls then.
        input_cancels_calls: whether input while a call blocks interrupts though the client wants no interruptions.
        no_turn_complete: turns whose end is not told.
        defers_interrupts: whether a result that is to interrupt waits while the user speaks.
        go_away_before_s: how long before the end of a connection that is announced.
        vertex: whether it speaks as Vertex AI does.
        system_role: whether a turn with the role `system` changes the instructions.
    """

    name: str
    models: tuple[str, ...] = ()
    task: Literal["converse", "transcribe", "translate"] = "converse"
    modalities: tuple[str, ...] = ("AUDIO", "TEXT", "VIDEO")
    thinking: Literal["any", "none", "budget", "level", "level_required"] = "any"
    thinking_levels: tuple[str, ...] = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")
    moods: bool = True
    behaviors: tuple[Behavior, ...] = ("BLOCKING", "NON_BLOCKING")
    content_any_time: bool = True
    null_handle: bool = True
    coverage: Coverage = "TURN_INCLUDES_ONLY_ACTIVITY"
    bundles: bool = True
    audio_parts: int = 1
    transcript_words: bool = True
    thoughts: Oddity = NEVER
    opens_empty: bool = False
    bare_frames: Oddity = NEVER
    unasked_handle: Literal["never", "after setup", "after results"] = "never"
    shows_code: bool = False
    call_ids: str = "function-call-"
    discards_calls: bool = False
    completes_at_calls: bool = False
    interaction_status: bool = False
    calls_after_turn: bool = False
    input_cancels_calls: bool = False
    no_turn_complete: Oddity = NEVER
    defers_interrupts: bool = False
    go_away_before_s: float = 50.0
    vertex: bool = False
    system_role: bool = False


_NEWER_COVERAGE: Final = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"

# recorded: parts come one by one, 3 of 5 turns began with a thought nobody asked for. guide: the rest.
NATIVE_AUDIO_2_5: Final = ServiceProfile(
    name="2.5-native-audio",
    models=("native-audio", "flash-native-audio", "flash-preview-native-audio"),
    modalities=("AUDIO",),
    thinking="budget",
    bundles=False,
    thoughts=Oddity(2),
)

# recorded: transcripts beside audio, an empty serverContent ahead of each piece of generation, a handle after a tool
# result, ids of calls. reported: no turnComplete at times, `handle: null` refused. guide: the rest.
FLASH_LIVE_3_1: Final = ServiceProfile(
    name="3.1-flash-live",
    models=("gemini-3.1-flash-live", "gemini-3.1"),
    modalities=("AUDIO",),
    thinking="level",
    thinking_levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    moods=False,
    behaviors=("BLOCKING",),
    content_any_time=False,
    null_handle=False,
    coverage=_NEWER_COVERAGE,
    opens_empty=True,
    unasked_handle="after results",
    call_ids="fc_",
    no_turn_complete=Oddity(8),
)

# reported, 2026-09: calls that an interruption discards come again with a new id, and no cancellation is told; a handle
# soon after setupComplete; bare frames. guide: several parts in one message, NON_BLOCKING unless told otherwise.
LIVE_3_8: Final = ServiceProfile(
    name="3.8-live",
    models=("gemini-3.8-live", "gemini-3"),
    modalities=("AUDIO", "VIDEO"),
    thinking="none",
    moods=False,
    behaviors=("NON_BLOCKING", "BLOCKING"),
    coverage=_NEWER_COVERAGE,
    audio_parts=2,
    bare_frames=Oddity(5),
    unasked_handle="after setup",
    discards_calls=True,
)

# guide: a level is required, functions are asynchronous. https://ai.google.dev/gemini-api/docs/live-api/thinking:
# interactionStatus, and the order of filler, end of its turn, call and answer, which was measured too, 2026-09-25.
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
)

# https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/gemini/3-5-transcribe
TRANSCRIBE_3_5: Final = ServiceProfile(
    name="3.5-transcribe",
    models=("transcribe",),
    task="transcribe",
    modalities=("TEXT",),
)

# https://ai.google.dev/gemini-api/docs/live-api/live-translate
TRANSLATE_3_5: Final = ServiceProfile(
    name="3.5-translate",
    models=("translate",),
    task="translate",
    modalities=("AUDIO",),
)

# recorded: text too, transcripts in phrases, the code of a call ahead of it. Switched off on 2025-12-09.
HALF_CASCADE: Final = ServiceProfile(
    name="half-cascade",
    models=("gemini-2.0", "gemini-live-2.5", "live-2.5"),
    modalities=("AUDIO", "TEXT"),
    bundles=False,
    transcript_words=False,
    shows_code=True,
)

UNKNOWN: Final = ServiceProfile(name="unknown")

PROFILES: Final = (
    NATIVE_AUDIO_2_5,
    FLASH_LIVE_3_1,
    LIVE_3_8,
    EXTENDED_THINKING_3_8,
    TRANSCRIBE_3_5,
    TRANSLATE_3_5,
    HALF_CASCADE,
    UNKNOWN,
)

_VERTEX_PREFIX: Final = "vertex/"


def on_vertex(profile: ServiceProfile) -> ServiceProfile:
    """The same family as Vertex AI serves it.

    recorded: UUIDs as ids, generation complete with the calls, no code shown. vertex: goAway a minute before the end,
    `system` turns on 2.5 models, INTERRUPT taken for WHEN_IDLE on 3.8 while the user speaks, a blocking call of 3.8
    cancelled when "a new input is received" during it; that this looks as any interruption does is a guess.
    """
    return profile if profile.vertex else replace(
        profile,
        name=f"{_VERTEX_PREFIX}{profile.name}",
        call_ids="",
        shows_code=False,
        completes_at_calls=profile in (HALF_CASCADE, NATIVE_AUDIO_2_5),
        defers_interrupts=profile in (LIVE_3_8, EXTENDED_THINKING_3_8),
        input_cancels_calls=profile is LIVE_3_8,
        go_away_before_s=60.0,
        vertex=True,
        system_role=profile is NATIVE_AUDIO_2_5,
    )  # fmt: skip


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
    """The profile with this name; `vertex/` before it gives the family as Vertex AI serves it.

    Raises:
        ConfigError: there is none.
    """
    found = next((profile for profile in PROFILES if profile.name == name.removeprefix(_VERTEX_PREFIX)), None)
    if found is None:
        names = [profile.name for profile in PROFILES]
        remedy = spelling_remedy(name, names, choice=f"use one of {', '.join(names)}; `vertex/` may precede it")
        raise ConfigError(f"there is no model profile {name!r}", remedy=remedy)
    return on_vertex(found) if name.startswith(_VERTEX_PREFIX) else found
