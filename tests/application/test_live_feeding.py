"""A live market turned into what the paper venue matches against: worked by hand."""

import queue
import threading

import pytest
from tidegate.application import live_feeding
from tidegate.application.live_feeding import LiveFeeder
from tidegate.domain.market import FundingRate
from tidegate.domain.money import Price
from tidegate.domain.orders import Side
from tidegate.domain.reports import Origin, StreamReport, StreamState, VenueMessage
from tidegate.ports.exchange import QueryFailed

from tests.adapters.paper.bench import ALWAYS, MINUTE_MS, SYMBOL, Bench, plain

from .market_script import NOON_MS, ScriptedMarket, bar, funding, ticker, trade, went

SECOND_MS = 1_000
SETTLED_MS = NOON_MS + 240 * MINUTE_MS
"""16:00, when funding is settled."""
UP, DOWN = StreamState.UP, StreamState.DOWN


class Fed:
    """A paper venue fed from a scripted market, by hand."""

    def __init__(self) -> None:
        self.bench, self.market = Bench(), ScriptedMarket()
        self.told: list[VenueMessage] = []
        self.feeder = self.another()

    def another(self) -> LiveFeeder:
        """Return a feeder as a new process would make it, with a stream that is up."""
        feeder = LiveFeeder(
            venue=self.bench.venue, market=self.market, symbol=SYMBOL, retry_ms=1_000
        )
        feeder.sink = self.told.append
        return feeder

    def up(self) -> "Fed":
        self.feeder.take(went(UP))
        return self

    def long(self, *, stop: str | None = None, qty: str = "1") -> "Fed":
        """Buy at the ask."""
        self.bench.send(self.bench.order(Side.BUY, qty, stop=stop))
        return self

    def payments(self) -> list[tuple[int, str, str]]:
        """Return every funding payment as time, rate and amount."""
        rows = self.bench.venue.funding_payments(None, ALWAYS).rows
        return [(row.time_ms, str(row.rate), plain(row.amount)) for row in rows]

    def streams(self) -> list[StreamState]:
        return [report.state for report in self.told if isinstance(report, StreamReport)]


def test_a_ticker_becomes_the_quote_and_the_mark_at_its_own_time() -> None:
    fed = Fed().up()
    fed.feeder.take(ticker("60010", "60011", at_ms=NOON_MS + 7, mark="60005", size="3"))
    shown = fed.bench.venue.ticker(SYMBOL)
    assert (shown.bid, shown.ask, shown.mark) == tuple(map(Price.of, ("60010", "60011", "60005")))
    assert (plain(shown.bid_size), shown.time_ms) == ("3", NOON_MS + 7)


def test_a_size_that_was_taken_does_not_come_back_by_being_told_again() -> None:
    fed = Fed().up()
    fed.feeder.take(ticker("60000", "60001", at_ms=NOON_MS + 1, size="2"))
    fed.long(qty="2")
    fed.feeder.take(ticker("60000", "60001", at_ms=NOON_MS + 2, mark="60002", size="2"))
    assert plain(fed.bench.venue.ticker(SYMBOL).ask_size) == "0"
    fed.feeder.take(ticker("60000", "60001", at_ms=NOON_MS + 3, size="2.5"))
    assert plain(fed.bench.venue.ticker(SYMBOL).ask_size) == "2.5"


def test_time_never_goes_back_and_trades_keep_the_order_in_which_they_came() -> None:
    fed = Fed().up()
    fed.feeder.take(trade("60000.5", at_ms=NOON_MS + 20))
    fed.feeder.take(trade("60000.2", at_ms=NOON_MS + 10))
    shown = fed.bench.venue.ticker(SYMBOL)
    assert (shown.last, shown.time_ms) == (Price.of("60000.2"), NOON_MS + 20)
    told = fed.bench.venue.recent_trades(SYMBOL, count=2)
    assert [one.time_ms for one in told] == [NOON_MS + 20, NOON_MS + 20]


