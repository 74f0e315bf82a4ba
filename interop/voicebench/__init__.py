"""voicebench, which measures voice agents by their sound, beside `gemini-realtime evaluate --url`."""
