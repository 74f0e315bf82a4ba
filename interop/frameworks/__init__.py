"""Agents of frameworks that have an adapter for Gemini Live: one program each, as its documentation says."""
