"""A served venue: its accounts' file, recorded data told again, and its life."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.feeds import StoredFeed
from tidegate.application.settings import Settings
from tidegate.application.venue_accounts import AccountSettings, load_accounts
from tidegate.application.venue_feeding import due_s, points_of, stamped
from tidegate.application.venue_preparing import prepare_venue
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Symbol
from tidegate.domain.reports import Bar
from tidegate.ports.commands import BadInput, VenueRequest
from tidegate.ports.feed import FundingPoint, MarkPoint, QuotePoint, TradePoint
from tidegate.ports.venue_server import VenueServerError

from tests.domain.samples import BTCUSDT

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
    ("text", "says"), [("", "no account"), ("accounts = []", "no account"), ("x", "no TOML file")]
)
def test_a_file_without_accounts_is_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=says):
        accounts(tmp_path, text)


def venue(**values: Any) -> Any:
    return prepare_venue(VenueRequest(**values), Settings())


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


def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing", encoding="utf-8")
    served = venue(tls_cert=str(tmp_path / "x.pem"), tls_key=str(tmp_path / "x.pem"))
    with pytest.raises(VenueServerError, match="accepted: PEM files"):
        served.start()
    served.close()
