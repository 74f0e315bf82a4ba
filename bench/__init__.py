"""How fast and how small: this package beside other clients of the Live API."""
