"""A short position under cross margin by stock pybit: added to, reversed, closed in parts.

- sell 0.02 at 65000.3: value 1300.006, fee 0.7150033
- a post-only order adds 0.01 at 64600 as maker: fee 0.1292; the entry is 1946.006 / 0.03
- buy 0.05 at 64600.1: closes 0.03 for 1946.006 - 1938.003 = +8.003, opens 0.02; fee 1.77650275
- half of it leaves by a partial take-profit at 65500: +8.999, fee 0.36025; the rest by quantity 0

10000 - 0.7150033 - 0.1292 + 8.003 - 1.77650275 + 2 x (8.999 - 0.36025) = 10022.65979395.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pybit.unified_trading import HTTP

from tests.adapters.v5server.bench import Bench, Json, account_spec

from .stock_pybit import ACK_DELAY_MS, BTC, Followed, followed, rows

FINAL_WALLET = "10022.65979395"


@dataclass
class Story:
    """The position, the wallet, its coin and the open orders at each moment."""

    account: Followed
    positions: dict[str, Json] = field(default_factory=dict)
    wallets: dict[str, Json] = field(default_factory=dict)
    coins: dict[str, Json] = field(default_factory=dict)
    orders: dict[str, list[Json]] = field(default_factory=dict)
    closed: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)
    history: list[Json] = field(default_factory=list)

    @property
    def session(self) -> HTTP:
        return self.account.session

    def look(self, moment: str) -> None:
        (self.positions[moment],) = rows(self.session.get_positions(**BTC))
        (wallet,) = rows(self.session.get_wallet_balance(accountType="UNIFIED"))
        coins: Any = wallet["coin"]
        self.wallets[moment], self.coins[moment] = wallet, coins[0]
        self.orders[moment] = rows(self.session.get_open_orders(**BTC, limit=50))

    def send(self, link: str, side: str, qty: str, **more: object) -> None:
        kind = "Limit" if "price" in more else "Market"
        order: Json = {"side": side, "qty": qty, "orderType": kind, "orderLinkId": link}
        self.session.place_order(**BTC, **order, **more)


def trade_short(story: Story, bench: Bench) -> None:
    story.session.set_margin_mode(setMarginMode="REGULAR_MARGIN")
    story.send("short", "Sell", "0.02", takeProfit="64000", stopLoss="66000")
    story.look("short")
    bench.price("64500")
    story.send("add", "Sell", "0.01", price="64600", timeInForce="PostOnly")
    story.send("crossing", "Sell", "0.01", price="64400", timeInForce="PostOnly")
    story.look("waiting")
    bench.price("64600.1")
    story.look("added")


def trade_long(story: Story, bench: Bench) -> None:
    story.send("reverse", "Buy", "0.05")
    story.look("reversed")
    story.send("ioc", "Sell", "0.01", price="66000", timeInForce="IOC")
    legs: Json = {"takeProfit": "65500", "stopLoss": "64100", "tpSize": "0.01", "slSize": "0.01"}
    story.session.set_trading_stop(**BTC, positionIdx=0, tpslMode="Partial", **legs)
    bench.price("65500")
    story.look("halved")
    story.send("all", "Sell", "0", reduceOnly=True, closeOnTrigger=True)
    story.look("closed")


@pytest.fixture(scope="module")
def story() -> Story:
    with Bench([account_spec(wallet="10000")], ack_delay_ms=ACK_DELAY_MS) as bench:
        bench.price("65000.3")
        with followed(bench) as account:
            story = Story(account)
            trade_short(story, bench)
            trade_long(story, bench)
            session = account.session
            story.closed = rows(session.get_closed_pnl(**BTC))
            story.log = rows(session.get_transaction_log(accountType="UNIFIED"))
            story.history = rows(session.get_order_history(**BTC))
            account.positions.wait(lambda told: told[-1]["seq"] == 5, "the flat position")
            account.fills.wait(lambda told: len(told) == 5, "five executions")
    return story


def pick(found: Json, *names: str) -> tuple[object, ...]:
    return tuple(found[name] for name in names)


def test_a_short_position_under_cross_margin_adds_up(story: Story) -> None:
    row = story.positions["short"]
    assert pick(row, "side", "size", "avgPrice") == ("Sell", "0.02", "65000.3")
    # A tenth of 1300.006, and the fee of closing at eleven tenths: 1430.0066 x 0.00055.
    assert row["positionIM"] == "130.78710363"
    # 1300.006 x 0.0033, and the same fee.
    assert row["positionMM"] == "5.07652343"
    # (1300.006 + 9999.2849967) / (0.02 x (1 + 0.0033 + 0.00055 x 1.1))
    assert row["liqPrice"] == "562766.94491511"
    # (1300.006 - 0.7150033) / (0.02 x 1.00055)
    assert row["breakEvenPrice"] == "64928.83897356"


def test_the_account_s_rates_are_shares_of_its_margin_balance(story: Story) -> None:
    wallet = story.wallets["short"]
    assert wallet["totalMarginBalance"] == "9999.2849967"
    assert pick(wallet, "totalInitialMargin", "accountIMRate") == ("130.78710363", "0.01307965")
    assert pick(wallet, "totalMaintenanceMargin", "accountMMRate") == ("5.07652343", "0.00050769")
    assert wallet["totalAvailableBalance"] == "9868.49789307"


def test_unrealised_profit_counts_as_margin_and_orders_hold_some(story: Story) -> None:
    wallet, coin = story.wallets["waiting"], story.coins["waiting"]
    # 0.02 x (65000.3 - 64500)
    assert pick(coin, "unrealisedPnl", "walletBalance") == ("10.006", "9999.2849967")
    # 64.6, and the taker fees of 646 to open and of 710.6 to close.
    assert coin["totalOrderIM"] == "65.34613"
    # A tenth of 1290 and the fee of 1419: 129.78045, and the order's.
    assert wallet["totalInitialMargin"] == "195.12658"
    # 10009.2909967 - 195.12658
    assert wallet["totalAvailableBalance"] == "9814.1644167"


def test_a_post_only_order_rests_or_is_cancelled(story: Story) -> None:
    ends = {row["orderLinkId"]: row for row in story.history}
    assert pick(ends["add"], "orderStatus", "avgPrice") == ("Filled", "64600")
    assert pick(ends["crossing"], "orderStatus", "rejectReason") == (
        "Cancelled",
        "EC_PostOnlyWillTakeLiquidity",
    )
    assert pick(ends["ioc"], "orderStatus", "rejectReason") == (
        "Cancelled",
        "EC_NoImmediateQtyToFill",
    )


def test_what_was_added_moves_the_entry_and_both_legs(story: Story) -> None:
    row = story.positions["added"]
    # 1946.006 / 0.03; the value is the exact one.
    assert pick(row, "size", "avgPrice", "positionValue") == ("0.03", "64866.86666667", "1946.006")
    assert pick(row, "unrealisedPnl", "curRealisedPnl") == ("8.003", "-0.8442033")
    # 193.8003 + 1938.003 x 1.1 x 0.00055, and 6.3954099 with the same fee: 7.567901715, a tie.
    assert pick(row, "positionIM", "positionMM") == ("194.97279182", "7.56790172")
    assert {pick(leg, "stopOrderType", "qty", "side") for leg in story.orders["added"]} == {
        ("TakeProfit", "0.03", "Buy"),
        ("StopLoss", "0.03", "Buy"),
    }


def test_a_reversal_opens_a_position_of_its_own(story: Story) -> None:
    row = story.positions["reversed"]
    assert pick(row, "side", "size", "avgPrice") == ("Buy", "0.02", "64600.1")
    # Only the fee of opening it, 1292.002 x 0.00055; what the short one made is in the total.
    assert pick(row, "curRealisedPnl", "cumRealisedPnl") == ("-0.7106011", "5.38229395")
    # (1292.002 + 0.7106011) / (0.02 x 0.99945)
    assert row["breakEvenPrice"] == "64671.19921457"
    # The whole wallet stands behind it: no price above zero liquidates.
    assert row["liqPrice"] == ""
    assert pick(row, "takeProfit", "stopLoss") == ("", "")
    assert story.orders["reversed"] == []


def test_a_partial_take_profit_leaves_the_rest_and_ends_its_pair(story: Story) -> None:
    assert pick(story.positions["halved"], "size", "unrealisedPnl") == ("0.01", "8.999")
    assert story.orders["halved"] == []
    ends = {row["stopOrderType"]: pick(row, "orderStatus", "cancelType") for row in story.history}
    assert ends["PartialTakeProfit"] == ("Filled", "UNKNOWN")
    assert ends["PartialStopLoss"] == ("Deactivated", "CancelByOCOSlCanceledByTpTriggered")


def test_a_quantity_of_zero_closes_what_is_left(story: Story) -> None:
    assert pick(story.positions["closed"], "side", "size") == ("", "0")
    assert pick(story.coins["closed"], "walletBalance", "cumRealisedPnl") == (
        FINAL_WALLET,
        "22.65979395",
    )


def test_closed_profit_of_a_reversal_is_that_of_its_first_part(story: Story) -> None:
    names = ("side", "qty", "closedSize", "cumEntryValue", "cumExitValue", "closedPnl")
    assert [pick(row, *names) for row in story.closed] == [
        # 8.999 - 0.35530055 - 0.36025
        ("Sell", "0.01", "0.01", "646.001", "655", "8.28344945"),
        ("Sell", "0.01", "0.01", "646.001", "655", "8.28344945"),
        # 8.003 - 0.8442033 - 1938.003 x 0.00055
        ("Buy", "0.05", "0.03", "1946.006", "1938.003", "6.09289505"),
    ]


def test_the_log_shows_a_short_position_as_a_negative_size(story: Story) -> None:
    names = ("side", "qty", "size", "cashFlow", "fee", "change")
    assert [pick(row, *names) for row in story.log] == [
        ("Sell", "0.01", "0", "8.999", "0.36025", "8.63875"),
        ("Sell", "0.01", "0.01", "8.999", "0.36025", "8.63875"),
        ("Buy", "0.05", "0.02", "8.003", "1.77650275", "6.22649725"),
        ("Sell", "0.01", "-0.03", "0", "0.1292", "-0.1292"),
        ("Sell", "0.02", "-0.02", "0", "0.7150033", "-0.7150033"),
    ]


def test_the_stream_told_the_same_positions(story: Story) -> None:
    told = {row["seq"]: row for row in story.account.positions.rows}
    for seq, moment in enumerate(("short", "added", "reversed", "halved", "closed"), start=1):
        asked, pushed = story.positions[moment], told[seq]
        names = ("side", "size", "positionValue", "curRealisedPnl", "cumRealisedPnl")
        assert pick(pushed, *names) == pick(asked, *names)
        assert pushed["entryPrice"] == asked["avgPrice"]
