"""The places where a process can die, and what can go wrong: the words of a simulation."""

import enum
from collections import Counter

import attrs

__all__ = ["RECOVERY", "Boundary", "Counts", "Fault", "Killed", "Violation"]


class Boundary(enum.Enum):
    """Where a process can be killed. Each is passed many times in a life."""

    BEFORE_JOURNAL = "decided, and not yet journaled"
    AFTER_JOURNAL = "journaled, and nothing sent"
    BEFORE_SEND = "taken from its lane, and not sent"
    ON_THE_WAY = "sent, and not at the venue"
    AFTER_EFFECT = "done at the venue, and not answered"
    BEFORE_ANSWER = "answered, and not taken in"
    BEFORE_UPDATE = "told by a stream, and not taken in"
    BEFORE_TIMER = "a deadline came, and was not looked at"
    RECOVERY_BEFORE_QUERY = "a start is about to ask"
    RECOVERY_AFTER_QUERY = "a start was answered"
    RECOVERY_BEFORE_REQUEST = "a start is about to send"
    RECOVERY_AFTER_REQUEST = "what a start sent is done"
    RECOVERY_BEFORE_JOURNAL = "a start has decided, and not journaled"
    RECOVERY_AFTER_JOURNAL = "a start has journaled, and not acted"
    BEFORE_SNAPSHOT = "an orderly stop, before its snapshot"
    AFTER_SNAPSHOT = "an orderly stop, after its snapshot"


RECOVERY = frozenset(
    {
        Boundary.RECOVERY_BEFORE_QUERY,
        Boundary.RECOVERY_AFTER_QUERY,
        Boundary.RECOVERY_BEFORE_REQUEST,
        Boundary.RECOVERY_AFTER_REQUEST,
        Boundary.RECOVERY_BEFORE_JOURNAL,
        Boundary.RECOVERY_AFTER_JOURNAL,
    }
)
"""Those that lie in a start: they kill a process before it ever traded."""


class Fault(enum.Enum):
    """What goes wrong, or happens outside, beside a kill."""

    REQUEST_LOST = "a request never arrives"
    ANSWER_LOST = "a request is done, and its answer lost"
    REQUEST_LATE = "a request arrives after it was given up, within the receive window"
    REQUEST_TOO_LATE = "a request arrives past the receive window, and is dropped"
    REQUEST_REFUSED = "the venue refuses a request"
    QUERY_FAILED = "a query has no answer"
    HISTORY_LAGS = "the history does not show yet what happened"
    UPDATE_DUPLICATED = "a message comes twice"
    UPDATE_REORDERED = "a message comes after younger ones"
    UPDATE_DROPPED = "a message never comes"
    STREAM_CUT = "the stream is cut, and comes back"
    VENUE_RESTARTED = "the venue is away for a while"
    PARTIAL_FILL = "an order fills in part"
    CANCEL_OUTRUN = "a fill is to get there before the cancel of an order"
    LIQUIDATED = "a position is liquidated"
    CLOSED_BY_HAND = "somebody closes a position in the app"
    STOP_REMOVED = "somebody takes a stop away in the app"
    LEVERAGE_CHANGED = "somebody sets another leverage in the app"
    ENTRY_ENLARGED = "somebody enlarges a resting entry in the app"
    FOREIGN_ORDER = "somebody places an order in the app"
    CLOCK_STEPPED = "the machine's clock is set"
    DISK_FULL = "the journal cannot be written"
    POWER_CUT = "the machine loses power: what was not forced to the disk may be gone"
    LOG_TORN = "the journal's log ends in the middle of a write"


class Killed(BaseException):
    """The process died here. No code of the desk may catch it."""

    def __init__(self, boundary: Boundary) -> None:
        super().__init__(boundary.value)
        self.boundary = boundary


class Violation(Exception):
    """Something that must always hold did not; ``rule`` names it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule
        self.text = text


@attrs.define
class Counts:
    """What happened in one run, or in many: numbers only, so that runs can be added up.

    ``kills`` are the deaths with something unsettled, by boundary; ``settled`` the other deaths.
    ``events`` are the journal's events by kind.
    """

    kills: Counter[str] = attrs.field(factory=Counter)
    settled: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    acts: Counter[str] = attrs.field(factory=Counter)
    events: Counter[str] = attrs.field(factory=Counter)
    starts: int = 0
    starts_failed: int = 0
    steps: int = 0
    requests: int = 0

    def add(self, other: "Counts") -> None:
        """Add another run's numbers."""
        self.kills.update(other.kills)
        self.faults.update(other.faults)
        self.acts.update(other.acts)
        self.events.update(other.events)
        self.settled += other.settled
        self.starts += other.starts
        self.starts_failed += other.starts_failed
        self.steps += other.steps
        self.requests += other.requests

    @property
    def lives(self) -> int:
        """Return how many lives were killed with something unsettled."""
        return self.kills.total()
