"""What must hold once every trouble has ended and the desk has had time: books equal the venue."""

from collections.abc import Sequence

from tidegate.application.codec import decode
from tidegate.application.engine import fold
from tidegate.domain.core.evolve import evolve
from tidegate.domain.core.snapshots import equity_now
from tidegate.domain.core.state import Books
from tidegate.domain.day import DayBoundary
from tidegate.domain.findings import FindingKind, kind_of
from tidegate.domain.orders import OrderRequest, Role
from tidegate.domain.reports import OrderReport
from tidegate.ports.state import Record

from .journal_view import JournalView
from .life import Life
from .names import Violation
from .venue import SimulatedVenue

__all__ = ["Shadow", "is_at_rest", "judge_fold", "judge_rest"]


def is_at_rest(life: Life) -> bool:
    """Tell whether nothing is under way or in doubt at a desk."""
    books, view = life.books, life.engine.state.view
    if not life.runner.is_idle or books.is_panic_running or books.mass_cancel is not None:
        return False
    if view.held or view.in_flight or books.protecting or books.streams_lost is not None:
        return False
    for order in books.orders.values():
        is_asked = order.cancel_wanted or order.pending is not None
        if is_asked or not order.is_open or order.fills_at_once or order.venue_id is None:
            return False
    return all(
        trade.closing is None and (trade.stop_wanted is None or trade.is_stop_confirmed)
        for trade in books.trades.values()
    )


def judge_fold(life: Life) -> None:
    """Hold the books against the fold of what the journal has.

    Raises:
        Violation: they differ.

    """
    folded, version = fold(life.journal, life.engine.config)
    if folded != life.books or version != life.engine.version:
        raise Violation(
            "the state is the fold of the journal",
            f"at version {version} they differ in {_difference(folded, life.books)}",
        )


class Shadow:
    """The books once more, folded from what was written, record by record, as it is written."""

    def __init__(self) -> None:
        self._books = Books()
        self._day = DayBoundary()

    def begin(self, life: Life) -> None:
        """Begin with the books that a process folded."""
        self._books, self._day = life.books, life.engine.config.day

    def take(self, records: Sequence[Record]) -> None:
        """Fold what was just written.

        Raises:
            StateCorrupt: a record cannot be read back.

        """
        for record in records:
            self._books = evolve(self._books, decode(record), self._day)

    def judge(self, life: Life) -> None:
        """Hold the books of a process against these.

        Raises:
            Violation: they differ.

        """
        if self._books != life.books:
            text = f"they differ in {_difference(self._books, life.books)}"
            raise Violation("the state is the fold of the journal", text)


def _difference(one: Books, other: Books) -> str:
    names = [name for name in Books.__attrs_attrs__ if _differs(name.name, one, other)]
    return ", ".join(name.name for name in names) or "nothing but the version"


def _differs(name: str, one: Books, other: Books) -> bool:
    return bool(getattr(one, name) != getattr(other, name))


def judge_rest(life: Life, venue: SimulatedVenue, view: JournalView) -> None:
    """Hold the books of a desk at rest against the venue's.

    Raises:
        Violation: they differ.

    """
    rule = "after quiet time the books are the venue's"
    for text in (
        *_positions(life.books, venue),
        *_bookings(venue, view),
        *_orders(life.books, venue),
        *_trades(life.books),
        *_findings(life.books),
        *_equity(life, venue),
    ):
        raise Violation(rule, text)


def _positions(books: Books, venue: SimulatedVenue) -> list[str]:
    truth = venue.truth
    symbols = sorted({*truth.folded, *books.positions})
    return [
        f"{symbol}: {books.position(symbol).qty} in the books, {truth.position(symbol).qty} held"
        for symbol in symbols
        if books.position(symbol).qty != truth.position(symbol).qty
    ]


def _bookings(venue: SimulatedVenue, view: JournalView) -> list[str]:
    truth = venue.truth
    happened = {row.execution_id for row in truth.executions}
    happened |= {row.payment_id for row in truth.payments}
    missed, made_up = sorted(happened - view.bookings), sorted(view.bookings - happened)
    return [f"{name} was missed" for name in missed] + [f"{name} never was" for name in made_up]


def _orders(books: Books, venue: SimulatedVenue) -> list[str]:
    live = {order.client_id for order in venue.truth.live() if books.is_ours(order.client_id)}
    known = {name for name, order in books.orders.items() if order.is_open}
    found = [f"order {name} is open on one side alone" for name in sorted(live ^ known, key=str)]
    for order in venue.truth.live():
        ours = books.orders.get(order.client_id) if order.client_id is not None else None
        if ours is not None and not _is_as_asked(order, ours.request):
            found.append(
                f"order {order.client_id} is {order.qty} at {order.price}, in the books "
                f"{ours.request.qty} at {ours.request.price}"
            )
    return found


def _trades(books: Books) -> list[str]:
    found = []
    for symbol, trade in books.trades.items():
        if trade.stop_wanted is not None and not trade.is_stop_confirmed:
            found.append(f"{symbol} is held, and no stop is confirmed")
        if books.position(symbol).side is not trade.side:
            found.append(f"the trade of {symbol} is on the other side of its position")
    for name, order in books.orders.items():
        is_flat = books.position(order.request.symbol).is_flat
        if is_flat and order.role is not Role.ENTRY:
            found.append(f"order {name} is left, and nothing is held")
    return found


def _is_as_asked(order: OrderReport, asked: OrderRequest) -> bool:
    """Compare the terms of an order; a venue cuts what only reduces to what is held by then."""
    is_cut = asked.reduce_only and order.qty < asked.qty
    return order.price == asked.price and (is_cut or order.qty == asked.qty)


def _findings(books: Books) -> list[str]:
    return [
        f"the finding {name} is still open: {finding.text}"
        for name, finding in books.findings.items()
        if finding.blocks_entries and not _is_of_order(books, name)
    ]


def _is_of_order(books: Books, name: str) -> bool:
    """Tell whether the wallets differ only in what is realised already.

    Fills that were told out of their order, by an honest stream that lost one, realise at other
    moments than at the venue: the equity is the same, and the wallets are once all is flat.
    """
    return kind_of(name) is FindingKind.WALLET and bool(books.positions)


def _equity(life: Life, venue: SimulatedVenue) -> list[str]:
    truth = venue.truth
    held = truth.wallet
    for symbol in truth.folded:
        held = held + truth.unrealised(symbol)
    known = equity_now(life.books, life.engine.state.view)
    return [] if known == held else [f"the equity is {held}, and {known} in the books"]
