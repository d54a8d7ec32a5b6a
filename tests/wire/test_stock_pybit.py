"""One trade from its entry to its trailing stop, by the venue's own client and to the last digit.

The market is BTCUSDT, the wallet 10000 USDT, the fees 0.055 % and 0.02 %, the leverage 5:

- buy 0.013 at 65000.3: value 845.0039, fee 0.464752145, a tie at the eighth decimal
- funding of 0.01 %: 0.08450039 paid
- rung 1 sells 0.004 at 65600 as maker: +2.3988, fee 0.05248
- by hand 0.002 at 65600: +1.1994, fee 0.07216
- the trailing stop, 300 below the top of 65950, sells 0.007 at 65650: +4.5479, fee 0.2527525

The wallet is kept in full and shown at eight decimals: 10000 + 8.1461 - 0.926645035.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

from tests.adapters.v5server.bench import Bench, Json, account_spec

from .stock_pybit import ACK_DELAY_MS, BTC, Followed, followed, rows

ENTRY_FEE, FUNDING, RUNG_FEE, HAND_FEE, TRAIL_FEE = (
    "0.46475215",
    "0.08450039",
    "0.05248",
    "0.07216",
    "0.2527525",
)
LAST = Decimal(65650)
FINAL_WALLET = "10007.21945497"
LEGS = ("StopLoss", "TrailingStop")


@dataclass
class Story:
    """What was answered on the way, by the name of the moment, and what the streams said."""

    account: Followed
    seen: dict[str, list[Json]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def session(self) -> HTTP:
        return self.account.session

    def look(self, moment: str) -> None:
        """Remember the position, the open orders and the wallet of a moment."""
        self.seen[f"{moment}: position"] = rows(self.session.get_positions(**BTC))
        self.seen[f"{moment}: orders"] = rows(self.session.get_open_orders(**BTC, limit=50))
        wallet = self.session.get_wallet_balance(accountType="UNIFIED")
        self.seen[f"{moment}: wallet"] = rows(wallet)

    def one(self, moment: str) -> Json:
        (row,) = self.seen[moment]
        return row

    def coin(self, moment: str) -> Json:
        return coin_of(self.one(f"{moment}: wallet"))

    @contextmanager
    def refusal(self, moment: str) -> Iterator[None]:
        with pytest.raises(InvalidRequestError) as caught:
            yield
        self.refused[moment] = caught.value.status_code


def coin_of(wallet: Json) -> Json:
    coins: Any = wallet["coin"]
    (coin,) = coins
    found: Json = coin
    return found


def order(session: HTTP, link: str, side: str, qty: str, price: str = "", **more: object) -> None:
    kind: Json = {"orderType": "Limit", "price": price} if price else {"orderType": "Market"}
    answer = session.place_order(**BTC, **kind, side=side, qty=qty, orderLinkId=link, **more)
    assert answer["result"]["orderLinkId"] == link


def enter(story: Story) -> None:
    session = story.session
    story.seen["instruments"] = rows(session.get_instruments_info(**BTC))
    story.look("before")
    session.set_leverage(**BTC, buyLeverage="5", sellLeverage="5")
    with story.refusal("the same leverage"):
        session.set_leverage(**BTC, buyLeverage="5", sellLeverage="5")
    order(session, "entry", "Buy", "0.013", stopLoss="64000")
    story.look("entered")
    with story.refusal("the same stop"):
        session.set_trading_stop(**BTC, positionIdx=0, tpslMode="Full", stopLoss="64000")
    with story.refusal("the same id"):
        order(session, "entry", "Buy", "0.013", stopLoss="64000")


def ladder(story: Story) -> None:
    session = story.session
    for link, qty, price in (
        ("rung-1", "0.003", "65500"),
        ("rung-2", "0.003", "66000"),
        ("rung-3", "0.004", "66500"),
    ):
        order(session, link, "Sell", qty, price, reduceOnly=True)
    session.amend_order(**BTC, orderLinkId="rung-1", qty="0.004", price="65600")
    session.cancel_order(**BTC, orderLinkId="rung-3")
    with story.refusal("cancelled twice"):
        session.cancel_order(**BTC, orderLinkId="rung-3")
    session.set_trading_stop(
        **BTC, positionIdx=0, tpslMode="Full", trailingStop="300", activePrice="65900"
    )
    story.look("protected")


def leave(story: Story, bench: Bench) -> None:
    bench.price("65600")
    order(story.session, "by-hand", "Sell", "0.002", reduceOnly=True)
    story.look("reduced")
    for price in ("65900", "65950", "65650.1"):
        bench.price(price)
    story.look("trailing")
    bench.price("65650")
    story.look("flat")
    session = story.session
    story.seen["closed"] = rows(session.get_closed_pnl(**BTC))
    story.seen["log"] = rows(session.get_transaction_log(accountType="UNIFIED"))
    story.seen["executions"] = rows(session.get_executions(**BTC))
    story.seen["history"] = rows(session.get_order_history(**BTC))


def hear_out(account: Followed) -> None:
    """Wait for the last thing that each stream has to say."""
    account.fills.wait(lambda told: len(told) == 5, "five executions")
    account.positions.wait(lambda told: told[-1]["seq"] == 5, "the flat position")
    account.wallets.wait(
        lambda told: coin_of(told[-1])["walletBalance"] == FINAL_WALLET, "the last balance"
    )
    account.orders.wait(
        lambda told: statuses(told, "rung-2")[-1:] == ["Cancelled"], "the end of rung 2"
    )
    account.trades.wait(lambda told: len(told) == 5, "five trades")
    account.tickers.wait_last(lambda told: number(told["lastPrice"]) == LAST, "the last price")
    account.books.wait_last(lambda told: best_bid(told) == LAST, "the last best bid")


def number(text: object) -> Decimal:
    return Decimal(str(text))


def best_bid(book: Json) -> Decimal:
    levels: Any = book["b"]
    return max(number(price) for price, _ in levels)


@pytest.fixture(scope="module")
def story() -> Story:
    spec = account_spec(wallet="10000")
    with Bench([spec], ack_delay_ms=ACK_DELAY_MS) as bench:
        bench.price("65000.3")
        with followed(bench) as account:
            story = Story(account)
            enter(story)
            bench.funding("0.0001")
            ladder(story)
            leave(story, bench)
            hear_out(account)
    return story


def statuses(told: list[Json], link: str) -> list[object]:
    return [row["orderStatus"] for row in told if row["orderLinkId"] == link]


def pick(found: list[Json], *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in found]


def total(found: list[Json], name: str) -> Decimal:
    return sum((number(row[name]) for row in found), Decimal(0))


def test_the_instrument_is_described(story: Story) -> None:
    row = story.one("instruments")
    assert row["priceFilter"] == {
        "minPrice": "0.10",
        "maxPrice": "1999999.80",
        "tickSize": "0.10",
    }
    lots: Any = row["lotSizeFilter"]
    assert (lots["qtyStep"], lots["minOrderQty"], lots["minNotionalValue"]) == (
        "0.001",
        "0.001",
        "5",
    )


def test_what_changes_nothing_or_repeats_an_id_has_its_own_code(story: Story) -> None:
    assert story.refused == {
        "the same leverage": 110043,
        "the same stop": 34040,
        "the same id": 110072,
        "cancelled twice": 110001,
    }


def test_the_entry_is_paid_for_and_protected(story: Story) -> None:
    row = story.one("entered: position")
    assert pick([row], "side", "size", "avgPrice", "positionValue", "leverage", "stopLoss") == [
        ("Buy", "0.013", "65000.3", "845.0039", "5", "64000")
    ]
    # 845.0039 / 5, and the fee of closing at 65000.3 x 0.8: 676.00312 x 0.00055 = 0.371801716.
    assert row["positionIM"] == "169.37258172"
    # 845.0039 x 0.0033 = 2.78851287, and the same fee.
    assert row["positionMM"] == "3.16031459"
    # 52000.24 / (1 - 0.0033).
    assert row["liqPrice"] == "52172.40894953"
    assert row["curRealisedPnl"] == f"-{ENTRY_FEE}"
    assert story.coin("before")["walletBalance"] == "10000"
    assert story.coin("entered")["walletBalance"] == "9999.53524786"
    (stop,) = story.seen["entered: orders"]
    assert pick([stop], "stopOrderType", "orderStatus", "side", "triggerPrice", "qty") == [
        ("StopLoss", "Untriggered", "Sell", "64000", "0.013")
    ]
    assert stop["parentOrderLinkId"] == "entry"


def test_the_ladder_stands_as_it_was_amended_beside_both_stops(story: Story) -> None:
    found = story.seen["protected: orders"]
    assert set(pick(found, "orderLinkId", "stopOrderType", "price", "qty", "triggerPrice")) == {
        ("rung-1", "", "65600", "0.004", ""),
        ("rung-2", "", "66000", "0.003", ""),
        ("", "StopLoss", "0", "0.013", "64000"),
        ("", "TrailingStop", "0", "0.013", "65900"),
    }
    assert story.one("protected: position")["trailingStop"] == "300"
    # 10000 - 0.464752145 - 0.08450039
    assert story.coin("protected")["walletBalance"] == "9999.45074747"


def test_the_stops_shrink_with_the_position(story: Story) -> None:
    row = story.one("reduced: position")
    assert (row["size"], row["avgPrice"], row["positionValue"]) == ("0.007", "65000.3", "455.0021")
    # 0.007 x (65600 - 65000.3)
    assert row["unrealisedPnl"] == "4.1979"
    # 2.3988 + 1.1994 - 0.05248 - 0.07216 - 0.549252535
    assert row["curRealisedPnl"] == "2.92430747"
    legs = [leg for leg in story.seen["reduced: orders"] if leg["stopOrderType"] in LEGS]
    assert pick(legs, "qty") == [("0.007",), ("0.007",)]


def test_the_trailing_stop_waits_for_its_distance_and_then_closes_all(story: Story) -> None:
    assert story.one("trailing: position")["size"] == "0.007"
    row = story.one("flat: position")
    assert (row["side"], row["size"], row["curRealisedPnl"]) == ("", "0", "7.21945497")
    assert story.seen["flat: orders"] == []
    assert story.coin("flat")["walletBalance"] == FINAL_WALLET
    assert story.coin("flat")["cumRealisedPnl"] == "7.21945497"


def test_closed_profit_is_rounded_half_up_after_both_fees(story: Story) -> None:
    names = ("closedSize", "cumEntryValue", "cumExitValue", "openFee", "closeFee", "closedPnl")
    assert pick(story.seen["closed"], *names) == [
        # 4.5479 - 0.250251155 - 0.2527525 = 4.044896345, a tie
        ("0.007", "455.0021", "459.55", "0.25025116", TRAIL_FEE, "4.04489635"),
        # 1.1994 - 0.07150033 - 0.07216
        ("0.002", "130.0006", "131.2", "0.07150033", HAND_FEE, "1.05573967"),
        # 2.3988 - 0.14300066 - 0.05248
        ("0.004", "260.0012", "262.4", "0.14300066", RUNG_FEE, "2.20331934"),
    ]
    assert {row["side"] for row in story.seen["closed"]} == {"Sell"}


def test_the_transaction_log_has_costs_with_their_signs(story: Story) -> None:
    names = ("type", "side", "qty", "size", "cashFlow", "funding", "fee", "change")
    assert pick(story.seen["log"], *names) == [
        ("TRADE", "Sell", "0.007", "0", "4.5479", "", TRAIL_FEE, "4.2951475"),
        ("TRADE", "Sell", "0.002", "0.007", "1.1994", "", HAND_FEE, "1.12724"),
        ("TRADE", "Sell", "0.004", "0.009", "2.3988", "", RUNG_FEE, "2.34632"),
        ("SETTLEMENT", "Buy", "0.013", "0.013", "0", f"-{FUNDING}", "0", f"-{FUNDING}"),
        ("TRADE", "Buy", "0.013", "0.013", "0", "", ENTRY_FEE, f"-{ENTRY_FEE}"),
    ]
    assert [row["cashBalance"] for row in story.seen["log"]] == [
        FINAL_WALLET,
        "10002.92430747",
        "10001.79706747",
        "9999.45074747",
        "9999.53524786",
    ]


def test_executions_have_paid_funding_as_a_positive_fee(story: Story) -> None:
    names = ("execType", "execQty", "execPrice", "execFee", "isMaker", "closedSize")
    assert pick(story.seen["executions"], *names) == [
        ("Trade", "0.007", "65650", TRAIL_FEE, False, "0.007"),
        ("Trade", "0.002", "65600", HAND_FEE, False, "0.002"),
        ("Trade", "0.004", "65600", RUNG_FEE, True, "0.004"),
        ("Funding", "0.013", "65000.3", FUNDING, False, "0"),
        ("Trade", "0.013", "65000.3", ENTRY_FEE, False, "0"),
    ]


def test_the_history_has_every_order_with_its_end(story: Story) -> None:
    names = ("orderLinkId", "stopOrderType", "orderStatus", "cancelType", "cumExecQty")
    assert set(pick(story.seen["history"], *names)) == {
        ("entry", "", "Filled", "UNKNOWN", "0.013"),
        ("rung-1", "", "Filled", "UNKNOWN", "0.004"),
        ("rung-2", "", "Cancelled", "CancelByReduceOnly", "0"),
        ("rung-3", "", "Cancelled", "CancelByUser", "0"),
        ("by-hand", "", "Filled", "UNKNOWN", "0.002"),
        ("", "TrailingStop", "Filled", "UNKNOWN", "0.007"),
        ("", "StopLoss", "Deactivated", "CancelByTpSlTsClear", "0"),
    }
    prices = {row["orderLinkId"]: row["price"] for row in story.seen["history"]}
    # The bound of a market order is 1 % from the mark: 65650.303 and 64944.
    assert (prices["entry"], prices["by-hand"]) == ("65650.3", "64944")


def test_the_stream_told_every_execution_as_the_query_does(story: Story) -> None:
    told = story.account.fills.rows
    assert pick(told, "execId", "execFee", "execPrice", "execQty", "orderLinkId") == pick(
        story.seen["executions"][::-1], "execId", "execFee", "execPrice", "execQty", "orderLinkId"
    )
    assert [row["execPnl"] for row in told] == ["0", "0", "2.3988", "1.1994", "4.5479"]
    assert {row["category"] for row in told} == {"linear"}


def test_the_stream_told_the_life_of_every_order(story: Story) -> None:
    told = story.account.orders.rows
    assert statuses(told, "entry")[-1] == "Filled"
    assert statuses(told, "rung-1") == ["New", "New", "Filled"]
    assert statuses(told, "rung-2") == ["New", "Cancelled"]
    assert statuses(told, "rung-3") == ["New", "Cancelled"]
    trail = [row for row in told if row["stopOrderType"] == "TrailingStop"]
    assert [row["orderStatus"] for row in trail][-3:] == ["Triggered", "New", "Filled"]
    profits = {row["orderLinkId"]: row["closedPnl"] for row in told if row["closedPnl"] != "0"}
    assert profits == {"rung-1": "2.20331934", "by-hand": "1.05573967", "": "4.04489635"}


def test_the_last_word_of_each_stream_is_what_the_query_says(story: Story) -> None:
    position, last = story.one("flat: position"), story.account.positions.rows[-1]
    shared = position.keys() & last.keys() - {"liqPrice"}
    assert {name: last[name] for name in shared} == {name: position[name] for name in shared}
    assert (last["entryPrice"], last["liqPrice"], position["liqPrice"]) == ("0", "0", "")
    assert story.account.wallets.rows[-1] == story.one("flat: wallet")


def test_the_market_was_told_meanwhile(story: Story) -> None:
    assert [number(row["p"]) for row in story.account.trades.rows] == [
        Decimal(price) for price in ("65600", "65900", "65950", "65650.1", "65650")
    ]
    ticker: Any = story.account.tickers.messages[-1]["data"]
    assert number(ticker["bid1Price"]) == number(ticker["markPrice"]) == LAST
    assert (ticker["fundingRate"], number(ticker["prevPrice24h"])) == ("0.0001", Decimal("65000.3"))


def test_all_that_was_told_adds_up_to_the_wallet(story: Story) -> None:
    log, told = story.seen["log"], story.account.fills.rows
    explained = total(log, "change")
    assert explained == total(told, "execPnl") - total(told, "execFee")
    # Each row is rounded for itself, the wallet once.
    assert Decimal(FINAL_WALLET) - 10000 - explained == Decimal("0.00000001")
