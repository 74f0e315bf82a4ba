"""The faults of the service, on request: what can go wrong, by name, when, and how often.

`table` names the faults, `plan` says which of them befalls which connection, and the others do it.
"""

from __future__ import annotations

from gemini_realtime.local.faults.table import FAULTS as FAULTS
from gemini_realtime.local.faults.table import Fault as Fault
from gemini_realtime.local.faults.table import help_lines as help_lines
from gemini_realtime.local.faults.table import parse_fault as parse_fault
