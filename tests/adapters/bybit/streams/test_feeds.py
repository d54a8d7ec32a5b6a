"""What pushes become: reports to the sink, and the latest values with their age."""

import threading
from typing import Any

import attrs
import pytest
from tidegate.adapters.bybit.streams.hub import StreamHub
from tidegate.domain.money import Money, Price, Qty
from tidegate.domain.orders import Side
from tidegate.domain.reports import (
    AccountReport,
    Execution,
    FundingPayment,
    MarginMode,
    OrderReport,
    PositionReport,
    StreamState,
    Ticker,
    UnreadableReport,
)

from tests.adapters.bybit.streams.bench import (
    BTC,
    PRIVATE,
    PUBLIC,
    QUICK,
    Ear,
    WallClock,
    book_message,
    hub_on,
    limits,
    private_message,
    ticker_message,
)
from tests.adapters.bybit.streams.scripted import ScriptedVenue

ORDER = {
    "category": "linear", "symbol": "BTCUSDT", "orderId": "o-1", "orderLinkId": "x-1",
    "side": "Buy", "orderType": "Limit", "orderStatus": "New", "qty": "0.5", "price": "64000",
    "cumExecQty": "0", "cumExecValue": "0", "timeInForce": "GTC", "reduceOnly": False,
    "createType": "CreateByUser", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError",
    "positionIdx": 0, "triggerPrice": "", "triggerDirection": 0, "triggerBy": "",
    "takeProfit": "", "stopLoss": "", "createdTime": "1700000000000",
    "updatedTime": "1700000000001", "avgPrice": "", "leavesQty": "0.5",
}  # fmt: skip
EXECUTION = {
    "category": "linear", "symbol": "BTCUSDT", "orderId": "o-1", "orderLinkId": "x-1",
    "side": "Buy", "execId": "e-1", "execPrice": "64000", "execQty": "0.5", "execType": "Trade",
    "execFee": "17.6", "feeRate": "0.00055", "isMaker": False, "execTime": "1700000000002",
    "createType": "CreateByUser", "seq": 5, "execValue": "32000", "markPrice": "64000",
}  # fmt: skip
POSITION = {
    "category": "linear", "symbol": "BTCUSDT", "side": "Sell", "size": "0.5",
    "entryPrice": "64000", "markPrice": "64001", "leverage": "10", "liqPrice": "", "positionIdx": 0,
    "takeProfit": "", "stopLoss": "65000", "trailingStop": "0", "positionIM": "3200",
    "positionMM": "160", "unrealisedPnl": "-0.5", "seq": 5, "updatedTime": "1700000000003",
    "createdTime": "1700000000000",
}  # fmt: skip
WALLET = {
    "accountType": "UNIFIED", "totalAvailableBalance": "", "accountIMRate": "", "accountMMRate": "",
    "coin": [{
        "coin": "USDT", "equity": "1001", "walletBalance": "1000", "totalPositionIM": "100",
        "totalOrderIM": "10", "locked": "0", "bonus": "", "usdValue": "1001",
    }],
}  # fmt: skip


def _opened(venue: ScriptedVenue, hub: StreamHub) -> Ear:
    ear = Ear()
    hub.open(ear, [BTC])
    assert hub.wait_up(10_000)
    assert ear.until(lambda ear: StreamState.UP in ear.states())
    return ear


def _told(*messages: Any, mode: MarginMode | None = MarginMode.ISOLATED) -> Ear:
    """Return what a sink heard; a last order shows that everything before it was taken."""
    last = private_message("order", ORDER | {"orderId": "last"})
    with ScriptedVenue() as venue, hub_on(venue, margin_mode=lambda: mode) as hub:
        ear = _opened(venue, hub)
        venue.push(PRIVATE, *messages, last)
        assert ear.until(lambda ear: any(o.venue_id == "last" for o in ear.of(OrderReport)))
    return ear


def test_each_private_topic_becomes_its_report() -> None:
    ear = _told(
        private_message("order", ORDER),
        private_message("execution", EXECUTION),
        private_message("position", POSITION),
        private_message("wallet", WALLET),
    )
    assert ear.of(OrderReport)[0].client_id == "x-1"
    (fill,), (position,) = ear.of(Execution), ear.of(PositionReport)
    assert (fill.execution_id, fill.price, fill.fee) == ("e-1", Price.of(64000), Money.of("17.6"))
    assert (position.qty, position.stop_loss) == (Qty.of("-0.5"), Price.of(65000))
    assert position.sequence == 5
    (account,) = ear.of(AccountReport)
    assert (account.wallet, account.available) == (Money.of(1000), Money.of(890))
    assert account.time_ms == 1_700_000_000_000


