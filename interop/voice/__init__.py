"""Frameworks for voice agents, without a room or a telephone: one program each, as their documentation says."""
