"""What the rules responder says at length, one sentence each."""

from __future__ import annotations

STORY = (
    "Once there was a small lighthouse on a rock far out in the sea.",
    "An old keeper named Martin lived in it with a grey cat and a wooden radio.",
    "Every evening he climbed the stairs, counted all one hundred steps, and lit the lamp.",
    "One winter night a storm came up, and the wind took the light away.",
    "Martin tried again and again, but the lamp stayed dark.",
    "Then he heard a ship, very slow and very near, looking for the way home.",
    "He had no light, but he had the radio, and he had his voice.",
    "So he began to talk.",
    "He told the sailors where the rocks were, and how the water ran between them.",
    "He talked for an hour, then for two hours, and he did not leave out a single word.",
    "The ship turned left, and then right, and then left again.",
    "In the morning the storm was over, and the ship lay safe in the harbor.",
    "The captain came to the rock in a little boat to say thank you.",
    "He brought bread, coffee, and a fish for the cat.",
    "Since that night the keeper lights the lamp in the evening, as he always did.",
    "But he also keeps the radio on, because sometimes a voice goes further than a light.",
    "And the cat still waits for another fish.",
    "That is the end of the story.",
)
TALK = (
    "I would like to talk about a river, because a river never stops talking either.",
    "It begins high in the mountains, as a thin line of cold water under the snow.",
    "At first it is so small that a child can jump over it.",
    "It runs fast, because the ground is steep, and it makes a lot of noise for its size.",
    "Further down other streams join it, one from the left and two from the right.",
    "Now it is wide enough for a boat, and deep enough for large fish.",
    "Where the land becomes flat, the river becomes slow and starts to turn.",
    "It leaves sand on one side and takes earth away from the other side.",
    "After many years it has moved its bed by a mile, and nobody has seen it happen.",
    "People have built towns beside it, and bridges across it, and mills on its banks.",
    "In spring it carries the melted snow, and sometimes it comes into the streets.",
    "In summer it is low, and you can walk on the stones.",
    "At last it reaches the sea, and there its water becomes salt.",
    "The sun lifts the water up again, and the wind brings it back to the mountains as snow.",
    "So the river ends where it began, and it can start again.",
    "You can stop me at any time, just as you please.",
)
JOKE = ("I know a joke about a long silence.", "But every time I tell it, somebody thinks that I am finished.")
