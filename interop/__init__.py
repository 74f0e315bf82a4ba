"""Other people's clients, as they are, against the embedded server."""