def test_a_funding_row_becomes_a_payment() -> None:
    row = EXECUTION | {"execType": "Funding", "execId": "f-1", "execFee": "3.2", "side": "Sell"}
    ear = _told(private_message("execution", row | {"feeRate": "0.0001", "orderType": "UNKNOWN"}))
    (payment,) = ear.of(FundingPayment)
    assert (payment.payment_id, payment.amount) == ("f-1", Money.of("3.2"))


def test_repeated_and_older_rows_pass_in_the_order_of_their_arrival() -> None:
    ear = _told(
        private_message("execution", EXECUTION, EXECUTION),
        private_message("position", POSITION, POSITION | {"seq": 4}),
    )
    assert [fill.execution_id for fill in ear.of(Execution)] == ["e-1", "e-1"]
    assert [report.sequence for report in ear.of(PositionReport)] == [5, 4]


def test_one_bad_row_is_reported_and_its_neighbours_pass() -> None:
    bad = ORDER | {"orderStatus": "Wonder", "orderId": "bad"}
    ear = _told(private_message("order", ORDER, bad, ORDER | {"orderId": "o-2"}))
    assert [order.venue_id for order in ear.of(OrderReport)] == ["o-1", "o-2", "last"]
    (report,) = ear.of(UnreadableReport)
    assert report.source == "private stream order"
    assert "Wonder" in report.text


def test_rows_of_other_products_are_left_out() -> None:
    ear = _told(private_message("order", ORDER | {"category": "spot", "orderStatus": "Odd"}))
    assert [order.venue_id for order in ear.of(OrderReport)] == ["last"]
    assert ear.of(UnreadableReport) == []


def test_balances_of_an_unknown_margin_mode_are_left_out() -> None:
    ear = _told(private_message("wallet", WALLET), mode=None)
    assert ear.of(AccountReport) == []
    assert ear.of(UnreadableReport) == []


def test_the_ticker_goes_to_the_sink_and_is_kept_with_its_age() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        assert hub.ticker(BTC) is None
        ts = WallClock().now_ms() - 1_000
        venue.push(PUBLIC, ticker_message(), ticker_message("delta", ts=ts, lastPrice="64001"))
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 2)
        aged = hub.ticker(BTC)
        assert aged is not None
        assert aged.value == ear.of(Ticker)[1]
        assert aged.value.last == Price.of(64001)
        assert aged.time_ms == ts
        assert 1_000 <= aged.age_ms <= 5_000
        assert aged.is_fresh


def test_an_old_value_is_never_fresh() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        ts = WallClock().now_ms() - QUICK.value_age_ms_max - 1
        venue.push(PUBLIC, ticker_message(ts=ts))
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        aged = hub.ticker(BTC)
        assert aged is not None
        assert not aged.is_fresh


def test_a_value_stamped_ahead_is_judged_by_when_it_came() -> None:
    config = attrs.evolve(QUICK, value_age_ms_max=1)
    with ScriptedVenue() as venue, hub_on(venue, config=config) as hub:
        ear = _opened(venue, hub)
        venue.push(PUBLIC, ticker_message(ts=WallClock().now_ms() + 3_600_000))
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        threading.Event().wait(0.02)
        aged = hub.ticker(BTC)
        assert aged is not None
        assert (aged.age_ms >= 20, aged.is_fresh) == (True, False)


def test_nothing_is_fresh_while_the_stream_is_down_nor_before_a_new_snapshot() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch_book(BTC)
        venue.push(
            PUBLIC, book_message("snapshot", 5, [["1", "1"]], [["2", "1"]]), ticker_message()
        )
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        assert hub.book(BTC) is not None
        venue.is_refusing = True
        venue.abort(PUBLIC)
        assert ear.until(lambda ear: ear.states()[-1] is StreamState.DOWN)
        aged = hub.ticker(BTC)
        assert aged is not None
        assert not aged.is_fresh
        assert hub.book(BTC) is None
        venue.is_refusing = False
        assert hub.wait_up(10_000)
        venue.push(PUBLIC, ticker_message("delta", lastPrice="1"))
        venue.push(PUBLIC, book_message("delta", 6, [["1", "5"]], []))
        venue.push(PUBLIC, ticker_message(lastPrice="64002"))
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 2)
        assert ear.of(Ticker)[1].last == Price.of(64002)
        assert hub.book(BTC) is None
        fresh = hub.ticker(BTC)
        assert fresh is not None
        assert fresh.is_fresh


