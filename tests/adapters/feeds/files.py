"""Small files to read, and what the tests expect of them."""

import gzip
from pathlib import Path

from tidegate.domain.money import Price, Qty
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar

SYMBOL = Symbol("BTCUSDT")
HEADER = "start_ms,open,high,low,close,volume"
# 2022-01-01T00:00:00Z
START_MS = 1_640_995_200_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000

RECORDED = Path(__file__).parents[3].parent / "shared" / "data"


def csv_file(folder: Path, *rows: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def gzip_file(folder: Path, *rows: str, name: str = "bars.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress("".join(f"{row}\n" for row in rows).encode()))
    return path


def row(minute: int, prices: str = "100,102,99,101,5") -> str:
    return f"{START_MS + minute * MINUTE_MS},{prices}"


def bar(
    minute: int, prices: str = "100,102,99,101,5", *, symbol: Symbol = SYMBOL, minutes: int = 1
) -> Bar:
    open_, high, low, close, volume = prices.split(",")
    start_ms = START_MS + minute * MINUTE_MS
    return Bar(
        symbol=symbol,
        start_ms=start_ms,
        end_ms=start_ms + minutes * MINUTE_MS,
        open=Price.of(open_),
        high=Price.of(high),
        low=Price.of(low),
        close=Price.of(close),
        volume=Qty.of(volume),
    )
