"""Stock ccxt through a whole trade, with nothing changed but the address.

It runs twice: as it comes, finding out about the account and every category by itself, and with the
options that skip that. The market is BTCUSDT at 65000.3, the wallet 10000 USDT, the leverage 5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import ccxt
import pytest

from tests.adapters.v5server.bench import KEY, SECRET, Bench, Json, account_spec

SYMBOL = "BTC/USDT:USDT"
AS_IT_COMES: Json = {"options": {"defaultType": "swap"}}
SHORT: Json = {
    "has": {"fetchCurrencies": False},
    "options": {
        "defaultType": "swap",
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "fetchMarkets": {"types": ["linear"]},
    },
}
ACCOUNT_PATHS = ["/v5/user/query-api", "/v5/account/info"]


@dataclass
class Desk:
    """The client, the market, and every path that was asked for."""

    bench: Bench
    client: Any
    paths: list[str] = field(default_factory=list)

    def stop_at(self, price: float) -> dict[str, Any]:
        return {"stopLoss": {"triggerPrice": price}}

    def buy(self, link: str, price: float | None = None, **more: Any) -> str:
        kind = "market" if price is None else "limit"
        params = {"clientOrderId": link, **more}
        made = self.client.create_order(SYMBOL, kind, "buy", 0.013, price, params)
        assert made["clientOrderId"] == link
        identity: str = made["id"]
        return identity

    def open_ids(self) -> set[str]:
        return {order["id"] for order in self.client.fetch_open_orders(SYMBOL)}

    @property
    def wallet(self) -> dict[str, float]:
        found: dict[str, float] = self.client.fetch_balance()["USDT"]
        return found


def _counted(fetch: Callable[..., Any], base: str, paths: list[str]) -> Callable[..., Any]:
    def counting(url: str, *rest: Any) -> Any:
        paths.append(url.removeprefix(base).partition("?")[0])
        return fetch(url, *rest)

    return counting


@pytest.fixture(params=[AS_IT_COMES, SHORT], ids=["as it comes", "with shortcuts"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with Bench([account_spec(wallet="10000")]) as bench:
        bench.price("65000.3")
        config = {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False}
        client = ccxt.bybit({**config, **request.param})
        url = bench.server.rest_url
        client.urls["api"] = dict.fromkeys(client.urls["api"], url)
        client.session.trust_env = False
        desk = Desk(bench, client)
        client.fetch = _counted(client.fetch, url, desk.paths)
        client.load_markets()
        client.set_leverage(5, SYMBOL)
        yield desk
        client.session.close()


def test_the_markets_are_the_instruments(desk: Desk) -> None:
    assert sorted(desk.client.markets) == [SYMBOL, "COARSE/USDT:USDT"]
    market = desk.client.market(SYMBOL)
    assert (market["swap"], market["linear"], market["active"]) == (True, True, True)
    assert market["precision"] == {"amount": 0.001, "price": 0.1}
    assert market["limits"]["amount"] == {"min": 0.001, "max": 1190.0}
    assert market["limits"]["leverage"] == {"min": 1.0, "max": 100.0}


def test_the_account_is_found_out_only_where_nothing_was_said(desk: Desk) -> None:
    is_told = desk.client.options["enableUnifiedAccount"] is True
    asked = len(desk.paths)
    assert desk.wallet == {"free": 10000.0, "used": 0.0, "total": 10000.0, "debt": 0.0}
    wallet_path = "/v5/account/wallet-balance"
    assert desk.paths[asked:] == ([wallet_path] if is_told else [*ACCOUNT_PATHS, wallet_path])
    assert desk.client.is_unified_enabled()[1] is True


def test_leverage_is_set_once_and_read_back(desk: Desk) -> None:
    assert desk.client.fetch_leverage(SYMBOL)["longLeverage"] == 5
    with pytest.raises(ccxt.BadRequest, match="110043"):
        desk.client.set_leverage(5, SYMBOL)


def test_a_market_order_is_filled_paid_and_protected(desk: Desk) -> None:
    identity = desk.buy("entry", **desk.stop_at(64000))
    (held,) = desk.client.fetch_positions([SYMBOL])
    assert (held["side"], held["contracts"], held["entryPrice"]) == ("long", 0.013, 65000.3)
    assert (held["notional"], held["leverage"], held["stopLossPrice"]) == (845.0039, 5.0, 64000.0)
    # 845.0039 / 5, and the fee of closing at 65000.3 x 0.8, which is 0.371801716.
    assert held["initialMargin"] == 169.37258172
    # 52000.24 / (1 - 0.0033).
    assert held["liquidationPrice"] == 52172.40894953
    assert held["realizedPnl"] == -0.46475215
    (trade,) = desk.client.fetch_my_trades(SYMBOL)
    assert (trade["order"], trade["price"], trade["amount"]) == (identity, 65000.3, 0.013)
    # 845.0039 x 0.00055 = 0.464752145.
    assert trade["fee"] == {"currency": "USDT", "cost": 0.46475215, "rate": 0.00055}
    assert desk.wallet["total"] == 9999.53524786
    (stop,) = desk.client.fetch_open_orders(SYMBOL)
    assert (stop["side"], stop["triggerPrice"], stop["amount"]) == ("sell", 64000.0, 0.013)
    assert stop["reduceOnly"] is True


def test_a_limit_order_rests_with_its_stop_until_it_is_cancelled(desk: Desk) -> None:
    identity = desk.buy("rests", 64500, **desk.stop_at(64000))
    (found,) = desk.client.fetch_open_orders(SYMBOL)
    assert (found["id"], found["clientOrderId"]) == (identity, "rests")
    assert (found["price"], found["amount"], found["status"]) == (64500.0, 0.013, "open")
    assert found["stopLossPrice"] == 64000.0
    assert desk.client.fetch_open_order(identity, SYMBOL)["remaining"] == 0.013
    asked = {"acknowledged": True}
    assert desk.client.fetch_order(identity, SYMBOL, asked)["filled"] == 0.0
    assert desk.client.cancel_order(identity, SYMBOL)["id"] == identity
    assert desk.open_ids() == set()
    (ended,) = desk.client.fetch_canceled_orders(SYMBOL)
    assert (ended["id"], ended["status"], ended["filled"]) == (identity, "canceled", 0.0)
    assert desk.client.fetch_order(identity, SYMBOL, asked)["status"] == "canceled"


def test_a_limit_order_is_changed_and_then_filled_as_a_maker(desk: Desk) -> None:
    identity = desk.buy("changed", 64500)
    desk.client.edit_order(identity, SYMBOL, "limit", "buy", 0.02, 64600)
    assert desk.client.fetch_open_order(identity, SYMBOL)["price"] == 64600.0
    desk.bench.price("64599.9")
    (closed,) = desk.client.fetch_closed_orders(SYMBOL)
    assert (closed["average"], closed["filled"], closed["status"]) == (64600.0, 0.02, "closed")
    # 0.02 x 64600 = 1292, of which 0.02 % is 0.2584.
    assert (closed["cost"], closed["fee"]) == (1292.0, {"cost": 0.2584, "currency": "USDT"})
    (trade,) = desk.client.fetch_my_trades(SYMBOL)
    assert trade["takerOrMaker"] == "maker"
    assert desk.wallet["total"] == 9999.7416


def test_a_closed_position_is_accounted_for(desk: Desk) -> None:
    desk.buy("entry", **desk.stop_at(64000))
    desk.bench.funding("0.0001")
    desk.bench.price("65650")
    desk.client.create_order(SYMBOL, "market", "sell", 0.013, None, {"reduceOnly": True})
    assert desk.client.fetch_positions([SYMBOL])[0]["contracts"] == 0.0
    assert desk.open_ids() == set()
    (past,) = desk.client.fetch_positions_history([SYMBOL])
    # 0.013 x 649.7 = 8.4461, less 0.464752145 and 853.45 x 0.00055 = 0.4693975: a tie.
    assert (past["side"], past["realizedPnl"]) == ("long", 7.51195036)
    (paid,) = desk.client.fetch_funding_history(SYMBOL)
    assert (paid["amount"], paid["rate"]) == (0.08450039, 0.0001)
    # 10000 + 7.511950355 - 0.08450039, and again a tie.
    assert desk.wallet == {
        "free": 10007.42744997,
        "used": 0.0,
        "total": 10007.42744997,
        "debt": 0.0,
    }
    rows = [entry["info"] for entry in desk.client.fetch_ledger()]
    rows.sort(key=lambda row: int(row["transactionTime"]))
    assert [(row["type"], row["change"]) for row in rows] == [
        ("TRADE", "-0.46475215"),
        ("SETTLEMENT", "-0.08450039"),
        ("TRADE", "7.9767025"),
    ]


def test_several_orders_are_made_and_cancelled_at_once(desk: Desk) -> None:
    orders = [
        {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.001, "price": 64000 + n}
        for n in range(5)
    ]
    made = [order["id"] for order in desk.client.create_orders(orders)]
    assert desk.open_ids() == set(made)
    desk.client.cancel_orders(made[:3], SYMBOL)
    assert desk.open_ids() == set(made[3:])
    assert {order["id"] for order in desk.client.cancel_all_orders(SYMBOL)} == set(made[3:])
    assert desk.open_ids() == set()


def test_a_trailing_stop_is_set_and_closes_the_position(desk: Desk) -> None:
    desk.buy("entry")
    trail = {"trailingAmount": "300", "trailingTriggerPrice": "65100"}
    desk.client.create_order(SYMBOL, "market", "sell", 0.013, None, trail)
    (leg,) = desk.client.fetch_open_orders(SYMBOL)
    assert (leg["triggerPrice"], leg["info"]["stopOrderType"]) == (65100.0, "TrailingStop")
    for price in ("65200", "64900"):
        desk.bench.price(price)
    assert desk.open_ids() == set()
    (past,) = desk.client.fetch_positions_history([SYMBOL])
    # 0.013 x (64900 - 65000.3) = -1.3039, less 0.464752145 and 843.7 x 0.00055 = 0.464035.
    assert past["realizedPnl"] == -2.23268715


def test_fees_tiers_and_funding_are_read(desk: Desk) -> None:
    fee = desk.client.fetch_trading_fee(SYMBOL)
    assert (fee["maker"], fee["taker"]) == (0.0002, 0.00055)
    tiers = {tier["tier"]: tier for tier in desk.client.fetch_market_leverage_tiers(SYMBOL)}
    assert (tiers[1]["maxNotional"], tiers[1]["maxLeverage"]) == (300000.0, 150.0)
    assert tiers[1]["maintenanceMarginRate"] == 0.0033
    desk.bench.funding("0.0001")
    assert desk.client.fetch_funding_rate(SYMBOL)["fundingRate"] == 0.0001


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda desk: desk.client.cancel_order("nobody", SYMBOL), ccxt.OrderNotFound),
        (lambda desk: desk.buy("big", 64000.0, qty="2"), ccxt.InsufficientFunds),
        (lambda desk: [desk.buy("twin", 64000), desk.buy("twin", 64000)], ccxt.InvalidOrder),
        (lambda desk: desk.buy("wrong", **desk.stop_at(66000)), ccxt.BadRequest),
        (lambda desk: desk.client.set_position_mode(False, SYMBOL), ccxt.NoChange),
    ],
    ids=["unknown order", "margin", "same id", "stop above", "same mode"],
)
def test_a_refusal_is_the_error_that_it_stands_for(
    desk: Desk, attempt: Callable[[Desk], object], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        attempt(desk)
