"""The market by hand, and what the venue does by itself, by name."""

from collections.abc import Iterator

import pytest
from tidegate.adapters.v5server.control import Control, FaultName
from tidegate.adapters.v5server.control_base import ControlRefused
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.money import Price, Qty, Rate

from tests.domain.samples import BTCUSDT

from .bench import Bench, Json, account_spec
from .raw_stream import order_params

SYMBOL = BTCUSDT.symbol
ONE = "category=linear&symbol=BTCUSDT"


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as opened:
        Control(opened.server.call).price(SYMBOL, Price.of(60_000))
        yield opened


@pytest.fixture
def control(bench: Bench) -> Control:
    return Control(bench.server.call)


def buy(bench: Bench, **more: object) -> None:
    answer = bench.client().post("/v5/order/create", **order_params(**more))
    assert answer.code == 0, answer.text


def position(bench: Bench) -> Json:
    return bench.client().get("/v5/position/list", ONE).rows[0]


def ticker(bench: Bench) -> Json:
    return bench.client().get("/v5/market/tickers", ONE, signed=False).rows[0]


def history(bench: Bench) -> list[Json]:
    return bench.client().get("/v5/order/history", ONE).rows


def executions(bench: Bench, kind: str) -> list[Json]:
    return bench.client().get("/v5/execution/list", f"{ONE}&execType={kind}").rows


def test_a_price_moves_last_mark_and_the_best_prices(bench: Bench, control: Control) -> None:
    control.price(SYMBOL, Price.of(61_000), mark=Price.of(61_050))
    row = ticker(bench)
    assert (row["lastPrice"], row["markPrice"]) == ("61000.00", "61050.00")
    assert (row["bid1Price"], row["ask1Price"]) == ("61000.00", "61000.00")


def test_a_size_is_what_an_order_can_take(bench: Bench, control: Control) -> None:
    control.price(SYMBOL, Price.of(60_000), size=Qty.of("0.004"))
    buy(bench)
    assert position(bench)["size"] == "0.004"


def test_a_quote_sets_the_best_prices_and_a_price_moves_them_again(
    bench: Bench, control: Control
) -> None:
    control.quote(SYMBOL, Price.of(59_000), Price.of(59_100), Qty.of(3))
    row = ticker(bench)
    assert (row["bid1Price"], row["ask1Price"], row["ask1Size"]) == ("59000.00", "59100.00", "3")
    control.price(SYMBOL, Price.of(58_000))
    row = ticker(bench)
    assert (row["bid1Price"], row["ask1Price"]) == ("58000.00", "58000.10")
    with pytest.raises(ControlRefused, match="bid 2 is above ask 1"):
        control.quote(SYMBOL, Price.of(2), Price.of(1))


def test_a_book_is_shown_as_it_was_set_and_its_best_level_is_met(
    bench: Bench, control: Control
) -> None:
    bids = ((Price.of(59_990), Qty.of(2)), (Price.of(59_000), Qty.of(5)))
    control.set_book(SYMBOL, bids, ((Price.of(60_010), Qty.of("0.5")),))
    shown = bench.client().get("/v5/market/orderbook", f"{ONE}&limit=50", signed=False).result
    assert shown["b"] == [["59990.00", "2"], ["59000.00", "5"]]
    assert shown["a"] == [["60010.00", "0.5"]]
    buy(bench)
    assert position(bench)["avgPrice"] == "60010"


def test_time_passes_at_once(bench: Bench, control: Control) -> None:
    before = control.now_ms()
    after = control.advance(3_600_000)
    assert 3_600_000 <= after - before < 3_660_000
    answer = bench.client().get("/v5/market/time", signed=False)
    assert abs(int(str(answer.body["time"])) - after) < 60_000
    with pytest.raises(ValueError, match="zero or more is accepted"):
        control.advance(-1)


def test_an_index_of_its_own_fires_index_triggers(bench: Bench, control: Control) -> None:
    control.index(SYMBOL, Price.of(60_500))
    assert ticker(bench)["indexPrice"] == "60500.00"
    trigger = {"triggerPrice": "61000", "triggerDirection": 1, "triggerBy": "IndexPrice"}
    buy(bench, **trigger)
    assert position(bench)["size"] == "0"
    control.index(SYMBOL, Price.of(61_000))
    assert position(bench)["size"] == "0.01"


