"""For programs that were written for other frameworks; each module is imported by whoever wants it."""
