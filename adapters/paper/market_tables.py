"""The tables of public market data in the paper venue's store."""

import sqlite3
from typing import Any

import attrs
from tidegate.domain.market import TRADES_MAX, FundingRate, PublicTrade
from tidegate.domain.money import Amount, Price, Qty, Rate
from tidegate.domain.orders import Side, Symbol, TriggerBy
from tidegate.domain.reports import Bar
from tidegate.ports.exchange import TimeRange
from tidegate.ports.state import StateUnavailable

from .state import Changes

__all__ = ["MARKET_SCHEMA", "MARKET_TABLES", "MarketTables"]

MARKET_TABLES = ("bars", "trades", "rates")
MARKET_SCHEMA = """
CREATE TABLE bars (
    symbol TEXT NOT NULL, price TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    open TEXT NOT NULL, high TEXT NOT NULL, low TEXT NOT NULL, close TEXT NOT NULL,
    volume TEXT NOT NULL, PRIMARY KEY (symbol, price, start_ms)
) WITHOUT ROWID;
CREATE TABLE trades (
    number INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT NOT NULL, trade_id TEXT NOT NULL,
    side TEXT NOT NULL, price TEXT NOT NULL, qty TEXT NOT NULL, time_ms INTEGER NOT NULL
);
CREATE INDEX trades_by_symbol ON trades (symbol, number);
CREATE TABLE rates (
    symbol TEXT NOT NULL, time_ms INTEGER NOT NULL, rate TEXT NOT NULL,
    PRIMARY KEY (symbol, time_ms)
) WITHOUT ROWID;
"""
_PRUNE_EVERY = 500
_PRUNE = """
DELETE FROM trades WHERE symbol = ?1 AND number <= (
    SELECT number FROM trades WHERE symbol = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2
)
"""
_BARS = """
SELECT * FROM bars WHERE symbol = ?1 AND price = ?2 AND start_ms <= ?4 AND start_ms >= coalesce(
    (SELECT max(start_ms) FROM bars WHERE symbol = ?1 AND price = ?2 AND start_ms <= ?3), ?3
) ORDER BY start_ms
"""
_LAST_TRADES = "SELECT * FROM trades WHERE symbol = ? ORDER BY number DESC LIMIT ?"


@attrs.frozen
class MarketTables:
    """Bars and rates are kept for ever, of trades at least the last 1,000 of a symbol.

    Raises:
        StateUnavailable: the store cannot be read now.

    """

    _connection: sqlite3.Connection

    def write(self, changes: Changes) -> None:
        """Write what was seen; inside the transaction of the change that showed it."""
        run = self._connection.execute
        for (symbol, by, _), bar in changes.bars.items():
            run(
                "INSERT OR REPLACE INTO bars VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    symbol,
                    by.value,
                    bar.start_ms,
                    bar.end_ms,
                    _text(bar.open),
                    _text(bar.high),
                    _text(bar.low),
                    _text(bar.close),
                    _text(bar.volume),
                ),
            )
        for rate in changes.rates:
            row = (rate.symbol, rate.time_ms, _text(rate.rate))
            run("INSERT OR REPLACE INTO rates VALUES (?, ?, ?)", row)
        for trade in changes.trades:
            self._add_trade(trade)

    def _add_trade(self, trade: PublicTrade) -> None:
        run = self._connection.execute
        done = run(
            "INSERT INTO trades (symbol, trade_id, side, price, qty, time_ms) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                trade.symbol,
                trade.trade_id,
                trade.side.value,
                _text(trade.price),
                _text(trade.qty),
                trade.time_ms,
            ),
        )
        if (done.lastrowid or 0) % _PRUNE_EVERY == 0:
            run(_PRUNE, (trade.symbol, TRADES_MAX))

    def bars(self, symbol: Symbol, by: TriggerBy, within: TimeRange) -> list[Bar]:
        """Return the bars that begin within the range and the last before it, ascending."""
        values = (symbol, by.value, within.start_ms, within.end_ms)
        return [_bar(row) for row in self._rows(_BARS, values)]

    def first_bar_ms(self, symbol: Symbol, by: TriggerBy) -> int | None:
        """Return when the first bar begins; ``None`` when there is none."""
        text = "SELECT min(start_ms) FROM bars WHERE symbol = ? AND price = ?"
        ((first,),) = self._rows(text, (symbol, by.value))
        return None if first is None else int(first)

    def last_bars(self) -> dict[tuple[Symbol, TriggerBy], Bar]:
        """Return the last bar of every price of every symbol."""
        text = "SELECT *, max(start_ms) FROM bars GROUP BY symbol, price"
        rows = self._rows(text, ())
        return {(Symbol(row[0]), TriggerBy(row[1])): _bar(row) for row in rows}

    def trades(self, symbol: Symbol, count: int) -> tuple[PublicTrade, ...]:
        """Return the last trades of a symbol, oldest first."""
        return tuple(_trade(row) for row in reversed(self._rows(_LAST_TRADES, (symbol, count))))

    def last_trades(self) -> dict[Symbol, PublicTrade]:
        """Return the last trade of every symbol."""
        rows = self._rows("SELECT *, max(number) FROM trades GROUP BY symbol", ())
        return {Symbol(row[1]): _trade(row) for row in rows}

    def rates(self, symbol: Symbol, within: TimeRange) -> tuple[FundingRate, ...]:
        """Return the rates that were settled within the range, ascending."""
        text = "SELECT * FROM rates WHERE symbol = ? AND time_ms BETWEEN ? AND ? ORDER BY time_ms"
        rows = self._rows(text, (symbol, within.start_ms, within.end_ms))
        return tuple(_rate(row) for row in rows)

    def last_rate(self, symbol: Symbol) -> FundingRate | None:
        """Return the rate that was settled last; ``None`` before the first."""
        text = "SELECT * FROM rates WHERE symbol = ? ORDER BY time_ms DESC LIMIT 1"
        rows = self._rows(text, (symbol,))
        return _rate(rows[0]) if rows else None

    def _rows(self, text: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise StateUnavailable(f"the paper venue's market data: {error}") from error


def _text(amount: Amount) -> str:
    return str(amount.value)


def _bar(row: tuple[Any, ...]) -> Bar:
    symbol, _, start_ms, end_ms, open_, high, low, close, volume = row[:9]
    return Bar(
        symbol=Symbol(symbol),
        start_ms=start_ms,
        end_ms=end_ms,
        open=Price.of(open_),
        high=Price.of(high),
        low=Price.of(low),
        close=Price.of(close),
        volume=Qty.of(volume),
    )


def _trade(row: tuple[Any, ...]) -> PublicTrade:
    _, symbol, trade_id, side, price, qty, time_ms = row[:7]
    return PublicTrade(
        trade_id=trade_id,
        symbol=Symbol(symbol),
        side=Side(side),
        price=Price.of(price),
        qty=Qty.of(qty),
        time_ms=time_ms,
    )


def _rate(row: tuple[Any, ...]) -> FundingRate:
    symbol, time_ms, rate = row
    return FundingRate(symbol=Symbol(symbol), rate=Rate.of(rate), time_ms=time_ms)
