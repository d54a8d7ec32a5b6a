"""Reading from the venue what happened: its history, in its order, with what it covers."""

import logging

from tidegate.domain.core.effects import ReadActivity, ReadRecords
from tidegate.domain.core.inputs import (
    ActivityRead,
    HistoryCovered,
    HistoryRows,
    Input,
    RecordsRead,
)
from tidegate.domain.records import AccountChange
from tidegate.domain.reports import Execution, FundingPayment, Ticker
from tidegate.ports.clock import ClockPort
from tidegate.ports.exchange import (
    Capability,
    ExchangePort,
    History,
    Holdings,
    TimeRange,
    VenueError,
)

__all__ = ["CLOCK_LEAD_MS_MAX", "bookings_since", "coverage", "read_activity", "read_records"]

_LOG = logging.getLogger(__name__)

CLOCK_LEAD_MS_MAX = 3_600_000
"""How far the venue's clock may be ahead of ours without its newest rows being missed.

A machine's clock that was set wrong at the start is followed slowly, and fills are read meanwhile.
"""
_RECORDS_BACK_MS = 1_000
"""How much earlier than a closing of ours the venue may date its record."""


def bookings_since(
    since_ms: int, port: ExchangePort, clock: ClockPort
) -> History[Execution | FundingPayment]:
    """Return executions and funding payments since a time, in venue order.

    Raises:
        VenueError: the venue gave no usable answer.

    """
    now_ms = clock.now_ms()
    within = TimeRange(start_ms=min(since_ms, now_ms), end_ms=now_ms + CLOCK_LEAD_MS_MAX)
    executions = port.executions(None, within)
    rows: list[Execution | FundingPayment] = list(executions.rows)
    is_complete = executions.is_complete
    if Capability.FUNDING in port.capabilities.supported:
        payments = port.funding_payments(None, within)
        rows += payments.rows
        is_complete = is_complete and payments.is_complete
    in_order = tuple(sorted(rows, key=lambda row: row.time_ms))
    return History(rows=in_order, covers=within, is_complete=is_complete)


def coverage(bookings: History[Execution | FundingPayment]) -> tuple[HistoryCovered, ...]:
    """Say up to when nothing is missing any more; nothing where the venue has forgotten some."""
    if not bookings.is_complete:
        return ()
    return (HistoryCovered(until_ms=bookings.covers.end_ms - CLOCK_LEAD_MS_MAX),)


def read_activity(asked: ReadActivity, port: ExchangePort, clock: ClockPort) -> tuple[Input, ...]:
    """Return all that may have been missed since a time, as inputs in a safe order.

    Executions come before the reports that they explain, then balances; what the whole shows is
    last, so that it is compared with books that have all of it.

    Raises:
        VenueError: the venue gave no usable answer.

    """
    bookings = bookings_since(asked.since_ms, port, clock)
    held = port.holdings()
    whole = ActivityRead(
        positions=held.positions,
        orders=held.orders,
        unreadable_count=asked.unreadable_count,
        stream_changes=asked.stream_changes,
        wanted=asked.wanted,
        is_alone=asked.is_alone,
    )
    seen: tuple[Input, ...] = (*held.orders, *held.positions, *held.unreadable, port.account())
    booked = HistoryRows(rows=bookings.rows)
    return (booked, *coverage(bookings), *seen, *_prices(held, port), whole)


def read_records(asked: ReadRecords, port: ExchangePort, clock: ClockPort) -> RecordsRead:
    """Return what the venue says that each closing order earned, where it keeps such records.

    It is asked from a little earlier: its time of a row may be before ours.

    Raises:
        VenueError: the venue gave no usable answer.

    """
    now_ms = clock.now_ms()
    since_ms = min(asked.since_ms, now_ms)
    changes = None
    if asked.changes_since_ms is not None:
        changes = _changes(min(asked.changes_since_ms, now_ms), now_ms, port)
    if Capability.CLOSED_PROFITS not in port.capabilities.supported:
        return RecordsRead(
            profits=None, since_ms=since_ms, until_ms=now_ms, wanted=asked.wanted, changes=changes
        )
    closed = port.closed_profits(None, _around(since_ms, now_ms))
    return RecordsRead(
        profits=closed.rows,
        since_ms=max(since_ms, closed.covers.start_ms),
        until_ms=now_ms,
        is_complete=closed.is_complete,
        wanted=asked.wanted,
        changes=changes,
    )


def _around(since_ms: int, now_ms: int) -> TimeRange:
    return TimeRange(
        start_ms=max(0, since_ms - _RECORDS_BACK_MS), end_ms=now_ms + CLOCK_LEAD_MS_MAX
    )


def _changes(since_ms: int, now_ms: int, port: ExchangePort) -> tuple[AccountChange, ...] | None:
    """Return the changes of the wallet, ``None`` where the venue keeps no log of them."""
    if Capability.ACCOUNT_CHANGES not in port.capabilities.supported:
        return None
    return port.account_changes(_around(since_ms, now_ms)).rows


def _prices(held: Holdings, port: ExchangePort) -> tuple[Ticker, ...]:
    """Return prices of what is held and ordered: no stream may be there to bring them.

    A price that cannot be read ends the asking, and takes nothing from what was read before.
    """
    tickers: list[Ticker] = []
    held_of = {report.symbol for report in held.positions}
    try:
        for symbol in sorted(held_of | {report.symbol for report in held.orders}):
            tickers.append(port.ticker(symbol))
    except VenueError as error:
        _LOG.warning("prices after %s: %s", len(tickers), error)
    return tuple(tickers)
