"""What is held and what it earned: from streams that are fresh, and otherwise from the venue."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.adapters.memory.options import RequestKind
from tidegate.application.desk import Desk
from tidegate.application.position_values import Marked, Source, snapshot_of
from tidegate.application.positions import TRADES_KEPT, PositionManager
from tidegate.domain.core.ids import KEY_LENGTH
from tidegate.domain.core.inputs import TimePassed
from tidegate.domain.money import Money, Price, Qty, Rate
from tidegate.domain.orders import Purpose, Role, Side, Symbol
from tidegate.domain.reports import (
    Execution,
    PositionReport,
    RejectReason,
    StreamReport,
    StreamState,
)
from tidegate.ports.exchange import QueryFailed

from tests.domain.core.scenes import config, opened
from tests.domain.core.test_streams import NEEDED
from tests.domain.samples import BTCUSDT, COARSE

from .bench import BTC, Bench, make_bench, signal

T0 = 1_700_000_000_000


def report(**changes: Any) -> PositionReport:
    plain = PositionReport(
        symbol=BTC,
        qty=Qty.of("0.010"),
        entry_price=Price.of("65000"),
        mark=Price.of("65000"),
        leverage=Rate.of(10),
        liquidation_price=Price.of("59000"),
        stop_loss=Price.of("64000"),
        take_profit=None,
        initial_margin=Money.of("65"),
        maintenance_margin=Money.of("3.25"),
        unrealised=Money.of(0),
        sequence=1,
        time_ms=T0,
    )
    return attrs.evolve(plain, **changes)


def marked(price: str) -> Marked:
    return Marked(mark=Price.of(price), source=Source.STREAM, age_ms=5)


def values(of: PositionReport, mark: str) -> tuple[str, ...]:
    made = snapshot_of(of, marked(mark), source=Source.REST, is_ours=True, now_ms=T0 + 7)
    return tuple(
        str(value)
        for value in (
            None if made.side is None else made.side.value,
            made.notional,
            made.unrealised,
            made.profit_of_entry,
            made.profit_of_margin,
        )
    )


# By hand: 0.010 coins entered at 65,000 are 650 USDT; at 66,300 they are 663 and 13 more, which is
# 2 % of 650 and 20 % of a margin of 65.
@pytest.mark.parametrize(
    ("of", "mark", "wanted"),
    [
        (report(), "66300", ("buy", "663.000", "13.000", "0.02", "0.2")),
        (report(), "63700", ("buy", "637.000", "-13.000", "-0.02", "-0.2")),
        (report(qty=Qty.of("-0.010")), "63700", ("sell", "637.000", "13.000", "0.02", "0.2")),
        (report(initial_margin=Money.of(0)), "66300", ("buy", "663.000", "13.000", "0.02", "None")),
        (
            report(qty=Qty.of(0), entry_price=None, initial_margin=Money.of(0)),
            "66300",
            ("None", "0", "0", "None", "None"),
        ),
        (report(entry_price=None), "100", ("buy", "1.000", "1.000", "None", "0.01538461538")),
    ],
)
def test_the_figures_of_a_position_by_hand(
    of: PositionReport, mark: str, wanted: tuple[str, ...]
) -> None:
    found = values(of, mark)
    for value, hoped in zip(found, wanted, strict=True):
        assert value == hoped or value.startswith(hoped), (found, wanted)


AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False)


@given(st.decimals(min_value=-100, max_value=100, places=3), AMOUNTS, AMOUNTS)
def test_no_percentage_ever_divides_by_zero(qty: object, entry: object, margin: object) -> None:
    price = Price.of(str(entry))
    of = report(
        qty=Qty.of(str(qty)),
        entry_price=None if price.sign == 0 else price,
        initial_margin=Money.of(str(margin)),
    )
    made = snapshot_of(of, marked("65000"), source=Source.REST, is_ours=False, now_ms=T0)
    assert (made.profit_of_margin is None) == (of.initial_margin.sign == 0)
    has_cost = of.qty.sign != 0 and of.entry_price is not None
    assert (made.profit_of_entry is None) is not has_cost
    assert made.is_flat is (of.qty.sign == 0)


def read(bench: Bench) -> None:
    """Let the desk read the account once, as it does after a start."""
    bench.runner.submit(StreamReport(state=StreamState.UP, time_ms=bench.venue.now_ms()))


def disconnected() -> Bench:
    """Return a desk whose streams went down, after which its position was closed by hand."""
    bench = opened(make_bench(config=NEEDED))
    read(bench)
    bench.venue.script.disconnect()
    bench.runner.drain()
    bench.venue.script.close_by_hand(BTC)
    return bench


def test_while_the_streams_are_fresh_nobody_is_asked() -> None:
    bench = opened(make_bench(config=NEEDED))
    read(bench)
    bench.move("65500")
    bench.venue.script.fail_queries(100)
    held = bench.desk.positions.position(BTC)
    assert (held.source, held.mark_source, str(held.qty)) == (Source.STREAM, Source.STREAM, "0.010")
    assert held.unrealised == Money.of(5)
    assert held.is_ours
    assert bench.desk.positions.positions() == (held,)
    portfolio = bench.desk.positions.portfolio()
    assert portfolio.positions == (held,)
    assert portfolio.source is Source.STREAM
    assert portfolio.equity == portfolio.wallet + held.unrealised


def test_a_portfolio_says_where_it_is_from_and_how_old_it_is() -> None:
    """The streams' account ages while nothing new comes; the venue's answer is of this moment."""
    bench = opened(make_bench(config=NEEDED))
    read(bench)
    fresh = bench.desk.positions.portfolio()
    bench.venue.script.advance(7)
    older = bench.desk.positions.portfolio()
    assert (older.source, older.time_ms) == (Source.STREAM, fresh.time_ms)
    assert older.age_ms == fresh.age_ms + 7
    asked = disconnected().desk.positions.portfolio()
    assert (asked.source, asked.age_ms) == (Source.REST, 0)


def test_streams_that_are_down_are_not_believed_and_the_venue_is() -> None:
    bench = disconnected()
    state = bench.runner.state
    assert not bench.desk.positions.is_private_fresh
    assert state.view.positions[BTC].qty.sign == 1
    held = bench.desk.positions.position(BTC)
    assert (held.source, held.is_flat) == (Source.REST, True)
    assert bench.desk.positions.positions() == ()
    assert bench.desk.positions.portfolio().source is Source.REST
    assert bench.runner.state == state


def test_streams_that_are_up_again_are_believed_after_a_reading_only() -> None:
    bench = disconnected()
    bench.venue.script.fail_queries(1)
    bench.venue.script.reconnect()
    bench.runner.drain()
    assert not bench.desk.positions.is_private_fresh
    bench.pass_time(NEEDED.poll_down_ms or 0)
    assert bench.desk.positions.is_private_fresh
    assert bench.desk.positions.positions() == ()


def test_an_error_of_the_venue_is_an_error_and_no_empty_answer() -> None:
    bench = disconnected()
    asked: tuple[Callable[[PositionManager], object], ...] = (
        lambda manager: manager.position(BTC),
        PositionManager.positions,
        PositionManager.portfolio,
    )
    for ask in asked:
        bench.venue.script.fail_queries(1)
        with pytest.raises(QueryFailed):
            ask(bench.desk.positions)


def test_an_old_mark_is_not_taken_for_a_fresh_one() -> None:
    bench = opened(make_bench(config=NEEDED))
    read(bench)
    bench.venue.script.advance(NEEDED.limits.market_age_ms_max + 1)
    bench.runner.submit(TimePassed())
    bench.runner.drain()
    held = bench.desk.positions.position(BTC)
    assert held.source is Source.STREAM
    assert held.mark_source is Source.REST
    assert held.mark_age_ms <= NEEDED.limits.market_age_ms_max
    assert held.age_ms > NEEDED.limits.market_age_ms_max


def test_before_the_first_reading_a_position_of_before_is_not_overlooked() -> None:
    bench = make_bench(config=config())
    bench.venue.script.drop_next(PositionReport)
    bench.venue.script.foreign_order(BTC, side=Side.SELL, qty=Qty.of("0.003"))
    (held,) = bench.desk.positions.positions()
    assert (held.source, str(held.qty), held.is_ours) == (Source.REST, "-0.003", False)


def test_a_flat_symbol_is_a_position_of_nothing() -> None:
    held = make_bench(config=config()).desk.positions.position(BTC)
    assert held.is_flat
    assert (held.profit_of_entry, held.profit_of_margin) == (None, None)


# What it earned


def traded(bench: Bench, name: str) -> None:
    bench.desk.execute(signal(name))
    bench.desk.close_position(BTC)
    bench.pass_time(1)


def test_the_last_trades_come_newest_first_also_those_of_earlier_processes() -> None:
    bench = make_bench(config=config())
    traded(bench, "s1")
    traded(bench, "s2")
    later = Desk(runner=bench.runner, state_port=bench.state_port, keys=bench.desk._keys)
    traded(bench, "s3")
    ids = [trade.opened_ms for trade in later.positions.trades()]
    assert len(ids) == 3
    assert [trade.opened_ms for trade in later.positions.recent_trades()] == ids[::-1]
    assert [trade.opened_ms for trade in later.positions.recent_trades(2)] == ids[:0:-1]
    assert later.positions.recent_trades(3) == bench.desk.positions.recent_trades(3)
    for count in (0, TRADES_KEPT + 1):
        with pytest.raises(ValueError, match=f"accepted: 1 to {TRADES_KEPT}"):
            later.positions.recent_trades(count)


def test_performance_and_days_are_those_of_the_ledger() -> None:
    bench = make_bench(config=config())
    traded(bench, "s1")
    figures, days = bench.desk.positions.performance(), bench.desk.positions.daily()
    assert figures is not None
    assert figures.trades == 1
    assert figures == bench.desk.performance()
    assert days is not None
    assert days.days_closed == 0
    bench.venue.script.advance(86_400_000)
    bench.move("65000")
    days = bench.desk.positions.daily()
    assert days is not None
    assert (days.days_closed, str(days.rows[0].trades)) == (1, "1")


# Closing


def test_a_close_cancels_what_waits_leaves_nothing_and_says_what_it_earned() -> None:
    bench = opened()
    done = bench.desk.positions.close(BTC)
    assert done.is_flat
    assert str(done.qty_before) == "0.010"
    assert done.orders_left == ()
    assert done.net is not None
    assert done.net.sign == -1
    assert bench.venue.open_orders() == ()
    kinds = bench.kinds()
    assert kinds.index("cancel_intended") < len(kinds) - 1 - kinds[::-1].index("filled")


def test_a_close_of_nothing_says_so() -> None:
    done = make_bench(config=config()).desk.positions.close(BTC)
    assert (str(done.qty_before), done.net, done.is_flat) == ("0", None, True)


def test_a_close_that_cannot_be_verified_is_not_called_flat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = opened()

    def fail(_: Symbol) -> PositionReport:
        raise QueryFailed("no answer now")

    monkeypatch.setattr(bench.venue, "position", fail)
    done = bench.desk.positions.close(BTC)
    assert not done.is_flat
    assert (done.qty_left, done.trouble) == (None, "no answer now")


def test_a_close_that_the_venue_refuses_says_what_is_left() -> None:
    bench = opened()
    for _ in range(20):
        bench.venue.script.reject_next(RejectReason.TRADING_HALTED, request=RequestKind.PLACE)
    done = bench.desk.positions.close(BTC)
    assert not done.is_flat
    assert (str(done.qty_left), done.net) == ("0.010", None)


def test_all_is_closed_by_symbol_foreign_positions_too() -> None:
    bench = make_bench(instruments=(BTCUSDT, COARSE), config=config(), wallet="10000000")
    bench.desk.execute(signal("s1"))
    bench.venue.script.foreign_order(COARSE.symbol, side=Side.BUY, qty=COARSE.qty_min)
    bench.runner.drain()
    reports = bench.desk.positions.close_all()
    assert [one.symbol for one in reports] == sorted([BTC, COARSE.symbol])
    assert all(one.is_flat for one in reports), reports
    assert bench.venue.positions() == ()


def test_one_that_cannot_be_closed_keeps_none_of_the_others_from_it() -> None:
    bench = make_bench(instruments=(BTCUSDT, COARSE), config=config(), wallet="10000000")
    bench.desk.execute(signal("s1"))
    bench.venue.script.foreign_order(COARSE.symbol, side=Side.BUY, qty=COARSE.qty_min)
    bench.runner.drain()
    bench.venue.script.reject_next(RejectReason.TRADING_HALTED, request=RequestKind.PLACE)
    assert [one.is_flat for one in bench.desk.positions.close_all()] == [False, True]


def test_what_the_books_do_not_know_is_named_and_not_called_closed() -> None:
    bench = make_bench(config=config())
    bench.venue.script.drop_next(Execution)
    bench.venue.script.foreign_order(BTC, side=Side.BUY, qty=Qty.of("0.003"))
    bench.runner.drain()
    (report,) = bench.desk.positions.close_all()
    assert (report.symbol, str(report.qty_left), report.is_flat) == (BTC, "0.003", False)
    assert report.trouble is not None
    assert "reconcile" in report.trouble


def test_orders_of_ours_that_the_venue_still_shows_are_named_and_foreign_ones_are_not() -> None:
    bench = opened()
    name = bench.runner.state.books.client_id("0" * KEY_LENGTH, Purpose(Role.ENTRY), 0)
    for order_id in (name, None):
        for _ in range(3):
            bench.venue.script.reject_next(RejectReason.RATE_LIMITED, request=RequestKind.CANCEL)
        bench.venue.script.foreign_order(
            BTC, side=Side.BUY, qty=Qty.of("0.001"), price=Price.of("50000"), client_id=order_id
        )
    done = bench.desk.positions.close(BTC)
    assert done.orders_left == (name,)
    assert not done.is_flat
