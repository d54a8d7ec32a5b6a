"""Where books and venue differ: typed findings, each with what it means for new entries."""

import attrs

from .core.state import Books, Order
from .findings import Finding, FindingKind
from .lifecycle import OPEN, Status
from .money import ZERO_QTY
from .orders import OrderKind, Role, Symbol
from .position import FLAT
from .reports import OrderReport, Origin, PositionReport

__all__ = ["VenueSnapshot", "changed_order", "differences", "unknown_order"]

_IN_DOUBT = frozenset({Status.INTENDED, Status.UNKNOWN})


@attrs.frozen(kw_only=True)
class VenueSnapshot:
    """The account as the venue shows it: every position that is not flat, every open order."""

    positions: tuple[PositionReport, ...]
    orders: tuple[OrderReport, ...]


def differences(books: Books, venue: VenueSnapshot) -> tuple[Finding, ...]:
    """Compare books and venue."""
    return (
        *_position_findings(books, venue),
        *_order_findings(books, venue),
        *_missing_findings(books, venue),
        *_stop_findings(books, venue),
    )


def _finding(
    kind: FindingKind, symbol: Symbol, subject: str, text: str, *, blocks_entries: bool
) -> Finding:
    return Finding(
        finding_id=f"{kind.name.lower()}:{subject}",
        kind=kind,
        symbol=symbol,
        text=text,
        blocks_entries=blocks_entries,
    )


def _position_findings(books: Books, venue: VenueSnapshot) -> list[Finding]:
    reported = {report.symbol: report.qty for report in venue.positions}
    findings = []
    for symbol in sorted(set(reported) | set(books.positions)):
        ours = books.positions.get(symbol, FLAT).qty
        theirs = reported.get(symbol, ZERO_QTY)
        if ours != theirs:
            text = f"{symbol}: the books hold {ours}, the venue {theirs}"
            findings.append(
                _finding(FindingKind.POSITION_QTY, symbol, str(symbol), text, blocks_entries=True)
            )
    return findings


def _order_findings(books: Books, venue: VenueSnapshot) -> list[Finding]:
    findings = []
    for order in venue.orders:
        if order.origin is not Origin.USER:
            continue
        if books.order(order.client_id) is None:
            findings.append(unknown_order(books, order))
        elif (changed := changed_order(books, order)) is not None:
            findings.append(changed)
    return findings


def changed_order(books: Books, report: OrderReport) -> Finding | None:
    """Report an open entry of ours that is larger than approved, or has another price.

    ``None`` while a change of ours is under way, and for a record that is older than our last one.
    A smaller quantity takes risk away: it is no difference.
    """
    order = books.order(report.client_id)
    if order is None or order.role is not Role.ENTRY or report.status not in OPEN:
        return None
    amendment = order.amendment
    is_older = amendment is not None and report.updated_ms < amendment.shown_ms
    if not order.is_open or order.pending is not None or is_older:
        return None
    wanted = order.request
    has_price = wanted.kind is OrderKind.LIMIT and report.price is not None
    is_moved = has_price and report.price != wanted.price
    if report.qty <= wanted.qty and not is_moved:
        return None
    text = (
        f"{report.symbol}: entry {wanted.client_id} is {report.qty} at {report.price} on the "
        f"venue, and {wanted.qty} at {wanted.price} was approved"
    )
    kind = FindingKind.CHANGED_ORDER
    return _finding(kind, report.symbol, wanted.client_id, text, blocks_entries=True)


def unknown_order(books: Books, order: OrderReport) -> Finding:
    """Report an open order that the books do not have; one of ours stops entries."""
    is_ours = books.is_ours(order.client_id)
    kind = FindingKind.ORPHAN_ORDER if is_ours else FindingKind.FOREIGN_ORDER
    name = order.client_id or order.venue_id
    text = f"{order.symbol}: order {name} for {order.qty}: {kind.value}"
    return _finding(kind, order.symbol, name, text, blocks_entries=is_ours)


def _missing_findings(books: Books, venue: VenueSnapshot) -> list[Finding]:
    at_venue = {order.client_id for order in venue.orders}
    return [
        _finding(
            FindingKind.MISSING_ORDER,
            order.request.symbol,
            client_id,
            f"{order.request.symbol}: order {client_id} is {order.status.value} in the books only",
            blocks_entries=True,
        )
        for client_id, order in books.orders.items()
        if client_id not in at_venue and _must_be_listed(order)
    ]


def _must_be_listed(order: Order) -> bool:
    """Tell whether the venue must know an order: not one in doubt, nor one that is to go."""
    return order.is_open and order.status not in _IN_DOUBT and not order.cancel_wanted


def _stop_findings(books: Books, venue: VenueSnapshot) -> list[Finding]:
    findings = []
    for report in venue.positions:
        trade = books.trades.get(report.symbol)
        wants_stop = trade is None or trade.stop_wanted is not None
        if wants_stop and report.stop_loss is None:
            text = f"{report.symbol}: {report.qty} held without a stop on the venue"
            findings.append(
                _finding(
                    FindingKind.UNPROTECTED,
                    report.symbol,
                    str(report.symbol),
                    text,
                    blocks_entries=False,
                )
            )
    return findings
