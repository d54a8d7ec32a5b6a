"""Clients that others wrote talk to the server as they are: pybit and ccxt."""

from collections.abc import Iterator
from typing import cast

import ccxt
import pybit.exceptions
import pytest
from pybit.unified_trading import HTTP
from tidegate.adapters.v5server.faults import AnswerCode, RequestFault, Stage

from .bench import KEY, SECRET, Bench, Json

NAME = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def session(bench: Bench) -> Iterator[HTTP]:
    session = HTTP(api_key=KEY, api_secret=SECRET, retry_codes={-1})
    session.endpoint = bench.server.rest_url
    session.client.trust_env = False
    yield session
    session.client.close()


@pytest.fixture
def exchange(bench: Bench) -> Iterator[ccxt.bybit]:
    url = bench.server.rest_url
    exchange = ccxt.bybit(
        {
            "apiKey": KEY,
            "secret": SECRET,
            "options": {"defaultType": "swap"},
            "enableRateLimit": False,
        }
    )
    exchange.urls["api"] = dict.fromkeys(exchange.urls["api"], url)
    exchange.session.trust_env = False
    yield exchange
    exchange.session.close()


def rows(answer: object) -> list[Json]:
    return cast("list[Json]", cast("Json", cast("Json", answer)["result"])["list"])


def test_pybit_places_changes_finds_and_cancels(session: HTTP) -> None:
    order: Json = {"side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "59900"}
    session.place_order(**NAME, **order, orderLinkId="a")
    session.amend_order(**NAME, orderLinkId="a", qty="0.2")
    assert rows(session.get_open_orders(**NAME))[0]["qty"] == "0.2"
    session.cancel_order(**NAME, orderLinkId="a")
    assert rows(session.get_order_history(**NAME))[0]["orderStatus"] == "Cancelled"


def test_pybit_pages_with_the_cursor_as_it_came(session: HTTP) -> None:
    order: Json = {"side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "59900"}
    for _ in range(3):
        session.place_order(**NAME, **order)
    first = session.get_open_orders(**NAME, limit=2)
    cursor = first["result"]["nextPageCursor"]
    assert len(rows(session.get_open_orders(**NAME, limit=2, cursor=cursor))) == 1


def test_pybit_raises_the_venue_s_code(session: HTTP) -> None:
    with pytest.raises(pybit.exceptions.InvalidRequestError) as caught:
        session.cancel_order(**NAME, orderId="nobody")
    assert caught.value.status_code == 110001


def test_pybit_reads_everything_of_an_account(session: HTTP) -> None:
    market: Json = {"side": "Buy", "orderType": "Market", "qty": "0.1"}
    session.place_order(**NAME, **market)
    session.set_trading_stop(**NAME, stopLoss="59000", tpslMode="Full", positionIdx=0)
    assert rows(session.get_positions(**NAME))[0]["stopLoss"] == "59000"
    assert rows(session.get_executions(**NAME))
    assert rows(session.get_wallet_balance(accountType="UNIFIED"))
    assert rows(session.get_transaction_log(accountType="UNIFIED"))
    assert rows(session.get_fee_rates(**NAME))
    assert rows(session.get_risk_limit(**NAME))
    assert session.get_api_key_information()["result"]["readOnly"] == 0
    assert session.get_server_time()["retCode"] == 0
    session.set_leverage(**NAME, buyLeverage="5", sellLeverage="5")


def test_pybit_sees_a_fault_as_a_code(bench: Bench, session: HTTP) -> None:
    fault = RequestFault(stage=Stage.BEFORE, action=AnswerCode(10016, "Internal error"))
    bench.server.call(lambda exchange: exchange.faults.plan(fault))
    with pytest.raises(pybit.exceptions.InvalidRequestError) as caught:
        session.cancel_all_orders(**NAME)
    assert caught.value.status_code == 10016


def test_ccxt_loads_the_markets_and_trades(exchange: ccxt.bybit) -> None:
    exchange.load_markets()
    symbol = "BTC/USDT:USDT"
    assert exchange.market(symbol)["precision"]["price"] == 0.1
    order = exchange.create_order(symbol, "limit", "buy", 0.1, 59900)
    (found,) = exchange.fetch_open_orders(symbol)
    assert (found["id"], found["status"]) == (order["id"], "open")
    exchange.cancel_order(order["id"], symbol)
    assert exchange.fetch_open_orders(symbol) == []
    exchange.create_order(symbol, "market", "buy", 0.1)
    (held,) = exchange.fetch_positions([symbol])
    assert (held["side"], held["contracts"], held["entryPrice"]) == ("long", 0.1, 60000.0)
    assert exchange.fetch_balance()["USDT"]["total"] == pytest.approx(99996.7)
    (trade,) = exchange.fetch_my_trades(symbol)
    assert (trade["side"], trade["fee"]["cost"]) == ("buy", 3.3)


def test_ccxt_reads_the_market(exchange: ccxt.bybit) -> None:
    symbol = "BTC/USDT:USDT"
    exchange.load_markets()
    assert exchange.fetch_ticker(symbol)["last"] == 60000.0
    assert exchange.fetch_order_book(symbol, 5)["bids"]
    assert exchange.fetch_ohlcv(symbol, "1m")
    assert exchange.fetch_trades(symbol)
    assert exchange.fetch_time()


def test_ccxt_raises_its_own_kinds_of_errors(exchange: ccxt.bybit) -> None:
    exchange.load_markets()
    symbol = "BTC/USDT:USDT"
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("nobody", symbol)
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(symbol, "limit", "buy", 30, 59900)
