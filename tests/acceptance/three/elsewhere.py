"""What of the lifecycle, of orders, of the account and of safety no market script can show."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ELSEWHERE"]

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "A2": "what applications share is about two of them in one process, whatever the venue",
        "A3": "signals belong to a process; the command line is stopped by them in a subprocess",
        "A4": "how a caller waits cannot be seen from what a venue was sent",
        "A5": "mode and venue are a matrix of what may be built, most of which may not",
        "A6": "public names are no behaviour",
        "F4": "moves that no venue makes: the table of order states is tried move by move",
        "F10": "two of the three venues limit nothing; the wire's limits are tried at full load",
        "H4": "the check list asks each venue for what that venue alone has: keys, clocks, streams",
        "H6": "an account setting of one venue",
        "H7": "two of the three venues have no secrets",
    }
)
"""Each with the reason; the map of the requirements names the tests that prove them."""
