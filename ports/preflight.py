"""What is looked at before a desk may trade: one finding for each check, with its remedy."""

import enum
from abc import ABC, abstractmethod
from collections.abc import Sequence

import attrs

__all__ = ["Check", "Finding", "PreflightFailed", "PreflightPort", "Severity"]


class Check(enum.Enum):
    """What is checked, in the order in which it is."""

    SETTINGS = "settings"
    STATE_STORE = "state store"
    KEYS_PRESENT = "keys present"
    CONNECTION = "connection"
    CLOCK = "clock"
    INSTRUMENT = "instrument"
    KEYS_VALID = "keys valid"
    PERMISSIONS = "permissions"
    WITHDRAWAL = "withdrawal"
    KEY_LIFE = "key life"
    ACCOUNT = "account"
    MARGIN_MODE = "margin mode"
    POSITION_MODE = "position mode"
    FEES = "fees"
    BALANCE = "balance"
    LIMIT_PRICE = "limit price action"
    RATE_LIMITS = "rate limits"
    DISCONNECT = "disconnect cancel"
    PRIVATE_STREAM = "private stream"
    PUBLIC_STREAM = "public stream"


class Severity(enum.Enum):
    """How much a check that did not pass matters.

    A ``FAILURE`` stops a start. A ``WARNING`` is worth mending. ``SKIPPED`` was not looked at,
    because something before it failed.
    """

    FAILURE = "failure"
    WARNING = "warning"
    SKIPPED = "skipped"


@attrs.frozen(kw_only=True)
class Finding:
    """What one check found. ``remedy`` is empty where there is nothing to mend.

    ``severity`` is what not passing this check means; it is read only where ``is_ok`` is false.
    """

    check: Check
    is_ok: bool
    severity: Severity = Severity.FAILURE
    what: str
    remedy: str = ""

    @property
    def stops_start(self) -> bool:
        """Tell whether a desk must not start with this finding."""
        return not self.is_ok and self.severity is Severity.FAILURE


class PreflightFailed(Exception):
    """A desk was not started: ``findings`` are all that were made, failed ones among them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        lines = [
            f"{found.check.value}: {found.what}; {found.remedy}"
            for found in self.findings
            if found.stops_start
        ]
        super().__init__("\n".join(["the desk was not started:", *(f"  {line}" for line in lines)]))


class PreflightPort(ABC):
    """The check list before trading."""

    @abstractmethod
    def run(self, *, is_fixing: bool = False) -> tuple[Finding, ...]:
        """Make every check, and return one finding for each, in the order of :class:`Check`.

        Nothing is ordered, moved or closed. ``is_fixing`` permits to change what the account
        settings alone decide and trading needs; each such change is read back. What could not be
        found out is a finding, never an exception.
        """
