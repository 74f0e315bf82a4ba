"""What a recorded conversation was like: its turns, words, latencies, tools, connections and troubles, in numbers, as a
page with a timeline, and as a picture. Needs the extras `[agent]` and `[inspect]`.
"""

from __future__ import annotations

from gemini_realtime.inspection.story import Story, read_story

__all__ = ["Story", "read_story"]
