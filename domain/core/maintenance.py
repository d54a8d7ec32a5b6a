"""The maintenance margin of what is held, and of every entry that may still fill, at its worst.

The venue reserves the initial margin of an order that rests with it, and says so in what is
available. Of the maintenance margin its account knows positions only: Bybit V5
account/wallet-balance has ``totalOrderIM``, ``totalPositionIM`` and ``totalPositionMM`` of a coin,
and no maintenance margin of orders. So all entries are added here, wherever they are. The account
is liquidated when the maintenance margin is all that is left, ``MM rate`` 100 % (help centre,
liquidation rules); the tier is by the value of position plus orders.
"""

from tidegate.domain.instrument import FeeRates, Instrument, RiskTier
from tidegate.domain.margin import maintenance_added, maintenance_margin, tier_for
from tidegate.domain.money import ONE, ZERO_MONEY, ZERO_QTY, Money, Rate
from tidegate.domain.orders import Role, Symbol
from tidegate.domain.reports import MarginMode

from . import exposure
from .state import Order, State

__all__ = ["of_account", "of_others"]


def of_account(state: State) -> Money | None:
    """Return the account's maintenance margin once all entries have filled, USDT.

    ``None`` while the account is not known, or the specification or fee rates of an entry that
    another process approved.
    """
    account, entries = state.view.account, _of_entries(state, None)
    if account is None or entries is None:
        return None
    held = _of_positions(state, None)
    if account.maintenance_margin_rate is not None:
        held = max(held, account.equity * account.maintenance_margin_rate)
    return held + entries


def of_others(state: State, symbol: Symbol) -> Money | None:
    """Return the maintenance margin of all other symbols once their entries have filled, USDT.

    ``None`` as in :func:`of_account`.
    """
    entries = _of_entries(state, symbol)
    return None if entries is None else _of_positions(state, symbol) + entries


def _of_positions(state: State, left_out: Symbol | None) -> Money:
    total = ZERO_MONEY
    for symbol in {**state.books.positions, **state.view.positions}:
        if symbol != left_out:
            total = total + _of_position(state, symbol)
    return total


def _of_position(state: State, symbol: Symbol) -> Money:
    """Return the larger of what the venue reported and, in cross margin, the books hold at mark.

    A fill may be booked, and the price may move, before the venue's next report of the position.
    """
    report, position = state.view.positions.get(symbol), state.books.position(symbol)
    reported = ZERO_MONEY if report is None else report.maintenance_margin
    known, ticker, account = (
        _terms(state, symbol),
        state.view.tickers.get(symbol),
        state.view.account,
    )
    is_cross = account is not None and account.margin_mode is MarginMode.CROSS
    if not is_cross or known is None or ticker is None or position.side is None:
        return reported
    spec, fees = known
    booked = maintenance_margin(
        side=position.side,
        qty=abs(position.qty),
        mark=ticker.mark,
        basis=ticker.mark,
        leverage=state.books.leverage.get(symbol, ONE if report is None else report.leverage),
        tier=tier_for(spec.tiers, position.notional(ticker.mark)),
        taker=fees.taker,
    )
    return max(reported, booked)


def _of_entries(state: State, left_out: Symbol | None) -> Money | None:
    entering = {
        order.request.symbol: None
        for order in state.books.orders.values()
        if order.role is Role.ENTRY and order.qty_left > ZERO_QTY
    }
    total = ZERO_MONEY
    for symbol in entering:
        if symbol == left_out:
            continue
        known = _terms(state, symbol)
        if known is None:
            return None
        tier = tier_for(known[0].tiers, exposure.of_symbol(state.books, state.view, symbol))
        for order in state.books.orders.values():
            if order.request.symbol == symbol and order.role is Role.ENTRY:
                total = total + _of_entry(order, tier, known[1].taker)
    return total


def _of_entry(order: Order, tier: RiskTier, taker: Rate) -> Money:
    """Return what an entry may still add; while a change is under way the worse of each counts."""
    signal, price = order.signal, order.worst_price
    if order.qty_left <= ZERO_QTY:
        return ZERO_MONEY
    if order.pending is not None:
        price = order.pending.worse_price
    assert price is not None, f"entry {order.request.client_id} has no bound"
    assert signal is not None, f"entry {order.request.client_id} has no signal"
    return maintenance_added(
        side=order.request.side,
        qty=order.qty_left,
        price=price,
        leverage=signal.leverage,
        tier=tier,
        taker=taker,
    )


def _terms(state: State, symbol: Symbol) -> tuple[Instrument, FeeRates] | None:
    spec, fees = state.view.instruments.get(symbol), state.view.fees.get(symbol)
    return None if spec is None or fees is None else (spec, fees)