def test_funding_is_paid_at_the_mark(bench: Bench, control: Control) -> None:
    buy(bench)
    control.pay_funding(SYMBOL, Rate.of("0.001"))
    (row,) = executions(bench, "Funding")
    assert row["execFee"] == "0.6", "0.01 x 60000 x 0.001"


def test_a_liquidation_takes_the_position_over_at_its_bankruptcy_price(
    bench: Bench, control: Control
) -> None:
    buy(bench)
    control.inject(FaultName.LIQUIDATION)
    assert position(bench)["size"] == "0"
    (row,) = executions(bench, "BustTrade")
    assert row["execPrice"] == "54000", "60000 x (1 - 1/10)"
    with pytest.raises(ControlRefused, match="has no position in BTCUSDT"):
        control.liquidate(SYMBOL)


def test_deleveraging_closes_at_the_mark_and_may_close_a_part(
    bench: Bench, control: Control
) -> None:
    buy(bench)
    control.deleverage(SYMBOL, Qty.of("0.004"))
    assert position(bench)["size"] == "0.006"
    control.inject(FaultName.DELEVERAGING)
    assert position(bench)["size"] == "0"
    rows = executions(bench, "AdlTrade")
    assert {row["execPrice"] for row in rows} == {"60000"}
    assert {row["createType"] for row in rows} == {"CreateByAdl_PassThrough"}


def test_funding_and_its_name_are_the_same_act(bench: Bench, control: Control) -> None:
    buy(bench)
    control.inject(FaultName.FUNDING)
    assert len(executions(bench, "Funding")) == 1


def test_a_stop_is_deactivated_and_the_position_is_without(bench: Bench, control: Control) -> None:
    buy(bench, stopLoss="59000")
    assert position(bench)["stopLoss"] == "59000"
    control.inject(FaultName.DEACTIVATED_STOP)
    assert position(bench)["stopLoss"] in {"", "0", "0.00"}
    (stop,) = [row for row in history(bench) if row["stopOrderType"] == "StopLoss"]
    assert stop["orderStatus"] == "Deactivated"
    with pytest.raises(ControlRefused, match="has no stop_loss in BTCUSDT"):
        control.inject(FaultName.DEACTIVATED_STOP)


def test_a_target_that_is_cancelled_takes_the_stop_of_its_pair_with_it(
    bench: Bench, control: Control
) -> None:
    buy(bench)
    pair = {"tpSize": "0.01", "slSize": "0.01", "takeProfit": "61000", "stopLoss": "59000"}
    asked = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Partial", "positionIdx": 0}
    assert bench.client().post("/v5/position/trading-stop", **asked, **pair).code == 0
    control.inject(FaultName.COUPLED_CANCEL)
    ended = {
        row["stopOrderType"]: row["orderStatus"] for row in history(bench) if row["stopOrderType"]
    }
    expected = {"PartialTakeProfit": "Deactivated", "PartialStopLoss": "Deactivated"}
    assert ended == expected


def test_a_price_beyond_a_narrow_band_is_moved_to_it(bench: Bench, control: Control) -> None:
    control.inject(FaultName.PRICE_LIMIT_CLAMP)
    buy(bench, side="Sell", orderType="Limit", price="59000", timeInForce="GTC")
    (order,) = history(bench)
    assert order["price"] == "59994", "60000 x (1 - 0.0001)"


def test_a_symbol_that_is_delisted_only_reduces(bench: Bench, control: Control) -> None:
    buy(bench)
    control.inject(FaultName.DELISTING)
    assert bench.client().post("/v5/order/create", **order_params()).code != 0
    closing = order_params(side="Sell", reduceOnly=True)
    assert bench.client().post("/v5/order/create", **closing).code == 0
    query = f"{ONE}&status=Delivering"
    row = bench.client().get("/v5/market/instruments-info", query, signed=False).rows[0]
    assert row["status"] == "Delivering"
    control.set_status(SYMBOL, InstrumentStatus.TRADING)
    buy(bench)


def test_a_market_is_that_of_every_account() -> None:
    specs = [account_spec(), account_spec("other-key", "other-secret", uid=1002)]
    with Bench(specs) as bench:
        control = Control(bench.server.call)
        control.price(SYMBOL, Price.of(60_000))
        for spec in specs:
            answer = bench.client(spec).post("/v5/order/create", **order_params())
            assert answer.code == 0
        control.deleverage(SYMBOL, account_key="other-key")
        sizes = [bench.client(spec).get("/v5/position/list", ONE).rows[0]["size"] for spec in specs]
        assert sizes == ["0.01", "0"]
