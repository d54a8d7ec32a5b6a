"""The account of a desk over Bybit's protocol: what was set is what the venue shows and keeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.domain.account_settings import LeverageSetting
from tidegate.domain.core.events import SettingCause, SettingDeclined
from tidegate.domain.mode import TradingState
from tidegate.domain.money import Money, Rate
from tidegate.domain.records import PositionMode
from tidegate.domain.reports import MarginMode
from tidegate.ports.account_desk import (
    SettingApplied,
    SettingRefused,
    SettingRejected,
    SettingUnknown,
)
from tidegate.ports.desk import Placed
from tidegate.ports.exchange import QueryFailed

from tests.domain.samples import BTCUSDT

from .desk_bench import BTC, DeskBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    with DeskBench(tmp_path) as bench:
        yield bench


def test_settings_go_over_the_wire_and_are_read_back(bench: DeskBench) -> None:
    account = bench.desk.account
    leverage = LeverageSetting(symbol=BTC, leverage=Rate.of(4))
    for was_already in (False, True):
        outcome = account.set_leverage(BTC, Rate.of(4))
        assert outcome == SettingApplied(setting=leverage, was_already=was_already, note=None)
    capped = account.set_leverage(BTC, Rate.of(60))
    assert isinstance(capped, SettingApplied)
    assert capped.note == "the configured maximum is 10 x"
    assert bench.venue.position(BTC).leverage == Rate.of(10)
    for mode in (MarginMode.CROSS, MarginMode.ISOLATED):
        assert isinstance(account.set_margin_mode(mode), SettingApplied)
        assert bench.venue.account().margin_mode is mode
    assert isinstance(bench.open("s1"), Placed)
    assert bench.venue.position(BTC).leverage == Rate.of(3)


def test_a_position_is_secured_while_halted_and_its_margin_stays(bench: DeskBench) -> None:
    assert isinstance(bench.open("s1", ladder=()), Placed)
    account, level = bench.desk.account, bench.venue.position(BTC).liquidation_price
    bench.desk.set_trading_state(TradingState.HALTED, "operator")
    assert isinstance(account.add_margin(BTC, Money.of("20.5")), SettingApplied)
    now = bench.venue.position(BTC).liquidation_price
    assert level is not None
    assert now is not None
    assert now < level
    assert isinstance(account.set_auto_add_margin(BTC, on=True), SettingApplied)
    for refused in (
        account.add_margin(BTC, Money.of(-1)),
        account.set_auto_add_margin(BTC, on=False),
        account.set_leverage(BTC, Rate.of(5)),
        account.set_margin_mode(MarginMode.CROSS),
    ):
        assert isinstance(refused, SettingRefused), refused
    position = bench.venue.position(BTC)
    assert (position.leverage, position.auto_add_margin) == (Rate.of(3), True)
    assert position.liquidation_price == now


def test_a_lost_answer_is_unknown_and_the_margin_is_added_once(bench: DeskBench) -> None:
    assert isinstance(bench.open("s1", ladder=()), Placed)
    free = bench.venue.account().available
    bench.control.lose_next_answer("/v5/position/add-margin")
    assert isinstance(bench.desk.account.add_margin(BTC, Money.of(20)), SettingUnknown)
    bench.restart()
    assert free - bench.venue.account().available == Money.of(20)
    declined = [event for event in bench.events if isinstance(event, SettingDeclined)]
    assert [event.cause for event in declined] == [SettingCause.UNKNOWN]
    assert bench.books.settings == {}


def test_the_account_is_asked_over_the_wire(bench: DeskBench) -> None:
    account = bench.desk.account
    assert account.check_position_mode(BTC).mode is PositionMode.ONE_WAY
    assert account.risk_tiers(BTC) == BTCUSDT.tiers
    (coin,) = account.balances()
    assert coin == account.balance("USDT")
    assert coin.wallet == account.value().wallet
    with pytest.raises(QueryFailed, match="BTC"):
        account.balance("BTC")
    refused = account.set_collateral("USDT", on=False)
    assert isinstance(refused, SettingRejected)
    assert "cannot be set" in refused.message
