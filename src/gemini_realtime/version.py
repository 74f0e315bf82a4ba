"""The version of this package, for the build and for the service's user agent."""

__version__ = "0.1.0"