def test_a_trade_through_the_quote_moves_it_so_no_stop_fills_at_a_price_that_is_gone() -> None:
    fed = Fed().up().long(stop="59000")
    fed.feeder.take(trade("58500", at_ms=NOON_MS + 5))
    assert fed.bench.fills() == [("buy", "1", "60001"), ("sell", "1", "58500")]
    shown = fed.bench.venue.ticker(SYMBOL)
    assert (shown.bid, shown.ask) == (Price.of("58500"), Price.of("60001"))
    fed.feeder.take(ticker("60000", "60001", at_ms=NOON_MS + 6))
    assert fed.bench.venue.ticker(SYMBOL).bid == Price.of("60000")


def test_a_trade_within_the_quote_leaves_it_and_what_was_taken_of_it() -> None:
    fed = Fed().up().long(qty="10")
    fed.feeder.take(trade("60001", at_ms=NOON_MS + 5, side=Side.BUY))
    shown = fed.bench.venue.ticker(SYMBOL)
    assert (shown.bid, shown.ask) == (Price.of("60000"), Price.of("60001"))
    assert plain(shown.ask_size) == "0"


def test_funding_is_settled_once_at_its_time_at_the_rate_told_last_and_before_later_prices() -> (
    None
):
    fed = Fed().up().long()
    fed.feeder.take(funding("0.0001", at_ms=SETTLED_MS))
    fed.feeder.take(ticker("61000", "61001", at_ms=SETTLED_MS - SECOND_MS))
    fed.feeder.take(funding("0.0002", at_ms=SETTLED_MS))
    assert fed.payments() == []
    fed.feeder.take(ticker("70000", "70001", at_ms=SETTLED_MS + 3))
    # One BTC at the mark of 61,000: 61,000 x 0.0002.
    assert fed.payments() == [(SETTLED_MS, "0.0002", "12.2")]
    fed.feeder.take(funding("0.0002", at_ms=SETTLED_MS))
    fed.feeder.take(ticker("70000", "70001", at_ms=SETTLED_MS + 5))
    fed.feeder.take(funding("0.0003", at_ms=SETTLED_MS + 480 * MINUTE_MS))
    fed.feeder.take(trade("70000", at_ms=SETTLED_MS + 6))
    assert len(fed.payments()) == 1


def test_funding_is_not_settled_again_after_a_restart() -> None:
    fed = Fed().up().long()
    fed.feeder.take(funding("0.0001", at_ms=SETTLED_MS))
    fed.feeder.take(trade("60000", at_ms=SETTLED_MS))
    assert len(fed.payments()) == 1
    fed.market.time_ms = SETTLED_MS + 10
    fed.market.settled = (funding("0.0001", at_ms=SETTLED_MS),)
    fed.market.coming = funding("0.0001", at_ms=SETTLED_MS + 480 * MINUTE_MS)
    fed.feeder = fed.another()
    fed.up()
    fed.feeder.go_on()
    assert len(fed.payments()) == 1


def test_a_new_time_of_the_coming_funding_replaces_the_one_before() -> None:
    fed = Fed().up().long()
    fed.feeder.take(funding("0.0001", at_ms=SETTLED_MS))
    fed.feeder.take(funding("0.0002", at_ms=SETTLED_MS + 240 * MINUTE_MS))
    fed.feeder.take(trade("60000", at_ms=SETTLED_MS + 5))
    assert fed.payments() == []
    fed.feeder.take(trade("60000", at_ms=SETTLED_MS + 240 * MINUTE_MS))
    assert [rate for _, rate, _ in fed.payments()] == ["0.0002"]


