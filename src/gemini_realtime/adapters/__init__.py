"""The world's sound <-> the client: sound devices and files."""
