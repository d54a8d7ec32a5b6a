"""What prices and time do: equity at mark, excursions, the day's turn."""

import attrs
from tidegate.domain import ledger as ledgers
from tidegate.domain.day import day_start_ms
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import AccountReport, Ticker

from .draft import Draft
from .events import DayRolled, EquityMarked, Excursion
from .snapshots import equity_now
from .state import with_item
from .wallets import settle_wallet

__all__ = ["account_reported", "mark_booked", "mark_now", "ticked"]


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
    ledger = draft.books.ledger
    equity = equity_now(draft.books, draft.view)
    if ledger is None or equity is None:
        return
    if day_start_ms(draft.now_ms, draft.config.day) > ledger.today.start_ms:
        draft.emit(DayRolled(equity=equity, time_ms=draft.now_ms))
        ledger = draft.books.ledger
        assert ledger is not None, "the day's turn keeps the ledger"
    if ledgers.is_new_mark(ledger, equity):
        draft.emit(EquityMarked(equity=equity, time_ms=draft.now_ms, anchor=ledger.anchor))


def mark_booked(draft: Draft, symbol: Symbol, time_ms: int) -> None:
    """Mark after a booking of ``time_ms``, unless what is left is held at an older price.

    An old price against a new entry would record a profit that never was; the next price marks.
    """
    if not draft.books.position(symbol).is_flat:
        ticker = draft.view.tickers.get(symbol)
        if ticker is None or ticker.time_ms < time_ms:
            return
    mark_now(draft)


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