def test_a_gap_in_the_book_subscribes_it_anew() -> None:
    topic = "orderbook.50.BTCUSDT"
    first = book_message("snapshot", 5, [["1", "1"]], [["2", "1"]])
    second = book_message("snapshot", 9, [["1.5", "1"]], [["2", "1"]])
    with ScriptedVenue(snapshots={topic: [first]}) as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch_book(BTC)
        (session,) = venue.live(PUBLIC)
        venue.snapshots[topic] = [second, ticker_message()]
        venue.push(PUBLIC, book_message("delta", 7, [["1.2", "1"]], []))
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        ops = [message["op"] for message in session.heard if topic in message.get("args", ())]
        assert ops == ["subscribe", "unsubscribe", "subscribe"]
        bid, ask = hub.best(BTC)
        assert bid is not None
        assert ask is not None
        assert (bid.price, ask.price) == (Price.of("1.5"), Price.of(2))
        assert len(venue.live(PUBLIC)) == 1


def test_a_book_without_a_new_snapshot_replaces_the_connection() -> None:
    topic = "orderbook.50.BTCUSDT"
    snapshot = book_message("snapshot", 5, [["1", "1"]], [["2", "1"]])
    config = limits(answer_wait_ms=300)
    with ScriptedVenue() as venue, hub_on(venue, config=config) as hub:
        ear = _opened(venue, hub)
        hub.watch_book(BTC)
        venue.push(PUBLIC, snapshot, book_message("delta", 7, [], []))
        assert ear.until(lambda ear: ear.states()[:2] == [StreamState.UP, StreamState.DOWN])
        venue.snapshots[topic] = [snapshot]
        assert ear.until(lambda ear: ear.states()[-1] is StreamState.UP)


def test_a_venue_whose_books_never_fit_is_not_flooded() -> None:
    topic = "orderbook.50.BTCUSDT"
    crossed = book_message("snapshot", 5, [["3", "1"]], [["2", "1"]])
    with ScriptedVenue(snapshots={topic: [crossed]}) as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch_book(BTC)
        venue.push(PUBLIC, *[crossed] * 50, ticker_message())
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        (session,) = venue.live(PUBLIC)
        assert len([m for m in session.heard if topic in m.get("args", ())]) <= 3
        assert hub.book(BTC) is None


def test_a_book_that_cannot_be_subscribed_anew_replaces_the_connection() -> None:
    topic = "orderbook.50.BTCUSDT"
    snapshot = book_message("snapshot", 5, [["1", "1"]], [["2", "1"]])
    with ScriptedVenue(snapshots={topic: [snapshot]}) as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch_book(BTC)
        venue.refused_topics.add(topic)
        venue.push(PUBLIC, book_message("delta", 7, [], []))
        assert ear.until(lambda ear: StreamState.DOWN in ear.states())
        venue.refused_topics.clear()
        assert hub.wait_up(10_000)


def test_trades_and_bars_are_kept_oldest_first() -> None:
    now_ms = WallClock().now_ms()
    trade = {"T": now_ms, "s": "BTCUSDT", "S": "Sell", "v": "0.1", "p": "64000", "i": "t-1"}
    bar = {
        "start": 60_000, "end": 119_999, "interval": "1", "open": "1", "close": "2", "high": "3",
        "low": "1", "volume": "4", "turnover": "8", "confirm": True, "timestamp": now_ms,
    }  # fmt: skip
    later = bar | {"start": 120_000, "end": 179_999, "confirm": False}
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        ear = _opened(venue, hub)
        hub.watch_trades(BTC)
        hub.watch_bars(BTC, "1")
        venue.push(
            PUBLIC,
            {"topic": "publicTrade.BTCUSDT", "data": [trade, trade | {"i": "t-2"}], "ts": now_ms},
            {"topic": "kline.1.BTCUSDT", "data": [bar], "ts": now_ms},
            {"topic": "kline.1.BTCUSDT", "data": [later], "ts": now_ms},
            {"topic": "kline.1.BTCUSDT", "data": [later | {"close": "3"}], "ts": now_ms},
            ticker_message(),
        )
        assert ear.until(lambda ear: len(ear.of(Ticker)) == 1)
        trades, bars = hub.trades(BTC), hub.bars(BTC, "1")
        assert trades is not None
        assert bars is not None
        assert [one.trade_id for one in trades.value] == ["t-1", "t-2"]
        assert trades.value[0].side is Side.SELL
        assert [one.is_closed for one in bars.value] == [True, False]
        assert [one.bar.end_ms for one in bars.value] == [120_000, 180_000]
        assert bars.value[1].bar.close == Price.of(3)
        assert trades.is_fresh
        assert bars.is_fresh


def test_an_interval_that_the_venue_lacks_is_refused() -> None:
    with ScriptedVenue() as venue, hub_on(venue) as hub:
        hub.open(Ear(), [])
        with pytest.raises(ValueError, match="interval '7'; accepted: 1, 3, 5"):
            hub.watch_bars(BTC, "7")
