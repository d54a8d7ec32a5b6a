"""Books and finished trades for tests: builders, and a table of eight trades worked by hand."""

from collections.abc import Sequence

from tidegate.domain.day import DAY_MS, DayBoundary
from tidegate.domain.ledger import Ledger, opened
from tidegate.domain.money import ZERO_MONEY, Money, Price, Qty
from tidegate.domain.orders import Side, Symbol
from tidegate.domain.performance import Tally
from tidegate.domain.trade import ClosedTrade, CloseReason

__all__ = [
    "BTC",
    "DAY_0",
    "ETH",
    "MINUTE_MS",
    "SOL",
    "TABLE",
    "UTC_DAY",
    "books",
    "row",
    "tally_of",
    "trade",
    "usdt",
]

BTC, ETH, SOL = Symbol("BTCUSDT"), Symbol("ETHUSDT"), Symbol("SOLUSDT")
UTC_DAY = DayBoundary()
MINUTE_MS = 60_000
# 2024-02-28 00:00:00 UTC is day 19,781 since 1970-01-01.
DAY_0 = 19_781 * DAY_MS


def usdt(text: str) -> Money:
    return Money.of(text)


def row(
    symbol: Symbol,
    side: Side,
    money: str,
    risk: str | None,
    excursions: str,
    reason: CloseReason,
    minutes: int,
) -> ClosedTrade:
    profit, fees, funding, slippage = money.split()
    worst, best = excursions.split()
    return ClosedTrade(
        trade_key="k",
        symbol=symbol,
        side=side,
        qty=Qty.of(1),
        opened_ms=1_000,
        closed_ms=1_000 + minutes * MINUTE_MS,
        entry_price=Price.of(100),
        exit_price=Price.of(100),
        profit=usdt(profit),
        fees=usdt(fees),
        funding=usdt(funding),
        slippage=usdt(slippage),
        risk=None if risk is None else usdt(risk),
        worst=usdt(worst),
        best=usdt(best),
        reason=reason,
    )


# no  profit fees funding slip   net   risk      R     worst   best   in R: MAE    MFE    minutes
#  1     22   1.5   0.5   0.2    20     10    2         -4      25        -0.4    2.5        60
#  2     -9   1     0     0.3   -10     10   -1        -10       3        -1      0.3        30
#  3   11.5   1    -0.5   0.1    11      8    1.375     -2      12        -0.25   1.5       120
#  4     -3   1     0     0      -4   none              -5       1                           10
#  5      1   1     0     0.1     0      5    0         -1       2        -0.2    0.4        20
#  6     -5   1     0     0.2    -6      5   -1.2       -6       0        -1.2    0          15
#  7    -13   1     0     0.6   -14      4   -3.5      -13       0        -3.25   0           5
#  8     25   1     1     0.5    23      4    5.75       0      26         0      6.5       100
# sum  29.5   8.5   1     2.0    20           3.425                       -6.3   11.2       360
TABLE = (
    row(BTC, Side.BUY, "22 1.5 0.5 0.2", "10", "-4 25", CloseReason.TARGET, 60),
    row(BTC, Side.BUY, "-9 1 0 0.3", "10", "-10 3", CloseReason.STOP, 30),
    row(ETH, Side.SELL, "11.5 1 -0.5 0.1", "8", "-2 12", CloseReason.TARGET, 120),
    row(ETH, Side.SELL, "-3 1 0 0", None, "-5 1", CloseReason.OPERATOR, 10),
    row(BTC, Side.SELL, "1 1 0 0.1", "5", "-1 2", CloseReason.SIGNAL, 20),
    row(BTC, Side.SELL, "-5 1 0 0.2", "5", "-6 0", CloseReason.TRAILING_STOP, 15),
    row(BTC, Side.BUY, "-13 1 0 0.6", "4", "-13 0", CloseReason.LIQUIDATION, 5),
    row(SOL, Side.BUY, "25 1 1 0.5", "4", "0 26", CloseReason.TARGET, 100),
)


def tally_of(trades: Sequence[ClosedTrade]) -> Tally:
    tally = Tally()
    for trade in trades:
        tally = tally.book_trade(trade)
    return tally


def books(wallet: str = "1000") -> Ledger:
    """Open books with ``wallet`` on 28 February 2024."""
    return opened(usdt(wallet), DAY_0 + 1, UTC_DAY)


def trade(
    profit: str,
    *,
    symbol: Symbol = BTC,
    reason: CloseReason = CloseReason.STOP,
    closed_ms: int = DAY_0 + 1_000,
    fees: str = "0",
    funding: str = "0",
) -> ClosedTrade:
    """Build a trade of which only the outcome matters."""
    return ClosedTrade(
        trade_key="k",
        symbol=symbol,
        side=Side.BUY,
        qty=Qty.of(1),
        opened_ms=DAY_0,
        closed_ms=closed_ms,
        entry_price=Price.of(100),
        exit_price=Price.of(100),
        profit=usdt(profit),
        fees=usdt(fees),
        funding=usdt(funding),
        slippage=ZERO_MONEY,
        risk=None,
        reason=reason,
    )
