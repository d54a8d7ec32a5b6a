"""The books count USDT alone: what was paid or settles in another coin does not enter them."""

from typing import Any

import pytest
from tidegate.adapters.bybit.streams.private import PrivateFeed
from tidegate.adapters.bybit.wire.executions import execution_or_funding, settles_in_usdt
from tidegate.adapters.bybit.wire.fields import Unreadable
from tidegate.domain.money import Money
from tidegate.domain.reports import Execution, UnreadableReport, VenueMessage

from .rows import EXECUTION, FUNDING, ORDER, POSITION, Json


@pytest.mark.parametrize("row", [EXECUTION, FUNDING], ids=["fill", "funding"])
@pytest.mark.parametrize("coin", ["MNT", "USDC", "BTC", 7])
def test_a_fee_in_another_coin_is_unreadable(row: Json, coin: object) -> None:
    with pytest.raises(Unreadable) as unreadable:
        execution_or_funding({**row, "feeCurrency": coin})
    assert unreadable.value.field == "feeCurrency"


@pytest.mark.parametrize("named", [{}, {"feeCurrency": ""}, {"feeCurrency": "USDT"}])
def test_a_fee_in_usdt_may_go_without_its_name(named: dict[str, Any]) -> None:
    row = {name: value for name, value in EXECUTION.items() if name != "feeCurrency"}
    read = execution_or_funding({**row, **named})
    assert isinstance(read, Execution)
    assert read.fee == Money.of("0.0679239")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT", "BTCUSDT-27MAR26", None, 5])
def test_a_contract_in_usdt_or_of_no_readable_name_passes(symbol: object) -> None:
    assert settles_in_usdt(symbol)


@pytest.mark.parametrize("symbol", ["BTCPERP", "BTC-27MAR26", "ETHUSDC", "BTCUSD"])
def test_a_contract_in_another_coin_does_not(symbol: str) -> None:
    assert not settles_in_usdt(symbol)


@pytest.mark.parametrize(
    ("topic", "row"), [("order", ORDER), ("execution", EXECUTION), ("position", POSITION)]
)
def test_the_stream_s_rows_of_contracts_in_usdc_are_not_of_this_desk(topic: str, row: Json) -> None:
    told: list[VenueMessage] = []
    feed = PrivateFeed(told.append, now_ms=lambda: 1, margin_mode=lambda: None)
    theirs = {**row, "category": "linear", "symbol": "BTCPERP", "feeCurrency": "USDC"}
    nameless = {**row, "category": "linear", "symbol": 5}
    feed.take({"topic": topic, "creationTime": 1, "data": [theirs, nameless, row]})
    assert [type(message) is UnreadableReport for message in told] == [True, False]
