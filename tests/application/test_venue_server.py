"""A served venue: its accounts' file, recorded data told again, and its life."""

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.feeds import StoredFeed
from tidegate.adapters.paper.config import PaperConfig
from tidegate.application.settings import Settings
from tidegate.application.venue_accounts import DEFAULT_ACCOUNTS, AccountSettings, load_accounts
from tidegate.application.venue_feeding import due_s, points_of, stamped
from tidegate.application.venue_preparing import prepare_venue
from tidegate.application.venue_server import ServedVenue, VenueServerSettings
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.commands import BadInput, VenueRequest
from tidegate.ports.feed import (
    Feed,
    FeedError,
    FeedItem,
    FundingPoint,
    MarkPoint,
    QuotePoint,
    TradePoint,
)
from tidegate.ports.venue_server import VenueServerError

from tests.domain.samples import BTCUSDT, FEES

BTC = Symbol("BTCUSDT")


def bar(*, close: str = "101.07", volume: str = "10.0019", start_ms: int = 0) -> Bar:
    return Bar(
        symbol=BTC,
        start_ms=start_ms,
        end_ms=start_ms + 60_000,
        open=Price.of("100.05"),
        high=Price.of("102"),
        low=Price.of("99"),
        close=Price.of(close),
        volume=Qty.of(volume),
    )


@pytest.mark.parametrize(
    ("close", "prices"),
    [
        ("101.07", ["100.00", "99.00", "102.00", "101.00"]),
        ("99.5", ["100.00", "102.00", "99.00", "99.50"]),
    ],
)
def test_a_bar_becomes_four_trades_on_the_grid_over_its_time(close: str, prices: list[str]) -> None:
    points = [*points_of(StoredFeed((bar(close=close),)), BTCUSDT)]
    assert [point.time_ms for point in points] == [0, 20_000, 40_000, 60_000]
    assert all(isinstance(point, TradePoint) for point in points)
    trades = [point for point in points if isinstance(point, TradePoint)]
    assert [trade.price for trade in trades] == [Price.of(price) for price in prices]
    # A quarter of 10.0019 is 2.500475, on steps of 0.001 that is 2.5.
    assert {trade.qty for trade in trades} == {Qty.of("2.5")}


def test_a_bar_without_volume_still_trades_the_smallest_step() -> None:
    points = [*points_of(StoredFeed((bar(volume="0"),)), BTCUSDT)]
    assert {point.qty for point in points if isinstance(point, TradePoint)} == {BTCUSDT.qty_step}


def test_other_items_are_told_as_they_are_and_only_their_time_is_another() -> None:
    items = (
        QuotePoint(
            symbol=BTC,
            time_ms=1,
            bid=Price.of(1),
            bid_size=Qty.of(2),
            ask=Price.of(3),
            ask_size=Qty.of(4),
        ),
        MarkPoint(symbol=BTC, time_ms=2, mark=Price.of(5)),
        FundingPoint(symbol=BTC, time_ms=3, rate=Rate.of("0.0001")),
        TradePoint(symbol=BTC, time_ms=4, price=Price.of(6), qty=Qty.of(7)),
    )
    assert tuple(points_of(StoredFeed(items), BTCUSDT)) == items
    for item in items:
        moved = stamped(item, 99)
        assert moved.time_ms == 99
        assert stamped(moved, item.time_ms) == item


@given(
    st.lists(st.integers(0, 10**9), min_size=2, max_size=20).map(sorted),
    st.decimals("0.001", "100000", places=3),
)
def test_a_pace_keeps_the_order_and_the_proportions(times: list[int], speed: Decimal) -> None:
    due = [due_s(times[0], time_ms, speed) for time_ms in times]
    assert due == sorted(due)
    assert due[0] == 0
    assert abs(due[-1] * speed * 1_000 - (times[-1] - times[0])) < Decimal("0.001")
    assert all(due_s(times[0], time_ms, Decimal(0)) == 0 for time_ms in times)


