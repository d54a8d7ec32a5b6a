"""What users write: settings, instruments, accounts and market data, as files."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tidegate.adapters.catalogue import CatalogueError
from tidegate.adapters.catalogue.toml_file import load_instruments
from tidegate.adapters.feeds import (
    BarSchema,
    CsvFeed,
    FundingSchema,
    MarkSchema,
    QuoteSchema,
    Schema,
    TradeSchema,
)
from tidegate.application.settings_loading import SettingsError, load_settings
from tidegate.application.venue_accounts import load_accounts
from tidegate.domain.orders import Symbol
from tidegate.ports.commands import BadInput
from tidegate.ports.feed import FeedError

from tests.adapters.catalogue.test_toml_file import EXAMPLE

from .mutating import mutate_text
from .target import Check, Target

__all__ = ["file_targets", "scratch"]

_SETTINGS = b"""\
symbol = "BTCUSDT"
mode = "paper"
wallet = 5000
seed = 7

[limits]
day_loss_max = "2%"
risk_per_trade_max = 0.01
symbols_allowed = ["BTCUSDT", "ETHUSDT"]

[costs]
taker_fee = "0.055%"

[timings]
stop_verify_ms = 5000

[capacity]
finished_kept = 500

[bybit]
streams = true
region = "bybit.com"

[strategy]
name = "my_module:MyStrategy"
params = { channel = 20 }
"""
_ACCOUNTS = b"""\
[[accounts]]
key = "first"
secret = "not-a-secret"
wallet = 5000
permissions = ["Order", "Position"]

[[accounts]]
key = "second"
secret = "not-a-secret-either"
is_demo = true
ips = ["127.0.0.1"]
"""
_BARS = b"""\
start_ms,open,high,low,close,volume
1640995200000,100,102,99,101,5
1640995260000,101,103.5,100.25,102,7.5
1640995320000,102,102,102,102,0
1640995380000,102,104,101,103.10,0.001
"""
_ISO_BARS = b"""\
time,open,high,low,close,volume
2022-01-01T00:00:00Z,100,102,99,101,5
2022-01-01T00:01:00Z,101,103,100,102,7
"""
_FUNDING = b"time_ms,rate\n1640995200000,0.0001\n1641024000000,-0.000375\n"
_MARKS = b"time_ms,mark\n1640995200000,100.5\n1640995260000,101\n1640995320000,101.25\n"
_QUOTES = (
    b"time_ms,bid,bid_size,ask,ask_size\n"
    b"1640995200000,100,1,100.5,2\n1640995200500,100.25,3,100.5,0.001\n"
)
_TRADES = b"time_ms,price,qty,side\n1640995200000,100,1,buy\n1640995200500,100.25,3,sell\n"


@cache
def scratch() -> Path:
    """Return a folder for the files of this process, in memory where the machine has that."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own below it
    parent = memory if memory.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="tidegate-fuzz-", dir=parent))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _written(name: str, read: Callable[[Path], object]) -> Check:
    def check(data: bytes) -> None:
        path = scratch() / name
        path.write_bytes(data)
        read(path)

    return check


def _feed(schema: Schema) -> Callable[[Path], object]:
    return lambda path: list(CsvFeed(path, symbol=Symbol("BTCUSDT"), schema=schema).items())


def _text_target(
    name: str,
    corpus: tuple[bytes, ...],
    read: Callable[[Path], object],
    refusals: tuple[type[Exception], ...],
) -> Target:
    return Target(
        name=name,
        corpus=corpus,
        mutate=mutate_text,
        check=_written(f"{name}.file", read),
        refusals=refusals,
    )


def file_targets() -> tuple[Target, ...]:
    """Return the targets of what users write."""
    settings = _text_target(
        "settings", (_SETTINGS,), lambda path: load_settings(file=path, env={}), (SettingsError,)
    )
    feeds: tuple[tuple[str, tuple[bytes, ...], Schema], ...] = (
        ("data.bars", (_BARS, _ISO_BARS), BarSchema()),
        ("data.funding", (_FUNDING,), FundingSchema()),
        ("data.marks", (_MARKS,), MarkSchema()),
        ("data.quotes", (_QUOTES,), QuoteSchema()),
        ("data.trades", (_TRADES,), TradeSchema()),
    )
    return (
        settings,
        _text_target("instruments", (EXAMPLE.encode(),), load_instruments, (CatalogueError,)),
        _text_target("accounts", (_ACCOUNTS,), load_accounts, (BadInput,)),
        *(_text_target(name, data, _feed(schema), (FeedError,)) for name, data, schema in feeds),
    )
