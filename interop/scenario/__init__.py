"""langwatch-scenario, which calls voice agents in a script, beside `gemini-realtime evaluate --url`."""