def accounts(folder: Path, text: str) -> tuple[AccountSettings, ...]:
    path = folder / "accounts.toml"
    path.write_text(text, encoding="utf-8")
    return load_accounts(path)


def test_a_file_of_accounts_gives_each_its_own(tmp_path: Path) -> None:
    text = """
    [[accounts]]
    key = "a"
    secret = "b"
    [[accounts]]
    key = "c"
    secret = "d"
    wallet = 12.5
    permissions = ["Order"]
    may_withdraw = true
    read_only = true
    is_demo = true
    ips = ["10.0.0.1", "10.0.0.2"]
    """
    first, second = accounts(tmp_path, text)
    made_up = {"a": "b", "c": "d"}
    assert first == AccountSettings(key="a", secret=made_up["a"], uid=first.uid)
    assert second == AccountSettings(
        key="c",
        secret=made_up["c"],
        uid=first.uid + 1,
        wallet=Money.of("12.5"),
        permissions=("Order",),
        may_withdraw=True,
        read_only=True,
        is_demo=True,
        ips=("10.0.0.1", "10.0.0.2"),
    )
    assert "secret" not in repr(first)


def test_everything_wrong_with_the_accounts_is_said_at_once_and_no_secret(tmp_path: Path) -> None:
    text = """
    [[accounts]]
    key = 3
    secret = "hush"
    wallet = -1
    permissions = "Order"
    read_only = "yes"
    walet = 1
    """
    with pytest.raises(BadInput) as caught:
        accounts(tmp_path, text)
    problems = [problem.partition("account 1: ")[2] for problem in caught.value.problems]
    assert problems == [
        "key is absent or no text; accepted: any text",
        "wallet is -1; accepted: USDT, 0 or more",
        "permissions is 'Order'; accepted: a list of texts",
        "read_only is 'yes'; accepted: true or false",
        (
            "no setting 'walet'; accepted: ips, is_demo, key, may_withdraw, permissions, "
            "read_only, secret, wallet"
        ),
    ]
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no account"),
        ("accounts = []", "no account"),
        ("x", "no TOML file"),
        pytest.param(f"x = {'9' * 5_000}", "no TOML file", id="too many digits"),
        pytest.param(f"x = {'[' * 100_000}", "no TOML file", id="too deep"),
        ("x = 1e99999999999999999999", "no TOML file"),
        ('[[accounts]]\nkey = "a"\nsecret = "b"\nwallet = nan', "wallet is .*0 or more"),
        ('[[accounts]]\nkey = "a"\nsecret = "b"\nwallet = 1e999999999', "wallet is .*0 or more"),
    ],
)
def test_a_file_without_accounts_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        accounts(tmp_path, text)


