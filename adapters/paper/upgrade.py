"""Give a store of an older format the records that it lacks, folded from its own history."""

from tidegate.domain.bookkeeping import booked, funding_change, trade_change
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import VenueOrderId
from tidegate.domain.position import FLAT, Fill, Position, apply_fill
from tidegate.domain.reports import Execution, FundingPayment
from tidegate.ports.exchange import TimeRange

from .state import Changes
from .store import PaperStore
from .world import World

__all__ = ["upgrade"]

_ALWAYS = TimeRange(start_ms=0, end_ms=2**53)

_Row = Execution | FundingPayment


def upgrade(world: World, store: PaperStore) -> None:
    """Fold every execution and payment of the store, and write what follows from them.

    Transfers of older formats were not kept: the balances are those that end in today's wallet.
    """
    changes = Changes()
    world.state.head.market_since_ms = world.state.head.now_ms
    rows: list[_Row] = [*store.executions_within(None, _ALWAYS)]
    rows += store.payments_within(None, _ALWAYS)
    rows.sort(key=lambda row: row.time_ms)
    _fold(world, rows, changes)
    orders = {order.venue_id: order for order in world.state.orders.values()}
    for venue_id, (_, closing) in changes.closings.items():
        if venue_id in orders:
            orders[venue_id].closing = closing
            changes.orders[orders[venue_id].number] = orders[venue_id]
    store.upgrade(world.state.head, changes)


def _fold(world: World, rows: list[_Row], changes: Changes) -> None:
    steps = _steps(rows)
    balance = world.state.head.wallet - sum((cash for *_, cash in steps), ZERO_MONEY)
    number = 0
    for row, before, fill, cash in steps:
        balance += cash
        change_id = world.next_change_id()
        if isinstance(row, FundingPayment):
            changes.account_changes.append(funding_change(change_id, row, balance=balance))
            continue
        assert fill is not None
        number += 1
        _book(world, changes, number, row, before, fill)
        change = trade_change(change_id, row, realised=fill.realised, balance=balance)
        changes.account_changes.append(change)


def _steps(rows: list[_Row]) -> list[tuple[_Row, Position, Fill | None, Money]]:
    """Return each row with the position before it, its effect, and what it did to the wallet."""
    positions: dict[str, Position] = {}
    steps: list[tuple[_Row, Position, Fill | None, Money]] = []
    for row in rows:
        before = positions.get(row.symbol, FLAT)
        if isinstance(row, FundingPayment):
            steps.append((row, before, None, -row.amount))
            continue
        fill = apply_fill(before, side=row.side, qty=row.qty, price=row.price)
        positions[row.symbol] = fill.position
        steps.append((row, before, fill, fill.realised - row.fee))
    return steps


def _book(
    world: World, changes: Changes, number: int, row: Execution, before: Position, fill: Fill
) -> None:
    held = world.held(row.symbol)
    booking = booked(before, held.open_fees, fill, row, leverage=held.leverage)
    held.open_fees = booking.open_fees
    changes.positions[held.symbol] = held
    if booking.closing is not None:
        venue_id: VenueOrderId = row.venue_id
        _, known = changes.closings.get(venue_id, (0, None))
        closing = booking.closing if known is None else known.joined(booking.closing)
        changes.closings[venue_id] = number, closing