def test_prices_of_an_outage_are_not_fed_and_what_was_missed_is_matched_before_it_ends() -> None:
    fed = Fed().up().long(stop="59000")
    fed.feeder.take(trade("60000", at_ms=NOON_MS + 30 * SECOND_MS))
    fed.feeder.take(went(DOWN))
    fed.feeder.take(ticker("50000", "50001", at_ms=NOON_MS + 31 * SECOND_MS))
    fed.feeder.take(trade("50000", at_ms=NOON_MS + 31 * SECOND_MS))
    assert fed.bench.venue.ticker(SYMBOL).last == Price.of("60000")
    fed.market.time_ms = NOON_MS + 2 * MINUTE_MS
    fed.market.told_bars = (
        bar(NOON_MS, ("60000", "60000", "59500", "59500")),
        # It opens beyond the stop: the gap is what it fills at.
        bar(NOON_MS + MINUTE_MS, ("58700", "59900", "58000", "59800")),
    )
    fed.market.prices = ticker("59800", "59801", at_ms=fed.market.time_ms)
    fed.bench.messages.clear()
    fed.up()
    assert fed.bench.fills()[1:] == [("sell", "1", "58700")]
    assert fed.streams() == [UP, DOWN, UP]
    shown = fed.bench.venue.ticker(SYMBOL)
    assert (shown.bid, shown.time_ms) == (Price.of("59800"), NOON_MS + 2 * MINUTE_MS)
    fed.feeder.take(trade("10000", at_ms=fed.market.time_ms - 1))
    assert fed.bench.venue.ticker(SYMBOL).last == Price.of("59800")


def test_an_extreme_that_was_seen_before_the_stop_was_set_fires_nothing_later() -> None:
    fed = Fed().up()
    fed.feeder.take(trade("58000", at_ms=NOON_MS + SECOND_MS))
    fed.feeder.take(ticker("60000", "60001", at_ms=NOON_MS + 2 * SECOND_MS))
    fed.feeder.take(trade("60000", at_ms=NOON_MS + 2 * SECOND_MS))
    fed.long(stop="59000")
    fed.feeder.take(went(DOWN))
    fed.market.time_ms = NOON_MS + MINUTE_MS
    fed.market.told_bars = (bar(NOON_MS, ("60000", "60100", "58000", "60050")),)
    fed.up()
    assert len(fed.bench.fills()) == 1
    assert Origin.STOP_LOSS in fed.bench.legs()
    # The quote is that of before the outage, and takes the place of the bar's prices again.
    assert fed.bench.venue.ticker(SYMBOL).bid == Price.of("60000")


def test_nothing_is_read_for_an_account_without_positions_and_orders() -> None:
    fed = Fed().up()
    fed.feeder.take(went(DOWN))
    fed.market.time_ms = NOON_MS + 60 * MINUTE_MS
    fed.market.traded = trade("61000", at_ms=NOON_MS + 59 * MINUTE_MS)
    fed.up()
    assert fed.market.bars_asked == []
    assert fed.bench.venue.ticker(SYMBOL).last == Price.of("61000")


def test_an_outage_is_over_only_once_what_was_missed_could_be_read() -> None:
    fed = Fed().up().long(stop="59000")
    fed.feeder.take(went(DOWN))
    fed.market.is_silent = True
    fed.up()
    fed.feeder.take(trade("58000", at_ms=NOON_MS + 5))
    assert fed.streams() == [UP, DOWN]
    assert len(fed.bench.fills()) == 1
    fed.market.is_silent = False
    fed.feeder.go_on()
    assert fed.streams() == [UP, DOWN, UP]
    fed.feeder.take(trade("58000", at_ms=NOON_MS + 6))
    assert fed.bench.fills()[1:] == [("sell", "1", "58000")]


def test_without_any_answer_there_is_no_first_price_and_the_caller_is_told() -> None:
    fed = Fed()
    fed.market.is_silent = True
    with pytest.raises(QueryFailed, match="silent"):
        fed.feeder.catch_up()


