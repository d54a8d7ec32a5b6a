"""Events about the desk as a whole: sessions, the account, the day, trading state, findings."""

import attrs
from tidegate.domain.equity import BY_LEDGER, Anchor
from tidegate.domain.mode import TradingMode, TradingState, VenueKind
from tidegate.domain.money import Money
from tidegate.domain.orders import Symbol

__all__ = [
    "AccountOpened",
    "DayRolled",
    "EquityMarked",
    "FindingRaised",
    "FindingSettled",
    "HistoryRead",
    "JournalTagged",
    "PanicEnded",
    "PanicReset",
    "PanicStarted",
    "SessionStarted",
    "SessionStopped",
    "StreamsLost",
    "StreamsRegained",
    "TradingStateChanged",
]


@attrs.frozen(kw_only=True)
class SessionStarted:
    """A process began to trade; the first one says whose journal this is.

    ``account`` is the venue's id of the account, ``None`` where a venue has one only.
    """

    mode: TradingMode
    venue: VenueKind
    account: str | None = None


@attrs.frozen(kw_only=True)
class SessionStopped:
    """A process stopped in an orderly way. Changes no books."""

    reason: str


@attrs.frozen(kw_only=True)
class AccountOpened:
    """The first event of the books: the wallet they start from.

    ``time_ms`` is when it was that much, by the venue's clock where that is known.
    """

    wallet: Money
    time_ms: int


@attrs.frozen(kw_only=True)
class JournalTagged:
    """From here on the client ids of this journal's orders carry ``tag``.

    ``has_untagged``: earlier ones, which carry none, are its own as well.
    """

    tag: str
    has_untagged: bool


@attrs.frozen(kw_only=True)
class HistoryRead:
    """The venue's history was read in full: all bookings up to ``until_ms`` are in the books."""

    until_ms: int


@attrs.frozen(kw_only=True)
class EquityMarked:
    """Equity at mark reached a new high-water mark or a deeper drawdown.

    ``anchor`` says where the figure comes from, so that it is compared with its like alone.
    """

    equity: Money
    time_ms: int
    anchor: Anchor = BY_LEDGER


@attrs.frozen(kw_only=True)
class DayRolled:
    """A new trading day began with ``equity``."""

    equity: Money
    time_ms: int


@attrs.frozen(kw_only=True)
class TradingStateChanged:
    """An operator or a guard changed what the desk may do."""

    state: TradingState
    cause: str


@attrs.frozen(kw_only=True)
class StreamsLost:
    """The desk saw nothing for longer than the grace time: only reducing, beside what is set.

    ``since_ms`` is when the outage began, by the venue's time.
    """

    cause: str
    since_ms: int
    time_ms: int


@attrs.frozen(kw_only=True)
class StreamsRegained:
    """The streams carry again, and the venue's activity was read after they came up."""

    time_ms: int


@attrs.frozen(kw_only=True)
class PanicStarted:
    """Panic: halted persistently, everything is to be cancelled and closed."""

    cause: str
    key: str
    time_ms: int


@attrs.frozen(kw_only=True)
class PanicEnded:
    """Panic finished; ``remaining`` names what could not be closed."""

    remaining: tuple[str, ...]
    time_ms: int


@attrs.frozen(kw_only=True)
class PanicReset:
    """An operator reset panic with the literal confirmation."""

    time_ms: int


@attrs.frozen(kw_only=True)
class FindingRaised:
    """Books and venue differ; ``blocks_entries`` until settled."""

    finding_id: str
    symbol: Symbol | None
    text: str
    blocks_entries: bool
    time_ms: int


@attrs.frozen(kw_only=True)
class FindingSettled:
    """A difference is gone."""

    finding_id: str
    time_ms: int
