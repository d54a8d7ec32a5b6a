"""Market data over REST, for anyone."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.domain.instrument import InstrumentStatus
from tidegate.domain.orders import Symbol

from tests.domain.samples import BTCUSDT, TIERS

from .bench import Bench, Client, Json


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        bench.advance(60_000)
        bench.price("60100", mark="60050")
        bench.funding("0.0001")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def market(client: Client, name: str, query: str = "symbol=BTCUSDT") -> Json:
    answer = client.get(f"/v5/market/{name}", f"category=linear&{query}", signed=False)
    assert answer.code == 0, answer.text
    return answer.result


def test_the_time_is_the_server_s_in_three_units(bench: Bench, client: Client) -> None:
    before = bench.now_ms()
    answer = client.get("/v5/market/time", signed=False)
    time_ms = answer.body["time"]
    assert isinstance(time_ms, int)
    assert before <= time_ms <= bench.now_ms()
    assert answer.result["timeSecond"] == str(time_ms // 1_000)
    assert str(answer.result["timeNano"])[:10] == answer.result["timeSecond"]


def test_an_instrument_is_told_as_it_is_traded(client: Client) -> None:
    (row,) = client.get("/v5/market/instruments-info", "category=linear&symbol=BTCUSDT").rows
    assert (row["symbol"], row["status"], row["fundingInterval"]) == ("BTCUSDT", "Trading", 480)
    assert row["priceFilter"] == {
        "minPrice": "0.10",
        "maxPrice": "1999999.80",
        "tickSize": "0.10",
    }
    assert row["lotSizeFilter"] == {
        "minOrderQty": "0.001",
        "maxOrderQty": "1190.000",
        "maxMktOrderQty": "500.000",
        "qtyStep": "0.001",
        "minNotionalValue": "5",
        "postOnlyMaxOrderQty": "1190.000",
    }
    assert row["leverageFilter"] == {
        "minLeverage": "1",
        "maxLeverage": "100.00",
        "leverageStep": "0.01",
    }


def test_instruments_come_in_pages_and_by_base_coin(client: Client) -> None:
    first = market(client, "instruments-info", "limit=1")
    cursor = first["nextPageCursor"]
    second = market(client, "instruments-info", f"limit=1&cursor={cursor}")
    assert second["nextPageCursor"] == ""
    rows = [*list_of(first), *list_of(second)]
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "COARSEUSDT"]
    assert len(list_of(market(client, "instruments-info", "baseCoin=COARSE"))) == 1


def list_of(result: Json) -> list[Json]:
    rows = result["list"]
    assert isinstance(rows, list)
    return rows


def test_a_symbol_that_is_delisted_is_shown_by_name_alone() -> None:
    ending = attrs.evolve(BTCUSDT, status=InstrumentStatus.REDUCE_ONLY)
    with Bench(instruments=(ending,)) as bench:
        client = bench.client()
        assert list_of(market(client, "instruments-info", "")) == []
        (row,) = list_of(market(client, "instruments-info"))
        assert row["status"] == "Delivering"
        assert len(list_of(market(client, "instruments-info", "status=Delivering"))) == 1


@pytest.mark.parametrize("category", ["spot", "inverse", "option"])
def test_other_categories_hold_nothing(client: Client, category: str) -> None:
    for name in ("instruments-info", "tickers"):
        answer = client.get(f"/v5/market/{name}", f"category={category}", signed=False)
        assert (answer.code, answer.rows) == (0, [])
    assert client.get("/v5/market/instruments-info", "category=other").code == 10001
    orderbook = client.get("/v5/market/orderbook", f"category={category}&symbol=BTCUSDT")
    assert orderbook.code == 10001


def test_risk_tiers_are_fractions_and_not_in_order(client: Client) -> None:
    rows = list_of(market(client, "risk-limit"))
    assert len(rows) == len(TIERS)
    by_id = {int(str(row["id"])): row for row in rows}
    assert list(by_id) != sorted(by_id)
    assert by_id[1]["maintenanceMargin"] == "0.0033"
    assert (by_id[1]["isLowestRisk"], by_id[1]["mmDeduction"]) == (1, "")
    assert (by_id[2]["isLowestRisk"], by_id[2]["mmDeduction"]) == (0, "510")
    assert by_id[2]["riskLimitValue"] == "2000000"
    assert by_id[1]["maxLeverage"] == "150.00"


def test_risk_tiers_of_all_symbols_come_fifteen_symbols_at_a_time() -> None:
    many = [attrs.evolve(BTCUSDT, symbol=Symbol(f"S{number:02}USDT")) for number in range(17)]
    with Bench(instruments=many) as bench:
        client = bench.client()
        first = market(client, "risk-limit", "")
        assert len(list_of(first)) == 15 * len(TIERS)
        cursor = first["nextPageCursor"]
        assert len(list_of(market(client, "risk-limit", f"cursor={cursor}"))) == 2 * len(TIERS)


def test_prices_are_those_of_the_venue(client: Client) -> None:
    (row,) = list_of(market(client, "tickers"))
    assert (row["lastPrice"], row["markPrice"]) == ("60100.00", "60050.00")
    assert row["fundingIntervalHour"] == "8"
    assert len(list_of(market(client, "tickers", ""))) == 1


def test_the_book_has_the_asked_depth_best_first(client: Client) -> None:
    book = market(client, "orderbook", "symbol=BTCUSDT&limit=3")
    bids, asks = book["b"], book["a"]
    assert isinstance(bids, list)
    assert isinstance(asks, list)
    assert len(bids) == len(asks) == 3
    assert bids == sorted(bids, key=lambda level: level[0], reverse=True)
    assert asks == sorted(asks, key=lambda level: level[0])


def test_candles_are_newest_first(client: Client) -> None:
    rows = market(client, "kline", "symbol=BTCUSDT&interval=1")["list"]
    assert isinstance(rows, list)
    assert [row[4] for row in rows] == ["60100.00", "60000.00"]
    assert int(rows[0][0]) == int(rows[1][0]) + 60_000
    marks = market(client, "mark-price-kline", "symbol=BTCUSDT&interval=1")["list"]
    assert isinstance(marks, list)
    assert marks[0][4] == "60050.00"
    bad = client.get("/v5/market/kline", "category=linear&symbol=BTCUSDT&interval=7")
    assert bad.code == 10001
    assert client.get("/v5/market/kline", "symbol=BTCUSDT&interval=1").code == 0


def test_funding_history_is_asked_for_by_its_end(bench: Bench, client: Client) -> None:
    rows = list_of(market(client, "funding/history"))
    assert [row["fundingRate"] for row in rows] == ["0.0001"]
    alone = client.get("/v5/market/funding/history", "category=linear&symbol=BTCUSDT&startTime=1")
    assert alone.code == 10001
    assert "endTime" in alone.message
    assert list_of(market(client, "funding/history", "symbol=BTCUSDT&endTime=5")) == []


def test_trades_and_price_limits_are_public(client: Client) -> None:
    assert list_of(market(client, "recent-trade"))[0]["price"] == "60100.00"
    limits = market(client, "price-limit")
    assert float(str(limits["sellLmt"])) < 60050 < float(str(limits["buyLmt"]))


@pytest.mark.parametrize(
    "name",
    ["orderbook", "tickers", "kline", "recent-trade", "funding/history", "price-limit"],
)
def test_an_unknown_symbol_is_a_parameter_error(client: Client, name: str) -> None:
    answer = client.get(f"/v5/market/{name}", "category=linear&symbol=NOPE&interval=1")
    assert answer.code == 10001
    assert "NOPE" in answer.message


def test_a_symbol_without_a_price_has_no_book_and_takes_no_order(client: Client) -> None:
    book = client.get("/v5/market/orderbook", "category=linear&symbol=COARSEUSDT")
    assert book.code == 10001
    assert "no price" in book.message
    order = client.post(
        "/v5/order/create",
        category="linear",
        symbol="COARSEUSDT",
        side="Buy",
        orderType="Market",
        qty="30",
    )
    assert order.code == 110118
    row = client.get("/v5/position/list", "category=linear&symbol=COARSEUSDT")
    assert row.code == 10001
