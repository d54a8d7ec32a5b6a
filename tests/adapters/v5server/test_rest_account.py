"""The account over REST: wallet, margin mode, fees, the transaction log, demo money, the key."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import cast

import attrs
import pytest

from .bench import Bench, Client, Json, account_spec
from .requests import live, market, placed, position

DEMO = attrs.evolve(account_spec(), is_demo=True)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        bench.price("60000")
        yield bench


@pytest.fixture
def client(bench: Bench) -> Client:
    return bench.client()


def wallet(client: Client) -> Json:
    return client.get("/v5/account/wallet-balance", "accountType=UNIFIED").rows[0]


def coin(client: Client) -> Json:
    (row,) = cast("list[Json]", wallet(client)["coin"])
    return row


def log(client: Client, query: str = "accountType=UNIFIED&limit=50") -> list[Json]:
    return client.get("/v5/account/transaction-log", query).rows


def number(value: object) -> Decimal:
    return Decimal(str(value))


def mode(client: Client, word: str) -> int:
    return client.post("/v5/account/set-margin-mode", setMarginMode=word).code


def test_isolated_margin_has_no_account_wide_figures(client: Client) -> None:
    row = wallet(client)
    assert row["totalEquity"] == "100000"
    for name in ("accountIMRate", "accountMMRate", "totalAvailableBalance", "totalInitialMargin"):
        assert row[name] == ""


def test_what_is_available_follows_from_the_coin_row(bench: Bench, client: Client) -> None:
    market(client, qty="0.5")
    placed(client)
    bench.price("60100")
    row = coin(client)
    free = number(row["walletBalance"]) - number(row["totalPositionIM"])
    free -= number(row["totalOrderIM"])
    venue = bench.server.call(lambda exchange: exchange.accounts.first.venue.account())
    assert free == round(venue.available.value, 8)
    # 100000 less the fee of 60000 x 0.5 x 0.00055; and 0.5 x 100.
    assert (row["walletBalance"], row["equity"]) == ("99983.5", "100033.5")
    assert (row["unrealisedPnl"], row["cumRealisedPnl"]) == ("50", "-16.5")


def test_cross_margin_has_account_wide_figures_that_add_up(bench: Bench, client: Client) -> None:
    assert mode(client, "REGULAR_MARGIN") == 0
    market(client, qty="0.5")
    bench.price("60100")
    row = wallet(client)
    available = number(row["totalMarginBalance"]) - number(row["totalInitialMargin"])
    assert number(row["totalAvailableBalance"]) == available
    rate = number(row["totalInitialMargin"]) / number(row["totalMarginBalance"])
    assert number(row["accountIMRate"]) == round(rate, 8)
    assert row["accountIMRateByMp"] == row["accountIMRate"]
    assert client.get("/v5/account/info").result["marginMode"] == "REGULAR_MARGIN"


def test_the_margin_mode_changes_only_without_position_and_order(client: Client) -> None:
    assert mode(client, "ISOLATED_MARGIN") == 110026
    assert mode(client, "SOME_MARGIN") == 10001
    assert mode(client, "") == 10001
    portfolio = client.post("/v5/account/set-margin-mode", setMarginMode="PORTFOLIO_MARGIN")
    assert portfolio.code == 3400045
    assert portfolio.result["reasons"]
    placed(client)
    refused = client.post("/v5/account/set-margin-mode", setMarginMode="REGULAR_MARGIN")
    assert refused.code == 3400045
    assert refused.result["reasons"]


def test_the_wallet_is_of_one_kind_and_one_coin(client: Client) -> None:
    path = "/v5/account/wallet-balance"
    assert client.get(path, "accountType=CONTRACT").code == 10001
    assert client.get(path).code == 10001
    assert client.get(path, "accountType=UNIFIED&coin=BTC").rows[0]["coin"] == []
    both = client.get(path, "accountType=UNIFIED&coin=BTC,USDT").rows[0]["coin"]
    assert [row["coin"] for row in cast("list[Json]", both)] == ["USDT"]


def test_fee_rates_are_those_that_are_charged(client: Client) -> None:
    rows = client.get("/v5/account/fee-rate", "category=linear&symbol=BTCUSDT").rows
    assert rows == [{"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}]
    assert len(client.get("/v5/account/fee-rate", "category=linear").rows) == 2
    assert client.get("/v5/account/fee-rate", "category=linear&symbol=X").code == 10001


def test_every_line_of_the_log_explains_its_change_and_leads_to_the_next(
    bench: Bench, client: Client
) -> None:
    market(client, qty="0.5")
    bench.funding("0.0001")
    bench.price("60100")
    market(client, "Sell", "0.2")
    rows = log(client)[::-1]
    assert [row["type"] for row in rows] == ["TRADE", "SETTLEMENT", "TRADE"]
    for row in rows:
        flows = number(row["cashFlow"]) + number(row["funding"] or 0) - number(row["fee"])
        assert number(row["change"]) == flows
    for before, after in pairwise(rows):
        assert number(after["cashBalance"]) == number(before["cashBalance"]) + number(
            after["change"]
        )
    assert number(rows[-1]["cashBalance"]) == number(coin(client)["walletBalance"])
    # A long pays a positive rate: 0.5 x 60000 x 0.0001.
    assert (rows[1]["funding"], rows[1]["size"]) == ("-3", "0.5")
    assert (rows[2]["cashFlow"], rows[2]["size"]) == ("20", "0.3")
    paid = client.get("/v5/execution/list", "category=linear&symbol=BTCUSDT&execType=Funding")
    assert (paid.rows[0]["execFee"], paid.rows[0]["feeRate"]) == ("3", "0.0001")


def test_the_log_filters(bench: Bench, client: Client) -> None:
    market(client)
    bench.funding("-0.0001")
    assert [row["type"] for row in log(client, "type=SETTLEMENT")] == ["SETTLEMENT"]
    assert number(log(client, "type=SETTLEMENT")[0]["funding"]) == Decimal("0.6")
    assert not log(client, "currency=BTC")
    assert len(log(client, "baseCoin=BTC")) == 2
    assert not log(client, "baseCoin=COARSE")


def test_the_log_reaches_back_a_day_unless_asked_for(bench: Bench, client: Client) -> None:
    start_ms = bench.now_ms()
    market(client)
    bench.advance(86_400_000 + 1_000)
    assert not log(client)
    assert len(log(client, f"startTime={start_ms}&endTime={bench.now_ms()}")) == 1


def demo(client: Client, amount: str, *, kind: int = 0, name: str = "USDT") -> int:
    rows = [{"coin": name, "amountStr": amount}]
    path = "/v5/account/demo-apply-money"
    return client.post(path, adjustType=kind, utaDemoApplyMoney=rows).code


def test_demo_money_is_in_the_wallet_and_in_the_log() -> None:
    with Bench((DEMO,)) as bench:
        client = bench.client()
        assert demo(client, "250") == 0
        bench.advance(60_000)
        assert demo(client, "50", kind=1) == 0
        assert coin(client)["walletBalance"] == "100200"
        kinds = [(row["type"], row["change"], row["cashBalance"]) for row in log(client)]
        assert kinds == [("TRANSFER_OUT", "-50", "100200"), ("TRANSFER_IN", "250", "100250")]


@pytest.mark.parametrize(
    ("amount", "kind", "name"),
    [("100001", 0, "USDT"), ("0", 0, "USDT"), ("1", 0, "BTC"), ("1", 2, "USDT"), ("x", 0, "USDT")],
)
def test_demo_money_has_limits(amount: str, kind: int, name: str) -> None:
    with Bench((DEMO,)) as bench:
        client = bench.client()
        assert demo(client, amount, kind=kind, name=name) == 10001
        assert coin(client)["walletBalance"] == "100000"


def test_demo_money_is_for_demo_accounts(client: Client) -> None:
    assert demo(client, "100") == 10001
    assert coin(client)["walletBalance"] == "100000"


def test_what_may_be_withdrawn_is_what_is_available(client: Client) -> None:
    placed(client)
    answer = client.get("/v5/account/withdrawal", "coinName=USDT,BTC")
    amounts = answer.result["availableWithdrawalMap"]
    assert number(answer.result["availableWithdrawal"]) < 100_000
    assert amounts == {"USDT": answer.result["availableWithdrawal"], "BTC": "0"}
    assert client.get("/v5/account/withdrawal").code == 10001


def test_small_queries_answer(client: Client) -> None:
    assert client.get("/v5/account/smp-group").result == {"smpGroup": 0}
    assert client.get("/v5/account/collateral-info", "currency=USDT").rows[0]["currency"] == "USDT"
    assert client.get("/v5/account/collateral-info", "currency=BTC").rows == []
    assert client.get("/v5/account/borrow-history").rows == []
    assert client.get("/v5/account/query-dcp-info").code == 0
    assert client.get("/v5/apilimit/query", "uids=1001").rows[0]["rate"] == 10
    assert client.get("/v5/apilimit/query", "uids=7").code == 10001
    assert client.get("/v5/apilimit/query-all").rows
    assert client.get("/v5/apilimit/query-cap").rows
    assert client.post("/v5/apilimit/set").code == 3500002
    coins = client.get("/v5/asset/coin/query-info", "coin=USDT").result["rows"]
    assert coins
    own = client.get("/v5/account/instruments-info", "category=linear&symbol=BTCUSDT")
    assert own.rows[0]["myRpiPermission"] is False


def test_no_collateral_can_be_switched(client: Client) -> None:
    path = "/v5/account/set-collateral-switch"
    for body in (
        {"coin": "USDT", "collateralSwitch": "OFF"},
        {"coin": "BTC", "collateralSwitch": "ON"},
        {"coin": "USDT", "collateralSwitch": "MAYBE"},
        {"coin": "USDT"},
        {"collateralSwitch": "ON"},
    ):
        assert client.post(path, **body).code == 10001, body
    message = client.post(path, coin="USDC", collateralSwitch="ON").message
    assert "USDT and USDC cannot be set" in message


def test_a_pre_check_tells_the_rates_and_sends_nothing(client: Client) -> None:
    body: Json = {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.1",
        "price": "60000",
    }
    path = "/v5/order/pre-check"
    assert client.post(path, **body).code == 10001
    mode(client, "REGULAR_MARGIN")
    answer = client.post(path, **body)
    # 6000 / 10 + fees of 3.3 and 2.97, of 100000: 0.606 %, in whole 0.01 %.
    assert (answer.result["preImrE4"], answer.result["postImrE4"]) == (0, 60)
    assert not live(client)
    short = client.post(path, **{**body, "qty": "17"})
    assert short.code == 110007
    assert "postImrE4" in str(short.body["retExtInfo"])
    conditional = client.post(path, **body, triggerPrice="61000", triggerDirection=1)
    assert conditional.code == 10001


def test_accounts_share_the_market_and_nothing_else() -> None:
    other = account_spec("second", "s2", 2, wallet="500")
    with Bench((account_spec(), other)) as bench:
        bench.price("60000")
        first, second = bench.client(), bench.client(other)
        placed(first, orderLinkId="same")
        market(first)
        assert not live(second)
        assert placed(second, qty="0.001", orderLinkId="same")
        assert (coin(first)["walletBalance"], coin(second)["walletBalance"]) == ("99996.7", "500")
        bench.price("60100")
        assert position(first)["unrealisedPnl"] == "10"
        assert position(second)["size"] == "0"


def without_time(result: Json) -> Json:
    return {name: value for name, value in result.items() if name != "ts"}


def test_everything_derived_is_the_same_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "venue.sqlite3")
    queries = (
        ("/v5/execution/list", "category=linear&symbol=BTCUSDT"),
        ("/v5/position/closed-pnl", "category=linear&symbol=BTCUSDT"),
        ("/v5/account/transaction-log", "accountType=UNIFIED"),
        ("/v5/position/list", "category=linear&symbol=BTCUSDT"),
        ("/v5/order/history", "category=linear&symbol=BTCUSDT"),
        ("/v5/order/realtime", "category=linear&symbol=BTCUSDT"),
        ("/v5/account/wallet-balance", "accountType=UNIFIED"),
        ("/v5/market/price-limit", "category=linear&symbol=BTCUSDT"),
    )
    with Bench(path=path) as bench:
        bench.price("60000")
        client = bench.client()
        market(client, qty="0.3")
        bench.funding("0.0001")
        market(client, "Sell", "0.1")
        placed(client, orderLinkId="rests")
        bench.price("60050")
        before = [without_time(client.get(*query).result) for query in queries]
    with Bench(path=path) as bench:
        client = bench.client()
        assert [without_time(client.get(*query).result) for query in queries] == before
