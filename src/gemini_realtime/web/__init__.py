"""A page to talk to an agent in the browser, and to see what happens: `gemini-realtime web`."""
