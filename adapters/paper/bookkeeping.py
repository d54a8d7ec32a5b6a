"""The account's records of the paper venue, kept with the change that they tell of."""

from tidegate.domain.bookkeeping import (
    booked,
    funding_change,
    trade_change,
    transfer_change,
)
from tidegate.domain.money import Money
from tidegate.domain.position import Fill, Position
from tidegate.domain.reports import Execution, FundingPayment

from .records import PaperOrder
from .world import World

__all__ = ["keep_execution", "keep_payment", "keep_transfer"]


def keep_execution(
    world: World, order: PaperOrder, execution: Execution, *, before: Position, fill: Fill
) -> None:
    """Keep what an execution did to the wallet and what its order closed."""
    state, held = world.state, world.held(execution.symbol)
    booking = booked(before, held.open_fees, fill, execution, leverage=held.leverage)
    held.open_fees = booking.open_fees
    if booking.closing is not None:
        known = order.closing
        order.closing = booking.closing if known is None else known.joined(booking.closing)
        state.changes.closings[order.venue_id] = state.head.executions_made, order.closing
    change = trade_change(
        world.next_change_id(), execution, realised=fill.realised, balance=state.head.wallet
    )
    state.changes.account_changes.append(change)


def keep_payment(world: World, payment: FundingPayment) -> None:
    """Keep what a funding payment did to the wallet."""
    state = world.state
    change = funding_change(world.next_change_id(), payment, balance=state.head.wallet)
    state.changes.account_changes.append(change)


def keep_transfer(world: World, amount: Money) -> None:
    """Keep money that came, or went when below zero."""
    state = world.state
    change = transfer_change(
        world.next_change_id(),
        amount,
        balance=state.head.wallet,
        time_ms=state.head.now_ms,
    )
    state.changes.account_changes.append(change)
