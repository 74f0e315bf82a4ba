"""Which fault befalls which connection of a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import picows

from gemini_realtime.checking import check_type, kind_of
from gemini_realtime.errors import ConfigError
from gemini_realtime.local.faults.connection import STAGES, FaultyConnection
from gemini_realtime.local.faults.stages import Occasions
from gemini_realtime.local.faults.table import Fault, parse_fault
from gemini_realtime.local.server.http import error
from gemini_realtime.local.server.limits import Limits

_REJECTIONS: Final = {
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "Internal error encountered."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
}
"""Source: the messages of Google's APIs, https://cloud.google.com/apis/design/errors."""


class Faults:
    """The faults of a server.

    Args:
        faults: as `Fault`, or as they are written on the command line; what is sent meets them in this order.
        seed: decides what is left to chance.

    Raises:
        ConfigError: there is no such fault, or it has no such argument.
    """

    def __init__(self, faults: Iterable[Fault | str] = (), seed: int = 0) -> None:
        if isinstance(faults, str) or not isinstance(faults, Iterable):
            raise ConfigError(f"`faults` is {kind_of(faults)}", remedy="pass a list, such as faults=['cut']")
        check_type("seed", seed, int, "a whole number")
        read = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        for number, fault in enumerate(read):
            check_type(f"faults[{number}]", fault, Fault, "a Fault, or one as it is written: 'cut:after_frames=10'")
        self._faults = [(fault, Occasions(fault["times"])) for fault in read]
        self._seed = seed
        self._connections = 0

    def turn_away(self) -> picows.WSUpgradeResponse | None:
        """Count a client that connects; what it is told if it is not let in."""
        self._connections += 1
        for fault, occasions in self._here():
            match fault.kind.name:
                case "refuse" if occasions.take():
                    return _Nothing()
                case "reject" if occasions.take():
                    return _rejection(fault["status"], fault["retry_after_s"])
        return None

    def connection(self, limits: Limits) -> FaultyConnection:
        """The connection of the client that came last, when it is let in."""
        connection = FaultyConnection(limits, f"{self._seed}:{self._connections}")
        for fault, occasions in self._here():
            if fault.kind.name in STAGES:
                connection.befall(fault, occasions)
            elif fault.kind.name == "fast-audio" and occasions.take():
                connection.pace = "instant"
        return connection

    def _here(self) -> list[tuple[Fault, Occasions]]:
        """What may befall the connection that came last."""
        return [known for known in self._faults if known[0]["connection"] in (None, self._connections)]


class _Nothing(picows.WSUpgradeResponse):
    """What picows takes for an answer, and is none."""

    def __init__(self) -> None:
        example = picows.WSUpgradeResponse.create_error_response(503)
        self.status, self.headers = example.status, example.headers

    def to_bytes(self) -> bytearray:
        """Nothing: after it picows ends the connection."""
        return bytearray()


def _rejection(status: int, retry_after_s: int | None) -> picows.WSUpgradeResponse:
    """An error in the form of Google's APIs."""
    response = error(status, *_REJECTIONS[status])
    retry = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    headers = {**response.headers, **retry}
    answer: picows.WSUpgradeResponse = picows.WSUpgradeResponse.create_error_response(status, response.body, headers)
    return answer