def venue(**values: Any) -> Any:
    return prepare_venue(VenueRequest(**values), Settings())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"data": "x.csv", "is_demo_feed": True}, "accepted: one of them"),
        ({"port": 70_000}, "port 70000; accepted: 1 to 65535"),
        ({"tls_key": "x.pem"}, "accepted: both, or neither"),
        ({"host": "192.0.2.1"}, "together with --allow-remote"),
        ({"host": "::"}, "together with --allow-remote"),
        ({"host": "192.0.2.1", "allow_remote": True}, "a file of accounts of your own"),
        ({"accounts": "/nowhere.toml"}, "cannot be read"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_is_accepted(
    values: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        venue(**values)


def test_every_reason_is_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        venue(data="x.csv", is_demo_feed=True, port=-1, tls_cert="x", host="192.0.2.1")
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("host", ["localhost", "::1", "127.0.0.2"])
def test_every_name_of_this_machine_is_served(host: str) -> None:
    assert venue(host=host).title == "BTCUSDT at 60000"


def test_bundled_bars_are_told_an_hour_in_a_second_unless_said_otherwise() -> None:
    assert venue(is_demo_feed=True)._settings.speed == 3_600
    assert venue(is_demo_feed=True, speed=Rate.of(5))._settings.speed == 5
    assert venue()._settings.speed == 1


def test_a_venue_that_was_not_started_has_no_address_and_closes_all_the_same() -> None:
    served = venue()
    with pytest.raises(VenueServerError, match="not started"):
        _ = served.rest_url
    served.close()


def test_a_venue_leaves_no_thread_and_no_file_and_stops_before_it_runs() -> None:
    before = threading.active_count()
    served = venue(price=Price.of("1000"))
    served.start()
    folder = served._folder
    assert folder.is_dir()
    served.stop()
    served.run()
    served.close()
    served.close()
    assert threading.active_count() == before
    assert not folder.exists()


def ask(served: Any, path: str) -> Any:
    url = f"{served.rest_url}{path}?category=linear&symbol=BTCUSDT"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        return json.load(answer)["result"]["list"]


def reaches(met: Callable[[], bool], *, within_s: int = 30) -> bool:
    deadline = time.monotonic() + within_s
    while not met():
        if time.monotonic() > deadline:
            return False
    return True


def test_recorded_bars_are_told_and_the_last_price_stands(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text(
        "start_ms,open,high,low,close,volume\n"
        "1700000000000,100,102,99,101,10\n1700000060000,101,104,100,103,10\n",
        encoding="utf-8",
    )
    served = venue(data=str(tmp_path / "bars.csv"), speed=Rate.of(0))
    served.start()
    try:
        assert served.title == "BTCUSDT, 2 items of market data"
        assert reaches(lambda: ask(served, "/v5/market/tickers")[0]["lastPrice"] == "103.00")
    finally:
        served.close()


def test_a_market_that_stands_still_stays_fresh() -> None:
    served = venue(price=Price.of("1000"))
    served.start()
    try:
        assert reaches(lambda: len(ask(served, "/v5/market/recent-trade")) >= 3)
        trades = ask(served, "/v5/market/recent-trade")
        assert {trade["price"] for trade in trades} == {"1000.00"}
        assert len({trade["time"] for trade in trades}) == len(trades)
    finally:
        served.close()


class Breaking(Feed):
    """Market data that cannot be read on after its first item."""

    def __len__(self) -> int:
        return 2

    def items(self, *, start: int = 0) -> Iterator[FeedItem]:
        assert start == 0
        yield TradePoint(symbol=BTC, time_ms=0, price=Price.of("777"), qty=Qty.of(1))
        raise FeedError("row 2 cannot be read")


def test_market_data_that_breaks_off_ends_the_run_with_its_error() -> None:
    served = ServedVenue(
        VenueServerSettings(
            instrument=BTCUSDT,
            fees=FEES,
            accounts=DEFAULT_ACCOUNTS,
            paper=PaperConfig(),
            price=Price.of("1000"),
            feed=Breaking(),
        )
    )
    served.start()
    try:
        with pytest.raises(FeedError, match="row 2 cannot be read"):
            served.run()
        assert ask(served, "/v5/market/tickers")[0]["lastPrice"] == "777.00"
    finally:
        served.close()


def test_a_pace_is_kept_and_a_close_does_not_wait_for_it() -> None:
    slow = StoredFeed((bar(), bar(start_ms=3_600_000)))
    served = ServedVenue(
        VenueServerSettings(
            instrument=BTCUSDT,
            fees=FEES,
            accounts=DEFAULT_ACCOUNTS,
            paper=PaperConfig(),
            price=Price.of("1000"),
            feed=slow,
        )
    )
    before_s = time.monotonic()
    served.start()
    assert reaches(lambda: ask(served, "/v5/market/tickers")[0]["lastPrice"] == "100.00")
    served.close()
    assert time.monotonic() - before_s < 60


def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing", encoding="utf-8")
    served = venue(tls_cert=str(tmp_path / "x.pem"), tls_key=str(tmp_path / "x.pem"))
    with pytest.raises(VenueServerError, match="accepted: PEM files"):
        served.start()
    served.close()
