"""The Live protocol, pure: bytes and `now` in; events, frames and deadlines out."""