def outage_over_a_settlement(fed: Fed, settled: tuple[FundingRate, ...]) -> None:
    """Let the stream be down from a minute before the settlement until a minute after."""
    fed.feeder.take(funding("0.0001", at_ms=SETTLED_MS))
    fed.feeder.take(ticker("60000", "60001", at_ms=SETTLED_MS - MINUTE_MS))
    fed.feeder.take(went(DOWN))
    fed.market.time_ms = SETTLED_MS + MINUTE_MS
    fed.market.told_bars = tuple(
        bar(start_ms, ("60000", "60000", "60000", "60000"))
        for start_ms in (SETTLED_MS - MINUTE_MS, SETTLED_MS)
    )
    fed.market.settled = settled
    fed.market.coming = funding("0.0005", at_ms=SETTLED_MS + 480 * MINUTE_MS)
    fed.up()


def test_funding_of_an_outage_is_booked_with_the_published_rate() -> None:
    fed = Fed().up().long()
    outage_over_a_settlement(fed, (funding("0.0003", at_ms=SETTLED_MS),))
    assert fed.payments() == [(SETTLED_MS, "0.0003", "18")]
    fed.feeder.go_on()
    assert len(fed.payments()) == 1


def test_funding_of_an_outage_is_booked_once_it_is_published() -> None:
    fed = Fed().up().long()
    outage_over_a_settlement(fed, ())
    fed.feeder.go_on()
    assert fed.payments() == []
    fed.market.settled = (funding("0.0003", at_ms=SETTLED_MS),)
    fed.feeder.go_on()
    fed.feeder.go_on()
    assert [rate for _, rate, _ in fed.payments()] == ["0.0003"]


def test_funding_of_the_time_between_two_processes_is_booked_once_it_is_published() -> None:
    fed = Fed().up().long()
    fed.feeder.take(ticker("60000", "60001", at_ms=SETTLED_MS - MINUTE_MS))
    fed.market.time_ms = SETTLED_MS + MINUTE_MS
    fed.market.coming = funding("0.0005", at_ms=SETTLED_MS + 480 * MINUTE_MS)
    fed.feeder = fed.another()
    fed.up()
    assert fed.payments() == []
    fed.market.settled = (funding("0.0003", at_ms=SETTLED_MS),)
    fed.feeder.go_on()
    assert [rate for _, rate, _ in fed.payments()] == ["0.0003"]


def test_funding_of_an_outage_without_a_position_is_owed_by_nobody_who_comes_later() -> None:
    fed = Fed().up()
    outage_over_a_settlement(fed, ())
    fed.long()
    fed.market.settled = (funding("0.0003", at_ms=SETTLED_MS),)
    fed.feeder.go_on()
    fed.feeder.take(trade("60000", at_ms=SETTLED_MS + 2 * MINUTE_MS))
    assert fed.payments() == []


def test_what_comes_faster_than_it_is_fed_is_read_like_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_feeding, "WAITING_MAX", 10)
    fed, told = Fed(), queue.SimpleQueue[StreamState]()
    fed.feeder.begin(
        lambda message: told.put(message.state) if isinstance(message, StreamReport) else None
    )
    fed.market.may_answer.clear()
    fed.feeder.hear(went(UP))
    for at_ms in range(100):
        fed.feeder.hear(trade("60000", at_ms=NOON_MS + at_ms))
    fed.market.may_answer.set()
    states = [told.get(timeout=10) for _ in range(3)]
    fed.feeder.stop()
    assert states == [UP, DOWN, UP]


def test_a_fault_ends_the_feed_and_is_told() -> None:
    fed, ended = Fed(), threading.Event()
    fed.feeder.when_over = ended.set
    fed.feeder.begin(fed.told.append)
    fed.bench.venue.close()
    fed.feeder.hear(trade("60000", at_ms=NOON_MS))
    fed.feeder.hear(funding("0.0001", at_ms=SETTLED_MS))
    assert ended.wait(10)
    assert isinstance(fed.feeder.failure, QueryFailed)
    fed.feeder.stop()
