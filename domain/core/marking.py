"""What prices and time do: equity at mark, excursions, the day's turn."""

import attrs
from tidegate.domain import ledger as ledgers
from tidegate.domain.day import day_start_ms
from tidegate.domain.money import ZERO_MONEY, Money
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, Ticker

from .draft import Draft
from .events import DayRolled, EquityMarked, Excursion
from .snapshots import equity_now
from .state import with_item
from .wallets import settle_wallet

__all__ = ["account_reported", "mark_booked", "mark_now", "ticked", "turn_day_for"]


def ticked(draft: Draft, ticker: Ticker) -> None:
    """Take new prices; an older report than the one at hand is dropped."""
    known = draft.view.tickers.get(ticker.symbol)
    if known is not None and known.time_ms > ticker.time_ms:
        return
    draft.view = attrs.evolve(
        draft.view, tickers=with_item(draft.view.tickers, ticker.symbol, ticker)
    )
    mark_now(draft)


def mark_now(draft: Draft) -> None:
    """Turn the day when it is time; record new excursions, high-water mark and drawdown.

    Marking twice at the same prices records nothing more, so a restart may do it again.
    """
    _mark_trades(draft)
    equity = equity_now(draft.books, draft.view)
    if equity is not None:
        _turn_day(draft, draft.now_ms, equity)
        _mark_equity(draft, equity)


def turn_day_for(draft: Draft, time_ms: int) -> None:
    """Turn the day before a booking of ``time_ms`` that lies beyond the open day's end.

    Its money then belongs to its own day, and that day opens with the equity from before it: open
    positions at the last marks, and at cost where there is none since the last entry. A booking of
    a day that is closed already turns nothing; it counts in the open day.
    """
    start_ms = day_start_ms(time_ms, draft.config.day)
    if draft.books.ledger is not None:
        _turn_day(draft, start_ms, draft.books.ledger.wallet + _profit_known(draft))


def _turn_day(draft: Draft, time_ms: int, equity: Money) -> None:
    ledger = draft.books.ledger
    if ledger is not None and day_start_ms(time_ms, draft.config.day) > ledger.today.start_ms:
        draft.emit(DayRolled(equity=equity, time_ms=time_ms))


def _profit_known(draft: Draft) -> Money:
    """Return the profit of what is held, as far as prices tell it that are not from before."""
    profit = ZERO_MONEY
    for symbol, position in draft.books.positions.items():
        ticker, trade = draft.view.tickers.get(symbol), draft.trade(symbol)
        entered_ms = 0 if trade is None else trade.filled_ms
        if ticker is not None and ticker.time_ms >= entered_ms:
            profit = profit + position.unrealised(ticker.mark)
    return profit


def _mark_equity(draft: Draft, equity: Money) -> None:
    ledger = draft.books.ledger
    if ledger is not None and ledgers.is_new_mark(ledger, equity):
        draft.emit(EquityMarked(equity=equity, time_ms=draft.now_ms, anchor=ledger.anchor))


def mark_booked(draft: Draft, symbol: Symbol, time_ms: int) -> None:
    """Mark after a booking of ``time_ms``, unless what is left is held at an older price.

    An old price against a new entry would record a profit that never was; the next price marks.
    It does not turn the day: what belongs with the booking, or is older than now and is booked
    next, must not come after the turn.
    """
    if not draft.books.position(symbol).is_flat:
        ticker = draft.view.tickers.get(symbol)
        if ticker is None or ticker.time_ms < time_ms:
            return
    _mark_trades(draft)
    equity = equity_now(draft.books, draft.view)
    if equity is not None:
        _mark_equity(draft, equity)


def _mark_trades(draft: Draft) -> None:
    for symbol, trade in draft.books.trades.items():
        ticker = draft.view.tickers.get(symbol)
        if ticker is None:
            continue
        profit = trade.profit + draft.books.position(symbol).unrealised(ticker.mark)
        if profit < trade.worst or profit > trade.best:
            draft.emit(Excursion(symbol=symbol, profit=profit))


def account_reported(draft: Draft, report: AccountReport) -> None:
    """Take new balances; they inform margin rules, never the ledger."""
    known = draft.view.account
    if known is None or known.time_ms <= report.time_ms:
        draft.view = attrs.evolve(draft.view, account=report)
        settle_wallet(draft, report)
