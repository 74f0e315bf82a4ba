"""Hold a live spoken conversation with Gemini from Python."""

__version__ = "0.1.0"
