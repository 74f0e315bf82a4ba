"""The server itself: sockets, TLS, HTTP, who may come in, and who serves whom."""
