"""The producer of the risk snapshot: every field from books, view and settings."""

from collections.abc import Iterable, Iterator

import attrs
from tidegate.domain import ledger as ledgers
from tidegate.domain.lifecycle import Status
from tidegate.domain.margin import order_cost
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.risk.snapshot import RiskSnapshot
from tidegate.domain.signal import Signal

from . import exposure, maintenance
from .config import CoreConfig
from .state import Books, Order, State, View
from .trade_loss import trade_loss

__all__ = ["equity_now", "fresh_equity", "risk_snapshot"]

_SECOND_MS = 1_000
_NOT_AT_VENUE = frozenset({Status.INTENDED, Status.UNKNOWN, Status.ACKNOWLEDGED})


def equity_now(books: Books, view: View) -> Money | None:
    """Return wallet plus open positions at fresh marks, ``None`` while a mark is not known."""
    profit = exposure.unrealised(books, view)
    if books.ledger is None or profit is None:
        return None
    return ledgers.equity(books.ledger, profit)


def risk_snapshot(
    state: State, symbol: Symbol, signal_id: str, config: CoreConfig, now_ms: int
) -> RiskSnapshot:
    """Freeze the desk as the rules look at it, for a proposal in ``symbol``."""
    books, view = state.books, state.view
    ledger, ticker, account = books.ledger, view.tickers.get(symbol), view.account
    equity = fresh_equity(state, config, now_ms)
    history = None if ledger is None else ledger.history
    of_symbol = None if history is None else history.of(symbol)
    limits = config.limits
    return RiskSnapshot(
        now_ms=now_ms,
        mode=config.mode,
        venue=config.venue,
        trading_state=books.effective_state,
        is_panicked=books.panic is not None,
        instrument=view.instruments.get(symbol),
        market_time_ms=None if ticker is None else ticker.time_ms,
        mark=None if ticker is None else ticker.mark,
        stream_down_since_ms=view.stream_down_since_ms,
        streams_needed=config.streams_needed,
        has_unsettled_findings=any(f.blocks_entries for f in books.findings.values()),
        margin_mode=None if account is None else account.margin_mode,
        wallet=None if ledger is None else ledger.wallet,
        equity=equity,
        available=_available(state),
        initial_margin=_initial_margin(state),
        maintenance_margin=maintenance.of_account(state),
        day_opening_equity=None if ledger is None else ledger.today.opening_equity,
        day_profit=(
            None if ledger is None or equity is None else ledgers.day_profit(ledger, equity)
        ),
        high_water_equity=None if ledger is None else ledger.high_water,
        high_water_anchor=None if ledger is None else ledger.high_water_anchor,
        equity_anchor=None if ledger is None else ledger.anchor,
        exposure_total=exposure.total(books, view),
        exposure_symbol=exposure.of_symbol(books, view, symbol),
        trade_loss=trade_loss(state, symbol, config),
        symbols_open=exposure.symbols_open(books),
        symbol_side=exposure.side_of(books, symbol),
        pending_orders=len(books.orders),
        orders_last_second=sum(1 for sent in books.sends if sent > now_ms - _SECOND_MS),
        orders_last_minute=sum(1 for sent in books.sends if sent > now_ms - 60 * _SECOND_MS),
        orders_today=books.sends_today,
        signal_seen=signal_id in books.signals,
        last_loss_ms=None if history is None else history.last_loss_ms,
        stops_in_window=(
            0 if history is None else history.stops_in_window(now_ms, limits.stops_window_ms)
        ),
        symbol_losses_in_row=0 if of_symbol is None else of_symbol.losses_in_row,
        symbol_last_loss_ms=None if of_symbol is None else of_symbol.last_loss_ms,
    )


def fresh_equity(state: State, config: CoreConfig, now_ms: int) -> Money | None:
    """Return equity at fresh marks, ``None`` when the mark of any position is too old."""
    for symbol in state.books.positions:
        ticker = state.view.tickers.get(symbol)
        if ticker is None or now_ms - ticker.time_ms > config.limits.market_age_ms_max:
            return None
    return equity_now(state.books, state.view)


def _not_at_venue(books: Books) -> Iterator[tuple[Order, Signal]]:
    """Yield the entries whose margin the venue cannot have reserved yet, changed ones too."""
    for order in books.orders.values():
        if order.signal is None:
            continue
        if order.status in _NOT_AT_VENUE:
            yield order, order.signal
        elif order.pending is not None:
            wanted = attrs.evolve(
                order, request=order.pending.request, worst_price=order.pending.worse_price
            )
            yield wanted, order.signal


def _unsent_cost(state: State) -> Money | None:
    """Return what the entries not yet at the venue will lock: margin and both fees.

    ``None`` while the fee rates of one that another process approved are not known here.
    """
    total = ZERO_MONEY
    for order, signal in _not_at_venue(state.books):
        fees = state.view.fees.get(signal.symbol)
        if fees is None:
            return None
        assert order.worst_price is not None, f"entry {order.request.client_id} has no bound"
        total = total + order_cost(
            side=order.request.side,
            qty=order.request.qty,
            price=order.worst_price,
            leverage=signal.leverage,
            taker=fees.taker,
        )
    return total


def _available(state: State) -> Money | None:
    """Return the venue's available balance less what it cannot know of yet."""
    account, unsent = state.view.account, _unsent_cost(state)
    return None if account is None or unsent is None else account.available - unsent


def _initial_margin(state: State) -> Money | None:
    account, unsent = state.view.account, _unsent_cost(state)
    if account is None or unsent is None:
        return None
    if account.initial_margin_rate is not None:
        return account.equity * account.initial_margin_rate + unsent
    reports = state.view.positions.values()
    return _sum(report.initial_margin for report in reports) + unsent


def _sum(amounts: Iterable[Money]) -> Money:
    total = ZERO_MONEY
    for amount in amounts:
        total = total + amount
    return total
