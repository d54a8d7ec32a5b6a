"""Records and bars agree with what happened at the venue."""

from collections.abc import Iterator

import attrs
import pytest
from tidegate.domain.money import ZERO_MONEY, Money, Price, Rate
from tidegate.domain.orders import ClientId, Reduction, Side
from tidegate.domain.records import ChangeKind
from tidegate.ports.exchange import Accepted, QueryFailed, TimeRange

from tests.contracts.bybit_bench import BybitBench

from .test_changes import BTC, MARKET, Scene

MINUTE_MS = 60_000


@pytest.fixture
def scene() -> Iterator[Scene]:
    bench = BybitBench()
    yield Scene(bench)
    bench.close()


def _round_trip(scene: Scene) -> TimeRange:
    """Open at 60,000, pay funding, close at 61,000."""
    start_ms = scene.control.now_ms()
    scene.hold()
    scene.control.advance(1_000)
    scene.control.pay_funding(BTC, Rate.of("0.0001"))
    scene.control.price(BTC, Price.of("61000"))
    close = attrs.evolve(MARKET, client_id=ClientId("close"), side=Side.SELL, reduce_only=True)
    assert isinstance(scene.port.place(Reduction(close)), Accepted)
    return TimeRange(start_ms=start_ms, end_ms=scene.control.now_ms())


def test_a_closed_profit_is_the_price_difference_less_fees(scene: Scene) -> None:
    """0.01 x 1,000 - 0.01 x (60,000 + 61,000) x 0.00055 = 10 - 0.6655."""
    within = _round_trip(scene)
    history = scene.bench.venue.closed_profits(BTC, within)
    (record,) = history.rows
    assert history.is_complete
    assert record.side is Side.SELL
    assert (record.entry, record.exit) == (Price.of(60000), Price.of(61000))
    assert record.profit == Money.of("9.3345")
    assert scene.bench.venue.closed_profits(None, within).rows == history.rows


def test_the_log_adds_up_to_the_wallet(scene: Scene) -> None:
    before = scene.port.account().wallet
    entries = scene.bench.venue.account_changes(_round_trip(scene)).rows
    assert {entry.kind for entry in entries} == {ChangeKind.TRADE, ChangeKind.FUNDING}
    changes = sum((entry.change for entry in entries), start=ZERO_MONEY)
    assert scene.port.account().wallet == before + changes
    for entry in entries:
        assert entry.change == entry.cash_flow + entry.funding - entry.fee
    (paid,) = scene.port.funding_payments(BTC, _since_start(scene)).rows
    assert [-entry.funding for entry in entries if entry.kind is ChangeKind.FUNDING] == [
        paid.amount
    ]


def _since_start(scene: Scene) -> TimeRange:
    now_ms = scene.control.now_ms()
    return TimeRange(start_ms=now_ms - 3_600_000, end_ms=now_ms)


def test_bars_are_ascending_and_begin_within_the_range(scene: Scene) -> None:
    for price in ("60000", "60010", "59990", "60020"):
        scene.control.price(BTC, Price.of(price))
        scene.control.advance(MINUTE_MS)
    bars = scene.port.bars(BTC, interval_ms=MINUTE_MS, within=_since_start(scene)).rows
    starts = [bar.start_ms for bar in bars]
    assert starts == sorted(set(starts))
    assert all(bar.end_ms - bar.start_ms == MINUTE_MS for bar in bars)
    assert {Price.of("60010"), Price.of("60020")} <= {bar.close for bar in bars}
    later = TimeRange(start_ms=starts[-1], end_ms=starts[-1])
    found = scene.port.bars(BTC, interval_ms=MINUTE_MS, within=later).rows
    assert [bar.start_ms for bar in found] == starts[-1:]


def test_an_interval_that_the_venue_does_not_have_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="bars of 420000 ms"):
        scene.port.bars(BTC, interval_ms=7 * MINUTE_MS, within=_since_start(scene))


def test_the_key_says_what_it_may_do(scene: Scene) -> None:
    key = scene.bench.venue.records.api_key()
    assert (key.is_read_only, key.may_order, key.may_move_positions) == (False, True, True)
    assert (key.may_withdraw, key.is_unified) == (False, True)


def test_a_failed_query_is_no_empty_record(scene: Scene) -> None:
    within = _since_start(scene)
    scene.control.fail_next_query()
    with pytest.raises(QueryFailed, match="502"):
        scene.bench.venue.closed_profits(BTC, within)
