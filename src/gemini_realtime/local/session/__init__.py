"""One session as the service holds it, pure: frames and `now` in; actions out."""
